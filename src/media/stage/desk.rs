//! The stage's thread: takes asks and what the peers' callbacks say, one after the other, and looks after every peer at each tick.
//!
//! Invariant: nothing here waits but for the next event. Without peers there is no tick.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::Settings;
use super::admission::{Admission, Offer};
use super::decode::Decoders;
use super::decode_queue::Pool;
use super::events::{Event, Tell, Told};
use super::forward::Forwarder;
use super::governor::{Governor, Lag};
use super::interval::{Interval, Stream};
use super::key_frames;
use super::peer::{Peer, Presence};
use super::reservations::Reservations;
use super::returns::Mixer;
use super::schedule::StageSchedule;
use super::sounds::Sounds;
use super::speaking::{Change, Speaking};
use crate::media::core::event_sender::EventSender;
use crate::media::description::{Description, Kind};
use crate::media::heart::Listener;
use crate::media::outbox::Outbox;
use crate::media::signals::Signal;
use crate::media::snapshots::{SnapshotQueue, SnapshotTaken};
use crate::media::teardown::Teardown;
use crate::model::media::{Fault, Ticket};
use crate::model::stage::{StageAsk, StagePeer, StageReport, ViewerAsk};
use crate::model::{Code, Refusal};

/// How often every peer is looked after: silence, key frames, levels.
const TICK: Duration = Duration::from_millis(200);
/// A peer whose last packet is older is silent (protocol, rule 19).
const SILENCE: Duration = Duration::from_secs(3);
/// The guest gives up after 15 s; what is left here of a peer that never showed anything goes after twice that.
const AWAITED_AT_MOST: Duration = Duration::from_secs(30);

/// What the stage's thread owns.
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    decoders: Decoders,
    pool: Pool,
    events: SyncSender<Event>,
    outbox: Outbox<StageReport>,
    peers: BTreeMap<u64, Peer>,
    admission: Admission,
    reservations: Reservations,
    governor: Governor,
    speaking: Speaking,
    schedule: StageSchedule,
    snapshots: SnapshotQueue,
    mixer: Mixer,
    sounds: Sounds,
    teardown: Teardown,
    viewers: Forwarder,
}

impl Desk {
    /// A desk without peers. `events` is the way to itself, for callbacks.
    pub fn new(
        settings: Settings,
        decoders: Decoders,
        events: SyncSender<Event>,
        reports: Sender<StageReport>,
    ) -> std::io::Result<Self> {
        let snapshots = SnapshotQueue::start("stage-snapshot", EventSender::new(&events, Event::Snapshot))?;
        let back = events.clone();
        // An inbox without room is read all the same.
        let teardown =
            Teardown::start("stage-teardown", move || back.try_send(Event::Look).unwrap_or_default())?;
        Ok(Self {
            viewers: Forwarder::new(settings.ice.clone()),
            settings,
            decoders,
            pool: Pool::start()?,
            events,
            outbox: Outbox::new(reports, |report| matches!(report, StageReport::Stats(_))),
            peers: BTreeMap::new(),
            admission: Admission::default(),
            reservations: Reservations::new(),
            governor: Governor::default(),
            speaking: Speaking::default(),
            schedule: StageSchedule::default(),
            snapshots,
            mixer: Mixer::start()?,
            sounds: Sounds::default(),
            teardown,
        })
    }

