//! What every peer connection of the stage begins with: a pipeline with a webrtcbin whose transports are guarded.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use super::jitter_wait;
use crate::media::description::Bundling;
use crate::media::jitter_buffer;
use crate::media::signals::{self, Signal};
use crate::media::streams::Streams;
use crate::media::teardown::Remains;
use crate::media::transport::{self, Gates};
use crate::media::webrtc::{self, Ice};

/// One that is not started yet.
#[derive(Debug)]
pub struct StageConnection {
    /// All of it.
    pub pipeline: gst::Pipeline,
    /// The webrtcbin in it.
    pub webrtc: gst::Element,
    /// What stands between ICE and the call.
    pub gates: Gates,
    /// What the other end sends.
    pub streams: Streams,
}

impl StageConnection {
    /// With these servers; `other` is what the other end is called in a sentence, and `say` takes what webrtcbin says of itself.
    ///
    /// # Errors
    /// An element is not to be made.
    pub fn build(
        ice: &Ice,
        bundling: Bundling,
        other: &'static str,
        say: impl Fn(Signal) + Clone + Send + Sync + 'static,
    ) -> Result<Self, glib::BoolError> {
        let pipeline = gst::Pipeline::new();
        let webrtc = webrtc::make(ice)?;
        let policy = match bundling {
            Bundling::Bundled => "max-bundle",
            Bundling::Separate => "none",
        };
        webrtc.set_property_from_str("bundle-policy", policy);
        webrtc.set_property("latency", jitter_wait::LEAST_MS);
        pipeline.add(&webrtc)?;
        jitter_buffer::install(&webrtc);
        let gates = transport::guard(&webrtc, other, say.clone())?;
        let streams = signals::listen(&webrtc, other, say);
        Ok(Self { pipeline, webrtc, gates, streams })
    }

    /// What is to be stopped when it is over.
    pub fn into_remains(self) -> Remains {
        Remains { pipeline: self.pipeline, webrtc: self.webrtc, streams: self.streams }
    }
}
