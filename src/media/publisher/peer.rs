//! One peer connection of the guest: encoders, payloaders and webrtcbin in a pipeline of their own.
//!
//! ```text
//! negotiate ─► create offer ─► set local, report ─► (answer) set remote ─► connected ─► first packet
//! ```
//! Invariant: only the publisher's thread changes anything here; callbacks hold a [`Tell`], the meter, never an element. Key-frame
//! requests of the stage travel up to the encoder inside this pipeline, at most one each half second.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_sdp as gst_sdp;
use gstreamer_video as gst_video;
use gstreamer_webrtc as gst_webrtc;

use super::Codec;
use super::events::{PeerTold, Tell};
use super::playback::{self, Speaker};
use super::profile::{self, Bitrate, Profile};
use super::stats::{Link, Meter};
use crate::media::description::{self, Description};
use crate::media::webrtc::{self, Ice};
use crate::model::media::{Fault, IceCandidate, Quality, Session};
use crate::model::{Code, Media, Volume};

/// A key frame is forced at most so often: storms of requests have hung encoders.
const KEY_FRAME_PAUSE: Duration = Duration::from_millis(500);
/// Candidates of the stage beyond these are dropped.
const MOST_CANDIDATES: usize = 64;
/// So much may wait for an encoder before the oldest is dropped.
const WAITING: u64 = 3;

/// What a peer is made of.
pub(super) struct Plan<'a> {
    pub(super) session: Session,
    pub(super) media: Media,
    pub(super) profile: &'a Profile,
    pub(super) codec: Codec,
    pub(super) quality: Quality,
    pub(super) ice: &'a Ice,
    pub(super) speaker: Speaker,
    pub(super) output_volume: Volume,
}

/// One peer connection.
pub(super) struct Peer {
    pub(super) session: Session,
    pub(super) media: Media,
    pub(super) pictures: Option<gst_app::AppSrc>,
    pub(super) sound: gst_app::AppSrc,
    pub(super) link: Link,
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    bitrate: Option<Bitrate>,
    speaker: Speaker,
    output_volume: Volume,
    mids: Vec<String>,
    round: Round,
    early: Vec<(u32, String)>,
    candidates: usize,
    tell: Tell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Offering,
    Offered,
    Answered,
}

impl Peer {
    /// Builds and starts a peer that will offer.
    pub(super) fn open(plan: Plan<'_>, meter: &Arc<Meter>, tell: Tell) -> Result<Self, Fault> {
        let broken =
            |error: glib::BoolError| fault("encoder", Code::CameraStartFail, error.message.to_string());
        let pipeline = gst::Pipeline::new();
        let webrtc = webrtc::make(plan.ice).map_err(broken)?;
        webrtc.set_property_from_str("bundle-policy", "max-bundle");
        pipeline.add(&webrtc).map_err(broken)?;
        watch_first_packet(&webrtc, &tell);
        listen(&webrtc, &tell);
        listen_to_bus(&pipeline, &tell);
        let sound = add_sound(&pipeline, &webrtc, plan.profile, meter).map_err(broken)?;
        let (pictures, bitrate) = match plan.media {
            Media::Audio => (None, None),
            Media::Video => {
                let (source, bitrate) = add_pictures(&pipeline, &webrtc, &plan, meter).map_err(broken)?;
                (Some(source), Some(bitrate))
            }
        };
        direct(&webrtc, plan.media);
        let peer = Self {
            session: plan.session,
            media: plan.media,
            pictures,
            sound,
            link: Link::default(),
            pipeline,
            webrtc,
            bitrate,
            speaker: plan.speaker,
            output_volume: plan.output_volume,
            mids: Vec::new(),
            round: Round::Offering,
            early: Vec::new(),
            candidates: 0,
            tell,
        };
        peer.set_quality(plan.quality);
        // Teardown from here on is the caller's, by `into_pipeline`, also when this fails.
        if peer.pipeline.set_state(gst::State::Playing).is_err() {
            peer.tell.say(PeerTold::Broken(fault(
                "encoder",
                Code::CameraStartFail,
                "the encoder does not start",
            )));
        }
        Ok(peer)
    }

