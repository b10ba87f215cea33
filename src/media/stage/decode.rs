//! From one stream of a peer's RTP to decoded pictures or sound, with the probes that feed the peer's [`Meter`].
//!
//! ```text
//! webrtcbin.src ─ queue ─ depayloader ─ (parser ─ byte stream) ─ decoder ─ fakesink (the last picture is kept)
//!                 depayloader ─ decoder ─ level ─ fakesink
//! ```
//! Sound is decoded in less time than a packet takes to be unpacked, on the thread of its jitter buffer. Invariant: the queue leaks
//! before it blocks, so that a slow decoder never stops the peer's transport; a frame is left out before the decoder, never after;
//! pictures that would be decoded without their key frame are not decoded, and none is that claims to be larger than `frame_size`
//! allows. A picture is kept before
//! it is announced, so that who hears of it can see it. Probes hold the meter, what is kept and a wake-up, never an element. Not here: who is reduced to key frames (`governor`), who links what when (`peer`).

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::frame_size::{self, Unfit, VP8_HEADER};
use super::governor::Decoding;
use super::meter::Meter;
pub use crate::media::codec::Codec;
use crate::media::elements::{self, MissingElement};

/// So much may wait for a decoder before the oldest is thrown away. The governor acts at a tenth of it.
const QUEUE_LONGEST: gst::ClockTime = gst::ClockTime::from_seconds(3);
/// A bound in memory too, for streams whose time stamps lie: 8 MiB is 3 s at 20 Mbit/s.
const QUEUE_BYTES: u32 = 8 << 20;
/// So much may come without a frame: a key frame of 1080p has a quarter of it at most. A depayloader would keep it all.
const FRAME_BYTES: usize = 4 << 20;
/// A reduced stream shows a new picture at most so often. It is asked for one less often than that.
const KEY_FRAME_EVERY: Duration = Duration::from_secs(1);
/// How often the level of the sound is measured.
const LEVEL_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// The decoders of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Decoders {
    h264: Option<&'static str>,
    vp8: Option<&'static str>,
}

impl Decoders {
    /// What is installed. A stage must hear, and see at least one video codec.
    pub fn find() -> Result<Self, MissingElement> {
        for name in [
            "webrtcbin",
            "nicesrc",
            "queue",
            "rtpopusdepay",
            "opusdec",
            "level",
            "fakesink",
            "jpegenc",
            "capsfilter",
        ] {
            elements::require(name)?;
        }
        let h264 = elements::first(&["avdec_h264", "openh264dec", "v4l2h264dec"])
            .filter(|_| elements::require("h264parse").is_ok());
        let found = Self { h264, vp8: elements::first(&["vp8dec"]) };
        match found {
            Self { h264: None, vp8: None } => elements::require("avdec_h264").map(|()| found),
            Self { h264: Some(_), .. } | Self { vp8: Some(_), .. } => Ok(found),
        }
    }

    /// Whether this codec can be decoded here.
    pub fn can(self, codec: Codec) -> bool {
        match codec {
            Codec::Opus => true,
            Codec::H264 => self.h264.is_some(),
            Codec::Vp8 => self.vp8.is_some(),
        }
    }
}

/// One stream being decoded.
#[derive(Debug)]
pub struct Chain {
    /// Where the RTP goes in.
    pub entry: gst::Pad,
    /// What was decoded last, of pictures.
    pub last: Last,
}

/// The last decoded picture.
#[derive(Debug, Clone, Default)]
pub struct Last(Arc<Mutex<Option<gst::Sample>>>);

impl Last {
    /// It, if there was one.
    pub fn picture(&self) -> Option<gst::Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, buffer: &gst::Buffer, caps: Option<&gst::Caps>) {
        let sample = gst::Sample::builder().buffer(buffer);
        let sample = caps.into_iter().fold(sample, |sample, caps| sample.caps(caps)).build();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sample);
    }
}

/// Says that the first picture or sound was decoded.
pub type Announce = Arc<dyn Fn() -> Sent + Send + Sync>;

/// Says why nothing more of this stream is decoded.
pub type Refuse = Arc<dyn Fn(Unfit) -> Sent + Send + Sync>;

/// Whether a wake-up found room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It did.
    Yes,
    /// It did not: say it again later.
    No,
}

