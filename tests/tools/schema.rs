//! `coguestd schema`: the document is current, whole, and true of what really travels.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use coguestd::mqtt::schema::{GUEST_EVENTS, HOST_EVENTS, names_of};
use serde_json::{Value, json};

use super::bench::{Bench, HOST, KIOSK, coguestd, said};
use crate::support::schema::faults;

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/asyncapi.json");

fn printed() -> (String, Value) {
    let (status, out, wrong) = said(&coguestd().arg("schema").output().expect("the program runs"));
    assert_eq!((status, wrong.as_str()), (Some(0), ""));
    let document = serde_json::from_str(&out).expect("JSON");
    (out, document)
}

#[test]
fn the_checked_in_document_is_current() {
    let checked_in = fs::read_to_string(CHECKED_IN).unwrap_or_default();
    assert!(
        checked_in.trim_end() == printed().0,
        "docs/asyncapi.json is not what the program says: make schema"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(root: &Value, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                    assert!(root.pointer(to.trim_start_matches('#')).is_some(), "{to} leads nowhere");
                }
                fields.values().for_each(|value| walk(root, value));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(root, value)),
            _ => {}
        }
    }
    let (_, document) = printed();
    walk(&document, &document);
}

#[test]
fn every_event_the_program_can_say_is_described() {
    // The names as the program writes them.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/event.rs");
    let source = fs::read_to_string(source).expect("the source is here");
    let names = source.split("pub fn name").nth(1).expect("it gives names").split("\n    }\n}").next();
    let said: BTreeSet<&str> = names.expect("its end").split('"').skip(1).step_by(2).collect();
    let described: BTreeSet<&str> = names_of(GUEST_EVENTS).chain(names_of(HOST_EVENTS)).collect();
    assert_eq!(said, described);
}

/// The messages that may be on `topic`, with the number of the channel's fixed levels: the more the nearer.
fn messages_on(document: &Value, topic: &str) -> Option<Vec<Value>> {
    let fits = |address: &str| {
        let (address, topic): (Vec<&str>, Vec<&str>) =
            (address.split('/').collect(), topic.split('/').collect());
        address.len() == topic.len()
            && address.iter().zip(&topic).all(|(level, said)| level.starts_with('{') || level == said)
    };
    let channels = document["channels"].as_object().expect("channels").values();
    let fitting: Vec<&Value> =
        channels.filter(|channel| fits(channel["address"].as_str().expect("an address"))).collect();
    let messages =
        fitting.iter().flat_map(|channel| channel["messages"].as_object().expect("messages").values());
    let found: Vec<Value> = messages
        .map(|message| {
            let to = message["$ref"].as_str().expect("a reference").trim_start_matches('#');
            document.pointer(to).expect("it leads somewhere")["payload"].clone()
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// What a whole visit says is all in the document, and every message fits one schema of its topic.
#[test]
fn what_really_travels_is_what_the_document_says() {
    let bench = Bench::new();
    let everything = bench.broker.listen_as("witness", &["-t", "coguest/#"]);
    let _host = bench.daemon("host", HOST, "[room]\nlive_id = \"lobby\"\n");
    let _kiosk = bench.daemon("guest", KIOSK, "");
    bench.obeyed(&[KIOSK, "join_live", "live_id=lobby"]);
    bench.obeyed(&[KIOSK, "apply_for_seat", "seat_index=2"]);
    bench.obeyed(&[HOST, "accept_application", "user_id=kiosk-7", "operator=desk-2"]);
    everything.wait_for("device/lobby-host/event/media_live");
    bench.obeyed(&[HOST, "take_seat_snapshot", "user_id=kiosk-7"]);
    bench.obeyed(&[KIOSK, "list_devices"]);
    bench.obeyed(&[HOST, "get_state"]);
    bench.obeyed(&[HOST, "close_remote_camera", "user_id=kiosk-7"]);
    assert_eq!(bench.ctl(&[KIOSK, "open_local_camera"]).0, Some(1));
    everything.wait_for("device/kiosk-7/stats");
    everything.wait_for("device/lobby-host/stats");
    bench.obeyed(&[HOST, "move_user_to_seat", "user_id=kiosk-7", "seat_index=0"]);
    bench.obeyed(&[HOST, "kick_user_out_of_seat", "user_id=kiosk-7"]);
    everything.wait_for("device/kiosk-7/event/unseated");
    bench.obeyed(&[HOST, "invite_to_seat", "invitee_id=kiosk-7", "media=audio"]);
    everything.wait_for("device/kiosk-7/event/invitation_received");
    bench.obeyed(&[KIOSK, "reject_invitation"]);
    bench.obeyed(&[HOST, "end_live"]);
    everything.wait_for("device/kiosk-7/event/live_ended");

    let (_, document) = printed();
    let mut topics = BTreeSet::new();
    for line in everything.heard() {
        let (topic, payload) = line.split_once(' ').unwrap_or((&line, ""));
        // Replies to ctl: those of each command are checked where they have a topic of their own.
        if topic.starts_with("coguest/v1/response/") {
            continue;
        }
        let value = serde_json::from_str(payload).unwrap_or_else(|_| json!(payload));
        let messages = messages_on(&document, topic).unwrap_or_else(|| panic!("{topic} is not described"));
        let of_each: Vec<_> = messages.iter().map(|schema| faults(&document, schema, &value)).collect();
        assert!(of_each.iter().any(Vec::is_empty), "{topic} {payload}: {of_each:#?}");
        topics.insert(topic.to_owned());
    }
    assert!(topics.len() > 40, "{topics:#?}");
}
