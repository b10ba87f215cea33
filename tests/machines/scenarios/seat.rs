//! A stay on a seat: how it begins, moves and ends.

use coguestd::model::Media;
use coguestd::model::command::GuestCommand;
use coguestd::model::message::{ToGuest, UnseatReason};

use super::guest::Scene;
use crate::by_hand::host;

#[test]
fn a_stay_is_live_with_its_first_packet() {
    let mut guest = Scene::seated();
    guest.offer().is(&["to_stage offer"], "Request in 5000 ms");
    guest.answer().is(&["media answer"], "Request in 5000 ms");
    guest.first_packet().is(&["event media_live"], "Request in 5000 ms");
}

#[test]
fn a_kick_closes_the_camera_first() {
    let mut guest = Scene::live();
    let epoch = guest.epoch();
    guest.unseated(UnseatReason::Kicked).is(&["media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(
        &[
            "to_stage bye",
            "event kicked_off_seat by=host-1 seat_index=1",
            "event unseated by=host-1 reason=kicked seat_index=1",
        ],
        "nothing",
    );
}

#[test]
fn a_locked_seat_closes_the_camera_first() {
    let mut guest = Scene::live();
    let epoch = guest.epoch();
    guest.unseated(UnseatReason::SeatLocked).is(&["media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(&["to_stage bye", "event unseated reason=seat_locked seat_index=1"], "nothing");
}

#[test]
fn a_guest_that_leaves_closes_the_camera_first_and_tells_its_host_then() {
    let mut guest = Scene::live();
    let epoch = guest.epoch();
    guest.command(GuestCommand::Disconnect).is(&["pending", "media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(
        &["to_stage bye", "event unseated reason=left seat_index=1", "to_host leave_seat", "settled ok"],
        "Request in 5000 ms",
    );
    guest.answered().is(&[], "nothing");
}

#[test]
fn media_that_never_say_that_they_stopped_hold_the_goodbye_for_a_second() {
    let mut guest = Scene::live();
    guest.unseated(UnseatReason::Kicked);
    guest.pass(999).is(&[], "Stop in 1 ms");
    guest.pass(1).is(
        &[
            "to_stage bye",
            "event kicked_off_seat by=host-1 seat_index=1",
            "event unseated by=host-1 reason=kicked seat_index=1",
        ],
        "nothing",
    );
}

#[test]
fn a_move_goes_on_with_the_same_media() {
    let mut guest = Scene::live();
    guest
        .told(ToGuest::Moved { from: 1, to: 2, by: host().into() })
        .is(&["event seat_moved by=host-1 from=1 to=2"], "nothing");
}

#[test]
fn a_new_seat_waits_until_the_stay_before_is_closed() {
    let mut guest = Scene::live();
    let epoch = guest.epoch();
    guest.unseated(UnseatReason::Replaced);
    guest
        .apply(Media::Video, 30)
        .is(&["pending", "to_host apply seat_index=-1 media=video", "media prepare"], "Stop in 1000 ms");
    guest
        .stopped(epoch)
        .is(&["to_stage bye", "event unseated reason=replaced seat_index=1"], "Request in 5000 ms");
}

#[test]
fn a_guest_of_a_server_ends_its_session_there() {
    let mut guest = Scene::at_server();
    guest.offer().is(&["to_server publish", "to_host devices camera=on microphone=on"], "Request in 5000 ms");
    let epoch = guest.epoch();
    guest.unseated(UnseatReason::Kicked).is(&["media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(
        &[
            "to_server end",
            "event kicked_off_seat by=host-1 seat_index=1",
            "event unseated by=host-1 reason=kicked seat_index=1",
        ],
        "Request in 5000 ms",
    );
}
