//! One device of the publisher: opened when it is wanted, closed when not, looked for when it is lost.
//!
//! ```text
//! closed ── wanted ─► opening ── first buffer ─► delivering ── error, or 2 s of nothing ─► lost
//!    ▲                  │ error, or 5 s of nothing                    or unplugged         │
//!    │                  └──────────────────────► lost ◄──────── as `search` says ───────────┤
//!    └── not wanted (from every state: cut off at once, then closed by the device's own thread)
//! ```
//! A device that has delivered is looked for by its stable id until the stay ends or another is chosen, at whatever node it comes
//! back. Each change is reported once, and so is another cause of a loss.
//!
//! Invariant: opening and closing happen one after the other on the device's own thread, so a device is never opened before it is
//! closed; what comes back for an older generation is closed again.

mod news;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::bridge::{Bridge, Kind, Turn};
use super::events::Event;
use super::opener::{Job, Wanted, work};
use super::profile::{Capture, Memory, Takes};
use super::search::{Pause, Search};
use super::source::Source;
use super::stats::Meter;
use super::voice::Care;
use super::{Explain, Locate, Settings, TurnMixer};
use crate::media::worker::Worker;
use crate::model::capture::Drawing;
use crate::model::media::{Mirror, Quality};
use crate::model::message::DeviceKind;
use crate::model::volume::Loudness;
use crate::model::{Code, Volume};

/// How long an open device may take to deliver.
const FIRST: Duration = Duration::from_secs(5);
/// A device that gives nothing for so long is gone.
const STALL: Duration = Duration::from_secs(2);
/// Jobs that may wait for a device's thread; a driver that hangs through so many is not asked more.
const JOBS: usize = 8;

#[derive(Debug)]
enum State {
    Closed,
    Opening { since: Instant },
    Open { source: Box<Source>, since: Instant, delivers: Delivers },
    Lost { pause: Pause },
}

/// Whether an open device has delivered, and when it was last seen to.
#[derive(Debug, Clone, Copy)]
enum Delivers {
    NotYet,
    Yes { count: u64, at: Instant, since: Instant },
}

/// What is played of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Playing {
    /// What is in it.
    File,
    /// Silence: there is no sound in it.
    Silence,
}

/// Whether a file that has ended begins again at the next tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Ahead,
    Reached,
}

/// What was last reported of the device in this stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Delivers,
    Lost(Code),
}

/// What decides how a device is opened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wish {
    pub(super) choice: String,
    /// The size that is wanted.
    pub(super) quality: Quality,
    pub(super) caps: gst::Caps,
    pub(super) mirror: Mirror,
    /// Whether its pictures must be pixels.
    pub(super) drawing: Drawing,
    pub(super) volume: Loudness,
}

