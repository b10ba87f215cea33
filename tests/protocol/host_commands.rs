//! The commands of the host role, given to a real host; its guests are made by hand.

use serde_json::{Value, json};

use crate::support::hands::HandGuest;
use crate::support::stand::{HOST, ROOM, Stand};

fn seated(stand: &Stand, user_id: &str, seat_index: u32) -> HandGuest {
    let guest = stand.hand_guest(user_id);
    guest.join();
    guest.ok("apply", json!({"seat_index": seat_index}));
    stand.ok(HOST, "accept_application", json!({"user_id": user_id}));
    guest
}

fn inside(stand: &Stand, user_id: &str) -> HandGuest {
    let guest = stand.hand_guest(user_id);
    guest.join();
    guest
}

/// Who sits where.
fn seats(stand: &Stand) -> Vec<Value> {
    let state = stand.state(HOST);
    let seat = |seat: &Value| json!([seat["seat_index"], seat["user"]["user_id"]]);
    state["connected"].as_array().expect("a list").iter().map(seat).collect()
}

#[test]
fn without_a_live_every_command_of_the_role_says_so() {
    let stand = Stand::open();
    let _host = stand.start("host", HOST).go();
    stand.status(HOST, 0, "online");
    for (name, parameters) in [
        ("end_live", json!({})),
        ("accept_application", json!({"user_id": "ada"})),
        ("reject_application", json!({"user_id": "ada"})),
        ("invite_to_seat", json!({"invitee_id": "ada"})),
        ("cancel_invitation", json!({"invitee_id": "ada"})),
        ("kick_user_out_of_seat", json!({"user_id": "ada"})),
        ("take_seat_snapshot", json!({"user_id": "ada"})),
        ("set_return", json!({"user_id": "ada", "return": "none"})),
        ("move_user_to_seat", json!({"user_id": "ada", "seat_index": 0})),
        ("lock_seat", json!({"seat_index": 0})),
        ("unlock_seat", json!({"seat_index": 0})),
        ("close_remote_camera", json!({"user_id": "ada"})),
        ("close_remote_microphone", json!({"user_id": "ada"})),
        ("open_remote_camera", json!({"user_id": "ada"})),
        ("open_remote_microphone", json!({"user_id": "ada"})),
    ] {
        assert_eq!(stand.refused(HOST, name, parameters), "not_in_room", "{name}");
        // The shape is looked at first.
        assert_eq!(stand.refused(HOST, name, json!({"nonsense": 1})), "invalid_parameter", "{name}");
    }
    for name in [
        "join_live",
        "leave_live",
        "apply_for_seat",
        "cancel_application",
        "accept_invitation",
        "reject_invitation",
        "disconnect",
    ] {
        assert_eq!(stand.refused(HOST, name, json!({})), "permission_denied", "{name}");
    }
    let state = stand.state(HOST);
    assert_eq!(state["room"], json!({"live_id": null, "membership": "outside"}));
    assert_eq!(state["role"], "host");
}

