//! What the slot is at.

use std::time::Instant;

use super::running::RunningEncoder;

/// What there is in a slot.
#[derive(Debug)]
pub enum SlotState {
    Empty,
    /// The parked encoder is the one, as soon as it has stopped.
    AwaitingParked {
        due: Instant,
    },
    Making {
        number: u64,
        due: Instant,
    },
    Running(RunningEncoder),
    /// Given up until the next start.
    Failed,
}

impl SlotState {
    /// Whether what is awaited should have come.
    pub fn is_overdue(&self, now: Instant) -> bool {
        match self {
            Self::AwaitingParked { due } | Self::Making { due, .. } => *due <= now,
            Self::Empty | Self::Running(_) | Self::Failed => false,
        }
    }

    /// The encoder, if there is one.
    pub fn running(&self) -> Option<&RunningEncoder> {
        match self {
            Self::Running(encoder) => Some(encoder),
            Self::Empty | Self::AwaitingParked { .. } | Self::Making { .. } | Self::Failed => None,
        }
    }
}
