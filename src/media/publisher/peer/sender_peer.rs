//! One peer connection of the guest.
//!
//! ```text
//! create offer ─► set local, report ─► (answer) set remote ─► connected ─► first packet
//! ```
//! Invariant: only the loop's thread changes anything here; callbacks hold senders and the meter, never an element. Key-frame
//! requests of the stage travel up to the encoder inside this pipeline, at most one each half second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_webrtc as gst_webrtc;

use super::event::{Event, PeerSenders};
use super::peer_rate::PeerRate;
use super::probes;
use super::reports::PeerReports;
use crate::media::arrivals::Arrivals;
use crate::media::core::event_sender::EventSender;
use crate::media::description::{self, Description, Kind, Unusable};
use crate::media::encoder::EncoderTarget;
use crate::media::opus;
use crate::media::profile::Profile;
use crate::media::publisher::branches::{self, with_profile};
use crate::media::publisher::playback::{self, Player, Speaker};
use crate::media::publisher::send_meter::SendMeter;
use crate::media::rate::{RateLimits, RateTarget};
use crate::media::signals::{self, Signal};
use crate::media::streams::Streams;
use crate::media::teardown::Remains;
use crate::media::transport::{self, Gates};
use crate::media::webrtc::{self, Ice};
use crate::model::media::{Fault, IceCandidate, Quality, Report, Session, Sound};
use crate::model::settings::VideoCodec;
use crate::model::volume::Loudness;
use crate::model::{Code, Media};

/// Candidates of the stage beyond these are dropped.
const MOST_CANDIDATES: usize = 64;

/// What the other end is called in a sentence.
const STAGE: &str = "the stage";

/// What a peer is made of.
pub struct PeerOptions<'a> {
    pub session: Session,
    pub media: Media,
    pub direction: Sound,
    pub profile: &'a Profile,
    pub codec: VideoCodec,
    pub ice: &'a Ice,
    pub speaker: Speaker,
    pub output_volume: Loudness,
    pub limits: RateLimits,
    /// The time between two reports of statistics.
    pub stats_interval: Duration,
}

/// What follows for others.
#[derive(Debug)]
pub enum PeerOutcome {
    Nothing,
    Report(Box<Report>),
    /// The stage can hear.
    Connected,
    /// The first packet has left.
    FirstPacket,
}

/// One peer connection.
pub struct SenderPeer {
    session: Session,
    media: Media,
    codec: VideoCodec,
    connected: bool,
    sound: gst_app::AppSrc,
    arrivals: Arc<Arrivals>,
    player: Player,
    reports: PeerReports,
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    gates: Gates,
    streams: Streams,
    /// What takes encoded pictures.
    entry: Option<gst::Pad>,
    mids: Vec<String>,
    /// The offer as it was sent.
    offer: String,
    state: OfferState,
    early: Vec<(u32, String)>,
    candidates: usize,
    events: EventSender<Event>,
}