/// Builds and starts the chain for `codec` inside `pipeline`. `announce` is there for the stream whose first decoded buffer makes
/// the peer live; `refuse` hears of pictures that are not decoded.
pub fn chain(
    pipeline: &gst::Pipeline,
    decoders: Decoders,
    codec: Codec,
    meter: &Arc<Meter>,
    announce: Option<Announce>,
    refuse: Refuse,
) -> Result<Chain, gst::glib::BoolError> {
    let steps = match codec {
        Codec::Opus => sound_steps()?,
        Codec::H264 => {
            let before = vec![make("rtph264depay")?, make("h264parse")?, byte_stream()?];
            picture_steps(before, decoders.h264)?
        }
        Codec::Vp8 => picture_steps(vec![make("rtpvp8depay")?], decoders.vp8)?,
    };
    pipeline.add_many(&steps.elements)?;
    gst::Element::link_many(&steps.elements)?;
    let entry = pad(&steps.elements[0], "sink")?;
    let last = Last::default();
    match codec {
        Codec::Opus => watch_sound(&pad(&steps.decoder, "src")?, meter, announce),
        Codec::H264 | Codec::Vp8 => {
            let guard = Arc::new(Guard::new(codec, refuse));
            take_up_packets(&pad(&steps.elements[1], "sink")?, meter, &guard);
            gate_frames(&pad(&steps.decoder, "sink")?, meter, guard);
            watch_pictures(&pad(&steps.decoder, "src")?, meter, &last, announce);
        }
    }
    start(&steps.elements)?;
    Ok(Chain { entry, last })
}

/// A place for a stream nobody wants: an unlinked pad would stop its peer.
pub fn drain(pipeline: &gst::Pipeline) -> Result<gst::Pad, gst::glib::BoolError> {
    let sink = sink()?;
    pipeline.add(&sink)?;
    sink.sync_state_with_parent()?;
    pad(&sink, "sink")
}

struct Steps {
    elements: Vec<gst::Element>,
    decoder: gst::Element,
}

fn sound_steps() -> Result<Steps, gst::glib::BoolError> {
    let decoder = make("opusdec")?;
    let level = make("level")?;
    level.set_property("interval", LEVEL_EVERY.nseconds());
    level.set_property("post-messages", true);
    let elements = vec![make("rtpopusdepay")?, decoder.clone(), level, sink()?];
    Ok(Steps { elements, decoder })
}

/// What is read by [`frame_size`] is what the decoder reads: parameter sets are in the stream, and nowhere else.
fn byte_stream() -> Result<gst::Element, gst::glib::BoolError> {
    let caps = gst::Caps::builder("video/x-h264")
        .field("stream-format", "byte-stream")
        .field("alignment", "au")
        .build();
    gst::ElementFactory::make("capsfilter").property("caps", caps).build()
}

/// The queue, then `before`, then the decoder.
fn picture_steps(
    before: Vec<gst::Element>,
    decoder: Option<&'static str>,
) -> Result<Steps, gst::glib::BoolError> {
    let name = decoder.ok_or_else(|| gst::glib::bool_error!("no decoder for this codec"))?;
    let decoder = make(name)?;
    // Ten peers share the cores already; more threads for one peer only cost memory and delay.
    match name {
        "avdec_h264" => decoder.set_property("max-threads", 1),
        "vp8dec" => decoder.set_property("threads", 1u32),
        // The others have no say in it.
        _ => {}
    }
    let mut elements = vec![queue()?];
    elements.extend(before);
    elements.extend([decoder.clone(), sink()?]);
    Ok(Steps { elements, decoder })
}

fn make(name: &str) -> Result<gst::Element, gst::glib::BoolError> {
    gst::ElementFactory::make(name).build()
}

fn queue() -> Result<gst::Element, gst::glib::BoolError> {
    let queue = make("queue")?;
    queue.set_property("max-size-buffers", 0u32);
    queue.set_property("max-size-bytes", QUEUE_BYTES);
    queue.set_property("max-size-time", QUEUE_LONGEST.nseconds());
    queue.set_property_from_str("leaky", "downstream");
    queue.set_property("silent", true);
    Ok(queue)
}

fn sink() -> Result<gst::Element, gst::glib::BoolError> {
    let sink = make("fakesink")?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    sink.set_property("qos", false);
    sink.set_property("enable-last-sample", false);
    Ok(sink)
}

fn pad(element: &gst::Element, name: &str) -> Result<gst::Pad, gst::glib::BoolError> {
    element.static_pad(name).ok_or_else(|| gst::glib::bool_error!("{} has no pad {}", element.name(), name))
}

