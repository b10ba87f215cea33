//! One peer connection of the guest: encoders, payloaders and webrtcbin in a pipeline of their own.
//!
//! ```text
//! negotiate ─► create offer ─► set local, report ─► (answer) set remote ─► connected ─► first packet
//! ```
//! Invariant: only the publisher's thread changes anything here; callbacks hold a [`Tell`], the meter, never an element. Key-frame
//! requests of the stage travel up to the encoder inside this pipeline, at most one each half second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_webrtc as gst_webrtc;

use super::arrivals::Arrivals;
use super::branches::{self, with_profile};
use super::encoding::Encoding;
use super::events::{PeerTold, Tell};
use super::path::PathWatch;
use super::playback::Speaker;
use super::player::Player;
use super::playout;
use super::profile::Profile;
use super::stats::{Link, Meter};
use super::{Codec, watch};
use crate::media::description::{self, Description, Kind, Unusable};
use crate::media::opus;
use crate::media::signals;
use crate::media::streams::Streams;
use crate::media::teardown::Remains;
use crate::media::transport::{self, Gates};
use crate::media::webrtc::{self, Ice};
use crate::model::media::{Fault, IceCandidate, Quality, Session, Sound};
use crate::model::sound::SpeakerStatus;
use crate::model::volume::Loudness;
use crate::model::{Code, Media};

/// Candidates of the stage beyond these are dropped.
const MOST_CANDIDATES: usize = 64;

/// What the other end is called in a sentence.
const STAGE: &str = "the stage";

/// What a peer is made of.
pub(super) struct Plan<'a> {
    pub(super) session: Session,
    pub(super) media: Media,
    pub(super) direction: Sound,
    pub(super) profile: &'a Profile,
    pub(super) codec: Codec,
    pub(super) ice: &'a Ice,
    pub(super) speaker: Speaker,
    pub(super) output_volume: Loudness,
}

/// One peer connection.
pub(super) struct Peer {
    pub(super) session: Session,
    pub(super) media: Media,
    /// Which codec the pictures are offered in.
    pub(super) codec: Codec,
    /// The encoder, while there is one.
    pub(super) encoding: Option<Encoding>,
    /// The number of the encoder that is being made for it.
    pub(super) awaits: u64,
    /// Whether the stage can hear.
    pub(super) connected: bool,
    pub(super) sound: gst_app::AppSrc,
    pub(super) link: Link,
    /// What came from the far side.
    pub(super) arrivals: Arc<Arrivals>,
    /// Whether it is heard, since it is connected.
    pub(super) path: Option<PathWatch>,
    /// Plays what the stage sends.
    pub(super) player: Player,
    /// What was said last of its speaker.
    pub(super) speaker: SpeakerStatus,
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    gates: Gates,
    streams: Streams,
    /// Where the encoder is put in front of.
    entry: Option<gst::Pad>,
    mids: Vec<String>,
    /// What was offered.
    offer: String,
    round: Round,
    early: Vec<(u32, String)>,
    candidates: usize,
    tell: Tell,
}

/// What an answer takes of the offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is none to the present offer.
    Nothing,
    /// All but these.
    But(Vec<Kind>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Offering,
    Offered,
    /// The answer is with webrtcbin; another one, or the same again, would end the peer.
    Answering,
    Answered,
}

