//! What a guest's media do when the stage, made by hand, answers wrongly, late or not at all.

use serde_json::{Value, json};

use crate::support::hands::HandHost;
use crate::support::stand::{Stand, with};

fn answer(offer: &Value, sdp: &str) -> Value {
    json!({"type": "signal", "session": offer["session"], "exchange": offer["exchange"],
        "description": {"type": "answer", "sdp": sdp}})
}

/// Seats the guest and returns its first offer.
fn offered(stand: &Stand, host: &HandHost, user_id: &str) -> Value {
    let heard = host.client.mark();
    host.seat(stand, user_id, 0, "audio");
    host.signalled(user_id, "description", heard)
}

/// Waits for another offer than `before`.
fn next_offer(host: &HandHost, user_id: &str, before: &Value, mark: usize) -> Value {
    let topic = crate::support::stand::place(user_id, "to_stage");
    host.client.wait("another offer", mark, |heard| {
        let value = (heard.topic == topic).then(|| heard.value())?;
        (value.get("description").is_some() && value["session"] != before["session"]).then_some(value)
    })
}

#[test]
fn garbage_for_an_answer_is_recovered_from_and_then_given_up() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    let mut offer = offered(&stand, &host, "ada");
    let garbage = ["", "v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=\u{1}", "💥"];
    for (attempt, sdp) in (1..=4_u32).zip(garbage) {
        host.tell("ada", &answer(&offer, sdp));
        if attempt == 4 {
            break;
        }
        let recovering = stand.operator.wait("the attempt", mark, |heard| {
            let name = heard.topic.ends_with("/event/media_recovering");
            let value = heard.value();
            (name && value["attempt"] == attempt).then_some(value)
        });
        assert!(recovering["why"].as_str().is_some_and(|why| !why.is_empty()), "{recovering}");
        offer = next_offer(&host, "ada", &offer, heard_after(&host, &offer));
        assert_eq!(offer["exchange"], 1, "a new connection counts from one");
        assert_eq!(stand.state("ada")["seat"]["phase"], "recovering");
        assert_eq!(stand.state("ada")["network"]["quality"], "down");
    }
    let failed = stand.event("ada", "media_failed", mark);
    assert!(failed["why"].as_str().is_some_and(|why| !why.is_empty()), "{failed}");
    assert_eq!(stand.event("ada", "unseated", mark)["reason"], "media_failed");
    host.asked("ada", "leave_seat", heard);
    let state = stand.state("ada");
    assert_eq!((&state["seat"], &state["microphone"]["status"]), (&Value::Null, &json!("off")));
    assert!(state["last_error"]["message"].as_str().is_some(), "{state}");
    assert_eq!(state["room"]["membership"], "inside");
}

/// A mark before which this offer was heard.
fn heard_after(host: &HandHost, offer: &Value) -> usize {
    let all = host.client.all(0);
    all.iter().rposition(|heard| heard.value()["session"] == offer["session"]).map_or(0, |at| at + 1)
}

#[test]
fn what_names_another_session_or_exchange_is_dropped() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let mark = stand.operator.mark();
    let offer = offered(&stand, &host, "ada");
    let right = answer(&offer, "garbage");
    let bye = json!({"type": "signal", "session": offer["session"], "exchange": 1, "bye": true});
    for wrong in [
        with(right.clone(), &json!({"session": "another"})),
        with(right.clone(), &json!({"exchange": 2})),
        with(right.clone(), &json!({"exchange": 0})),
        with(right.clone(), &json!({"exchange": "1"})),
        with(right.clone(), &json!({"bye": true})),
        with(right.clone(), &json!({"description": {"type": "offer", "sdp": "garbage"}})),
        with(right.clone(), &json!({"description": {"type": "party", "sdp": "garbage"}})),
        with(bye.clone(), &json!({"session": "another"})),
        with(bye.clone(), &json!({"exchange": 7})),
        with(bye.clone(), &json!({"bye": false})),
        json!({"type": "signal", "session": offer["session"], "exchange": 1}),
        json!({"type": "signal", "session": offer["session"], "exchange": 1, "candidate": {"candidate": "garbage"}}),
        json!({"type": "signal", "session": offer["session"], "exchange": 1,
            "candidate": {"candidate": "candidate:1 1 UDP 1 \u{7f}", "sdpMLineIndex": 99, "sdpMid": "nine"}}),
    ] {
        host.tell("ada", &wrong);
    }
    let state = stand.state("ada");
    assert_eq!(state["seat"]["phase"], "negotiating", "{state}");
    assert_eq!(stand.count("ada", "media_recovering", mark), 0);
    let heard = host.client.mark();
    host.tell("ada", &bye);
    stand.event("ada", "media_recovering", mark);
    // The session that ended never comes back.
    host.tell("ada", &right);
    let second = next_offer(&host, "ada", &offer, heard);
    host.tell("ada", &bye);
    host.tell("ada", &right);
    stand.state("ada");
    assert_eq!(stand.count("ada", "media_recovering", mark), 1);
    // A host that was started again has lost its peers: a new session at once.
    let (mut host, heard) = (host, 0);
    host.restarted();
    let third = next_offer(&host, "ada", &second, heard_after(&host, &second).max(heard));
    assert_ne!(third["session"], offer["session"]);
}
