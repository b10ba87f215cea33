//! Hosts, guests and brokers that go and come back.

use serde_json::{Value, json};

use crate::support::client::Heard;
use crate::support::hands::HandHost;
use crate::support::stand::{HOST, ROOM, Stand};

fn inside(stand: &Stand, user_id: &str, mark: usize) {
    stand.until_state(user_id, mark, |state| state["room"]["membership"] == "inside");
}

fn live(stand: &Stand, user_id: &str, mark: usize) {
    stand.until_state(user_id, mark, |state| state["seat"]["phase"] == "live");
}

#[test]
fn a_guest_keeps_its_seat_while_the_host_is_gone_and_leaves_it_after_the_hold() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &["guest.host_hold=1"]);
    let mark = stand.operator.mark();
    host.seat(&stand, "ada", 0, "audio");
    stand.event("ada", "seated", mark);
    let heard = host.client.mark();
    host.be("offline");
    stand.event("ada", "host_lost", mark);
    let state = stand.state("ada");
    assert_eq!(state["room"], json!({"live_id": ROOM, "membership": "host_lost"}));
    assert_eq!(stand.event("ada", "unseated", mark)["reason"], "host_lost");
    for (name, parameters) in [("apply_for_seat", json!({})), ("apply_for_seat", json!({"seat_index": 1}))] {
        assert_eq!(stand.refused("ada", name, parameters), "host_unreachable");
    }
    assert_eq!(stand.state("ada")["room"]["membership"], "host_lost");
    host.be("online");
    let join = host.asked("ada", "join", heard);
    // A seat that was given up meanwhile is not taken up again.
    let seat = json!({"seat_index": 0, "media": "audio", "grant": HandHost::grant(), "camera": "off", "microphone": "on"});
    host.grant_request("ada", &join, json!({"seat": seat, "application": null, "invitations": []}));
    stand.event("ada", "host_back", mark);
    host.asked("ada", "leave_seat", heard);
    assert_eq!(stand.state("ada")["seat"], Value::Null);
}

#[test]
fn a_host_that_comes_back_in_time_finds_the_application_and_leaving_needs_no_host() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    stand.operator.publish(&crate::support::stand::command("ada", "apply_for_seat"), r#"{"timeout":0}"#);
    let apply = host.asked("ada", "apply", heard);
    host.grant_request("ada", &apply, json!({}));
    stand.until_state("ada", mark, |state| !state["application"].is_null());
    host.be("offline");
    stand.event("ada", "host_lost", mark);
    assert_eq!(stand.refused("ada", "cancel_application", json!({})), "host_unreachable");
    assert!(!stand.state("ada")["application"].is_null(), "requests are kept");
    let heard = host.client.mark();
    host.be("online");
    let join = host.asked("ada", "join", heard);
    let kept = json!({"seat_index": -1, "timeout": 0, "media": "video", "extra_info": null});
    host.grant_request("ada", &join, json!({"seat": null, "application": kept, "invitations": []}));
    stand.event("ada", "host_back", mark);
    host.be("offline");
    let lost = stand.operator.mark();
    stand.until_state("ada", 0, |state| state["room"]["membership"] == "host_lost");
    stand.ok("ada", "leave_live", json!({}));
    assert_eq!(stand.state("ada")["room"]["membership"], "outside");
    assert_eq!(stand.count("ada", "application_no_response", lost), 0);
}

#[test]
fn a_join_without_an_answer_is_repeated() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let heard = host.client.mark();
    let _guest = stand.guest("ada", &[&format!("room.live_id={ROOM}")]);
    host.asked("ada", "join", heard);
    assert_eq!(stand.state("ada")["room"]["membership"], "joining");
    assert_eq!(stand.refused("ada", "apply_for_seat", json!({})), "not_in_room");
    let joins = |heard: &[Heard]| heard.iter().filter(|heard| heard.value()["type"] == "join").count();
    host.client.wait_for_all("a second join", heard, |heard| joins(heard) >= 2);
    // At once when the host says that it is online again, with the same session.
    host.be("offline");
    let heard = host.client.mark();
    host.be("online");
    let mark = stand.operator.mark();
    host.let_in("ada", heard);
    inside(&stand, "ada", mark);
}

#[test]
fn a_room_that_does_not_answer_a_commanded_join_is_left_alone() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let heard = host.client.mark();
    let _guest = stand.guest("ada", &[]);
    assert_eq!(stand.refused("ada", "join_live", json!({"live_id": ROOM})), "host_unreachable");
    assert_eq!(stand.state("ada")["room"]["membership"], "outside");
    assert!(host.count("ada", "join", heard) >= 2);
}

#[test]
fn a_host_takes_its_room_back_after_a_restart() {
    let stand = Stand::open();
    let host = stand.host(&["host.seats=4"]);
    let _guest = stand.guest_inside("ada", &[]);
    let other = stand.hand_guest("bob");
    other.join();
    other.ok("apply", json!({"seat_index": 3, "media": "audio"}));
    stand.ok(HOST, "accept_application", json!({"user_id": "bob"}));
    stand.ok(HOST, "close_remote_microphone", json!({"user_id": "bob"}));
    stand.ok(HOST, "lock_seat", json!({"seat_index": 1}));
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 2, "media": "audio"}));
    stand.ok(HOST, "accept_application", json!({"user_id": "ada"}));
    live(&stand, "ada", mark);
    stand.room(mark, |room| {
        room["seats"][2]["connection"] == "connected" && room["seats"][3]["microphone"] == "closed_by_admin"
    });
    let before = stand.room_now();
    let mark = stand.operator.mark();
    host.kill();
    stand.event("ada", "host_lost", mark);
    // With fewer seats than before.
    let _host = stand.host(&["host.seats=3", "host.hold=3"]);
    let room = stand.room(mark, |room| room["session"] != before["session"]);
    assert!(room["revision"].as_u64() > before["revision"].as_u64());
    assert_eq!(
        (&room["seats"][2]["user"]["user_id"], &room["seats"][1]["locked"]),
        (&json!("ada"), &json!(true))
    );
    assert_eq!(room["seats"].as_array().map(Vec::len), Some(3));
    assert_eq!(other.told("unseated", 0)["reason"], "seat_locked");
    stand.event("ada", "host_back", mark);
    stand.event("ada", "media_live", mark);
    stand.room(mark, |room| {
        room["session"] != before["session"] && room["seats"][2]["connection"] == "connected"
    });
    stand.event(HOST, "media_live", mark);
    assert_eq!(stand.count("ada", "unseated", mark), 0);
    assert_eq!(other.refused("leave_seat", json!({})), "not_in_room");
}

