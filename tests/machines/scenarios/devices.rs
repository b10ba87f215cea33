//! Camera and microphone on a seat.

use coguestd::model::Code;
use coguestd::model::command::DeviceCommand;
use coguestd::model::media::PictureChange;
use coguestd::model::message::DeviceKind;

use super::guest::Scene;

#[test]
fn a_device_that_delivers_is_no_news_for_the_host() {
    let mut guest = Scene::seated();
    guest.opened(DeviceKind::Camera).is(&[], "Request in 5000 ms");
    guest.answered().is(&[], "Live in 15000 ms");
    guest.opened(DeviceKind::Microphone).is(&[], "Live in 15000 ms");
}

#[test]
fn a_camera_is_closed_and_opened_again() {
    let mut guest = Scene::live();
    guest.device(DeviceCommand::CloseLocalCamera).is(
        &["ok", "media plan slate+microphone", "to_host devices camera=off microphone=on"],
        "Request in 5000 ms",
    );
    guest.answered().is(&[], "nothing");
    guest.device(DeviceCommand::OpenLocalCamera).is(
        &["pending", "media plan camera+microphone", "to_host devices camera=on microphone=on"],
        "Request in 5000 ms",
    );
    guest.opened(DeviceKind::Camera).is(&["settled ok"], "Request in 5000 ms");
}

#[test]
fn a_camera_that_does_not_open_in_eight_seconds_fails_the_command_and_not_the_stay() {
    let mut guest = Scene::live();
    guest.device(DeviceCommand::CloseLocalCamera);
    guest.answered();
    guest.device(DeviceCommand::OpenLocalCamera);
    guest.pass(7_999).is(&[], "Camera in 1 ms");
    guest.pass(1).is(
        &[
            "settled refused camera_start_fail",
            "media plan slate+microphone",
            "to_host devices camera=off microphone=on",
        ],
        "Request in 5000 ms",
    );
}

#[test]
fn a_microphone_that_does_not_open_in_eight_seconds_fails_the_command_and_not_the_stay() {
    let mut guest = Scene::live();
    guest.device(DeviceCommand::CloseLocalMicrophone).is(
        &["ok", "media plan camera+silence", "to_host devices camera=on microphone=off"],
        "Request in 5000 ms",
    );
    guest.answered();
    guest.device(DeviceCommand::OpenLocalMicrophone).is(
        &["pending", "media plan camera+microphone", "to_host devices camera=on microphone=on"],
        "Request in 5000 ms",
    );
    guest.pass(8_000).is(
        &[
            "settled refused microphone_start_fail",
            "media plan camera+silence",
            "to_host devices camera=on microphone=off",
        ],
        "Request in 5000 ms",
    );
}

#[test]
fn a_seat_without_camera_is_kept_with_a_slate_and_one_without_both_is_left() {
    let mut guest = Scene::seated();
    guest.fails(DeviceKind::Camera).is(&["event camera_lost camera=auto"], "Request in 5000 ms");
    let epoch = guest.epoch();
    guest.fails(DeviceKind::Microphone).is(
        &["event microphone_lost microphone=auto", "event media_failed", "media stop"],
        "Stop in 1000 ms",
    );
    guest.stopped(epoch).is(
        &["to_stage bye", "event unseated reason=media_failed seat_index=1", "to_host leave_seat"],
        "Request in 5000 ms",
    );
}

#[test]
fn a_camera_that_falls_out_costs_no_seat() {
    let mut guest = Scene::live();
    guest.lost(DeviceKind::Camera).is(&["event camera_lost camera=video0"], "nothing");
    guest.answered().is(&[], "nothing");
    guest.back(DeviceKind::Camera).is(&["event camera_back camera=x"], "nothing");
}

#[test]
fn a_smaller_picture_is_said_with_what_the_network_gives() {
    let mut guest = Scene::live();
    guest.sends(360, PictureChange::Begun).is(&[], "nothing");
    let said = " frame_rate=30 height=360 kbps=512 width=640";
    let reduced = format!("event quality_reduced{said}");
    guest.sends(360, PictureChange::Reduced).is(&[&reduced], "nothing");
    let summary = guest.hand.stand.guest.snapshot().summary;
    assert!(summary.ends_with(", picture reduced to 640x360: the network gives 0.5 Mbit/s"), "{summary}");
    let restored = format!("event quality_restored{said}");
    guest.sends(360, PictureChange::Restored).is(&[&restored], "nothing");
}

#[test]
fn a_microphone_that_falls_out_costs_no_seat() {
    let mut guest = Scene::live();
    guest.lost(DeviceKind::Microphone).is(&["event microphone_lost microphone=hw:0"], "nothing");
    guest.back(DeviceKind::Microphone).is(&["event microphone_back microphone=x"], "nothing");
}

#[test]
fn what_was_refused_for_its_rate_is_said_again() {
    let mut guest = Scene::live();
    guest.device(DeviceCommand::CloseLocalCamera);
    guest.refused(Code::RateLimited).is(&[], "Devices in 1000 ms");
    guest.pass(1_000).is(&["to_host devices camera=off microphone=on"], "Request in 5000 ms");
}

#[test]
fn a_picture_that_the_camera_owes_has_three_seconds() {
    let mut guest = Scene::live();
    guest.device(DeviceCommand::TakeSnapshot).is(&["pending", "media snapshot"], "Snapshot in 3000 ms");
    guest.pass(3_000).is(&["settled refused permission_denied"], "nothing");
}
