//! A real guest under a host made by hand, which says what no real host would.

use serde_json::{Value, json};

use crate::support::client::{Heard, Manner};
use crate::support::hands::HandHost;
use crate::support::stand::{HOST, PREFIX, ROOM, Stand, command, place, with};

/// Whether the guest is off every seat and its devices are closed.
fn nothing_is_open(state: &Value) -> bool {
    state["seat"].is_null() && state["camera"]["status"] == "off" && state["microphone"]["status"] == "off"
}

/// What a host keeps for a guest that joins.
fn kept(seat: Value, application: Value, invitations: Value) -> Value {
    json!({"seat": seat, "application": application, "invitations": invitations})
}

fn own_seat(seat_index: u32) -> Value {
    json!({"seat_index": seat_index, "media": "audio", "grant": HandHost::grant(), "camera": "off", "microphone": "on"})
}

fn invitation(id: &str, by: &str, timeout: u32) -> Value {
    json!({"invitation_id": id, "seat_index": -1, "media": "audio", "timeout": timeout, "extra_info": null,
        "by": {"user_id": by, "user_name": by, "avatar_url": ""}})
}

fn invite(host: &HandHost, id: &str, by: &str, timeout: u32) {
    host.tell("ada", &with(json!({"type": "invitation"}), &invitation(id, by, timeout)));
}

#[test]
fn nobody_is_seated_unasked() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    let seated = json!({"type": "seated", "seat_index": 1, "media": "video", "grant": HandHost::grant()});
    host.tell("ada", &seated);
    host.asked("ada", "leave_seat", heard);
    // A wrong acceptance before it makes it no better.
    host.tell(
        "ada",
        &json!({"type": "application_accepted", "seat_index": 1, "media": "video", "by": HandHost::by()}),
    );
    host.tell("ada", &seated);
    assert!(nothing_is_open(&stand.state("ada")));
    let leaves = |heard: &[Heard]| heard.iter().filter(|heard| heard.value()["type"] == "leave_seat").count();
    host.client.wait_for_all("two times leave_seat", heard, |heard| leaves(heard) == 2);
    assert!(host.client.on(&place("ada", "to_stage"), heard).is_empty(), "nothing is offered");
    assert_eq!(stand.story("ada", mark), Vec::<String>::new());
}

#[test]
fn a_seat_carries_no_more_than_was_asked_for() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    stand.operator.publish(&command("ada", "apply_for_seat"), r#"{"media":"audio","seat_index":2}"#);
    let apply = host.asked("ada", "apply", heard);
    assert_eq!(
        (&apply["media"], &apply["seat_index"], &apply["timeout"]),
        (&json!("audio"), &json!(2), &json!(30))
    );
    host.grant_request("ada", &apply, json!({}));
    host.accept("ada", 2, "video", "video");
    assert_eq!(
        stand.event("ada", "seated", mark),
        with(stand.event("ada", "seated", mark), &json!({"seat_index": 2}))
    );
    let offer = host.signalled("ada", "description", heard);
    assert_eq!((&offer["type"], &offer["exchange"]), (&json!("signal"), &json!(1)));
    assert_eq!(offer["description"]["type"], "offer");
    let sdp = offer["description"]["sdp"].as_str().expect("an offer");
    assert!(sdp.contains("m=audio") && !sdp.contains("m=video") && sdp.contains("a=sendrecv"), "{sdp}");
    let devices = host.asked("ada", "devices", heard);
    assert_eq!((&devices["camera"], &devices["microphone"]), (&json!("off"), &json!("on")));
    assert!(devices.get("phase").is_none(), "the stage is the host: it sees for itself");
    let state = stand.state("ada");
    assert_eq!((&state["seat"]["media"], &state["camera"]["status"]), (&json!("audio"), &json!("off")));
    assert_eq!(stand.refused("ada", "open_local_camera", json!({})), "permission_denied");
    stand.ok("ada", "disconnect", json!({}));
    assert!(nothing_is_open(&stand.state("ada")));
    assert_eq!(stand.story("ada", mark), ["application_accepted", "seated", "unseated"]);
    assert_eq!(host.signalled("ada", "bye", heard)["session"], offer["session"]);
    host.asked("ada", "leave_seat", heard);
}

