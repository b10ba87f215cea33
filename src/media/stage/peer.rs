//! One guest's peer connection: its pipeline, its offer/answer rounds, its streams.
//!
//! ```text
//! Offer ─► set remote ─► [Remote] ─► create answer ─► [Answer] ─► set local, report
//! ```
//! Every arrow is an action signal of webrtcbin that answers later, by a promise that becomes an event for the stage's thread; a later
//! exchange waits until the present one is through. Invariant: only the stage's thread changes anything here; callbacks hold a [`Tell`] (a
//! channel and a number) and the meter, never an element. Not here: deadlines and silence (`desk`), decoding (`decode`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use gstreamer_webrtc as gst_webrtc;

use super::budget::Reservation;
use super::connection::StageConnection;
use super::decode::{self, Chain, Codec, Decoders};
use super::decode_queue::Pool;
use super::events::{Tell, Told};
use super::forward::{ForwardedStream, SentStream, Watched};
use super::interval::{Link, Reading, Stream};
use super::meter::Meter;
use super::probes::{self, Guard};
use super::returns::{Mixer, Place};
use super::sections;
use super::watch::{self, LinkWatch};
use crate::media::description::{self, Description, Kind};
use crate::media::opus;
use crate::media::streams::{self, Streams};
use crate::media::teardown::Remains;
use crate::media::transport::{self, Gates};
use crate::media::webrtc::{self, Ice};
use crate::model::media::{Fault, IceCandidate};
use crate::model::stage::StagePeer;
use crate::model::{Code, Media};

/// Candidates of one exchange beyond these are dropped.
const MOST_CANDIDATES: usize = 64;

const GUEST: &str = "the guest";

/// Where a peer is heard or seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nothing was decoded yet.
    Awaited,
    /// Something was.
    Live,
    /// It was, and then no packet came for 3 s.
    Silent,
}

/// Where the present exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Between offer and answer.
    Answering,
    /// Answered.
    Answered,
}

/// One peer connection.
#[derive(Debug)]
pub struct Peer {
    /// Who.
    pub id: StagePeer,
    /// The present exchange.
    pub exchange: u32,
    /// What it measures.
    pub meter: Arc<Meter>,
    /// Whether it is seen or heard.
    pub presence: Presence,
    /// Since when it exists.
    pub began: Instant,
    /// When a key frame was last asked for.
    pub key_frame_asked: Option<Instant>,
    /// What its transport knows.
    pub link: LinkWatch,
    /// Where the present interval of the statistics began.
    pub interval_from: Option<(Reading, Link)>,
    media: Media,
    tell: Tell,
    reservation: Arc<Reservation>,
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    gates: Gates,
    streams: Streams,
    round: Round,
    /// The present offer; it says how sections are named.
    offer: Description,
    next_offer: Option<(u32, Description)>,
    /// Candidates that came before webrtcbin knew the offer.
    early: VecDeque<(u32, String)>,
    candidates: usize,
    video: Option<(gst::Pad, Chain)>,
    audio: Option<Chain>,
    /// What goes on to viewers: sound and pictures.
    forwarded: [Arc<ForwardedStream>; 2],
    /// Where it is in the mix.
    pub place: Place,
    /// Whether the return is sent.
    pub returned: Stream,
}

impl Peer {
    /// Builds and starts a peer that will answer `offer`.
    pub fn open(
        id: StagePeer,
        media: Media,
        offer: Description,
        ice: &Ice,
        tell: Tell,
        mixer: &Mixer,
        reservation: Arc<Reservation>,
    ) -> Result<Self, Fault> {
        let now = Instant::now();
        let meter = Arc::new(Meter::new(now));
        let place = mixer.place(id.peer, &meter);
        let told = tell.clone();
        let say = move |signal| {
            told.say(Told::Signal(signal));
        };
        let StageConnection { pipeline, webrtc, gates, streams } =
            StageConnection::build(ice, offer.bundling, GUEST, say)
                .map_err(|error| Fault::new("element", Code::HostUnreachable, error.to_string()))?;
        watch::listen_to_bus(&pipeline, &tell, &meter);
        let peer = Self {
            id,
            exchange: 1,
            meter,
            presence: Presence::Awaited,
            began: now,
            key_frame_asked: None,
            link: LinkWatch::default(),
            interval_from: None,
            media,
            tell,
            reservation,
            pipeline,
            webrtc,
            gates,
            streams,
            round: Round::Answering,
            offer,
            next_offer: None,
            early: VecDeque::new(),
            candidates: 0,
            video: None,
            audio: None,
            forwarded: [ForwardedStream::new(), ForwardedStream::new()],
            place,
            returned: Stream::Absent,
        };
        // Teardown from here on is the caller's, by `into_remains`, also when this fails.
        if peer.pipeline.set_state(gst::State::Playing).is_err() {
            peer.tell.say(Told::Broken(Fault::new(
                "element",
                Code::HostUnreachable,
                "webrtcbin did not start",
            )));
        }
        peer.set_remote();
        Ok(peer)
    }