    /// The bit rate for this picture size.
    pub(super) fn set_quality(&self, quality: Quality) {
        let encoder = self.pipeline.by_name("encoder");
        if let (Some(bitrate), Some(encoder)) = (&self.bitrate, encoder) {
            let units = bits(quality) / bitrate.unit;
            encoder.set_property_from_str(&bitrate.property, &units.to_string());
        }
    }

    pub(super) fn set_output_volume(&mut self, volume: Volume) {
        self.output_volume = volume;
        playback::set_volume(&self.pipeline, volume);
    }

    /// The next picture is a key frame.
    pub(super) fn force_key_frame(&self) {
        let pad = self.pipeline.by_name("encoder").and_then(|encoder| encoder.static_pad("src"));
        if let Some(pad) = pad {
            pad.send_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
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
        let wrong = |why: String| fault("sdp", Code::InvalidParameter, why);
        let offer = offer.map_err(wrong)?;
        let text = offer.sdp().as_text().map_err(|error| wrong(error.to_string()))?;
        let text = with_profile(&text);
        self.mids =
            text.lines().filter_map(|line| line.strip_prefix("a=mid:")).map(ToOwned::to_owned).collect();
        let message =
            gst_sdp::SDPMessage::parse_buffer(text.as_bytes()).map_err(|error| wrong(error.to_string()))?;
        let offer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, message);
        self.webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
        self.round = Round::Offered;
        Ok(Some(text))
    }

    /// Takes the stage's answer.
    pub(super) fn answer(&mut self, sdp: &str) -> Result<(), Fault> {
        if self.round != Round::Offered {
            return Ok(());
        }
        let wrong = |why: String| fault("sdp", Code::InvalidParameter, why);
        let answer = Description::read(sdp, |_| true).map_err(|why| wrong(format!("the answer: {why}")))?;
        if !answer.sections.iter().map(|section| &section.mid).eq(&self.mids) {
            return Err(wrong("the answer is to another offer".to_owned()));
        }
        let message = gst_sdp::SDPMessage::parse_buffer(answer.sdp.as_bytes())
            .map_err(|error| wrong(error.to_string()))?;
        let description =
            gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Answer, message);
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            tell.say(PeerTold::Answered(webrtc::outcome(reply).map(|_| ())));
        });
        self.early.extend(answer.candidates);
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&description, &promise]);
        Ok(())
    }

    /// webrtcbin has taken the answer, or not.
    pub(super) fn answered(&mut self, outcome: Result<(), String>) -> Result<(), Fault> {
        outcome.map_err(|why| fault("sdp", Code::InvalidParameter, why))?;
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
            Round::Offering | Round::Offered => self.early.push((line, text.to_owned())),
        }
    }

    /// A local candidate in the words of the protocol.
    pub(super) fn local_candidate(&self, line: u32, text: String) -> IceCandidate {
        let mid = usize::try_from(line).ok().and_then(|line| self.mids.get(line)).cloned();
        IceCandidate { candidate: text, sdp_mid: mid, sdp_m_line_index: Some(line), username_fragment: None }
    }

    /// The stage sends something: to the speaker with it.
    pub(super) fn stream(&self, pad: &gst::Pad, block: gst::PadProbeId) -> Result<(), String> {
        let known = self.pipeline.by_name(playback::NAME).is_some();
        let speaker = if known { &Speaker::None } else { &self.speaker };
        let linked = playback::add(&self.pipeline, speaker, self.output_volume)
            .and_then(|entry| pad.link(&entry).map_err(|error| glib::bool_error!("{error}")));
        pad.remove_probe(block);
        linked.map(|_| ()).map_err(|error| error.message.to_string())
    }

    /// The speaker failed: what comes is thrown away from now on.
    pub(super) fn mute(&self) {
        if let Err(error) = playback::replace_by_drain(&self.pipeline) {
            tracing::debug!(%error, "the speaker could not be taken out");
        }
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
    pub(super) fn into_pipeline(self) -> gst::Pipeline {
        self.pipeline
    }
}

/// A fault of this stage of a peer's life.
pub(super) fn fault(stage: &'static str, code: Code, detail: impl Into<String>) -> Fault {
    Fault { stage, code, detail: detail.into() }
}

