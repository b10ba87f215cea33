//! The publisher's thread: takes what the guest asks and what its parts report, one after the other, and looks after them at each tick.
//!
//! Each event goes to its owner, and what that means for others (its outcome) is routed here. Invariant: nothing here waits but
//! for the next event. Without a stay, and what is kept of the last one, there is no tick.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::event::Event;
use super::inputs::{Inputs, SlateChange};
use super::peer::{AnswerTaken, PeerOptions, PeerOutcome, PeerSenders, SenderPeer};
use super::playback::Speaker;
use super::send_meter::SendMeter;
use super::settings::Settings;
use super::snapshots;
use super::stay::ActiveStay;
use super::transmit_watchdog::{Transmission, TransmitCounts, TransmitWatchdog};
use super::{capture, peer};
use crate::media::bridge::{FrameKind, fallback};
use crate::media::core::caps::picture_caps;
use crate::media::core::event_sender::EventSender;
use crate::media::description;
use crate::media::elements;
use crate::media::encoder::{EncoderConditions, EncoderOutcome, EncoderSlot, Expected, PictureSource};
use crate::media::heart::{Beat, Listener};
use crate::media::layers::renderer::{LayerRenderer, LayerRequest};
use crate::media::outbox::Outbox;
use crate::media::rate::{RateLimits, RateTarget};
use crate::media::snapshots::SnapshotQueue;
use crate::media::teardown::Teardown;
use crate::model::capture::Drawing;
use crate::model::media::{Ask, Fault, Plan, Quality, Report, Session, Sound};
use crate::model::message::DeviceKind;
use crate::model::settings::VideoCodec;
use crate::model::volume::Loudness;
use crate::model::{Code, Media};

/// How often devices are looked after, and slate and silence sent.
const TICK: Duration = fallback::EVERY;
/// Peers whose pipelines are being stopped. Each still has its sockets and threads, so no more are made meanwhile.
const MOST_ENDING: usize = 8;

/// Everything the publisher's thread owns.
pub struct PublisherLoop {
    settings: Settings,
    inbox: SyncSender<Event>,
    outbox: Outbox<Report>,
    watchdog: TransmitWatchdog,
    stay: Option<ActiveStay>,
    /// Stays that are over and whose devices are being closed.
    stopping: Vec<u64>,
    inputs: Inputs,
    /// The size of what is sent: the wanted one, or what the camera gives.
    sent: Quality,
    peer: Option<SenderPeer>,
    encoder: EncoderSlot,
    meter: Arc<SendMeter>,
    snapshots: SnapshotQueue,
    teardown: Teardown,
    layers: LayerRenderer,
    /// Elements of every stay, until their plugins are loaded.
    unloaded: Option<&'static [&'static str]>,
}

