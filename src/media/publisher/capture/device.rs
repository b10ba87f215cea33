//! One device of the publisher: opened when it is wanted, closed when not, looked for when it is lost.
//!
//! ```text
//! closed ── wanted ─► opening ── first buffer ─► delivering ── error, or 2 s of nothing ─► lost
//!    ▲                  │ error, or 5 s of nothing                    or unplugged         │
//!    │                  └──────────────────────► lost ◄──────── as `search` says ───────────┤
//!    └── not wanted (from every state: cut off at once, then closed by the device's own thread)
//! ```
//! A device that has delivered is looked for by its stable id until the stay ends or another is chosen, at whatever node it comes
//! back.
//!
//! Invariant: opening and closing happen one after the other on the device's own thread, so a device is never opened before it is
//! closed; what comes back for an older generation is closed again.

use std::sync::Arc;
use std::time::Instant;

use super::event::Event;
use super::opener::{OpenContext, OpenRequest};
use super::report::{LastReport, is_hopeless};
use super::request::{CaptureRequest, FileEnd, Playing};
use super::search::Search;
use super::source::{Rewind, Source};
use super::state::{CaptureState, Delivery, Progress};
use super::stream::StreamEvent;
use super::thread::{DeviceThread, Hangs};
use crate::media::bridge::{ActiveInput, Bridge, FrameKind};
use crate::media::core::event_sender::EventSender;
use crate::media::publisher::processing::AudioProcessing;
use crate::media::publisher::send_meter::SendMeter;
use crate::media::publisher::settings::Settings;
use crate::model::hotplug::{Change, Notice};
use crate::model::media::{Quality, Report};
use crate::model::message::DeviceKind;
use crate::model::volume::Loudness;
use crate::model::{Refusal, Volume};

/// A camera or a microphone.
pub struct CaptureDevice {
    context: OpenContext,
    bridge: Arc<Bridge>,
    thread: DeviceThread,
    request: CaptureRequest,
    epoch: Option<u64>,
    state: CaptureState<Box<Source>>,
    reported: LastReport,
    playing: Playing,
    end: FileEnd,
    generation: u64,
    /// Which candidate is tried, and how many there are.
    candidate: usize,
    candidates: usize,
    search: Search,
    /// The id of the one that has delivered.
    known: Option<String>,
}

impl CaptureDevice {
    pub fn new(
        kind: DeviceKind,
        settings: &Settings,
        request: CaptureRequest,
        meter: Arc<SendMeter>,
        events: EventSender<Event>,
    ) -> std::io::Result<Self> {
        let context = OpenContext::new(kind, settings);
        let bridge = Arc::new(Bridge::new());
        let thread = DeviceThread::start(kind, Arc::clone(&bridge), meter, events)?;
        Ok(Self {
            candidates: context.captures.len(),
            context,
            bridge,
            thread,
            request,
            epoch: None,
            state: CaptureState::Closed,
            reported: LastReport::Nothing,
            playing: Playing::File,
            end: FileEnd::Ahead,
            generation: 0,
            candidate: 0,
            search: Search::default(),
            known: None,
        })
    }

    /// Where its buffers cross.
    pub fn bridge(&self) -> &Arc<Bridge> {
        &self.bridge
    }

    /// How what a microphone hears is processed.
    pub fn processing(&self) -> &AudioProcessing {
        &self.context.processing
    }

    /// Opens it for this stay; `None` closes it.
    pub fn want(&mut self, now: Instant, epoch: Option<u64>) {
        if self.epoch == epoch {
            return;
        }
        self.epoch = epoch;
        self.reported = LastReport::Nothing;
        // The file may be another by now.
        self.playing = Playing::File;
        self.candidate = 0;
        self.search = Search::default();
        self.known = None;
        match (epoch, &self.state) {
            (None, _) => self.close(),
            (Some(_), CaptureState::Closed | CaptureState::Lost { .. }) => self.open(now),
            // Another stay begins while the device is open: it is told at once what there is.
            (Some(_), CaptureState::Opening { .. } | CaptureState::Open { .. }) => self.reopen(now),
        }
    }

    /// Opens it as this says from now on, also when it is open.
    pub fn change(&mut self, now: Instant, change: impl FnOnce(&mut CaptureRequest)) {
        let before = self.request.clone();
        change(&mut self.request);
        if before.choice != self.request.choice {
            self.known = None;
        }
        if before.choice != self.request.choice
            || before.caps != self.request.caps
            || self.context.passes_pictures_on() && before.drawing != self.request.drawing
        {
            if self.epoch.is_some() {
                self.reopen(now);
            }
        } else {
            self.apply_request();
        }
    }

