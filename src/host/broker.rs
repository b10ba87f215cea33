//! The connection to the broker, as far as a host has to know of it.

use std::time::{Duration, Instant};

use crate::model::Presence;

/// A host that was away from the broker for longer may have missed what was said to it: the session there ends after 60 s,
/// counted from when the broker noticed.
const UNHEARD: Duration = Duration::from_secs(45);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BrokerState {
    NotYet,
    Online,
    Lost { since: Instant },
}

/// What an absence from the broker may have cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    Nothing,
    /// Messages that the broker has not kept.
    Messages,
}

impl BrokerState {
    pub(super) fn presence(self) -> Presence {
        match self {
            Self::Online => Presence::Online,
            Self::NotYet | Self::Lost { .. } => Presence::Offline,
        }
    }

    pub(super) fn online(&mut self, now: Instant) -> Missed {
        match std::mem::replace(self, Self::Online) {
            Self::Lost { since } if now.saturating_duration_since(since) >= UNHEARD => Missed::Messages,
            Self::NotYet | Self::Online | Self::Lost { .. } => Missed::Nothing,
        }
    }

    pub(super) fn offline(&mut self, now: Instant) {
        match self {
            Self::NotYet | Self::Online => *self = Self::Lost { since: now },
            Self::Lost { .. } => {}
        }
    }
}
