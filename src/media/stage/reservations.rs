//! What the peers of the stage have reserved, by their numbers; a number is free again when nothing is left of its peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::budget::{Budget, Reservation};
use crate::limits::Limits;
use crate::model::Code;
use crate::model::media::Fault;

/// A room has 32 seats; guests whose seat changes may overlap.
const MOST_PEERS: usize = 64;

/// The reservations of peers, and of those that are being stopped.
#[derive(Debug)]
pub struct Reservations {
    budget: Budget,
    peers: BTreeMap<u64, Arc<Reservation>>,
}

impl Reservations {
    /// Nobody has anything yet; counts what the process has now.
    pub fn new() -> Self {
        Self { budget: Budget::new(Limits::read()), peers: BTreeMap::new() }
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
        if self.peers.is_empty() {
            // What was loaded meanwhile is no peer's.
            self.budget = Budget::new(now);
        }
        let reservation = self.budget.reserve(&now).map_err(|short| full(short.to_string()))?;
        let reservation = Arc::new(reservation);
        self.peers.insert(peer, Arc::clone(&reservation));
        Ok(reservation)
    }

    /// Nothing is left of this peer.
    pub fn release(&mut self, peer: u64) {
        self.peers.remove(&peer);
    }
}
