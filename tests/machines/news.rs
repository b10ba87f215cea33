//! A wait for an answer that news can end: `join` is said again when the room is heard of.

use std::time::Duration;

use coguestd::model::command::{DeviceCommand, SetUserInfo};
use coguestd::model::message::Membership;

use super::by_hand::ByHand;

/// Inside, with a `join` that the host has missed.
fn renewing() -> ByHand {
    let mut hand = ByHand::inside();
    let user_name = Some("Another".to_owned().try_into().expect("a name"));
    hand.device(DeviceCommand::SetUserInfo(SetUserInfo { user_name, avatar_url: None }))
        .expect("it is taken");
    hand
}

#[test]
fn news_of_the_room_end_the_wait_for_the_answer_to_a_join() {
    let mut hand = renewing();
    hand.pass(7);
    let before = hand.joins().len();
    hand.news();
    assert_eq!(hand.joins().len(), before + 1, "at once");
    hand.answer_join(Membership::default());
    hand.news();
    hand.pass(60);
    assert_eq!(hand.joins().len(), before + 1, "it was answered");
}

#[test]
fn news_right_after_a_join_are_not_forgotten() {
    let mut hand = renewing();
    hand.pass(7);
    hand.news();
    let before = hand.joins().len();
    hand.stand.pass(Duration::from_millis(300));
    hand.news();
    assert_eq!(hand.joins().len(), before);
    hand.stand.pass(Duration::from_millis(1_000));
    assert_eq!(hand.joins().len(), before + 1);
}

#[test]
fn a_busy_room_is_not_flooded() {
    let mut hand = renewing();
    let before = hand.joins().len();
    for _ in 0..200 {
        hand.stand.pass(Duration::from_millis(100));
        hand.news();
    }
    let said = hand.joins().len() - before;
    assert!((15..=21).contains(&said), "at most once a second: {said} in 20 s");
}
