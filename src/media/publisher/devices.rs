//! One device of the publisher: opened when it is wanted, closed when not, looked for when it is lost.
//!
//! ```text
//! closed ── wanted ─► opening ── first buffer ─► delivering ── error, or 2 s of nothing ─► lost
//!    ▲                  │ error, or 5 s of nothing                                          │
//!    │                  └──────────────────────► lost ◄───── pause 1, 2, 4, 5, 5 … s ───────┤
//!    └── not wanted (from every state: cut off at once, then closed by the device's own thread)
//! ```
//! Invariant: opening and closing happen one after the other on the device's own thread, so a device is never opened before it is
//! closed; what comes back for an older generation is closed again.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::bridge::{Bridge, Turn};
use super::events::{Event, SourceTold};
use super::opener::{Job, Wanted, work};
use super::profile::Capture;
use super::source::{Source, start_fail};
use super::stats::Meter;
use super::{Locate, Settings};
use crate::media::worker::Worker;
use crate::model::media::{Mirror, Quality, Report};
use crate::model::message::DeviceKind;
use crate::model::{Code, Refusal, Volume};

/// How long an open device may take to deliver.
const FIRST: Duration = Duration::from_secs(5);
/// A device that gives nothing for so long is gone.
const STALL: Duration = Duration::from_secs(2);
/// Pauses between attempts to open a lost device.
const PAUSES: [u64; 4] = [1, 2, 4, 5];
/// Jobs that may wait for a device's thread; a driver that hangs through so many is not asked more.
const JOBS: usize = 8;

#[derive(Debug)]
enum State {
    Closed,
    Opening { since: Instant },
    Open { source: Box<Source>, since: Instant, delivers: Delivers },
    Lost { again: Instant },
}

/// Whether an open device has delivered, and when it was last seen to.
#[derive(Debug, Clone, Copy)]
enum Delivers {
    NotYet,
    Yes { count: u64, at: Instant },
}

/// What was last reported of the device in this stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Delivers,
    Lost,
}

/// What decides how a device is opened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wish {
    pub(super) choice: String,
    /// The size that is wanted.
    pub(super) quality: Quality,
    pub(super) caps: gst::Caps,
    pub(super) mirror: Mirror,
    pub(super) volume: Volume,
}

/// One device.
pub(super) struct Device {
    kind: DeviceKind,
    captures: Arc<[Capture]>,
    file: Option<String>,
    profile: String,
    locate: Locate,
    pub(super) bridge: Arc<Bridge>,
    worker: Worker<Job>,
    wish: Wish,
    epoch: Option<u64>,
    state: State,
    told: Told,
    generation: u64,
    /// Which of the ways to open it is tried, and how many there are.
    candidate: usize,
    ways: usize,
    attempt: usize,
    /// Openings whose outcome has not come, wanted still or not.
    opening: usize,
    /// Closings that are not done.
    closing: usize,
}

impl Device {
    pub(super) fn new(
        kind: DeviceKind,
        settings: &Settings,
        wish: Wish,
        meter: Arc<Meter>,
        desk: &SyncSender<Event>,
    ) -> std::io::Result<Self> {
        let profile = &settings.profile;
        let captures = match kind {
            DeviceKind::Camera => profile.cameras.clone(),
            DeviceKind::Microphone => profile.microphones.clone(),
        };
        let bridge = Arc::new(Bridge::new());
        let name = match kind {
            DeviceKind::Camera => "camera",
            DeviceKind::Microphone => "microphone",
        };
        let (across, back) = (Arc::clone(&bridge), desk.clone());
        let worker = Worker::start(name, JOBS, move |job| work(kind, job, &across, &meter, &back))?;
        Ok(Self {
            kind,
            ways: captures.len(),
            captures: captures.into(),
            file: settings.file.as_ref().map(|file| file.to_string_lossy().into_owned()),
            profile: profile.name().to_owned(),
            locate: Arc::clone(&settings.locate),
            bridge,
            worker,
            wish,
            epoch: None,
            state: State::Closed,
            told: Told::Nothing,
            generation: 0,
            candidate: 0,
            attempt: 0,
            opening: 0,
            closing: 0,
        })
    }

    /// Wanted by this stay, or by none.
    pub(super) fn want(&mut self, now: Instant, epoch: Option<u64>) {
        if self.epoch == epoch {
            return;
        }
        self.epoch = epoch;
        self.told = Told::Nothing;
        self.candidate = 0;
        self.attempt = 0;
        match (epoch, &self.state) {
            (None, _) => self.close(),
            (Some(_), State::Closed | State::Lost { .. }) => self.open(now),
            // Another stay begins while the device is open: it is told at once what there is.
            (Some(_), State::Opening { .. } | State::Open { .. }) => self.reopen(now),
        }
    }

    /// Opens it as this says from now on, also when it is open.
    pub(super) fn wish(&mut self, now: Instant, change: impl FnOnce(&mut Wish)) {
        let before = self.wish.clone();
        change(&mut self.wish);
        if before.choice != self.wish.choice || before.caps != self.wish.caps {
            if self.epoch.is_some() {
                self.reopen(now);
            }
        } else if let State::Open { source, .. } = &self.state {
            source.set_mirror(self.wish.mirror);
            source.set_volume(self.wish.volume);
        }
    }

    fn reopen(&mut self, now: Instant) {
        self.close();
        self.candidate = 0;
        self.open(now);
    }