    /// Mirror and volume of an open device, as they are wanted now.
    fn apply_request(&mut self) {
        let CaptureState::Open { source, .. } = &mut self.state else { return };
        let (wanted, generation, thread) = (self.request.volume, self.generation, &self.thread);
        source.set_mirror(self.request.mirror);
        source.follow_volume(wanted, |card| {
            let given = thread.apply_volume(generation, card, wanted);
            given.map_err(|Hangs| "its driver hangs".to_owned())
        });
    }

    /// Closes it and opens it again.
    pub fn reopen(&mut self, now: Instant) {
        self.close();
        self.candidate = 0;
        self.open(now);
    }

    /// Never shares its memory again while the program runs.
    pub fn stop_sharing(&mut self, now: Instant) {
        self.context.stop_sharing();
        if self.epoch.is_some() {
            self.reopen(now);
        }
    }

    fn open(&mut self, now: Instant) {
        self.generation += 1;
        self.bridge.select(ActiveInput::Device(self.generation));
        self.end = FileEnd::Ahead;
        self.state = CaptureState::Opening { since: now };
        let request = self.open_request();
        if let Err(Hangs) = self.thread.open(request) {
            tracing::error!("the driver of the {} hangs: it is not opened", self.context.device);
            self.state = CaptureState::Lost { pause: self.search.lost(now, None) };
        }
    }

    fn open_request(&self) -> OpenRequest {
        // The one that has delivered, where its id names it at any node.
        let stable = self.known.as_ref().filter(|id| !id.starts_with('/'));
        let choice = stable.unwrap_or(&self.request.choice).clone();
        OpenRequest {
            context: self.context.clone(),
            generation: self.generation,
            candidate: self.candidate,
            request: CaptureRequest { choice, ..self.request.clone() },
            playing: self.playing,
        }
    }

    /// Reads the volume at the card of a microphone that is left as it is, and opens nothing.
    pub fn read_card_volume(&self) {
        let is_left =
            self.request.volume == Loudness::AsItIs && self.context.device == DeviceKind::Microphone;
        if is_left
            && let CaptureState::Closed = self.state
            && self.thread.read_volume(self.open_request()) == Err(Hangs)
        {
            tracing::debug!("the driver of the microphone hangs: its volume is not known");
        }
    }

    /// The volume of an open device's card, where it is left as it is.
    pub fn card_volume(&self) -> Option<Volume> {
        self.state.source()?.volume.own()
    }

    /// Cut off at once; closed as soon as its thread can.
    fn close(&mut self) {
        self.generation += 1;
        self.bridge.select(ActiveInput::Fallback);
        if let Some(source) = self.state.close() {
            self.thread.close(source);
        }
    }

