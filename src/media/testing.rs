//! For tests: what all of them do with a pipeline that ends by itself.

use gstreamer as gst;
use gstreamer::prelude::*;

/// Waits for the end of its stream, and stops it.
pub fn end(pipeline: &gst::Pipeline) {
    let bus = pipeline.bus().expect("every pipeline has one");
    let end = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &end).expect("an end");
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
    pipeline.set_state(gst::State::Null).expect("it stops");
}
