//! What the peers of the stage have reserved, by their numbers; a number is free again when nothing is left of its peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::budget::{Budget, Reservation};
use crate::limits::Limits;
use crate::model::Code;
use crate::model::media::Fault;

/// A room has 32 seats; guests whose seat changes may overlap.
const MOST_PEERS: usize = 64;

/// As many as may be configured (`host.watching`), and some whose end overlaps with others' beginning.
const MOST_VIEWERS: usize = 1024 + 64;

/// The reservations of peers, of viewers, and of those that are being stopped.
#[derive(Debug)]
pub struct Reservations {
    budget: Budget,
    peers: BTreeMap<u64, Arc<Reservation>>,
    viewers: BTreeMap<u64, Reservation>,
}

impl Reservations {
    /// Nobody has anything yet; counts what the process has now.
    pub fn new() -> Self {
        Self { budget: Budget::new(Limits::read()), peers: BTreeMap::new(), viewers: BTreeMap::new() }
    }

    /// What the peer of this number needs. It is asked for ahead: what runs out while a peer begins takes all others with it.
    ///
    /// # Errors
    /// `room_full`, with what is short.
    pub fn take(&mut self, peer: u64) -> Result<Arc<Reservation>, Fault> {
        let full = |why: String| Fault::new("stage", Code::RoomFull, why);
        if self.peers.len() >= MOST_PEERS {
            return Err(full("the stage takes no more peers".to_owned()));
        }
        let now = Limits::read();
        if self.peers.is_empty() && self.viewers.is_empty() {
            // What was loaded meanwhile is no peer's.
            self.budget = Budget::new(now);
        }
        let reservation = self.budget.reserve(&now).map_err(|short| full(short.to_string()))?;
        let reservation = Arc::new(reservation);
        self.peers.insert(peer, Arc::clone(&reservation));
        Ok(reservation)
    }

    /// What the viewer of this number needs, as for a peer.
    ///
    /// # Errors
    /// `too_many_sessions`, with what is short.
    pub fn take_for_viewer(&mut self, viewer: u64) -> Result<(), Fault> {
        let full = |why: String| Fault::new("stage", Code::TooManySessions, why);
        if self.viewers.len() >= MOST_VIEWERS {
            return Err(full("the stage takes no more viewers".to_owned()));
        }
        let reserved = self.budget.reserve_for_viewer(&Limits::read());
        self.viewers.insert(viewer, reserved.map_err(|short| full(short.to_string()))?);
        Ok(())
    }

    /// Nothing is left of this peer or viewer.
    pub fn release(&mut self, peer: u64) {
        self.peers.remove(&peer);
        self.viewers.remove(&peer);
    }
}
