//! When something happens to the connection of a stay, and what matters for it then.

use std::time::{Duration, Instant};

use super::capture::Sending;
use crate::model::Presence;

/// Whether there is somebody to signal to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Reachable,
    /// There is no broker, or no host behind it: the stay ends after this time.
    Alone {
        hold: Duration,
        broker: Presence,
    },
}

/// When something happens to a connection, and what matters for it then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub(super) now: Instant,
    pub(super) reach: Reach,
    pub(super) sending: Sending,
}
