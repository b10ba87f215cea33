//! Any bytes, put to every reader: nothing panics, and what is read can be written and is read again as the same.
//! The fuzz target runs this too.

use coguestd::model::state::PAYLOAD_MAX;
use coguestd::mqtt::topics::{Topics, takes_answers};
use coguestd::mqtt::wire::command::{self, Envelope};
use coguestd::mqtt::wire::device;
use coguestd::mqtt::wire::room::{self, FromGuest, RetainedRoom};

/// Puts `bytes` to every reader; the first of them also chooses a command.
pub fn read(bytes: &[u8]) {
    as_command(bytes);
    as_room_plane(bytes);
    if let RetainedRoom::Room(room) = room::read_room(bytes) {
        let written = room::write_room(&room);
        if written.len() <= PAYLOAD_MAX {
            assert_eq!(room::read_room(&written), RetainedRoom::Room(room));
        }
    }
    let _ = device::machine(bytes);
    let text = String::from_utf8_lossy(bytes);
    let topics = Topics::new("coguest/v1", "kiosk-7".parse().expect("valid"));
    let _ = topics.read(&text);
    let _ = topics.read(&format!("coguest/v1/{text}"));
    let _ = takes_answers(&text);
}

fn as_command(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let names: Vec<&str> = command::names().collect();
    let name = names[usize::from(*first) % names.len()];
    for payload in [bytes, rest] {
        let envelope = Envelope::open(payload);
        let id = envelope.id.clone();
        let outcome = envelope.read(name);
        if let Err(refusal) = &outcome {
            assert!(!refusal.message.is_empty(), "a refusal says why");
            let reply = command::reply(id.as_deref(), &Err(refusal.clone()));
            let reply: serde_json::Value = serde_json::from_slice(&reply).expect("a reply is JSON");
            assert_eq!(reply["id"].as_str(), id.as_deref(), "the id comes back");
        }
    }
    let unknown = command::unknown(&String::from_utf8_lossy(rest));
    assert!(unknown.message.len() < 1024, "a refusal is short");
}

fn as_room_plane(bytes: &[u8]) {
    if let FromGuest::Request(id, Ok(request)) = room::read_to_host(bytes) {
        let written = room::write_to_host(&id, &request);
        if written.len() <= PAYLOAD_MAX {
            assert_eq!(room::read_to_host(&written), FromGuest::Request(id, Ok(request)));
        }
    }
    if let Some(message) = room::read_to_guest(bytes) {
        let written = room::write_to_guest(&message);
        if written.len() <= PAYLOAD_MAX {
            assert_eq!(room::read_to_guest(&written), Some(message));
        }
    }
    if let Some(signal) = room::read_to_stage(bytes) {
        let written = room::write_signal(signal.clone());
        if written.len() <= PAYLOAD_MAX {
            assert_eq!(room::read_to_stage(&written), Some(signal));
        }
    }
}
