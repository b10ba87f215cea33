//! A connection that does not come up or breaks: attempts, and their end.

use std::time::Duration;

use coguestd::guest::Input;
use coguestd::model::Code;
use coguestd::model::media::Path;
use coguestd::model::server::Again;

use super::guest::{Scene, own_seat};

#[test]
fn a_stage_that_never_answers_costs_the_seat_after_three_attempts() {
    let mut guest = Scene::seated();
    guest.offer();
    guest.pass(14_999).is(&[], "Live in 1 ms");
    guest
        .pass(1)
        .is(&["media end_peer", "event media_recovering attempt=1 cause=stage_gone"], "Retry in 1000 ms");
    guest.pass(1_000).is(&["media start video camera+microphone"], "Live in 10000 ms");
    guest.offer().is(&["to_stage offer"], "Live in 10000 ms");
    guest
        .pass(10_000)
        .is(&["media end_peer", "event media_recovering attempt=2 cause=stage_gone"], "Retry in 2000 ms");
    guest.pass(2_000).is(&["media start video camera+microphone"], "Live in 10000 ms");
    guest.offer();
    guest
        .pass(10_000)
        .is(&["media end_peer", "event media_recovering attempt=3 cause=stage_gone"], "Retry in 4000 ms");
    guest.pass(4_000).is(&["media start video camera+microphone"], "Live in 10000 ms");
    guest.offer();
    let epoch = guest.epoch();
    guest.pass(10_000).is(&["event media_failed", "media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(
        &["to_stage bye", "event unseated reason=media_failed seat_index=1", "to_host leave_seat"],
        "Request in 5000 ms",
    );
}

#[test]
fn a_peer_that_breaks_is_replaced_on_the_same_seat() {
    let mut guest = Scene::live();
    guest
        .peer_fails("ice", Code::HostUnreachable)
        .is(&["media end_peer", "event media_recovering attempt=1 cause=media"], "Retry in 1000 ms");
    guest.pass(1_000).is(&["media start video camera+microphone"], "Live in 10000 ms");
    guest.offer().is(&["to_stage offer"], "Live in 10000 ms");
    guest.answer().is(&["media answer"], "Live in 10000 ms");
    guest.first_packet().is(&["event media_live"], "nothing");
}

#[test]
fn a_stage_that_says_bye_is_asked_again() {
    let mut guest = Scene::live();
    guest
        .bye()
        .is(&["media end_peer", "event media_recovering attempt=1 cause=stage_gone"], "Retry in 1000 ms");
    guest.pass(1_000).is(&["media start video camera+microphone"], "Live in 10000 ms");
}

#[test]
fn silence_of_six_seconds_is_the_end_of_a_connection() {
    let mut guest = Scene::live();
    guest.silent().is(&[], "Silent in 6000 ms");
    guest.path(Path::Flowing).is(&[], "nothing");
    guest.silent();
    guest
        .pass(6_000)
        .is(&["media end_peer", "event media_recovering attempt=1 cause=path_silent"], "Retry in 1000 ms");
}

#[test]
fn half_a_minute_of_flow_sets_the_attempts_back() {
    let mut guest = Scene::live();
    guest.silent();
    guest.pass(6_000);
    guest.pass(1_000);
    guest.offer();
    guest.answer();
    guest.first_packet().is(&["event media_live"], "Steady in 30000 ms");
    guest.pass(30_000).is(&[], "nothing");
}

#[test]
fn a_peer_that_is_not_trusted_is_final() {
    let mut guest = Scene::live();
    let epoch = guest.epoch();
    guest.peer_fails("dtls", Code::PeerNotTrusted).is(
        &["event media_recovering attempt=0 cause=trust", "event media_failed", "media stop"],
        "Stop in 1000 ms",
    );
    guest.stopped(epoch).is(
        &["to_stage bye", "event unseated reason=media_failed seat_index=1", "to_host leave_seat"],
        "Request in 5000 ms",
    );
}

#[test]
fn a_server_that_refuses_for_good_is_not_asked_again() {
    let mut guest = Scene::at_server();
    guest.offer();
    let epoch = guest.epoch();
    guest.server_refuses(Again::Never).is(&["event media_failed", "media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(
        &["to_server end", "event unseated reason=media_failed seat_index=1", "to_host leave_seat"],
        "Request in 5000 ms",
    );
}

#[test]
fn a_server_whose_answer_is_of_no_use_is_not_asked_again() {
    let mut guest = Scene::at_server();
    guest.offer();
    let epoch = guest.epoch();
    guest.answered_wrongly().is(&["event media_failed", "media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(
        &["to_server end", "event unseated reason=media_failed seat_index=1", "to_host leave_seat"],
        "Request in 5000 ms",
    );
}

#[test]
fn a_stage_whose_answer_is_of_no_use_is_asked_again() {
    let mut guest = Scene::seated();
    guest.offer();
    guest
        .answered_wrongly()
        .is(&["media end_peer", "event media_recovering attempt=1 cause=media"], "Retry in 1000 ms");
}

#[test]
fn a_server_says_when_it_may_be_asked_again() {
    let mut guest = Scene::at_server();
    guest.offer();
    guest.server_refuses(Again::Soon).is(
        &[
            "media end_peer",
            "to_server end",
            "event media_recovering attempt=1 cause=server",
            "to_host devices camera=on microphone=on",
        ],
        "Retry in 1000 ms",
    );
    guest.pass(1_000).is(&["media start video camera+microphone"], "Request in 4000 ms");
    guest.offer();
    guest.server_refuses(Again::After(Duration::from_secs(30))).is(
        &["media end_peer", "to_server end", "event media_recovering attempt=2 cause=server"],
        "Request in 4000 ms",
    );
    guest.pass(30_000).is(&["media start video camera+microphone"], "Live in 10000 ms");
}

#[test]
fn a_server_hears_the_end_of_its_connection_when_the_seat_goes_to_a_stage() {
    let mut guest = Scene::at_server();
    guest.offer();
    guest.input(Input::OwnOffline);
    guest.joined(own_seat()).is(
        &[
            "media end_peer",
            "to_server end",
            "event media_recovering attempt=1 cause=stage_gone",
            "to_host devices camera=on microphone=on",
        ],
        "Retry in 1000 ms",
    );
}