impl PublisherLoop {
    pub fn new(
        settings: Settings,
        inbox: SyncSender<Event>,
        reports: Sender<Report>,
        elements: &'static [&'static str],
    ) -> std::io::Result<Self> {
        let meter = Arc::new(SendMeter::new());
        let inputs = Inputs::new(&settings, &meter, |device| {
            EventSender::new(&inbox, move |event| Event::Capture(device, event))
        })?;
        let encoder = EncoderSlot::new(
            &settings.profile,
            settings.codec,
            Arc::clone(inputs.camera.bridge()),
            Arc::clone(meter.pictures()),
            EventSender::new(&inbox, Event::Encoder),
        );
        let back = inbox.clone();
        // An inbox without room is read all the same.
        let wake = move || back.try_send(Event::Look).unwrap_or_default();
        let person = LayerRequest { name: settings.name.clone(), size: settings.quality };
        let painted = EventSender::new(&inbox, |layers| Event::Layers(Box::new(layers)));
        Ok(Self {
            sent: settings.quality,
            snapshots: SnapshotQueue::start("darkroom", EventSender::new(&inbox, Event::Snapshot))?,
            teardown: Teardown::start("teardown", wake)?,
            layers: LayerRenderer::new(settings.layers.clone(), person, painted)?,
            settings,
            inbox,
            outbox: Outbox::new(reports, |report| matches!(report, Report::Stats { .. })),
            watchdog: TransmitWatchdog::default(),
            stay: None,
            stopping: Vec::new(),
            inputs,
            peer: None,
            encoder,
            meter,
            unloaded: Some(elements),
        })
    }

    /// Works until it is told to end.
    pub fn run(mut self, inbox: &Receiver<Event>, mut listener: Listener) {
        let mut next_tick = Instant::now();
        loop {
            let idle = self.stay.is_none()
                && self.stopping.is_empty()
                && self.outbox.is_empty()
                && self.encoder.is_empty();
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
        self.inputs.follow(now, None, &self.meter);
        self.end_peer();
        while !self.inputs.are_closed() {
            match inbox.recv_timeout(Duration::from_secs(1)) {
                Ok(event) => self.handle(now, event),
                Err(_) => break,
            }
        }
        let Self { inputs, teardown, snapshots, layers, .. } = self;
        inputs.finish();
        teardown.finish();
        snapshots.finish();
        layers.finish();
    }

    fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Ask(ask) => self.ask(now, ask),
            Event::Notice(notice) => {
                // A card is heard of by its microphone; one that only plays is looked for now and then.
                if let (DeviceKind::Microphone, Some(peer)) = (notice.device, &mut self.peer) {
                    peer.player().heard(now);
                }
                let report = self.inputs.device(notice.device).noticed(now, &notice);
                self.report_device(now, report);
            }
            Event::Look => {}
            Event::Capture(device, event) => self.capture_event(now, device, event),
            Event::Peer(number, event) => self.peer_event(now, number, event),
            Event::Playback(number, event) => {
                if let Some(peer) = self.peer.as_mut().filter(|peer| peer.session().peer == number) {
                    peer.player().event(now, event);
                }
            }
            Event::Encoder(event) => {
                let outcome = self.encoder.event(now, event, self.conditions());
                self.encoder_outcome(now, outcome);
            }
            Event::PictureSeen(seen) => self.report(snapshots::encode(&self.snapshots, seen)),
            Event::Snapshot(taken) => {
                self.outbox.send(Report::Snapshot { ticket: taken.ticket, picture: taken.picture });
            }
            Event::Layers(layers) => {
                if let Some(layers) = self.layers.painted(*layers) {
                    self.inputs.show(layers);
                    self.fill(now);
                }
            }
        }
        self.follow_kind(now);
    }

    fn ask(&mut self, now: Instant, ask: Ask) {
        match ask {
            Ask::Prepare => self.prepare(),
            Ask::Start { session, media, sound, plan } => self.start(now, session, media, sound, plan),
            Ask::Plan { epoch, plan } => {
                if let Some(stay) = self.stay.as_mut().filter(|stay| stay.epoch() == epoch) {
                    stay.set_plan(plan);
                    self.follow_plan(now);
                    self.report_refused();
                }
            }
            Ask::Answer { session, sdp } => match self.peer_of(session).map(|peer| peer.answer(&sdp)) {
                None | Some(Ok(AnswerTaken::Nothing)) => {}
                Some(Ok(AnswerTaken::But(kinds))) => self.sections_refused(now, &kinds),
                Some(Err(fault)) => self.peer_failed(fault),
            },
            Ask::Candidate { session, candidate } => {
                if let (Some(peer), Some(candidate)) = (self.peer_of(session), candidate) {
                    peer.candidate(&candidate);
                }
            }
            Ask::EndPeer { peer } => {
                if self.peer.as_ref().is_some_and(|present| present.session().peer == peer) {
                    self.end_peer();
                }
            }
            Ask::Stop { epoch } => self.stop(now, epoch),
            Ask::Quality(quality) => self.set_quality(now, quality),
            Ask::Camera(choice) => self.inputs.camera.change(now, |request| request.choice = choice),
            Ask::Mirror(mirror) => {
                self.settings.mirror = mirror;
                let drawing = self.drawing();
                self.inputs
                    .camera
                    .change(now, |request| (request.mirror, request.drawing) = (mirror, drawing));
            }
            Ask::CaptureVolume(volume) => {
                self.inputs.microphone.change(now, |request| request.volume = Loudness::Set(volume));
            }
            Ask::OutputVolume(volume) => {
                self.settings.output_volume = Loudness::Set(volume);
                if let Some(peer) = &mut self.peer {
                    peer.player().set_volume(volume);
                }
            }
            Ask::Label(user) => self.paint(|request| request.name = user.user_name.as_str().to_owned()),
            Ask::Snapshot { ticket } => {
                let seen = EventSender::new(&self.inbox, Event::PictureSeen);
                self.report(snapshots::ask(ticket, &self.inputs.camera, &seen));
            }
        }
    }

    /// Loads the plugins of a stay, once.
    fn prepare(&mut self) {
        let Some(elements) = self.unloaded.take() else { return };
        let profile = &self.settings.profile;
        let needed = profile.elements(profile.offered(self.settings.codec)).into_iter();
        let needed = needed.chain(elements.iter().copied());
        let needed = needed.chain(self.inputs.microphone.processing().elements().iter().copied());
        elements::load_ahead(needed.map(str::to_owned).collect());
    }

    fn start(&mut self, now: Instant, session: Session, media: Media, sound: Sound, plan: Plan) {
        self.end_peer();
        let mut stay = match self.stay.take() {
            Some(stay) if stay.epoch() == session.epoch => stay,
            Some(_) | None => {
                self.encoder.begin_stay();
                self.encoder.set_codec(self.settings.codec);
                let drawing = self.drawing();
                self.inputs.camera.change(now, |request| request.drawing = drawing);
                ActiveStay::new(session.epoch)
            }
        };
        stay.begin(media, plan);
        let media = stay.media();
        self.stay = Some(stay);
        self.follow_plan(now);
        self.meter.begin();
        match self.open_peer(session, media, sound) {
            Ok(peer) => {
                self.inputs.microphone.bridge().set_target(Some((peer.sound().clone(), FrameKind::Raw)));
                let target = peer.encoder_target();
                self.peer = Some(peer);
                let outcome = self.encoder.start(now, target, self.conditions());
                self.encoder_outcome(now, outcome);
                self.fill(now);
            }
            Err(fault) => self.outbox.send(Report::PeerFailed { session, fault }),
        }
    }

    fn open_peer(&self, session: Session, media: Media, direction: Sound) -> Result<SenderPeer, Fault> {
        if self.teardown.under_way() >= MOST_ENDING {
            let why = "the peers before this one have not ended yet";
            return Err(Fault::new("transport", Code::RateLimited, why));
        }
        let number = session.peer;
        let events = PeerSenders {
            peer: EventSender::new(&self.inbox, move |event| Event::Peer(number, event)),
            playback: EventSender::new(&self.inbox, move |event| Event::Playback(number, event)),
            encoder: EventSender::new(&self.inbox, Event::Encoder),
        };
        let options = PeerOptions {
            session,
            media,
            direction,
            profile: &self.settings.profile,
            codec: self.encoder.codec(),
            ice: &self.settings.ice,
            limits: RateLimits { quality: self.sent, ..self.settings.rate },
            speaker: Speaker::new(&self.settings, self.inputs.microphone.processing()),
            output_volume: self.settings.output_volume,
            stats_interval: self.settings.stats_interval,
        };
        SenderPeer::open(options, &self.meter, events)
    }

    fn peer_of(&mut self, session: Session) -> Option<&mut SenderPeer> {
        self.peer.as_mut().filter(|peer| peer.session() == session)
    }

    fn peer_event(&mut self, now: Instant, number: u64, event: peer::Event) {
        let Some(peer) = self.peer.as_mut().filter(|peer| peer.session().peer == number) else { return };
        let session = peer.session();
        match peer.event(now, event) {
            Ok(PeerOutcome::Nothing) => {}
            Ok(PeerOutcome::Report(report)) => self.outbox.send(*report),
            Ok(PeerOutcome::Connected) => {
                // The first one may have left before anybody could hear it.
                self.encoder.force_key_frame();
                self.outbox.send(Report::Connected { session });
                self.encoder.connected(now, self.conditions());
            }
            Ok(PeerOutcome::FirstPacket) => {
                self.outbox.send(Report::FirstPacket { session });
                // Not before: nothing may keep this one waiting.
                self.paint(|_| {});
            }
            Err(fault) => self.peer_failed(fault),
        }
    }

    fn end_peer(&mut self) {
        self.encoder.release();
        let Some(peer) = self.peer.take() else { return };
        self.inputs.microphone.bridge().set_target(None);
        self.teardown.take(peer.session().peer, peer.into_remains());
    }

    fn peer_failed(&mut self, fault: Fault) {
        if let Some(session) = self.peer.as_ref().map(SenderPeer::session) {
            self.end_peer();
            self.outbox.send(Report::PeerFailed { session, fault });
        }
    }

    /// The stage takes the call, but nothing of these kinds. Pictures are offered once more in the other codec, where it can be encoded;
    /// what is left goes on, and the rest is not offered again in this stay.
    fn sections_refused(&mut self, now: Instant, kinds: &[description::Kind]) {
        let (Some(peer), Some(stay)) = (&mut self.peer, &mut self.stay) else { return };
        if kinds.contains(&description::Kind::Video)
            && let Some(other) = stay.decline(peer.codec(), &self.settings.profile)
        {
            let why = stay.declined();
            return self.offer_in(now, other, why);
        }
        let refused = stay.refuse(kinds);
        if refused.is_empty() {
            return;
        }
        if !stay.is_seen() {
            self.encoder.stop();
            peer.give_pictures_up();
        }
        refused.iter().for_each(|why| tracing::warn!("{why}: the call goes on without"));
        self.follow_plan(now);
        self.report_refused();
    }

    /// The next peer offers pictures in this codec.
    fn offer_in(&mut self, now: Instant, codec: VideoCodec, why: String) {
        tracing::warn!("{why}: {} is offered", codec.name());
        self.encoder.set_codec(codec);
        let drawing = self.drawing();
        self.inputs.camera.change(now, |request| request.drawing = drawing);
        if self.settings.profile.importer().is_some_and(|importer| importer.codec() != codec) {
            self.inputs.camera.stop_sharing(now);
        }
        self.peer_failed(Fault::new("codec", Code::InvalidParameter, why));
    }

    fn report_refused(&mut self) {
        let reports = self.stay.as_ref().map(ActiveStay::refused_devices).unwrap_or_default();
        self.report(reports);
    }

    /// Whether what the camera encodes may go out as it is; it is H.264.
    fn drawing(&self) -> Drawing {
        match self.encoder.codec() {
            VideoCodec::H264 => self.settings.drawing(),
            VideoCodec::Vp8 => Drawing::Needed,
        }
    }

    /// Opens and closes devices as the plan says.
    fn follow_plan(&mut self, now: Instant) {
        self.inputs.follow(now, self.stay.as_ref(), &self.meter);
        self.fill(now);
    }

    fn stop(&mut self, now: Instant, epoch: u64) {
        if self.stay.as_ref().is_some_and(|stay| stay.epoch() == epoch) {
            self.stay = None;
            self.follow_plan(now);
            self.end_peer();
        }
        if self.stay.is_none() {
            self.stopping.push(epoch);
            self.report_stopped();
        } else {
            self.outbox.send(Report::Stopped { epoch });
        }
    }

    /// Says that stays are over once no device is open.
    fn report_stopped(&mut self) {
        if self.stay.is_none() && self.inputs.are_closed() {
            for epoch in std::mem::take(&mut self.stopping) {
                self.outbox.send(Report::Stopped { epoch });
            }
        }
    }

    fn set_quality(&mut self, now: Instant, quality: Quality) {
        if self.settings.quality == quality {
            return;
        }
        self.settings.quality = quality;
        self.send_size(quality);
        self.inputs.camera.change(now, |request| {
            request.quality = quality;
            request.caps = picture_caps(quality);
        });
    }

    /// Slate and encoder have this size from now on.
    fn send_size(&mut self, size: Quality) {
        self.sent = size;
        self.inputs.set_size(size);
        self.paint(|request| request.size = size);
        self.encoder.follow_rate(self.conditions());
    }

    /// Other layers from now on; painted only where they are seen.
    fn paint(&mut self, change: impl FnOnce(&mut LayerRequest)) {
        self.layers.want(change);
        if self.stay.as_ref().is_some_and(ActiveStay::is_seen) {
            self.layers.need();
        }
    }

    fn report(&mut self, reports: impl IntoIterator<Item = Report>) {
        reports.into_iter().for_each(|report| self.outbox.send(report));
    }

    /// A stay on air that sends nothing is no sign of life.
    fn beat(&mut self, beat: Beat) {
        let sent = self.peer.as_ref().map(|peer| TransmitCounts {
            peer: peer.session().peer,
            media: peer.media(),
            frames: self.meter.pictures().frames(),
            packets: self.meter.packets(),
        });
        match self.watchdog.check(sent) {
            Transmission::Goes => beat.answer(),
            Transmission::Stands(what) => {
                tracing::error!("on air, but {what} was sent since the last sign of life")
            }
        }
    }

    fn capture_event(&mut self, now: Instant, device: DeviceKind, event: capture::Event) {
        let opened = matches!(event, capture::Event::Opened { .. });
        let report = self.inputs.device(device).event(now, event);
        // The camera may give less than is wanted.
        if let Some(size) = self.inputs.camera.sent().filter(|size| opened && *size != self.sent) {
            self.send_size(size);
        }
        self.report_device(now, report);
        let card =
            self.inputs.microphone.card_volume().filter(|_| opened && device == DeviceKind::Microphone);
        self.report(card.map(Report::CaptureVolume));
        self.report_stopped();
    }

    fn report_device(&mut self, now: Instant, report: Option<Report>) {
        let Some(report) = report else { return };
        if matches!(report, Report::DeviceOpened { .. } | Report::DeviceBack { .. }) {
            self.encoder.force_key_frame();
        } else if matches!(report, Report::DeviceLost { .. }) {
            self.fill(now);
        }
        self.outbox.send(report);
    }

    fn tick(&mut self, now: Instant) {
        self.outbox.flush();
        for report in self.inputs.tick(now) {
            self.report_device(now, report);
        }
        let reports = self.peer.as_mut().map(|peer| peer.tick(now, self.sent)).unwrap_or_default();
        self.report(reports);
        self.follow_kind(now);
        let outcome = self.encoder.tick(now, self.conditions());
        self.encoder_outcome(now, outcome);
        self.fill(now);
    }

    fn conditions(&self) -> EncoderConditions {
        let connected = self.peer.as_ref().is_some_and(SenderPeer::is_connected);
        EncoderConditions {
            source: if self.inputs.camera.delivers() { PictureSource::Camera } else { PictureSource::Slate },
            kind: self.inputs.camera.kind(),
            size: self.sent,
            rate: self.peer.as_ref().map_or(RateTarget::full(self.sent), SenderPeer::rate),
            expected: if connected { Expected::Frames } else { Expected::First },
            packets: self.meter.packets(),
        }
    }

    fn follow_kind(&mut self, now: Instant) {
        let outcome = self.encoder.follow(now, self.conditions());
        self.encoder_outcome(now, outcome);
    }

    fn encoder_outcome(&mut self, now: Instant, outcome: EncoderOutcome) {
        let epoch = self.stay.as_ref().map(ActiveStay::epoch);
        match outcome {
            EncoderOutcome::Nothing => {}
            EncoderOutcome::Attached(replacement) => {
                self.fill(now);
                if let (Some(epoch), Some(replaced)) = (epoch, replacement) {
                    let (from, to, why) = (replaced.from, replaced.to, replaced.why);
                    self.outbox.send(Report::EncoderReplaced { epoch, from, to, why });
                }
            }
            EncoderOutcome::ReopenCamera => self.inputs.camera.reopen(now),
            EncoderOutcome::DecodeInstead => {
                self.inputs.camera.change(now, |request| request.drawing = Drawing::Needed);
                self.follow_kind(now);
            }
            EncoderOutcome::StopSharing => {
                self.inputs.camera.stop_sharing(now);
                self.follow_kind(now);
            }
            EncoderOutcome::GaveUp { why } => {
                if let Some(epoch) = epoch {
                    self.outbox.send(Report::MediaFailed { epoch, why });
                }
            }
        }
    }

    /// Slate and silence, where no device delivers.
    fn fill(&mut self, now: Instant) {
        let sent = self.stay.as_ref().filter(|_| self.peer.is_some());
        // Painted over a moving picture, it would keep traces of it.
        if self.inputs.slate(sent) == SlateChange::Appears {
            self.encoder.force_key_frame();
        }
        self.inputs.fill(now, sent);
    }
}
