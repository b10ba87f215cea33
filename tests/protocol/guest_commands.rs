//! The commands of the guest role and of the device, given to a real guest.

use serde_json::{Value, json};

use crate::support::stand::{HOST, PREFIX, ROOM, Stand, command};

#[test]
fn outside_a_room_every_command_of_the_role_says_so() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    for name in
        ["leave_live", "apply_for_seat", "cancel_application", "accept_invitation", "reject_invitation"]
    {
        assert_eq!(stand.refused("ada", name, json!({})), "not_in_room", "{name}");
    }
    for name in ["disconnect", "open_local_camera", "open_local_microphone"] {
        assert_eq!(stand.refused("ada", name, json!({})), "user_not_in_seat", "{name}");
    }
    for name in [
        "start_live",
        "end_live",
        "accept_application",
        "reject_application",
        "invite_to_seat",
        "cancel_invitation",
        "kick_user_out_of_seat",
        "take_seat_snapshot",
        "move_user_to_seat",
        "lock_seat",
        "unlock_seat",
        "close_remote_camera",
        "close_remote_microphone",
        "open_remote_camera",
        "open_remote_microphone",
    ] {
        assert_eq!(stand.refused("ada", name, json!({})), "permission_denied", "{name}");
    }
    assert_eq!(stand.refused("ada", "take_snapshot", json!({})), "permission_denied");
    let state = stand.state("ada");
    assert_eq!(state["room"], json!({"live_id": null, "membership": "outside"}));
    assert_eq!((&state["application"], &state["invitations"]), (&Value::Null, &json!([])));
    assert_eq!((&state["seat"], &state["last_error"]), (&Value::Null, &Value::Null));
    assert_eq!(state["network"]["quality"], "unknown");
    assert!(state["summary"].as_str().is_some_and(|summary| summary.chars().count() <= 120));
}

#[test]
fn a_typo_does_not_pass() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    for (name, parameters, field) in [
        ("join_live", json!({"live": ROOM}), "live"),
        ("join_live", json!({}), "live_id"),
        ("join_live", json!({"live_id": "a/b"}), "live_id"),
        ("join_live", json!({"live_id": "x".repeat(65)}), "live_id"),
        ("join_live", json!({"live_id": 7}), "live_id"),
        ("leave_live", json!({"now": true}), "now"),
        ("apply_for_seat", json!({"seat": 1}), "seat"),
        ("apply_for_seat", json!({"seat_index": "1"}), "seat_index"),
        ("apply_for_seat", json!({"seat_index": 1.5}), "seat_index"),
        ("apply_for_seat", json!({"timeout": true}), "timeout"),
        ("apply_for_seat", json!({"timeout": 3601}), "timeout"),
        ("apply_for_seat", json!({"media": "both"}), "media"),
        ("apply_for_seat", json!({"extra_info": {}}), "extra_info"),
        ("apply_for_seat", json!({"operator": "desk"}), "operator"),
        ("accept_invitation", json!({"invitation_id": "x"}), "invitation_id"),
        ("accept_invitation", json!({"inviter_id": "a b"}), "inviter_id"),
        ("set_capture_volume", json!({"volume": 101}), "volume"),
        ("set_output_volume", json!({"volume": 50.5}), "volume"),
        ("set_output_volume", json!({}), "volume"),
        ("set_video_quality", json!({"quality": "4k"}), "quality"),
        ("set_mirror", json!({"mirror": "yes"}), "mirror"),
        ("set_user_info", json!({"user_name": "x".repeat(129)}), "user_name"),
        ("set_user_info", json!({"user_name": "a\nb"}), "user_name"),
        ("set_user_info", json!({"avatar_url": "x".repeat(513)}), "avatar_url"),
        ("set_user_info", json!({"user_id": "bob"}), "user_id"),
        ("switch_camera", json!({}), "camera"),
        ("switch_camera", json!({"camera": "no such camera"}), "camera"),
        ("list_devices", json!({"all": true}), "all"),
        ("get_camera_controls", json!({"camera": 7}), "camera"),
        ("set_camera_control", json!({"value": 7}), "control"),
        ("set_camera_control", json!({"control": "gain", "value": [7]}), "value"),
    ] {
        let reply = stand.command("ada", name, parameters.clone());
        assert_eq!(reply["error"]["code"], "invalid_parameter", "{name} {parameters}: {reply}");
        assert_eq!(reply["error"]["number"], -1001);
        let why = reply["error"]["message"].as_str().expect("a message");
        assert!(why.contains(field), "{name} {parameters}: {why}");
    }
}

