//! One encoder at work: a bin of its own in the peer's pipeline, so that another can take its place while the call goes on.
//!
//! Invariant: it is made and stopped on threads of its own, because a driver may hang in both; the loop's thread only puts it in and takes
//! it out. Its messages on the bus are told apart by its number. EOS goes no further than its output: the payloader stays.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::contract::EncoderTask;
use super::frames::{self, EncodedFrames};
use crate::media::bridge;
use crate::media::core::discard::ignore;
use crate::media::core::job;
use crate::media::profile::{EncoderSpec, TakesPixels};

/// What the bins are called, followed by their number.
const NAME: &str = "encoding-";

/// Where an encoder is put in.
#[derive(Debug, Clone)]
pub struct EncoderTarget {
    pub pipeline: gst::Pipeline,
    /// What takes encoded pictures.
    pub entry: gst::Pad,
}

/// An encoder that was made and can take pictures.
#[derive(Debug)]
pub struct RunningEncoder {
    number: u64,
    spec: EncoderSpec,
    bin: gst::Bin,
    source: gst_app::AppSrc,
    /// Makes its pictures smaller; nothing where they cross as the camera made them.
    scale: Option<gst::Element>,
}

/// What there is before an encoder is made.
pub enum Predecessor {
    Nothing,
    /// To be stopped first: the board may have one only.
    Stop(RunningEncoder),
    /// The same encoder, kept from another stay.
    Reuse(RunningEncoder),
}

impl RunningEncoder {
    /// Makes it for this. May take seconds.
    ///
    /// # Errors
    /// Why its driver cannot be opened, in words.
    pub fn make(
        number: u64,
        spec: EncoderSpec,
        task: &EncoderTask,
        before: Predecessor,
        frames: &Arc<EncodedFrames>,
    ) -> Result<Self, String> {
        match before {
            Predecessor::Reuse(kept) => return Ok(kept.renumbered(number)),
            Predecessor::Stop(old) => drop(old),
            Predecessor::Nothing => {}
        }
        let inner = spec.build(task.size).map_err(|error| error.to_string())?;
        let source = bridge::target("pictures");
        let bin = gst::Bin::with_name(&format!("{NAME}{number}"));
        let takes_pixels = spec.takes_pixels();
        let scale =
            assemble(&bin, &source, takes_pixels, &inner).map_err(|error| error.message.to_string())?;
        frames.watch(&bin);
        frames::limit_key_frame_requests(&bin);
        let encoder = Self { number, spec, bin, source, scale };
        encoder.set_task(task);
        encoder.open()?;
        Ok(encoder)
    }

    fn renumbered(mut self, number: u64) -> Self {
        self.bin.set_property("name", format!("{NAME}{number}"));
        self.number = number;
        self
    }

    /// Opens its driver. Has a bus of its own for that: nobody else hears why it cannot.
    fn open(&self) -> Result<(), String> {
        let bus = gst::Bus::new();
        self.bin.set_bus(Some(&bus));
        let started = self.bin.set_state(gst::State::Ready);
        // What stays on it holds the bin, which would hold it.
        self.bin.set_bus(None);
        if started.is_ok() {
            bus.set_flushing(true);
            return Ok(());
        }
        let message = bus.pop_filtered(&[gst::MessageType::Error]);
        let why = match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Error(error)) => error.error().message().to_owned(),
            _ => "it does not start".to_owned(),
        };
        bus.set_flushing(true);
        Err(why)
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    /// What is fed.
    pub fn source(&self) -> &gst_app::AppSrc {
        &self.source
    }

    /// Its name in logs and events.
    pub fn element(&self) -> String {
        self.spec.element()
    }

    /// Size, cropping and bit rate.
    pub fn set_task(&self, task: &EncoderTask) {
        if let Some(scale) = &self.scale {
            let caps = scaled(task);
            if scale.property::<gst::Caps>("caps") != caps {
                scale.set_property("caps", caps);
            }
        }
        self.spec.fit(&self.bin, task.size);
        if let Some(element) = self.bin.by_name("encoder") {
            self.spec.set_bitrate(&element, task.bitrate);
        }
    }

    /// The next picture is a key frame, unless one was forced just now.
    pub fn force_key_frame(&self) {
        if let Some(pad) = self.bin.static_pad("src") {
            pad.send_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
    }

    /// Puts it in front of the payloader and starts it. After an error it is still to be taken out.
    pub fn put_in(&self, target: &EncoderTarget) -> Result<(), glib::BoolError> {
        let exit = self.bin.static_pad("src").ok_or_else(|| glib::bool_error!("the encoder has no end"))?;
        target.pipeline.add(&self.bin)?;
        exit.link(&target.entry).map_err(|error| glib::bool_error!("{error}"))?;
        self.bin.sync_state_with_parent()
    }

    /// Takes it out; it is still to be stopped. Does not wait for a frame that is stuck in it.
    pub fn take_out(&self, target: &EncoderTarget) {
        if let Some(exit) = self.bin.static_pad("src")
            && let Some(entry) = exit.peer()
        {
            ignore(exit.unlink(&entry), "it is not linked");
        }
        ignore(target.pipeline.remove(&self.bin), "it is not inside");
    }

    /// Stops its data flow and keeps its driver open; `None` where that fails. May take seconds.
    pub fn park(self) -> Option<Box<Self>> {
        let parked = self.bin.set_state(gst::State::Ready).is_ok();
        Some(Box::new(self)).filter(|_| parked)
    }

    /// Stops it where it may take its time.
    pub fn stop_aside(self) {
        if let Err(error) = job::spawn("encoder-end", move || drop(self)) {
            tracing::error!("an encoder was stopped on the publisher's thread: {error}");
        }
    }
}