/// Bits a second for a picture size at 30 frames a second: about 0.07 bits a pixel, what a face in front of a wall needs.
fn bits(quality: Quality) -> u32 {
    match quality {
        Quality::P360 => 600_000,
        Quality::P540 => 1_100_000,
        Quality::P720 => 1_800_000,
        Quality::P1080 => 3_500_000,
    }
}

/// Says in the offer which H.264 this is (RFC 6184): constrained baseline, as every browser takes it.
fn with_profile(sdp: &str) -> String {
    let h264 = sdp.lines().find_map(|line| {
        let (payload, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.starts_with("H264/").then(|| payload.to_owned())
    });
    let Some(payload) = h264 else { return sdp.to_owned() };
    let ours = format!("a=fmtp:{payload} ");
    let mut out = String::with_capacity(sdp.len() + 100);
    for line in sdp.lines().filter(|line| !line.starts_with(&ours)) {
        out.push_str(line);
        out.push_str("\r\n");
        if line.starts_with(&format!("a=rtpmap:{payload} ")) {
            out.push_str(&ours);
            out.push_str("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n");
        }
    }
    out
}

fn source(caps_hint: &str) -> gst_app::AppSrc {
    gst_app::AppSrc::builder()
        .name(caps_hint)
        .is_live(true)
        .do_timestamp(true)
        .format(gst::Format::Time)
        .block(false)
        .max_buffers(WAITING)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build()
}

fn rtp(media: &str, name: &str, payload: i32, rate: i32) -> gst::Caps {
    gst::Caps::builder("application/x-rtp")
        .field("media", media)
        .field("encoding-name", name)
        .field("payload", payload)
        .field("clock-rate", rate)
        .build()
}

fn add_sound(
    pipeline: &gst::Pipeline,
    webrtc: &gst::Element,
    profile: &Profile,
    meter: &Arc<Meter>,
) -> Result<gst_app::AppSrc, glib::BoolError> {
    let source = source("sound");
    let encoder = parse(&profile.audio_encoder.launch)?;
    let meter = Arc::clone(meter);
    count(&encoder, move |bytes| meter.sound(bytes));
    let payloader = gst::ElementFactory::make("rtpopuspay").property("pt", 111u32).build()?;
    let filter = gst::ElementFactory::make("capsfilter")
        .property("caps", rtp("audio", "OPUS", 111, 48_000))
        .build()?;
    let steps = [source.upcast_ref(), encoder.upcast_ref(), &payloader, &filter];
    pipeline.add_many(steps)?;
    gst::Element::link_many(steps)?;
    filter.link(webrtc)?;
    Ok(source)
}

fn add_pictures(
    pipeline: &gst::Pipeline,
    webrtc: &gst::Element,
    plan: &Plan<'_>,
    meter: &Arc<Meter>,
) -> Result<(gst_app::AppSrc, Bitrate), glib::BoolError> {
    let (codec, chosen) =
        plan.profile.encoder(plan.codec).ok_or_else(|| glib::bool_error!("the profile has no encoder"))?;
    let source = source("pictures");
    let encoder = parse(&chosen.launch)?;
    watch_pictures(&encoder, meter);
    let (payloader, name) = match codec {
        Codec::H264 => {
            let payloader =
                gst::ElementFactory::make("rtph264pay").property("config-interval", -1i32).build()?;
            payloader.set_property_from_str("aggregate-mode", "zero-latency");
            (payloader, "H264")
        }
        Codec::Vp8 => {
            let payloader = gst::ElementFactory::make("rtpvp8pay").build()?;
            payloader.set_property_from_str("picture-id-mode", "15-bit");
            (payloader, "VP8")
        }
    };
    payloader.set_property("pt", 96u32);
    let filter =
        gst::ElementFactory::make("capsfilter").property("caps", rtp("video", name, 96, 90_000)).build()?;
    let steps = [source.upcast_ref(), encoder.upcast_ref(), &payloader, &filter];
    pipeline.add_many(steps)?;
    gst::Element::link_many(steps)?;
    filter.link(webrtc)?;
    Ok((source, chosen.bitrate.clone()))
}

fn parse(launch: &str) -> Result<gst::Bin, glib::BoolError> {
    profile::parse(launch).map_err(|error| glib::bool_error!("{}", error.to_string()))
}

/// Sound goes both ways, pictures to the stage only; what is lost of them is sent again.
fn direct(webrtc: &gst::Element, media: Media) {
    use gst_webrtc::WebRTCRTPTransceiverDirection::{Sendonly, Sendrecv};
    let sections = match media {
        Media::Audio => vec![Sendrecv],
        Media::Video => vec![Sendrecv, Sendonly],
    };
    for (index, direction) in (0i32..).zip(sections) {
        let transceiver: Option<gst_webrtc::WebRTCRTPTransceiver> =
            webrtc.emit_by_name("get-transceiver", &[&index]);
        if let Some(transceiver) = transceiver {
            transceiver.set_direction(direction);
            if direction == Sendonly {
                transceiver.set_property("do-nack", true);
            }
        }
    }
}

fn count(encoder: &gst::Bin, counted: impl Fn(usize) + Send + Sync + 'static) {
    let Some(pad) = encoder.static_pad("src") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer() {
            counted(buffer.size());
        }
        gst::PadProbeReturn::Ok
    });
}

