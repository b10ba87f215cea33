//! Messages on their way to the broker: a queue, and those sent but not acknowledged.
//!
//! Invariant: at most [`MAX_QUEUED`] messages and [`MAX_QUEUED_BYTES`] bytes, and as much again of those that must arrive as
//! [`MAX_DUE`] and [`MAX_DUE_BYTES`] say (but for the few last words of [`OutgoingQueue::push_unbounded`]); in the order they were
//! given, over any number of connections.

use std::collections::VecDeque;

use super::super::{MAX_DUE, MAX_DUE_BYTES, MAX_QUEUED, MAX_QUEUED_BYTES, Publish, Qos, Unsent};
use super::{Outgoing, PacketContent};

/// A message that the broker answers by ending the connection would be sent again for ever, and nothing else with it.
/// After this many connections it is given up.
const MAX_ATTEMPTS: u8 = 8;

#[derive(Default)]
pub(super) struct OutgoingQueue {
    waiting: VecDeque<QueuedMessage>,
    under_way: VecDeque<QueuedMessage>,
    /// What counts against the first bound, and against the second.
    queued: Weight,
    due: Weight,
    last_id: u64,
}

#[derive(Default)]
struct Weight {
    messages: usize,
    bytes: usize,
}

impl Weight {
    fn has_room(&self, bytes: usize, most: usize, most_bytes: usize) -> Result<(), Unsent> {
        if self.messages < most && self.bytes + bytes <= most_bytes {
            return Ok(());
        }
        Err(Unsent::QueueFull { messages: self.messages, bytes: self.bytes })
    }
}

/// Which bound a message counts against.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Queued,
    Due,
}

struct QueuedMessage {
    id: u64,
    attempts: u8,
    class: Class,
    message: Publish,
}

impl OutgoingQueue {
    pub(super) fn push(&mut self, message: Publish) -> Result<(), Unsent> {
        self.queued.has_room(message.weight(), MAX_QUEUED, MAX_QUEUED_BYTES)?;
        self.add(Class::Queued, message);
        Ok(())
    }

    /// For what must not be lost to a queue that chatter has filled.
    pub(super) fn push_due(&mut self, message: Publish) -> Result<(), Unsent> {
        self.due.has_room(message.weight(), MAX_DUE, MAX_DUE_BYTES)?;
        self.add(Class::Due, message);
        Ok(())
    }

    /// For the last words of a program, which must not be lost to a full queue.
    pub(super) fn push_unbounded(&mut self, message: Publish) {
        self.add(Class::Due, message);
    }

    /// The same, in front of all that waits.
    pub(super) fn push_first(&mut self, message: Publish) {
        self.add(Class::Due, message);
        self.waiting.rotate_right(1);
    }

    fn add(&mut self, class: Class, message: Publish) {
        self.last_id += 1;
        let weight = self.weight(class);
        weight.messages += 1;
        weight.bytes += message.weight();
        self.waiting.push_back(QueuedMessage { id: self.last_id, attempts: 0, class, message });
    }

    fn weight(&mut self, class: Class) -> &mut Weight {
        match class {
            Class::Queued => &mut self.queued,
            Class::Due => &mut self.due,
        }
    }

    fn gone(&mut self, entry: &QueuedMessage) {
        let weight = self.weight(entry.class);
        weight.messages -= 1;
        weight.bytes -= entry.message.weight();
    }

    /// How many wait that were not sent yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn next(&mut self) -> Option<Outgoing> {
        let mut entry = self.waiting.pop_front()?;
        match entry.message.qos {
            Qos::AtMostOnce => {
                self.gone(&entry);
                Some(Outgoing::Unacknowledged(entry.message))
            }
            Qos::AtLeastOnce => {
                entry.attempts += 1;
                let outgoing =
                    Outgoing::Acknowledged(PacketContent::Message(entry.id), entry.message.clone());
                self.under_way.push_back(entry);
                Some(outgoing)
            }
        }
    }

    pub(super) fn settled(&mut self, id: u64) {
        if let Some(index) = self.under_way.iter().position(|entry| entry.id == id)
            && let Some(entry) = self.under_way.remove(index)
        {
            self.gone(&entry);
        }
    }

    pub(super) fn topic(&self, id: u64) -> Option<String> {
        self.under_way.iter().find(|entry| entry.id == id).map(|entry| entry.message.topic.clone())
    }

    /// Puts what was under way back in front; returns the topics of what is given up.
    pub(super) fn lost(&mut self) -> Vec<String> {
        let (kept, dropped): (VecDeque<QueuedMessage>, VecDeque<QueuedMessage>) =
            std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|entry| entry.message.qos == Qos::AtLeastOnce);
        self.waiting = kept;
        dropped.iter().for_each(|entry| self.gone(entry));
        let mut given_up = Vec::new();
        while let Some(entry) = self.under_way.pop_back() {
            if entry.attempts >= MAX_ATTEMPTS {
                self.gone(&entry);
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
        self.queued = Weight::default();
        self.due = Weight::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }
}
