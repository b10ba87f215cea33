//! Into the room, out of it, and what the broker and the program's end do to it.

use coguestd::guest::Input;
use coguestd::model::command::{DeviceCommand, GuestCommand, SetUserInfo};
use coguestd::model::message::{Membership, ToGuest};
use coguestd::model::{Code, Presence};

use super::guest::{Scene, own_seat};
use crate::guest_stand::{id, settings};

#[test]
fn a_room_is_joined_once_its_host_is_there() {
    let mut guest = Scene::started();
    guest.input(Input::Online).is(&[], "nothing");
    guest.join().is(&["pending", "enter lobby"], "JoinLive in 2000 ms");
    guest.room().is(&["watch host-1", "to_host join"], "Join");
    guest.host_is(Presence::Online).is(&[], "Join");
    guest.joined(Membership::default()).is(&["settled ok"], "nothing");
}

#[test]
fn a_standing_room_is_joined_without_a_command() {
    let mut settings = settings("ada", 1);
    settings.standing_room = Some(id("lobby"));
    let mut guest = Scene::started_with(settings);
    guest.input(Input::Online).is(&["enter lobby"], "nothing");
    guest.room().is(&["watch host-1", "to_host join"], "Join");
    guest.host_is(Presence::Online).is(&[], "Join");
}

#[test]
fn a_room_that_nobody_has_ends_the_command_and_not_the_wait() {
    let mut guest = Scene::started();
    guest.input(Input::Online);
    guest.join();
    guest.pass(2_000).is(&["exit lobby", "settled refused room_not_found"], "nothing");
}

#[test]
fn a_join_without_an_answer_is_said_again_until_the_command_gives_up() {
    let mut guest = Scene::started();
    guest.input(Input::Online);
    guest.join();
    guest.room();
    guest.host_is(Presence::Online);
    guest.pass(2_000).is(&["to_host join"], "JoinLive in 3000 ms");
    guest.pass(3_000).is(
        &["to_host leave", "unwatch host-1", "exit lobby", "settled refused host_unreachable"],
        "nothing",
    );
    guest.pass(10_000).is(&[], "nothing");
}

#[test]
fn a_standing_room_is_asked_again_after_growing_pauses() {
    let mut settings = settings("ada", 1);
    settings.standing_room = Some(id("lobby"));
    let mut guest = Scene::started_with(settings);
    guest.input(Input::Online);
    guest.room();
    guest.pass(300_000).is(&["to_host join"; 9], "Join");
}

#[test]
fn a_host_that_refuses_a_join_ends_the_command() {
    let mut guest = Scene::started();
    guest.input(Input::Online);
    guest.join();
    guest.room();
    guest.host_is(Presence::Online);
    guest
        .refused(Code::RoomFull)
        .is(&["settled refused room_full", "unwatch host-1", "exit lobby"], "nothing");
}

#[test]
fn commands_out_of_place_are_refused_and_say_nothing() {
    let mut guest = Scene::started();
    guest.command(GuestCommand::LeaveLive).is(&["refused not_in_room"], "nothing");
    guest.input(Input::Online);
    guest.command(GuestCommand::Disconnect).is(&["refused user_not_in_seat"], "nothing");
    guest.command(GuestCommand::CancelApplication).is(&["refused not_in_room"], "nothing");
    guest.accept().is(&["refused not_in_room"], "nothing");
    guest.device(DeviceCommand::TakeSnapshot).is(&["refused permission_denied"], "nothing");
}

#[test]
fn a_room_is_left_by_a_command_and_its_host_hears_of_it() {
    let mut guest = Scene::inside();
    guest
        .command(GuestCommand::LeaveLive)
        .is(&["pending", "to_host leave", "settled ok", "unwatch host-1", "exit lobby"], "nothing");
    guest.pass(60_000).is(&[], "nothing");
}

#[test]
fn a_new_name_is_said_by_a_join() {
    let mut guest = Scene::inside();
    let user_name = Some("Ada".to_owned().try_into().expect("a name"));
    guest
        .device(DeviceCommand::SetUserInfo(SetUserInfo { user_name, avatar_url: None }))
        .is(&["ok", "media label ada", "to_host join"], "Join");
    guest.joined(Membership::default()).is(&[], "nothing");
}

#[test]
fn a_broker_that_is_gone_for_a_while_costs_no_seat() {
    let mut guest = Scene::live();
    guest.input(Input::Offline).is(&[], "HostHold in 60000 ms");
    guest.pass(10_000).is(&[], "HostHold in 50000 ms");
    guest.input(Input::Online).is(&["to_host join"], "Join");
    guest.room().is(&[], "Join");
    guest.host_is(Presence::Online).is(&[], "Join");
    guest.joined(own_seat()).is(&["to_host devices camera=on microphone=on"], "Request in 5000 ms");
}

#[test]
fn a_seat_that_the_host_no_longer_has_is_left() {
    let mut guest = Scene::live();
    guest.input(Input::Offline);
    guest.input(Input::Online);
    guest.room();
    guest.host_is(Presence::Online);
    let epoch = guest.epoch();
    guest.joined(Membership::default()).is(&["media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(&["to_stage bye", "event unseated reason=offline seat_index=1"], "nothing");
}

#[test]
fn the_will_of_a_former_connection_is_taken_back() {
    let mut guest = Scene::live();
    guest.input(Input::OwnOffline).is(&["to_host join"], "Join");
}

#[test]
fn the_end_of_the_live_closes_the_camera_first() {
    let mut guest = Scene::live();
    let epoch = guest.epoch();
    guest.told(ToGuest::LiveEnded {}).is(&["media stop", "unwatch host-1", "exit lobby"], "Stop in 1000 ms");
    guest.stopped(epoch).is(
        &["to_stage bye", "event unseated by=host-1 reason=live_ended seat_index=1", "event live_ended"],
        "nothing",
    );
}

#[test]
fn the_programs_end_closes_the_camera_first_and_leaves_no_room() {
    let mut guest = Scene::live();
    let epoch = guest.epoch();
    guest.input(Input::Stop).is(&["media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(&["to_stage bye", "stopped"], "nothing");
    Scene::inside().input(Input::Stop).is(&["stopped"], "nothing");
    Scene::started().input(Input::Stop).is(&["stopped"], "nothing");
}