impl Peer {
    /// Builds and starts a peer that will offer.
    pub(super) fn open(plan: Plan<'_>, meter: &Arc<Meter>, tell: Tell) -> Result<Self, Fault> {
        let broken =
            |error: glib::BoolError| Fault::new("encoder", Code::CameraStartFail, error.message.to_string());
        let pipeline = gst::Pipeline::new();
        let webrtc = webrtc::make(plan.ice).map_err(broken)?;
        webrtc.set_property_from_str("bundle-policy", "max-bundle");
        pipeline.add(&webrtc).map_err(broken)?;
        webrtc::take_packets_as_they_come(&webrtc);
        hold_back(&webrtc, playout::LEAST);
        watch::packets(&webrtc, meter, &tell);
        let arrivals = Arc::new(Arrivals::default());
        arrivals.watch(&webrtc);
        let told = tell.clone();
        let say = move |signal| told.say(PeerTold::Signal(signal));
        let gates = transport::guard(&webrtc, STAGE, say.clone()).map_err(broken)?;
        let streams = signals::listen(&webrtc, STAGE, say);
        watch::listen_to_bus(&pipeline, &tell);
        let sound = branches::add_sound(&pipeline, &webrtc, plan.profile, meter).map_err(broken)?;
        let entry = match plan.media {
            Media::Audio => None,
            Media::Video => Some(branches::add_pictures(&pipeline, &webrtc, plan.codec).map_err(broken)?),
        };
        branches::direct(&webrtc, plan.media, plan.direction);
        let peer = Self {
            session: plan.session,
            media: plan.media,
            codec: plan.codec,
            encoding: None,
            awaits: 0,
            connected: false,
            sound,
            link: Link::default(),
            arrivals,
            path: None,
            player: Player::new(&pipeline, plan.speaker, plan.output_volume, tell.clone()),
            speaker: SpeakerStatus::Off,
            pipeline,
            webrtc,
            gates,
            streams,
            entry,
            mids: Vec::new(),
            offer: String::new(),
            round: Round::Offering,
            early: Vec::new(),
            candidates: 0,
            tell,
        };
        // Teardown from here on is the caller's, by `into_remains`, also when this fails.
        if peer.pipeline.set_state(gst::State::Playing).is_err() {
            peer.tell.say(PeerTold::Broken(Fault::new(
                "encoder",
                Code::CameraStartFail,
                "the encoder does not start",
            )));
        }
        Ok(peer)
    }

    /// Looks after what is played.
    pub(super) fn tick(&mut self, now: Instant) {
        self.player.tick(now);
        if let Some(delay) = self.player.delay(now) {
            tracing::debug!("what the stage sends is held back for {} ms", delay.as_millis());
            hold_back(&self.webrtc, delay);
        }
    }

    /// The bit rate for this picture size.
    pub(super) fn set_quality(&self, quality: Quality) {
        if let Some(encoding) = &self.encoding {
            encoding.set_quality(quality);
        }
    }

    /// Whether it sends pictures.
    pub(super) fn wants_pictures(&self) -> bool {
        self.entry.is_some()
    }

    /// Puts an encoder in.
    pub(super) fn put_in(&mut self, encoding: Encoding) -> Result<(), glib::BoolError> {
        let Some(entry) = &self.entry else { return Ok(()) };
        let put_in = encoding.put_in(&self.pipeline, entry);
        self.encoding = Some(encoding);
        put_in
    }

    /// Takes the encoder out; the call goes on without pictures.
    pub(super) fn take_encoder_out(&mut self) -> Option<Encoding> {
        self.take_encoder_if(|_| true)
    }

    /// … if it is such a one.
    pub(super) fn take_encoder_if(&mut self, is: impl FnOnce(&Encoding) -> bool) -> Option<Encoding> {
        let encoding = self.encoding.take_if(|encoding| is(encoding))?;
        encoding.take_out(&self.pipeline);
        Some(encoding)
    }

    /// The next picture is a key frame.
    pub(super) fn force_key_frame(&self) {
        if let Some(encoding) = &self.encoding {
            encoding.force_key_frame();
        }
    }

