//! What the program wants from the connection, and what of it the broker has: the state between [`ConnectionHandle`](super::ConnectionHandle)
//! and the supervisor.
//!
//! A mutex and a wake-up rather than a channel, because most of it is retained topics: the latest wins, and nothing queues up
//! while the broker is away. The lock is held for moments and never across an await.
//!
//! Invariant: a message leaves its place here only when the broker has acknowledged it ([`DesiredState::settled`]), or when
//! a named limit says so.

mod outgoing;
mod restoring;
mod retained;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::granted::Granted;
use super::{MAX_PACKET, Participation, Publish, Qos, Retain, SubscribeOptions, Unsent};
use outgoing::OutgoingQueue;
use retained::RetainedTopics;

/// So many messages are surely sent while a program stops.
const FEW: usize = 500;

/// Longest string MQTT can carry, in bytes (MQTT 5, 1.5.4).
const MAX_STRING: usize = 65_535;

/// The desired state, shared between the handle and the supervisor.
pub(super) struct DesiredHandle {
    state: Mutex<DesiredState>,
    changed: Notify,
}

impl DesiredHandle {
    pub(super) fn new(presence: Participation) -> Self {
        Self { state: Mutex::new(DesiredState::new(presence)), changed: Notify::new() }
    }

    /// Changes the desired state and wakes the supervisor.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut DesiredState) -> T) -> T {
        let answer = self.with(change);
        self.changed.notify_one();
        answer
    }

    /// Reads the desired state or notes what became of them; wakes nobody.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut DesiredState) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a change; one that happened since the last wait counts.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// What a packet under way carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PacketContent {
    /// This version of the level of this topic.
    Level(String, u64),
    /// The queued message with this number.
    Message(u64),
}

/// Something to hand over now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// Wants an acknowledgement.
    Acknowledged(PacketContent, Publish),
    /// QoS 0.
    Unacknowledged(Publish),
}

/// A difference between the wanted filters and the broker's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FilterChange {
    Subscribe(Vec<(String, SubscribeOptions)>),
    Unsubscribe(String),
}

/// See the module.
pub(super) struct DesiredState {
    presence: Participation,
    retained: RetainedTopics,
    outgoing_queue: OutgoingQueue,
    filters: BTreeMap<String, SubscribeOptions>,
    /// What the broker's session holds, as far as we asked for it.
    subscribed: BTreeMap<String, SubscribeOptions>,
    /// Filters whose desired options may differ from `subscribed`.
    unsettled_filters: BTreeSet<String>,
    /// Set while a connection carries messages: QoS 0 is for now or never.
    connected: bool,
    /// What the broker of the present or the last connection grants.
    granted: Granted,
    closing: Option<Instant>,
    probe: ProbeWish,
}

/// Whether the broker is to be asked for a sign of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ProbeWish {
    #[default]
    Unwanted,
    Wanted,
}

impl DesiredState {
    pub(super) fn new(presence: Participation) -> Self {
        Self {
            presence,
            retained: RetainedTopics::default(),
            outgoing_queue: OutgoingQueue::default(),
            filters: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            unsettled_filters: BTreeSet::new(),
            connected: false,
            granted: Granted::default(),
            closing: None,
            probe: ProbeWish::Unwanted,
        }
    }

    pub(super) fn want_probe(&mut self) {
        self.probe = ProbeWish::Wanted;
    }

    /// Whether a sign of life is wanted; then that counts as done.
    pub(super) fn take_probe(&mut self) -> ProbeWish {
        std::mem::take(&mut self.probe)
    }

    pub(super) fn publish(&mut self, message: Publish) -> Result<(), Unsent> {
        self.queue(message, OutgoingQueue::push)
    }

    pub(super) fn publish_due(&mut self, message: Publish) -> Result<(), Unsent> {
        self.queue(message, OutgoingQueue::push_due)
    }

