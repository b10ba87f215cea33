//! The way out to the program: a bounded channel, and the little that waits in front of it.
//!
//! Invariant: order is kept, nothing is dropped, and what waits is bounded: while [`InboundQueue::is_clogged`] nothing more is
//! read from the broker.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::{Incoming, Qos};

/// How many QoS 1 messages the broker may send before we have acknowledged one (MQTT 5, Receive Maximum).
pub(super) const RECEIVE_MAXIMUM: u16 = 32;

/// From here on nothing is read. Larger than [`RECEIVE_MAXIMUM`]: a slow receiver alone stops the broker's messages, not
/// the signs of life in between.
const CLOGGED: usize = 2 * RECEIVE_MAXIMUM as usize;

/// The acknowledgement that a message still owes to the broker, on the present connection.
pub(super) type Owed = Option<u16>;

pub(super) struct InboundQueue {
    sender: mpsc::Sender<Incoming>,
    waiting: VecDeque<(Incoming, Owed)>,
}

impl InboundQueue {
    pub(super) fn new(sender: mpsc::Sender<Incoming>) -> Self {
        Self { sender, waiting: VecDeque::new() }
    }

    /// Puts something in line.
    pub(super) fn push(&mut self, incoming: Incoming, owed: Owed) {
        debug_assert!(
            owed.is_none() || matches!(&incoming, Incoming::Message(m) if m.qos == Qos::AtLeastOnce)
        );
        // Only the latest reason for having no connection is of interest.
        if let (Incoming::Down { .. }, Some((Incoming::Down { .. }, _))) = (&incoming, self.waiting.back()) {
            self.waiting.pop_back();
        }
        self.waiting.push_back((incoming, owed));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_clogged(&self) -> bool {
        self.waiting.len() >= CLOGGED
    }

    /// The connection that was owed acknowledgements is gone: the broker will send those messages again.
    pub(super) fn owe_nothing(&mut self) {
        for (_, owed) in &mut self.waiting {
            *owed = None;
        }
    }

    /// Hands the first in line to the program, waiting for room. Returns what is owed for it; `Err` when nobody
    /// receives any more. May be cancelled.
    pub(super) async fn deliver(&mut self) -> Result<Owed, mpsc::error::SendError<()>> {
        let permit = self.sender.reserve().await?;
        Ok(self.waiting.pop_front().and_then(|(incoming, owed)| {
            permit.send(incoming);
            owed
        }))
    }

    /// Another end of the channel, to notice when nobody receives any more.
    pub(super) fn sender(&self) -> mpsc::Sender<Incoming> {
        self.sender.clone()
    }
}
