//! The room plane as a guest made by hand meets it: what it asks of a real host, and what the host makes of it.

use serde_json::{Value, json};

use crate::support::client::Manner;
use crate::support::hands::HandGuest;
use crate::support::stand::{HOST, ROOM, Stand, place};

fn user(user_id: &str) -> Value {
    json!({"user_id": user_id, "user_name": user_id, "avatar_url": ""})
}

/// Accepts what a guest applied for.
fn accept(stand: &Stand, user_id: &str) {
    stand.ok(HOST, "accept_application", json!({"user_id": user_id}));
}

/// Puts a guest on a seat.
fn seat(stand: &Stand, guest: &HandGuest, seat_index: u32) {
    guest.ok("apply", json!({"seat_index": seat_index}));
    accept(stand, &guest.user_id);
}

#[test]
fn the_way_in_and_out_of_a_room() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let guest = stand.hand_guest("ada");
    for (kind, fields) in [
        ("leave", json!({})),
        ("apply", json!({})),
        ("cancel_application", json!({})),
        ("accept_invitation", json!({"invitation_id": "x"})),
        ("reject_invitation", json!({"invitation_id": "x"})),
        ("leave_seat", json!({})),
        ("devices", json!({"microphone": "on", "camera": "on"})),
    ] {
        assert_eq!(guest.refused(kind, fields), "not_in_room", "{kind}");
    }
    let mark = stand.operator.mark();
    let answer = guest.join();
    assert_eq!((&answer["seat"], &answer["application"]), (&Value::Null, &Value::Null));
    assert_eq!(answer["invitations"], json!([]));
    let joined = stand.event(HOST, "guest_joined", mark);
    assert_eq!(joined["user"], json!({"user_id": "ada", "user_name": "Hand ada", "avatar_url": ""}));
    assert!(joined["at"].as_str().is_some_and(|at| at.contains('T') && at.ends_with('Z')), "{joined}");
    // Again, under a new name: the user object is renewed, and nobody came in.
    let again = json!({"user": {"user_id": "ada", "user_name": "Countess"}, "session": "another"});
    guest.ok("join", again);
    assert_eq!(stand.state(HOST)["candidates"][0]["user_name"], "Countess");
    assert_eq!(stand.count(HOST, "guest_joined", mark), 1);
    guest.ok("leave", json!({}));
    assert_eq!(stand.event(HOST, "guest_left", mark)["user"]["user_id"], "ada");
    assert_eq!(guest.refused("apply", json!({})), "not_in_room");
}

#[test]
fn the_speaker_is_the_user_in_the_topic() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let guest = stand.hand_guest("ada");
    let mark = stand.operator.mark();
    guest.ok("join", json!({"user": {"user_id": "bob"}, "session": "s"}));
    let joined = stand.event(HOST, "guest_joined", mark);
    // A name that is absent is the id, and the id is the topic's.
    assert_eq!(joined["user"], user("ada"));
}

