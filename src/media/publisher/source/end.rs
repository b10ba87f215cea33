//! The end of a device's pipeline: what arrives here goes over the bridge.
//!
//! Invariant: nobody but the bridge has what a device gave, and nobody keeps it. So its stamps are taken off and the label is drawn
//! without a copy, and as soon as it is encoded the device is given the same memory again: a driver has few buffers, and a
//! processor's cache holds hardly two pictures.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::Order;
use crate::media::publisher::bridge::{Bridge, First, Kind};
use crate::media::publisher::events::{Event, SourceTold};
use crate::media::publisher::profile::From;
use crate::model::message::DeviceKind;

/// Makes it.
pub(super) fn make(
    order: &Order,
    bridge: &Arc<Bridge>,
    desk: &SyncSender<Event>,
) -> Result<gst::Element, glib::BoolError> {
    let across = Across {
        bridge: Arc::clone(bridge),
        desk: desk.clone(),
        caps: order.caps.clone(),
        generation: order.generation,
        device: order.device,
        kind: order.way.kind(),
    };
    match order.way.capture.from {
        From::Device => own_pace(across),
        From::File => Ok(clock_pace(across).upcast()),
    }
}

/// Everything is taken out in front of a sink that is never given anything.
fn own_pace(across: Across) -> Result<gst::Element, glib::BoolError> {
    let sink = gst::ElementFactory::make("fakesink").property("async", false).build()?;
    let entry = sink.static_pad("sink").ok_or_else(|| glib::bool_error!("fakesink has no entry"))?;
    entry.add_probe(gst::PadProbeType::BUFFER, move |entry, info| {
        if let Some(buffer) = info.take_buffer() {
            across.hand_on(buffer, || entry.current_caps());
        }
        gst::PadProbeReturn::Handled
    });
    Ok(sink)
}

/// A file has no pace of its own: appsink waits for each.
fn clock_pace(across: Across) -> gst_app::AppSink {
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            if let Some(buffer) = sample.buffer_owned() {
                across.hand_on(buffer, || sample.caps_owned());
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    gst_app::AppSink::builder().sync(true).enable_last_sample(false).callbacks(callbacks).build()
}

/// The way over the bridge.
struct Across {
    bridge: Arc<Bridge>,
    desk: SyncSender<Event>,
    /// What pixels and samples are called on the other side.
    caps: gst::Caps,
    generation: u64,
    device: DeviceKind,
    kind: Kind,
}

impl Across {
    fn hand_on(&self, mut buffer: gst::Buffer, own: impl FnOnce() -> Option<gst::Caps>) {
        let own = match self.kind {
            Kind::Raw => None,
            Kind::Shared | Kind::Encoded => own(),
        };
        let caps = own.as_ref().unwrap_or(&self.caps);
        // After the mirror, so that it can be read.
        if self.kind == Kind::Raw
            && let Some(label) = self.bridge.label()
        {
            label.blend(buffer.make_mut(), caps);
        }
        if self.bridge.cross(self.generation, buffer, caps, self.kind) == First::Yes {
            let (device, generation, told) = (self.device, self.generation, SourceTold::First);
            self.desk.try_send(Event::Source { device, generation, told }).unwrap_or_default();
        }
    }
}