    /// Works until it is told to end.
    pub fn run(mut self, inbox: &Receiver<Event>, mut listener: Listener) {
        let mut next_tick = Instant::now();
        loop {
            let event = if self.is_idle() {
                next_tick = Instant::now() + TICK;
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                inbox.recv_timeout(next_tick.saturating_duration_since(Instant::now()))
            };
            match event {
                Err(RecvTimeoutError::Disconnected) => break,
                Ok(_) if listener.is_over() => break,
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(beat) = listener.question() {
                beat.answer();
            }
            let now = Instant::now();
            self.admit(now);
            if now >= next_tick {
                self.tick(now);
                next_tick = now + TICK;
            }
            self.forward(now);
        }
        for peer in std::mem::take(&mut self.peers).into_values() {
            self.end(peer);
        }
        self.forward(Instant::now());
        self.teardown.finish();
        self.snapshots.finish();
        self.mixer.finish();
        self.pool.finish();
    }

    /// Whether nothing is to be looked after but what comes.
    fn is_idle(&self) -> bool {
        self.peers.is_empty() && self.outbox.is_empty() && self.admission.is_idle()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Ask(StageAsk::Offer { peer, exchange, media, sdp }) => {
                self.offer(Offer { id: peer, exchange, media, sdp, candidates: Vec::new() });
            }
            Event::Ask(StageAsk::Candidate { peer, exchange, candidate }) => {
                let early = candidate.map(|candidate| self.admission.candidate(&peer, exchange, candidate));
                if let (Some(Err(candidate)), Some(known)) = (early, self.peers.get_mut(&peer.peer)) {
                    known.candidate(exchange, &candidate);
                }
            }
            Event::Ask(StageAsk::Sound { peer, audible, returned }) => {
                if let Some(known) = self.peers.get(&peer.peer) {
                    known.place.set(audible, returned);
                }
                self.sounds.set(peer, audible, returned);
            }
            Event::Ask(StageAsk::Close { peer }) => {
                self.admission.withdraw(&peer);
                self.sounds.forget(&peer);
                if let Some(peer) = self.peers.remove(&peer.peer) {
                    self.end(peer);
                    self.levels(Instant::now());
                }
            }
            Event::Ask(StageAsk::Snapshot { peer, ticket }) => self.snapshot(&peer, ticket),
            Event::Ask(StageAsk::Viewer { viewer, ask: ViewerAsk::Open { peer } }) => {
                self.watch(viewer, &peer)
            }
            Event::Ask(StageAsk::Viewer { viewer, ask }) => self.viewers.ask(viewer, ask),
            Event::Viewer(viewer, event) => self.viewers.event(viewer, event),
            Event::Peer { peer, told } => {
                if let Err(fault) = self.told(peer, told) {
                    self.fail(peer, fault);
                }
            }
            Event::Snapshot(SnapshotTaken { ticket, picture }) => {
                self.outbox.send(StageReport::Snapshot { ticket, picture });
            }
            Event::Look => {}
        }
    }

    /// An offer that is not older than what is known waits for its turn. A guest's older peers end at once.
    fn offer(&mut self, offer: Offer) {
        let known = self.peers.get(&offer.id.peer);
        if known.is_some_and(|peer| offer.exchange <= peer.newest_exchange()) {
            return;
        }
        if known.is_none() && offer.exchange > 1 {
            let over = Fault::new("sdp", Code::InvalidParameter, "the peer of this exchange is over");
            return self.refuse(offer.id, over);
        }
        let is_older =
            |_: &u64, peer: &mut Peer| peer.id.guest == offer.id.guest && peer.id.peer != offer.id.peer;
        for (_, peer) in self.peers.extract_if(.., is_older).collect::<Vec<_>>() {
            self.end(peer);
        }
        self.admission.offer(offer);
    }

    /// Takes up the offers whose turn it is. Only now they are read.
    fn admit(&mut self, now: Instant) {
        while let Some(peer) = self.teardown.stopped() {
            self.reservations.release(peer);
            self.admission.ended(peer);
        }
        while let Some(offer) = self.admission.next(now) {
            let id = offer.id.clone();
            if let Err(fault) = self.take_up(offer) {
                self.refuse(id, fault);
            }
        }
    }

