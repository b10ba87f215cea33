//! What the broker does not take or does not let through: what the summary says of it.
//!
//! Invariant: while one is not published, the daemon does not claim that all is well. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::role::PublishedState;
use crate::mqtt::connection::DropCause;

/// Longest summary, in characters.
const SUMMARY: usize = 120;

/// What is not published, and why; what is not heard; and what of the own state is left out.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    dropped: BTreeMap<String, DropCause>,
    /// Filters that the broker refuses.
    deaf: BTreeSet<String>,
    /// The largest packet, where the own state is shortened for it.
    shortened: Option<u32>,
}

impl Trouble {
    pub(super) fn dropped(&mut self, topic: String, cause: DropCause) {
        self.dropped.insert(topic, cause);
    }

    pub(super) fn restored(&mut self, topic: &str) {
        self.dropped.remove(topic);
    }

    /// The broker refuses this filter.
    pub(super) fn deaf(&mut self, filter: String) {
        self.deaf.insert(filter);
    }

    /// The broker takes it after all.
    pub(super) fn heard(&mut self, filter: &str) {
        self.deaf.remove(filter);
    }

    /// Whether the own state is shortened, for which largest packet.
    pub(super) fn shortened(&mut self, max: Option<u32>) {
        self.shortened = max;
    }

    /// Puts it in the place of what else there is to say.
    pub(super) fn cover(&self, shown: &mut PublishedState) {
        if let Some(said) = self.said(&shown.summary) {
            shown.state["summary"] = json!(said);
            shown.summary = said;
        }
    }

    /// The same in a snapshot.
    pub(super) fn cover_state(&self, state: &mut Value) {
        if let Some(said) = self.said(state["summary"].as_str().unwrap_or_default()) {
            state["summary"] = json!(said);
        }
    }

    /// What there is to say in the place of this summary.
    fn said(&self, summary: &str) -> Option<String> {
        let said = self.unheard().or_else(|| self.unpublished());
        said.map(|said| said.chars().take(SUMMARY).collect()).or_else(|| {
            let end = format!(" (shortened: the broker takes packets of {} bytes)", self.shortened?);
            let room = SUMMARY.saturating_sub(end.chars().count());
            Some(summary.chars().take(room).chain(end.chars()).collect())
        })
    }

    /// Who cannot be spoken to is the worst.
    fn unheard(&self) -> Option<String> {
        let what = |filter: &str| {
            let mut levels = filter.rsplit('/');
            match (levels.next(), levels.next(), levels.next(), levels.next()) {
                (Some("+"), Some("command"), ..) => Some("commands are".to_owned()),
                (Some("to_host" | "to_stage"), ..) => Some("guests are".to_owned()),
                (Some("to_guest"), ..) => Some("the host is".to_owned()),
                (Some("state"), Some(room), Some("room"), _) => Some(format!("the room {room} is")),
                _ => None,
            }
        };
        let found = self.deaf.iter().find_map(|filter| what(filter));
        found.map(|what| format!("{what} not heard: the broker refuses the subscription, the log says why"))
    }

    fn unpublished(&self) -> Option<String> {
        // A room that nobody sees is the worst.
        let worst = self.dropped.iter().find(|(topic, _)| topic.contains("/room/"));
        let (topic, cause) = worst.or_else(|| self.dropped.iter().next())?;
        let what = name(topic);
        Some(match cause {
            DropCause::PacketSize(max) => {
                format!("{what} is not published: the broker takes packets of at most {max} bytes")
            }
            DropCause::NotRetained => format!("{what} is not kept: the broker has no retained messages"),
            DropCause::Refused => {
                format!("{what} is not published: the broker refuses it, check its access list")
            }
        })
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
        let mut shown =
            PublishedState { state: json!({"summary": "live in hall"}), summary: "live in hall".into() };
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

    #[test]
    fn what_is_not_heard_is_said_before_what_is_not_published() {
        let mut trouble = Trouble::default();
        trouble.dropped("p/room/hall/state".into(), DropCause::PacketSize(512));
        for (filter, expected) in [
            ("p/device/host-1/command/+", "commands are not heard: "),
            ("p/room/hall/guest/+/to_host", "guests are not heard: "),
            ("p/room/hall/guest/ada/to_guest", "the host is not heard: "),
            ("p/room/hall/state", "the room hall is not heard: "),
            ("p/device/ada/status", "the room hall is not published: "),
        ] {
            trouble.deaf(filter.into());
            assert!(said(&trouble).starts_with(expected), "{filter}");
            trouble.heard(filter);
        }
    }

    #[test]
    fn a_state_that_is_shortened_says_so_behind_what_it_says() {
        let mut trouble = Trouble::default();
        trouble.shortened(Some(512));
        assert_eq!(said(&trouble), "live in hall (shortened: the broker takes packets of 512 bytes)");
        trouble.shortened(None);
        assert_eq!(said(&trouble), "live in hall");
    }
}
