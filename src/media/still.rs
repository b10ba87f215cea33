//! One decoded picture as a JPEG that fits a reply.
//!
//! Runs a small pipeline of its own, so it takes tens of milliseconds: never call it where something else waits.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::media::elements;
use crate::model::media::Picture;

/// 45 KB are 60 KB in base64: with the reply around it less than the protocol's 64 KiB.
pub const MOST_BYTES: usize = 45_000;
/// One try takes milliseconds; on a busy board a second at most.
const TRY_AT_MOST: gst::ClockTime = gst::ClockTime::from_seconds(3);
/// What is tried in turn until it fits: eighths of the width and height, and the JPEG quality. Noise at the last one is 20 KB.
const LADDER: [(u32, i32); 7] = [(8, 85), (8, 65), (6, 65), (4, 65), (3, 50), (2, 50), (1, 40)];

/// What a camera may have encoded.
const H264: &str = "video/x-h264";

/// Why there is no JPEG.
#[derive(Debug, thiserror::Error)]
pub enum StillError {
    /// The sample is no raw video.
    #[error("the sample is no picture")]
    NoPicture,
    /// An element is missing or refused.
    #[error("the picture could not be encoded: {0}")]
    Encode(#[from] gst::glib::BoolError),
    /// The pipeline gave nothing.
    #[error("the picture could not be encoded in time")]
    Nothing,
    /// Even the smallest try is too large.
    #[error("the picture does not fit {MOST_BYTES} bytes")]
    TooLarge,
}

/// `sample` as a JPEG of at most [`MOST_BYTES`], as large and as good as fits.
pub fn jpeg(sample: &gst::Sample) -> Result<Picture, StillError> {
    let (width, height) = size(sample).ok_or(StillError::NoPicture)?;
    let mut tried = None;
    for (eighths, quality) in LADDER {
        let size = (scaled(width, eighths), scaled(height, eighths));
        let jpeg = encode(sample, size, quality)?;
        if jpeg.len() <= MOST_BYTES {
            return Ok(Picture { width: size.0, height: size.1, jpeg });
        }
        tried = Some(size);
    }
    // A picture of many megapixels: from the smallest try on, halve until nothing is left to halve.
    while let Some((width, height)) = tried.filter(|size| size.0 > 32 && size.1 > 32) {
        let size = (scaled(width, 4), scaled(height, 4));
        let jpeg = encode(sample, size, 40)?;
        if jpeg.len() <= MOST_BYTES {
            return Ok(Picture { width: size.0, height: size.1, jpeg });
        }
        tried = Some(size);
    }
    Err(StillError::TooLarge)
}

/// Of pixels, or of a key frame of H.264.
fn size(sample: &gst::Sample) -> Option<(u32, u32)> {
    let picture = sample.caps()?.structure(0)?;
    let pixels = |name| u32::try_from(picture.get::<i32>(name).ok()?).ok().filter(|pixels| *pixels > 0);
    let known = matches!(picture.name().as_str(), "video/x-raw" | H264);
    Some((pixels("width")?, pixels("height")?)).filter(|_| known)
}

/// Eighths of `pixels`, even, and never nothing.
fn scaled(pixels: u32, eighths: u32) -> u32 {
    match eighths {
        8 => pixels,
        _ => (pixels.saturating_mul(eighths) / 16 * 2).max(2),
    }
}

/// Stops the pipeline on every way out.
struct Running(gst::Pipeline);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.set_state(gst::State::Null).is_err() {
            tracing::debug!("the pipeline of a still did not stop cleanly");
        }
    }
}

fn encode(sample: &gst::Sample, size: (u32, u32), quality: i32) -> Result<Vec<u8>, StillError> {
    let caps = sample.caps_owned().ok_or(StillError::NoPicture)?;
    let source = gst_app::AppSrc::builder().caps(&caps).build();
    let shape = gst::Caps::builder("video/x-raw")
        .field("width", i32::try_from(size.0).unwrap_or(i32::MAX))
        .field("height", i32::try_from(size.1).unwrap_or(i32::MAX))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    let filter = gst::ElementFactory::make("capsfilter").property("caps", &shape).build()?;
    let scale = gst::ElementFactory::make("videoscale").property("add-borders", false).build()?;
    let convert = gst::ElementFactory::make("videoconvert").build()?;
    let encoder = gst::ElementFactory::make("jpegenc").property("quality", quality).build()?;
    let sink = gst_app::AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    let mut steps = vec![source.upcast_ref()];
    let decoder = decoder(&caps)?;
    steps.extend(&decoder);
    steps.extend([&scale, &convert, &filter, &encoder, sink.upcast_ref()]);
    pipeline.add_many(&steps)?;
    gst::Element::link_many(&steps)?;
    let running = Running(pipeline);
    running.0.set_state(gst::State::Playing).map_err(|_| StillError::Nothing)?;
    let buffer = sample.buffer_owned().ok_or(StillError::NoPicture)?;
    source.push_buffer(buffer).map_err(|_| StillError::Nothing)?;
    source.end_of_stream().map_err(|_| StillError::Nothing)?;
    let sample = sink.try_pull_sample(TRY_AT_MOST).ok_or(StillError::Nothing)?;
    let buffer = sample.buffer().ok_or(StillError::Nothing)?;
    let map = buffer.map_readable()?;
    Ok(map.as_slice().to_vec())
}

/// What makes pixels of it.
fn decoder(caps: &gst::Caps) -> Result<Vec<gst::Element>, gst::glib::BoolError> {
    if caps.structure(0).is_none_or(|picture| picture.name() != H264) {
        return Ok(Vec::new());
    }
    let name = elements::first(&["avdec_h264", "openh264dec"]).unwrap_or("avdec_h264");
    let make = |name: &str| gst::ElementFactory::make(name).build();
    Ok(vec![make("h264parse")?, make(name)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(pattern: &str, width: i32, height: i32) -> gst::Sample {
        gst::init().expect("GStreamer starts");
        let launch = format!(
            "videotestsrc num-buffers=1 pattern={pattern} ! video/x-raw,format=I420,width={width},height={height} \
             ! appsink name=sink sync=false"
        );
        let pipeline = gst::parse::launch(&launch).expect("the elements of gstreamer1.0-plugins-base");
        let running = Running(pipeline.downcast().expect("a pipeline"));
        running.0.set_state(gst::State::Playing).expect("it plays");
        let sink = running
            .0
            .by_name("sink")
            .expect("named above")
            .downcast::<gst_app::AppSink>()
            .expect("an appsink");
        sink.pull_sample().expect("one picture")
    }

    #[test]
    fn a_plain_picture_keeps_its_size() {
        let picture = jpeg(&sample("ball", 1280, 720)).expect("a JPEG");
        assert_eq!((picture.width, picture.height), (1280, 720));
        assert!(picture.jpeg.len() <= MOST_BYTES);
        assert_eq!(picture.jpeg[..3], [0xff, 0xd8, 0xff]);
    }

    #[test]
    fn noise_is_scaled_until_it_fits() {
        let picture = jpeg(&sample("snow", 1920, 1080)).expect("a JPEG");
        assert!(picture.jpeg.len() <= MOST_BYTES, "{picture:?}");
        assert!(picture.width < 1920, "{picture:?}");
        assert!(
            (f64::from(picture.width) / f64::from(picture.height) - 16.0 / 9.0).abs() < 0.05,
            "{picture:?}"
        );
    }
}
