//! Bytes that mean nothing, too much of everything, and floods: nothing crashes, nothing grows, and the others are served.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::support::client::Manner;
use crate::support::hands::HandHost;
use crate::support::stand::{HOST, PREFIX, ROOM, Stand, command, place};

/// How many messages are thrown at each topic.
const THROWN: usize = 150;

/// How many messages go out before the daemon is waited for: the broker queues no more than a thousand for a client, and
/// drops the rest.
const BURST: usize = 100;

/// What a message of the protocol looks like, to be damaged.
const TEMPLATES: [&str; 12] = [
    r#"{"type":"join","request_id":"1","user":{"user_id":"eve","user_name":"E","avatar_url":""},"session":"s"}"#,
    r#"{"type":"apply","request_id":"2","seat_index":0,"timeout":30,"media":"video","extra_info":null}"#,
    r#"{"type":"devices","request_id":"3","microphone":"on","camera":"off","phase":"live"}"#,
    r#"{"type":"accept_invitation","request_id":"4","invitation_id":"x"}"#,
    r#"{"type":"signal","session":"s","exchange":1,"description":{"type":"offer","sdp":"v=0\r\n"}}"#,
    r#"{"type":"signal","session":"s","exchange":1,"candidate":{"candidate":"candidate:1 1 UDP 1 127.0.0.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}}"#,
    r#"{"type":"seated","seat_index":0,"media":"video","grant":{"transport":"mqtt","stage":"x"}}"#,
    r#"{"type":"invitation","invitation_id":"i","seat_index":-1,"media":"audio","timeout":1,"extra_info":"","by":{"user_id":"x"}}"#,
    r#"{"type":"result","request_id":"1","ok":true,"seat":null,"application":null,"invitations":[]}"#,
    r#"{"live_id":"lobby","status":"live","host":{"user_id":"x"},"session":"s","seat_mode":"apply","stage":"x","revision":1,"seats":[]}"#,
    r#"{"id":"a","seat_index":0,"timeout":0,"user_id":"ada","operator":"o"}"#,
    "online",
];

/// Something that is nearly a message, or nothing like it.
fn payload(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = TEMPLATES[random.random_range(0..TEMPLATES.len())].as_bytes().to_vec();
    match random.random_range(0..5) {
        0 => (0..random.random_range(0..400)).map(|_| random.random()).collect(),
        1 => {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
            bytes
        }
        2 => {
            bytes.truncate(random.random_range(0..bytes.len()));
            bytes
        }
        3 => {
            let text = String::from_utf8(bytes).expect("templates are text");
            let values =
                ["null", "-1", "1e99", "99999999999999999999", "[[[]]]", "{}", "\"\\u0000\"", "true"];
            let value = values[random.random_range(0..values.len())];
            let digits = ["0", "1", "\"x\"", "\"s\"", "null", "\"video\""];
            text.replacen(digits[random.random_range(0..digits.len())], value, 1).into_bytes()
        }
        _ => format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes(),
    }
}

fn throw(stand: &Stand, device: &str, random: &mut StdRng, topics: &[String]) {
    let witness = stand.client("witness");
    for topic in topics {
        for number in 1..=THROWN {
            witness.send(topic, payload(random), Manner::default());
            if number % BURST == 0 {
                witness.settle();
                stand.state(device);
            }
        }
        for size in [65_536, 65_537, 200_000, 300_000, 1_500_000] {
            witness.send(topic, format!("{{\"type\":\"{}\"}}", "x".repeat(size)), Manner::default());
        }
        witness.settle();
        stand.state(device);
    }
}

fn commands_of(device: &str) -> Vec<String> {
    ["apply_for_seat", "join_live", "start_live", "invite_to_seat", "set_user_info", "get_state", "nonsense"]
        .iter()
        .map(|name| command(device, name))
        .collect()
}

#[test]
fn a_host_survives_any_bytes_on_every_topic_it_hears() {
    let stand = Stand::open();
    let mut host = stand.host(&[]);
    let guest = stand.hand_guest("ada");
    guest.join();
    guest.ok("apply", json!({"seat_index": 7}));
    stand.ok(HOST, "accept_application", json!({"user_id": "ada"}));
    let mut random = StdRng::seed_from_u64(7);
    let mut topics = commands_of(HOST);
    topics.extend(
        ["ada", "eve", "nobody"].iter().flat_map(|user| [place(user, "to_host"), place(user, "to_stage")]),
    );
    topics.push(format!("{PREFIX}/device/{HOST}/info"));
    topics.push(format!("{PREFIX}/room/{ROOM}/state"));
    throw(&stand, HOST, &mut random, &topics);
    assert!(host.ended().is_none(), "it runs");
    assert_eq!(stand.state(HOST)["room"]["live_id"], ROOM);
    let late = stand.hand_guest("bob");
    late.join();
    late.ok("apply", json!({"seat_index": 6}));
    let reached = host.log().lines().filter(|line| line.contains("panick")).count();
    assert_eq!(reached, 0, "{}", host.log());
    assert!(host.log().lines().count() < 2_000, "a flood of nonsense is no flood of the log");
}