#[test]
fn the_way_into_a_room_and_out_of_it() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    assert_eq!(stand.refused("ada", "join_live", json!({"live_id": ROOM})), "room_not_found");
    assert_eq!(stand.state("ada")["room"]["membership"], "outside");
    let _host = stand.host(&[]);
    let mark = stand.operator.mark();
    stand.ok("ada", "join_live", json!({"live_id": ROOM}));
    assert_eq!(stand.event(HOST, "guest_joined", mark)["user"]["user_name"], "The ada");
    assert_eq!(stand.state("ada")["room"], json!({"live_id": ROOM, "membership": "inside"}));
    stand.ok("ada", "join_live", json!({"live_id": ROOM}));
    assert_eq!(stand.refused("ada", "join_live", json!({"live_id": "attic"})), "already_in_other_room");
    for (name, code) in [
        ("cancel_application", "not_on_seat_queue"),
        ("accept_invitation", "no_such_invitation"),
        ("reject_invitation", "no_such_invitation"),
        ("disconnect", "user_not_in_seat"),
    ] {
        assert_eq!(stand.refused("ada", name, json!({})), code, "{name}");
    }
    stand.ok("ada", "leave_live", json!({}));
    stand.event(HOST, "guest_left", mark);
    assert_eq!(stand.refused("ada", "leave_live", json!({})), "not_in_room");
    assert_eq!(stand.count(HOST, "guest_joined", mark), 1);
}

#[test]
fn a_room_that_is_being_joined_may_be_asked_for_again() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = stand.guest("ada", &[]);
    let (mark, asked) = (stand.operator.mark(), host.client.mark());
    let back = |n: u32| format!("{PREFIX}/response/operator/again-{n}");
    for n in 1..=2 {
        let manner = crate::support::client::Manner::answered_at(&back(n));
        let wish = json!({"live_id": ROOM}).to_string();
        stand.operator.publish_as(&command("ada", "join_live"), wish, manner);
    }
    stand.state("ada");
    host.let_in("ada", asked);
    for n in 1..=2 {
        let topic = back(n);
        let reply =
            stand.operator.wait("the reply", mark, |heard| (heard.topic == topic).then(|| heard.value()));
        assert_eq!(reply["ok"], true, "{reply}");
    }
}

#[test]
fn the_errors_of_an_application_come_from_the_host() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=2"]);
    let _guest = stand.guest_inside("ada", &[]);
    let other = stand.hand_guest("bob");
    other.join();
    other.ok("apply", json!({"seat_index": 1}));
    stand.ok(HOST, "accept_application", json!({"user_id": "bob"}));
    stand.ok(HOST, "lock_seat", json!({"seat_index": 0}));
    let apply = |seat: i64| stand.refused("ada", "apply_for_seat", json!({"seat_index": seat}));
    assert_eq!(apply(2), "seat_index_not_exist");
    assert_eq!(apply(0), "seat_locked");
    assert_eq!(apply(1), "seat_occupied");
    assert_eq!(apply(-1), "all_seats_occupied");
    assert_eq!(stand.state("ada")["application"], Value::Null);
    stand.ok(HOST, "unlock_seat", json!({"seat_index": 0}));
    let mark = stand.operator.mark();
    let wish = json!({"seat_index": 0, "timeout": 0, "media": "audio", "extra_info": "ü"});
    stand.ok("ada", "apply_for_seat", wish);
    assert_eq!(stand.event(HOST, "application_received", mark)["extra_info"], "ü");
    let state = stand.state("ada");
    assert_eq!(state["application"], json!({"seat_index": 0, "expires_in": null}));
    assert!(state["summary"].as_str().is_some_and(|s| s.contains("applied for seat 0")), "{state}");
    assert_eq!(apply(9), "already_on_seat_queue");
    stand.ok("ada", "cancel_application", json!({}));
    stand.event(HOST, "application_cancelled", mark);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({}));
    stand.ok(HOST, "reject_application", json!({"user_id": "ada", "operator": "desk"}));
    assert_eq!(stand.event("ada", "application_rejected", mark)["by"]["operator"], "desk");
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"timeout": 1}));
    assert_eq!(stand.event("ada", "application_no_response", mark)["reason"], "timeout");
    assert_eq!(stand.event(HOST, "application_no_response", mark)["user"]["user_id"], "ada");
    assert_eq!(stand.count("ada", "application_no_response", mark), 1);
}

#[test]
fn invitations_are_answered_and_end() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=2"]);
    let _guest = stand.guest_inside("ada", &[]);
    let mark = stand.operator.mark();
    let wish =
        json!({"invitee_id": "ada", "seat_index": 1, "media": "audio", "extra_info": "x", "operator": "d"});
    stand.ok(HOST, "invite_to_seat", wish);
    let received = stand.event("ada", "invitation_received", mark);
    assert_eq!((&received["by"]["user_id"], &received["by"]["operator"]), (&json!(HOST), &json!("d")));
    assert_eq!((&received["seat_index"], &received["media"]), (&json!(1), &json!("audio")));
    assert_eq!((&received["timeout"], &received["extra_info"]), (&json!(30), &json!("x")));
    let state = stand.state("ada");
    assert_eq!(state["invitations"][0]["seat_index"], 1);
    assert!(state["invitations"][0]["expires_in"].as_u64().is_some_and(|left| left <= 30));
    assert_eq!(stand.refused("ada", "accept_invitation", json!({"inviter_id": "bob"})), "no_such_invitation");
    stand.ok(HOST, "lock_seat", json!({"seat_index": 1}));
    assert_eq!(stand.refused("ada", "accept_invitation", json!({})), "seat_locked");
    assert_eq!(stand.state("ada")["invitations"][0]["seat_index"], 1, "it stays pending");
    stand.ok("ada", "reject_invitation", json!({"inviter_id": HOST}));
    stand.event(HOST, "invitation_rejected", mark);
    stand.ok(HOST, "invite_to_seat", json!({"invitee_id": "ada"}));
    stand.ok(HOST, "cancel_invitation", json!({"invitee_id": "ada", "operator": "d"}));
    assert_eq!(stand.event("ada", "invitation_cancelled", mark)["by"]["operator"], "d");
    stand.ok(HOST, "invite_to_seat", json!({"invitee_id": "ada", "timeout": 1}));
    assert_eq!(stand.event("ada", "invitation_no_response", mark)["reason"], "timeout");
    assert_eq!(stand.event(HOST, "invitation_no_response", mark)["reason"], "timeout");
}