#[test]
fn an_application_from_the_wish_to_the_seat() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=3"]);
    let guest = stand.hand_guest("ada");
    guest.join();
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    let note = "x".repeat(1024);
    guest.ok("apply", json!({"seat_index": 1, "timeout": 60, "media": "audio", "extra_info": note}));
    let received = stand.event(HOST, "application_received", mark);
    assert_eq!(received["user"]["user_id"], "ada");
    assert_eq!((&received["seat_index"], &received["timeout"]), (&json!(1), &json!(60)));
    assert_eq!((&received["media"], &received["extra_info"]), (&json!("audio"), &json!(note)));
    assert_eq!(guest.refused("apply", json!({})), "already_on_seat_queue");
    let kept = guest.join();
    assert_eq!(kept["application"]["seat_index"], 1);
    assert_eq!(
        (&kept["application"]["media"], &kept["application"]["extra_info"]),
        (&json!("audio"), &json!(note))
    );
    assert!(kept["application"]["timeout"].as_u64().is_some_and(|left| (1..=60).contains(&left)));
    stand.ok(HOST, "accept_application", json!({"user_id": "ada", "operator": "desk-2"}));
    let processed = stand.event(HOST, "application_processed", mark);
    assert_eq!((&processed["accepted"], &processed["by"]["operator"]), (&json!(true), &json!("desk-2")));
    let accepted = guest.told("application_accepted", heard);
    assert_eq!((&accepted["seat_index"], &accepted["media"]), (&json!(1), &json!("audio")));
    assert_eq!((&accepted["by"]["user_id"], &accepted["by"]["operator"]), (&json!(HOST), &json!("desk-2")));
    let seated = guest.told("seated", heard);
    assert_eq!((&seated["seat_index"], &seated["media"]), (&json!(1), &json!("audio")));
    assert_eq!(seated["grant"], json!({"transport": "mqtt", "stage": HOST}));
    assert_eq!(guest.story(heard), ["application_accepted", "seated"]);
    let room = stand.room(mark, |room| room["seats"][1]["user"]["user_id"] == "ada");
    assert_eq!(
        (&room["seats"][1]["media"], &room["seats"][1]["connection"]),
        (&json!("audio"), &json!("connecting"))
    );
    assert_eq!(stand.event(HOST, "guest_seated", mark)["seat_index"], 1);
    assert_eq!(guest.refused("apply", json!({})), "already_in_seat");
    assert_eq!(guest.refused("devices", json!({"microphone": "on", "camera": "on"})), "permission_denied");
    guest.ok("devices", json!({"microphone": "on", "camera": "off"}));
    stand.room(mark, |room| room["seats"][1]["microphone"] == "on");
    let answer = guest.join();
    assert_eq!(
        answer["seat"],
        json!({"seat_index": 1, "media": "audio", "grant": {"transport": "mqtt", "stage": HOST},
            "camera": "off", "microphone": "on"})
    );
    guest.ok("leave_seat", json!({}));
    assert_eq!(guest.told("unseated", heard), json!({"type": "unseated", "seat_index": 1, "reason": "left"}));
    assert_eq!(stand.event(HOST, "guest_unseated", mark)["reason"], "left");
    assert_eq!(guest.refused("leave_seat", json!({})), "user_not_in_seat");
    assert_eq!(guest.refused("devices", json!({"microphone": "on", "camera": "off"})), "user_not_in_seat");
}

#[test]
fn every_error_of_an_application_in_its_order() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=2"]);
    let (guest, other) = (stand.hand_guest("ada"), stand.hand_guest("bob"));
    guest.join();
    other.join();
    for (fields, named) in [
        (json!({"seat_index": 1.5}), "seat_index"),
        (json!({"seat_index": true}), "seat_index"),
        (json!({"timeout": 3601}), "timeout"),
        (json!({"timeout": -1}), "timeout"),
        (json!({"media": "hologram"}), "media"),
        (json!({"extra_info": "x".repeat(1025)}), "extra_info"),
        (json!({"extra_info": 7}), "extra_info"),
    ] {
        let result = guest.request("apply", fields.clone());
        assert_eq!(result["error"]["code"], "invalid_parameter", "{fields}: {result}");
        let why = result["error"]["message"].as_str().expect("a message");
        assert!(why.contains(named), "{fields}: {why}");
    }
    assert_eq!(guest.refused("cancel_application", json!({})), "not_on_seat_queue");
    for index in [2, -2, 4_000_000_000_i64] {
        assert_eq!(guest.refused("apply", json!({"seat_index": index})), "seat_index_not_exist");
    }
    stand.ok(HOST, "lock_seat", json!({"seat_index": 0}));
    assert_eq!(guest.refused("apply", json!({"seat_index": 0})), "seat_locked");
    seat(&stand, &other, 1);
    assert_eq!(guest.refused("apply", json!({"seat_index": 1})), "seat_occupied");
    assert_eq!(guest.refused("apply", json!({"seat_index": -1})), "all_seats_occupied");
    assert_eq!(guest.refused("dance", json!({})), "unknown_command");
    // What failed changed nothing: no application waits.
    assert_eq!(stand.state(HOST)["applicants"], json!([]));
    stand.ok(HOST, "unlock_seat", json!({"seat_index": 0}));
    let mark = stand.operator.mark();
    guest.ok("apply", json!({"later": "unknown fields pass"}));
    let received = stand.event(HOST, "application_received", mark);
    assert_eq!((&received["seat_index"], &received["timeout"]), (&json!(-1), &json!(30)));
    assert_eq!((&received["media"], &received["extra_info"]), (&json!("video"), &Value::Null));
    guest.ok("cancel_application", json!({}));
    assert_eq!(stand.event(HOST, "application_cancelled", mark)["user"]["user_id"], "ada");
    assert_eq!(guest.refused("cancel_application", json!({})), "not_on_seat_queue");
}

