//! One open device: its pipeline, from the profile's fragment to the bridge.
//!
//! ```text
//! fragment (camera … size) ─ videoflip ─ shape ─ end ─► bridge
//! fragment (camera … size) ─ end ─► bridge, of what the camera encodes or shares and nothing is drawn into
//! fragment (microphone) ─ audioconvert ─ audioresample ─ (voice) ─ volume ─ level ─ shape ─ end ─► bridge
//! ```
//! Invariant: the device is closed when a [`Source`] is dropped. Opening and closing may take seconds: never on the
//! loop's thread. Callbacks hold the bridge and a channel, never an element.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use super::file;
use super::order::{SourceOrder, shape};
use super::sink;
use super::stream::StreamEvent;
use super::volume::{Card, VolumeControl};
use crate::media::bridge::{Bridge, FrameKind};
use crate::media::core::caps::FRAME_RATE;
use crate::media::core::event_sender::EventSender;
use crate::media::profile::{self, From};
use crate::media::publisher::processing::Listening;
use crate::media::publisher::send_meter::SendMeter;
use crate::model::Refusal;
use crate::model::media::{Mirror, Quality};
use crate::model::message::DeviceKind;
use crate::model::volume::Loudness;

/// How often the level of the microphone is measured.
const LEVEL_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// An open device.
#[derive(Debug)]
pub struct Source {
    pipeline: gst::Pipeline,
    pub id: String,
    /// The size in which a camera's pictures cross the bridge.
    pub sent: Quality,
    /// What crosses the bridge.
    pub kind: FrameKind,
    /// The node, where there is one.
    pub node: Option<PathBuf>,
    pub volume: VolumeControl,
    from: From,
    /// Of a file.
    pass: file::Pass,
    /// What is played is heard for this microphone until it is closed.
    _listening: Option<Listening>,
}

/// Whether it begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewind {
    Done,
    /// Not yet: it was too short.
    Soon,
    /// Not as it is.
    Not,
    /// It is no file.
    Never,
}

impl Source {
    /// Opens it; the first buffer comes later, as an event.
    pub fn open(
        order: &SourceOrder,
        volume: VolumeControl,
        bridge: &Arc<Bridge>,
        meter: &Arc<SendMeter>,
        events: &EventSender<StreamEvent>,
    ) -> Result<Self, Refusal> {
        let failed = |why: String| Refusal::new(order.device.start_fail(), why);
        let (pipeline, listening) = build(order, bridge, events).map_err(failed)?;
        listen(&pipeline, order, meter, events);
        let sent = order.candidate.choice.map_or(order.wanted, |choice| choice.sent);
        let node = order.located.as_ref().map(|located| located.node.clone());
        let (id, from, kind) = (order.id.clone(), order.candidate.capture.from, order.candidate.kind());
        let pass = file::Pass::begin();
        let source = Self { pipeline, id, sent, kind, node, volume, from, pass, _listening: listening };
        match source.pipeline.set_state(gst::State::Playing) {
            Ok(_) => Ok(source),
            Err(_) => {
                // The bus has said why; it comes as an event unless it is told here.
                Err(first_error(&source.pipeline, order))
            }
        }
    }

    pub fn set_mirror(&self, mirror: Mirror) {
        if let Some(flip) = self.pipeline.by_name("mirror") {
            flip.set_property_from_str("video-direction", direction(mirror));
        }
    }

    /// Its volume, as it is wanted now; `apply` has the card set.
    pub fn follow_volume(&mut self, wanted: Loudness, apply: impl FnOnce(Card) -> Result<(), String>) {
        let pipeline = &self.pipeline;
        let set_gain = |gain: f64| {
            if let Some(element) = pipeline.by_name("volume") {
                element.set_property("volume", gain);
            }
        };
        self.volume.follow(wanted, set_gain, apply);
    }

    /// Whether it is a file: some decoders never say that it is at its end.
    pub fn is_file(&self) -> bool {
        self.from == From::File
    }

