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
pub(super) enum Verdict {
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
enum State {
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
pub(super) struct Presence {
    machine: String,
    state: State,
}

const JUDGING: State = State::Judging { status: None, machine: None, until: None, subscribed: 0 };

impl Presence {
    /// For the machine of this hash.
    pub(super) fn new(machine: String) -> Self {
        Self { machine, state: JUDGING }
    }

    pub(super) fn is_speaking(&self) -> bool {
        self.state == State::Speaking
    }

    /// Connected: what is stored has to be seen before a first word.
    pub(super) fn connected(&mut self) {
        if let State::Judging { .. } = self.state {
            self.state = JUDGING;
        }
    }

    /// One of the two topics is subscribed.
    pub(super) fn subscribed(&mut self, now: Instant) {
        if let State::Judging { until, subscribed, .. } = &mut self.state {
            *subscribed += 1;
            if *subscribed >= 2 && until.is_none() {
                *until = Some(now + STORED);
            }
        }
    }

    /// The own `status` was heard.
    pub(super) fn status(&mut self, said: Online) -> Verdict {
        match (&mut self.state, said) {
            (State::Judging { status, .. }, _) => {
                *status = Some(said);
                self.judge()
            }
            (State::StandingBy, Online::No) => {
                self.state = JUDGING;
                Verdict::Return
            }
            // Overwritten, it is published again by the connection.
            (State::Speaking, Online::Yes | Online::No) | (State::StandingBy, Online::Yes) => Verdict::Go,
        }
    }

    /// The own `info` was heard, of this machine or of another.
    pub(super) fn info(&mut self, of: Option<String>) -> Verdict {
        match &mut self.state {
            State::Judging { machine, .. } => {
                *machine = Some(of.unwrap_or_default());
                self.judge()
            }
            State::Speaking => match of.filter(|of| *of != self.machine) {
                None => Verdict::Go,
                Some(of) if of < self.machine => {
                    self.state = State::StandingBy;
                    Verdict::StandBy(of)
                }
                Some(_) => Verdict::Go,
            },
            State::StandingBy => Verdict::Go,
        }
    }

    /// When [`Presence::timeout`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Judging { until, .. } => *until,
            State::Speaking | State::StandingBy => None,
        }
    }

    /// Nothing more is stored.
    pub(super) fn timeout(&mut self, now: Instant) -> Verdict {
        match self.deadline() {
            Some(until) if until <= now => self.speak(),
            Some(_) | None => Verdict::Go,
        }
    }

    fn judge(&mut self) -> Verdict {
        let State::Judging { status, machine, .. } = &self.state else { return Verdict::Go };
        match (status, machine) {
            (Some(Online::No), _) => self.speak(),
            (Some(Online::Yes), Some(machine)) if *machine == self.machine || machine.is_empty() => {
                self.speak()
            }
            (Some(Online::Yes), Some(machine)) => {
                let verdict = Verdict::StandBy(machine.clone());
                self.state = State::StandingBy;
                verdict
            }
            (Some(Online::Yes), None) | (None, _) => Verdict::Go,
        }
    }

    fn speak(&mut self) -> Verdict {
        self.state = State::Speaking;
        Verdict::Speak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge() -> (Presence, Instant) {
        let mut presence = Presence::new("55".into());
        let now = Instant::now();
        presence.connected();
        presence.subscribed(now);
        presence.subscribed(now);
        (presence, now)
    }

    #[test]
    fn a_new_name_speaks_after_the_stored_messages_could_have_come() {
        let (mut presence, now) = judge();
        assert_eq!(presence.timeout(now), Verdict::Go);
        assert_eq!(presence.timeout(now + STORED), Verdict::Speak);
        assert!(presence.is_speaking());
    }

    #[test]
    fn a_name_that_went_offline_or_was_ours_is_taken_at_once() {
        assert_eq!(judge().0.status(Online::No), Verdict::Speak);
        let (mut ours, _) = judge();
        assert_eq!(ours.status(Online::Yes), Verdict::Go);
        assert_eq!(ours.info(Some("55".into())), Verdict::Speak);
    }

    #[test]
    fn another_machine_is_waited_for() {
        for of in ["44", "66"] {
            let (mut presence, now) = judge();
            presence.info(Some(of.into()));
            assert_eq!(presence.status(Online::Yes), Verdict::StandBy(of.into()));
            assert_eq!(presence.deadline(), None);
            assert_eq!(presence.timeout(now + STORED * 2), Verdict::Go);
            assert_eq!(presence.info(Some(of.into())), Verdict::Go);
            assert_eq!(presence.status(Online::No), Verdict::Return);
            assert!(!presence.is_speaking());
        }
    }

    #[test]
    fn of_two_that_speak_the_smaller_hash_stays() {
        let (mut presence, now) = judge();
        presence.timeout(now + STORED);
        assert_eq!(presence.info(Some("55".into())), Verdict::Go);
        assert_eq!(presence.info(Some("66".into())), Verdict::Go);
        assert_eq!(presence.info(Some("44".into())), Verdict::StandBy("44".into()));
    }

    #[test]
    fn the_late_will_of_a_former_life_changes_nothing() {
        let (mut presence, now) = judge();
        presence.timeout(now + STORED);
        assert_eq!(presence.status(Online::Yes), Verdict::Go);
        assert_eq!(presence.status(Online::No), Verdict::Go);
        assert!(presence.is_speaking());
    }
}
