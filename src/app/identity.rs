//! Which of two machines with one user id may speak.
//!
//! ```text
//! judging ── nobody else is online ─► speaking ── a smaller hash shows itself ─► standing by
//!    │  ▲                                                                            │
//!    │  └───────────────────────────── the other went offline ◄──────────────────────┤
//!    └─────────── another machine is online ────────────────────────────────────────►┘
//! ```
//! Pure: told what the own `status` and `info` topics say, it says what to do. Invariant: nothing is published and no command
//! is heard unless it is speaking.

use std::time::{Duration, Instant};

/// How long the broker may take, after both topics are subscribed, to send what it has stored of them.
const STORED: Duration = Duration::from_millis(250);

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IdentityDecision {
    /// Nothing.
    Go,
    /// Begin to speak: hear commands, then say `online`.
    Speak,
    /// Be silent: this machine has the name.
    StandBy(String),
    /// The other is gone: connect as one who speaks, and judge again.
    Return,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum IdentityState {
    Judging { status: Option<Online>, machine: Option<String>, until: Option<Instant>, subscribed: u8 },
    Speaking,
    StandingBy,
}

/// What a `status` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Online {
    Yes,
    No,
}

/// The judge.
#[derive(Debug)]
pub(super) struct IdentityGuard {
    machine: String,
    state: IdentityState,
}

const JUDGING: IdentityState =
    IdentityState::Judging { status: None, machine: None, until: None, subscribed: 0 };

impl IdentityGuard {
    /// For the machine of this hash.
    pub(super) fn new(machine: String) -> Self {
        Self { machine, state: JUDGING }
    }

    pub(super) fn is_speaking(&self) -> bool {
        self.state == IdentityState::Speaking
    }

    /// Connected: what is stored has to be seen before a first word.
    pub(super) fn connected(&mut self) {
        if let IdentityState::Judging { .. } = self.state {
            self.state = JUDGING;
        }
    }

    /// One of the two topics is subscribed.
    pub(super) fn subscribed(&mut self, now: Instant) {
        if let IdentityState::Judging { until, subscribed, .. } = &mut self.state {
            *subscribed += 1;
            if *subscribed >= 2 && until.is_none() {
                *until = Some(now + STORED);
            }
        }
    }

    /// The own `status` was heard.
    pub(super) fn status(&mut self, said: Online) -> IdentityDecision {
        match (&mut self.state, said) {
            (IdentityState::Judging { status, .. }, _) => {
                *status = Some(said);
                self.judge()
            }
            (IdentityState::StandingBy, Online::No) => {
                self.state = JUDGING;
                IdentityDecision::Return
            }
            // Overwritten, it is published again by the connection.
            (IdentityState::Speaking, Online::Yes | Online::No)
            | (IdentityState::StandingBy, Online::Yes) => IdentityDecision::Go,
        }
    }

    /// The own `info` was heard, of this machine or of another.
    pub(super) fn info(&mut self, of: Option<String>) -> IdentityDecision {
        match &mut self.state {
            IdentityState::Judging { machine, .. } => {
                *machine = Some(of.unwrap_or_default());
                self.judge()
            }
            IdentityState::Speaking => match of.filter(|of| *of != self.machine) {
                None => IdentityDecision::Go,
                Some(of) if of < self.machine => {
                    self.state = IdentityState::StandingBy;
                    IdentityDecision::StandBy(of)
                }
                Some(_) => IdentityDecision::Go,
            },
            IdentityState::StandingBy => IdentityDecision::Go,
        }
    }

    /// When [`IdentityGuard::timeout`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            IdentityState::Judging { until, .. } => *until,
            IdentityState::Speaking | IdentityState::StandingBy => None,
        }
    }

    /// Nothing more is stored.
    pub(super) fn timeout(&mut self, now: Instant) -> IdentityDecision {
        match self.deadline() {
            Some(until) if until <= now => self.speak(),
            Some(_) | None => IdentityDecision::Go,
        }
    }

    fn judge(&mut self) -> IdentityDecision {
        let IdentityState::Judging { status, machine, .. } = &self.state else { return IdentityDecision::Go };
        match (status, machine) {
            (Some(Online::No), _) => self.speak(),
            (Some(Online::Yes), Some(machine)) if *machine == self.machine || machine.is_empty() => {
                self.speak()
            }
            (Some(Online::Yes), Some(machine)) => {
                let decision = IdentityDecision::StandBy(machine.clone());
                self.state = IdentityState::StandingBy;
                decision
            }
            (Some(Online::Yes), None) | (None, _) => IdentityDecision::Go,
        }
    }

    fn speak(&mut self) -> IdentityDecision {
        self.state = IdentityState::Speaking;
        IdentityDecision::Speak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge() -> (IdentityGuard, Instant) {
        let mut identity = IdentityGuard::new("55".into());
        let now = Instant::now();
        identity.connected();
        identity.subscribed(now);
        identity.subscribed(now);
        (identity, now)
    }

    #[test]
    fn a_new_name_speaks_after_the_stored_messages_could_have_come() {
        let (mut identity, now) = judge();
        assert_eq!(identity.timeout(now), IdentityDecision::Go);
        assert_eq!(identity.timeout(now + STORED), IdentityDecision::Speak);
        assert!(identity.is_speaking());
    }

    #[test]
    fn a_name_that_went_offline_or_was_ours_is_taken_at_once() {
        assert_eq!(judge().0.status(Online::No), IdentityDecision::Speak);
        let (mut ours, _) = judge();
        assert_eq!(ours.status(Online::Yes), IdentityDecision::Go);
        assert_eq!(ours.info(Some("55".into())), IdentityDecision::Speak);
    }

    #[test]
    fn another_machine_is_waited_for() {
        for of in ["44", "66"] {
            let (mut identity, now) = judge();
            identity.info(Some(of.into()));
            assert_eq!(identity.status(Online::Yes), IdentityDecision::StandBy(of.into()));
            assert_eq!(identity.deadline(), None);
            assert_eq!(identity.timeout(now + STORED * 2), IdentityDecision::Go);
            assert_eq!(identity.info(Some(of.into())), IdentityDecision::Go);
            assert_eq!(identity.status(Online::No), IdentityDecision::Return);
            assert!(!identity.is_speaking());
        }
    }

    #[test]
    fn of_two_that_speak_the_smaller_hash_stays() {
        let (mut identity, now) = judge();
        identity.timeout(now + STORED);
        assert_eq!(identity.info(Some("55".into())), IdentityDecision::Go);
        assert_eq!(identity.info(Some("66".into())), IdentityDecision::Go);
        assert_eq!(identity.info(Some("44".into())), IdentityDecision::StandBy("44".into()));
    }

    #[test]
    fn the_late_will_of_a_former_life_changes_nothing() {
        let (mut identity, now) = judge();
        identity.timeout(now + STORED);
        assert_eq!(identity.status(Online::Yes), IdentityDecision::Go);
        assert_eq!(identity.status(Online::No), IdentityDecision::Go);
        assert!(identity.is_speaking());
    }
}