#[test]
fn a_move_and_a_ban_are_followed_and_strange_ones_dropped() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    host.seat(&stand, "ada", 1, "video");
    stand.event("ada", "seated", mark);
    for strange in [
        json!({"type": "moved", "from": 4, "to": 5, "by": HandHost::by()}),
        json!({"type": "unseated", "seat_index": 4, "reason": "kicked", "by": HandHost::by()}),
        json!({"type": "device_control", "device": "camera", "action": "unlock", "by": HandHost::by()}),
        json!({"type": "seated", "seat_index": 6, "media": "video", "grant": HandHost::grant()}),
        json!({"type": "unseated"}),
        json!({"type": "dance"}),
    ] {
        host.tell("ada", &strange);
    }
    assert_eq!(stand.state("ada")["seat"]["index"], 1);
    host.tell("ada", &json!({"type": "moved", "from": 1, "to": 3, "by": HandHost::by()}));
    let moved = stand.event("ada", "seat_moved", mark);
    assert_eq!((&moved["from"], &moved["to"], &moved["by"]["user_id"]), (&json!(1), &json!(3), &json!(HOST)));
    for (device, open) in [("camera", "open_local_camera"), ("microphone", "open_local_microphone")] {
        let control = |action: &str| json!({"type": "device_control", "device": device, "action": action, "by": HandHost::by()});
        host.tell("ada", &control("close"));
        stand.event("ada", &format!("{device}_closed_by_admin"), mark);
        assert_eq!(stand.state("ada")[device]["status"], "closed_by_admin");
        assert_eq!(stand.refused("ada", open, json!({})), format!("{device}_closed_by_admin"));
        if device == "camera" {
            assert_eq!(stand.refused("ada", "take_snapshot", json!({})), "camera_closed_by_admin");
        }
        host.tell("ada", &control("unlock"));
        stand.event("ada", &format!("{device}_unlocked_by_admin"), mark);
        assert_eq!(stand.state("ada")[device]["status"], "off", "nobody opens a device from afar");
        stand.ok("ada", open, json!({}));
        assert_eq!(stand.state("ada")[device]["status"], "on");
    }
    host.tell("ada", &json!({"type": "unseated", "seat_index": 3, "reason": "kicked", "by": HandHost::by()}));
    assert_eq!(stand.event("ada", "unseated", mark)["reason"], "kicked");
    let kicked = stand.event("ada", "kicked_off_seat", mark);
    assert_eq!((&kicked["seat_index"], &kicked["by"]["user_id"]), (&json!(3), &json!(HOST)));
    assert!(nothing_is_open(&stand.state("ada")));
    host.signalled("ada", "bye", heard);
    assert_eq!(host.count("ada", "leave_seat", heard), 0, "a kick needs no leave");
}

#[test]
fn an_end_of_live_ends_the_request_and_the_seat_and_the_room() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let _invited = host.admit(&stand, "bob", &[]);
    let mark = stand.operator.mark();
    host.seat(&stand, "ada", 0, "audio");
    stand.event("ada", "seated", mark);
    host.tell("bob", &with(json!({"type": "invitation"}), &invitation("i", HOST, 0)));
    stand.event("bob", "invitation_received", mark);
    for guest in ["ada", "bob"] {
        host.tell(guest, &json!({"type": "live_ended"}));
    }
    host.room("ended");
    for (guest, story) in [
        ("ada", ["application_accepted", "seated", "unseated", "live_ended"].as_slice()),
        ("bob", &["invitation_received", "invitation_no_response", "live_ended"]),
    ] {
        stand.event(guest, "live_ended", mark);
        assert_eq!(stand.story(guest, mark), story);
    }
    for (guest, event) in [("ada", "unseated"), ("bob", "invitation_no_response")] {
        assert_eq!(stand.event(guest, event, mark)["reason"], "live_ended");
    }
    // The configured room is a standing wish: the next live is joined by itself.
    assert_eq!(stand.state("ada")["room"], json!({"live_id": ROOM, "membership": "joining"}));
    let heard = host.client.mark();
    host.room("live");
    host.let_in("ada", heard);
    // A room that was left is not joined again.
    stand.ok("ada", "leave_live", json!({}));
    host.asked("ada", "leave", heard);
    let heard = host.client.mark();
    host.room("ended");
    host.room("live");
    assert_eq!(stand.state("ada")["room"]["membership"], "outside");
    assert_eq!(host.count("ada", "join", heard), 0);
}