    /// A file begins again.
    pub fn rewind(&mut self, now: Instant) -> Rewind {
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT;
        match self.from {
            From::Device => Rewind::Never,
            From::File if !self.pass.again(now) => Rewind::Soon,
            From::File if self.pipeline.seek_simple(flags, gst::ClockTime::ZERO).is_ok() => Rewind::Done,
            From::File => Rewind::Not,
        }
    }
}

impl Drop for Source {
    /// Closes it; the device is free when this returns.
    fn drop(&mut self) {
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("the pipeline of {} did not stop cleanly", self.id);
        }
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
        }
    }
}

fn direction(mirror: Mirror) -> &'static str {
    match mirror {
        Mirror::No => "identity",
        Mirror::Yes => "horiz",
    }
}

fn build(
    order: &SourceOrder,
    bridge: &Arc<Bridge>,
    events: &EventSender<StreamEvent>,
) -> Result<(gst::Pipeline, Option<Listening>), String> {
    let say = |error: glib::BoolError| error.message.to_string();
    let fragment = profile::parse(&order.candidate.capture.launch).map_err(|error| error.to_string())?;
    close_entries(&fragment).map_err(say)?;
    if order.candidate.capture.from == From::File {
        file::take_any_features(&fragment, order.device);
        if let Some(file) = &order.address {
            file::obey_exif(&fragment, Path::new(file));
        }
    }
    let name = match order.device {
        DeviceKind::Camera => "camera",
        DeviceKind::Microphone => "microphone",
    };
    if let (Some(property), Some(address)) = (&order.candidate.capture.address, &order.address)
        && let Some(element) = fragment.by_name(name)
    {
        element.set_property(property, address.as_str());
    }
    for (name, caps) in [
        ("size", Some(order.crossing())),
        ("format", order.candidate.format()),
        ("wanted", Some(wanted_caps(order.wanted))),
    ] {
        if let (Some(filter), Some(caps)) = (fragment.by_name(name), caps) {
            filter.set_property("caps", &caps);
        }
    }
    let pipeline = gst::Pipeline::new();
    pipeline.add(&fragment).map_err(say)?;
    let (mut tail, listening) = tail(order).map_err(say)?;
    tail.push(sink::make(order, bridge, events).map_err(say)?);
    pipeline.add_many(&tail).map_err(say)?;
    gst::Element::link_many(&tail).map_err(say)?;
    fragment.link(&tail[0]).map_err(say)?;
    Ok((pipeline, listening))
}

/// What a source that makes any size is asked for.
fn wanted_caps(quality: Quality) -> gst::Caps {
    let (width, height) = quality.size();
    let pixels = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    gst::Caps::builder("video/x-raw")
        .field("width", pixels(width))
        .field("height", pixels(height))
        .field("framerate", gst::Fraction::new(FRAME_RATE, 1))
        .build()
}

/// A camera has no entry: what looks like one is the place where a decoder will link itself once it knows the file.
fn close_entries(fragment: &gst::Bin) -> Result<(), glib::BoolError> {
    for entry in fragment.sink_pads().into_iter().filter_map(|pad| pad.downcast::<gst::GhostPad>().ok()) {
        entry.set_target(None::<&gst::Pad>)?;
        fragment.remove_pad(&entry)?;
    }
    Ok(())
}

fn tail(order: &SourceOrder) -> Result<(Vec<gst::Element>, Option<Listening>), glib::BoolError> {
    let shaped = || gst::ElementFactory::make("capsfilter").property("caps", shape(&order.caps)).build();
    Ok(match order.device {
        DeviceKind::Camera if order.candidate.kind() != FrameKind::Raw => (Vec::new(), None),
        DeviceKind::Camera => {
            let flip = gst::ElementFactory::make("videoflip").name("mirror").build()?;
            // One that was never anything else copies every picture; one that comes back to `identity` hands them on.
            for mirror in [Mirror::Yes, Mirror::No, order.mirror] {
                flip.set_property_from_str("video-direction", direction(mirror));
            }
            (vec![flip, shaped()?], None)
        }
        DeviceKind::Microphone => {
            let mut tail = vec![
                gst::ElementFactory::make("audioconvert").build()?,
                gst::ElementFactory::make("audioresample").build()?,
            ];
            let mut listening = None;
            if let Some(processor) = order.processing.processor()? {
                tail.extend([shaped()?, processor.element]);
                listening = processor.listening;
            }
            tail.extend([
                gst::ElementFactory::make("volume").name("volume").property("volume", order.gain).build()?,
                gst::ElementFactory::make("level").property("interval", LEVEL_EVERY.nseconds()).build()?,
                shaped()?,
            ]);
            (tail, listening)
        }
    })
}

