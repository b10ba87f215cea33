//! Where a reply goes, what it carries, and what is answered without being done.

use serde_json::{Value, json};

use crate::support::client::{Heard, Manner};
use crate::support::stand::{HOST, PREFIX, ROOM, Stand, command};

fn reply_topic(device: &str, name: &str) -> String {
    format!("{PREFIX}/device/{device}/reply/{name}")
}

/// The next message on a topic.
fn next(stand: &Stand, topic: &str, mark: usize) -> Heard {
    stand.operator.wait(topic, mark, |heard| (heard.topic == topic).then(|| heard.clone()))
}

fn code(reply: &Value) -> &str {
    reply["error"]["code"].as_str().expect("a code")
}

#[test]
fn a_reply_goes_to_the_response_topic_with_the_correlation_data() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    let mark = stand.operator.mark();
    let back = format!("{PREFIX}/response/operator/x/y");
    let manner = Manner { correlation: Some(vec![0, 255, 7]), ..Manner::answered_at(&back) };
    stand.operator.publish_as(&command("ada", "leave_live"), r#"{"id":"ü-1"}"#, manner);
    let heard = next(&stand, &back, mark);
    assert_eq!(heard.correlation.as_deref(), Some([0_u8, 255, 7].as_slice()));
    let reply = heard.value();
    assert_eq!((reply["ok"].as_bool(), code(&reply)), (Some(false), "not_in_room"));
    assert_eq!(reply["error"]["number"], -2101);
    assert_eq!(reply["id"], "ü-1");
    stand.state("ada");
    assert!(stand.operator.on(&reply_topic("ada", "leave_live"), mark).is_empty(), "one reply, in one place");
    assert_eq!(stand.operator.on(&back, mark).len(), 1);
}

#[test]
fn an_older_client_commands_and_reads_the_plain_reply() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    let mark = stand.operator.mark();
    let topic = command("ada", "get_state");
    // The last -V counts: a client of MQTT 3.1.1, with an empty payload.
    stand.broker.publish_as("operator", &["-V", "mqttv311", "-t", &topic, "-n"]);
    let reply = next(&stand, &reply_topic("ada", "get_state"), mark).value();
    assert_eq!((reply["ok"].as_bool(), &reply["result"]["role"]), (Some(true), &json!("guest")));
    assert!(reply.get("id").is_none(), "{reply}");
    stand.broker.publish_as("operator", &["-V", "mqttv311", "-t", &command("ada", "dance"), "-m", "{}"]);
    let reply = next(&stand, &reply_topic("ada", "dance"), mark).value();
    assert_eq!(code(&reply), "unknown_command");
}

#[test]
fn a_response_topic_that_nobody_could_publish_to_counts_as_none() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    for topic in ["$SYS/answers", "$share/a/b"] {
        let mark = stand.operator.mark();
        stand.operator.publish_as(&command("ada", "get_state"), "", Manner::answered_at(topic));
        next(&stand, &reply_topic("ada", "get_state"), mark);
    }
}