#[test]
fn several_invitations_are_told_apart_by_their_inviter() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    invite(&host, "one", HOST, 0);
    invite(&host, "one", HOST, 0);
    invite(&host, "two", "hal", 0);
    for name in ["accept_invitation", "reject_invitation"] {
        assert_eq!(stand.refused("ada", name, json!({})), "invalid_parameter");
        assert_eq!(stand.refused("ada", name, json!({"inviter_id": "bob"})), "no_such_invitation");
    }
    assert_eq!(stand.count("ada", "invitation_received", mark), 2, "one that comes twice is one");
    stand.operator.publish(&command("ada", "reject_invitation"), r#"{"inviter_id":"hal"}"#);
    let rejected = host.asked("ada", "reject_invitation", heard);
    assert_eq!(rejected["invitation_id"], "two");
    host.grant_request("ada", &rejected, json!({}));
    stand.operator.publish(&command("ada", "accept_invitation"), "");
    let accepted = host.asked("ada", "accept_invitation", heard);
    assert_eq!(accepted["invitation_id"], "one");
    host.grant_request("ada", &accepted, json!({}));
    host.tell(
        "ada",
        &json!({"type": "seated", "seat_index": 0, "media": "video", "grant": HandHost::grant()}),
    );
    stand.event("ada", "seated", mark);
    assert_eq!(stand.state("ada")["seat"]["media"], "audio", "no more than the invitation said");
    assert_eq!(stand.state("ada")["invitations"], json!([]));
}

#[test]
fn invitations_are_accepted_by_themselves_where_that_is_agreed() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &["guest.accept_invitations=[\"hal\"]"]);
    let heard = host.client.mark();
    invite(&host, "mine", HOST, 0);
    invite(&host, "his", "hal", 0);
    assert_eq!(host.asked("ada", "accept_invitation", heard)["invitation_id"], "his");
    stand.state("ada");
    assert_eq!(host.count("ada", "accept_invitation", heard), 1);
}

#[test]
fn what_the_host_kept_is_taken_up_by_a_program_just_started_only() {
    let stand = Stand::open();
    let mut host = stand.hand_host();
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    let _guest = stand.guest("ada", &[&format!("room.live_id={ROOM}")]);
    let join = host.asked("ada", "join", heard);
    assert_eq!(join["user"], json!({"user_id": "ada", "user_name": "The ada", "avatar_url": ""}));
    let application = json!({"seat_index": 5, "timeout": 20, "media": "audio", "extra_info": null});
    host.grant_request(
        "ada",
        &join,
        kept(Value::Null, application.clone(), json!([invitation("i", HOST, 9)])),
    );
    let state = stand.until_state("ada", mark, |state| state["application"]["seat_index"] == 5);
    assert_eq!(state["invitations"][0]["by"]["user_id"], HOST);
    // A host that was started again has forgotten them.
    let heard = host.client.mark();
    host.restarted();
    let again = host.asked("ada", "join", heard);
    assert_eq!(again["session"], join["session"], "the program is the same");
    host.grant_request("ada", &again, kept(Value::Null, Value::Null, json!([])));
    assert_eq!(stand.event("ada", "application_no_response", mark)["reason"], "offline");
    assert_eq!(stand.event("ada", "invitation_no_response", mark)["reason"], "offline");
    // What it does not know any more, it gives up.
    let heard = host.client.mark();
    host.restarted();
    let again = host.asked("ada", "join", heard);
    host.grant_request("ada", &again, kept(own_seat(1), application, json!([])));
    host.asked("ada", "leave_seat", heard);
    host.asked("ada", "cancel_application", heard);
    assert!(nothing_is_open(&stand.state("ada")));
}

