//! Media that stop coming, and come again: what host and guest say of it, and what of the seat stays.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::stand::{HOST, Stand, place};

/// A host whose stage sees the guest `ada` live on seat 1.
fn live(stand: &Stand) -> (Daemon, Daemon) {
    let host = stand.host(&["host.accept_applications=always"]);
    let guest = stand.guest_inside("ada", &[]);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 1}));
    stand.event("ada", "media_live", mark);
    stand.event(HOST, "media_live", mark);
    stand.room(mark, |room| room["seats"][1]["connection"] == "connected");
    (host, guest)
}

/// The offer of another session than `before`.
fn offer(client: &Client, before: &Value) -> Value {
    let topic = place("ada", "to_stage");
    client.wait("an offer", 0, |heard| {
        let value = (heard.topic == topic).then(|| heard.value())?;
        (value.get("description").is_some() && value["session"] != before["session"]).then_some(value)
    })
}

#[test]
fn a_guest_that_falls_silent_is_lost_after_three_seconds_and_live_when_it_sends_again() {
    let stand = Stand::open();
    let (_host, guest) = live(&stand);
    let mark = stand.operator.mark();
    guest.signal("STOP");
    let stopped = Instant::now();
    let lost = stand.event(HOST, "media_lost", mark);
    assert_eq!(lost["user"]["user_id"], "ada");
    assert!(stopped.elapsed() >= Duration::from_millis(2_500), "{:?}", stopped.elapsed());
    let room = stand.room(mark, |room| room["seats"][1]["connection"] == "lost");
    assert_eq!(room["seats"][1]["user"]["user_id"], "ada", "the seat is kept");
    let again = stand.operator.mark();
    guest.signal("CONT");
    assert_eq!(stand.event(HOST, "media_live", again)["user"]["user_id"], "ada");
    stand.room(again, |room| room["seats"][1]["connection"] == "connected");
    assert_eq!(stand.count(HOST, "media_lost", mark), 1, "it is said once");
    assert_eq!(stand.count(HOST, "guest_unseated", mark) + stand.count("ada", "unseated", mark), 0);
    assert_eq!(stand.state("ada")["seat"]["phase"], "live");
}

#[test]
fn a_stage_that_says_goodbye_is_sent_a_new_connection_that_goes_live() {
    let stand = Stand::open();
    let stage = stand.client(HOST);
    stage.subscribe(&place("ada", "to_stage"));
    let (_host, _guest) = live(&stand);
    let first = offer(&stage, &Value::Null);
    let mark = stand.operator.mark();
    let bye =
        json!({"type": "signal", "session": first["session"], "exchange": first["exchange"], "bye": true});
    stage.publish(&place("ada", "to_guest"), bye.to_string());
    assert_eq!(stand.event("ada", "media_recovering", mark)["attempt"], 1);
    let second = offer(&stage, &first);
    assert_eq!(second["exchange"], 1, "a new session counts from one");
    stand.event("ada", "media_live", mark);
    stand.event(HOST, "media_live", mark);
    stand.room(mark, |room| room["seats"][1]["connection"] == "connected");
    let state = stand.until_state("ada", mark, |state| state["seat"]["phase"] == "live");
    assert_eq!(state["seat"]["index"], 1);
    assert_eq!(state["last_error"], Value::Null, "the next success clears it");
    assert_eq!(stand.count("ada", "media_recovering", mark), 1);
    assert_eq!(stand.count("ada", "seated", mark) + stand.count("ada", "unseated", mark), 0);
    // The session that ended never comes back.
    stage.publish(&place("ada", "to_guest"), bye.to_string());
    assert_eq!(stand.state("ada")["seat"]["phase"], "live");
}

/// By its own host and stage, whose broker notices nothing for a while.
#[test]
fn a_stage_that_stands_still_is_noticed_in_seconds_and_comes_back() {
    let stand = Stand::open();
    let (host, _guest) = live(&stand);
    let mark = stand.operator.mark();
    host.signal("STOP");
    let recovering = stand.event("ada", "media_recovering", mark);
    assert_eq!((&recovering["cause"], &recovering["attempt"]), (&json!("path_silent"), &json!(1)));
    assert!(recovering["why"].as_str().is_some_and(|why| why.contains(HOST)), "{recovering}");
    assert_eq!(stand.count("ada", "host_lost", mark), 0, "nobody else has noticed yet");
    let again = stand.operator.mark();
    host.signal("CONT");
    stand.event("ada", "media_live", again);
    stand.room(again, |room| room["seats"][1]["connection"] == "connected");
    assert_eq!(stand.count("ada", "unseated", mark), 0, "the seat is kept");
}

#[test]
fn a_stage_that_is_killed_and_does_not_come_back_keeps_no_camera_open() {
    let stand = Stand::open();
    let host = stand.host(&["host.accept_applications=always"]);
    let _guest = stand.guest_inside("ada", &["guest.host_hold=10"]);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 1}));
    stand.event("ada", "media_live", mark);
    host.kill();
    let recovering = stand.event("ada", "media_recovering", mark);
    assert_eq!(recovering["cause"], "path_silent");
    assert_eq!(stand.event("ada", "unseated", mark)["reason"], "host_lost");
    let state = stand.state("ada");
    assert_eq!((&state["seat"], &state["camera"]["status"]), (&Value::Null, &json!("off")));
}

#[test]
fn garbage_for_an_offer_ends_its_session_and_nothing_else() {
    let stand = Stand::open();
    let (mut host, _ada) = live(&stand);
    let (bob, cleo) = (stand.hand_guest("bob"), stand.hand_guest("cleo"));
    bob.join();
    bob.ok("apply", json!({"seat_index": 2}));
    bob.told("seated", 0);
    let mark = stand.operator.mark();
    let signal = |session: &str, exchange: u32, sdp: &str| {
        json!({"type": "signal", "session": session, "exchange": exchange,
            "description": {"type": "offer", "sdp": sdp}})
        .to_string()
    };
    for (session, sdp) in [("one", ""), ("two", "v=0"), ("three", "💥"), ("four", "v=0\r\nm=video 9 X 0\r\n")]
    {
        let heard = bob.client.mark();
        bob.client.publish(&place("bob", "to_stage"), signal(session, 1, sdp));
        let bye = bob.told("signal", heard);
        assert_eq!((&bye["session"], &bye["bye"]), (&json!(session), &json!(true)), "{sdp:?}: {bye}");
        stand.room(mark, |room| room["seats"][2]["connection"] == "lost");
        // It never comes back, and whoever is not inside has no stage.
        let heard = (bob.client.mark(), cleo.client.mark());
        bob.client.publish(&place("bob", "to_stage"), signal(session, 2, sdp));
        cleo.client.publish(&place("cleo", "to_stage"), signal(session, 1, sdp));
        stand.state(HOST);
        assert_eq!((bob.story(heard.0), cleo.story(heard.1)), (vec![], vec![]), "{session}");
    }
    assert!(host.ended().is_none() && !host.log().contains("panick"), "{}", host.log());
    assert_eq!(stand.room_now()["seats"][1]["connection"], "connected", "the other is live");
    assert_eq!(stand.count(HOST, "media_lost", mark), 0);
    bob.ok("leave_seat", json!({}));
}
