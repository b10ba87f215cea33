//! What a broker takes away, does not take, or takes slowly.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::broker::Setup;
use crate::support::client::{Client, Manner};
use crate::support::eventually;
use crate::support::stand::{HOST, PREFIX, ROOM, Stand};

#[test]
fn what_somebody_empties_is_published_again() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let witness = stand.client("witness");
    for topic in [format!("room/{ROOM}/state"), format!("device/{HOST}/state"), format!("device/{HOST}/info")]
    {
        let topic = format!("{PREFIX}/{topic}");
        let before = stand.operator.last(|heard| (heard.topic == topic).then(|| heard.value()));
        let before = before.expect("it is retained");
        for taken in ["", "nonsense"] {
            let mark = stand.operator.mark();
            witness.publish_as(&topic, taken, Manner::retained());
            let again = stand.operator.wait("the level", mark, |heard| {
                (heard.topic == topic && heard.payload.starts_with(b"{")).then(|| heard.value())
            });
            assert_eq!(again, before, "{topic}");
        }
    }
}

#[test]
fn a_status_that_somebody_empties_is_said_again() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    let witness = stand.client("witness");
    let mark = stand.operator.mark();
    witness.publish_as(&format!("{PREFIX}/device/ada/status"), "", Manner::retained());
    stand.status("ada", mark, "online");
}

#[test]
fn a_reply_that_is_too_large_becomes_an_error_that_fits() {
    let stand = Stand::with(Setup::new().line("max_packet_size 400"));
    let guest = stand.guest("ada", &[]);
    let reply = stand.command("ada", "get_state", json!({}));
    assert_eq!(reply["ok"], false, "{reply}");
    let why = reply["error"]["message"].as_str().expect("a message");
    assert!(why.contains("the broker takes 400"), "{why}");
    let line = guest.logged("the broker: ");
    assert!(
        line.contains("WARN") && line.contains("at most 400 bytes") && line.contains("max_packet_size"),
        "{line}"
    );
    assert!(!guest.log().contains("access list"), "{}", guest.log());
}

#[test]
fn a_live_whose_room_does_not_fit_is_refused() {
    let stand = Stand::with(Setup::new().line("max_packet_size 2000"));
    let _host = stand.start("host", HOST).go();
    stand.status(HOST, 0, "online");
    let mark = stand.operator.mark();
    let reply = stand.command(HOST, "start_live", json!({"live_id": ROOM, "seats": 32}));
    assert_eq!(reply["error"]["code"], "permission_denied", "{reply}");
    let why = reply["error"]["message"].as_str().expect("a message");
    assert!(why.contains("a room of 32 seats has") && why.contains("the broker takes 2000"), "{why}");
    assert_eq!(stand.state(HOST)["room"]["membership"], "outside");
    // With fewer seats it fits.
    stand.ok(HOST, "start_live", json!({"live_id": ROOM, "seats": 2}));
    stand.room(mark, |room| room["status"] == "live" && room["seats"].as_array().map(Vec::len) == Some(2));
}

#[test]
fn a_standing_room_that_does_not_fit_is_not_called_live() {
    let stand = Stand::with(Setup::new().line("max_packet_size 2000"));
    let live = format!("room.live_id={ROOM}");
    let host = stand.start("host", HOST).set(&[&live, "host.seats=32"]).go();
    let state = stand.until_state(HOST, 0, |state| {
        state["summary"].as_str().is_some_and(|summary| summary.contains("not published"))
    });
    let summary = state["summary"].as_str().expect("a sentence");
    assert!(summary.contains(&format!("the room {ROOM}")) && summary.contains("2000 bytes"), "{summary}");
    assert_eq!(stand.ok(HOST, "get_state", json!({}))["summary"], summary);
    let line = host.logged("room/lobby/state");
    assert!(line.contains("WARN") && line.contains("max_packet_size"), "{line}");
    // It runs, and is still no room that anybody could see.
    assert_eq!(stand.refused(HOST, "start_live", json!({"live_id": ROOM})), "permission_denied");
    // With fewer seats it fits.
    stand.ok(HOST, "end_live", json!({}));
    let mark = stand.operator.mark();
    stand.ok(HOST, "start_live", json!({"live_id": ROOM, "seats": 2}));
    stand.room(mark, |room| room["status"] == "live");
    stand.until_state(HOST, mark, |state| {
        state["summary"].as_str().is_some_and(|summary| !summary.contains("not published"))
    });
}

