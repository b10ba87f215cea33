//! The end of a device's pipeline: what arrives here goes over the bridge.
//!
//! Invariant: nobody but the bridge has what a device gave, and nobody keeps it. So its stamps are taken off and the label is drawn
//! without a copy, and as soon as it is encoded the device is given the same memory again: a driver has few buffers, and a
//! processor's cache holds hardly two pictures.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::order::SourceOrder;
use super::stream::StreamEvent;
use crate::media::bridge::{Bridge, First, FrameKind};
use crate::media::core::event_sender::EventSender;
use crate::media::profile::From;

/// Makes the end of a device's pipeline.
pub fn make(
    order: &SourceOrder,
    bridge: &Arc<Bridge>,
    events: &EventSender<StreamEvent>,
) -> Result<gst::Element, glib::BoolError> {
    let across = BridgeInput {
        bridge: Arc::clone(bridge),
        events: events.clone(),
        caps: order.caps.clone(),
        generation: order.generation,
        kind: order.candidate.kind(),
    };
    match order.candidate.capture.from {
        From::Device => own_pace(across),
        From::File => Ok(clock_pace(across).upcast()),
    }
}

/// Everything is taken out in front of a sink that is never given anything.
fn own_pace(across: BridgeInput) -> Result<gst::Element, glib::BoolError> {
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
fn clock_pace(across: BridgeInput) -> gst_app::AppSink {
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
struct BridgeInput {
    bridge: Arc<Bridge>,
    events: EventSender<StreamEvent>,
    /// What pixels and samples are called on the other side.
    caps: gst::Caps,
    generation: u64,
    kind: FrameKind,
}

impl BridgeInput {
    fn hand_on(&self, mut buffer: gst::Buffer, own: impl FnOnce() -> Option<gst::Caps>) {
        let own = match self.kind {
            FrameKind::Raw => None,
            FrameKind::Shared | FrameKind::Encoded => own(),
        };
        let caps = own.as_ref().unwrap_or(&self.caps);
        // After the mirror, so that it can be read.
        if self.kind == FrameKind::Raw
            && let Some(label) = self.bridge.label()
        {
            label.blend(buffer.make_mut(), caps);
        }
        if self.bridge.push(self.generation, buffer, caps, self.kind) == First::Yes {
            self.events.notify(StreamEvent::FirstBuffer);
        }
    }
}