#[test]
fn a_guest_survives_any_bytes_on_every_topic_it_hears() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let mut guest = host.admit(&stand, "ada", &[]);
    host.seat(&stand, "ada", 0, "audio");
    stand.event("ada", "seated", 0);
    let mut random = StdRng::seed_from_u64(11);
    let mut topics = commands_of("ada");
    topics.push(place("ada", "to_guest"));
    topics.push(format!("{PREFIX}/room/{ROOM}/state"));
    topics.push(format!("{PREFIX}/device/{HOST}/status"));
    topics.push(format!("{PREFIX}/device/ada/info"));
    throw(&stand, "ada", &mut random, &topics);
    assert!(guest.ended().is_none(), "it runs");
    assert_eq!(stand.state("ada")["role"], "guest");
    assert!(!guest.log().contains("panick"), "{}", guest.log());
    assert!(guest.log().lines().count() < 4_000, "a flood of nonsense is no flood of the log");
}

#[test]
fn a_flood_of_one_guest_costs_no_memory_and_nobody_else_waits() {
    let stand = Stand::open();
    let host = stand.host(&[]);
    let (loud, quiet) = (stand.hand_guest("eve"), stand.hand_guest("ada"));
    loud.join();
    quiet.join();
    let flood = |count: usize| {
        for number in 0..count {
            let long = "x".repeat(2_000);
            let request =
                json!({"type": "apply", "request_id": format!("{number}-{count}"), "extra_info": long});
            loud.client.send(&place("eve", "to_host"), request.to_string(), Manner::default());
            let signal = json!({"type": "signal", "session": format!("{number}"), "exchange": 1,
                "description": {"type": "offer", "sdp": long}});
            loud.client.send(&place("eve", "to_stage"), signal.to_string(), Manner::default());
            if number % BURST == 0 {
                // Seldom enough to keep to its own limit.
                if number % 500 == 0 {
                    quiet.ok("apply", json!({}));
                    quiet.ok("cancel_application", json!({}));
                }
                stand.ok(HOST, "lock_seat", json!({"seat_index": 0, "id": format!("{number}-{count}")}));
                loud.client.settle();
            }
        }
    };
    flood(1_000);
    stand.state(HOST);
    let warm = host.memory();
    flood(3_000);
    stand.state(HOST);
    let after = host.memory();
    assert!(after < warm + 4 * 1024, "{warm} KiB before, {after} KiB after");
}

#[test]
fn a_flood_of_commands_costs_no_memory_and_each_is_answered() {
    let stand = Stand::open();
    let guest = stand.guest("ada", &[]);
    let flood = |count: usize| {
        let mark = stand.operator.mark();
        for number in 0..count {
            let wish = json!({"id": format!("{count}-{number}"), "avatar_url": "x".repeat(600)});
            stand.operator.send(&command("ada", "set_user_info"), wish.to_string(), Manner::default());
            if number % BURST == 0 {
                stand.operator.settle();
                stand.state("ada");
            }
        }
        stand.operator.settle();
        stand.state("ada");
        let replies = stand.operator.on(&format!("{PREFIX}/device/ada/reply/set_user_info"), mark);
        assert_eq!(replies.len(), count);
        assert!(replies.iter().all(|reply| reply["error"]["code"] == "invalid_parameter"));
    };
    flood(1_000);
    let warm = guest.memory();
    flood(3_000);
    let after = guest.memory();
    assert!(after < warm + 4 * 1024, "{warm} KiB before, {after} KiB after");
}

#[test]
fn a_host_that_invites_and_seats_without_end_costs_a_guest_nothing() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let guest = host.admit(&stand, "ada", &[]);
    let flood = |count: usize| {
        for number in 0..count {
            let by: Value = HandHost::by();
            let invitation = json!({"type": "invitation", "invitation_id": format!("{number}"), "seat_index": -1,
                "media": "audio", "timeout": 3600, "extra_info": "x".repeat(1_000), "by": by});
            host.client.send(&place("ada", "to_guest"), invitation.to_string(), Manner::default());
            let seated =
                json!({"type": "seated", "seat_index": 0, "media": "video", "grant": HandHost::grant()});
            host.client.send(&place("ada", "to_guest"), seated.to_string(), Manner::default());
            if number % BURST == 0 {
                host.client.settle();
                stand.state("ada");
            }
        }
        host.client.settle();
    };
    flood(1_000);
    let state = stand.state("ada");
    assert!(state["invitations"].as_array().is_some_and(|list| list.len() <= 16), "{state}");
    assert_eq!(state["seat"], Value::Null);
    let warm = guest.memory();
    flood(2_000);
    stand.state("ada");
    let after = guest.memory();
    assert!(after < warm + 4 * 1024, "{warm} KiB before, {after} KiB after");
}