#[test]
fn a_host_whose_own_state_does_not_fit_says_so_in_what_is_left_of_it() {
    let stand = Stand::with(Setup::new().line("max_packet_size 400"));
    let host = stand.start("host", HOST).go();
    stand.status(HOST, 0, "online");
    let state = stand.until_state(HOST, 0, |state| state["role"] == "host");
    let summary = state["summary"].as_str().expect("a sentence");
    assert!(summary.starts_with("not live") && summary.contains("packets of 400 bytes"), "{summary}");
    assert_eq!(state["room"]["membership"], "outside", "{state}");
    let line = host.logged("the broker: ");
    assert!(line.contains("WARN") && line.contains("at most 400 bytes") && line.contains("max_packet_size"));
    let reply = stand.command(HOST, "start_live", json!({"live_id": ROOM}));
    assert_eq!(reply["error"]["code"], "permission_denied", "{reply}");
    // The machine is told apart from another of its name by what is left of its info.
    let topic = format!("{PREFIX}/device/{HOST}/info");
    let info = stand.operator.last(|heard| (heard.topic == topic).then(|| heard.value()));
    assert!(info.is_some_and(|info| info["machine"].is_string()));
}

#[test]
fn a_request_that_does_not_fit_is_refused_and_the_host_is_not_waited_for() {
    let stand = Stand::with(Setup::new().line("max_packet_size 1160"));
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let mark = host.client.mark();
    let reply = stand.command("ada", "apply_for_seat", json!({"extra_info": "x".repeat(1024)}));
    // What the broker takes as a command is longer as a request.
    assert_eq!(reply["error"]["code"], "permission_denied", "{reply}");
    let why = reply["error"]["message"].as_str().expect("a message");
    assert!(
        why.starts_with("the request to the host has ") && why.contains("the broker takes 1160"),
        "{why}"
    );
    assert_eq!(host.count("ada", "apply", mark), 0);
    assert_eq!(stand.state("ada")["application"], Value::Null);
}

#[test]
fn an_offer_that_does_not_fit_ends_the_stay_with_its_reason() {
    let stand = Stand::with(Setup::new().line("max_packet_size 1200"));
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let mark = stand.operator.mark();
    host.seat(&stand, "ada", 0, "video");
    let failed = stand.event("ada", "media_failed", mark);
    let why = failed["why"].as_str().expect("a sentence");
    assert!(why.contains("the offer has ") && why.contains("the broker takes 1200"), "{why}");
    stand.event("ada", "unseated", mark);
    assert_eq!(stand.count("ada", "media_recovering", mark), 0);
}

/// How long a crowd may take on a machine that has other things to do.
const CROWD: Duration = Duration::from_secs(300);

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + CROWD;
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Says of each guest whom `client` was told about whether it heard this type of message.
fn told(client: &Client, kind: &str) -> usize {
    let needle = format!("\"type\":\"{kind}\"");
    let all = client.all(0);
    let heard = all.iter().filter(|heard| String::from_utf8_lossy(&heard.payload).contains(&needle));
    heard.map(|heard| heard.topic.clone()).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_full_house_is_said_goodbye_to_and_the_room_is_ended() {
    /// With an event for each it is more than the queue holds.
    const GUESTS: usize = 9_000;
    let stand = Stand::with(Setup::new().line("max_queued_messages 0"));
    let _host = stand.host(&[]);
    let (crowd, ears) = (stand.client("witness"), stand.client("witness"));
    ears.subscribe(&format!("{PREFIX}/room/{ROOM}/guest/+/to_guest"));
    for number in 0..GUESTS {
        let topic = format!("{PREFIX}/room/{ROOM}/guest/g{number}/to_host");
        let user = json!({"user_id": format!("g{number}"), "user_name": "", "avatar_url": ""});
        let join = json!({"type": "join", "request_id": "1", "user": user, "session": "s"});
        let apply =
            json!({"type": "apply", "request_id": "2", "seat_index": -1, "timeout": 0, "media": "video"});
        for word in [join, apply] {
            crowd.send(&topic, word.to_string(), Manner::default());
        }
    }
    let topic = format!("{PREFIX}/device/{HOST}/state");
    let state = || stand.operator.last(|heard| (heard.topic == topic).then(|| heard.value()));
    until("all applicants", || state().is_some_and(|state| state["applicants_total"] == GUESTS));
    let mark = stand.operator.mark();
    stand.ok(HOST, "end_live", json!({}));
    stand.room(mark, |room| room["status"] == "ended");
    for kind in ["application_no_response", "live_ended"] {
        until(kind, || told(&ears, kind) == GUESTS);
    }
    eventually("the end of it in the state", || {
        (stand.state(HOST)["room"]["membership"] == "outside").then_some(())
    });
}
