//! Whether packets of a connected peer still leave from the address that its far side knows.
//!
//! Invariant: the kernel is asked at most each [`EVERY`], however often addresses change.

use std::time::{Duration, Instant};

use crate::media::publisher::selected_pair::SelectedPair;
use crate::network::{LocalRoute, RouteState};

/// Between two questions to the kernel: half of what a new offer may wait.
const EVERY: Duration = Duration::from_millis(250);

/// The way of one peer.
#[derive(Debug)]
pub struct RouteWatch {
    pair: Option<SelectedPair>,
    route: Option<LocalRoute>,
    look: Instant,
    state: RouteState,
}

impl RouteWatch {
    pub fn new(now: Instant) -> Self {
        Self { pair: None, route: None, look: now + EVERY, state: RouteState::Kept }
    }

    /// This pair carries.
    pub fn follow(&mut self, pair: SelectedPair) {
        if self.pair.replace(pair) != Some(pair) {
            self.route = LocalRoute::between(pair.local, pair.remote, pair.seen).ok();
        }
    }

    /// What became of the way; an unknown one is taken as kept.
    pub fn look(&mut self, now: Instant) -> RouteState {
        if now >= self.look {
            self.look = now + EVERY;
            self.state = self.route.map_or(RouteState::Kept, |route| route.state());
        }
        self.state
    }
}
