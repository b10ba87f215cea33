//! The stage's jitter buffer: puts the packets of one RTP stream in order, asks for lost ones, and gives them the time at which they
//! were sent.
//!
//! ```text
//! rtpssrcdemux ─► Order (by number: waits for what is missing, gives it up) ─► rtpptdemux
//!                   ▲ Timeline (RTP time → time of the pipeline)
//! ```
//! GStreamer's own has two threads for each stream, and a host has two streams for each guest. This one has none: it does everything
//! when a packet comes, which is every 20 or 33 ms, and never plays anything by the clock: the pictures are shown to nobody, and the
//! mix has its own delay. Invariants: without a gap a packet passes at once; what waits is bounded in time and in number. Not here: the
//! guest's side, where sound is played by the clock.

mod element;
mod order;
mod timeline;

use gstreamer as gst;
use gstreamer::prelude::*;

use self::element::JitterBuffer;

/// Every stream that this webrtcbin receives goes through a buffer of this kind.
pub fn install(webrtc: &gst::Element) {
    let Some(rtpbin) = webrtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin")) else {
        return;
    };
    rtpbin.connect("request-jitterbuffer", false, |_| Some(JitterBuffer::new().to_value()));
}

/// One by itself.
#[cfg(test)]
pub fn make() -> gst::Element {
    JitterBuffer::new().upcast()
}