    fn queue(
        &mut self,
        message: Publish,
        push: impl FnOnce(&mut OutgoingQueue, Publish) -> Result<(), Unsent>,
    ) -> Result<(), Unsent> {
        if self.closing.is_some() {
            return Err(Unsent::Closing);
        }
        if !is_topic(&message.topic) {
            return Err(Unsent::BadTopic { topic: message.topic });
        }
        let bytes = message.weight();
        if bytes > MAX_PACKET as usize {
            return Err(Unsent::TooLarge { bytes });
        }
        match (self.presence, message.qos, self.connected) {
            (Participation::Watching, _, _) | (Participation::TakingPart, Qos::AtMostOnce, false) => Ok(()),
            (Participation::TakingPart, Qos::AtMostOnce, true)
            | (Participation::TakingPart, Qos::AtLeastOnce, _) => push(&mut self.outgoing_queue, message),
        }
    }

    pub(super) fn keep(&mut self, topic: String, payload: Bytes) {
        if self.closing.is_none() && is_topic(&topic) {
            // Who overwrites it is heard there.
            self.unsettled_filters.insert(topic.clone());
            self.retained.keep(topic, payload);
        }
    }

    pub(super) fn renew(&mut self, topic: &str) {
        self.retained.renew(topic);
    }

    pub(super) fn forget(&mut self, topic: &str) {
        self.retained.forget(topic);
        self.unsettled_filters.insert(topic.to_owned());
    }

    pub(super) fn forget_all(&mut self) {
        self.unsettled_filters.extend(self.retained.clear());
    }

    pub(super) fn release(&mut self, topic: &str) {
        self.retained.release(topic);
        self.unsettled_filters.insert(topic.to_owned());
    }

    /// How this filter is to be subscribed: as the program wishes, or to hear who overwrites a level.
    fn wanted(&self, filter: &str) -> Option<SubscribeOptions> {
        let asked = self.filters.get(filter).copied();
        asked.or_else(|| {
            let guarded = self.presence == Participation::TakingPart && self.retained.stands(filter);
            guarded.then_some(SubscribeOptions::GUARD)
        })
    }

    /// Whether the program itself wants to hear what comes on this topic.
    pub(super) fn is_asked_for(&self, topic: &str) -> bool {
        !self.retained.topics().any(|level| level == topic)
            || self.filters.keys().any(|filter| rumqttc::matches(topic, filter))
    }

    /// A message has come on this topic. Returns whether a level of ours is published again because of it.
    pub(super) fn heard(&mut self, topic: &str, payload: &[u8], now: Instant) -> bool {
        self.presence == Participation::TakingPart && self.retained.heard(topic, payload, now)
    }

    /// When [`DesiredState::restore`] has something to do.
    pub(super) fn restore_at(&self) -> Option<Instant> {
        self.retained.restore_at()
    }

    /// Publishes again what was overwritten a while ago; which topics.
    pub(super) fn restore(&mut self, now: Instant) -> Vec<String> {
        self.retained.restore(now)
    }

    pub(super) fn subscribe(&mut self, filter: String, options: SubscribeOptions) {
        self.unsettled_filters.insert(filter.clone());
        self.filters.insert(filter, options);
    }

    pub(super) fn unsubscribe(&mut self, filter: &str) {
        if self.filters.remove(filter).is_some() {
            self.unsettled_filters.insert(filter.to_owned());
        }
    }

    pub(super) fn be(&mut self, presence: Participation) {
        if presence == Participation::Watching {
            self.outgoing_queue.clear();
        }
        self.presence = presence;
    }

    pub(super) fn close(&mut self, last: Vec<Publish>, deadline: Instant) {
        if self.closing.is_some() {
            return;
        }
        self.closing = Some(deadline);
        if self.presence == Participation::TakingPart {
            // Behind a long queue they would come too late.
            let late = self.outgoing_queue.waiting() > FEW;
            for message in last {
                self.retained.forget(&message.topic);
                if late {
                    self.outgoing_queue.push_first(message);
                } else {
                    self.outgoing_queue.push_unbounded(message);
                }
            }
        }
    }

