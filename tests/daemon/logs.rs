//! What is in the log, and what never is.

use serde_json::json;

use crate::support::broker::password_of;
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
