//! Messages on their way to the broker: a queue, and those sent but not acknowledged.
//!
//! Invariant: at most [`MAX_QUEUED`] messages and [`MAX_QUEUED_BYTES`] bytes (but for the few last words of
//! [`Outbox::push_unbounded`]), in the order they were given, over any number of connections.

use std::collections::VecDeque;

use super::super::{MAX_QUEUED, MAX_QUEUED_BYTES, Publish, Qos, Unsent};
use super::{Flight, Outgoing};

/// A message that the broker answers by ending the connection would be sent again for ever, and nothing else with it.
/// After this many connections it is given up.
const MAX_ATTEMPTS: u8 = 8;

#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Entry>,
    under_way: VecDeque<Entry>,
    bytes: usize,
    last_id: u64,
}

struct Entry {
    id: u64,
    attempts: u8,
    message: Publish,
}

impl Outbox {
    pub(super) fn push(&mut self, message: Publish) -> Result<(), Unsent> {
        let messages = self.waiting.len() + self.under_way.len();
        if messages >= MAX_QUEUED || self.bytes + message.weight() > MAX_QUEUED_BYTES {
            return Err(Unsent::QueueFull { messages, bytes: self.bytes });
        }
        self.push_unbounded(message);
        Ok(())
    }

    /// For the last words of a program, which must not be lost to a full queue.
    pub(super) fn push_unbounded(&mut self, message: Publish) {
        self.last_id += 1;
        self.bytes += message.weight();
        self.waiting.push_back(Entry { id: self.last_id, attempts: 0, message });
    }

    pub(super) fn next(&mut self) -> Option<Outgoing> {
        let mut entry = self.waiting.pop_front()?;
        match entry.message.qos {
            Qos::AtMostOnce => {
                self.bytes -= entry.message.weight();
                Some(Outgoing::Unacknowledged(entry.message))
            }
            Qos::AtLeastOnce => {
                entry.attempts += 1;
                let outgoing = Outgoing::Acknowledged(Flight::Message(entry.id), entry.message.clone());
                self.under_way.push_back(entry);
                Some(outgoing)
            }
        }
    }

    pub(super) fn settled(&mut self, id: u64) {
        if let Some(index) = self.under_way.iter().position(|entry| entry.id == id)
            && let Some(entry) = self.under_way.remove(index)
        {
            self.bytes -= entry.message.weight();
        }
    }

    pub(super) fn topic(&self, id: u64) -> Option<String> {
        self.under_way.iter().find(|entry| entry.id == id).map(|entry| entry.message.topic.clone())
    }

    /// Puts what was under way back in front; returns the topics of what is given up.
    pub(super) fn lost(&mut self) -> Vec<String> {
        self.waiting.retain(|entry| match entry.message.qos {
            Qos::AtLeastOnce => true,
            Qos::AtMostOnce => {
                self.bytes -= entry.message.weight();
                false
            }
        });
        let mut given_up = Vec::new();
        while let Some(entry) = self.under_way.pop_back() {
            if entry.attempts >= MAX_ATTEMPTS {
                self.bytes -= entry.message.weight();
                given_up.push(entry.message.topic);
            } else {
                self.waiting.push_front(entry);
            }
        }
        given_up
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.under_way.clear();
        self.bytes = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }
}
