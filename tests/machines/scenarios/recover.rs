//! A connection that does not come up or breaks: attempts, and their end.

use std::time::Duration;

use coguestd::guest::Input;
use coguestd::model::media::Path;
use coguestd::model::server::Again;
use coguestd::model::{Code, Presence};

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
    guest.first_packet().is(&["event media_live recovered_in_ms=1000"], "nothing");
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
    guest.silent().is(&["probe broker"], "Silent in 6000 ms");
    guest.path(Path::Flowing).is(&[], "nothing");
    guest.silent();
    guest.pass(6_000).is(
        &[
            "media end_peer",
            "event media_recovering attempt=1 cause=path_silent",
            "media start video camera+microphone",
        ],
        "Live in 10000 ms",
    );
}

#[test]
fn without_a_broker_a_silent_connection_is_kept_and_may_speak_again() {
    let mut guest = Scene::live();
    guest.silent();
    guest.pass(3_000);
    guest.input(Input::Offline).is(&[], "Silent in 3000 ms");
    guest.pass(3_000).is(&["event media_recovering attempt=1 cause=network_down"], "HostHold in 57000 ms");
    guest.pass(20_000).is(&[], "HostHold in 37000 ms");
    guest.path(Path::Flowing).is(&["event media_live recovered_in_ms=26000"], "HostHold in 37000 ms");
    guest.back_at_host().is(&["to_host devices camera=on microphone=on"], "Request in 5000 ms");
}

#[test]
fn a_host_that_is_gone_leaves_its_silent_connection_to_the_hold() {
    let mut guest = Scene::live();
    guest.silent();
    guest.host_is(Presence::Offline);
    guest.pass(6_000).is(&["event media_recovering attempt=1 cause=path_silent"], "HostHold in 54000 ms");
    guest.pass(54_000);
    assert!(guest.hand.stand.opened.is_none(), "no camera is open for nobody");
}

#[test]
fn a_connection_that_does_not_speak_when_the_network_is_back_is_replaced() {
    let mut guest = Scene::live();
    guest
        .path(Path::Unreachable)
        .is(&["event media_recovering attempt=1 cause=network_down"], "Live in 60000 ms");
    guest.silent().is(&[], "PathReturns in 500 ms");
    guest.pass(500).is(&["media end_peer", "media start video camera+microphone"], "Live in 10000 ms");
    guest.offer().is(&["to_stage offer"], "Live in 10000 ms");
    guest.answer();
    guest.first_packet().is(&["event media_live recovered_in_ms=500"], "nothing");
}

#[test]
fn the_network_comes_back_with_the_broker_and_the_old_connection_has_half_a_second() {
    let mut guest = Scene::live();
    guest.input(Input::Offline);
    guest.silent();
    guest.pass(6_000);
    guest.back_at_host();
    guest.answered().is(&[], "PathReturns in 500 ms");
    guest.path(Path::Flowing).is(&["event media_live recovered_in_ms=6000"], "nothing");
}

#[test]
fn a_new_address_is_offered_from_at_once() {
    let mut guest = Scene::live();
    guest
        .path(Path::Moved)
        .is(&["media end_peer", "event media_recovering attempt=1 cause=network_changed"], "Retry in 0 ms");
    guest.pass(0).is(&["media start video camera+microphone"], "Live in 10000 ms");
    guest.offer();
    guest.answer();
    guest.first_packet().is(&["event media_live recovered_in_ms=0"], "Steady in 30000 ms");
}

#[test]
fn a_new_address_waits_for_the_broker_and_then_offers_at_once() {
    let mut guest = Scene::live();
    guest.input(Input::Offline);
    guest
        .path(Path::Moved)
        .is(&["event media_recovering attempt=1 cause=network_changed"], "HostHold in 60000 ms");
    guest.pass(1_000);
    guest.back_at_host().is(
        &["to_host devices camera=on microphone=on", "media end_peer", "media start video camera+microphone"],
        "Request in 5000 ms",
    );
}

#[test]
fn a_device_without_any_network_gives_its_seat_up_in_the_end() {
    let mut guest = Scene::at_server();
    guest.offer();
    guest.answered_by_server();
    guest.first_packet();
    guest.path(Path::Unreachable);
    guest.pass(60_000).is(
        &["media end_peer", "to_server end", "event media_recovering attempt=2 cause=media"],
        "Retry in 2000 ms",
    );
}

#[test]
fn half_a_minute_of_flow_sets_the_attempts_back() {
    let mut guest = Scene::live();
    guest.silent();
    guest.pass(6_000);
    guest.offer();
    guest.answer();
    guest.first_packet().is(&["event media_live recovered_in_ms=6000"], "Steady in 30000 ms");
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
