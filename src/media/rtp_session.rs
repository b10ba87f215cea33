//! The RTP session inside a webrtcbin: how often it reports and tells of packets, and how long it sends lost ones again.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use crate::media::description::TRANSPORT_CC;

/// Caps of a stream that has transport-wide feedback, its number in the header extension `id`.
pub fn with_transport_cc(
    caps: gst::caps::Builder<gst::caps::NoFeature>,
    id: u8,
) -> gst::caps::Builder<gst::caps::NoFeature> {
    caps.field(format!("extmap-{id}"), TRANSPORT_CC).field("rtcp-fb-transport-cc", true)
}

/// What was lost is sent again as long as it can still be shown, in milliseconds: the longest jitter buffer, and a round trip.
const REPAIRS: u32 = 600;

/// What was lost longer ago is not sent again: after a cut that would be a burst of all that was sent meanwhile.
fn bound_repairs(sender: &gst::Element) {
    sender.set_property("max-size-time", REPAIRS);
    sender.set_property("max-size-packets", 0u32);
}

/// Reports (RTCP) go out so often, in nanoseconds. GStreamer's own is the 5 s of RFC 3550, which says nothing of who is gone for as long;
/// RFC 4585 lets it be shorter, and the share of the bandwidth still bounds it.
const REPORT_EVERY: u64 = 1_000_000_000;

/// Transport-wide feedback goes out so often, in nanoseconds.
const FEEDBACK_EVERY: u64 = 50_000_000;

/// Both ends hear of each other at least every two seconds, also who only receives.
pub fn set_up(webrtc: &gst::Element) {
    let Some(bin) = webrtc.downcast_ref::<gst::Bin>() else { return };
    bin.connect_deep_element_added(|_, _, element| {
        match element.factory().as_ref().map(|factory| factory.name()).as_deref() {
            Some("rtpsession") => {
                let session = element.property::<glib::Object>("internal-session");
                session.set_property("rtcp-min-interval", REPORT_EVERY);
                session.set_property("twcc-feedback-interval", FEEDBACK_EVERY);
            }
            Some("rtprtxsend") => bound_repairs(element),
            Some(_) | None => {}
        }
    });
}
