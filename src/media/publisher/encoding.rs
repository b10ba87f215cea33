//! One encoder at work: a bin of its own in the peer's pipeline, so that another can take its place while the call goes on.
//!
//! ```text
//! (bridge) ─► appsrc ─ encoder of the profile ─► (payloader)
//! ```
//! Invariant: it is made, and unmade, on a thread of its own, because a driver may hang in both; the publisher's thread only puts it in
//! and takes it out. What it says on the bus is known by its number. The end of its stream goes no further: the payloader stays.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::branches::{bits, source};
use super::events::Event;
use super::profile::Encoder;
use super::stats::Meter;
use super::watch;
use crate::model::media::Quality;

/// How long it may take to be made, the end of the one before included.
pub(super) const MADE: Duration = Duration::from_secs(4);

/// What the bins are called, with their number behind it.
const NAME: &str = "encoding-";

/// An encoder, made and ready.
#[derive(Debug)]
pub(super) struct Encoding {
    pub(super) number: u64,
    encoder: Encoder,
    bin: gst::Bin,
    /// The end that is fed.
    pub(super) source: gst_app::AppSrc,
}

/// An encoder to be made.
pub(super) struct Order {
    pub(super) peer: u64,
    pub(super) number: u64,
    pub(super) encoder: Encoder,
    pub(super) quality: Quality,
    pub(super) before: Before,
}

/// What there is already.
pub(super) enum Before {
    Nothing,
    /// This is to be stopped first: the board may have one only.
    Stop(Encoding),
    /// This is the one, from another call.
    Again(Encoding),
}

/// Makes it on a thread of its own; it comes back as an event.
pub(super) fn make(order: Order, meter: &Arc<Meter>, desk: &SyncSender<Event>) -> std::io::Result<()> {
    let (meter, desk) = (Arc::clone(meter), desk.clone());
    thread::Builder::new().name("encoder".into()).spawn(move || {
        let Order { peer, number, encoder, quality, before } = order;
        let warm = match before {
            Before::Again(warm) => Some(warm.again(number)),
            Before::Stop(old) => {
                drop(old);
                None
            }
            Before::Nothing => None,
        };
        let made = warm.map_or_else(|| Encoding::make(number, encoder, quality, &meter), Ok);
        let made = made.map(Box::new);
        // Nobody takes it when the publisher has ended; then it is stopped here.
        desk.send(Event::Encoding { peer, number, made }).unwrap_or_default();
    })?;
    Ok(())
}

/// Gets it ready for another call, on a thread of its own; it comes back as an event.
pub(super) fn cool(encoding: Encoding, desk: &SyncSender<Event>) -> std::io::Result<()> {
    let desk = desk.clone();
    thread::Builder::new().name("encoder-rest".into()).spawn(move || {
        let ready = encoding.bin.set_state(gst::State::Ready).is_ok();
        let encoding = Some(Box::new(encoding)).filter(|_| ready);
        desk.send(Event::Cooled(encoding)).unwrap_or_default();
    })?;
    Ok(())
}

impl Encoding {
    /// Under another number.
    fn again(mut self, number: u64) -> Self {
        self.bin.set_property("name", format!("{NAME}{number}"));
        self.number = number;
        self
    }

    fn make(number: u64, encoder: Encoder, quality: Quality, meter: &Arc<Meter>) -> Result<Self, String> {
        let inner = encoder.build(quality).map_err(|error| error.to_string())?;
        let source = source("pictures");
        let bin = gst::Bin::with_name(&format!("{NAME}{number}"));
        assemble(&bin, &source, &inner).map_err(|error| error.message.to_string())?;
        watch::pictures(&bin, meter);
        let encoding = Self { number, encoder, bin, source };
        encoding.set_quality(quality);
        // Nobody else hears why a driver cannot be opened.
        let bus = gst::Bus::new();
        encoding.bin.set_bus(Some(&bus));
        let started = encoding.bin.set_state(gst::State::Ready);
        // What stays on it holds the bin, which would hold it.
        encoding.bin.set_bus(None);
        if started.is_ok() {
            bus.set_flushing(true);
            return Ok(encoding);
        }
        let message = bus.pop_filtered(&[gst::MessageType::Error]);
        let why = match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Error(error)) => error.error().message().to_owned(),
            _ => "it does not start".to_owned(),
        };
        bus.set_flushing(true);
        Err(why)
    }

    /// What the profile says of it.
    pub(super) fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// What it is called in logs and events.
    pub(super) fn element(&self) -> String {
        self.encoder.element()
    }

    /// Bit rate and what is cropped, for this picture size.
    pub(super) fn set_quality(&self, quality: Quality) {
        self.encoder.fit(&self.bin, quality);
        if let Some(element) = self.bin.by_name("encoder") {
            self.encoder.set_bitrate(&element, bits(quality));
        }
    }

    /// The next picture is a key frame, unless one was forced just now.
    pub(super) fn force_key_frame(&self) {
        if let Some(pad) = self.bin.static_pad("src") {
            pad.send_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
    }

    /// Puts it in front of the payloader, and starts it.
    pub(super) fn put_in(&self, pipeline: &gst::Pipeline, entry: &gst::Pad) -> Result<(), glib::BoolError> {
        let exit = self.bin.static_pad("src").ok_or_else(|| glib::bool_error!("the encoder has no end"))?;
        pipeline.add(&self.bin)?;
        exit.link(entry).map_err(|error| glib::bool_error!("{error}"))?;
        self.bin.sync_state_with_parent()
    }

    /// Takes it out; it is still to be stopped. Does not wait for a frame that is stuck in it.
    pub(super) fn take_out(&self, pipeline: &gst::Pipeline) {
        // What is not linked, or not inside, is out.
        if let Some(exit) = self.bin.static_pad("src")
            && let Some(entry) = exit.peer()
        {
            exit.unlink(&entry).unwrap_or_default();
        }
        pipeline.remove(&self.bin).unwrap_or_default();
    }

    /// Stops it where it may take its time.
    pub(super) fn stop_beside(self) {
        let stopped = thread::Builder::new().name("encoder-end".into()).spawn(move || drop(self));
        if let Err(error) = stopped {
            tracing::error!("an encoder was stopped on the publisher's thread: {error}");
        }
    }
}

impl Drop for Encoding {
    /// Stops it, unless its pipeline does.
    fn drop(&mut self) {
        if self.bin.parent().is_none() && self.bin.set_state(gst::State::Null).is_err() {
            tracing::warn!("{} did not stop cleanly", self.element());
        }
    }
}

fn assemble(bin: &gst::Bin, source: &gst_app::AppSrc, inner: &gst::Bin) -> Result<(), glib::BoolError> {
    let steps = [source.upcast_ref::<gst::Element>(), inner.upcast_ref()];
    bin.add_many(steps)?;
    gst::Element::link_many(steps)?;
    let end = inner.static_pad("src").ok_or_else(|| glib::bool_error!("the encoder has no open end"))?;
    let exit = gst::GhostPad::builder_with_target(&end)?.name("src").build();
    exit.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        match info.event().map(|event| event.type_()) {
            // Not `Drop`, as in `watch::pictures`.
            Some(gst::EventType::Eos) => gst::PadProbeReturn::Handled,
            Some(_) | None => gst::PadProbeReturn::Ok,
        }
    });
    bin.add_pad(&exit)
}

/// The number of the encoding that a place on the bus lies in.
pub(super) fn number_in(place: &str) -> Option<u64> {
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