fn listen(
    pipeline: &gst::Pipeline,
    order: &SourceOrder,
    meter: &Arc<SendMeter>,
    events: &EventSender<StreamEvent>,
) {
    let Some(bus) = pipeline.bus() else { return };
    let (meter, events, order) = (Arc::clone(meter), events.clone(), order.clone());
    let undecoded = file::Undecoded::default();
    bus.set_sync_handler(move |_, message| {
        let event = match message.view() {
            gst::MessageView::Element(element) => {
                if let Some(level) = element.structure().filter(|s| s.name() == "level").and_then(loudest) {
                    meter.heard(level);
                }
                element.structure().into_iter().for_each(|message| undecoded.note(message));
                None
            }
            gst::MessageView::Error(error) => {
                let place = error.src().map(|src| src.path_string()).unwrap_or_default();
                order.processing.blame(&place, error.error().message());
                let explained = undecoded.explain(&order, &error.error());
                Some(explained.unwrap_or_else(|| StreamEvent::Broken(refusal(&order, error))))
            }
            gst::MessageView::Eos(_) => Some(StreamEvent::Ended),
            // Nothing else changes what is captured.
            _ => None,
        };
        if let Some(event) = event {
            events.notify(event);
            return gst::BusSyncReply::Pass;
        }
        gst::BusSyncReply::Drop
    });
}

/// RMS of the loudest channel.
fn loudest(level: &gst::StructureRef) -> Option<f64> {
    let channels = level.get::<glib::ValueArray>("rms").ok()?;
    channels.iter().filter_map(|value| value.get::<f64>().ok()).reduce(f64::max)
}

fn first_error(pipeline: &gst::Pipeline, order: &SourceOrder) -> Refusal {
    let message = pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
    match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Error(error)) => refusal(order, error),
        _ => Refusal::new(order.device.start_fail(), format!("{} does not start", order.id)),
    }
}

/// An error of a device's pipeline in the SDK's codes, with its cause as far as the machine knows it.
fn refusal(order: &SourceOrder, error: &gst::message::Error) -> Refusal {
    let file = order.address.as_deref().filter(|_| order.candidate.capture.from == From::File);
    let refusal = match file {
        // GStreamer's words are "Internal data stream error."
        Some(file) if error.error().matches(gst::StreamError::Failed) => Refusal::new(
            order.device.start_fail(),
            format!(
                "{file}: it cannot be decoded: it is damaged, or of a kind that the decoder does not know"
            ),
        ),
        Some(file) => driver_says(order.device, file, error),
        None => driver_says(order.device, &order.id, error),
    };
    match &order.located {
        Some(located) => (order.explain)(order.device, located, refusal),
        None => refusal,
    }
}

fn driver_says(device: DeviceKind, id: &str, error: &gst::message::Error) -> Refusal {
    let (what, debug) = (error.error(), error.debug().unwrap_or_default());
    let text = format!("{id}: {what}");
    let has = |words: &[&str]| words.iter().any(|word| debug.contains(word) || text.contains(word));
    let code = if what.matches(gst::ResourceError::Busy) || has(&["EBUSY", "Device or resource busy"]) {
        device.occupied()
    } else if what.matches(gst::ResourceError::NotAuthorized) || has(&["Permission denied"]) {
        device.not_authorized()
    } else if what.matches(gst::ResourceError::NotFound) || has(&["No such file", "No such device"]) {
        device.device_empty()
    } else {
        device.start_fail()
    };
    Refusal::new(code, text)
}
