//! Nobody is seated unasked, and what the host closed stays closed.

use coguestd::model::Media;
use coguestd::model::command::DeviceCommand;
use coguestd::model::message::{DeviceAction, DeviceKind, UnseatReason};

use super::guest::Scene;

#[test]
fn who_did_not_ask_is_not_seated() {
    let mut guest = Scene::inside();
    guest.seated_by_host(Media::Video).is(&["to_host leave_seat"], "Request in 5000 ms");
}

#[test]
fn an_audio_request_becomes_no_video_seat() {
    let mut guest = Scene::inside();
    guest.apply(Media::Audio, 30);
    guest.answered();
    guest.seated_by_host(Media::Video).is(
        &[
            "media start audio no picture+microphone",
            "event seated seat_index=1",
            "to_host devices camera=off microphone=on",
        ],
        "Request in 5000 ms",
    );
}

#[test]
fn a_ban_closes_at_once_and_is_over_only_when_the_guest_opens_again() {
    let mut guest = Scene::live();
    guest.controlled(DeviceKind::Camera, DeviceAction::Close).is(
        &[
            "media plan slate+microphone",
            "to_host devices camera=off microphone=on",
            "event camera_closed_by_admin by=host-1",
        ],
        "Request in 5000 ms",
    );
    guest
        .device(DeviceCommand::OpenLocalCamera)
        .is(&["refused camera_closed_by_admin"], "Request in 5000 ms");
    guest.controlled(DeviceKind::Camera, DeviceAction::Unlock).is(
        &["media plan slate+microphone", "event camera_unlocked_by_admin by=host-1"],
        "Request in 5000 ms",
    );
    guest.device(DeviceCommand::OpenLocalCamera).is(
        &["pending", "media plan camera+microphone", "to_host devices camera=on microphone=on"],
        "Request in 5000 ms",
    );
    guest.opened(DeviceKind::Camera).is(&["settled ok"], "Request in 5000 ms");
}

#[test]
fn a_ban_outlives_the_stay() {
    let mut guest = Scene::live();
    guest.controlled(DeviceKind::Microphone, DeviceAction::Close);
    let epoch = guest.epoch();
    guest.unseated(UnseatReason::Kicked);
    guest.stopped(epoch);
    guest.applied(30);
    guest.seated_by_host(Media::Video).is(
        &[
            "media start video camera+silence",
            "event seated seat_index=1",
            "to_host devices camera=on microphone=off",
        ],
        "Request in 5000 ms",
    );
}

#[test]
fn what_was_closed_before_the_seat_stays_closed_on_it() {
    let mut guest = Scene::inside();
    guest.device(DeviceCommand::CloseLocalCamera).is(&["ok"], "nothing");
    guest.applied(30);
    guest.seated_by_host(Media::Video).is(
        &[
            "media start video slate+microphone",
            "event seated seat_index=1",
            "to_host devices camera=off microphone=on",
        ],
        "Request in 5000 ms",
    );
}