#[test]
fn bytes_that_are_no_json_object_get_one_refusal() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    let long = format!(r#"{{"live_id":"{}"}}"#, "x".repeat(70_000));
    let wide = format!(r#"{{"id":"{}"}}"#, "x".repeat(257));
    let payloads: [&[u8]; 9] = [
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"7",
        b"null",
        b"\"join\"",
        br#"{"id":7}"#,
        long.as_bytes(),
        wide.as_bytes(),
    ];
    for payload in payloads {
        let mark = stand.operator.mark();
        stand.operator.publish(&command("ada", "join_live"), payload);
        let reply = next(&stand, &reply_topic("ada", "join_live"), mark).value();
        assert_eq!(code(&reply), "invalid_parameter");
        assert!(reply.get("id").is_none(), "{reply}");
    }
    let mark = stand.operator.mark();
    let id = "x".repeat(256);
    stand.operator.publish(&command("ada", "leave_live"), json!({"id": id}).to_string());
    assert_eq!(next(&stand, &reply_topic("ada", "leave_live"), mark).value()["id"], json!(id));
}

#[test]
fn a_retained_command_is_refused_while_online_and_at_the_next_start() {
    let stand = Stand::open();
    let _host = stand.host(&[]);
    let guest = stand.guest("ada", &[]);
    let topic = command("ada", "join_live");
    let wish = json!({"live_id": ROOM, "id": "7"}).to_string();
    let mark = stand.operator.mark();
    stand.operator.publish_as(&topic, wish, Manner::retained());
    let reply = next(&stand, &reply_topic("ada", "join_live"), mark).value();
    assert_eq!((code(&reply), &reply["id"]), ("retained_command", &json!("7")));
    guest.kill();
    let mark = stand.operator.mark();
    let _guest = stand.guest("ada", &[]);
    assert_eq!(code(&next(&stand, &reply_topic("ada", "join_live"), mark).value()), "retained_command");
    assert_eq!(stand.state("ada")["room"]["membership"], "outside");
    // The empty message that clears it is none without parameters.
    for name in ["join_live", "get_state"] {
        let mark = stand.operator.mark();
        stand.operator.publish_as(&command("ada", name), "", Manner::retained());
        assert_eq!(code(&next(&stand, &reply_topic("ada", name), mark).value()), "retained_command");
    }
}

#[test]
fn what_is_wrong_is_found_in_the_order_of_the_document() {
    let stand = Stand::open();
    let _guest = stand.guest("ada", &[]);
    let ask = |name: &str, payload: &str, retain| {
        let mark = stand.operator.mark();
        stand.operator.publish_as(&command("ada", name), payload, Manner { retain, ..Manner::default() });
        code(&next(&stand, &reply_topic("ada", name), mark).value()).to_owned()
    };
    assert_eq!(ask("dance", "{", true), "retained_command");
    assert_eq!(ask("dance", "{", false), "unknown_command");
    assert_eq!(ask("start_live", "{", false), "permission_denied");
    assert_eq!(ask("apply_for_seat", "{", false), "invalid_parameter");
    assert_eq!(ask("apply_for_seat", "{}", false), "not_in_room");
    stand.operator.publish_as(&command("ada", "dance"), "", Manner::retained());
}

#[test]
fn a_redelivery_is_done_once_and_answered_each_time() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seats=2"]);
    let guest = stand.hand_guest("bob");
    guest.join();
    let mark = stand.operator.mark();
    let wish = json!({"invitee_id": "bob", "id": "once"}).to_string();
    let back = format!("{PREFIX}/response/operator/second");
    let topic = command(HOST, "invite_to_seat");
    stand.operator.publish(&topic, wish.clone());
    stand.operator.publish_as(&topic, wish.clone(), Manner::answered_at(&back));
    for place in [reply_topic(HOST, "invite_to_seat"), back] {
        let reply = next(&stand, &place, mark).value();
        assert_eq!((reply["ok"].as_bool(), &reply["id"]), (Some(true), &json!("once")), "{reply}");
    }
    // Done once: the same wish under another id is a second invitation.
    assert_eq!(
        stand.refused(HOST, "invite_to_seat", json!({"invitee_id": "bob", "id": "twice"})),
        "request_repeated"
    );
    assert_eq!(guest.story(0), ["invitation"]);
}

#[test]
fn a_redelivery_of_a_command_at_work_is_answered_at_its_end() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let _guest = host.admit(&stand, "ada", &[]);
    let (mark, asked) = (stand.operator.mark(), host.client.mark());
    let (topic, wish) = (command("ada", "apply_for_seat"), r#"{"id":"a","seat_index":1}"#);
    let back = |n: u32| format!("{PREFIX}/response/operator/at-work-{n}");
    for n in 1..=2 {
        stand.operator.publish_as(&topic, wish, Manner::answered_at(&back(n)));
    }
    let apply = host.asked("ada", "apply", asked);
    stand.state("ada");
    assert_eq!(host.count("ada", "apply", asked), 1);
    host.refuse("ada", &apply, "seat_locked");
    for n in 1..=2 {
        assert_eq!(code(&next(&stand, &back(n), mark).value()), "seat_locked");
    }
}
