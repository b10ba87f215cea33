//! A far side of which nothing is heard: who is live with it tries anew, and leaves in the end.

use std::time::Duration;

use coguestd::guest::Output;
use coguestd::model::event::Event;
use coguestd::model::media::{Ask, Path, Report};
use coguestd::model::message::{Grant, ToHost, UnseatReason};
use coguestd::model::server::ServerAsk;
use coguestd::model::state::DeviceStatus;
use coguestd::model::{Cause, Media, Phase};

use super::by_hand::{ByHand, events};

fn silent(hand: &mut ByHand) -> Vec<Output> {
    let report = Report::Path { session: hand.peer(), path: Path::Silent { since: hand.stand.now } };
    hand.report(report)
}

fn phase(hand: &ByHand) -> Option<Phase> {
    hand.stand.guest.snapshot().seat.map(|seat| seat.phase)
}

/// The attempt and the cause, where one was made.
fn recovering(outputs: &[Output]) -> Option<(u32, Cause)> {
    events(outputs).into_iter().find_map(|event| match event {
        Event::MediaRecovering { attempt, cause, why } => {
            assert!(!why.is_empty());
            Some((*attempt, *cause))
        }
        _ => None,
    })
}

#[test]
fn six_seconds_without_a_word_are_the_end_of_a_connection() {
    let mut hand = ByHand::seated(Media::Video);
    hand.go_live();
    silent(&mut hand);
    assert_eq!(recovering(&hand.stand.pass(Duration::from_millis(5_990))), None);
    assert_eq!(phase(&hand), Some(Phase::Live));
    let outputs = hand.stand.pass(Duration::from_millis(20));
    assert_eq!(recovering(&outputs), Some((1, Cause::PathSilent)));
    assert_eq!(phase(&hand), Some(Phase::Recovering));
    let ended = outputs.iter().any(|output| matches!(output, Output::Media(Ask::EndPeer { .. })));
    assert!(ended, "nothing more is sent there: {outputs:?}");
}

#[test]
fn who_is_heard_again_in_time_was_never_gone() {
    let mut hand = ByHand::seated(Media::Video);
    hand.go_live();
    for _ in 0..10 {
        silent(&mut hand);
        assert_eq!(recovering(&hand.pass(5)), None);
        let session = hand.peer();
        hand.report(Report::Path { session, path: Path::Flowing });
        assert_eq!(recovering(&hand.pass(30)), None);
    }
}

#[test]
fn what_is_said_of_another_connection_counts_for_nothing() {
    let mut hand = ByHand::seated(Media::Video);
    let old = hand.peer();
    hand.go_live();
    silent(&mut hand);
    hand.pass(8);
    hand.go_live();
    hand.report(Report::Path { session: old, path: Path::Silent { since: hand.stand.now } });
    assert_eq!(recovering(&hand.pass(20)), None);
    assert_eq!(phase(&hand), Some(Phase::Live));
}

#[test]
fn silence_that_began_before_the_first_packet_counts_from_where_it_began() {
    let mut hand = ByHand::seated(Media::Audio);
    silent(&mut hand);
    hand.pass(4);
    assert_eq!(recovering(&hand.go_live()), None);
    assert_eq!(recovering(&hand.pass(3)), Some((1, Cause::PathSilent)));
}

/// Every new connection comes up, and nothing is ever heard of it.
#[test]
fn a_far_side_that_connects_and_says_no_more_keeps_no_camera_open() {
    let mut hand = ByHand::seated(Media::Video);
    hand.go_live();
    for attempt in 1..=3 {
        silent(&mut hand);
        assert_eq!(recovering(&hand.pass(6)), Some((attempt, Cause::PathSilent)));
        hand.pass(4);
        hand.go_live();
        assert_eq!(phase(&hand), Some(Phase::Live));
    }
    silent(&mut hand);
    let outputs = hand.pass(8);
    let said = events(&outputs);
    assert!(said.iter().any(|event| matches!(event, Event::MediaFailed { .. })), "{said:?}");
    let left = Event::Unseated { seat_index: 1, reason: UnseatReason::MediaFailed, by: None };
    assert!(said.contains(&&left), "{said:?}");
    let leaves = |output: &Output| matches!(output, Output::ToHost { message: ToHost::LeaveSeat, .. });
    assert!(outputs.iter().any(leaves), "the host hears of it");
    assert!(hand.stand.opened.is_none());
    assert_eq!(hand.stand.guest.snapshot().camera.status, DeviceStatus::Off);
}

#[test]
fn a_far_side_that_was_heard_for_half_a_minute_has_all_its_attempts_again() {
    let mut hand = ByHand::seated(Media::Video);
    hand.go_live();
    for (flows, attempt) in [(0, 1), (29, 2), (31, 1), (5, 2)] {
        hand.pass(flows);
        silent(&mut hand);
        assert_eq!(recovering(&hand.pass(6)), Some((attempt, Cause::PathSilent)), "{flows} s");
        hand.pass(4);
        hand.go_live();
    }
}

#[test]
fn each_trouble_has_its_cause() {
    let mut hand = ByHand::seated(Media::Video);
    let session = hand.peer();
    hand.report(Report::Offer { session, sdp: "v=0".to_owned() });
    assert_eq!(recovering(&hand.pass(15)), Some((1, Cause::StageGone)), "no answer");
    hand.pass(1);
    hand.go_live();
    hand.session = "another".to_owned();
    assert_eq!(recovering(&hand.news()), Some((1, Cause::StageGone)), "its program was started again");

    let mut hand = ByHand::inside();
    let url = Some("https://example.org/whip".to_owned());
    hand.sit(Media::Video, Grant::Whip { publish_url: url, token: None, playback_url: None });
    let session = hand.peer();
    hand.report(Report::Offer { session, sdp: "v=0".to_owned() });
    assert_eq!(recovering(&hand.pass(15)), Some((1, Cause::Server)), "a server that never answers");
    hand.pass(1);
    hand.go_live();
    silent(&mut hand);
    let outputs = hand.pass(6);
    assert_eq!(recovering(&outputs), Some((1, Cause::PathSilent)), "a server that answered and died");
    let told = |output: &Output| matches!(output, Output::ToServer(ServerAsk::End { .. }));
    assert!(outputs.iter().any(told), "its session is ended there, too");
}
