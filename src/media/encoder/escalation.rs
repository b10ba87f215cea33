//! What is done about an encoder that fails on a seat.
//!
//! ```text
//! no frame for 2 s while frames go in ─► force a key frame ─► rebuild the encoder ─► reopen the camera ─► the next encoder … ─► leave
//!                               it errors ───────────────────┘                                           │
//!                                             it cannot be made ─────────────────────────────────────────┘
//! ```
//! Each step has its time to help. An encoder that then delivers for a while is calm again. Each further encoder has one try.
//! What led beyond a key frame is a failure: at the third within ten minutes a part of the board is passed over for software until the
//! program is started again, and software that fails so often is passed over for the next. A stay begins with the best encoder
//! that is still trusted.
//!
//! Invariant: this only says what to do, and every escalation ends. An encoder is suspected only while the transport moves:
//! one that waits for a network that takes nothing is not to blame. Predecessor there is a transport its first frame is waited for, without
//! which nothing is offered; one that does not give it counts as one that cannot be made. Not here: doing it (`slot`).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::media::profile::Hardware;

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
/// Who delivers for so long after a step has recovered.
const CALM: Duration = Duration::from_secs(15);
/// So many failures …
const FAILURES: usize = 3;
/// … within this time are too many.
const WITHIN: Duration = Duration::from_secs(10 * 60);

/// What is wrong with an encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncoderTrouble {
    /// It gives nothing.
    Stuck,
    /// It says so itself.
    Broke(String),
    /// It cannot be made.
    Unmade(String),
}

impl EncoderTrouble {
    /// In words, of this encoder.
    pub fn of(&self, encoder: &str) -> String {
        match self {
            Self::Stuck => format!("{encoder} gives no frame"),
            Self::Broke(why) => format!("{encoder} broke: {why}"),
            Self::Unmade(why) => format!("{encoder} does not start: {why}"),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscalationStep {
    KeyFrame,
    Rebuild,
    ReopenCamera,
    /// To this candidate.
    Change(usize),
    Leave,
}

/// What is being encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureSource {
    Camera,
    Slate,
}

/// How much has gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowCounts {
    /// Frames that were handed to the encoder.
    pub fed: u64,
    /// Frames that came out.
    pub out: u64,
    /// Packets that went into the network.
    pub packets: u64,
}

/// How far up it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EscalationLevel {
    Calm,
    KeyFrame,
    Rebuilt,
    CameraReopened,
    Changed,
}

/// What is expected of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// One frame: nobody takes more yet.
    First,
    /// One after the other.
    Frames,
}

/// What was seen of the encoder at work.
#[derive(Debug)]
struct EncoderWatch {
    expected: Expected,
    last: FlowCounts,
    fed_at_last_frame: u64,
    last_frame: Instant,
    last_packet: Instant,
    patience: Duration,
}

/// The failures of encoders over the whole run of the process.
#[derive(Debug)]
pub struct EncoderEscalation {
    candidates: Vec<Hardware>,
    current: usize,
    level: EscalationLevel,
    /// When the last step was taken.
    stepped: Option<Instant>,
    failures: VecDeque<Instant>,
    /// Candidates before this one are trusted no more.
    trusted: usize,
    watch: Option<EncoderWatch>,
}

impl EncoderEscalation {
    /// These candidates, the best first.
    pub fn new(candidates: Vec<Hardware>) -> Self {
        Self {
            candidates,
            current: 0,
            level: EscalationLevel::Calm,
            stepped: None,
            failures: VecDeque::new(),
            trusted: 0,
            watch: None,
        }
    }

    /// A new stay.
    pub fn begin(&mut self) {
        self.current = self.trusted;
        self.level = EscalationLevel::Calm;
        self.stepped = None;
        self.watch = None;
    }

    /// Whether no step was taken in this stay.
    pub fn is_calm(&self) -> bool {
        self.level == EscalationLevel::Calm
    }

    /// Which candidate is in use.
    pub fn current(&self) -> usize {
        self.current
    }