#[test]
fn an_application_that_nobody_answers_expires_and_may_be_repeated() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let guest = stand.hand_guest("ada");
    guest.join();
    for _ in 0..2 {
        let (mark, heard) = (stand.operator.mark(), guest.client.mark());
        guest.ok("apply", json!({"timeout": 1}));
        assert_eq!(guest.told("application_no_response", heard)["reason"], "timeout");
        assert_eq!(stand.event(HOST, "application_no_response", mark)["reason"], "timeout");
        assert_eq!(stand.refused(HOST, "accept_application", json!({"user_id": "ada"})), "not_on_seat_queue");
    }
    let heard = guest.client.mark();
    guest.ok("apply", json!({"timeout": 0}));
    assert_eq!(stand.state(HOST)["applicants"][0]["expires_in"], Value::Null);
    assert_eq!(guest.join()["application"]["timeout"], 0);
    stand.ok(HOST, "reject_application", json!({"user_id": "ada", "operator": "desk"}));
    assert_eq!(guest.told("application_rejected", heard)["by"]["operator"], "desk");
    assert_eq!(stand.refused(HOST, "reject_application", json!({"user_id": "ada"})), "not_on_seat_queue");
    guest.ok("apply", json!({}));
}

#[test]
fn an_invitation_from_the_offer_to_its_end() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=2"]);
    let guest = stand.hand_guest("ada");
    guest.join();
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    let wish = json!({"invitee_id": "ada", "seat_index": 1, "timeout": 0, "media": "audio", "extra_info": "come", "operator": "d"});
    stand.ok(HOST, "invite_to_seat", wish);
    let invitation = guest.told("invitation", heard);
    let id = invitation["invitation_id"].clone();
    assert_eq!((&invitation["seat_index"], &invitation["timeout"]), (&json!(1), &json!(0)));
    assert_eq!((&invitation["media"], &invitation["extra_info"]), (&json!("audio"), &json!("come")));
    assert_eq!((&invitation["by"]["user_id"], &invitation["by"]["operator"]), (&json!(HOST), &json!("d")));
    assert_eq!(guest.join()["invitations"][0]["invitation_id"], id);
    assert_eq!(guest.refused("accept_invitation", json!({"invitation_id": "another"})), "no_such_invitation");
    assert_eq!(guest.refused("accept_invitation", json!({})), "invalid_parameter");
    // The seat is taken meanwhile: the invitation stays pending.
    stand.ok(HOST, "lock_seat", json!({"seat_index": 1}));
    assert_eq!(guest.refused("accept_invitation", json!({"invitation_id": id})), "seat_locked");
    stand.ok(HOST, "unlock_seat", json!({"seat_index": 1}));
    // An application beside it ends when the invitation leads to the seat.
    guest.ok("apply", json!({}));
    let (request, told) = (guest.send("accept_invitation", json!({"invitation_id": id})), heard);
    assert_eq!(guest.result(&request, told)["ok"], true);
    assert_eq!(guest.told("seated", told)["media"], "audio");
    assert_eq!(guest.told("application_no_response", told)["reason"], "already_seated");
    assert_eq!(stand.event(HOST, "invitation_accepted", mark)["seat_index"], 1);
    assert_eq!(stand.event(HOST, "application_no_response", mark)["reason"], "already_seated");
    assert_eq!(guest.refused("accept_invitation", json!({"invitation_id": id})), "no_such_invitation");
    guest.ok("leave_seat", json!({}));
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    stand.ok(HOST, "invite_to_seat", json!({"invitee_id": "ada"}));
    let second = guest.told("invitation", heard);
    guest.ok("reject_invitation", json!({"invitation_id": second["invitation_id"]}));
    assert_eq!(stand.event(HOST, "invitation_rejected", mark)["user"]["user_id"], "ada");
    assert_eq!(
        guest.refused("reject_invitation", json!({"invitation_id": second["invitation_id"]})),
        "no_such_invitation"
    );
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    stand.ok(HOST, "invite_to_seat", json!({"invitee_id": "ada", "timeout": 1}));
    assert_eq!(guest.told("invitation_no_response", heard)["reason"], "timeout");
    assert_eq!(stand.event(HOST, "invitation_no_response", mark)["reason"], "timeout");
}

