//! Snapshots of seats that the stage owes, for the commands that wait for them.
//!
//! Invariant: each ticket is settled once: by the stage, by [`Timer::Snapshot`] or by the end of the live.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::contract::Timer;
use super::effects::Effects;
use crate::model::command::{Answer, Settled};
use crate::model::media::{Picture, Ticket};
use crate::model::stage::{StageAsk, StagePeer};
use crate::model::{Code, Refusal};

/// How long the stage may take for a snapshot.
const SNAPSHOT: Duration = Duration::from_secs(3);

/// Most snapshots that are waited for at once.
const SNAPSHOTS_MAX: usize = 32;

#[derive(Debug, Default)]
pub(super) struct SeatSnapshots(BTreeSet<Ticket>);

impl SeatSnapshots {
    pub(super) fn ask(&mut self, peer: StagePeer, now: Instant, effects: &mut Effects) -> Settled {
        if self.0.len() >= SNAPSHOTS_MAX {
            return Err(Refusal::new(Code::RateLimited, "too many pictures are being taken"));
        }
        let ticket = effects.ticket();
        self.0.insert(ticket);
        effects.set_timer(now + SNAPSHOT, Timer::Snapshot(ticket));
        effects.ask(StageAsk::Snapshot { peer, ticket });
        Ok(Answer::Pending(ticket))
    }

    /// Nothing if the ticket was settled already.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        picture: Result<Picture, Refusal>,
        effects: &mut Effects,
    ) {
        if self.0.remove(&ticket) {
            effects.cancel_timer(&Timer::Snapshot(ticket));
            effects.settle(ticket, picture.map(Answer::Picture));
        }
    }

    pub(super) fn refuse_all(&mut self, refusal: &Refusal, effects: &mut Effects) {
        while let Some(ticket) = self.0.pop_first() {
            effects.cancel_timer(&Timer::Snapshot(ticket));
            effects.settle(ticket, Err(refusal.clone()));
        }
    }
}
