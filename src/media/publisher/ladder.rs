//! What is done about an encoder that fails on a seat.
//!
//! ```text
//! no frame for 2 s while frames go in ─► force a key frame ─► rebuild the encoder ─► reopen the camera ─► the next encoder … ─► leave
//!                               it errors ───────────────────┘                                           │
//!                                             it cannot be made ─────────────────────────────────────────┘
//! ```
//! Each rung has its time to help; who has then delivered for a while stands on the ground again. Each further encoder has one try.
//! What led beyond a key frame is a failure: at the third within ten minutes a part of the board is passed over for software until the
//! program is started again, and software that fails so often is passed over for the next. A stay begins with the best encoder
//! that is still trusted.
//!
//! Invariant: the ladder only says what to do, and every way up it ends. An encoder is suspected only while the transport moves:
//! one that waits for a network that takes nothing is not to blame. Before there is a transport its first frame is waited for, without
//! which nothing is offered; one that does not give it counts as one that cannot be made. Not here: doing it (`recovery`).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::profile::Hardware;

/// An encoder that gives no frame for so long, while frames go in, is stuck.
const STUCK: Duration = Duration::from_secs(2);
/// A key frame that was asked for comes by then, or not at all.
const KEY_FRAME_HELPS: Duration = Duration::from_secs(1);
/// A new encoder gives its first frame by then: some load firmware first.
const FIRST_FRAME: Duration = Duration::from_secs(4);
/// So many frames went in, at least: one or two may rightly wait inside.
const FED: u64 = 3;
/// A transport that has sent nothing for so long takes nothing: sound, or its comfort noise, comes more often.
const TRANSPORT: Duration = Duration::from_secs(1);
/// Who delivers for so long after a rung has recovered.
const CALM: Duration = Duration::from_secs(15);
/// So many failures …
const FAILURES: usize = 3;
/// … within this time are too many.
const WITHIN: Duration = Duration::from_secs(10 * 60);

/// What is wrong with an encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It gives nothing.
    Stuck,
    /// It says so itself.
    Broke(String),
    /// It cannot be made.
    Unmade(String),
}

impl Trouble {
    /// In words, of this encoder.
    pub(super) fn of(&self, encoder: &str) -> String {
        match self {
            Self::Stuck => format!("{encoder} gives no frame"),
            Self::Broke(why) => format!("{encoder} broke: {why}"),
            Self::Unmade(why) => format!("{encoder} does not start: {why}"),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    KeyFrame,
    Rebuild,
    ReopenCamera,
    /// To this candidate.
    Change(usize),
    Leave,
}

/// Whether the camera is what is being encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Camera {
    Sends,
    /// A slate is.
    Not,
}

/// How much has gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Frames that were handed to the encoder.
    pub(super) fed: u64,
    /// Frames that came out.
    pub(super) out: u64,
    /// Packets that went into the network.
    pub(super) packets: u64,
}

/// How far up it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rung {
    Ground,
    KeyFrame,
    Rebuilt,
    CameraReopened,
    Changed,
}

/// What is expected of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// One frame: nobody takes more yet.
    First,
    /// One after the other.
    Frames,
}

/// What was seen of the encoder at work.
#[derive(Debug)]
struct Watch {
    expected: Expected,
    last: Counts,
    fed_at_last_frame: u64,
    last_frame: Instant,
    last_packet: Instant,
    patience: Duration,
}

/// The ladder of one process.
#[derive(Debug)]
pub(super) struct Ladder {
    candidates: Vec<Hardware>,
    current: usize,
    rung: Rung,
    /// When the last step was taken.
    stepped: Option<Instant>,
    failures: VecDeque<Instant>,
    /// Candidates before this one are trusted no more.
    trusted: usize,
    watch: Option<Watch>,
}

impl Ladder {
    /// These candidates, the best first.
    pub(super) fn new(candidates: Vec<Hardware>) -> Self {
        Self {
            candidates,
            current: 0,
            rung: Rung::Ground,
            stepped: None,
            failures: VecDeque::new(),
            trusted: 0,
            watch: None,
        }
    }

    /// A new stay.
    pub(super) fn begin(&mut self) {
        self.current = self.trusted;
        self.rung = Rung::Ground;
        self.stepped = None;
        self.watch = None;
    }

    /// Whether no step was taken in this stay.
    pub(super) fn is_on_the_ground(&self) -> bool {
        self.rung == Rung::Ground
    }

