//! What crosses a bridge: the raw formats that captured media are sent and encoded in.

use gstreamer as gst;

use crate::model::media::Quality;

/// Frames a second that pictures are captured with.
pub const FRAME_RATE: i32 = 30;

/// Samples a second of sound.
pub const SAMPLE_RATE: u32 = 48_000;

/// Pictures of this size: I420, 30/s, square pixels.
pub fn picture_caps(quality: Quality) -> gst::Caps {
    let (width, height) = quality.size();
    let pixels = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", pixels(width))
        .field("height", pixels(height))
        .field("framerate", gst::Fraction::new(FRAME_RATE, 1))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

/// Sound: 16-bit mono at 48 kHz.
pub fn sound_caps() -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("rate", i32::try_from(SAMPLE_RATE).unwrap_or(i32::MAX))
        .field("channels", 1i32)
        .field("layout", "interleaved")
        .build()
}
