//! What a daemon says of itself: status, info, events.

use jiff::Timestamp;
use serde_json::json;

use crate::model::event::Event;

/// Payload of `status` while the commands are subscribed.
pub const ONLINE: &str = "online";

/// Payload of `status` otherwise, and of the will.
pub const OFFLINE: &str = "offline";

/// An event's payload: its fields and `at`, RFC 3339 with milliseconds.
pub fn event(event: &Event, at: Timestamp) -> Vec<u8> {
    let mut value = serde_json::to_value(event).unwrap_or_else(|_| json!({}));
    if !value.is_object() {
        value = json!({});
    }
    value["at"] = json!(format!("{at:.3}"));
    value.to_string().into_bytes()
}

/// The `machine` of an `info`; `None` when it names none.
pub fn machine(info: &[u8]) -> Option<String> {
    let value = super::sound_object(info)?;
    value.get("machine")?.as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_carries_its_fields_and_the_time() {
        let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        let bytes = event(&Event::Seated { seat_index: 2 }, at);
        assert_eq!(bytes, br#"{"at":"2026-01-02T03:04:05.678Z","seat_index":2}"#);
        assert_eq!(event(&Event::LiveEnded {}, at), br#"{"at":"2026-01-02T03:04:05.678Z"}"#);
    }

    #[test]
    fn the_machine_of_an_info() {
        assert_eq!(machine(br#"{"machine":"0123abcd"}"#).as_deref(), Some("0123abcd"));
        assert_eq!(machine(b"{}"), None);
        assert_eq!(machine(b""), None);
    }
}