#[test]
fn a_guest_that_is_gone_longer_than_the_hold_has_left() {
    let stand = Stand::open();
    let _host = stand.host(&["host.hold=1"]);
    let (guest, asking) = (stand.hand_guest("ada"), stand.hand_guest("bob"));
    guest.join();
    asking.join();
    guest.ok("apply", json!({"seat_index": 0}));
    stand.ok(HOST, "accept_application", json!({"user_id": "ada"}));
    asking.ok("apply", json!({"timeout": 0}));
    stand.ok(HOST, "invite_to_seat", json!({"invitee_id": "bob", "timeout": 0}));
    let mark = stand.operator.mark();
    guest.be("offline");
    stand.room(mark, |room| room["seats"][0]["connection"] == "lost");
    assert_eq!(stand.event(HOST, "guest_connection", mark)["connection"], "lost");
    // Back in time: the seat is as it was.
    guest.be("online");
    let answer = guest.ok("join", json!({"user": {"user_id": "ada"}, "session": "a new one"}));
    assert_eq!(answer["seat"]["seat_index"], 0);
    stand.room(mark, |room| room["seats"][0]["connection"] == "connecting");
    let mark = stand.operator.mark();
    guest.be("offline");
    asking.be("offline");
    assert_eq!(stand.event(HOST, "guest_unseated", mark)["reason"], "offline");
    assert_eq!(stand.event(HOST, "application_no_response", mark)["reason"], "offline");
    assert_eq!(stand.event(HOST, "invitation_no_response", mark)["reason"], "offline");
    let left = |heard: &[Heard], user: &str| {
        let left = |heard: &Heard| {
            heard.topic.ends_with("/event/guest_left") && heard.value()["user"]["user_id"] == user
        };
        heard.iter().any(left)
    };
    stand.operator.wait_for_all("both to have left", mark, |heard| left(heard, "ada") && left(heard, "bob"));
    assert_eq!(guest.refused("devices", json!({"microphone": "on", "camera": "on"})), "not_in_room");
}

#[test]
fn a_guest_killed_while_live_comes_back_to_its_seat() {
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let keys = [&*format!("room.live_id={ROOM}")];
    let mark = stand.operator.mark();
    let guest = stand.guest("ada", &keys);
    inside(&stand, "ada", mark);
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 5}));
    stand.event(HOST, "media_live", mark);
    stand.ok("ada", "close_local_camera", json!({}));
    stand.room(mark, |room| room["seats"][5]["camera"] == "off" && room["seats"][5]["microphone"] == "on");
    let mark = stand.operator.mark();
    guest.kill();
    stand.status("ada", mark, "offline");
    stand.room(mark, |room| room["seats"][5]["connection"] == "lost");
    let mark = stand.operator.mark();
    let _guest = stand.guest("ada", &keys);
    assert_eq!(stand.event("ada", "seated", mark)["seat_index"], 5);
    stand.event("ada", "media_live", mark);
    stand.event(HOST, "media_live", mark);
    let state = stand.state("ada");
    assert_eq!((&state["camera"]["status"], &state["microphone"]["status"]), (&json!("off"), &json!("on")));
    assert_eq!(stand.count(HOST, "guest_unseated", mark), 0);
}

#[test]
fn a_broker_that_is_killed_and_started_again_costs_nobody_the_seat() {
    let mut stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let _guest = stand.guest_inside("ada", &[]);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"media": "audio"}));
    stand.event(HOST, "media_live", mark);
    let (mark, connections) = (stand.operator.mark(), stand.operator.connections());
    stand.broker.kill();
    stand.broker.start_again();
    stand.operator.reconnected(connections);
    // This broker has forgotten everything: all that is retained is said again.
    stand.status("ada", mark, "online");
    stand.status(HOST, mark, "online");
    stand.room(mark, |room| room["seats"][0]["connection"] == "connected");
    inside(&stand, "ada", mark);
    assert_eq!(stand.state("ada")["seat"]["phase"], "live");
    stand.ok(HOST, "kick_user_out_of_seat", json!({"user_id": "ada"}));
    assert_eq!(stand.event("ada", "unseated", mark)["reason"], "kicked");
    assert_eq!(stand.count(HOST, "guest_left", mark), 0);
}

#[test]
fn the_late_will_of_a_former_connection_is_contradicted() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let _guest = stand.guest_inside("ada", &[]);
    let will = stand.client("ada");
    let mark = stand.operator.mark();
    will.publish_as("coguest/v1/device/ada/status", "offline", crate::support::client::Manner::retained());
    stand.status("ada", mark, "offline");
    stand.status("ada", mark, "online");
    stand.until_state(HOST, 0, |state| state["candidates"][0]["user_id"] == "ada");
    stand.ok("ada", "apply_for_seat", json!({}));
    assert_eq!(stand.count(HOST, "guest_left", mark), 0);
}
