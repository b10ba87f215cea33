//! What is heard of a device: from its thread, its pipeline, the witness and the clock.

use std::time::Instant;

use super::{Delivers, Device, End, FIRST, Playing, STALL, State, Told};
use crate::media::publisher::events::SourceTold;
use crate::media::publisher::source::{Rewind, Source};
use crate::model::hotplug::{Change, Notice};
use crate::model::media::Report;
use crate::model::message::DeviceKind;
use crate::model::volume::{Loudness, Taken};
use crate::model::{Code, Refusal};

impl Device {
    /// Its thread has opened it, or not.
    pub(in crate::media::publisher) fn opened(
        &mut self,
        now: Instant,
        generation: u64,
        ways: usize,
        outcome: Result<Box<Source>, Refusal>,
    ) -> Option<Report> {
        self.opening = self.opening.saturating_sub(1);
        let expected = generation == self.generation && matches!(self.state, State::Opening { .. });
        if expected {
            self.ways = ways;
        }
        match outcome {
            Ok(source) if expected => {
                let delivers = match self.bridge.count() {
                    0 => Delivers::NotYet,
                    count => Delivers::Yes { count, at: now, since: now },
                };
                let report = matches!(delivers, Delivers::Yes { .. }).then(|| self.delivered(&source.id));
                self.state = State::Open { source, since: now, delivers };
                // It was opened as it was wanted then.
                self.follow_wish();
                report.flatten()
            }
            Ok(source) => {
                self.hand_back(source);
                None
            }
            Err(refusal) if expected => self.failed(now, refusal),
            Err(_) => None,
        }
    }

    /// Its mixer was turned to this, or not.
    pub(in crate::media::publisher) fn turned(&mut self, generation: u64, wanted: Loudness, taken: &Taken) {
        if let State::Open { source, .. } = &mut self.state
            && generation == self.generation
        {
            source.knob.turned(wanted, taken);
            self.follow_wish();
        }
    }

    pub(in crate::media::publisher) fn closed(&mut self) {
        self.closing = self.closing.saturating_sub(1);
    }

    /// Its pipeline says something.
    pub(in crate::media::publisher) fn told(
        &mut self,
        now: Instant,
        generation: u64,
        told: SourceTold,
    ) -> Option<Report> {
        if generation != self.generation {
            return None;
        }
        match told {
            SourceTold::First => {
                let State::Open { source, delivers, .. } = &mut self.state else { return None };
                *delivers = Delivers::Yes { count: self.bridge.count(), at: now, since: now };
                let id = source.id.clone();
                self.delivered(&id)
            }
            SourceTold::Ended => {
                self.end = End::Reached;
                self.begin_again(now)
            }
            SourceTold::Absent => match self.kind {
                DeviceKind::Microphone => {
                    self.playing = Playing::Silence;
                    self.reopen(now);
                    None
                }
                DeviceKind::Camera => {
                    let file = self.file.as_deref().unwrap_or("media.file");
                    let why = format!("{file}: there are no pictures in it");
                    self.failed(now, Refusal::new(self.kind.device_empty(), why))
                }
            },
            SourceTold::Broken(refusal) => self.failed(now, refusal),
        }
    }

    /// A file at its end begins again; one that was at its end before it was open, or at once, does so at the next tick.
    fn begin_again(&mut self, now: Instant) -> Option<Report> {
        let State::Open { source, .. } = &mut self.state else { return None };
        match source.rewind(now) {
            Rewind::Soon => None,
            Rewind::Done => {
                self.end = End::Ahead;
                None
            }
            Rewind::Not => {
                self.reopen(now);
                None
            }
            Rewind::Never => {
                let why = format!("{} has ended", source.id);
                self.failed(now, Refusal::new(self.kind.start_fail(), why))
            }
        }
    }