#[test]
fn who_leaves_ends_its_requests_and_its_seat() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let guest = stand.hand_guest("ada");
    guest.join();
    guest.ok("apply", json!({}));
    stand.ok(HOST, "invite_to_seat", json!({"invitee_id": "ada"}));
    stand.state(HOST);
    let mark = stand.operator.mark();
    guest.ok("leave", json!({}));
    stand.event(HOST, "guest_left", mark);
    assert_eq!(stand.story(HOST, mark), ["application_cancelled", "invitation_rejected", "guest_left"]);
    guest.join();
    seat(&stand, &guest, 0);
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    guest.ok("leave", json!({}));
    stand.event(HOST, "guest_left", mark);
    assert_eq!(guest.told("unseated", heard)["reason"], "left");
    stand.room(mark, |room| room["seats"][0]["user"].is_null());
}

#[test]
fn noise_is_dropped_unanswered_and_changes_nothing() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let guest = stand.hand_guest("ada");
    guest.join();
    let heard = guest.client.mark();
    let topic = place("ada", "to_host");
    let long = json!({"type": "apply", "request_id": "long", "x": "x".repeat(70_000)}).to_string();
    let wide = json!({"type": "apply", "request_id": "x".repeat(65)}).to_string();
    for payload in [
        "",
        "{",
        "[]",
        "null",
        r#"{"type":"apply"}"#,
        r#"{"type":"apply","request_id":7}"#,
        r#"{"type":"apply","request_id":""}"#,
        &long,
        &wide,
    ] {
        guest.client.publish(&topic, payload);
    }
    let retained = json!({"type": "apply", "request_id": "retained"}).to_string();
    guest.client.publish_as(&topic, retained, Manner::retained());
    guest.client.publish_as(&topic, "", Manner::retained());
    assert_eq!(guest.refused("cancel_application", json!({})), "not_on_seat_queue");
    assert_eq!(guest.client.all(heard).len(), 1, "one answer, to the one request");
    let id = "x".repeat(64);
    let heard = guest.client.mark();
    guest.say(&json!({"type": "apply", "request_id": id}));
    assert_eq!(guest.result(&id, heard)["ok"], true);
}

#[test]
fn a_request_that_comes_twice_is_done_once_and_answered_twice() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let guest = stand.hand_guest("ada");
    guest.join();
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    let request = json!({"type": "apply", "request_id": "same", "seat_index": 2});
    guest.say(&request);
    guest.say(&request);
    assert_eq!(guest.refused("apply", json!({})), "already_on_seat_queue");
    let results = guest.client.on(&place("ada", "to_guest"), heard);
    let same: Vec<_> = results.iter().filter(|result| result["request_id"] == "same").collect();
    assert_eq!(same.len(), 2);
    assert!(same.iter().all(|result| result["ok"] == true), "{same:?}");
    stand.state(HOST);
    assert_eq!(stand.count(HOST, "application_received", mark), 1);
}