#[test]
fn a_live_starts_and_ends_with_its_revision_growing_on() {
    let stand = Stand::open();
    let host = stand.start("host", HOST).go();
    stand.status(HOST, 0, "online");
    for wrong in [
        json!({}),
        json!({"live_id": "a b"}),
        json!({"live_id": ROOM, "seats": 0}),
        json!({"live_id": ROOM, "seats": 33}),
        json!({"live_id": ROOM, "seats": 2.5}),
        json!({"live_id": ROOM, "seat_mode": "open"}),
        json!({"live_id": ROOM, "seat": 1}),
    ] {
        assert_eq!(stand.refused(HOST, "start_live", wrong), "invalid_parameter");
    }
    let mark = stand.operator.mark();
    stand.ok(HOST, "start_live", json!({"live_id": ROOM, "seats": 2, "seat_mode": "free"}));
    let first = stand.room(mark, |room| room["status"] == "live");
    assert_eq!(first["host"], json!({"user_id": HOST, "user_name": format!("The {HOST}"), "avatar_url": ""}));
    assert_eq!((&first["seat_mode"], &first["stage"]), (&json!("free"), &json!(HOST)));
    let empty = |index| {
        json!({"index": index, "locked": false, "user": null, "media": null,
        "microphone": "off", "camera": "off", "connection": null})
    };
    assert_eq!(first["seats"], json!([empty(0), empty(1)]));
    let mark = stand.operator.mark();
    stand.ok(HOST, "start_live", json!({"live_id": ROOM, "seats": 5}));
    assert_eq!(stand.refused(HOST, "start_live", json!({"live_id": "attic"})), "already_in_other_room");
    stand.state(HOST);
    let again = stand.operator.on("coguest/v1/room/lobby/state", mark);
    assert!(again.iter().all(|room| *room == first), "what is so already is at most said again: {again:?}");
    let guest = inside(&stand, "ada");
    let heard = guest.client.mark();
    stand.ok(HOST, "lock_seat", json!({"seat_index": 0}));
    guest.ok("apply", json!({}));
    stand.ok(HOST, "end_live", json!({}));
    guest.told("live_ended", heard);
    assert_eq!(guest.story(heard), ["application_accepted", "seated", "unseated", "live_ended"]);
    assert_eq!(guest.told("unseated", heard)["reason"], "live_ended");
    let ended = stand.room(mark, |room| room["status"] == "ended");
    assert_eq!((&ended["stage"], &ended["seats"]), (&Value::Null, &json!([empty(0), empty(1)])));
    assert_eq!(stand.refused(HOST, "end_live", json!({})), "not_in_room");
    let mark = stand.operator.mark();
    stand.ok(HOST, "start_live", json!({"live_id": ROOM}));
    let again = stand.room(mark, |room| room["status"] == "live");
    assert_eq!(again["revision"].as_u64(), ended["revision"].as_u64().map(|n| n + 1));
    assert_eq!((again["seats"].as_array().map(Vec::len), &again["seat_mode"]), (Some(8), &json!("apply")));
    let mut revisions: Vec<u64> = stand
        .operator
        .on("coguest/v1/room/lobby/state", 0)
        .iter()
        .map(|room| room["revision"].as_u64().expect("a number"))
        .collect();
    // What was said again is the same.
    revisions.dedup();
    assert!(revisions.windows(2).all(|two| two[1] == two[0] + 1), "{revisions:?}");
    host.kill();
    let mark = stand.operator.mark();
    let _host = stand.host(&[]);
    let after = stand.room(mark, |room| room["session"] != again["session"]);
    assert!(after["revision"].as_u64() > again["revision"].as_u64(), "it grows over a restart");
}

#[test]
fn a_live_that_is_being_started_may_be_asked_for_again() {
    let stand = Stand::open();
    let _host = stand.start("host", HOST).set(&[&format!("room.live_id={ROOM}")]).go();
    stand.status(HOST, 0, "online");
    // Whether this comes before or after the live began, it is what is wished already.
    stand.ok(HOST, "start_live", json!({"live_id": ROOM}));
    assert_eq!(stand.refused(HOST, "start_live", json!({"live_id": "attic"})), "already_in_other_room");
}

#[test]
fn a_room_that_is_live_under_another_host_is_left_to_him() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let _second = stand.start("host", "hal").go();
    stand.status("hal", 0, "online");
    assert_eq!(stand.refused("hal", "start_live", json!({"live_id": ROOM})), "permission_denied");
    assert_eq!(stand.state("hal")["room"]["membership"], "outside");
}