/// From the sink upward, so that nothing flows into an element that does not run yet.
fn start(elements: &[gst::Element]) -> Result<(), gst::glib::BoolError> {
    elements.iter().rev().try_for_each(gst::Element::sync_state_with_parent)
}

/// Counts what arrives at `source`, a pad of webrtcbin, and notes what was lost on the way.
pub fn watch_arrivals(source: &gst::Pad, codec: Codec, meter: &Arc<Meter>) {
    let meter = Arc::clone(meter);
    let kinds =
        gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST | gst::PadProbeType::EVENT_DOWNSTREAM;
    source.add_probe(kinds, move |_, info| {
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => arrived(&meter, codec, buffer),
            Some(gst::PadProbeData::BufferList(list)) => {
                list.make_mut().foreach_mut(|mut buffer, _| {
                    arrived(&meter, codec, &mut buffer);
                    ControlFlow::Continue(Some(buffer))
                });
            }
            Some(gst::PadProbeData::Event(event)) => {
                if event.structure().is_some_and(|s| s.name() == "GstRTPPacketLost") && codec != Codec::Opus {
                    meter.want_key_frame();
                }
            }
            // Queries and what later versions add carry no media.
            Some(_) | None => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// From here on a packet of pictures has the time of its arrival: by its own one its sender could claim any lag. Pictures are shown
/// when they are decoded, so nobody misses it.
fn arrived(meter: &Meter, codec: Codec, buffer: &mut gst::Buffer) {
    match codec {
        Codec::Opus => meter.audio_packet(Instant::now(), buffer.size()),
        Codec::H264 | Codec::Vp8 => {
            let moment = meter.video_packet(Instant::now(), buffer.size());
            let buffer = buffer.make_mut();
            buffer.set_pts(gst::ClockTime::from_nseconds(moment));
            buffer.set_dts(gst::ClockTime::NONE);
        }
    }
}

/// Keeps from a decoder what it must not be given; after the first such thing, everything.
struct Guard {
    codec: Codec,
    /// Bytes that came since the last frame.
    waiting: AtomicUsize,
    refused: AtomicBool,
    told: AtomicBool,
    refuse: Refuse,
}

impl Guard {
    fn new(codec: Codec, refuse: Refuse) -> Self {
        Self {
            codec,
            waiting: AtomicUsize::new(0),
            refused: AtomicBool::new(false),
            told: AtomicBool::new(false),
            refuse,
        }
    }

    /// A packet is about to become part of a frame.
    fn packet(&self, bytes: usize) -> Result<(), Unfit> {
        let waiting = self.waiting.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if waiting > FRAME_BYTES { Err(Unfit::Endless(FRAME_BYTES)) } else { Ok(()) }
    }

    /// A frame is about to be decoded.
    fn frame(&self, frame: &gst::BufferRef) -> Result<(), Unfit> {
        self.waiting.store(0, Relaxed);
        match self.codec {
            Codec::Opus => Ok(()),
            Codec::H264 => {
                let frame = frame.map_readable().map_err(|_| Unfit::Unreadable)?;
                frame_size::check_h264(&frame)
            }
            Codec::Vp8 => {
                let mut head = [0; VP8_HEADER];
                let length = frame.size().min(VP8_HEADER);
                frame.copy_to_slice(0, &mut head[..length]).map_err(|_| Unfit::Unreadable)?;
                frame_size::check_vp8(&head[..length])
            }
        }
    }

    /// What the depayloader or the parser has read of the stream.
    fn caps(&self, caps: &gst::CapsRef) -> Result<(), Unfit> {
        let pixels =
            |name| caps.structure(0).and_then(|caps| u32::try_from(caps.get::<i32>(name).ok()?).ok());
        pixels("width")
            .zip(pixels("height"))
            .map_or(Ok(()), |(width, height)| frame_size::check_size(width, height))
    }

    /// Whether it goes on, by what was found. Says once why not.
    fn judge(&self, found: Result<(), Unfit>) -> gst::PadProbeReturn {
        if let Err(unfit) = found {
            self.refused.store(true, Relaxed);
            if !self.told.load(Relaxed) && (self.refuse)(unfit) == Sent::Yes {
                self.told.store(true, Relaxed);
            }
        }
        if self.refused.load(Relaxed) { gst::PadProbeReturn::Handled } else { gst::PadProbeReturn::Ok }
    }
}

/// Bounds what a depayloader collects for one frame, and notes whose turn it is.
fn take_up_packets(depayloader_sink: &gst::Pad, meter: &Arc<Meter>, guard: &Arc<Guard>) {
    let (meter, guard) = (Arc::clone(meter), Arc::clone(guard));
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    let take_up = move |packet: &gst::BufferRef| {
        if let Some(moment) = packet.pts() {
            meter.taken_up(moment.nseconds());
        }
    };
    depayloader_sink.add_probe(kinds, move |_, info| match &info.data {
        Some(gst::PadProbeData::Buffer(packet)) => {
            take_up(packet);
            guard.judge(guard.packet(packet.size()))
        }
        Some(gst::PadProbeData::BufferList(list)) => {
            list.iter().for_each(&take_up);
            guard.judge(guard.packet(list.calculate_size()))
        }
        // Nothing else was asked for.
        Some(_) | None => gst::PadProbeReturn::Ok,
    });
}

/// When the last key frame was decoded.
#[derive(Default)]
struct KeyFrames(Mutex<Option<Instant>>);

impl KeyFrames {
    /// Whether this one is decoded: a stream that consists of them would be no smaller for being reduced.
    fn fits(&self, now: Instant, decoding: Decoding) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let early = last.is_some_and(|last| now.saturating_duration_since(last) < KEY_FRAME_EVERY);
        if early && decoding == Decoding::KeyFrames {
            return false;
        }
        *last = Some(now);
        true
    }
}

/// Leaves out what cannot or shall not be decoded: what does not fit, all before a key frame, and, when reduced, all but key frames.
fn gate_frames(decoder_sink: &gst::Pad, meter: &Arc<Meter>, guard: Arc<Guard>) {
    let meter = Arc::clone(meter);
    let whole = AtomicBool::new(false);
    let key_frames = KeyFrames::default();
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    decoder_sink.add_probe(kinds, move |_, info| {
        let buffer = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => buffer,
            Some(gst::PadProbeData::Event(event)) => {
                let gst::EventView::Caps(caps) = event.view() else { return gst::PadProbeReturn::Ok };
                return guard.judge(guard.caps(caps.caps()));
            }
            // Queries and what later versions add carry no media.
            Some(_) | None => return gst::PadProbeReturn::Ok,
        };
        // Not `Drop`: the binding has taken the buffer, and GStreamer would drop it a second time.
        if guard.judge(guard.frame(buffer)) == gst::PadProbeReturn::Handled {
            return gst::PadProbeReturn::Handled;
        }
        if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            let fits = key_frames.fits(Instant::now(), meter.decoding());
            whole.store(fits, Relaxed);
            return if fits { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Handled };
        }
        match meter.decoding() {
            Decoding::KeyFrames => whole.store(false, Relaxed),
            Decoding::All if whole.load(Relaxed) => return gst::PadProbeReturn::Ok,
            Decoding::All => meter.want_key_frame(),
        }
        gst::PadProbeReturn::Handled
    });
}

/// Counts decoded pictures, notes their size, keeps the last, announces the first.
fn watch_pictures(decoder_source: &gst::Pad, meter: &Arc<Meter>, last: &Last, announce: Option<Announce>) {
    let (meter, last) = (Arc::clone(meter), last.clone());
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    decoder_source.add_probe(kinds, move |decoder_source, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(picture)) => {
                meter.decoded();
                last.keep(picture, decoder_source.current_caps().as_ref());
                tell(&meter, announce.as_ref());
            }
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view()
                    && let Ok(picture) = gst_video::VideoInfo::from_caps(caps.caps())
                {
                    meter.resized(picture.width(), picture.height());
                }
            }
            // Queries and what later versions add carry no pictures.
            Some(_) | None => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// Announces the first sound. Its level comes by the bus.
fn watch_sound(decoder_source: &gst::Pad, meter: &Arc<Meter>, announce: Option<Announce>) {
    let meter = Arc::clone(meter);
    decoder_source.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        tell(&meter, announce.as_ref());
        gst::PadProbeReturn::Ok
    });
}

fn tell(meter: &Meter, announce: Option<&Announce>) {
    if let Some(announce) = announce
        && meter.take_announcement()
        && announce() == Sent::No
    {
        meter.announce_next();
    }
}