/// What an answer takes of the offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerTaken {
    /// It is none to the present offer.
    Nothing,
    /// All but these.
    But(Vec<Kind>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OfferState {
    Offering,
    Offered,
    /// The answer is with webrtcbin; another one, or the same again, would end the peer.
    Answering,
    Answered,
}

impl SenderPeer {
    /// Builds and starts a peer that will offer.
    pub fn open(
        options: PeerOptions<'_>,
        meter: &Arc<SendMeter>,
        events: PeerSenders,
    ) -> Result<Self, Fault> {
        let broken =
            |error: glib::BoolError| Fault::new("encoder", Code::CameraStartFail, error.message.to_string());
        let pipeline = gst::Pipeline::new();
        let webrtc = webrtc::make(options.ice).map_err(broken)?;
        webrtc.set_property_from_str("bundle-policy", "max-bundle");
        pipeline.add(&webrtc).map_err(broken)?;
        webrtc::take_packets_as_they_come(&webrtc);
        hold_back(&webrtc, playback::LEAST);
        probes::packets(&webrtc, meter, &events.peer);
        let arrivals = Arc::new(Arrivals::default());
        arrivals.watch(&webrtc);
        let rate = PeerRate::watch(&webrtc, options.session, options.limits);
        let sender = events.peer.clone();
        let say = move |signal| sender.notify(Event::Signal(signal));
        let gates = transport::guard(&webrtc, STAGE, say.clone()).map_err(broken)?;
        let streams = signals::listen(&webrtc, STAGE, say);
        probes::listen_to_bus(&pipeline, &events);
        let sound = branches::add_sound(&pipeline, &webrtc, options.profile, meter).map_err(broken)?;
        let entry = match options.media {
            Media::Audio => None,
            Media::Video => Some(branches::add_pictures(&pipeline, &webrtc, options.codec).map_err(broken)?),
        };
        branches::direct(&webrtc, options.media, options.direction);
        let peer = Self {
            session: options.session,
            media: options.media,
            codec: options.codec,
            connected: false,
            sound,
            arrivals,
            player: Player::new(&pipeline, options.speaker, options.output_volume, events.playback),
            reports: PeerReports::new(options.session, Arc::clone(meter), options.stats_interval, rate),
            pipeline,
            webrtc,
            gates,
            streams,
            entry,
            mids: Vec::new(),
            offer: String::new(),
            state: OfferState::Offering,
            early: Vec::new(),
            candidates: 0,
            events: events.peer,
        };
        // Teardown from here on is the caller's, by `into_remains`, also when this fails.
        if peer.pipeline.set_state(gst::State::Playing).is_err() {
            peer.events.notify(Event::Broken(Fault::new(
                "encoder",
                Code::CameraStartFail,
                "the encoder does not start",
            )));
        }
        peer.negotiate();
        Ok(peer)
    }

    pub fn session(&self) -> Session {
        self.session
    }

    pub fn media(&self) -> Media {
        self.media
    }

    /// The codec of the pictures that are offered.
    pub fn codec(&self) -> VideoCodec {
        self.codec
    }

    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// What the bridge of sound feeds.
    pub fn sound(&self) -> &gst_app::AppSrc {
        &self.sound
    }

    /// Where the encoder of pictures is put in; `None`: it sends none.
    pub fn encoder_target(&self) -> Option<EncoderTarget> {
        let entry = self.entry.clone()?;
        Some(EncoderTarget { pipeline: self.pipeline.clone(), entry })
    }

    /// Plays what the stage sends.
    pub fn player(&mut self) -> &mut Player {
        &mut self.player
    }

    /// What the encoder is to do.
    pub fn rate(&self) -> RateTarget {
        self.reports.rate()
    }

    /// Looks after what is played, and says what is new; pictures are captured in this size.
    pub fn tick(&mut self, now: Instant, captured: Quality) -> Vec<Report> {
        self.player.tick(now);
        if let Some(delay) = self.player.delay(now) {
            tracing::debug!("what the stage sends is held back for {} ms", delay.as_millis());
            hold_back(&self.webrtc, delay);
        }
        if self.reports.asks_transport(now) {
            probes::ask_transport(&self.webrtc, &self.events);
        }
        self.reports.tick(now, captured, self.arrivals.count(), self.player.status(now), self.media)
    }

    /// Takes what its callbacks report.
    ///
    /// # Errors
    /// The fault that ends it.
    pub fn event(&mut self, now: Instant, event: Event) -> Result<PeerOutcome, Fault> {
        let session = self.session;
        match event {
            // It says so once the first packets are there: the offer does not wait for camera and encoder.
            Event::Signal(Signal::Negotiate) => {}
            Event::Offer(offer) => {
                if let Some(sdp) = self.offered(offer)? {
                    return Ok(PeerOutcome::Report(Box::new(Report::Offer { session, sdp })));
                }
            }
            Event::Answered(outcome) => self.answered(outcome)?,
            Event::Signal(Signal::Candidate { line, text }) => {
                let candidate = Some(self.local_candidate(line, text));
                return Ok(PeerOutcome::Report(Box::new(Report::Candidate { session, candidate })));
            }
            Event::Signal(Signal::Gathered) => {
                return Ok(PeerOutcome::Report(Box::new(Report::Candidate { session, candidate: None })));
            }
            Event::Signal(Signal::Connected) => {
                self.connected = true;
                self.reports.connected(now, self.arrivals.count(), self.media);
                return Ok(PeerOutcome::Connected);
            }
            Event::FirstPacket => return Ok(PeerOutcome::FirstPacket),
            Event::Signal(Signal::Stream(stream)) => self.player.stream(now, stream),
            Event::Latency => self.recalculate_latency(),
            Event::Stats(stats) => self.reports.take_transport(now, stats),
            Event::Signal(Signal::Broken(fault)) | Event::Broken(fault) => return Err(fault),
        }
        Ok(PeerOutcome::Nothing)
    }

    /// Has the offer made.
    fn negotiate(&self) {
        let events = self.events.clone();
        webrtc::create_offer(&self.webrtc, move |offer| events.notify(Event::Offer(offer)));
    }

    /// The offer is made: it is set, and returned for the stage.
    fn offered(
        &mut self,
        offer: Result<Box<gst_webrtc::WebRTCSessionDescription>, String>,
    ) -> Result<Option<String>, Fault> {
        if self.state != OfferState::Offering {
            return Ok(None);
        }
        let wrong = |why: String| Fault::new("offer", Code::InvalidParameter, why);
        let offer = offer.map_err(wrong)?;
        let (offer, text) =
            transport::described(&offer, |sdp| opus::with_in_band_fec(&with_profile(sdp))).map_err(wrong)?;
        self.mids =
            text.lines().filter_map(|line| line.strip_prefix("a=mid:")).map(ToOwned::to_owned).collect();
        self.webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
        self.state = OfferState::Offered;
        self.offer.clone_from(&text);
        Ok(Some(text))
    }

    /// Takes the stage's answer.
    pub fn answer(&mut self, sdp: &str) -> Result<AnswerTaken, Fault> {
        if self.state != OfferState::Offered {
            return Ok(AnswerTaken::Nothing);
        }
        let wrong = |why: String| Fault::of_description(why);
        let answer = match Description::answer(sdp, &self.offer) {
            Ok(answer) => answer,
            Err(Unusable::REJECTED) => {
                let why = match self.media {
                    Media::Audio => format!("{STAGE} takes no sound"),
                    Media::Video => format!("{STAGE} takes no sound and no {}", self.codec.name()),
                };
                return Err(Fault::new("sdp", Code::PermissionDenied, why));
            }
            Err(why) => return Err(wrong(format!("the answer: {why}"))),
        };
        let description = webrtc::parsed(gst_webrtc::WebRTCSDPType::Answer, &answer.sdp).map_err(wrong)?;
        let events = self.events.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            events.notify(Event::Answered(webrtc::outcome(reply).map(|_| ())));
        });
        let is_refused = |kind: &Kind| answer.first_received(*kind).is_none();
        let refused = self.kinds().iter().copied().filter(is_refused).collect();
        self.gates.name(answer.certificates);
        self.early.extend(answer.candidates);
        self.state = OfferState::Answering;
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&description, &promise]);
        Ok(AnswerTaken::But(refused))
    }

    /// What is offered.
    fn kinds(&self) -> &'static [Kind] {
        match self.media {
            Media::Audio => &[Kind::Audio],
            Media::Video => &[Kind::Audio, Kind::Video],
        }
    }

    /// The call goes on with sound alone.
    pub fn give_pictures_up(&mut self) {
        self.media = Media::Audio;
        self.entry = None;
    }

    /// webrtcbin has taken the answer, or not.
    fn answered(&mut self, outcome: Result<(), String>) -> Result<(), Fault> {
        outcome.map_err(Fault::of_description)?;
        self.state = OfferState::Answered;
        for (line, candidate) in self.early.drain(..) {
            self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &candidate.as_str()]);
        }
        Ok(())
    }

    /// Takes a candidate of the stage; one that names no section, or nothing, is dropped.
    pub fn candidate(&mut self, candidate: &IceCandidate) {
        let by_mid = candidate.sdp_mid.as_ref().map(|mid| self.mids.iter().position(|known| known == mid));
        let line = match by_mid {
            Some(position) => position.and_then(|position| u32::try_from(position).ok()),
            None => candidate.sdp_m_line_index,
        };
        let (Some(line), Some(text)) = (line, description::candidate(&candidate.candidate)) else { return };
        if self.candidates >= MOST_CANDIDATES {
            return;
        }
        self.candidates += 1;
        match self.state {
            OfferState::Answered => self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &text]),
            OfferState::Offering | OfferState::Offered | OfferState::Answering => {
                self.early.push((line, text.to_owned()))
            }
        }
    }

    /// A local candidate in the words of the protocol.
    fn local_candidate(&self, line: u32, text: String) -> IceCandidate {
        let mid = usize::try_from(line).ok().and_then(|line| self.mids.get(line)).cloned();
        IceCandidate { candidate: text, sdp_mid: mid, sdp_m_line_index: Some(line), username_fragment: None }
    }

    /// Tells every element how long the slowest way takes; where elements may take their time to answer.
    fn recalculate_latency(&self) {
        self.pipeline.call_async(|pipeline| {
            if let Err(error) = pipeline.recalculate_latency() {
                tracing::debug!(%error, "the latency stays as it was");
            }
        });
    }

    /// What is to be stopped when the peer is over.
    pub fn into_remains(self) -> Remains {
        Remains { pipeline: self.pipeline, webrtc: self.webrtc, streams: self.streams }
    }
}

/// What comes is played so long after the quickest packets come. webrtcbin has it in milliseconds, and tells the pipeline.
fn hold_back(webrtc: &gst::Element, delay: Duration) {
    webrtc.set_property("latency", u32::try_from(delay.as_millis()).unwrap_or(u32::MAX));
}