/// One device.
pub(super) struct Device {
    kind: DeviceKind,
    captures: Arc<[Capture]>,
    file: Option<String>,
    profile: String,
    locate: Locate,
    explain: Explain,
    mixer: TurnMixer,
    /// What is done to what a microphone hears.
    pub(super) care: Care,
    pub(super) bridge: Arc<Bridge>,
    worker: Worker<Job>,
    wish: Wish,
    epoch: Option<u64>,
    state: State,
    told: Told,
    playing: Playing,
    end: End,
    generation: u64,
    /// Which of the ways to open it is tried, and how many there are.
    candidate: usize,
    ways: usize,
    search: Search,
    /// The one that has delivered.
    known: Option<String>,
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
            explain: Arc::clone(&settings.explain),
            mixer: Arc::clone(&settings.mixer),
            // Only what a real microphone hears is a voice in a room.
            care: match kind {
                DeviceKind::Microphone if profile.chooses(kind) => {
                    Care::new(settings.voice, &settings.speaker)
                }
                DeviceKind::Camera | DeviceKind::Microphone => Care::none(),
            },
            bridge,
            worker,
            wish,
            epoch: None,
            state: State::Closed,
            told: Told::Nothing,
            playing: Playing::File,
            end: End::Ahead,
            generation: 0,
            candidate: 0,
            search: Search::default(),
            known: None,
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
        // The file may be another by now.
        self.playing = Playing::File;
        self.candidate = 0;
        self.search = Search::default();
        self.known = None;
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
        if before.choice != self.wish.choice {
            self.known = None;
        }
        let is_as_it_is =
            |capture: &Capture| capture.takes == Some(Takes::Untouched) || capture.shares == Memory::Camera;
        let as_it_is = self.captures.iter().any(is_as_it_is);
        if before.choice != self.wish.choice
            || before.caps != self.wish.caps
            || as_it_is && before.drawing != self.wish.drawing
        {
            if self.epoch.is_some() {
                self.reopen(now);
            }
        } else {
            self.follow_wish();
        }
    }

    /// Mirror and volume of an open device, as they are wanted now.
    fn follow_wish(&mut self) {
        let State::Open { source, .. } = &mut self.state else { return };
        let (wanted, generation, worker) = (self.wish.volume, self.generation, &self.worker);
        source.set_mirror(self.wish.mirror);
        source.follow_volume(wanted, |card| {
            let given = worker.give(Job::Turn { generation, card, wanted });
            given.map_err(|_| "its driver hangs".to_owned())
        });
    }

    /// Closes it and opens it again.
    pub(super) fn reopen(&mut self, now: Instant) {
        self.close();
        self.candidate = 0;
        self.open(now);
    }

    /// Its memory is shared no more, as long as the program runs.
    pub(super) fn stop_sharing(&mut self, now: Instant) {
        let copied = self.captures.iter().filter(|capture| capture.shares == Memory::Own);
        self.captures = copied.cloned().collect();
        if self.epoch.is_some() {
            self.reopen(now);
        }
    }

    fn open(&mut self, now: Instant) {
        self.generation += 1;
        self.bridge.give_turn(Turn::Device(self.generation));
        self.end = End::Ahead;
        self.state = State::Opening { since: now };
        if self.worker.give(Job::Open(Box::new(self.wanted()))).is_err() {
            tracing::error!("the driver of the {} hangs: it is not opened", self.kind);
            self.state = State::Lost { pause: self.search.lost(now, None) };
        } else {
            self.opening += 1;
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            device: self.kind,
            generation: self.generation,
            captures: Arc::clone(&self.captures),
            candidate: self.candidate,
            wish: Wish { choice: self.sought(), ..self.wish.clone() },
            file: self.file.clone(),
            playing: self.playing,
            profile: self.profile.clone(),
            locate: Arc::clone(&self.locate),
            explain: Arc::clone(&self.explain),
            mixer: Arc::clone(&self.mixer),
            care: self.care.clone(),
        }
    }

    /// Looks what volume the card stands at that is left as it is, and opens nothing.
    pub(super) fn look(&self) {
        let is_left = self.kind == DeviceKind::Microphone && self.wish.volume == Loudness::AsItIs;
        // One whose driver hangs says nothing.
        if is_left && let State::Closed = self.state {
            self.worker.give(Job::Look(Box::new(self.wanted()))).map(|_| ()).unwrap_or_default();
        }
    }

    /// The volume of an open device's card, where it is left as it is.
    pub(super) fn own_volume(&self) -> Option<Volume> {
        match &self.state {
            State::Open { source, .. } => source.knob.own(),
            State::Closed | State::Opening { .. } | State::Lost { .. } => None,
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

    /// Which device is opened: the one that has delivered, where its id names it at any node.
    fn sought(&self) -> String {
        let stable = self.known.as_ref().filter(|id| !id.starts_with('/'));
        stable.unwrap_or(&self.wish.choice).clone()
    }

    /// Whether nothing of it is open, or being opened or closed.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed) && self.opening == 0 && self.closing == 0
    }

    /// Whether the device's own buffers are crossing.
    pub(super) fn delivers(&self) -> bool {
        matches!(self.state, State::Open { delivers: Delivers::Yes { .. }, .. })
    }

    /// What it delivers, or will.
    pub(super) fn kind(&self) -> Kind {
        match &self.state {
            State::Open { source, .. } => source.kind,
            State::Closed | State::Opening { .. } | State::Lost { .. } => Kind::Raw,
        }
    }

    /// The size in which an open camera's pictures are sent.
    pub(super) fn sent(&self) -> Option<Quality> {
        match &self.state {
            State::Open { source, .. } => Some(source.sent),
            State::Closed | State::Opening { .. } | State::Lost { .. } => None,
        }
    }

    /// Everything is closed, and its thread has ended.
    pub(super) fn finish(mut self) {
        self.close();
        self.bridge.lead_to(None);
        self.worker.finish();
    }
}