    /// Which candidate is in use.
    pub(super) fn current(&self) -> usize {
        self.current
    }

    /// From now on frames must come out.
    pub(super) fn watch(&mut self, now: Instant, counts: Counts, expected: Expected) {
        self.watch = Some(Watch {
            expected,
            last: counts,
            fed_at_last_frame: counts.fed,
            last_frame: now,
            last_packet: now,
            patience: FIRST_FRAME,
        });
    }

    /// Nothing is expected: there is no encoder, or nobody to send to.
    pub(super) fn rest(&mut self) {
        self.watch = None;
    }

    /// Looks at an encoder at work.
    pub(super) fn look(&mut self, now: Instant, counts: Counts) -> Option<Trouble> {
        let watch = self.watch.as_mut()?;
        let before = std::mem::replace(&mut watch.last, counts);
        if counts.packets != before.packets {
            watch.last_packet = now;
        }
        if counts.out != before.out {
            (watch.last_frame, watch.fed_at_last_frame, watch.patience) = (now, counts.fed, STUCK);
        }
        let waited = now.saturating_duration_since(watch.last_frame);
        let fed = counts.fed.saturating_sub(watch.fed_at_last_frame) >= FED;
        if watch.expected == Expected::First {
            if counts.out != before.out {
                self.watch = None;
                return None;
            }
            let why = || Trouble::Unmade("no first frame comes".to_owned());
            return (waited >= watch.patience && fed).then(why);
        }
        if now.saturating_duration_since(watch.last_packet) >= TRANSPORT {
            // Its time counts from when the transport moves again.
            (watch.last_frame, watch.fed_at_last_frame) = (now, counts.fed);
            return None;
        }
        (waited >= watch.patience && fed).then_some(Trouble::Stuck)
    }

    /// What to do about it.
    pub(super) fn climb(&mut self, now: Instant, trouble: &Trouble, camera: Camera) -> Step {
        if self.stepped.is_some_and(|at| now.saturating_duration_since(at) > CALM) {
            self.rung = Rung::Ground;
        }
        self.stepped = Some(now);
        let step = match (trouble, self.rung) {
            (Trouble::Stuck, Rung::Ground) => Step::KeyFrame,
            (Trouble::Unmade(_), _) if self.fails_too_often(now) => self.distrust(),
            (Trouble::Unmade(_), _) | (_, Rung::CameraReopened | Rung::Changed) => self.next(),
            (_, Rung::Ground | Rung::KeyFrame) if self.fails_too_often(now) => self.distrust(),
            (_, Rung::Ground | Rung::KeyFrame) => Step::Rebuild,
            (_, Rung::Rebuilt) => match camera {
                Camera::Sends => Step::ReopenCamera,
                Camera::Not => self.next(),
            },
        };
        self.take(now, step);
        step
    }

    fn take(&mut self, now: Instant, step: Step) {
        let (rung, patience) = match step {
            Step::KeyFrame => (Rung::KeyFrame, KEY_FRAME_HELPS),
            Step::Rebuild => (Rung::Rebuilt, FIRST_FRAME),
            Step::ReopenCamera => (Rung::CameraReopened, STUCK),
            Step::Change(candidate) => {
                self.current = candidate;
                (Rung::Changed, FIRST_FRAME)
            }
            Step::Leave => (Rung::Changed, FIRST_FRAME),
        };
        self.rung = rung;
        if let Some(watch) = &mut self.watch {
            (watch.last_frame, watch.fed_at_last_frame) = (now, watch.last.fed);
            watch.patience = patience;
        }
    }

    /// Counts a failure; whether there were too many of late.
    fn fails_too_often(&mut self, now: Instant) -> bool {
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|first| now.saturating_duration_since(*first) > WITHIN) {
            self.failures.pop_front();
        }
        self.failures.len() >= FAILURES
    }

    /// Past this one, until the program is started again: to software, if it is a part of the board.
    fn distrust(&mut self) -> Step {
        self.failures.clear();
        let software = |candidate: &usize| self.candidates.get(*candidate) == Some(&Hardware::No);
        let next = (self.current + 1..self.candidates.len()).find(software);
        match next {
            Some(candidate) => {
                self.trusted = candidate;
                Step::Change(candidate)
            }
            None => self.next(),
        }
    }

    fn next(&self) -> Step {
        if self.current + 1 < self.candidates.len() { Step::Change(self.current + 1) } else { Step::Leave }
    }
}

#[cfg(test)]
mod tests;
