//! Levels that the broker does not take: what the summary says of them.
//!
//! Invariant: while one is not published, the daemon does not claim that all is well. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::role::Shown;
use crate::mqtt::connection::DropCause;

/// Longest summary, in characters.
const SUMMARY: usize = 120;

/// What is not published, and why.
#[derive(Debug, Default)]
pub(super) struct Trouble(BTreeMap<String, DropCause>);

impl Trouble {
    pub(super) fn dropped(&mut self, topic: String, cause: DropCause) {
        self.0.insert(topic, cause);
    }

    pub(super) fn restored(&mut self, topic: &str) {
        self.0.remove(topic);
    }

    /// Puts it in the place of what else there is to say.
    pub(super) fn cover(&self, shown: &mut Shown) {
        if let Some(said) = self.said() {
            shown.state["summary"] = json!(said);
            shown.summary = said;
        }
    }

    /// The same in a snapshot.
    pub(super) fn cover_state(&self, state: &mut Value) {
        if let Some(said) = self.said() {
            state["summary"] = json!(said);
        }
    }

    fn said(&self) -> Option<String> {
        // A room that nobody sees is the worst.
        let worst = self.0.iter().find(|(topic, _)| topic.contains("/room/"));
        let (topic, cause) = worst.or_else(|| self.0.iter().next())?;
        let what = name(topic);
        let said = match cause {
            DropCause::PacketSize(max) => {
                format!("{what} is not published: the broker takes packets of at most {max} bytes")
            }
            DropCause::NotRetained => format!("{what} is not kept: the broker has no retained messages"),
            DropCause::Refused => {
                format!("{what} is not published: the broker refuses it, check its access list")
            }
        };
        Some(said.chars().take(SUMMARY).collect())
    }
}

/// What is published there, short.
fn name(topic: &str) -> String {
    let mut levels = topic.rsplit('/');
    match (levels.next(), levels.next(), levels.next()) {
        (Some("state"), Some(room), Some("room")) => format!("the room {room}"),
        (Some("config"), ..) => "what Home Assistant has to know".to_owned(),
        (Some(level), ..) => format!("the own {level}"),
        (None, ..) => topic.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(trouble: &Trouble) -> String {
        let mut shown = Shown { state: json!({"summary": "live in hall"}), summary: "live in hall".into() };
        trouble.cover(&mut shown);
        assert_eq!(shown.state["summary"], shown.summary);
        assert!(shown.summary.chars().count() <= SUMMARY, "{}", shown.summary);
        shown.summary
    }

    #[test]
    fn a_room_that_is_not_published_is_not_called_live() {
        let mut trouble = Trouble::default();
        assert_eq!(said(&trouble), "live in hall");
        trouble.dropped("p/device/host-1/state".into(), DropCause::PacketSize(512));
        assert_eq!(
            said(&trouble),
            "the own state is not published: the broker takes packets of at most 512 bytes"
        );
        let room = format!("p/room/{}/state", "x".repeat(64));
        trouble.dropped(room.clone(), DropCause::PacketSize(512));
        assert!(said(&trouble).starts_with("the room xxx"));
        trouble.restored(&room);
        trouble.dropped("p/room/hall/state".into(), DropCause::Refused);
        assert!(said(&trouble).contains("access list"));
    }
}
