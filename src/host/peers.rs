//! The peer connections of the guests to the own stage.
//!
//! Invariant: a guest has at most one, and its name (the `session` of its signals) never comes back.

use std::collections::{BTreeMap, VecDeque};

use super::effects::Effects;
use crate::model::UserId;
use crate::model::message::{Signal, SignalBody};
use crate::model::stage::{StageAsk, StagePeer};

/// How many former peer connections of a guest are known again.
const PAST_MAX: usize = 16;

#[derive(Debug)]
struct GuestPeer {
    session: String,
    peer: u64,
    exchange: u32,
}

/// The peer connection of one guest, and the names of its former ones.
#[derive(Debug, Default)]
struct PeerHistory {
    current: Option<GuestPeer>,
    past: VecDeque<String>,
}

/// What an offer is about.
#[derive(Debug)]
pub(super) enum Offered {
    /// A peer connection that is open.
    Known(StagePeer),
    /// One that was never heard of.
    New,
    /// One that is over, or an exchange that is.
    Past,
}

#[derive(Debug, Default)]
pub(super) struct GuestPeers(BTreeMap<UserId, PeerHistory>);

impl GuestPeers {
    /// Takes note of an offer.
    pub(super) fn offered(&mut self, guest: &UserId, session: &str, exchange: u32) -> Offered {
        let Some(history) = self.0.get_mut(guest) else { return Offered::New };
        match history.current.as_mut().filter(|peer| peer.session == session) {
            Some(peer) if exchange > peer.exchange => {
                peer.exchange = exchange;
                Offered::Known(StagePeer { guest: guest.clone(), peer: peer.peer })
            }
            Some(_) => Offered::Past,
            None if history.past.iter().any(|past| past == session) => Offered::Past,
            None => Offered::New,
        }
    }

    /// In place of a former one, which is closed.
    pub(super) fn open(
        &mut self,
        guest: &UserId,
        session: String,
        exchange: u32,
        effects: &mut Effects,
    ) -> StagePeer {
        let peer = effects.peer();
        let history = self.0.entry(guest.clone()).or_default();
        history.current = Some(GuestPeer { session, peer, exchange });
        StagePeer { guest: guest.clone(), peer }
    }

    /// Ends the peer connection of a guest, if it has one.
    pub(super) fn close(&mut self, guest: &UserId, effects: &mut Effects) {
        let Some(history) = self.0.get_mut(guest) else { return };
        let Some(peer) = history.current.take() else { return };
        if history.past.len() == PAST_MAX {
            history.past.pop_front();
        }
        history.past.push_back(peer.session);
        effects.ask(StageAsk::Close { peer: StagePeer { guest: guest.clone(), peer: peer.peer } });
    }

    /// Forgets the names, too: the guest has left the room.
    pub(super) fn forget(&mut self, guest: &UserId) {
        self.0.remove(guest);
    }

    fn current(&self, guest: &UserId) -> Option<&GuestPeer> {
        self.0.get(guest)?.current.as_ref()
    }

    pub(super) fn of(&self, guest: &UserId) -> Option<StagePeer> {
        self.current(guest).map(|known| StagePeer { guest: guest.clone(), peer: known.peer })
    }

    /// Whether the guest's peer connection has that name.
    pub(super) fn is_open(&self, guest: &UserId, session: &str) -> bool {
        self.current(guest).is_some_and(|known| known.session == session)
    }

    /// The guest's peer connection, if it has that name and is in that exchange.
    pub(super) fn in_exchange(&self, guest: &UserId, session: &str, exchange: u32) -> Option<StagePeer> {
        let known = self.current(guest)?;
        let is_it = known.session == session && known.exchange == exchange;
        is_it.then(|| StagePeer { guest: guest.clone(), peer: known.peer })
    }

    /// Whether it is the guest's present one: what is reported of others comes late.
    pub(super) fn is_current(&self, peer: &StagePeer) -> bool {
        self.current(&peer.guest).is_some_and(|known| known.peer == peer.peer)
    }

    /// A signal to the guest in the present exchange of that peer connection; `None` if it is over.
    pub(super) fn signal(&self, peer: &StagePeer, body: SignalBody) -> Option<Signal> {
        let known = self.current(&peer.guest).filter(|known| known.peer == peer.peer)?;
        Some(Signal { session: known.session.clone(), exchange: known.exchange, body })
    }

    /// Closes all, guest by guest.
    pub(super) fn close_all(&mut self, effects: &mut Effects) {
        let guests: Vec<UserId> = self.0.keys().cloned().collect();
        for guest in guests {
            self.close(&guest, effects);
        }
    }
}