#[test]
fn a_new_name_reaches_the_room() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let _guest = stand.guest_inside("ada", &[]);
    let mark = stand.operator.mark();
    let url = "https://a.example/ada.png";
    stand.ok("ada", "set_user_info", json!({"user_name": "Ädä 阿達 👩", "avatar_url": url}));
    let named = |user: &Value| user["user_name"] == "Ädä 阿達 👩" && user["avatar_url"] == url;
    for (name, parameters) in [
        ("get_camera_controls", json!({})),
        ("set_camera_control", json!({"control": "brightness", "value": 3})),
    ] {
        let reply = stand.command("ada", name, parameters);
        assert_eq!(reply["error"]["code"], "camera_device_empty", "a test picture has no controls: {reply}");
    }
    let info = format!("{PREFIX}/device/ada/info");
    stand
        .operator
        .wait("the info", mark, |heard| (heard.topic == info && named(&heard.value()["user"])).then_some(()));
    stand.until_state(HOST, mark, |state| named(&state["candidates"][0]));
    stand.ok("ada", "set_user_info", json!({"user_name": ""}));
    stand.until_state(HOST, mark, |state| state["candidates"][0]["user_name"] == "ada");
    assert_eq!(stand.state(HOST)["candidates"][0]["avatar_url"], url, "what is absent stays");
}

#[test]
fn a_new_name_is_published_outside_a_room_too() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    stand.state("ada");
    let mark = stand.operator.mark();
    stand.ok("ada", "set_user_info", json!({"user_name": "The new ada"}));
    let info = format!("{PREFIX}/device/ada/info");
    stand.operator.wait("the info", mark, |heard| {
        (heard.topic == info && heard.value()["user"]["user_name"] == "The new ada").then_some(())
    });
}

#[test]
fn many_new_names_at_once_do_not_cost_the_seat() {
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let _guest = stand.guest_inside("ada", &[]);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"media": "audio"}));
    stand.event("ada", "seated", mark);
    for number in 0..60 {
        let name = json!({"user_name": format!("Ada {number}")}).to_string();
        stand.operator.publish(&command("ada", "set_user_info"), name);
    }
    let last = |room: &Value| room["seats"][0]["user"]["user_name"] == "Ada 59";
    stand.room(mark, last);
    assert_eq!(stand.count("ada", "unseated", mark), 0);
    assert_eq!(stand.state("ada")["seat"]["index"], 0);
}

#[test]
fn settings_of_the_device_are_kept_outside_a_room() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    stand.ok("ada", "set_capture_volume", json!({"volume": 40}));
    stand.ok("ada", "set_output_volume", json!({"volume": 0}));
    stand.ok("ada", "set_video_quality", json!({"quality": "540p"}));
    stand.ok("ada", "set_mirror", json!({"mirror": true}));
    stand.ok("ada", "switch_camera", json!({"camera": "auto"}));
    stand.ok("ada", "close_local_camera", json!({}));
    stand.ok("ada", "close_local_microphone", json!({}));
    let state = stand.state("ada");
    assert_eq!((&state["microphone"]["volume"], &state["camera"]["quality"]), (&json!(40), &json!("540p")));
    assert_eq!((&state["camera"]["status"], &state["microphone"]["status"]), (&json!("off"), &json!("off")));
    let listed = stand.ok("ada", "list_devices", json!({}));
    for list in ["cameras", "microphones", "speakers"] {
        assert!(listed[list].is_array(), "{listed}");
    }
    assert_eq!(listed["cameras"][0]["id"], "test");
    let info = format!("{PREFIX}/device/ada/info");
    let info = stand.operator.last(|heard| (heard.topic == info).then(|| heard.value())).expect("an info");
    assert_eq!((&info["role"], &info["user"]["user_id"]), (&json!("guest"), &json!("ada")));
    assert!(info["machine"].as_str().is_some_and(|machine| machine.len() >= 8), "{info}");
    for field in ["version", "cameras", "microphones", "encoders", "pipeline"] {
        assert!(!info[field].is_null(), "{field}: {info}");
    }
}
