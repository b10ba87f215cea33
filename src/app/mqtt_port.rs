//! What both roles have around them: the connection with its topics, and the way out for what they say.
//!
//! Invariant: nothing here waits. What the connection does not take is a fault with a name, logged once until it takes again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::fitting;
use crate::model::event::Event;
use crate::model::{Refusal, UserId};
use crate::mqtt::connection::{ConnectionHandle, Publish, SubscribeOptions, Unsent};
use crate::mqtt::discovery;
use crate::mqtt::topics::Topics;
use crate::mqtt::wire::device;

/// Topics whose words that do not fit are logged; the rest is silence.
const MAX_TOLD: usize = 32;

/// Whether the last message was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Taken,
    Refused,
}

/// The MQTT side of a role: its connection, its topics, and who hears its events.
#[derive(Debug)]
pub(super) struct MqttPort {
    pub(super) link: ConnectionHandle,
    pub(super) topics: Topics,
    pub(super) user_id: UserId,
    /// Who hears events.
    pub(super) audience: Cell<EventAudience>,
    flow: Cell<Flow>,
    /// Topics to which something did not fit, and it was logged.
    told: RefCell<BTreeSet<String>>,
}

/// Who hears events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventAudience {
    /// Who listens to the topics of the protocol.
    Protocol,
    /// Home Assistant too, on a topic of its own with the name inside.
    HomeAssistantToo,
}

impl MqttPort {
    pub(super) fn new(link: ConnectionHandle, topics: Topics, user_id: UserId) -> Self {
        let (audience, flow) = (Cell::new(EventAudience::Protocol), Cell::new(Flow::Taken));
        Self { link, topics, user_id, audience, flow, told: RefCell::default() }
    }

    pub(super) fn publish(&self, message: Publish) {
        self.note(self.link.publish(message));
    }

    /// For what must reach a guest also where much else waits.
    pub(super) fn publish_due(&self, message: Publish) {
        self.note(self.link.publish_due(message));
    }

    /// Why the broker would not take this word, with a line of the log for each topic; `None`: it does.
    pub(super) fn refusal(&self, what: &str, word: &Publish) -> Option<Refusal> {
        let refusal = fitting::refusal(what, word, &self.link.granted())?;
        let mut told = self.told.borrow_mut();
        if told.len() < MAX_TOLD && told.insert(word.topic.clone()) {
            tracing::warn!("{} ({})", refusal.message, word.topic);
        }
        Some(refusal)
    }

    fn note(&self, taken: Result<(), Unsent>) {
        match (taken, self.flow.get()) {
            (Ok(()), _) => self.flow.set(Flow::Taken),
            (Err(error), Flow::Taken) => {
                tracing::error!("messages are dropped: {error}");
                self.flow.set(Flow::Refused);
            }
            (Err(_), Flow::Refused) => {}
        }
    }

    pub(super) fn event(&self, event: &Event) {
        let payload = device::event(event, Timestamp::now());
        if self.audience.get() == EventAudience::HomeAssistantToo {
            let named = discovery::event(event.name(), &payload);
            self.publish(Publish::new(self.topics.home_assistant("event"), named));
        }
        self.publish(Publish::new(self.topics.event(event.name()), payload));
    }

    /// Listens to somebody's `status`; the own one is listened to anyway.
    pub(super) fn watch(&self, user_id: &UserId) {
        if *user_id != self.user_id {
            self.link.subscribe(self.topics.status_of(user_id), SubscribeOptions::LEVELS);
        }
    }

    pub(super) fn unwatch(&self, user_id: &UserId) {
        if *user_id != self.user_id {
            self.link.unsubscribe(&self.topics.status_of(user_id));
        }
    }
}
