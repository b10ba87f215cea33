//! A guest's end of a peer connection, as plain as can be: GStreamer's test sources through webrtcbin.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;

use super::router;

/// What the publisher sends.
#[derive(Debug, Clone)]
pub struct Show {
    pub video: Option<Video>,
    /// `audiotestsrc`'s wave and volume.
    pub audio: &'static str,
}

/// What pictures it sends.
#[derive(Debug, Clone)]
pub struct Video {
    pub codec: &'static str,
    pub pattern: &'static str,
    pub width: u32,
    pub height: u32,
    pub frame_rate: u32,
    pub bitrate_kbps: u32,
}

impl Show {
    /// Red H.264 and a loud tone.
    pub fn video(width: u32, height: u32) -> Self {
        let video = Video { codec: "H264", pattern: "red", width, height, frame_rate: 30, bitrate_kbps: 800 };
        Self { video: Some(video), audio: "wave=sine volume=0.5" }
    }

    /// A loud tone.
    pub fn audio() -> Self {
        Self { video: None, audio: "wave=sine volume=0.5" }
    }

    fn launch(&self) -> String {
        let mut launch = "webrtcbin name=rtc bundle-policy=max-bundle ".to_owned();
        launch += &format!(
            "audiotestsrc is-live=true name=sound {} ! audioconvert ! opusenc dtx=true ! rtpopuspay name=sound-payloader dtx=true pt=111 \
             ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! valve name=sound-valve ! rtc. ",
            self.audio
        );
        if let Some(video) = &self.video {
            let Video { codec, pattern, width, height, frame_rate, bitrate_kbps } = video;
            let encoder = match *codec {
                "H264" => format!(
                    "x264enc name=encoder tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=600 \
                     bitrate={bitrate_kbps} ! video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1 \
                     ! video/x-h264,stream-format=byte-stream,alignment=au \
                     ! rtph264pay name=payloader aggregate-mode=zero-latency config-interval=-1 pt=96"
                ),
                "VP8" => format!(
                    "vp8enc name=encoder deadline=1 cpu-used=8 keyframe-max-dist=600 target-bitrate={} \
                     ! rtpvp8pay name=payloader pt=96",
                    bitrate_kbps * 1000
                ),
                other => panic!("no encoder for {other}"),
            };
            launch += &format!(
                "videotestsrc is-live=true pattern={pattern} \
                 ! video/x-raw,format=I420,width={width},height={height},framerate={frame_rate}/1 ! {encoder} \
                 ! application/x-rtp,media=video,encoding-name={codec},payload=96 ! valve name=picture-valve ! rtc. "
            );
        }
        launch
    }
}

/// What the publisher says.
#[derive(Debug)]
pub enum Said {
    Offer { exchange: u32, sdp: String },
    Candidate { exchange: u32, line: u32, text: String },
}

/// A running publisher; stopped when dropped.
pub struct Publisher {
    pipeline: gst::Pipeline,
    rtc: gst::Element,
    said: Receiver<Said>,
    say: Sender<Said>,
    exchange: Arc<AtomicU32>,
}

impl Publisher {
    pub fn start(show: &Show) -> Self {
        Self::new(show, |_| ())
    }