#[test]
fn every_error_of_an_invitation_in_its_order() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=2"]);
    let guest = inside(&stand, "ada");
    let invite = |fields: Value| stand.refused(HOST, "invite_to_seat", fields);
    for wrong in [
        json!({}),
        json!({"invitee_id": "ada", "seat_index": 0.5}),
        json!({"invitee_id": "ada", "timeout": 3601}),
        json!({"invitee_id": "ada", "media": "x"}),
        json!({"invitee_id": "ada", "operator": "x".repeat(65)}),
        json!({"invitee_id": "ada", "user_id": "ada"}),
    ] {
        assert_eq!(invite(wrong), "invalid_parameter");
    }
    assert_eq!(invite(json!({"invitee_id": "bob", "seat_index": 9})), "user_not_in_room");
    assert_eq!(invite(json!({"invitee_id": "ada", "seat_index": 9})), "seat_index_not_exist");
    stand.ok(HOST, "lock_seat", json!({"seat_index": 0}));
    assert_eq!(invite(json!({"invitee_id": "ada", "seat_index": 0})), "seat_locked");
    let _sitting = seated(&stand, "bob", 1);
    assert_eq!(invite(json!({"invitee_id": "bob", "seat_index": 9})), "user_already_on_seat");
    assert_eq!(invite(json!({"invitee_id": "ada", "seat_index": 1})), "seat_occupied");
    assert_eq!(invite(json!({"invitee_id": "ada"})), "all_seats_occupied");
    assert_eq!(stand.refused(HOST, "cancel_invitation", json!({"invitee_id": "ada"})), "no_such_invitation");
    stand.ok(HOST, "unlock_seat", json!({"seat_index": 0}));
    let heard = guest.client.mark();
    stand.ok(HOST, "invite_to_seat", json!({"invitee_id": "ada", "seat_index": 0}));
    assert_eq!(invite(json!({"invitee_id": "ada", "seat_index": 9})), "request_repeated");
    let state = stand.state(HOST);
    assert_eq!(
        (&state["invitees"][0]["user"]["user_id"], &state["invitees_total"]),
        (&json!("ada"), &json!(1))
    );
    assert_eq!(state["invitees"][0]["by"]["user_id"], HOST);
    stand.ok(HOST, "cancel_invitation", json!({"invitee_id": "ada", "operator": "desk"}));
    let cancelled = guest.told("invitation_cancelled", heard);
    assert_eq!(cancelled["by"]["operator"], "desk");
    assert_eq!(cancelled["invitation_id"], guest.told("invitation", heard)["invitation_id"]);
}

#[test]
fn an_acceptance_whose_seat_is_gone_leaves_the_application_pending() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=1"]);
    let (first, second) = (inside(&stand, "ada"), inside(&stand, "bob"));
    first.ok("apply", json!({"seat_index": 0}));
    second.ok("apply", json!({"seat_index": -1}));
    assert_eq!(stand.refused(HOST, "accept_application", json!({"user_id": "cleo"})), "not_on_seat_queue");
    stand.ok(HOST, "accept_application", json!({"user_id": "ada"}));
    assert_eq!(stand.refused(HOST, "accept_application", json!({"user_id": "ada"})), "not_on_seat_queue");
    assert_eq!(stand.refused(HOST, "accept_application", json!({"user_id": "bob"})), "all_seats_occupied");
    let state = stand.state(HOST);
    assert_eq!(
        (&state["applicants"][0]["user"]["user_id"], &state["applicants_total"]),
        (&json!("bob"), &json!(1))
    );
    stand.ok(HOST, "kick_user_out_of_seat", json!({"user_id": "ada"}));
    stand.ok(HOST, "accept_application", json!({"user_id": "bob"}));
    assert_eq!(seats(&stand), [json!([0, "bob"])]);
}

#[test]
fn a_kick_says_by_whom() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    assert_eq!(stand.refused(HOST, "kick_user_out_of_seat", json!({"user_id": "ada"})), "user_not_in_seat");
    let guest = seated(&stand, "ada", 3);
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    stand.ok(HOST, "kick_user_out_of_seat", json!({"user_id": "ada", "operator": "desk"}));
    let unseated = guest.told("unseated", heard);
    assert_eq!((&unseated["reason"], &unseated["seat_index"]), (&json!("kicked"), &json!(3)));
    assert_eq!(unseated["by"]["operator"], "desk");
    assert_eq!(stand.event(HOST, "guest_unseated", mark)["reason"], "kicked");
    assert_eq!(stand.refused(HOST, "kick_user_out_of_seat", json!({"user_id": "ada"})), "user_not_in_seat");
    // Still inside.
    guest.ok("apply", json!({}));
}

