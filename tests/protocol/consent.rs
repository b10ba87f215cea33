//! What is closed stays closed, by real daemons on both sides.

use serde_json::{Value, json};

use crate::support::stand::{HOST, Stand};

/// Applies and waits for the seat; camera and microphone as the state has them then.
fn sit(stand: &Stand, user_id: &str) -> (Value, Value) {
    let mark = stand.operator.mark();
    stand.ok(user_id, "apply_for_seat", json!({}));
    stand.event(user_id, "media_live", mark);
    devices(stand, user_id)
}

fn devices(stand: &Stand, user_id: &str) -> (Value, Value) {
    let state = stand.state(user_id);
    (state["camera"]["status"].clone(), state["microphone"]["status"].clone())
}

#[test]
fn what_is_closed_before_the_seat_stays_closed_until_it_is_opened() {
    let stand = Stand::open();
    let _host = stand.host(&["host.seat_mode=free"]);
    let _guest = stand.guest_inside("ada", &[]);
    stand.ok("ada", "close_local_camera", json!({}));
    stand.ok("ada", "close_local_microphone", json!({}));
    let summary = stand.state("ada")["summary"].clone();
    assert!(
        summary.as_str().is_some_and(|text| text.contains("camera and microphone stay closed")),
        "{summary}"
    );
    assert_eq!(sit(&stand, "ada"), (json!("off"), json!("off")));
    stand.ok("ada", "open_local_camera", json!({}));
    assert_eq!(devices(&stand, "ada"), (json!("on"), json!("off")));
}

#[test]
fn a_ban_lasts_over_seats_and_restarts_until_it_is_lifted() {
    let stand = Stand::open();
    let host = stand.host(&["host.seat_mode=free"]);
    let guest = stand.guest_inside("ada", &[]);
    sit(&stand, "ada");
    let banned =
        |mark| stand.until_state("ada", mark, |state| state["camera"]["status"] == "closed_by_admin");
    let mark = stand.operator.mark();
    stand.ok(HOST, "close_remote_camera", json!({"user_id": "ada"}));
    banned(mark);
    stand.ok("ada", "disconnect", json!({}));
    assert_eq!(stand.state("ada")["camera"]["status"], "closed_by_admin", "off the seat, too");
    stand.room(mark, |room| room["banned"] == json!([{"user_id": "ada", "devices": ["camera"]}]));
    // The guest's program is started again, and learns of it before it sits.
    guest.kill();
    let mark = stand.operator.mark();
    let _guest = stand.guest_inside("ada", &[]);
    banned(mark);
    // So is the host's.
    host.kill();
    let mark = stand.operator.mark();
    let _host = stand.host(&["host.seat_mode=free"]);
    stand.room(mark, |room| room["banned"] == json!([{"user_id": "ada", "devices": ["camera"]}]));
    stand.until_state("ada", mark, |state| state["room"]["membership"] == "inside");
    assert_eq!(sit(&stand, "ada").0, "closed_by_admin");
    assert_eq!(stand.refused("ada", "open_local_camera", json!({})), "camera_closed_by_admin");
    stand.ok(HOST, "open_remote_camera", json!({"user_id": "ada"}));
    stand.event("ada", "camera_unlocked_by_admin", mark);
    stand.ok("ada", "open_local_camera", json!({}));
    assert_eq!(devices(&stand, "ada").0, "on");
}