#[test]
fn a_program_just_started_opens_what_its_seat_shows_open() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    let _guest = stand.guest("ada", &[&format!("room.live_id={ROOM}")]);
    let join = host.asked("ada", "join", heard);
    let seat = json!({"seat_index": 4, "media": "video", "grant": HandHost::grant(), "camera": "closed_by_admin", "microphone": "off"});
    host.grant_request("ada", &join, kept(seat, Value::Null, json!([])));
    assert_eq!(stand.event("ada", "seated", mark)["seat_index"], 4);
    let offer = host.signalled("ada", "description", heard);
    assert!(offer["description"]["sdp"].as_str().is_some_and(|sdp| sdp.contains("m=video")), "{offer}");
    let state = stand.state("ada");
    assert_eq!(
        (&state["camera"]["status"], &state["microphone"]["status"]),
        (&json!("closed_by_admin"), &json!("off"))
    );
    let devices = host.asked("ada", "devices", heard);
    assert_eq!((&devices["camera"], &devices["microphone"]), (&json!("off"), &json!("off")));
    // The seat is gone when the host says so in the answer to a join.
    let heard = host.client.mark();
    stand.ok("ada", "set_user_info", json!({"user_name": "Countess"}));
    let again = host.asked("ada", "join", heard);
    assert_eq!(again["user"]["user_name"], "Countess");
    host.grant_request("ada", &again, kept(Value::Null, Value::Null, json!([])));
    assert_eq!(stand.event("ada", "unseated", mark)["reason"], "offline");
}

#[test]
fn a_stage_that_is_not_the_host_leaves_the_phase_to_the_guest() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let heard = host.client.mark();
    stand.operator.publish(&command("ada", "apply_for_seat"), r#"{"media":"audio"}"#);
    let apply = host.asked("ada", "apply", heard);
    host.grant_request("ada", &apply, json!({}));
    host.tell(
        "ada",
        &json!({"type": "application_accepted", "seat_index": 0, "media": "audio", "by": HandHost::by()}),
    );
    let grant = json!({"transport": "mqtt", "stage": "hal"});
    host.tell("ada", &json!({"type": "seated", "seat_index": 0, "media": "audio", "grant": grant}));
    let first = host.asked("ada", "devices", heard);
    assert_eq!((&first["phase"], &first["microphone"]), (&json!("preparing"), &json!("on")));
    host.client
        .wait("the next phase", heard, |heard| (heard.value()["phase"] == "negotiating").then_some(()));
}

#[test]
fn what_is_retained_for_a_guest_is_dropped() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let mark = stand.operator.mark();
    let message = with(json!({"type": "invitation"}), &invitation("i", HOST, 0)).to_string();
    host.client.publish_as(&place("ada", "to_guest"), message, Manner::retained());
    assert_eq!(stand.state("ada")["invitations"], json!([]));
    assert_eq!(stand.count("ada", "invitation_received", mark), 0);
    host.client.publish_as(&place("ada", "to_guest"), "", Manner::retained());
    // A state of the room that nobody can read is no end of it.
    let topic = format!("{PREFIX}/room/{ROOM}/state");
    for payload in ["{", "", "[]", r#"{"live_id":"lobby","status":"ended"}"#] {
        host.client.publish_as(&topic, payload, Manner::retained());
    }
    assert_eq!(stand.state("ada")["room"]["membership"], "inside");
}
