//! What comes from the far side of a peer: RTP and RTCP, counted after they were decrypted, where nobody else can forge them.
//!
//! Invariant: callbacks hold this, never an element. What it is worth is `path`'s to say. Answers to ICE's checks stay inside libnice,
//! which hands on nothing of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use gstreamer as gst;
use gstreamer::prelude::*;

/// How often something came.
#[derive(Debug, Default)]
pub struct Arrivals(AtomicU64);

impl Arrivals {
    /// How often something came.
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Counts what this webrtcbin receives from now on.
    pub fn watch(self: &Arc<Self>, webrtc: &gst::Element) {
        let Some(bin) = webrtc.downcast_ref::<gst::Bin>() else { return };
        let arrivals = Arc::clone(self);
        bin.connect_deep_element_added(move |_, _, element| {
            if element.factory().is_none_or(|factory| factory.name() != "dtlssrtpdec") {
                return;
            }
            for pad in ["rtp_src", "rtcp_src"].iter().filter_map(|name| element.static_pad(name)) {
                let arrivals = Arc::clone(&arrivals);
                pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
                    arrivals.0.fetch_add(1, Relaxed);
                    gst::PadProbeReturn::Ok
                });
            }
        });
    }
}