    fn take_up(&mut self, offer: Offer) -> Result<(), Fault> {
        let Offer { id, exchange, media, sdp, candidates } = offer;
        let decoders = self.decoders;
        let description = Description::offer(&sdp, |codec| decoders.can(codec))
            .map_err(|why| Fault::new("sdp", Code::InvalidParameter, why.to_string()))?;
        match self.peers.get_mut(&id.peer) {
            Some(peer) => peer.offer_again(exchange, description),
            None => {
                let reservation = self.reservations.take(id.peer)?;
                let tell = Tell { desk: self.events.clone(), peer: id.peer };
                let (ice, mixer) = (&self.settings.ice, &self.mixer);
                let peer = Peer::open(id.clone(), media, description, ice, tell, mixer, reservation)
                    .inspect_err(|_| self.reservations.release(id.peer))?;
                if let Some((audible, returned)) = self.sounds.of(&id) {
                    peer.place.set(audible, returned);
                }
                self.peers.insert(id.peer, peer);
            }
        }
        if let Some(peer) = self.peers.get_mut(&id.peer) {
            candidates.iter().for_each(|candidate| peer.candidate(exchange, candidate));
        }
        Ok(())
    }

    fn refuse(&mut self, id: StagePeer, fault: Fault) {
        tracing::warn!(user_id = %id.guest, "the media of {} have ended: {}: {}", id.guest, fault.stage, fault.detail);
        if let Some(peer) = self.peers.remove(&id.peer) {
            self.end(peer);
        }
        self.outbox.send(StageReport::Failed { peer: id, fault });
    }

    fn fail(&mut self, peer: u64, fault: Fault) {
        if let Some(id) = self.peers.get(&peer).map(|peer| peer.id.clone()) {
            self.refuse(id, fault);
        }
    }

    /// Takes what a peer's callback says. An error ends the peer.
    fn told(&mut self, peer: u64, told: Told) -> Result<(), Fault> {
        let Some(peer) = self.peers.get_mut(&peer) else { return Ok(()) };
        let id = peer.id.clone();
        match told {
            Told::Remote { exchange, outcome } => peer.remote_set(exchange, outcome)?,
            Told::Answer { exchange, outcome } => {
                if let Some(sdp) = peer.answered(exchange, outcome)? {
                    self.outbox.send(StageReport::Answer { peer: id, exchange, sdp });
                    peer.round_over();
                }
            }
            Told::Signal(Signal::Candidate { line, text }) => {
                let candidate = Some(peer.local_candidate(line, text));
                self.outbox.send(StageReport::Candidate { peer: id, exchange: peer.exchange, candidate });
            }
            Told::Signal(Signal::Gathered) => {
                let exchange = peer.exchange;
                self.outbox.send(StageReport::Candidate { peer: id, exchange, candidate: None });
            }
            Told::Signal(Signal::Connected) => {
                tracing::debug!(guest = %id.guest, "the guest's peer is connected")
            }
            Told::Signal(Signal::Stream(stream)) => {
                peer.stream(stream, self.decoders, &self.pool)?;
                peer.ask_for_key_frame(Instant::now());
            }
            Told::Decoded => {
                if peer.presence != Presence::Live {
                    peer.presence = Presence::Live;
                    self.outbox.send(StageReport::Live { peer: id });
                }
            }
            Told::Link(link) => peer.take_link(link),
            // The guest offers.
            Told::Signal(Signal::Negotiate) => {}
            Told::Signal(Signal::Broken(fault)) | Told::Broken(fault) => return Err(fault),
        }
        Ok(())
    }

    fn snapshot(&mut self, id: &StagePeer, ticket: Ticket) {
        let none =
            || Refusal::new(Code::PermissionDenied, format!("no picture of {} was received yet", id.guest));
        let picture = self.peers.get(&id.peer).and_then(Peer::last_picture).ok_or_else(none);
        if let Err(refusal) = picture.and_then(|sample| self.snapshots.take(ticket, sample)) {
            self.outbox.send(StageReport::Snapshot { ticket, picture: Err(refusal) });
        }
    }

