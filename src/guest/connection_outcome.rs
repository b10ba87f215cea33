//! What something that happened to the connection of a stay means to the stay.

use crate::model::event::Event;

/// Whether the media of a seat go elsewhere than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RouteChange {
    Same,
    Elsewhere,
}

/// What something that happened to a connection means to its stay.
#[derive(Debug, PartialEq)]
#[must_use]
pub(super) enum ConnectionOutcome {
    Nothing,
    PhaseChanged,
    /// The first packet has left.
    WentLive(LiveDelay),
    /// It cannot be kept up.
    GaveUp {
        why: String,
    },
}

/// What the connection took to become live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LiveDelay {
    /// From the accept, in milliseconds: a stay has begun.
    SinceAccept(u64),
    /// From the trouble, in milliseconds: it was live before.
    SinceTrouble(u64),
}

impl LiveDelay {
    pub(super) fn event(self) -> Event {
        let (accept_to_first_packet_ms, recovered_in_ms) = match self {
            Self::SinceAccept(milliseconds) => (Some(milliseconds), None),
            Self::SinceTrouble(milliseconds) => (None, Some(milliseconds)),
        };
        Event::GuestMediaLive { accept_to_first_packet_ms, recovered_in_ms }
    }
}
