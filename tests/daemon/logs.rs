//! What is in the log, and what never is.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Instant;

use serde_json::json;

use crate::support::PATIENCE;
use crate::support::broker::password_of;
use crate::support::daemon::Start;
use crate::support::namespace::own_mounts;
use crate::support::stand::{HOST, ROOM, Stand};

#[test]
fn the_loudest_log_of_a_live_stay_holds_no_secret_and_no_description() {
    let stand = Stand::open();
    let host = stand.start("host", HOST).loud().set(&[&format!("room.live_id={ROOM}")]).go();
    stand.room(0, |room| room["status"] == "live");
    let guest = stand.start("guest", "ada").loud().go();
    stand.status("ada", 0, "online");
    stand.ok("ada", "join_live", json!({"live_id": ROOM}));
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"extra_info": "for your ears only"}));
    stand.ok(HOST, "accept_application", json!({"user_id": "ada"}));
    stand.event(HOST, "media_live", mark);
    stand.event("ada", "media_live", mark);
    stand.ok(HOST, "kick_user_out_of_seat", json!({"user_id": "ada"}));
    stand.event("ada", "unseated", mark);
    for daemon in [host, guest] {
        let log = daemon.log();
        assert!(log.contains("TRACE") || log.contains("DEBUG"), "it is loud:\n{log}");
        for secret in [
            &*password_of(&daemon.user_id),
            "a=fingerprint",
            "ice-pwd",
            "a=ice-ufrag",
            "v=0",
            "candidate:",
            "for your ears only",
        ] {
            assert!(!log.contains(secret), "{secret} is in the log of {}", daemon.user_id);
        }
    }
}

#[test]
fn a_stay_is_told_with_its_room_seat_and_epoch() {
    let stand = Stand::open();
    let host = stand.host(&["host.accept_applications=always"]);
    let guest = stand.guest_inside("ada", &[]);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 3, "media": "audio"}));
    stand.event("ada", "media_live", mark);
    let line = guest.logged("live on seat 3");
    for field in ["INFO", "room=lobby", "user_id=ada", "seat=3", "epoch=1"] {
        assert!(line.contains(field), "{field}: {line}");
    }
    let line = host.logged("seated");
    for field in ["INFO", "user_id=ada", "seat=3", "room=lobby"] {
        assert!(line.contains(field), "{field}: {line}");
    }
}

/// One entry as it travels (systemd's "Journal Native Protocol").
fn entry(mut bytes: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'=' | b'\n')) {
        let name = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let (from, length) = if bytes[end] == b'=' {
            (end + 1, bytes[end + 1..].iter().position(|byte| *byte == b'\n').expect("a line end"))
        } else {
            let length: [u8; 8] = bytes[end + 1..end + 9].try_into().expect("eight bytes");
            (end + 9, usize::try_from(u64::from_le_bytes(length)).expect("a length"))
        };
        fields.insert(name, String::from_utf8_lossy(&bytes[from..from + length]).into_owned());
        bytes = &bytes[from + length + 1..];
    }
    fields
}

/// The program with its standard error in a journal, whose socket is in `folder`.
fn journalled(folder: &str) -> Command {
    own_mounts(
        "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && mount --bind \"$0\" /run/systemd/journal && \
         export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) && exec \"$@\"",
        folder,
    )
}

#[test]
fn the_journal_has_the_fields_it_is_searched_by() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let journal = UnixDatagram::bind(folder.path().join("socket")).expect("a socket");
    journal.set_read_timeout(Some(PATIENCE)).expect("longer than nothing");
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let command = journalled(folder.path().to_str().expect("a plain path"));
    let guest = Start::under(command, "guest", "ada", &stand.broker.url()).go();
    stand.status("ada", 0, "online");
    stand.ok("ada", "join_live", json!({"live_id": ROOM}));
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 3, "media": "audio"}));
    let mut buffer = vec![0; 64 * 1024];
    let began = Instant::now();
    let live = loop {
        assert!(began.elapsed() < PATIENCE, "no entry says that it is live; stderr: {}", guest.log());
        let length = journal.recv(&mut buffer).expect("an entry");
        let fields = entry(&buffer[..length]);
        if fields.get("MESSAGE").is_some_and(|message| message == "live on seat 3") {
            break fields;
        }
    };
    for (field, value) in
        [("ROOM", ROOM), ("USER_ID", "ada"), ("SEAT", "3"), ("EPOCH", "1"), ("SYSLOG_IDENTIFIER", "coguestd")]
    {
        assert_eq!(live.get(field).map(String::as_str), Some(value), "{field}: {live:?}");
    }
    assert!(live.contains_key("PRIORITY"), "{live:?}");
    assert_eq!(guest.log(), "", "each line is said once, to the journal");
}
