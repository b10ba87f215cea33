//! The publisher's thread: takes asks, and what devices and peer say, one after the other, and looks after them at each tick.
//!
//! Invariant: nothing here waits but for the next event. Without a stay, and what is kept of the last one, there is no tick.

mod peers;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use gstreamer as gst;
use tokio::sync::mpsc::Sender;

use super::devices::{Device, Wish};
use super::easel::{self, Easel};
use super::events::Event;
use super::filler::Filler;
use super::peer::Peer;
use super::pulse::{Finding, Pulse, Sent};
use super::recovery::Recovery;
use super::stats::{Meter, Pictures, Reading};
use super::{Codec, Settings, filler};
use crate::media::description;
use crate::media::heart::{Beat, Listener};
use crate::media::outbox::Outbox;
use crate::media::still;
use crate::media::teardown::Teardown;
use crate::media::worker::Worker;
use crate::model::media::{Plan, Quality, Report, Ticket};
use crate::model::message::DeviceKind;
use crate::model::{Code, Media, Refusal};

/// How often devices are looked after, and slate and silence sent.
const TICK: Duration = filler::EVERY;
/// The transport is asked at least so often, so that a report has fresh numbers.
const LINK_EVERY: Duration = Duration::from_secs(1);
/// Questions for a picture that wait for the darkroom.
const STILLS: usize = 8;
/// Peers whose pipelines are being stopped. Each still has its sockets and threads, so no more are made meanwhile.
pub(super) const MOST_ENDING: usize = 8;

/// The present stay.
#[derive(Debug)]
pub(super) struct Stay {
    pub(super) epoch: u64,
    pub(super) media: Media,
    pub(super) plan: Plan,
}

/// Everything the publisher's thread owns.
pub(super) struct Desk {
    pub(super) settings: Settings,
    pub(super) events: SyncSender<Event>,
    pub(super) outbox: Outbox<Report>,
    pulse: Pulse,
    pub(super) stay: Option<Stay>,
    /// Stays that are over and whose devices are being closed.
    pub(super) stopping: Vec<u64>,
    pub(super) camera: Device,
    pub(super) microphone: Device,
    pub(super) filler: Filler,
    /// The size of what is sent: the wanted one, or what the camera gives.
    pub(super) sent: Quality,
    pub(super) peer: Option<Peer>,
    /// What the far side of the present stay does not take, and that in words.
    pub(super) refused: Vec<(description::Kind, String)>,
    /// The codecs of pictures that it does not take.
    pub(super) declined: Vec<Codec>,
    pub(super) meter: Arc<Meter>,
    pub(super) recovery: Recovery,
    next_stats: Option<(Instant, Reading)>,
    next_link: Option<Instant>,
    pub(super) darkroom: Worker<(Ticket, gst::Sample)>,
    pub(super) teardown: Teardown,
    pub(super) easel: Easel,
    /// Whether the plugins of a stay are loaded, or being.
    pub(super) loaded: bool,
}

impl Desk {
    pub(super) fn new(
        settings: Settings,
        events: SyncSender<Event>,
        reports: Sender<Report>,
    ) -> std::io::Result<Self> {
        let meter = Arc::new(Meter::new());
        let wish = |choice: &str, caps| Wish {
            choice: choice.to_owned(),
            quality: settings.quality,
            caps,
            mirror: settings.mirror,
            drawing: settings.drawing(),
            volume: settings.capture_volume,
        };
        let device = |kind, wish| Device::new(kind, &settings, wish, Arc::clone(&meter), &events);
        let pictures = wish(&settings.camera, filler::picture_caps(settings.quality));
        let camera = device(DeviceKind::Camera, pictures)?;
        let microphone = device(DeviceKind::Microphone, wish(&settings.microphone, filler::sound_caps()))?;
        microphone.look();
        let back = events.clone();
        let darkroom = Worker::start("darkroom", STILLS, move |(ticket, sample): (Ticket, gst::Sample)| {
            let picture =
                still::jpeg(&sample).map_err(|error| Refusal::new(Code::PermissionDenied, error.to_string()));
            if back.try_send(Event::Still { ticket, picture }).is_err() {
                tracing::error!("a picture was dropped: the publisher is overloaded");
            }
        })?;
        let back = events.clone();
        // An inbox without room is read all the same.
        let wake = move || back.try_send(Event::Look).unwrap_or_default();
        let teardown = Teardown::start("teardown", wake)?;
        let person = easel::Wish { name: settings.name.clone(), size: settings.quality };
        let easel = Easel::new(settings.layers.clone(), person, events.clone())?;
        Ok(Self {
            filler: Filler::new(settings.quality),
            sent: settings.quality,
            recovery: Recovery::new(&settings.profile, settings.codec),
            settings,
            events,
            outbox: Outbox::new(reports, |report| matches!(report, Report::Stats { .. })),
            pulse: Pulse::default(),
            stay: None,
            stopping: Vec::new(),
            camera,
            microphone,
            peer: None,
            refused: Vec::new(),
            declined: Vec::new(),
            meter,
            next_stats: None,
            next_link: None,
            darkroom,
            teardown,
            easel,
            loaded: false,
        })
    }

