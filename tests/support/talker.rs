//! A stage that talks, through webrtcbin. What is sent to it is thrown away.

use std::sync::mpsc::{self, Receiver, Sender};

use coguestd::model::media::IceCandidate;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;

/// Samples a second.
const RATE: f64 = 48_000.0;

/// What is heard of it.
#[derive(Debug, Clone, Copy)]
pub enum Sound {
    /// Syllables of noise, four a second.
    Voice,
    /// Noise that never stops.
    Noise,
}

/// What it says.
#[derive(Debug)]
pub enum Said {
    Answer(String),
    Candidate(IceCandidate),
}

/// A running stage; stopped when dropped.
pub struct Talker {
    pipeline: gst::Pipeline,
    rtc: gst::Element,
    said: Receiver<Said>,
    say: Sender<Said>,
}

impl Talker {
    pub fn start(sound: Sound) -> Self {
        gst::init().expect("GStreamer starts");
        let launch = "webrtcbin name=rtc bundle-policy=max-bundle \
            audiotestsrc name=breath is-live=true wave=pink-noise volume=0.5 \
            ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! opusenc bitrate=64000 ! rtpopuspay pt=111 \
            ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! rtc.";
        let pipeline = gst::parse::launch(launch)
            .expect("apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-bad gstreamer1.0-nice")
            .downcast::<gst::Pipeline>()
            .expect("a pipeline");
        let rtc = pipeline.by_name("rtc").expect("named in the launch line");
        super::router::ask_nothing(&rtc);
        let breath = pipeline.by_name("breath").and_then(|breath| breath.static_pad("src"));
        match sound {
            Sound::Voice => speak(&breath.expect("named in the launch line")),
            Sound::Noise => {}
        }
        let (say, said) = mpsc::channel();
        let candidate = say.clone();
        rtc.connect("on-ice-candidate", false, move |values| {
            let line = values[1].get().expect("a number");
            let candidate_text = values[2].get().expect("a text");
            let said = IceCandidate {
                candidate: candidate_text,
                sdp_mid: None,
                sdp_m_line_index: Some(line),
                username_fragment: None,
            };
            // The test may be over.
            candidate.send(Said::Candidate(said)).unwrap_or_default();
            None
        });
        let weak = pipeline.downgrade();
        rtc.connect_pad_added(move |_, pad| {
            let Some(pipeline) = weak.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src) else {
                return;
            };
            let drain =
                gst::ElementFactory::make("fakesink").property("sync", false).property("async", false);
            let drain = drain.build().expect("a core element");
            pipeline.add(&drain).expect("it can be added");
            drain.sync_state_with_parent().expect("it plays");
            pad.link(&drain.static_pad("sink").expect("an open end")).expect("sound");
        });
        pipeline.set_state(gst::State::Playing).expect("it plays");
        Self { pipeline, rtc, said, say }
    }

    pub fn offer(&self, sdp: &str) {
        let message = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).expect("the offer parses");
        let offer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, message);
        self.rtc.emit_by_name::<()>("set-remote-description", &[&offer, &None::<gst::Promise>]);
        let (weak, say) = (self.rtc.downgrade(), self.say.clone());
        let promise = gst::Promise::with_change_func(move |reply| {
            let Some(rtc) = weak.upgrade() else { return };
            let reply = reply.expect("webrtcbin answers").expect("with a structure");
            let answer = reply.get::<gst_webrtc::WebRTCSessionDescription>("answer").expect("an answer");
            rtc.emit_by_name::<()>("set-local-description", &[&answer, &None::<gst::Promise>]);
            say.send(Said::Answer(answer.sdp().as_text().expect("text"))).unwrap_or_default();
        });
        self.rtc.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
    }

    pub fn candidate(&self, line: u32, text: &str) {
        self.rtc.emit_by_name::<()>("add-ice-candidate", &[&line, &text]);
    }

    pub fn said(&self) -> Option<Said> {
        self.said.try_recv().ok()
    }
}

/// Makes syllables of what never stops, which is no voice to a canceller but the noise of the room.
fn speak(breath: &gst::Pad) {
    breath.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        let Some(buffer) = info.buffer_mut().map(gst::Buffer::make_mut) else {
            return gst::PadProbeReturn::Ok;
        };
        let from = buffer.offset();
        let mut map = buffer.map_writable().expect("memory");
        for (at, sample) in (from..).zip(map.as_chunks_mut::<2>().0) {
            let loud = (at as f64 / RATE * 4.0 * std::f64::consts::PI).sin().max(0.0);
            *sample = ((f64::from(i16::from_le_bytes(*sample)) * loud) as i16).to_le_bytes();
        }
        drop(map);
        gst::PadProbeReturn::Ok
    });
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).expect("it stops");
    }
}
