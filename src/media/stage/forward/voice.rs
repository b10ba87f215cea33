//! What a viewer says: dropped before it is taken apart, until the host lets it talk; then decoded into an input of that guest's return.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use super::bucket::TokenBucket;
use crate::media::codec::Codec;
use crate::media::mix::Input;
use crate::media::opus;
use crate::media::stage::decode;
use crate::media::stage::decoded_sound;
use crate::media::stage::returns::Ear;
use crate::model::viewer::Talk;

/// Packets a second that are decoded: browsers send 50, or 100 of 10 ms.
const PACKETS: u32 = 150;

/// The voice of one viewer.
#[derive(Debug)]
pub struct ViewerVoice {
    ear: Ear,
    input: Arc<Mutex<Input>>,
    talks: Arc<AtomicBool>,
    is_linked: bool,
}

impl ViewerVoice {
    /// Silent; `ear` is the guest's that is watched.
    pub fn new(ear: Ear) -> Self {
        Self { ear, input: Arc::default(), talks: Arc::default(), is_linked: false }
    }

    /// Whether the guest hears it.
    pub fn set(&self, talk: Talk) {
        self.talks.store(talk == Talk::On, Relaxed);
        match talk {
            Talk::On => self.ear.listen(&self.input),
            Talk::Off => self.ear.ignore(&self.input),
        }
    }

    /// Takes a stream of the viewer's webrtcbin. The first of sound is its voice, and nobody takes any other.
    pub fn link(&mut self, pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), glib::BoolError> {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let name = caps.structure(0).and_then(|s| s.get::<&str>("encoding-name").ok());
        let is_voice = name.and_then(Codec::of) == Some(Codec::Opus) && !self.is_linked;
        let entry = if is_voice { self.chain(pipeline, pad)? } else { decode::drain(pipeline)? };
        self.is_linked |= is_voice;
        pad.link(&entry).map(|_| ()).map_err(|error| glib::bool_error!("{error}"))
    }

    fn chain(&self, pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<gst::Pad, glib::BoolError> {
        self.gate(pad);
        let depayloader = gst::ElementFactory::make("rtpopusdepay").build()?;
        let decoder = opus::decoder()?;
        pipeline.add_many([&depayloader, &decoder])?;
        depayloader.link(&decoder)?;
        let end = |element: &gst::Element, name| {
            element.static_pad(name).ok_or_else(|| glib::bool_error!("{} has no {name}", element.name()))
        };
        let decoded = end(&decoder, "src")?;
        decoded_sound::tap(&decoded, Arc::clone(&self.input));
        decoded.link(&decode::drain(pipeline)?).map_err(|error| glib::bool_error!("{error}"))?;
        [&decoder, &depayloader].into_iter().try_for_each(gst::Element::sync_state_with_parent)?;
        end(&depayloader, "sink")
    }

    fn gate(&self, pad: &gst::Pad) {
        let (talks, bucket) = (Arc::clone(&self.talks), Mutex::new(TokenBucket::new(PACKETS / 2, PACKETS)));
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            // Not `Drop`, as in `encoder::frames`: GStreamer would drop it a second time.
            if talks.load(Relaxed) && bucket.take(Instant::now()) {
                gst::PadProbeReturn::Ok
            } else {
                gst::PadProbeReturn::Handled
            }
        });
    }
}

impl Drop for ViewerVoice {
    fn drop(&mut self) {
        self.set(Talk::Off);
    }
}