impl Drop for RunningEncoder {
    /// Stops it, unless its pipeline does.
    fn drop(&mut self) {
        if self.bin.parent().is_none() && self.bin.set_state(gst::State::Null).is_err() {
            tracing::warn!("{} did not stop cleanly", self.element());
        }
    }
}

/// What goes into the encoder: smaller pictures where they are to be, else what comes.
fn scaled(task: &EncoderTask) -> gst::Caps {
    if task.size >= task.fed {
        return gst::Caps::new_any();
    }
    let (width, height) = task.size.size();
    let pixels = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    gst::Caps::builder("video/x-raw").field("width", pixels(width)).field("height", pixels(height)).build()
}

/// Puts it together; what says how large the pictures are that are encoded, where they are pixels.
fn assemble(
    bin: &gst::Bin,
    source: &gst_app::AppSrc,
    takes: TakesPixels,
    inner: &gst::Bin,
) -> Result<Option<gst::Element>, glib::BoolError> {
    let scale = match takes {
        // Passes through what has its size.
        TakesPixels::Yes => Some((
            gst::ElementFactory::make("videoscale").build()?,
            gst::ElementFactory::make("capsfilter").build()?,
        )),
        TakesPixels::No => None,
    };
    let source = source.upcast_ref::<gst::Element>();
    let between = scale.iter().flat_map(|(scale, filter)| [scale, filter]);
    let steps: Vec<&gst::Element> = [source].into_iter().chain(between).chain([inner.upcast_ref()]).collect();
    bin.add_many(&steps)?;
    gst::Element::link_many(&steps)?;
    let end = inner.static_pad("src").ok_or_else(|| glib::bool_error!("the encoder has no open end"))?;
    let exit = gst::GhostPad::builder_with_target(&end)?.name("src").build();
    exit.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        match info.event().map(|event| event.type_()) {
            // Not `Drop`, as in `frames`.
            Some(gst::EventType::Eos) => gst::PadProbeReturn::Handled,
            Some(_) | None => gst::PadProbeReturn::Ok,
        }
    });
    bin.add_pad(&exit)?;
    Ok(scale.map(|(_, filter)| filter))
}

/// The number of the encoder that a place on the bus lies in.
pub fn number_in(place: &str) -> Option<u64> {
    let (_, rest) = place.split_once(NAME)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_encoder_says_is_known_by_its_number() {
        assert_eq!(
            number_in("/GstPipeline:pipeline0/GstBin:encoding-12/GstBin:bin3/GstX264Enc:encoder"),
            Some(12)
        );
        assert_eq!(number_in("/GstPipeline:pipeline0/GstBin:encoding-7"), Some(7));
        assert_eq!(number_in("/GstPipeline:pipeline0/GstWebRTCBin:webrtcbin0"), None);
    }
}