    fn watch(&mut self, viewer: u64, id: &StagePeer) {
        let watched = self.peers.get(&id.peer).map(Peer::watched);
        let events = EventSender::new(&self.events, move |event| Event::Viewer(viewer, event));
        self.viewers.open(viewer, watched, events, &mut self.reservations);
    }

    /// Asks for key frames, and does what viewers led to.
    fn forward(&mut self, now: Instant) {
        self.peers.values_mut().for_each(|peer| key_frames::ask_where_due(peer, &mut self.viewers, now));
        self.viewers.over().into_iter().for_each(|(viewer, remains)| self.teardown.take(viewer, remains));
        self.viewers.reports().into_iter().for_each(|report| self.outbox.send(report));
    }

    fn tick(&mut self, now: Instant) {
        self.outbox.flush();
        self.viewers.tick(now);
        self.presence(now);
        self.govern(now);
        self.levels(now);
        self.stats(now);
    }

    fn presence(&mut self, now: Instant) {
        let mut over = Vec::new();
        for peer in self.peers.values_mut() {
            let quiet = peer.meter.quiet_for(now);
            match peer.presence {
                Presence::Live if quiet.is_some_and(|quiet| quiet >= SILENCE) => {
                    peer.presence = Presence::Silent;
                    peer.meter.announce_next();
                    self.outbox.send(StageReport::Silent { peer: peer.id.clone() });
                }
                Presence::Awaited if now.saturating_duration_since(peer.began) > AWAITED_AT_MOST => {
                    over.push(peer.id.peer);
                }
                Presence::Awaited | Presence::Live | Presence::Silent => {}
            }
        }
        for peer in over {
            self.fail(peer, Fault::new("ice", Code::HostUnreachable, "nothing was received in 30 s"));
        }
    }

    fn govern(&mut self, now: Instant) {
        let lags: Vec<Lag> = self
            .peers
            .values()
            .filter(|peer| peer.has(Kind::Video) == Stream::Present)
            .map(|peer| Lag {
                peer: peer.id.peer,
                behind: peer.meter.behind(),
                waiting: peer.meter.waiting(),
            })
            .collect();
        for step in self.governor.observe(now, &lags) {
            if let Some(peer) = self.peers.get(&step.peer) {
                let guest = &peer.id.guest;
                // A busy machine changes its mind often; `stats` has how many are decoded.
                tracing::debug!(user_id = %guest, "pictures of {guest} that are decoded: {}", step.decoding.as_str());
                peer.meter.set_decoding(step.decoding);
            }
        }
    }

    fn levels(&mut self, now: Instant) {
        let levels = self.peers.values().map(|peer| (peer.id.peer, peer.meter.level(now)));
        if self.speaking.observe(now, levels) == Change::Changed {
            let guest = |peer| Some(self.peers.get(&peer)?.id.guest.clone());
            let who = self.speaking.who().filter_map(guest).collect();
            self.outbox.send(StageReport::Speaking(who));
        }
    }

    fn stats(&mut self, now: Instant) {
        if self.peers.is_empty() {
            return self.schedule.clear();
        }
        if self.schedule.asks_transports(now) {
            self.peers.values().for_each(Peer::ask_link);
        }
        if !self.schedule.reports(now, self.settings.stats_interval) {
            return;
        }
        let stats = self.peers.values_mut().map(|peer| {
            let to = (peer.meter.read(now), peer.link.known());
            let interval = Interval { from: peer.interval_from.replace(to), to };
            (peer.id.clone(), interval.stats(peer.has(Kind::Video), peer.has(Kind::Audio), peer.returned))
        });
        self.outbox.send(StageReport::Stats(stats.collect()));
    }

    fn end(&mut self, peer: Peer) {
        self.viewers.end_of(peer.id.peer);
        self.admission.ends(&peer.id);
        self.teardown.take(peer.id.peer, peer.into_remains());
    }
}
