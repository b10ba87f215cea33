//! A room that is started, taken back and ended.

use coguestd::host::Input;
use coguestd::model::command::HostCommand;
use coguestd::model::message::ToHost;
use coguestd::model::{RoomStatus, User};

use super::host::Scene;
use crate::guest_stand::id;

#[test]
fn a_room_is_started_once_nobody_else_has_it() {
    let mut host = Scene::started();
    host.input(Input::Online).is(&[], "nothing");
    host.start().is(&["pending", "watch_room lobby"], "Start in 10000 ms");
    host.retained(None)
        .is(&["unwatch_room lobby", "enter lobby", "settled ok", "room live - - -"], "nothing");
    host.start().is(&["ok"], "nothing");
}

#[test]
fn a_broker_that_says_nothing_of_the_room_is_waited_for_ten_seconds() {
    let mut host = Scene::started();
    host.input(Input::Online);
    host.start();
    host.pass(9_999).is(&[], "Start in 1 ms");
    host.pass(1).is(&["unwatch_room lobby", "enter lobby", "settled ok", "room live - - -"], "nothing");
}

#[test]
fn a_room_of_which_nothing_is_retained_is_started_once_that_would_have_come() {
    let mut host = Scene::started();
    host.input(Input::Online);
    host.start();
    host.input(Input::RoomSubscribed(id("attic"))).is(&[], "Start in 10000 ms");
    host.input(Input::RoomSubscribed(id("lobby"))).is(&[], "StoredRead in 300 ms");
    host.input(Input::Offline).is(&[], "nothing");
    host.pass(60_000).is(&[], "nothing");
    host.input(Input::Online).is(&[], "Start in 10000 ms");
    host.input(Input::RoomSubscribed(id("lobby"))).is(&[], "StoredRead in 300 ms");
    host.pass(299).is(&[], "StoredRead in 1 ms");
    host.pass(1).is(&["unwatch_room lobby", "enter lobby", "settled ok", "room live - - -"], "nothing");
}

#[test]
fn a_room_is_started_by_itself_where_it_is_configured() {
    let mut host = Scene::started_with(|settings| settings.standing_room = Some(id("lobby")));
    host.input(Input::Online).is(&["watch_room lobby"], "Start in 10000 ms");
    host.retained(None).is(&["unwatch_room lobby", "enter lobby", "room live - - -"], "nothing");
}

#[test]
fn a_room_of_somebody_else_is_not_taken() {
    let mut other = Scene::live().stand.room.expect("it was published");
    other.host = User::named_by_id(id("host-2"));
    let mut host = Scene::started();
    host.input(Input::Online);
    host.start();
    host.input(Input::RoomSubscribed(id("lobby"))).is(&[], "StoredRead in 300 ms");
    host.retained(Some(other)).is(&["watch host-2"], "Start in 2000 ms");
    host.input(Input::RoomSubscribed(id("lobby"))).is(&[], "Start in 2000 ms");
    host.input(Input::UserStatus { user_id: id("host-2"), presence: coguestd::model::Presence::Online })
        .is(&["unwatch_room lobby", "unwatch host-2", "settled refused permission_denied"], "nothing");
}

#[test]
fn a_host_that_was_restarted_takes_its_room_back() {
    let mut before = Scene::with_ada_seated();
    before.locks(2);
    let room = before.stand.room.expect("it was published");
    let mut host = Scene::started();
    host.input(Input::Online);
    host.start();
    host.retained(Some(room)).is(
        &["unwatch_room lobby", "enter lobby", "watch ada", "settled ok", "room live ada:lost - x"],
        "Hold in 15000 ms",
    );
    host.joins("ada").is(
        &[
            "to ada result ok seat",
            "event guest_connection connection=connecting user=ada",
            "room live ada:connecting - x",
        ],
        "nothing",
    );
}

#[test]
fn a_live_that_ends_sends_everybody_home() {
    let mut host = Scene::with_ada_seen();
    host.applies("bob", 1);
    host.command(HostCommand::EndLive).is(
        &[
            "ok",
            "to bob application_no_response live_ended",
            "event application_no_response reason=live_ended user=bob",
            "stage close ada",
            "event media_lost user=ada",
            "to ada unseated seat_index=0 live_ended",
            "event guest_unseated reason=live_ended seat_index=0 user=ada",
            "to ada live_ended",
            "unwatch ada",
            "to bob live_ended",
            "unwatch bob",
            "room ended - - -",
            "exit lobby",
        ],
        "nothing",
    );
    host.command(HostCommand::EndLive).is(&["refused not_in_room"], "nothing");
    assert_eq!(host.stand.room.expect("published").status, RoomStatus::Ended);
}

#[test]
fn the_programs_end_keeps_the_room_for_the_next_start() {
    let mut host = Scene::with_ada_seen();
    host.input(Input::Stop).is(&["stage close ada", "stopped"], "nothing");
}

#[test]
fn the_will_of_a_former_connection_is_taken_back() {
    let mut host = Scene::with_ada_seen();
    host.input(Input::OwnOffline).is(&["room live ada:connected - -"], "nothing");
}

#[test]
fn guests_come_and_go() {
    let mut host = Scene::live();
    host.joins("ada").is(&["to ada result ok", "watch ada", "event guest_joined user=ada"], "nothing");
    host.joins("ada").is(&["to ada result ok"], "nothing");
    host.asks("ada", ToHost::Leave)
        .is(&["to ada result ok", "unwatch ada", "event guest_left user=ada"], "nothing");
    host.asks("ada", ToHost::Leave).is(&["to ada result not_in_room"], "nothing");
}

#[test]
fn a_full_room_takes_nobody() {
    let mut host = Scene::with(&["a", "b", "c", "d", "e", "f"]);
    host.joins("g").is(&["to g result room_full"], "nothing");
}