    fn open(&mut self, now: Instant) {
        self.generation += 1;
        self.bridge.give_turn(Turn::Device(self.generation));
        self.state = State::Opening { since: now };
        let wanted = Wanted {
            device: self.kind,
            generation: self.generation,
            captures: Arc::clone(&self.captures),
            candidate: self.candidate,
            wish: self.wish.clone(),
            file: self.file.clone(),
            profile: self.profile.clone(),
            locate: Arc::clone(&self.locate),
        };
        if self.worker.give(Job::Open(Box::new(wanted))).is_err() {
            tracing::error!(device = ?self.kind, "its driver hangs: it is not opened");
            self.lose_for_now(now);
        } else {
            self.opening += 1;
        }
    }

    /// Cut off at once; closed as soon as its thread can.
    fn close(&mut self) {
        self.generation += 1;
        self.bridge.give_turn(Turn::Filler);
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open { source, .. } => self.hand_back(source),
            State::Closed | State::Opening { .. } | State::Lost { .. } => {}
        }
    }

    fn hand_back(&mut self, source: Box<Source>) {
        self.closing += 1;
        if let Err(Job::Close(source)) = self.worker.give(Job::Close(source)) {
            // Its thread hangs: better to wait here than to leave a device open.
            source.close();
            self.closing -= 1;
        }
    }

    fn lose_for_now(&mut self, now: Instant) {
        let pause = PAUSES.get(self.attempt).or(PAUSES.last()).copied().unwrap_or(5);
        self.attempt += 1;
        self.state = State::Lost { again: now + Duration::from_secs(pause) };
    }

    /// Whether nothing of it is open, or being opened or closed.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed) && self.opening == 0 && self.closing == 0
    }

    /// Whether the device's own buffers are crossing.
    pub(super) fn delivers(&self) -> bool {
        matches!(self.state, State::Open { delivers: Delivers::Yes { .. }, .. })
    }

    /// The size in which an open camera's pictures are sent.
    pub(super) fn sent(&self) -> Option<Quality> {
        match &self.state {
            State::Open { source, .. } => Some(source.sent),
            State::Closed | State::Opening { .. } | State::Lost { .. } => None,
        }
    }

    /// Its thread has opened it, or not.
    pub(super) fn opened(
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
                    count => Delivers::Yes { count, at: now },
                };
                let report = matches!(delivers, Delivers::Yes { .. }).then(|| self.delivered(&source.id));
                self.state = State::Open { source, since: now, delivers };
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

    pub(super) fn closed(&mut self) {
        self.closing = self.closing.saturating_sub(1);
    }

    /// Its pipeline says something.
    pub(super) fn told(&mut self, now: Instant, generation: u64, told: SourceTold) -> Option<Report> {
        if generation != self.generation {
            return None;
        }
        match told {
            SourceTold::First => {
                let State::Open { source, delivers, .. } = &mut self.state else { return None };
                *delivers = Delivers::Yes { count: self.bridge.count(), at: now };
                let id = source.id.clone();
                self.delivered(&id)
            }
            SourceTold::Ended => {
                let State::Open { source, .. } = &self.state else { return None };
                if source.rewind().is_err() {
                    self.reopen(now);
                }
                None
            }
            SourceTold::Broken(refusal) => self.failed(now, refusal),
        }
    }

    fn delivered(&mut self, id: &str) -> Option<Report> {
        let epoch = self.epoch?;
        self.attempt = 0;
        let (device, id) = (self.kind, id.to_owned());
        let before = std::mem::replace(&mut self.told, Told::Delivers);
        match before {
            Told::Nothing => Some(Report::DeviceOpened { epoch, device, id }),
            Told::Lost => Some(Report::DeviceBack { epoch, device, id }),
            Told::Delivers => None,
        }
    }

    /// It does not work as it is: by the next way, or later again.
    fn failed(&mut self, now: Instant, refusal: Refusal) -> Option<Report> {
        let epoch = self.epoch?;
        let delivered = self.delivers();
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
        if !delivered && !hopeless && self.candidate + 1 < self.ways {
            self.candidate += 1;
            self.open(now);
            return None;
        }
        self.candidate = 0;
        self.lose_for_now(now);
        let device = self.kind;
        let before = std::mem::replace(&mut self.told, Told::Lost);
        match before {
            Told::Nothing => Some(Report::DeviceFailed { epoch, device, error: refusal }),
            Told::Delivers => Some(Report::DeviceLost { epoch, device, why: refusal.message }),
            Told::Lost => None,
        }
    }

    /// Looks after it: what is stuck, and what is to be tried again.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Report> {
        let count = self.bridge.count();
        let kind = self.kind;
        let stuck = |why: &str| Refusal::new(start_fail(kind), why);
        match &mut self.state {
            State::Closed => None,
            State::Lost { again } if *again <= now => {
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
            State::Open { delivers: Delivers::Yes { count: before, at }, .. } => {
                if *before != count {
                    (*before, *at) = (count, now);
                } else if now.saturating_duration_since(*at) > STALL {
                    return self.failed(now, stuck("it has stopped giving anything"));
                }
                None
            }
        }
    }

    /// Everything is closed, and its thread has ended.
    pub(super) fn finish(mut self) {
        self.close();
        self.bridge.lead_to(None);
        self.worker.finish();
    }
}