    /// The node of a device of its kind came or went.
    pub(in crate::media::publisher) fn noticed(&mut self, now: Instant, notice: &Notice) -> Option<Report> {
        match (&mut self.state, notice.change) {
            (State::Lost { pause }, Change::Came | Change::Went) => pause.heard(now),
            (State::Open { source, .. }, Change::Went) if source.node.as_ref() == Some(&notice.node) => {
                let why = format!("{} was unplugged", source.id);
                return self.failed(now, Refusal::new(self.kind.device_empty(), why));
            }
            (State::Closed, Change::Came) => self.look(),
            (State::Closed, Change::Went)
            | (State::Opening { .. } | State::Open { .. }, Change::Came | Change::Went) => {}
        }
        None
    }

    fn delivered(&mut self, id: &str) -> Option<Report> {
        let epoch = self.epoch?;
        self.known = Some(id.to_owned());
        let (device, id) = (self.kind, id.to_owned());
        let before = std::mem::replace(&mut self.told, Told::Delivers);
        match before {
            Told::Nothing => Some(Report::DeviceOpened { epoch, device, id }),
            Told::Lost(_) => Some(Report::DeviceBack { epoch, device, id }),
            Told::Delivers => None,
        }
    }

    /// It does not work as it is: by the next way, or later again.
    fn failed(&mut self, now: Instant, refusal: Refusal) -> Option<Report> {
        let epoch = self.epoch?;
        let since = match &self.state {
            State::Open { delivers: Delivers::Yes { since, .. }, .. } => Some(*since),
            State::Open { .. } | State::Closed | State::Opening { .. } | State::Lost { .. } => None,
        };
        self.close();
        // Another way of capturing does not help against these.
        let hopeless = matches!(
            refusal.code,
            Code::CameraDeviceEmpty
                | Code::CameraOccupied
                | Code::CameraNotAuthorized
                | Code::MicrophoneDeviceEmpty
                | Code::MicrophoneOccupied
                | Code::MicrophoneNotAuthorized
        );
        if since.is_none() && !hopeless && self.candidate + 1 < self.ways {
            self.candidate += 1;
            self.open(now);
            return None;
        }
        self.candidate = 0;
        self.state = State::Lost { pause: self.search.lost(now, since) };
        let device = self.kind;
        let code = match self.told {
            // The guest gives a loss this code, whatever its cause.
            Told::Delivers => device.start_fail(),
            Told::Nothing | Told::Lost(_) => refusal.code,
        };
        let before = std::mem::replace(&mut self.told, Told::Lost(code));
        match before {
            Told::Lost(last) if last == refusal.code => None,
            Told::Nothing | Told::Lost(_) => Some(Report::DeviceFailed { epoch, device, error: refusal }),
            Told::Delivers => Some(Report::DeviceLost { epoch, device, why: refusal.message }),
        }
    }

    /// Looks after it: what is stuck, and what is to be tried again.
    pub(in crate::media::publisher) fn tick(&mut self, now: Instant) -> Option<Report> {
        if self.end == End::Reached
            && let Some(report) = self.begin_again(now)
        {
            return Some(report);
        }
        let count = self.bridge.count();
        let kind = self.kind;
        let stuck = |why: &str| Refusal::new(kind.start_fail(), why);
        match &mut self.state {
            State::Closed => None,
            State::Lost { pause } if pause.is_over(now) => {
                self.open(now);
                None
            }
            State::Lost { .. } => None,
            State::Opening { since } if now.saturating_duration_since(*since) > FIRST => {
                self.failed(now, stuck("it does not open within 5 s"))
            }
            State::Opening { .. } => None,
            State::Open { since, delivers: Delivers::NotYet, .. } => {
                let late = now.saturating_duration_since(*since) > FIRST;
                if late { self.failed(now, stuck("it is open and gives nothing")) } else { None }
            }
            State::Open { source, delivers: Delivers::Yes { count: before, at, .. }, .. } => {
                if *before != count {
                    (*before, *at) = (count, now);
                } else if now.saturating_duration_since(*at) > STALL {
                    if source.is_file() {
                        self.reopen(now);
                        return None;
                    }
                    return self.failed(now, stuck("it has stopped giving anything"));
                }
                None
            }
        }
    }
}