/// Counts frames and their size, and holds storms of key-frame requests back.
fn watch_pictures(encoder: &gst::Bin, meter: &Arc<Meter>) {
    let counter = Arc::clone(meter);
    count(encoder, move |bytes| counter.frame(bytes));
    let Some(pad) = encoder.static_pad("src") else { return };
    let sizes = Arc::clone(meter);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) {
            let structure = caps.caps().structure(0);
            let field = |name| structure.and_then(|s| u32::try_from(s.get::<i32>(name).ok()?).ok());
            if let (Some(width), Some(height)) = (field("width"), field("height")) {
                sizes.size(width, height);
            }
        }
        gst::PadProbeReturn::Ok
    });
    let last: Mutex<Option<Instant>> = Mutex::new(None);
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
        if gst_video::UpstreamForceKeyUnitEvent::parse(event).is_err() {
            return gst::PadProbeReturn::Ok;
        }
        let now = Instant::now();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.saturating_duration_since(last) < KEY_FRAME_PAUSE) {
            return gst::PadProbeReturn::Drop;
        }
        *last = Some(now);
        gst::PadProbeReturn::Ok
    });
}

/// The first RTP packet that is handed to the network, after encryption.
fn watch_first_packet(webrtc: &gst::Element, tell: &Tell) {
    let Some(bin) = webrtc.downcast_ref::<gst::Bin>() else { return };
    let tell = tell.clone();
    let said = Arc::new(AtomicBool::new(false));
    bin.connect_deep_element_added(move |_, _, element| {
        let is_sink = element.factory().is_some_and(|factory| factory.name() == "nicesink");
        let Some(pad) = element.static_pad("sink").filter(|_| is_sink) else { return };
        let (tell, said) = (tell.clone(), Arc::clone(&said));
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
        pad.add_probe(kinds, move |_, info| {
            let rtp = match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => is_rtp(buffer),
                Some(gst::PadProbeData::BufferList(list)) => list.get(0).is_some_and(is_rtp),
                Some(_) | None => false,
            };
            if !rtp {
                return gst::PadProbeReturn::Ok;
            }
            if !said.swap(true, Relaxed) {
                tell.say(PeerTold::FirstPacket);
            }
            gst::PadProbeReturn::Remove
        });
    });
}

/// RFC 7983: RTP and RTCP begin with 128 … 191; RFC 5761: RTCP has 192 … 223 in its second byte.
fn is_rtp(buffer: &gst::BufferRef) -> bool {
    let mut head = [0; 2];
    buffer.size() >= 2
        && buffer.copy_to_slice(0, &mut head).is_ok()
        && (128..192).contains(&head[0])
        && !(192..224).contains(&head[1])
}