    /// webrtcbin is ready to offer; it says so more often than it is asked.
    pub(super) fn negotiate(&self) {
        if self.round != Round::Offering {
            return;
        }
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let offer = webrtc::outcome(reply).and_then(|offer| webrtc::description(offer, "offer"));
            tell.say(PeerTold::Offer(offer.map(Box::new)));
        });
        self.webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
    }

    /// The offer is made: it is set, and returned for the stage.
    pub(super) fn offered(
        &mut self,
        offer: Result<Box<gst_webrtc::WebRTCSessionDescription>, String>,
    ) -> Result<Option<String>, Fault> {
        if self.round != Round::Offering {
            return Ok(None);
        }
        let wrong = |why: String| Fault::new("sdp", Code::InvalidParameter, why);
        let offer = offer.map_err(wrong)?;
        let (offer, text) =
            transport::described(&offer, |sdp| opus::with_in_band_fec(&with_profile(sdp))).map_err(wrong)?;
        self.mids =
            text.lines().filter_map(|line| line.strip_prefix("a=mid:")).map(ToOwned::to_owned).collect();
        self.webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
        self.round = Round::Offered;
        self.offer.clone_from(&text);
        Ok(Some(text))
    }

    /// Takes the stage's answer.
    pub(super) fn answer(&mut self, sdp: &str) -> Result<Answer, Fault> {
        if self.round != Round::Offered {
            return Ok(Answer::Nothing);
        }
        let wrong = |why: String| Fault::new("sdp", Code::InvalidParameter, why);
        let answer = match Description::answer(sdp, &self.offer) {
            Ok(answer) => answer,
            Err(Unusable::REJECTED) => {
                let why = self.refusal(&self.kinds());
                return Err(Fault::new("sdp", Code::PermissionDenied, why));
            }
            Err(why) => return Err(wrong(format!("the answer: {why}"))),
        };
        let description = webrtc::parsed(gst_webrtc::WebRTCSDPType::Answer, &answer.sdp).map_err(wrong)?;
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            tell.say(PeerTold::Answered(webrtc::outcome(reply).map(|_| ())));
        });
        let refused = self.kinds().into_iter().filter(|kind| answer.first_received(*kind).is_none());
        let refused = refused.collect();
        self.gates.name(answer.certificates);
        self.early.extend(answer.candidates);
        self.round = Round::Answering;
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&description, &promise]);
        Ok(Answer::But(refused))
    }

    /// What is offered.
    fn kinds(&self) -> Vec<Kind> {
        match self.media {
            Media::Audio => vec![Kind::Audio],
            Media::Video => vec![Kind::Audio, Kind::Video],
        }
    }

    /// What the stage does not take, in words.
    pub(super) fn refusal(&self, kinds: &[Kind]) -> String {
        let names = kinds.iter().map(|kind| match kind {
            Kind::Audio => "no sound",
            Kind::Video => match self.codec {
                Codec::H264 => "no H.264",
                Codec::Vp8 => "no VP8",
            },
        });
        format!("{STAGE} takes {}", names.collect::<Vec<_>>().join(" and "))
    }

    /// The call goes on with sound alone; what encoded is still to be stopped.
    pub(super) fn give_pictures_up(&mut self) -> Option<Encoding> {
        self.media = Media::Audio;
        self.awaits = 0;
        let encoding = self.take_encoder_out();
        self.entry = None;
        encoding
    }

    /// webrtcbin has taken the answer, or not.
    pub(super) fn answered(&mut self, outcome: Result<(), String>) -> Result<(), Fault> {
        outcome.map_err(|why| Fault::new("sdp", Code::InvalidParameter, why))?;
        self.round = Round::Answered;
        for (line, candidate) in self.early.drain(..) {
            self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &candidate.as_str()]);
        }
        Ok(())
    }

    /// Takes a candidate of the stage; one that names no section, or nothing, is dropped.
    pub(super) fn candidate(&mut self, candidate: &IceCandidate) {
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
        match self.round {
            Round::Answered => self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &text]),
            Round::Offering | Round::Offered | Round::Answering => self.early.push((line, text.to_owned())),
        }
    }

    /// A local candidate in the words of the protocol.
    pub(super) fn local_candidate(&self, line: u32, text: String) -> IceCandidate {
        let mid = usize::try_from(line).ok().and_then(|line| self.mids.get(line)).cloned();
        IceCandidate { candidate: text, sdp_mid: mid, sdp_m_line_index: Some(line), username_fragment: None }
    }

    /// Tells every element how long the slowest way takes; where elements may take their time to answer.
    pub(super) fn recalculate_latency(&self) {
        self.pipeline.call_async(|pipeline| {
            if let Err(error) = pipeline.recalculate_latency() {
                tracing::debug!(%error, "the latency stays as it was");
            }
        });
    }

    /// Asks webrtcbin what its transport knows.
    pub(super) fn ask_link(&self) {
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            if let Ok(Some(stats)) = reply {
                tell.say(PeerTold::Link(Link::read(stats)));
            }
        });
        self.webrtc.emit_by_name::<()>("get-stats", &[&None::<gst::Pad>, &promise]);
    }

    /// What is to be stopped when the peer is over.
    pub(super) fn into_remains(self) -> Remains {
        Remains { pipeline: self.pipeline, webrtc: self.webrtc, streams: self.streams }
    }
}

/// What comes is played so long after the quickest packets come. webrtcbin has it in milliseconds, and tells the pipeline.
fn hold_back(webrtc: &gst::Element, delay: Duration) {
    webrtc.set_property("latency", u32::try_from(delay.as_millis()).unwrap_or(u32::MAX));
}
