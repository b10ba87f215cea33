//! Named timers, so that every wake-up can be explained.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::model::UserId;
use crate::model::media::Ticket;

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Nobody has said whether the room to be started is somebody else's.
    Start,
    /// This guest's application expires.
    Application(UserId),
    /// This guest's invitation expires.
    Invitation(UserId),
    /// This guest was gone for the whole hold.
    Hold(UserId),
    /// The stage owes this picture.
    Snapshot(Ticket),
}

/// The set of running timers.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: Instant, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn cancel(&mut self, at: Instant, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(super) fn next(&self) -> Option<(Instant, Timer)> {
        self.0.first().cloned()
    }

    pub(super) fn due(&mut self, now: Instant) -> Option<Timer> {
        if self.0.first()?.0 > now { None } else { self.0.pop_first().map(|(_, timer)| timer) }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