    /// From now on frames must come out.
    pub fn watch(&mut self, now: Instant, counts: FlowCounts, expected: Expected) {
        self.watch = Some(EncoderWatch {
            expected,
            last: counts,
            fed_at_last_frame: counts.fed,
            last_frame: now,
            last_packet: now,
            patience: FIRST_FRAME,
        });
    }

    /// Nothing is expected: there is no encoder, or nobody to send to.
    pub fn stop_watching(&mut self) {
        self.watch = None;
    }

    /// Looks at an encoder at work.
    pub fn check(&mut self, now: Instant, counts: FlowCounts) -> Option<EncoderTrouble> {
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
            let why = || EncoderTrouble::Unmade("no first frame comes".to_owned());
            return (waited >= watch.patience && fed).then(why);
        }
        if now.saturating_duration_since(watch.last_packet) >= TRANSPORT {
            // Its time counts from when the transport moves again.
            (watch.last_frame, watch.fed_at_last_frame) = (now, counts.fed);
            return None;
        }
        (waited >= watch.patience && fed).then_some(EncoderTrouble::Stuck)
    }

    /// What to do about it.
    pub fn escalate(
        &mut self,
        now: Instant,
        trouble: &EncoderTrouble,
        camera: PictureSource,
    ) -> EscalationStep {
        if self.stepped.is_some_and(|at| now.saturating_duration_since(at) > CALM) {
            self.level = EscalationLevel::Calm;
        }
        self.stepped = Some(now);
        let step = match (trouble, self.level) {
            (EncoderTrouble::Stuck, EscalationLevel::Calm) => EscalationStep::KeyFrame,
            (EncoderTrouble::Unmade(_), _) if self.fails_too_often(now) => self.distrust(),
            (EncoderTrouble::Unmade(_), _)
            | (_, EscalationLevel::CameraReopened | EscalationLevel::Changed) => self.next(),
            (_, EscalationLevel::Calm | EscalationLevel::KeyFrame) if self.fails_too_often(now) => {
                self.distrust()
            }
            (_, EscalationLevel::Calm | EscalationLevel::KeyFrame) => EscalationStep::Rebuild,
            (_, EscalationLevel::Rebuilt) => match camera {
                PictureSource::Camera => EscalationStep::ReopenCamera,
                PictureSource::Slate => self.next(),
            },
        };
        self.take(now, step);
        step
    }

    fn take(&mut self, now: Instant, step: EscalationStep) {
        let (level, patience) = match step {
            EscalationStep::KeyFrame => (EscalationLevel::KeyFrame, KEY_FRAME_HELPS),
            EscalationStep::Rebuild => (EscalationLevel::Rebuilt, FIRST_FRAME),
            EscalationStep::ReopenCamera => (EscalationLevel::CameraReopened, STUCK),
            EscalationStep::Change(candidate) => {
                self.current = candidate;
                (EscalationLevel::Changed, FIRST_FRAME)
            }
            EscalationStep::Leave => (EscalationLevel::Changed, FIRST_FRAME),
        };
        self.level = level;
        if let Some(watch) = &mut self.watch {
            (watch.last_frame, watch.fed_at_last_frame) = (now, watch.last.fed);
            watch.patience = patience;
        }
    }

    /// FlowCounts a failure; whether there were too many of late.
    fn fails_too_often(&mut self, now: Instant) -> bool {
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|first| now.saturating_duration_since(*first) > WITHIN) {
            self.failures.pop_front();
        }
        self.failures.len() >= FAILURES
    }

    /// Past this one, until the program is started again: to software, if it is a part of the board.
    fn distrust(&mut self) -> EscalationStep {
        self.failures.clear();
        let software = |candidate: &usize| self.candidates.get(*candidate) == Some(&Hardware::No);
        let next = (self.current + 1..self.candidates.len()).find(software);
        match next {
            Some(candidate) => {
                self.trusted = candidate;
                EscalationStep::Change(candidate)
            }
            None => self.next(),
        }
    }

    fn next(&self) -> EscalationStep {
        if self.current + 1 < self.candidates.len() {
            EscalationStep::Change(self.current + 1)
        } else {
            EscalationStep::Leave
        }
    }
}

#[cfg(test)]
mod tests;