    /// Works until it is told to end.
    pub(super) fn run(mut self, inbox: &Receiver<Event>, mut listener: Listener) {
        let mut next_tick = Instant::now();
        loop {
            let idle = self.stay.is_none()
                && self.stopping.is_empty()
                && self.outbox.is_empty()
                && self.recovery.warmth.is_cold();
            let event = if idle {
                next_tick = Instant::now();
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                inbox.recv_timeout(next_tick.saturating_duration_since(Instant::now()))
            };
            match event {
                Err(RecvTimeoutError::Disconnected) => break,
                Ok(_) if listener.is_over() => break,
                Ok(event) => self.handle(Instant::now(), event),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(beat) = listener.question() {
                self.beat(beat);
            }
            while self.teardown.stopped().is_some() {}
            let now = Instant::now();
            if now >= next_tick {
                self.tick(now);
                next_tick += TICK;
                if next_tick <= now {
                    next_tick = now + TICK;
                }
            }
        }
        self.finish(inbox);
    }

    /// Devices first, then the peer; whatever comes back meanwhile is closed again.
    fn finish(mut self, inbox: &Receiver<Event>) {
        let now = Instant::now();
        self.camera.want(now, None);
        self.microphone.want(now, None);
        self.end_peer();
        while !(self.camera.is_closed() && self.microphone.is_closed()) {
            match inbox.recv_timeout(Duration::from_secs(1)) {
                Ok(event) => self.handle(now, event),
                Err(_) => break,
            }
        }
        let Self { camera, microphone, teardown, darkroom, easel, .. } = self;
        camera.finish();
        microphone.finish();
        teardown.finish();
        darkroom.finish();
        easel.finish();
    }

    fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Ask(ask) => self.ask(now, ask),
            Event::Notice(notice) => {
                // A card is heard of by its microphone; one that only plays is looked for now and then.
                if let (DeviceKind::Microphone, Some(peer)) = (notice.device, &mut self.peer) {
                    peer.player.heard(now);
                }
                let report = self.device(notice.device).noticed(now, &notice);
                self.device_news(now, report);
            }
            Event::Look => {}
            Event::Opened { device, generation, ways, outcome } => {
                let report = self.device(device).opened(now, generation, ways, outcome);
                self.send_size(self.camera.sent());
                self.device_news(now, report);
                if let (DeviceKind::Microphone, Some(volume)) = (device, self.microphone.own_volume()) {
                    self.outbox.send(Report::CaptureVolume(volume));
                }
                self.stopped();
            }
            Event::Closed { device } => {
                self.device(device).closed();
                self.stopped();
            }
            Event::Turned { device, generation, wanted, taken } => {
                self.device(device).turned(generation, wanted, &taken);
            }
            Event::Stands { volume } => self.outbox.send(Report::CaptureVolume(volume)),
            Event::Source { device, generation, told } => {
                let report = self.device(device).told(now, generation, told);
                self.device_news(now, report);
            }
            Event::Peer { peer, told } => {
                if let Err(fault) = self.peer_told(now, peer, told) {
                    self.peer_failed(fault);
                }
            }
            Event::Encoding { peer, number, made } => self.encoder_made(now, peer, number, made),
            Event::Cooled(encoding) => self.cooled(now, encoding),
            Event::Seen { ticket, picture } => self.seen(ticket, picture),
            Event::Still { ticket, picture } => self.outbox.send(Report::Snapshot { ticket, picture }),
            Event::Painted(painted) => {
                if let Some(layers) = self.easel.painted(*painted) {
                    self.filler.show(layers.slate);
                    self.camera.bridge.cover(layers.label.map(Arc::new));
                    self.fill(now);
                }
            }
        }
        self.follow_kind(now);
    }

    /// A stay on air that sends nothing is no sign of life.
    fn beat(&mut self, beat: Beat) {
        let (frames, packets) = self.meter.sent();
        let peer = self.peer.as_ref();
        let sent = peer.map(|peer| Sent { peer: peer.session.peer, media: peer.media, frames, packets });
        match self.pulse.feel(sent) {
            Finding::Goes => beat.answer(),
            Finding::Stands(what) => {
                tracing::error!("on air, but {what} was sent since the last sign of life")
            }
        }
    }

    /// Slate and encoder follow the camera, which may give less than is wanted.
    fn send_size(&mut self, size: Option<Quality>) {
        let Some(size) = size.filter(|size| *size != self.sent) else { return };
        self.sent = size;
        self.filler = Filler::new(size);
        self.paint(|wish| wish.size = size);
        if let Some(peer) = &self.peer {
            peer.set_quality(size);
        }
    }

    fn device(&mut self, kind: DeviceKind) -> &mut Device {
        match kind {
            DeviceKind::Camera => &mut self.camera,
            DeviceKind::Microphone => &mut self.microphone,
        }
    }

    fn device_news(&mut self, now: Instant, report: Option<Report>) {
        let Some(report) = report else { return };
        match &report {
            Report::DeviceOpened { device, id, .. } | Report::DeviceBack { device, id, .. } => {
                tracing::info!("{device} open: {id}");
                if let Some(peer) = &self.peer {
                    peer.force_key_frame();
                }
            }
            Report::DeviceFailed { device, error, .. } => {
                tracing::warn!("{device} not open: {}", error.message)
            }
            Report::DeviceLost { device, why, .. } => {
                tracing::warn!("{device} lost: {why}");
                self.fill(now);
            }
            Report::Offer { .. }
            | Report::Candidate { .. }
            | Report::Answer { .. }
            | Report::Connected { .. }
            | Report::FirstPacket { .. }
            | Report::Path { .. }
            | Report::PeerFailed { .. }
            | Report::CaptureVolume(_)
            | Report::Speaker(..)
            | Report::EncoderReplaced { .. }
            | Report::MediaFailed { .. }
            | Report::Stopped { .. }
            | Report::Snapshot { .. }
            | Report::ServerRefused { .. }
            | Report::Stats { .. } => {}
        }
        self.outbox.send(report);
    }

    /// Says that stays are over once no device is open.
    pub(super) fn stopped(&mut self) {
        if self.stay.is_none() && self.camera.is_closed() && self.microphone.is_closed() {
            for epoch in std::mem::take(&mut self.stopping) {
                self.outbox.send(Report::Stopped { epoch });
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        self.outbox.flush();
        for kind in [DeviceKind::Camera, DeviceKind::Microphone] {
            let report = self.device(kind).tick(now);
            self.device_news(now, report);
        }
        if let Some(peer) = &mut self.peer {
            peer.tick(now);
            let status = peer.player.status(now);
            if std::mem::replace(&mut peer.speaker, status) != status {
                self.outbox.send(Report::Speaker(peer.session, status));
            }
        }
        self.look_after_path(now);
        self.follow_kind(now);
        self.look_after_encoder(now);
        self.let_go(now);
        self.fill(now);
        self.stats(now);
    }

    /// Whether the stay has pictures.
    pub(super) fn is_seen(&self) -> bool {
        self.stay.as_ref().is_some_and(|stay| stay.media == Media::Video)
    }

    /// Slate and silence, where no device delivers.
    pub(super) fn fill(&mut self, now: Instant) {
        if self.peer.is_none() {
            self.filler.put_away();
            self.filler.rest();
            return;
        }
        if self.is_seen() && !self.camera.delivers() {
            // Painted over a moving picture, it would keep traces of it.
            if let Some(peer) = self.peer.as_ref().filter(|_| self.filler.appears()) {
                peer.force_key_frame();
            }
            self.filler.picture(now, &self.camera.bridge);
        } else {
            self.filler.put_away();
        }
        if self.microphone.delivers() {
            self.filler.rest();
        } else {
            self.filler.silence(now, &self.microphone.bridge);
        }
    }

    fn stats(&mut self, now: Instant) {
        let Some(peer) = &self.peer else { return };
        if self.next_link.is_some_and(|at| now >= at) {
            self.next_link = Some(now + LINK_EVERY);
            peer.ask_link();
        }
        let Some((_, from)) = self.next_stats.filter(|(at, _)| now >= *at) else { return };
        let reading = self.meter.read(now);
        let pictures = match peer.media {
            Media::Video => Pictures::Sent,
            Media::Audio => Pictures::None,
        };
        let stats = reading.since(&from, peer.link, pictures);
        let session = peer.session;
        self.next_stats = Some((now + self.settings.stats_interval, reading));
        self.outbox.send(Report::Stats { session, stats });
    }
}