#[test]
fn a_flood_of_one_guest_is_limited_and_nobody_else_suffers() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let (loud, quiet) = (stand.hand_guest("ada"), stand.hand_guest("bob"));
    loud.join();
    quiet.join();
    let heard = loud.client.mark();
    let topic = place("ada", "to_host");
    for number in 0..200 {
        let request = json!({"type": "leave_seat", "request_id": format!("flood-{number}")});
        loud.client.send(&topic, request.to_string(), Manner::default());
    }
    quiet.ok("apply", json!({}));
    loud.client.settle();
    loud.result("flood-199", heard);
    let limited = loud.client.on(&place("ada", "to_guest"), heard);
    let limited = limited.iter().filter(|result| result["error"]["code"] == "rate_limited").count();
    assert!((100..=161).contains(&limited), "{limited} of 200 were limited");
    assert_eq!(limited, loud.client.all(heard).iter().filter(|h| h.value()["error"]["number"] == -2).count());
}

#[test]
fn a_full_room_lets_nobody_in_but_those_who_are_inside() {
    let stand = Stand::open();
    let _host = stand.host(&["host.capacity=1"]);
    let (guest, late) = (stand.hand_guest("ada"), stand.hand_guest("bob"));
    guest.join();
    let result = late.request("join", json!({"user": user("bob"), "session": "s"}));
    assert_eq!(
        (&result["error"]["code"], &result["error"]["number"]),
        (&json!("room_full"), &json!(100_008))
    );
    guest.join();
    guest.ok("leave", json!({}));
    late.join();
}

#[test]
fn a_join_of_the_wrong_shape_is_refused() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let guest = stand.hand_guest("ada");
    for (fields, named) in [
        (json!({}), "user"),
        (json!({"user": user("ada")}), "session"),
        (json!({"user": {"user_id": "a b"}, "session": "s"}), "user"),
        (json!({"user": {"user_id": "ada", "user_name": "x".repeat(129)}, "session": "s"}), "user_name"),
        (json!({"user": {"user_id": "ada", "user_name": "a\u{7}b"}, "session": "s"}), "user_name"),
        (json!({"user": {"user_id": "ada", "avatar_url": "x".repeat(513)}, "session": "s"}), "avatar_url"),
        (json!({"user": user("ada"), "session": "x".repeat(65)}), "session"),
    ] {
        let result = guest.request("join", fields.clone());
        assert_eq!(result["error"]["code"], "invalid_parameter", "{fields}: {result}");
        assert!(
            result["error"]["message"].as_str().is_some_and(|why| why.contains(named)),
            "{named}: {result}"
        );
    }
    assert_eq!(guest.refused("leave", json!({})), "not_in_room");
}

#[test]
fn a_room_of_free_seats_takes_whoever_asks() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seat_mode=free", "host.seats=1"]);
    let (guest, late) = (stand.hand_guest("ada"), stand.hand_guest("bob"));
    guest.join();
    late.join();
    stand.state(HOST);
    let (mark, heard) = (stand.operator.mark(), guest.client.mark());
    guest.ok("apply", json!({"media": "audio"}));
    guest.told("seated", heard);
    assert_eq!(guest.story(heard), ["application_accepted", "seated"]);
    stand.event(HOST, "guest_seated", mark);
    assert_eq!(stand.story(HOST, mark), ["application_received", "application_processed", "guest_seated"]);
    assert_eq!(stand.event(HOST, "application_processed", mark)["by"]["user_id"], HOST);
    assert_eq!(late.refused("apply", json!({})), "all_seats_occupied");
    assert_eq!(stand.room_now()["live_id"], ROOM);
}
