//! The attempts of recovery of a stay: how many were made, and when they start from one again.

use std::time::Duration;

/// Pauses before the attempts of recovery; as many as there are attempts.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// What becomes of the count when the stay is live again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AttemptCount {
    /// The next failure is the first.
    Restarts,
    /// It goes on until a far side that was silent is heard for a while: one that connects and is silent again ends the stay.
    GoesOn,
}

/// The attempts made since the stay was last well.
#[derive(Debug)]
pub(super) struct Attempts {
    made: u32,
    count: AttemptCount,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { made: 0, count: AttemptCount::Restarts }
    }

    /// The number of the present attempt, from 1; 0 before any.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// Begins the next attempt after an interruption of the path: the first without a pause.
    pub(super) fn next_on_path(&mut self) -> Option<Duration> {
        let pause = self.next()?;
        Some(if self.made == 1 { Duration::ZERO } else { pause })
    }

    /// Begins the next attempt; returns the pause before it, or `None` after the last.
    pub(super) fn next(&mut self) -> Option<Duration> {
        let pause = usize::try_from(self.made).ok().and_then(|made| PAUSES.get(made)).copied()?;
        self.made += 1;
        Some(pause)
    }

    /// Waiting for somebody to signal to is no attempt of its own.
    pub(super) fn wait(&mut self) {
        self.made = self.made.max(1);
    }

    /// The stay is live again.
    pub(super) fn went_live(&mut self) {
        if self.count == AttemptCount::Restarts {
            self.made = 0;
        }
    }

    /// The far side was silent for too long.
    pub(super) fn path_silent(&mut self) {
        self.count = AttemptCount::GoesOn;
    }

    /// Whether the far side has to be heard for a while yet.
    pub(super) fn are_on_probation(&self) -> bool {
        self.count == AttemptCount::GoesOn
    }

    /// The far side was heard for long enough.
    pub(super) fn path_steady(&mut self) {
        *self = Self::new();
    }
}
