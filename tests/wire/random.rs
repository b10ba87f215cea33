//! Bytes and JSON that nobody thought of.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::anything;

/// Words of the protocol, and some that are not.
const WORDS: &[&str] = &[
    "type",
    "request_id",
    "user",
    "user_id",
    "user_name",
    "avatar_url",
    "session",
    "seat_index",
    "timeout",
    "media",
    "extra_info",
    "invitation_id",
    "microphone",
    "camera",
    "phase",
    "ok",
    "error",
    "code",
    "message",
    "seat",
    "application",
    "invitations",
    "grant",
    "transport",
    "stage",
    "publish_url",
    "token",
    "playback_url",
    "by",
    "operator",
    "reason",
    "from",
    "to",
    "device",
    "action",
    "exchange",
    "description",
    "sdp",
    "candidate",
    "sdpMid",
    "sdpMLineIndex",
    "bye",
    "live_id",
    "status",
    "host",
    "seat_mode",
    "revision",
    "seats",
    "index",
    "locked",
    "connection",
    "id",
    "inviter_id",
    "invitee_id",
    "policy",
    "volume",
    "quality",
    "mirror",
    "machine",
    "join",
    "leave",
    "apply",
    "result",
    "signal",
    "invitation",
    "seated",
    "unseated",
    "moved",
    "devices",
    "device_control",
    "live_ended",
    "mqtt",
    "whip",
    "on",
    "off",
    "closed_by_admin",
    "live",
    "video",
    "audio",
    "kicked",
    "offline",
    "offer",
    "answer",
    "close",
    "unlock",
    "lobby",
    "kiosk-7",
    "\u{0}",
    "",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => (0..WORDS.len()).prop_map(|at| WORDS[at].to_owned()),
        1 => any::<String>(),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2_i64..40).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A golden payload of which one field, somewhere, is something else.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let files = golden_files();
    (0..files.len(), any::<prop::sample::Index>(), json()).prop_map(move |(file, place, value)| {
        let mut payload = files[file].clone();
        let mut pointers = Vec::new();
        collect(&payload, String::new(), &mut pointers);
        let pointer = &pointers[place.index(pointers.len())];
        *payload.pointer_mut(pointer).expect("it is there") = value;
        payload.to_string().into_bytes()
    })
}

fn golden_files() -> Vec<Value> {
    let mut files = Vec::new();
    for folder in ["command", "to_host", "to_guest", "to_stage", "room"] {
        let entries = std::fs::read_dir(format!("tests/golden/{folder}")).expect("golden files are there");
        for entry in entries {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("readable");
            files.push(serde_json::from_slice(&bytes).expect("a golden file is JSON"));
        }
    }
    files
}

fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
    };
    for (name, value) in below {
        collect(value, format!("{at}/{name}"), pointers);
    }
    pointers.push(at);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_taken_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        anything::read(&bytes);
    }

    #[test]
    fn any_json_is_taken_without_a_panic(value in json()) {
        anything::read(value.to_string().as_bytes());
    }

    #[test]
    fn any_change_of_a_message_is_taken_without_a_panic(bytes in mutated()) {
        anything::read(&bytes);
    }
}

#[test]
fn hostile_bytes_are_taken_without_a_panic() {
    let deep = "[".repeat(60_000);
    let nested = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let long = format!("{{\"type\":\"leave\",\"request_id\":\"{}\"}}", "x".repeat(65_000));
    let huge = "x".repeat(1 << 20);
    let numbers = "{\"type\":\"apply\",\"request_id\":\"1\",\"seat_index\":1e400,\"timeout\":-0}";
    let twice = "{\"type\":\"leave\",\"type\":\"join\",\"request_id\":\"1\",\"request_id\":\"2\"}";
    let surrogate = "{\"type\":\"leave\",\"request_id\":\"\\ud800\"}";
    for text in [&deep, &nested, &long, &huge, numbers, twice, surrogate, "\u{feff}{}", "\0", "{}\0"] {
        anything::read(text.as_bytes());
    }
    for bytes in [&[0xff; 64][..], &[0xc0, 0x80], b"{\"id\":\"\xff\"}"] {
        anything::read(bytes);
    }
    for byte in 0..=u8::MAX {
        anything::read(&[byte]);
        anything::read(&[byte, b'{', b'}']);
    }
}