    /// Takes the offer of a later exchange; a still later one replaces it while it waits.
    pub fn offer_again(&mut self, exchange: u32, offer: Description) {
        match self.round {
            Round::Answering => self.next_offer = Some((exchange, offer)),
            Round::Answered => self.begin(exchange, offer),
        }
    }

    fn begin(&mut self, exchange: u32, offer: Description) {
        self.exchange = exchange;
        self.candidates = 0;
        self.early.clear();
        self.round = Round::Answering;
        self.offer = offer;
        self.set_remote();
    }

    /// The newest exchange this peer has heard of.
    pub fn newest_exchange(&self) -> u32 {
        self.next_offer.as_ref().map_or(self.exchange, |(exchange, _)| *exchange)
    }

    fn set_remote(&self) {
        let exchange = self.exchange;
        self.gates.name(self.offer.certificates.clone());
        let description = match webrtc::parsed(gst_webrtc::WebRTCSDPType::Offer, &self.offer.sdp) {
            Ok(description) => description,
            Err(why) => {
                self.tell.say(Told::Broken(Fault::new("sdp", Code::InvalidParameter, why)));
                return;
            }
        };
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            tell.say(Told::Remote { exchange, outcome: webrtc::outcome(reply).map(|_| ()) });
        });
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&description, &promise]);
    }

    /// webrtcbin has taken the offer, or not: on to the answer.
    pub fn remote_set(&mut self, exchange: u32, outcome: Result<(), String>) -> Result<(), Fault> {
        if exchange != self.exchange || self.round == Round::Answered {
            return Ok(());
        }
        outcome.map_err(|why| Fault::new("sdp", Code::InvalidParameter, why))?;
        self.direct().map_err(|error| Fault::new("element", Code::HostUnreachable, error.to_string()))?;
        for (line, candidate) in self.offer.candidates.iter().map(|(line, c)| (*line, c.as_str())) {
            self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &candidate]);
        }
        for (line, candidate) in self.early.drain(..) {
            self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &candidate.as_str()]);
        }
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let outcome = webrtc::outcome(reply).and_then(|answer| webrtc::description(answer, "answer"));
            tell.say(Told::Answer { exchange, outcome: outcome.map(Box::new) });
        });
        self.webrtc.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
        Ok(())
    }

    /// Says what each section is to carry, and builds what sends the return, where the guest takes it.
    fn direct(&mut self) -> Result<(), glib::BoolError> {
        let mut returned = None;
        let section = sections::with_return(&self.offer);
        if let Some(section) = section.filter(|_| self.exchange == 1) {
            let sink = sections::return_pad(&self.webrtc, section)?;
            self.place.send(&self.pipeline, &sink, section.payload)?;
            self.returned = Stream::Present;
            returned = sink.property("transceiver");
        }
        sections::direct(&self.webrtc, &self.offer, self.media, self.exchange, returned);
        Ok(())
    }

    /// The answer is made: it is set, and returned for the guest.
    pub fn answered(
        &mut self,
        exchange: u32,
        outcome: Result<Box<gst_webrtc::WebRTCSessionDescription>, String>,
    ) -> Result<Option<String>, Fault> {
        if exchange != self.exchange || self.round == Round::Answered {
            return Ok(None);
        }
        let answer = outcome.map_err(|why| Fault::new("sdp", Code::InvalidParameter, why))?;
        let (answer, text) = transport::described(&answer, opus::with_in_band_fec)
            .map_err(|why| Fault::new("sdp", Code::InvalidParameter, why))?;
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            if let Err(why) = webrtc::outcome(reply) {
                tell.say(Told::Broken(Fault::new("sdp", Code::InvalidParameter, why)));
            }
        });
        self.webrtc.emit_by_name::<()>("set-local-description", &[&answer, &promise]);
        Ok(Some(self.offer.complete(&text)))
    }

    /// The answer is on its way: the round is over, and one that waits begins.
    pub fn round_over(&mut self) {
        self.round = Round::Answered;
        if let Some((exchange, offer)) = self.next_offer.take() {
            self.begin(exchange, offer);
        }
    }

    /// Takes a candidate of the guest. What names another exchange, another section, or nothing, is dropped.
    pub fn candidate(&mut self, exchange: u32, candidate: &IceCandidate) {
        let line = self.offer.section_of(candidate.sdp_mid.as_deref(), candidate.sdp_m_line_index);
        let (Some(line), Some(text)) = (line, description::candidate(&candidate.candidate)) else { return };
        if exchange != self.exchange || self.candidates >= MOST_CANDIDATES {
            return;
        }
        self.candidates += 1;
        match self.round {
            Round::Answering => self.early.push_back((line, text.to_owned())),
            Round::Answered => self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &text]),
        }
    }

    /// A local candidate in the words of the protocol.
    pub fn local_candidate(&self, line: u32, text: String) -> IceCandidate {
        let section = usize::try_from(line).ok().and_then(|line| self.offer.sections.get(line));
        IceCandidate {
            candidate: text,
            sdp_mid: section.map(|section| section.mid.clone()),
            sdp_m_line_index: self.offer.place_of(line),
            username_fragment: None,
        }
    }

    /// webrtcbin has a new stream: a chain for it, then it goes on.
    pub fn stream(&mut self, stream: streams::Stream, decoders: Decoders, pool: &Pool) -> Result<(), Fault> {
        let linked = stream.pad().map_or(Ok(()), |pad| self.link(&pad, decoders, pool));
        drop(stream);
        linked.map_err(|error| Fault::new("decoder", Code::HostUnreachable, error.to_string()))
    }

    fn link(&mut self, pad: &gst::Pad, decoders: Decoders, pool: &Pool) -> Result<(), glib::BoolError> {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let name = caps.structure(0).and_then(|s| s.get::<&str>("encoding-name").ok());
        let codec = name.and_then(Codec::of).filter(|codec| decoders.can(*codec));
        let wanted = codec.filter(|codec| match codec {
            Codec::Opus => self.audio.is_none(),
            Codec::H264 | Codec::Vp8 => self.video.is_none() && self.media == Media::Video,
        });
        let Some(codec) = wanted else {
            let entry = decode::drain(&self.pipeline)?;
            return pad.link(&entry).map(|_| ()).map_err(|e| glib::bool_error!("{e}"));
        };
        probes::watch_arrivals(pad, codec, &self.meter);
        let announces = codec != Codec::Opus || self.has(Kind::Video) == Stream::Absent;
        let tell = self.tell.clone();
        let announce: Option<probes::Announce> =
            announces.then(|| Arc::new(move || tell.say(Told::Decoded)) as probes::Announce);
        let tell = self.tell.clone();
        let refuse: probes::Refuse = Arc::new(move |why| tell.say(Told::Broken(why.fault())));
        let guard = Guard::new(codec, Arc::clone(&self.reservation), refuse);
        let chain = decode::chain(&self.pipeline, decoders, pool, &self.meter, announce, guard)?;
        if codec == Codec::Opus {
            self.place.tap(&chain.decoded);
        }
        pad.link(&chain.entry).map_err(|e| glib::bool_error!("{e}"))?;
        let [sound, pictures] = &self.forwarded;
        match codec {
            Codec::Opus => {
                sound.comes_from(pad, codec);
                self.audio = Some(chain);
            }
            Codec::H264 | Codec::Vp8 => {
                pictures.comes_from(pad, codec);
                self.video = Some((pad.clone(), chain));
                self.meter.want_key_frame();
            }
        }
        Ok(())
    }

    /// Whether the peer has a stream of this kind, by its offer and its seat.
    pub fn has(&self, kind: Kind) -> Stream {
        match (kind, self.media, self.offer.first_sent(kind)) {
            (Kind::Video, Media::Audio, _) | (_, _, None) => Stream::Absent,
            (Kind::Audio, _, Some(_)) | (Kind::Video, Media::Video, Some(_)) => Stream::Present,
        }
    }

    /// Asks the guest for a key frame.
    pub fn ask_for_key_frame(&mut self, now: Instant) {
        let Some((pad, _)) = &self.video else { return };
        self.key_frame_asked = Some(now);
        self.meter.asked_for_key_frame();
        let event = gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
        if !pad.send_event(event) {
            // Before the first packet nobody takes it: again at the next tick.
            self.meter.want_key_frame();
        }
    }

    /// What a viewer of it sees and hears.
    pub fn watched(&self) -> Watched {
        let sent = |kind| SentStream::of(&self.offer, kind).filter(|_| self.has(kind) == Stream::Present);
        let sent = [sent(Kind::Audio), sent(Kind::Video)];
        Watched::new(self.id.peer, self.place.ear(), sent.into_iter().zip(self.forwarded.iter().cloned()))
    }

    /// Its pictures on their way to viewers.
    pub fn forwarded_pictures(&self) -> &ForwardedStream {
        let [_, pictures] = &self.forwarded;
        pictures
    }

    /// Asks webrtcbin what its transport knows.
    pub fn ask_link(&self) {
        self.link.ask(&self.webrtc, &self.tell);
    }

    /// Takes what the transport knows.
    pub fn take_link(&mut self, link: Link) {
        self.link.take(link, &self.webrtc);
    }

    /// The last decoded picture.
    pub fn last_picture(&self) -> Option<gst::Sample> {
        self.video.as_ref()?.1.last.picture()
    }

    /// What is to be stopped when the peer is over.
    pub fn into_remains(self) -> Remains {
        Remains { pipeline: self.pipeline, webrtc: self.webrtc, streams: self.streams }
    }
}
