//! What is to be opened, in full.

use gstreamer as gst;

use super::candidates::CaptureCandidate;
use crate::media::bridge::FrameKind;
use crate::media::core::caps::FRAME_RATE;
use crate::media::publisher::processing::AudioProcessing;
use crate::media::publisher::settings::{Explain, Located};
use crate::model::media::{Mirror, Quality};
use crate::model::message::DeviceKind;

/// What is to be opened.
#[derive(Clone)]
pub struct SourceOrder {
    pub device: DeviceKind,
    pub generation: u64,
    pub candidate: CaptureCandidate,
    /// The device, where one was to be found.
    pub located: Option<Located>,
    /// Says why it fails.
    pub explain: Explain,
    /// The device's address, or the file; `None` where the profile takes none.
    pub address: Option<String>,
    /// What it is called outside.
    pub id: String,
    /// The size that is wanted; of what crosses the bridge the caps say it.
    pub wanted: Quality,
    /// What crosses the bridge.
    pub caps: gst::Caps,
    pub mirror: Mirror,
    /// The pipeline's share of the volume.
    pub gain: f64,
    /// What is done to what a microphone hears.
    pub processing: AudioProcessing,
}

impl SourceOrder {
    /// What comes out of the fragment.
    pub fn crossing(&self) -> gst::Caps {
        match self.candidate.kind() {
            FrameKind::Raw => shape(&self.caps),
            FrameKind::Shared => shape(&any_layout(&self.caps)),
            // As it is offered to the stage, and as payloaders take it.
            FrameKind::Encoded => gst::Caps::builder("video/x-h264")
                .field("stream-format", "byte-stream")
                .field("alignment", "au")
                .field("profile", gst::List::new(["constrained-baseline", "baseline"]))
                .build(),
        }
    }
}

/// As the camera lays its pixels out: an encoder that reads its memory takes that or not.
fn any_layout(caps: &gst::Caps) -> gst::Caps {
    let mut any = caps.clone();
    for structure in any.make_mut().iter_mut() {
        structure.remove_fields(["format", "pixel-aspect-ratio"]);
    }
    any
}

/// What is captured may have any rate: whoever is given it stamps it when it comes.
pub fn shape(caps: &gst::Caps) -> gst::Caps {
    let mut shape = caps.clone();
    for structure in shape.make_mut().iter_mut() {
        if structure.has_field("framerate") {
            let (least, most) = (gst::Fraction::new(0, 1), gst::Fraction::new(FRAME_RATE, 1));
            structure.set("framerate", gst::FractionRange::new(least, most));
        }
    }
    shape
}