#[test]
fn a_guest_is_moved_by_every_policy() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=4"]);
    let (ada, bob) = (seated(&stand, "ada", 0), seated(&stand, "bob", 1));
    let to =
        |user: &str, seat: i64, policy: &str| json!({"user_id": user, "seat_index": seat, "policy": policy});
    let refused = |parameters| stand.refused(HOST, "move_user_to_seat", parameters);
    assert_eq!(refused(json!({"user_id": "ada"})), "invalid_parameter");
    assert_eq!(refused(to("ada", 2, "fly")), "invalid_parameter");
    assert_eq!(refused(to("cleo", 9, "swap_position")), "user_not_in_seat");
    assert_eq!(refused(to("ada", 4, "swap_position")), "seat_index_not_exist");
    assert_eq!(refused(to("ada", -2, "swap_position")), "seat_index_not_exist");
    assert_eq!(refused(json!({"user_id": "ada", "seat_index": 1})), "seat_occupied");
    stand.ok(HOST, "lock_seat", json!({"seat_index": 3}));
    for policy in ["abort_when_occupied", "swap_position", "force_replace"] {
        assert_eq!(refused(to("ada", 3, policy)), "seat_locked", "{policy}");
    }
    let (mark, heard) = (stand.operator.mark(), ada.client.mark());
    stand.ok(HOST, "move_user_to_seat", to("ada", 0, "force_replace"));
    ada.join();
    assert!(ada.story(heard).is_empty(), "a move to the own seat says nothing");
    stand.ok(HOST, "move_user_to_seat", json!({"user_id": "ada", "seat_index": -1}));
    let moved = ada.told("moved", heard);
    assert_eq!((&moved["from"], &moved["to"], &moved["by"]["user_id"]), (&json!(0), &json!(2), &json!(HOST)));
    let event = stand.event(HOST, "guest_moved", mark);
    assert_eq!(
        (&event["user"]["user_id"], &event["from"], &event["to"]),
        (&json!("ada"), &json!(0), &json!(2))
    );
    let (one, other) = (ada.client.mark(), bob.client.mark());
    stand.ok(HOST, "move_user_to_seat", to("ada", 1, "swap_position"));
    assert_eq!(ada.told("moved", one)["to"], 1);
    assert_eq!((&bob.told("moved", other)["from"], &bob.told("moved", other)["to"]), (&json!(1), &json!(2)));
    assert_eq!(seats(&stand), [json!([1, "ada"]), json!([2, "bob"])]);
    stand.ok(HOST, "move_user_to_seat", to("bob", 0, "swap_position"));
    assert_eq!(seats(&stand), [json!([0, "bob"]), json!([1, "ada"])]);
    let other = bob.client.mark();
    stand.ok(HOST, "move_user_to_seat", to("ada", 0, "force_replace"));
    let unseated = bob.told("unseated", other);
    assert_eq!((&unseated["reason"], &unseated["by"]["user_id"]), (&json!("replaced"), &json!(HOST)));
    assert_eq!(seats(&stand), [json!([0, "ada"])]);
}

#[test]
fn a_seat_is_locked_and_its_occupant_removed_first() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=2"]);
    let guest = seated(&stand, "ada", 1);
    for name in ["lock_seat", "unlock_seat"] {
        for index in [2, -1] {
            assert_eq!(stand.refused(HOST, name, json!({"seat_index": index})), "seat_index_not_exist");
        }
        assert_eq!(stand.refused(HOST, name, json!({})), "invalid_parameter");
    }
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    stand.ok(HOST, "lock_seat", json!({"seat_index": 1}));
    assert_eq!(guest.told("unseated", heard)["reason"], "seat_locked");
    let locked = stand.room(mark, |room| room["seats"][1]["locked"] == true);
    assert_eq!(locked["seats"][1]["user"], Value::Null);
    let mark = stand.operator.mark();
    stand.ok(HOST, "lock_seat", json!({"seat_index": 1}));
    stand.ok(HOST, "unlock_seat", json!({"seat_index": 0}));
    stand.state(HOST);
    assert!(stand.operator.on("coguest/v1/room/lobby/state", mark).is_empty());
    stand.ok(HOST, "unlock_seat", json!({"seat_index": 1}));
    stand.room(mark, |room| room["seats"][1]["locked"] == false);
}