    /// One whose encoded frames are changed on the way into the payloader, or whose packets on the way out of it.
    pub fn altered(show: &Show, end: &str, alter: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Self {
        Self::new(show, |pipeline| change(pipeline, "payloader", end, alter))
    }

    /// The same of its sound.
    pub fn altered_sound(
        show: &Show,
        end: &str,
        alter: impl Fn(&mut Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        Self::new(show, |pipeline| change(pipeline, "sound-payloader", end, alter))
    }

    /// One that listens; the samples that it hears.
    pub fn listening(show: &Show) -> (Self, Arc<Mutex<Vec<i16>>>) {
        let heard = Arc::<Mutex<Vec<i16>>>::default();
        let into = Arc::clone(&heard);
        let publisher = Self::new(show, |pipeline| {
            let weak = pipeline.downgrade();
            let rtc = pipeline.by_name("rtc").expect("named in the launch line");
            rtc.connect_pad_added(move |_, pad| {
                let Some(pipeline) = weak.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src)
                else {
                    return;
                };
                hear(&pipeline, pad, &into);
            });
        });
        (publisher, heard)
    }

    /// One that offers a data channel, too.
    pub fn with_data(show: &Show) -> Self {
        Self::new(show, |pipeline| {
            pipeline.set_state(gst::State::Ready).expect("it gets ready");
            let rtc = pipeline.by_name("rtc").expect("named in the launch line");
            let none = None::<gst::Structure>;
            let channel =
                rtc.emit_by_name::<Option<gst::glib::Object>>("create-data-channel", &[&"data", &none]);
            assert!(channel.is_some(), "apt-get install gstreamer1.0-plugins-bad");
        })
    }

    /// One behind a network that loses every twelfth packet of its pictures, the first time it is sent.
    pub fn lossy(show: &Show) -> Self {
        Self::new(show, |pipeline| {
            pipeline.connect_deep_element_added(|_, _, element| {
                if element.factory().is_none_or(|factory| factory.name() != "nicesink") {
                    return;
                }
                let pad = element.static_pad("sink").expect("a sink has one");
                let newest = AtomicU32::new(0);
                let is_lost = move |packet: &gst::BufferRef| {
                    let bytes = packet.map_readable().expect("memory");
                    let [first, kind, a, b, ..] = bytes[..] else { return false };
                    let number = u32::from(u16::from_be_bytes([a, b])) + 1;
                    let is_picture = first >> 6 == 2 && kind & 0x7f == 96;
                    is_picture && newest.fetch_max(number, Relaxed) < number && number.is_multiple_of(12)
                };
                pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
                    match &mut info.data {
                        Some(gst::PadProbeData::Buffer(packet)) if is_lost(packet) => {
                            gst::PadProbeReturn::Handled
                        }
                        Some(gst::PadProbeData::BufferList(list)) => {
                            let kept = list.iter_owned().filter(|packet| !is_lost(packet));
                            *list = kept.collect();
                            gst::PadProbeReturn::Ok
                        }
                        Some(_) | None => gst::PadProbeReturn::Ok,
                    }
                });
            });
        })
    }

    fn new(show: &Show, prepare: impl FnOnce(&gst::Pipeline)) -> Self {
        gst::init().expect("GStreamer starts");
        let pipeline = gst::parse::launch(&show.launch())
            .expect(
                "the publisher's elements: apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
                 gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-nice",
            )
            .downcast::<gst::Pipeline>()
            .expect("a pipeline");
        let rtc = pipeline.by_name("rtc").expect("named in the launch line");
        router::ask_nothing(&rtc);
        let (say, said) = mpsc::channel();
        let exchange = Arc::new(AtomicU32::new(1));
        let (candidate, of) = (say.clone(), Arc::clone(&exchange));
        rtc.connect("on-ice-candidate", false, move |values| {
            let line = values[1].get().expect("a number");
            let text = values[2].get().expect("a text");
            // The test may be over.
            let exchange = of.load(Relaxed);
            candidate.send(Said::Candidate { exchange, line, text }).unwrap_or_default();
            None
        });
        let first = say.clone();
        rtc.connect("on-negotiation-needed", false, move |values| {
            let rtc = values[0].get::<gst::Element>().expect("webrtcbin");
            offer(&rtc, first.clone(), 1);
            None
        });
        prepare(&pipeline);
        let weak = pipeline.downgrade();
        rtc.connect_pad_added(move |_, pad| {
            // What nobody takes would stop the peer.
            let is_free = pad.direction() == gst::PadDirection::Src && !pad.is_linked();
            if let Some(pipeline) = weak.upgrade().filter(|_| is_free) {
                take(&pipeline, pad, "fakesink name=end async=false sync=false");
            }
        });
        pipeline.set_state(gst::State::Playing).expect("it plays");
        Self { pipeline, rtc, said, say, exchange }
    }

    /// What it said since the last time.
    pub fn listen(&self) -> Option<Said> {
        self.said.try_recv().ok()
    }

    pub fn answer(&self, sdp: &str) {
        let message = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).expect("the answer parses");
        let answer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Answer, message);
        self.rtc.emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
    }

    /// Offers again with new ICE credentials.
    pub fn restart_ice(&self) {
        let exchange = self.exchange.fetch_add(1, Relaxed) + 1;
        offer(&self.rtc, self.say.clone(), exchange);
    }

    pub fn candidate(&self, line: u32, text: &str) {
        self.rtc.emit_by_name::<()>("add-ice-candidate", &[&line, &text]);
    }

    /// How many packets of RTCP it was sent; nothing else is sent to it.
    pub fn received(&self) -> u64 {
        let foreign = self.sources().into_iter().filter(|source| source.get("internal") == Ok(false));
        u64::try_from(foreign.count()).unwrap_or(u64::MAX)
    }

    /// How many packets it was asked for again.
    pub fn asked_again(&self) -> u64 {
        let own = self.sources().into_iter().filter(|source| source.get("internal") == Ok(true));
        own.map(|source| u64::from(source.get::<u32>("recv-nack-count").unwrap_or(0))).sum()
    }

    /// What its session of RTP says of each source.
    fn sources(&self) -> Vec<gst::Structure> {
        let rtpbin = self.rtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin"));
        let session = rtpbin
            .and_then(|bin| bin.emit_by_name::<Option<gst::glib::Object>>("get-internal-session", &[&0u32]));
        let stats = session.map(|session| session.property::<gst::Structure>("stats"));
        let sources = stats.and_then(|stats| stats.get::<gst::glib::ValueArray>("source-stats").ok());
        sources
            .into_iter()
            .flat_map(|all| all.iter().filter_map(|v| v.get().ok()).collect::<Vec<_>>())
            .collect()
    }

    /// Sends nothing more, or again.
    pub fn mute(&self, muted: bool) {
        for valve in ["sound-valve", "picture-valve"].iter().filter_map(|name| self.pipeline.by_name(name)) {
            valve.set_property("drop", muted);
        }
    }

    pub fn volume(&self, volume: f64) {
        self.pipeline.by_name("sound").expect("named in the launch line").set_property("volume", volume);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).expect("it stops");
    }
}

