//! What ends a connection for good: nothing is tried again, and the seat is left.

use coguestd::guest::Output;
use coguestd::model::event::Event;
use coguestd::model::media::{Ask, Fault, Report};
use coguestd::model::message::{ToHost, UnseatReason};
use coguestd::model::{Cause, Code, Media};

use super::by_hand::{ByHand, events};

/// What is said when the present connection fails so, and in the minute after.
fn fails(hand: &mut ByHand, stage: &'static str, code: Code) -> Vec<Output> {
    let fault = Fault::new(stage, code, "it is so");
    let mut outputs = hand.report(Report::PeerFailed { session: hand.peer(), fault });
    outputs.extend(hand.pass(60));
    outputs
}

fn is_left(hand: &ByHand, outputs: &[Output], code: Code) {
    let said = events(outputs);
    let left = Event::Unseated { seat_index: 1, reason: UnseatReason::MediaFailed, by: None };
    assert!(said.contains(&&left), "{said:?}");
    let again = outputs.iter().any(|output| matches!(output, Output::Media(Ask::Start { .. })));
    assert!(!again, "nothing is tried again: {outputs:?}");
    let leaves = |output: &Output| matches!(output, Output::ToHost { message: ToHost::LeaveSeat, .. });
    assert!(outputs.iter().any(leaves), "the host hears of it");
    assert!(hand.stand.opened.is_none());
    let error = hand.stand.guest.snapshot().last_error.expect("what it was");
    assert_eq!(error.code, code);
    assert!(error.message.contains("it is so"), "{error:?}");
}

#[test]
fn who_is_not_trusted_is_named_as_the_cause_and_left() {
    for live in [false, true] {
        let mut hand = ByHand::seated(Media::Video);
        if live {
            hand.go_live();
        }
        let outputs = fails(&mut hand, "dtls", Code::PeerNotTrusted);
        let said: Vec<&Event> = events(&outputs)
            .into_iter()
            .filter(|event| matches!(event, Event::MediaRecovering { .. } | Event::MediaFailed { .. }))
            .collect();
        let why = "dtls: it is so".to_owned();
        let cause = Event::MediaRecovering { attempt: 0, why: why.clone(), cause: Cause::Trust };
        assert_eq!(said, [&cause, &Event::MediaFailed { why }]);
        is_left(&hand, &outputs, Code::PeerNotTrusted);
    }
}

#[test]
fn who_takes_nothing_of_what_is_offered_is_not_asked_again() {
    let mut hand = ByHand::seated(Media::Video);
    let outputs = fails(&mut hand, "sdp", Code::PermissionDenied);
    let tried = |event: &&Event| matches!(event, Event::MediaRecovering { .. });
    assert!(!events(&outputs).iter().any(tried), "{outputs:?}");
    is_left(&hand, &outputs, Code::PermissionDenied);
}
