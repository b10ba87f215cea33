//! From one stream of a peer's RTP to decoded pictures or sound, with the probes that feed the peer's [`Meter`].
//!
//! ```text
//! webrtcbin.src ─ queue ─ depayloader ─ (parser ─ byte stream) ─ decoder ─ fakesink (the last picture is kept)
//!                 depayloader ─ decoder ─ level ─ fakesink
//! ```
//! Sound is decoded in less time than a packet takes to be unpacked, on the thread of its peer's transport; pictures are by the threads
//! of `decode_queue`. Invariant: the queue leaks before it blocks, so that a slow decoder never stops the peer's transport. Not here: what passes and is counted (`probes`), who is
//! reduced to key frames (`governor`), who links what when (`peer`).

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::decode_queue::{LONGEST, MOST_BYTES, Pool};
use super::meter::Meter;
use super::probes::{self, Announce, Guard, Last};
pub use crate::media::codec::Codec;
use crate::media::elements::{self, MissingElement};
use crate::media::opus;

/// How often the level of the sound is measured.
const LEVEL_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// What a peer needs whatever it sends.
const ELEMENTS: [&str; 14] = [
    "webrtcbin",
    "nicesrc",
    "rtpbin",
    "srtpenc",
    "queue",
    "rtpopusdepay",
    "opusdec",
    "level",
    "fakesink",
    "jpegenc",
    "capsfilter",
    "appsrc",
    "opusenc",
    "rtpopuspay",
];

/// The decoders of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Decoders {
    h264: Option<&'static str>,
    vp8: Option<&'static str>,
}

impl Decoders {
    /// What is installed. A stage must hear, and see at least one video codec.
    pub fn find() -> Result<Self, MissingElement> {
        ELEMENTS.iter().try_for_each(|name| elements::require(name))?;
        let h264 = elements::first(&["avdec_h264", "openh264dec", "v4l2h264dec"])
            .filter(|_| elements::require("h264parse").is_ok());
        let found = Self { h264, vp8: elements::first(&["vp8dec"]) };
        match found {
            Self { h264: None, vp8: None } => elements::require("avdec_h264").map(|()| found),
            Self { h264: Some(_), .. } | Self { vp8: Some(_), .. } => Ok(found),
        }
    }

    /// All that a peer needs, and the decoders.
    pub fn elements(self) -> impl Iterator<Item = &'static str> {
        ELEMENTS.into_iter().chain(self.h264).chain(self.h264.map(|_| "h264parse")).chain(self.vp8)
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
    /// Where what was decoded comes out.
    pub decoded: gst::Pad,
}

/// Builds and starts the chain for the codec of `guard` inside `pipeline`. `announce` is there for the stream whose first decoded buffer
/// makes the peer live.
pub fn chain(
    pipeline: &gst::Pipeline,
    decoders: Decoders,
    pool: &Pool,
    meter: &Arc<Meter>,
    announce: Option<Announce>,
    guard: Guard,
) -> Result<Chain, gst::glib::BoolError> {
    let codec = guard.codec();
    let steps = match codec {
        Codec::Opus => sound_steps()?,
        Codec::H264 => {
            let before = vec![make("rtph264depay")?, make("h264parse")?, byte_stream()?];
            picture_steps(before, decoders.h264, pool)?
        }
        Codec::Vp8 => picture_steps(vec![make("rtpvp8depay")?], decoders.vp8, pool)?,
    };
    pipeline.add_many(&steps.elements)?;
    gst::Element::link_many(&steps.elements)?;
    let entry = pad(&steps.elements[0], "sink")?;
    let last = Last::default();
    let decoded = pad(&steps.decoder, "src")?;
    match codec {
        Codec::Opus => probes::watch_sound(&decoded, meter, announce),
        Codec::H264 | Codec::Vp8 => {
            let guard = Arc::new(guard);
            probes::take_up_packets(&pad(&steps.elements[1], "sink")?, meter, &guard);
            probes::gate_frames(&pad(&steps.decoder, "sink")?, meter, guard);
            probes::watch_pictures(&decoded, meter, &last, announce);
        }
    }
    start(&steps.elements)?;
    Ok(Chain { entry, last, decoded })
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
    let decoder = opus::decoder()?;
    let level = make("level")?;
    level.set_property("interval", LEVEL_EVERY.nseconds());
    level.set_property("post-messages", true);
    let elements = vec![make("rtpopusdepay")?, decoder.clone(), level, sink()?];
    Ok(Steps { elements, decoder })
}

/// What is read by `frame_size` is what the decoder reads: parameter sets are in the stream, and nowhere else.
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
    pool: &Pool,
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
    // A driver may hang, and then holds up its own peer alone.
    let queue = if name.starts_with("v4l2") { queue()? } else { pool.queue() };
    let mut elements = vec![queue];
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
    queue.set_property("max-size-bytes", MOST_BYTES);
    queue.set_property("max-size-time", LONGEST.nseconds());
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

#[cfg(test)]
mod tests;