/// Puts these elements behind a pad of webrtcbin.
fn take(pipeline: &gst::Pipeline, pad: &gst::Pad, launch: &str) -> gst::Bin {
    let bin = gst::parse::bin_from_description(launch, true).expect("usual elements");
    pipeline.add(&bin).expect("it can be added");
    bin.sync_state_with_parent().expect("it plays");
    pad.link(&bin.static_pad("sink").expect("an open end")).expect("it fits");
    bin
}

fn hear(pipeline: &gst::Pipeline, pad: &gst::Pad, into: &Arc<Mutex<Vec<i16>>>) {
    let launch = "rtpopusdepay ! opusdec plc=true ! audioconvert ! audio/x-raw,format=S16LE,channels=1 \
                  ! fakesink name=end async=false sync=false";
    let end = take(pipeline, pad, launch).by_name("end").and_then(|end| end.static_pad("sink"));
    let into = Arc::clone(into);
    end.expect("named above").add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let sound = info.buffer().expect("asked for").map_readable().expect("memory");
        let samples = sound.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample));
        into.lock().expect("nothing panicked").extend(samples);
        gst::PadProbeReturn::Ok
    });
}

/// Changes what passes this end of a payloader.
fn change(
    pipeline: &gst::Pipeline,
    payloader: &str,
    end: &str,
    alter: impl Fn(&mut Vec<u8>) + Send + Sync + 'static,
) {
    let payloader = pipeline.by_name(payloader).expect("it sends such");
    let pad = payloader.static_pad(end).expect("a payloader has both ends");
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        let altered = |buffer: &gst::BufferRef| {
            let mut bytes = buffer.map_readable().expect("memory").to_vec();
            alter(&mut bytes);
            let mut altered = gst::Buffer::from_mut_slice(bytes);
            let all =
                gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META;
            buffer.copy_into(altered.get_mut().expect("nobody else has it"), all, ..).expect("it fits");
            altered
        };
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => *buffer = altered(buffer),
            Some(gst::PadProbeData::BufferList(list)) => *list = list.iter().map(altered).collect(),
            other => panic!("{other:?} was not asked for"),
        }
        gst::PadProbeReturn::Ok
    });
}

/// Makes an offer, sets it and says it. GStreamer 1.22 has no option to restart ICE, so a later exchange gets its credentials by hand.
fn offer(rtc: &gst::Element, say: Sender<Said>, exchange: u32) {
    let weak = rtc.downgrade();
    let promise = gst::Promise::with_change_func(move |reply| {
        let Some(rtc) = weak.upgrade() else { return };
        let reply = reply.expect("webrtcbin answers").expect("with a structure");
        let offer = reply.get::<gst_webrtc::WebRTCSessionDescription>("offer").expect("an offer");
        let sdp = fresh(&offer.sdp().as_text().expect("text"), exchange);
        let message = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).expect("it parses");
        let offer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, message);
        rtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
        say.send(Said::Offer { exchange, sdp }).unwrap_or_default();
    });
    rtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
}

fn fresh(sdp: &str, exchange: u32) -> String {
    let lines = sdp.lines().map(|line| match line.split_once(':') {
        Some(("a=ice-ufrag", _)) if exchange > 1 => format!("a=ice-ufrag:fresh{exchange}\r\n"),
        Some(("a=ice-pwd", _)) if exchange > 1 => {
            format!("a=ice-pwd:freshfreshfreshfreshfresh{exchange}\r\n")
        }
        Some(_) | None => format!("{line}\r\n"),
    });
    lines
        .filter(|line| exchange == 1 || !line.starts_with("a=candidate") && !line.starts_with("a=end-of"))
        .collect()
}