    pub(super) fn presence(&self) -> Participation {
        self.presence
    }

    pub(super) fn granted(&self) -> &Granted {
        &self.granted
    }

    /// The moment when closing must be over, once it was asked for.
    pub(super) fn closing(&self) -> Option<Instant> {
        self.closing
    }

    /// A connection begins: everything is to be subscribed, and every level to be published again.
    pub(super) fn begin(&mut self, session_present: bool, granted: Granted) {
        self.granted = granted;
        if session_present {
            // What was dropped while there was no connection is still subscribed there.
            let (kept, dropped): (Vec<String>, Vec<String>) =
                self.subscribed.keys().cloned().partition(|filter| self.wanted(filter).is_some());
            self.unsettled_filters.extend(dropped);
            kept.iter().for_each(|filter| {
                self.subscribed.remove(filter);
            });
        } else {
            self.subscribed.clear();
        }
        self.unsettled_filters.extend(self.filters.keys().chain(self.retained.topics()).cloned());
        self.retained.begin();
        self.connected = true;
    }

    /// The connection is gone: what was under way will be sent again, in its order.
    pub(super) fn lost(&mut self) {
        self.connected = false;
        for topic in self.outgoing_queue.lost() {
            tracing::warn!("gave up a message to {topic}: the connection ended each time it was sent");
        }
    }

    /// The next filters to change: one packet's worth.
    pub(super) fn next_filters(&mut self, limit: usize) -> Option<FilterChange> {
        let mut subscribe = Vec::new();
        while subscribe.len() < limit {
            let Some(filter) = self.unsettled_filters.pop_first() else { break };
            match (self.wanted(&filter), self.subscribed.get(&filter).copied()) {
                (wanted, present) if wanted == present => {}
                (Some(wanted), _) => {
                    self.subscribed.insert(filter.clone(), wanted);
                    subscribe.push((filter, wanted));
                }
                (None, _) if subscribe.is_empty() => {
                    self.subscribed.remove(&filter);
                    return Some(FilterChange::Unsubscribe(filter));
                }
                (None, _) => {
                    self.unsettled_filters.insert(filter);
                    break;
                }
            }
        }
        (!subscribe.is_empty()).then_some(FilterChange::Subscribe(subscribe))
    }

    /// The next thing to publish: levels first, then messages in their order.
    pub(super) fn next_publish(&mut self) -> Option<Outgoing> {
        match self.presence {
            Participation::Watching => None,
            Participation::TakingPart => self.retained.next().or_else(|| self.outgoing_queue.next()),
        }
    }

    /// The broker has it.
    pub(super) fn settled(&mut self, flight: &PacketContent) {
        match flight {
            PacketContent::Level(topic, version) => {
                if self.retained.settled(topic, *version) {
                    self.unsettled_filters.insert(topic.clone());
                }
            }
            PacketContent::Message(id) => {
                self.outgoing_queue.settled(*id);
            }
        }
    }

    /// The topic of something under way.
    pub(super) fn topic(&self, flight: &PacketContent) -> Option<String> {
        match flight {
            PacketContent::Level(topic, _) => Some(topic.clone()),
            PacketContent::Message(id) => self.outgoing_queue.topic(*id),
        }
    }

    /// Nothing waits and nothing is under way.
    pub(super) fn is_settled(&self) -> bool {
        match self.presence {
            Participation::Watching => true,
            Participation::TakingPart => self.retained.is_settled() && self.outgoing_queue.is_empty(),
        }
    }
}

/// Whether MQTT allows publishing there.
fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= MAX_STRING && !topic.contains(['+', '#', '\0'])
}

/// A retained topic as the message that publishes it.
fn level_message(topic: &str, payload: &Bytes) -> Publish {
    Publish { retain: Retain::Yes, ..Publish::new(topic, payload.clone()) }
}

#[cfg(test)]
mod tests;