    /// Whether nothing of it is open, or being opened or closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, CaptureState::Closed) && self.thread.is_idle()
    }

    /// Whether the device's own buffers are crossing.
    pub fn delivers(&self) -> bool {
        self.state.delivers_since().is_some()
    }

    /// What it delivers, or will.
    pub fn kind(&self) -> FrameKind {
        self.state.source().map_or(FrameKind::Raw, |source| source.kind)
    }

    /// The size in which an open camera's pictures are sent.
    pub fn sent(&self) -> Option<Quality> {
        self.state.source().map(|source| source.sent)
    }

    /// Takes what happened outside the loop's thread.
    pub fn event(&mut self, now: Instant, event: Event) -> Option<Report> {
        match event {
            Event::Opened { generation, candidates, outcome } => {
                self.opened(now, generation, candidates, outcome)
            }
            Event::Closed => {
                self.thread.closed();
                None
            }
            Event::VolumeApplied { generation, wanted, by } => {
                if let CaptureState::Open { source, .. } = &mut self.state
                    && generation == self.generation
                {
                    source.volume.applied(wanted, &by);
                    self.apply_request();
                }
                None
            }
            Event::CardVolume(volume) => Some(Report::CaptureVolume(volume)),
            Event::Stream { generation, event } if generation == self.generation => self.stream(now, event),
            Event::Stream { .. } => None,
        }
    }

    fn opened(
        &mut self,
        now: Instant,
        generation: u64,
        candidates: usize,
        outcome: Result<Box<Source>, Refusal>,
    ) -> Option<Report> {
        self.thread.opened();
        let expected = generation == self.generation && matches!(self.state, CaptureState::Opening { .. });
        if expected {
            self.candidates = candidates;
        }
        match outcome {
            Ok(source) if expected => {
                let delivery = Delivery::new(now, self.bridge.count());
                let report = delivery.since().and_then(|_| self.delivered(source.id.clone()));
                self.state = CaptureState::Open { source, delivery };
                // It was opened as it was wanted then.
                self.apply_request();
                report
            }
            Ok(source) => {
                self.thread.close(source);
                None
            }
            Err(refusal) if expected => self.failed(now, refusal),
            Err(_) => None,
        }
    }

    fn stream(&mut self, now: Instant, event: StreamEvent) -> Option<Report> {
        match event {
            StreamEvent::FirstBuffer => {
                let CaptureState::Open { source, delivery } = &mut self.state else { return None };
                *delivery = Delivery::Yes { count: self.bridge.count(), at: now, since: now };
                let id = source.id.clone();
                self.delivered(id)
            }
            StreamEvent::Ended => {
                self.end = FileEnd::Reached;
                self.begin_again(now)
            }
            StreamEvent::Absent => match self.context.device {
                DeviceKind::Microphone => {
                    self.playing = Playing::Silence;
                    self.reopen(now);
                    None
                }
                DeviceKind::Camera => {
                    let file = self.context.file.as_deref().unwrap_or("media.file");
                    let why = format!("{file}: there are no pictures in it");
                    self.failed(now, Refusal::new(self.context.device.device_empty(), why))
                }
            },
            StreamEvent::Broken(refusal) => self.failed(now, refusal),
        }
    }

    /// A file at its end begins again; one that was at its end before it was open, or at once, does so at the next tick.
    fn begin_again(&mut self, now: Instant) -> Option<Report> {
        let CaptureState::Open { source, .. } = &mut self.state else { return None };
        match source.rewind(now) {
            Rewind::Soon => {}
            Rewind::Done => self.end = FileEnd::Ahead,
            Rewind::Not => self.reopen(now),
            Rewind::Never => {
                let why = format!("{} has ended", source.id);
                return self.failed(now, Refusal::new(self.context.device.start_fail(), why));
            }
        }
        None
    }

    /// The node of a device of its kind came or went.
    pub fn noticed(&mut self, now: Instant, notice: &Notice) -> Option<Report> {
        match (&mut self.state, notice.change) {
            (CaptureState::Lost { pause }, Change::Came | Change::Went) => pause.heard(now),
            (CaptureState::Open { source, .. }, Change::Went)
                if source.node.as_ref() == Some(&notice.node) =>
            {
                let why = format!("{} was unplugged", source.id);
                return self.failed(now, Refusal::new(self.context.device.device_empty(), why));
            }
            (CaptureState::Closed, Change::Came) => self.read_card_volume(),
            (CaptureState::Closed, Change::Went)
            | (CaptureState::Opening { .. } | CaptureState::Open { .. }, Change::Came | Change::Went) => {}
        }
        None
    }

    fn delivered(&mut self, id: String) -> Option<Report> {
        let epoch = self.epoch?;
        self.known = Some(id.clone());
        self.reported.delivered(epoch, self.context.device, id)
    }

    /// It does not work as it is: by the next candidate, or later again.
    fn failed(&mut self, now: Instant, refusal: Refusal) -> Option<Report> {
        let epoch = self.epoch?;
        let since = self.state.delivers_since();
        self.close();
        if since.is_none() && !is_hopeless(refusal.code) && self.candidate + 1 < self.candidates {
            self.candidate += 1;
            self.open(now);
            return None;
        }
        self.candidate = 0;
        self.state = CaptureState::Lost { pause: self.search.lost(now, since) };
        self.reported.lost(epoch, self.context.device, refusal)
    }

    /// Looks after it: what is stuck, and what is to be tried again.
    pub fn tick(&mut self, now: Instant) -> Option<Report> {
        if self.end == FileEnd::Reached
            && let Some(report) = self.begin_again(now)
        {
            return Some(report);
        }
        let is_file = self.state.source().is_some_and(|source| source.is_file());
        let progress = self.state.check(now, self.bridge.count());
        let why = match progress {
            Progress::Well if self.state.is_due(now) => {
                self.open(now);
                return None;
            }
            Progress::Well => return None,
            Progress::Stalled if is_file => {
                self.reopen(now);
                return None;
            }
            Progress::Opening | Progress::Late | Progress::Stalled => progress.words(),
        };
        self.failed(now, Refusal::new(self.context.device.start_fail(), why))
    }

    /// Everything is closed, and its thread has ended.
    pub fn finish(mut self) {
        self.close();
        self.bridge.set_target(None);
        self.thread.finish();
    }
}
