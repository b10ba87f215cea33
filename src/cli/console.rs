//! A console: a client of the broker that gives commands and hears what is said. `ctl`, `watch`, `doctor` and the demonstration
//! are made of it.
//!
//! Invariant: it is nobody's device: no will, a client id of its own at every start, nothing retained.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use crate::foreign;
use crate::mqtt::connection::{self, ConnectionHandle, Incoming, Message, Publish, Retain, SubscribeOptions};

/// How long the broker may take to say goodbye to; it has everything already.
const GOODBYE: Duration = Duration::from_secs(2);

/// Something that was said.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// Below the prefix.
    pub(super) topic: String,
    /// The payload; plain text, and what is no JSON, as a string.
    pub(super) value: Value,
    /// Whether it was said before anybody listened.
    pub(super) stored: Retain,
}

/// What happens at a console.
#[derive(Debug)]
pub(super) enum Happening {
    Heard(Heard),
    /// The broker dropped what was published, or does not let us listen.
    Denied(String),
    /// The connection is gone.
    Down(String),
    /// It is there.
    Up,
    /// Nothing more comes: the time is over.
    Over,
}

/// What an unreachable broker means at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The end.
    AtOnce,
    /// It is tried again: it is just being started.
    Patient,
}

/// The console.
pub(super) struct Console {
    link: ConnectionHandle,
    incoming: Receiver<Incoming>,
    /// Heard while it was being opened.
    early: VecDeque<Message>,
    prefix: String,
    /// Where replies come, below the prefix; one level is added for each.
    replies: String,
    asked: u64,
}

impl Console {
    /// Connects and listens to `filters` (below the prefix) and to its own replies.
    ///
    /// # Errors
    /// When the broker is not there, or does not let us listen, within `cap`.
    pub(super) async fn open(
        mut settings: connection::Settings,
        prefix: &str,
        filters: &[String],
        start: Start,
        cap: Duration,
    ) -> anyhow::Result<Self> {
        let session = uuid::Uuid::new_v4().simple().to_string();
        settings.client_id = format!("{}-{}", settings.client_id, &session[..8]);
        // Operators may read below response/THEIR NAME with the access list the project ships.
        let who = settings.username.as_deref().unwrap_or("console").replace(['/', '+', '#'], "_");
        let replies = format!("response/{who}/{session}");
        let address = connection::address(&settings);
        let (link, incoming) = connection::open(settings)?;
        let mut console = Self {
            link,
            incoming,
            early: VecDeque::new(),
            prefix: prefix.to_owned(),
            replies: replies.clone(),
            asked: 0,
        };
        let wanted: Vec<String> = std::iter::once(&format!("{replies}/+"))
            .chain(filters)
            .map(|filter| console.full(filter))
            .collect();
        for filter in &wanted {
            console.link.subscribe(filter, SubscribeOptions::LEVELS);
        }
        console.subscribed(wanted, start, Instant::now() + cap, &address).await?;
        Ok(console)
    }

    async fn subscribed(
        &mut self,
        mut wanted: Vec<String>,
        start: Start,
        deadline: Instant,
        address: &str,
    ) -> anyhow::Result<()> {
        let mut trouble = format!("broker {address} did not answer");
        while !wanted.is_empty() {
            match timeout_at(deadline, self.incoming.recv()).await {
                Ok(Some(Incoming::Subscribed(filter))) => wanted.retain(|other| *other != filter),
                Ok(Some(Incoming::Refused { why, .. })) => bail!("{why}"),
                Ok(Some(Incoming::Down { why, .. })) if start == Start::AtOnce => bail!("{why}"),
                Ok(Some(Incoming::Down { why, .. })) => trouble = why,
                // What is retained comes while other filters are still asked for.
                Ok(Some(Incoming::Message(message))) => self.early.push_back(message),
                Ok(Some(
                    Incoming::Up { .. }
                    | Incoming::Dropped { .. }
                    | Incoming::Restored { .. }
                    | Incoming::Renewed { .. }
                    | Incoming::Closed,
                )) => {}
                Ok(None) | Err(_) => bail!("{trouble}"),
            }
        }
        Ok(())
    }

