//! Events, and what guests, hosts and stages say to each other.

use serde_json::{Value, json};

use super::notation::{Others, object};

/// Events of a guest: name, fields.
pub const GUEST_EVENTS: &[(&str, &str)] = &[
    ("application_accepted", "seat_index:seat by"),
    ("application_rejected", "by"),
    ("application_no_response", "reason:no_response"),
    ("invitation_received", "by seat_index media timeout extra_info~"),
    ("invitation_cancelled", "by"),
    ("invitation_no_response", "by reason:no_response"),
    ("seated", "seat_index:seat"),
    ("unseated", "seat_index:seat reason:unseat_reason by?"),
    ("kicked_off_seat", "seat_index:seat by"),
    ("seat_moved", "from to by"),
    ("camera_closed_by_admin", "by"),
    ("camera_unlocked_by_admin", "by"),
    ("microphone_closed_by_admin", "by"),
    ("microphone_unlocked_by_admin", "by"),
    ("live_ended", ""),
    ("host_lost", ""),
    ("host_back", ""),
    ("media_live", "accept_to_first_packet_ms:milliseconds~ recovered_in_ms:milliseconds~"),
    ("media_recovering", "attempt why cause"),
    ("media_failed", "why"),
    ("quality_reduced", "width:pixels height:pixels frame_rate:total kbps:total why"),
    ("quality_restored", "width:pixels height:pixels frame_rate:total kbps:total why"),
    ("encoder_replaced", "encoder instead_of why"),
    ("camera_lost", "camera why"),
    ("camera_back", "camera"),
    ("microphone_lost", "microphone why"),
    ("microphone_back", "microphone"),
];

/// Events of a host: name, fields.
pub const HOST_EVENTS: &[(&str, &str)] = &[
    ("application_received", "user seat_index media timeout extra_info~"),
    ("application_cancelled", "user"),
    ("application_processed", "user accepted by"),
    ("application_no_response", "user reason:no_response"),
    ("invitation_accepted", "user seat_index:seat"),
    ("invitation_rejected", "user"),
    ("invitation_no_response", "user reason:no_response"),
    ("guest_seated", "user seat_index:seat"),
    ("guest_unseated", "user seat_index:seat reason:unseat_reason"),
    ("guest_joined", "user"),
    ("guest_left", "user"),
    ("guest_moved", "user from to"),
    ("guest_connection", "user connection"),
    ("media_live", "user"),
    ("media_lost", "user"),
    ("watch_ended", "session user reason:watch_end"),
    ("talk_started", "user operator~"),
    ("talk_ended", "user operator~"),
];

/// What a guest asks of its host: type, fields.
const TO_HOST: &[(&str, &str)] = &[
    ("join", "user session"),
    ("leave", ""),
    ("apply", "seat_index=-1 timeout=30 media=video extra_info~=null"),
    ("cancel_application", ""),
    ("accept_invitation", "invitation_id"),
    ("reject_invitation", "invitation_id"),
    ("leave_seat", ""),
    ("devices", "microphone:on_off camera:on_off phase?"),
];

/// What a host says to a guest: type, fields. `result` and `signal` are of their own kind.
const TO_GUEST: &[(&str, &str)] = &[
    ("application_accepted", "seat_index:seat media by"),
    ("application_rejected", "by"),
    ("application_no_response", "reason:no_response"),
    ("invitation", "invitation_id seat_index media timeout extra_info~ by"),
    ("invitation_cancelled", "invitation_id by"),
    ("invitation_no_response", "invitation_id reason:no_response"),
    ("seated", "seat_index:seat media grant"),
    ("unseated", "seat_index:seat reason:unseat_reason by?"),
    ("moved", "from to by"),
    ("device_control", "device action by"),
    ("live_ended", ""),
];

/// The names in such a table.
pub fn names_of(table: &'static [(&'static str, &'static str)]) -> impl Iterator<Item = &'static str> {
    table.iter().map(|(name, _)| *name)
}

/// The payload of an event.
pub(super) fn event(fields: &str) -> Value {
    object(&format!("at {fields}"), Others::Ignored)
}

/// Type and payload of everything a guest says to its host.
pub(super) fn to_host() -> Vec<(&'static str, Value)> {
    TO_HOST.iter().map(|(kind, fields)| (*kind, typed(kind, &format!("request_id {fields}")))).collect()
}

/// Type and payload of everything that is said to a guest.
pub(super) fn to_guest() -> Vec<(&'static str, Value)> {
    let plain = TO_GUEST.iter().map(|(kind, fields)| (*kind, typed(kind, fields)));
    let result = json!({"oneOf": [
        typed("result", "request_id ok:yes seat:OwnSeat~? application:Application~? invitations:Invitation*? banned:device*?"),
        typed("result", "request_id ok:no error"),
    ]});
    plain.chain([("result", result), ("signal", signal())]).collect()
}

/// The payload of a signal: exactly one of description, candidate, bye.
pub(super) fn signal() -> Value {
    json!({"oneOf": [
        typed("signal", "session exchange description:Description"),
        typed("signal", "session exchange candidate:Candidate~"),
        typed("signal", "session exchange bye:yes reason:bye_reason?"),
    ]})
}

fn typed(kind: &str, fields: &str) -> Value {
    let mut schema = object(&format!("type:text {fields}"), Others::Ignored);
    schema["properties"]["type"] = json!({"const": kind});
    schema
}
