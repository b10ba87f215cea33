//! Pending requests of one kind: one per guest, oldest first, each with its expiry.
//!
//! Invariant: a request that expires has a timer exactly as long as it is in the queue.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::contract::Timer;
use super::effects::Effects;
use crate::model::state::Deadline;
use crate::model::{ExtraInfo, Media, RequestTimeout, UserId};

/// A pending request; `detail` is what only its kind has.
#[derive(Debug)]
pub(super) struct Pending<D> {
    pub(super) seat_index: i64,
    pub(super) media: Media,
    pub(super) extra_info: Option<ExtraInfo>,
    pub(super) expires: Deadline,
    pub(super) detail: D,
}

impl<D> Pending<D> {
    /// The time left at `now`.
    pub(super) fn left(&self, now: Instant) -> RequestTimeout {
        RequestTimeout::left(self.expires.0.map(|at| at.saturating_duration_since(now)))
    }
}

#[derive(Debug)]
pub(super) struct RequestQueue<D> {
    timer: fn(UserId) -> Timer,
    by_guest: HashMap<UserId, u64>,
    in_order: BTreeMap<u64, (UserId, Pending<D>)>,
    next: u64,
}

impl<D> RequestQueue<D> {
    /// `timer` names the expiry of a guest's request.
    pub(super) fn new(timer: fn(UserId) -> Timer) -> Self {
        Self { timer, by_guest: HashMap::new(), in_order: BTreeMap::new(), next: 0 }
    }

    /// For a guest that has no request of this kind.
    pub(super) fn push(&mut self, guest: UserId, pending: Pending<D>, effects: &mut Effects) {
        if let Some(at) = pending.expires.0 {
            effects.set_timer(at, (self.timer)(guest.clone()));
        }
        self.by_guest.insert(guest.clone(), self.next);
        self.in_order.insert(self.next, (guest, pending));
        self.next += 1;
    }

    pub(super) fn get(&self, guest: &UserId) -> Option<&Pending<D>> {
        self.by_guest.get(guest).and_then(|order| self.in_order.get(order)).map(|(_, pending)| pending)
    }

    pub(super) fn take(&mut self, guest: &UserId, effects: &mut Effects) -> Option<Pending<D>> {
        let order = self.by_guest.remove(guest)?;
        effects.cancel_timer(&(self.timer)(guest.clone()));
        self.in_order.remove(&order).map(|(_, pending)| pending)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&UserId, &Pending<D>)> {
        self.in_order.values().map(|(guest, pending)| (guest, pending))
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }
}