#[test]
fn a_ban_moves_with_its_guest_and_holds_over_seats_until_it_is_lifted() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=3"]);
    for name in [
        "close_remote_camera",
        "close_remote_microphone",
        "open_remote_camera",
        "open_remote_microphone",
        "take_seat_snapshot",
    ] {
        assert_eq!(stand.refused(HOST, name, json!({"user_id": "ada"})), "user_not_in_seat", "{name}");
    }
    let guest = seated(&stand, "ada", 0);
    assert_eq!(stand.refused(HOST, "take_seat_snapshot", json!({"user_id": "ada"})), "permission_denied");
    let on = json!({"microphone": "on", "camera": "on"});
    guest.ok("devices", on.clone());
    for (device, other) in [("camera", "microphone"), ("microphone", "camera")] {
        let heard = guest.client.mark();
        let close = format!("close_remote_{device}");
        stand.ok(HOST, &close, json!({"user_id": "ada", "operator": "desk"}));
        let control = guest.told("device_control", heard);
        assert_eq!((&control["device"], &control["action"]), (&json!(device), &json!("close")));
        assert_eq!(control["by"]["operator"], "desk");
        let heard = guest.client.mark();
        stand.ok(HOST, &close, json!({"user_id": "ada"}));
        guest.join();
        assert!(guest.story(heard).is_empty(), "a ban twice says nothing");
        assert_eq!(guest.refused("devices", on.clone()), format!("{device}_closed_by_admin"));
        let mark = stand.operator.mark();
        stand.ok(HOST, "move_user_to_seat", json!({"user_id": "ada", "seat_index": -1}));
        let room = stand.room(mark, |room| {
            room["seats"]
                .as_array()
                .is_some_and(|seats| seats.iter().any(|seat| seat[device] == "closed_by_admin"))
        });
        assert!(room["seats"].as_array().expect("seats").iter().any(|seat| seat[other] == "on"), "{room}");
        let heard = guest.client.mark();
        stand.ok(HOST, &format!("open_remote_{device}"), json!({"user_id": "ada"}));
        assert_eq!(guest.told("device_control", heard)["action"], "unlock");
        let seat = guest.join()["seat"].clone();
        assert_eq!(
            (&seat[device], &seat[other]),
            (&json!("off"), &json!("on")),
            "a lifted ban opens nothing"
        );
        guest.ok("devices", on.clone());
        let heard = guest.client.mark();
        stand.ok(HOST, &format!("open_remote_{device}"), json!({"user_id": "ada"}));
        guest.join();
        assert!(guest.story(heard).is_empty(), "nothing to lift");
    }
    stand.ok(HOST, "close_remote_camera", json!({"user_id": "ada"}));
    stand.ok(HOST, "kick_user_out_of_seat", json!({"user_id": "ada"}));
    guest.ok("apply", json!({"seat_index": 0}));
    let heard = guest.client.mark();
    stand.ok(HOST, "accept_application", json!({"user_id": "ada"}));
    assert_eq!(guest.told("device_control", heard)["action"], "close", "said again on each seat");
    assert_eq!(guest.refused("devices", on.clone()), "camera_closed_by_admin");
    stand.ok(HOST, "open_remote_camera", json!({"user_id": "ada"}));
    guest.ok("devices", on);
}

#[test]
fn a_host_has_no_devices_but_a_name() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    for name in ["open_local_camera", "open_local_microphone"] {
        assert_eq!(stand.refused(HOST, name, json!({})), "user_not_in_seat");
    }
    assert_eq!(stand.refused(HOST, "take_snapshot", json!({})), "permission_denied");
    let listed = stand.ok(HOST, "list_devices", json!({}));
    assert!(["cameras", "microphones", "speakers"].iter().all(|list| listed[list].is_array()), "{listed}");
    let mark = stand.operator.mark();
    stand.ok(HOST, "set_user_info", json!({"user_name": "Uschi", "avatar_url": "https://a.example/u.png"}));
    let room = stand.room(mark, |room| room["host"]["user_name"] == "Uschi");
    assert_eq!(room["host"]["avatar_url"], "https://a.example/u.png");
    let wrong = json!({"avatar_url": "x".repeat(513)});
    assert_eq!(stand.refused(HOST, "set_user_info", wrong), "invalid_parameter");
}