    fn full(&self, topic: &str) -> String {
        format!("{}/{topic}", self.prefix)
    }

    /// What happens next, until `deadline`.
    pub(super) async fn next(&mut self, deadline: Option<Instant>) -> Happening {
        while let Some(message) = self.early.pop_front() {
            if let Some(heard) = self.read(&message) {
                return Happening::Heard(heard);
            }
        }
        loop {
            let received = match deadline {
                Some(deadline) => match timeout_at(deadline, self.incoming.recv()).await {
                    Ok(received) => received,
                    Err(_) => return Happening::Over,
                },
                None => self.incoming.recv().await,
            };
            match received {
                None | Some(Incoming::Closed) => return Happening::Over,
                Some(Incoming::Message(message)) => {
                    if let Some(heard) = self.read(&message) {
                        return Happening::Heard(heard);
                    }
                }
                Some(Incoming::Dropped { why, .. } | Incoming::Refused { why, .. }) => {
                    return Happening::Denied(why);
                }
                Some(Incoming::Down { why, .. }) => return Happening::Down(why),
                Some(Incoming::Up { .. }) => return Happening::Up,
                Some(Incoming::Subscribed(_) | Incoming::Restored { .. } | Incoming::Renewed { .. }) => {}
            }
        }
    }

    fn read(&self, message: &Message) -> Option<Heard> {
        let topic = message.topic.strip_prefix(self.prefix.as_str())?.strip_prefix('/')?;
        let text = String::from_utf8_lossy(&message.payload);
        let value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        Some(Heard { topic: topic.to_owned(), value, stored: message.retain })
    }

    /// Gives a command; where the reply comes, below the prefix.
    ///
    /// # Errors
    /// When it is too large to be sent.
    pub(super) fn command(&mut self, device: &str, name: &str, parameters: &Value) -> anyhow::Result<String> {
        self.asked += 1;
        let reply = format!("{}/{}", self.replies, self.asked);
        let message = Publish {
            response_topic: Some(self.full(&reply)),
            ..Publish::new(self.full(&format!("device/{device}/command/{name}")), parameters.to_string())
        };
        self.link.publish(message).with_context(|| format!("{name} was not sent"))?;
        Ok(reply)
    }

    /// Leaves the broker.
    pub(super) async fn close(mut self) {
        self.link.close(Vec::new(), GOODBYE);
        while !matches!(self.incoming.recv().await, None | Some(Incoming::Closed)) {}
    }
}

/// An event in one line: who, what, and its fields.
pub(super) fn event_line(heard: &Heard) -> Option<String> {
    let (device, name) = heard.topic.strip_prefix("device/")?.split_once("/event/")?;
    let fields = heard.value.as_object()?;
    Some(foreign::escape(&format!("{device:<12} {name}{}", details(fields))).into_owned())
}

/// The fields of an event, in words; users by their id, absent things not at all.
fn details(fields: &serde_json::Map<String, Value>) -> String {
    let mut line = String::new();
    for (field, value) in fields {
        let text = match (field.as_str(), value) {
            ("at", _) | (_, Value::Null) => continue,
            ("user" | "by", user) => format!("{field} {}", user["user_id"].as_str().unwrap_or("?")),
            (_, Value::String(text)) => format!("{field} {text}"),
            (_, other) => format!("{field} {other}"),
        };
        line.push_str(", ");
        line.push_str(&text);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::tests::{HARMLESS, HOSTILE};

    #[test]
    fn an_event_is_one_line() {
        let heard =
            |value| Heard { topic: "device/host-1/event/guest_seated".into(), value, stored: Retain::No };
        let value =
            json!({"at": "x", "user": {"user_id": "kiosk-7"}, "seat_index": 2, "why": null, "text": "a\nb"});
        let line = event_line(&heard(value)).expect("an event");
        assert_eq!(line, "host-1       guest_seated, seat_index 2, text a\\nb, user kiosk-7");
        assert_eq!(event_line(&heard(json!("x"))), None);
        let line =
            event_line(&heard(json!({"user_name": HOSTILE, "extra": {"name": HOSTILE}}))).expect("an event");
        assert_eq!(foreign::escape(&line), line);
        assert!(line.contains(HARMLESS), "{line}");
    }
}
