//! Lines of text as pictures: drawn by pango, which knows every script, directions, and emoji in colour.
//!
//! Runs small pipelines of its own. Text enters as a property, escaped: pango reads its own markup there.

use std::ops::Range;

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

/// Drawn behind every text and cut off again: pango does not say where the line is that letters stand on, so a letter that stands on
/// it does.
const FOOT: char = 'x';
/// What keeps it apart: so many spaces, each as wide as letters are high.
const APART: usize = 6;
const SPACE: char = '\u{2003}';

/// Draws a line; one wider than `most` may be cut at its end, and is still wider. `None` when nothing is to be seen of it.
pub(super) fn draw(text: &str, style: &Style, most: f32) -> Result<Option<Line>, String> {
    let margin = style.size.clamp(1.0, WIDEST);
    let behind = (APART + 1) as f32 * margin;
    let (wide, high) = (pixels(most.clamp(1.0, WIDEST) + behind + 2.0 * margin), pixels(4.0 * margin));
    // The text has its own direction, and what is behind it is on its right all the same.
    let spaced = format!("\u{200e}\u{2068}{text}\u{2069}{}{FOOT}", SPACE.to_string().repeat(APART));
    let frame = frame(&spaced, style, (wide, high), pixels(margin)).map_err(|error| error.to_string())?;
    let wide = wide as usize;
    let Some((end, foot)) = foot(&frame, wide, pixels(margin * APART as f32 / 2.0) as usize) else {
        return Ok(None);
    };
    let Some(ink) = Ink::within(&frame, wide, 0..end) else { return Ok(None) };
    let picture = ink.cut(&frame, wide).ok_or("there is no memory for it")?;
    Ok(Some(Line { picture, above: foot as f32 - ink.top as f32 }))
}

/// Where the text ends at the latest, and the line that letters stand on; `None` when nothing was drawn at all.
fn foot(frame: &[u8], wide: usize, gap: usize) -> Option<(usize, usize)> {
    let all = Ink::within(frame, wide, 0..wide)?;
    let is_empty = |x: usize| Ink::within(frame, wide, x..x + 1).is_none();
    let start = (all.left..all.right).rev().find(|x| is_empty(*x)).map_or(all.left, |x| x + 1);
    let is_apart = start >= gap && Ink::within(frame, wide, start - gap..start).is_none();
    let letter = Ink::within(frame, wide, start..all.right)?;
    // Where the text runs out of the frame, there is no letter, nor anybody who wants to know.
    Some(if is_apart { (start, letter.bottom) } else { (wide, all.bottom) })
}

/// Where there is something on a frame, in pixels; `right` and `bottom` are behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ink {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Ink {
    fn within(frame: &[u8], wide: usize, columns: Range<usize>) -> Option<Self> {
        let mut found: Option<Self> = None;
        // Most rows have nothing on them, which is soon seen.
        let nothing = vec![0; columns.len() * 4];
        let rows = frame.chunks_exact(wide * 4).enumerate();
        for (y, row) in rows.map(|(y, row)| (y, &row[columns.start * 4..columns.end * 4])) {
            if row == nothing {
                continue;
            }
            let pixels = (columns.start..).zip(row.chunks_exact(4));
            for (x, _) in pixels.filter(|(_, pixel)| pixel[3] > 0) {
                let ink = found.get_or_insert(Self { left: x, top: y, right: x + 1, bottom: y + 1 });
                ink.left = ink.left.min(x);
                ink.right = ink.right.max(x + 1);
                ink.bottom = y + 1;
            }
        }
        found
    }

    /// The part of the frame (BGRA) as a picture; `None`: there is no memory for it.
    fn cut(self, frame: &[u8], wide: usize) -> Option<Pixmap> {
        let size = |pixels: usize| u32::try_from(pixels).unwrap_or_default();
        let mut picture = Pixmap::new(size(self.right - self.left), size(self.bottom - self.top))?;
        let rows = frame.chunks_exact(wide * 4).skip(self.top);
        for (row, target) in rows.zip(picture.pixels_mut().chunks_mut(self.right - self.left)) {
            for (pixel, target) in row.chunks_exact(4).skip(self.left).zip(target) {
                *target = ColorU8::from_rgba(pixel[2], pixel[1], pixel[0], pixel[3]).premultiply();
            }
        }
        Some(picture)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 1 and 4 · 4096")]
fn pixels(value: f32) -> u32 {
    value.ceil().clamp(1.0, 4.0 * WIDEST) as u32
}

/// A transparent frame (BGRA) with the text on it, `margin` from the left.
fn frame(text: &str, style: &Style, size: (u32, u32), margin: u32) -> Result<Frame, glib::BoolError> {
    let whole = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    let missing = |element: elements::MissingElement| glib::bool_error!("{element}");
    elements::require("textoverlay").map_err(missing)?;
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "BGRA")
        .field("width", whole(size.0))
        .field("height", whole(size.1))
        .field("framerate", gst::Fraction::new(1, 1))
        .build();
    let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
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
    let steps = [source.upcast_ref(), &overlay, sink.upcast_ref()];
    pipeline.add_many(steps)?;
    gst::Element::link_many(steps)?;
    let nothing = || glib::bool_error!("no text could be drawn");
    let drawn = match pipeline.set_state(gst::State::Playing) {
        Ok(_) => source.push_buffer(empty(size)).ok().and_then(|_| sink.try_pull_sample(TRY_AT_MOST)),
        Err(_) => None,
    };
    if pipeline.set_state(gst::State::Null).is_err() {
        tracing::debug!("a pipeline of text did not stop cleanly");
    }
    let buffer = drawn.and_then(|sample| sample.buffer_owned()).ok_or_else(nothing)?;
    buffer.into_mapped_buffer_readable().map_err(|_| nothing())
}

