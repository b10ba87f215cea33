//! Lines of text as pictures: drawn by pango, which knows every script, directions, and emoji in colour.
//!
//! Runs small pipelines of its own. Text enters as a property, escaped: pango reads its own markup there.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use resvg::tiny_skia::{ColorU8, Pixmap};
use svgtypes::Color;

use super::name;
use crate::media::elements;

/// One line takes milliseconds; the first of a process looks for fonts, on a slow board for seconds.
const TRY_AT_MOST: gst::ClockTime = gst::ClockTime::from_seconds(10);
/// No line is drawn wider than this, in pixels.
const WIDEST: f32 = 4096.0;

/// How a line looks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Style {
    pub(super) family: String,
    /// What pango calls it: `Bold`, or nothing.
    pub(super) weight: &'static str,
    /// Pixels.
    pub(super) size: f32,
    pub(super) colour: Color,
}

/// A line, without empty borders.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) picture: Pixmap,
    /// So many pixels of it are above the line that letters stand on.
    pub(super) above: f32,
}

/// Draws a line no wider than `most` and a bit; `None` when nothing is to be seen of it.
pub(super) fn draw(text: &str, style: &Style, most: f32) -> Result<Option<Line>, String> {
    let Some((picture, _, top)) = ink(text, style, most)? else { return Ok(None) };
    // pango does not say where it put that line, so a letter that stands on it does.
    let foot = match ink("x", style, style.size * 4.0)? {
        Some((letter, _, top)) => top + letter.height(),
        None => top + picture.height(),
    };
    Ok(Some(Line { above: foot as f32 - top as f32, picture }))
}

/// What is drawn of a line, and its place on a frame whose size depends on the style alone.
fn ink(text: &str, style: &Style, most: f32) -> Result<Option<(Pixmap, u32, u32)>, String> {
    let margin = style.size.clamp(1.0, WIDEST);
    let (wide, high) = (pixels(most.clamp(1.0, WIDEST) + 2.0 * margin), pixels(4.0 * margin));
    let frame = frame(text, style, (wide, high), pixels(margin)).map_err(|error| error.to_string())?;
    let seen =
        |(at, pixel): (usize, &[u8])| (pixel[3] > 0).then_some((at % wide as usize, at / wide as usize));
    let (mut left, mut top, mut right, mut bottom) = (usize::MAX, usize::MAX, 0, 0);
    for (x, y) in frame.chunks_exact(4).enumerate().filter_map(seen) {
        (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
    }
    if left >= right {
        return Ok(None);
    }
    let size = |pixels: usize| u32::try_from(pixels).unwrap_or_default();
    let mut picture =
        Pixmap::new(size(right - left), size(bottom - top)).ok_or("there is no memory for it")?;
    let rows = frame.chunks_exact(wide as usize * 4).skip(top);
    for (row, target) in rows.zip(picture.pixels_mut().chunks_mut(right - left)) {
        for (pixel, target) in row.chunks_exact(4).skip(left).zip(target) {
            *target = ColorU8::from_rgba(pixel[2], pixel[1], pixel[0], pixel[3]).premultiply();
        }
    }
    Ok(Some((picture, size(left), size(top))))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 1 and 4 · 4096")]
fn pixels(value: f32) -> u32 {
    value.ceil().clamp(1.0, 4.0 * WIDEST) as u32
}

/// A transparent frame (BGRA) with the text on it, `margin` from the left.
fn frame(text: &str, style: &Style, size: (u32, u32), margin: u32) -> Result<Vec<u8>, glib::BoolError> {
    let whole = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    let missing = |element: elements::MissingElement| glib::bool_error!("{element}");
    elements::require("textoverlay").map_err(missing)?;
    let empty = gst::ElementFactory::make("videotestsrc")
        .property("num-buffers", 1i32)
        .property("foreground-color", 0u32)
        .build()?;
    empty.set_property_from_str("pattern", "solid-color");
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "BGRA")
        .field("width", whole(size.0))
        .field("height", whole(size.1))
        .field("framerate", gst::Fraction::new(1, 1))
        .build();
    let shape = gst::ElementFactory::make("capsfilter").property("caps", caps).build()?;
    let Color { red, green, blue, alpha } = style.colour;
    let overlay = gst::ElementFactory::make("textoverlay")
        .property("text", name::escape(text))
        .property("font-desc", format!("{}, {} {}px", style.family, style.weight, style.size))
        .property("color", u32::from_be_bytes([alpha, red, green, blue]))
        .property("auto-resize", false)
        .property("draw-shadow", false)
        .property("draw-outline", false)
        .property("xpad", whole(margin))
        .property("ypad", whole(margin))
        .build()?;
    for (property, value) in [("wrap-mode", "none"), ("halignment", "left"), ("valignment", "baseline")] {
        overlay.set_property_from_str(property, value);
    }
    let sink = gst_app::AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    let steps = [&empty, &shape, &overlay, sink.upcast_ref()];
    pipeline.add_many(steps)?;
    gst::Element::link_many(steps)?;
    let nothing = || glib::bool_error!("no text could be drawn");
    let drawn = match pipeline.set_state(gst::State::Playing) {
        Ok(_) => sink.try_pull_sample(TRY_AT_MOST),
        Err(_) => None,
    };
    if pipeline.set_state(gst::State::Null).is_err() {
        tracing::debug!("a pipeline of text did not stop cleanly");
    }
    let sample = drawn.ok_or_else(nothing)?;
    let map = sample.buffer().ok_or_else(nothing)?.map_readable()?;
    Ok(map.as_slice().to_vec())
}
