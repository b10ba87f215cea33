//! Whether a connection still has its way out of this machine. TCP would not say for minutes that its address is gone.
//!
//! Invariant: however often the network changes, it is looked at no more often than each [`SETTLE`].

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::network::{LocalRoute, NetworkChanges, RouteState};

/// Changes come in groups: an address goes, another comes, routes follow.
const SETTLE: Duration = Duration::from_millis(50);

/// Watches the way of one connection.
pub(super) struct RouteGuard {
    route: Option<LocalRoute>,
    changes: Option<NetworkChanges>,
    look: Option<Instant>,
}

impl RouteGuard {
    pub(super) fn new(route: Option<LocalRoute>) -> Self {
        Self { route, changes: NetworkChanges::open().ok(), look: None }
    }

    /// Returns when the way is to be looked at; may be cancelled.
    pub(super) async fn due(&mut self) {
        loop {
            if let Some(at) = self.look {
                sleep_until(at).await;
                self.look = None;
                return;
            }
            match &mut self.changes {
                Some(changes) => changes.change().await,
                None => pending().await,
            }
            self.look = Some(Instant::now() + SETTLE);
        }
    }

    /// What became of it. A way that is unknown is taken as kept: the keep-alive finds out.
    pub(super) fn state(&self) -> RouteState {
        self.route.map_or(RouteState::Kept, |route| route.state())
    }
}