type Frame = gst::MappedBuffer<gst::buffer::Readable>;

/// An empty frame. Zeroed memory, so only what is drawn on costs any.
fn empty(size: (u32, u32)) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(vec![0u8; size.0 as usize * size.1 as usize * 4]);
    buffer.make_mut().set_pts(gst::ClockTime::ZERO);
    buffer.make_mut().set_duration(gst::ClockTime::SECOND);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fonts of every kind of script that is tried here.
    const FONTS: &str =
        "apt-get install fonts-dejavu-core fonts-noto-core fonts-noto-color-emoji fonts-wqy-microhei";

    fn style() -> Style {
        Style { family: "sans-serif".to_owned(), weight: "", size: 48.0, colour: Color::white() }
    }

    fn line(text: &str) -> Pixmap {
        gst::init().expect("GStreamer starts");
        draw(text, &style(), 2000.0).expect("pango").expect("something to be seen").picture
    }

    /// Highest ink within some columns, in pixels from the top.
    fn highest(picture: &Pixmap, columns: std::ops::Range<u32>) -> u32 {
        let inked =
            |y: &u32| columns.clone().any(|x| picture.pixel(x, *y).is_some_and(|pixel| pixel.alpha() > 100));
        (0..picture.height()).find(inked).unwrap_or(picture.height())
    }

    #[test]
    fn arabic_runs_to_the_left_and_its_letters_join() {
        // Three low letters, then a tall one.
        let word = line("\u{628}\u{628}\u{628}\u{627}");
        let (wide, third) = (word.width(), word.width() / 3);
        let (left, right) = (highest(&word, 0..third), highest(&word, wide - third..wide));
        assert!(left + 5 < right, "the tall one is last, so it is left: {left} {right}; {FONTS}");
        let apart = line("\u{628}\u{200c}\u{628}\u{200c}\u{628}\u{200c}\u{627}");
        assert!(wide + 10 < apart.width(), "{wide} {}; {FONTS}", apart.width());
    }

    #[test]
    fn emoji_are_in_colour_and_joined_ones_are_one() {
        let coloured = |picture: &Pixmap| {
            let far = |pixel: &&resvg::tiny_skia::PremultipliedColorU8| {
                pixel.red().abs_diff(pixel.blue()) > 60 || pixel.red().abs_diff(pixel.green()) > 60
            };
            picture.pixels().iter().filter(far).count()
        };
        assert!(coloured(&line("\u{1f389}")) > 200, "{FONTS}");
        assert_eq!(coloured(&line("Lobby")), 0);
        let one = line("\u{1f469}\u{200d}\u{1f680}").width();
        let two = line("\u{1f469}\u{1f680}").width();
        assert!(one * 3 < two * 2, "{one} {two}; {FONTS}");
    }

    /// Whether it is the frame that stands for a letter no font has: ink all along its left and right.
    fn is_box(letter: &Pixmap) -> bool {
        let full = |x: u32| {
            let inked = |y: &u32| letter.pixel(x, *y).is_some_and(|pixel| pixel.alpha() > 100);
            (0..letter.height()).filter(inked).count() * 10 > letter.height() as usize * 9
        };
        let near = |from: u32| (from..from + 4).any(full);
        near(0) && near(letter.width() - 4)
    }

    #[test]
    fn letters_of_many_scripts_are_drawn() {
        assert!(is_box(&line("\u{378}")) && is_box(&line("\u{10fffd}")), "no letters at all");
        for (script, letter) in [
            ("Latin", "a"),
            ("Greek", "\u{3bb}"),
            ("Cyrillic", "\u{434}"),
            ("Hebrew", "\u{5e9}"),
            ("Arabic", "\u{639}"),
            ("Thai", "\u{e25}"),
            ("Devanagari", "\u{939}"),
            ("Tamil", "\u{ba4}"),
            ("Chinese", "\u{5802}"),
            ("Japanese", "\u{304b}"),
            ("Korean", "\u{d55c}"),
        ] {
            assert!(!is_box(&line(letter)), "{script}: {FONTS}");
        }
    }

    #[test]
    fn nothing_is_seen_of_nothing() {
        gst::init().expect("GStreamer starts");
        for text in ["", "   ", "\u{200b}"] {
            assert!(draw(text, &style(), 500.0).expect("pango").is_none(), "{text:?}");
        }
    }

    #[test]
    fn letters_stand_on_one_line_whatever_stands_beside_them() {
        gst::init().expect("GStreamer starts");
        let below = |text: &str| {
            let line = draw(text, &style(), 1000.0).expect("pango").expect("something");
            line.picture.height() as f32 - line.above
        };
        assert!(below("x").abs() <= 1.0 && below("H").abs() <= 1.0, "{} {}", below("x"), below("H"));
        assert!(below("g") > 5.0);
        // Letters of Myanmar reach far down, and shift the line within the frame.
        let (alone, beside) = (line("x"), draw("x\u{1019}\u{103c}", &style(), 1000.0));
        let beside = beside.expect("pango").expect("something");
        let x = highest(&beside.picture, 0..alone.width()) as f32;
        assert!((beside.above - x - alone.height() as f32).abs() <= 1.5, "{} {x}", beside.above);
    }

    #[test]
    fn what_is_too_wide_is_told() {
        gst::init().expect("GStreamer starts");
        let width =
            |text: &str| draw(text, &style(), 200.0).expect("pango").expect("something").picture.width();
        assert!(width("WWWWWW") > 200 && width(&"W".repeat(500)) > 200);
        assert!(width("WW") < 200);
    }
}