fn listen(webrtc: &gst::Element, tell: &Tell) {
    let say = tell.clone();
    webrtc.connect("on-negotiation-needed", false, move |_| {
        say.say(PeerTold::Negotiate);
        None
    });
    let say = tell.clone();
    webrtc.connect("on-ice-candidate", false, move |values| {
        if let (Some(Ok(line)), Some(Ok(text))) =
            (values.get(1).map(|value| value.get::<u32>()), values.get(2).map(|value| value.get::<String>()))
        {
            say.say(PeerTold::Candidate { line, text });
        }
        None
    });
    let say = tell.clone();
    webrtc.connect_notify(Some("ice-gathering-state"), move |webrtc, _| {
        use gst_webrtc::WebRTCICEGatheringState::Complete;
        if webrtc.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state") == Complete {
            say.say(PeerTold::Gathered);
        }
    });
    let say = tell.clone();
    webrtc.connect_notify(Some("ice-connection-state"), move |webrtc, _| {
        use gst_webrtc::WebRTCICEConnectionState::Failed;
        if webrtc.property::<gst_webrtc::WebRTCICEConnectionState>("ice-connection-state") == Failed {
            say.say(PeerTold::Broken(fault("ice", Code::HostUnreachable, "no way to the stage was found")));
        }
    });
    let say = tell.clone();
    webrtc.connect_notify(Some("connection-state"), move |webrtc, _| {
        use gst_webrtc::WebRTCPeerConnectionState::{Connected, Failed};
        let state = webrtc.property::<gst_webrtc::WebRTCPeerConnectionState>("connection-state");
        if state == Connected {
            say.say(PeerTold::Connected);
        } else if state == Failed {
            say.say(PeerTold::Broken(fault(
                "dtls",
                Code::HostUnreachable,
                "the connection to the stage failed",
            )));
        }
    });
    let say = tell.clone();
    webrtc.connect_pad_added(move |_, pad| {
        if pad.direction() != gst::PadDirection::Src {
            return;
        }
        // Held until the publisher's thread has linked it: only that thread builds.
        let block = pad.add_probe(gst::PadProbeType::BLOCK_DOWNSTREAM, |_, _| gst::PadProbeReturn::Ok);
        if let Some(block) = block {
            say.say(PeerTold::Stream { pad: pad.downgrade(), block });
        }
    });
}

fn listen_to_bus(pipeline: &gst::Pipeline, tell: &Tell) {
    let Some(bus) = pipeline.bus() else { return };
    let tell = tell.clone();
    let broken = AtomicU64::new(0);
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view() {
            let place = error.src().map(|src| src.path_string().to_string()).unwrap_or_default();
            let why = error.error().to_string();
            if place.contains(playback::NAME) {
                tell.say(PeerTold::Playback(why));
            } else if broken.fetch_add(1, Relaxed) == 0 {
                tell.say(PeerTold::Broken(fault(stage_of(&place), Code::HostUnreachable, why)));
            }
        }
        gst::BusSyncReply::Drop
    });
}

fn stage_of(place: &str) -> &'static str {
    [("dtls", "dtls"), ("nice", "ice"), ("enc", "encoder"), ("pay", "encoder")]
        .iter()
        .find(|(part, _)| place.contains(part))
        .map_or("transport", |(_, stage)| stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offer_says_which_h264_it_is() {
        let sdp = "m=video 9 X 96 97\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";
        let said = with_profile(sdp);
        assert_eq!(said.matches("a=fmtp:96 ").count(), 1, "{said}");
        assert!(said.contains(
            "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
        ));
        assert!(said.contains("a=fmtp:97 apt=96\r\n"));
        let vp8 = "m=video 9 X 96\r\na=rtpmap:96 VP8/90000\r\n";
        assert_eq!(with_profile(vp8), vp8);
    }

    #[test]
    fn rtp_is_told_from_rtcp_dtls_and_stun() {
        gst::init().expect("GStreamer starts");
        for (bytes, rtp) in [
            ([0x80, 0x60], true),
            ([0x90, 0xef], true),
            ([0x80, 0xc8], false),
            ([0x16, 0xfe], false),
            ([0, 1], false),
        ] {
            assert_eq!(is_rtp(&gst::Buffer::from_slice(bytes)), rtp, "{bytes:?}");
        }
        assert!(!is_rtp(&gst::Buffer::from_slice([0x80])));
    }
}
