//! JPEGs looked at, and laid out on one sheet: for people who want to see what a stage saw.
//!
//! Runs small pipelines of its own, so it takes tens of milliseconds: never call it where something else waits.

use std::ops::Range;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

/// One try takes milliseconds; on a busy board some seconds.
const TRY_AT_MOST: gst::ClockTime = gst::ClockTime::from_seconds(20);
/// Pictures are looked at in this size.
const LOOK: (i32, i32) = (160, 90);
/// The picture of a tile of the sheet.
const TILE: (i32, i32) = (480, 270);
/// The strip below it, for its caption.
const STRIP: i32 = 36;
/// Between tiles.
const GAP: i32 = 12;
/// What a tile without a picture is painted with: dark grey, in ARGB.
const PAINT: u32 = 0xff2d_2d2d;
/// Tiles in a row.
const COLUMNS: usize = 3;

/// What is in a picture, roughly.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    grey: Vec<u8>,
}

impl Look {
    /// How much its parts differ: the standard deviation of its brightness, 0–127. A plain colour has less than 2.
    pub fn contrast(&self) -> f64 {
        let mean = mean(self.grey.iter().map(|value| f64::from(*value)));
        mean_of(&self.grey, |value| (f64::from(value) - mean).powi(2)).sqrt()
    }

    /// How bright a part of it is: the mean, 0–255. Places are those of a picture of 160 by 90.
    pub fn brightness(&self, across: Range<usize>, down: Range<usize>) -> f64 {
        let rows = self.grey.chunks_exact(160).take(down.end).skip(down.start);
        mean(rows.flat_map(|row| row.iter().take(across.end).skip(across.start)).map(|v| f64::from(*v)))
    }

    /// How much it differs from another: the mean difference of brightness, 0–255.
    pub fn distance(&self, other: &Self) -> f64 {
        mean(self.grey.iter().zip(&other.grey).map(|(one, two)| f64::from(one.abs_diff(*two))))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

fn mean_of(grey: &[u8], of: impl Fn(u8) -> f64) -> f64 {
    mean(grey.iter().map(|value| of(*value)))
}

/// A picture that cannot be read or laid out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// GStreamer does not start.
    #[error("GStreamer does not start: {0}")]
    Init(#[from] glib::Error),
    /// An element is missing or refused.
    #[error("pictures cannot be processed: {0}")]
    Element(#[from] glib::BoolError),
    /// A pipeline gave nothing.
    #[error("the picture cannot be read")]
    Nothing,
}

/// Stops the pipeline on every way out.
struct Running(gst::Pipeline);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.set_state(gst::State::Null).is_err() {
            tracing::debug!("a pipeline of pictures did not stop cleanly");
        }
    }
}

/// Looks at a JPEG.
///
/// # Errors
/// When it is none.
pub fn look(jpeg: &[u8]) -> Result<Look, Error> {
    gst::init()?;
    let pipeline = gst::Pipeline::new();
    let shape = gst::Caps::builder("video/x-raw")
        .field("format", "GRAY8")
        .field("width", LOOK.0)
        .field("height", LOOK.1)
        .build();
    let last = decode(&pipeline, jpeg, &shape)?;
    let bytes = run(pipeline, &last)?;
    Ok(Look { grey: bytes })
}

/// What a tile of a sheet shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A JPEG.
    Picture(Vec<u8>),
    /// Words, where there was nothing to see.
    Words(String),
}

/// Lays tiles out on one sheet, each with its caption below; a JPEG.
///
/// # Errors
/// When one of the pictures is none.
pub fn sheet(tiles: &[(String, Shown)]) -> Result<Vec<u8>, Error> {
    gst::init()?;
    let pipeline = gst::Pipeline::new();
    let compositor = gst::ElementFactory::make("compositor").build()?;
    compositor.set_property_from_str("background", "black");
    pipeline.add(&compositor)?;
    for (index, (caption, shown)) in tiles.iter().enumerate() {
        let tile = tile(&pipeline, caption, shown)?;
        let pad =
            compositor.request_pad_simple("sink_%u").ok_or_else(|| glib::bool_error!("no more tiles"))?;
        pad.set_property("xpos", place(index % COLUMNS, TILE.0));
        pad.set_property("ypos", place(index / COLUMNS, TILE.1 + STRIP));
        let source = tile.static_pad("src").ok_or_else(|| glib::bool_error!("no tile"))?;
        source.link(&pad).map_err(|error| glib::bool_error!("{error}"))?;
    }
    let size = gst::Caps::builder("video/x-raw")
        .field("width", place(COLUMNS, TILE.0))
        .field("height", place(tiles.len().div_ceil(COLUMNS), TILE.1 + STRIP))
        .build();
    let size = gst::ElementFactory::make("capsfilter").property("caps", size).build()?;
    let convert = gst::ElementFactory::make("videoconvert").build()?;
    let encoder = gst::ElementFactory::make("jpegenc").property("quality", 85i32).build()?;
    let steps = [&compositor, &size, &convert, &encoder];
    pipeline.add_many(&steps[1..])?;
    gst::Element::link_many(steps)?;
    run(pipeline, &encoder)
}

/// Where the tile with this place in a row or column begins.
fn place(at: usize, size: i32) -> i32 {
    i32::try_from(at).unwrap_or_default() * (size + GAP) + GAP
}

/// One tile with its caption; the last element of it.
fn tile(pipeline: &gst::Pipeline, caption: &str, shown: &Shown) -> Result<gst::Element, Error> {
    let shape = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", TILE.0)
        .field("height", TILE.1)
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    let picture = match shown {
        Shown::Picture(jpeg) => decode(pipeline, jpeg, &shape)?,
        Shown::Words(words) => {
            let painted = painted(pipeline, &shape)?;
            let words = text(words, "Sans 20", "center", "center")?;
            pipeline.add(&words)?;
            painted.link(&words)?;
            words
        }
    };
    let strip = gst::ElementFactory::make("videobox").property("bottom", -STRIP).build()?;
    let caption = text(caption, "Sans 15", "bottom", "left")?;
    caption.set_property("xpad", 4i32);
    caption.set_property("ypad", 8i32);
    let steps = [&picture, &strip, &caption];
    pipeline.add_many(&steps[1..])?;
    gst::Element::link_many(steps)?;
    Ok(caption)
}

fn text(words: &str, font: &str, vertical: &str, horizontal: &str) -> Result<gst::Element, glib::BoolError> {
    let text = gst::ElementFactory::make("textoverlay")
        .property("text", words)
        .property("font-desc", font)
        .build()?;
    text.set_property_from_str("valignment", vertical);
    text.set_property_from_str("halignment", horizontal);
    Ok(text)
}

/// A JPEG on its way to a shape; the last element of it.
fn decode(pipeline: &gst::Pipeline, jpeg: &[u8], shape: &gst::Caps) -> Result<gst::Element, Error> {
    let caps = gst::Caps::builder("image/jpeg").field("framerate", gst::Fraction::new(1, 1)).build();
    let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
    let steps = [
        gst::ElementFactory::make("jpegdec").build()?,
        gst::ElementFactory::make("videoconvert").build()?,
        gst::ElementFactory::make("videoscale").property("add-borders", false).build()?,
        gst::ElementFactory::make("capsfilter").property("caps", shape).build()?,
    ];
    pipeline.add(&source)?;
    pipeline.add_many(&steps)?;
    gst::Element::link_many([source.upcast_ref::<gst::Element>(), &steps[0]])?;
    gst::Element::link_many(&steps)?;
    let mut buffer = gst::Buffer::from_slice(jpeg.to_vec());
    {
        let buffer = buffer.make_mut();
        buffer.set_pts(gst::ClockTime::ZERO);
        buffer.set_duration(gst::ClockTime::SECOND);
    }
    source.push_buffer(buffer).map_err(|_| Error::Nothing)?;
    source.end_of_stream().map_err(|_| Error::Nothing)?;
    let [.., last] = steps;
    Ok(last)
}

/// A plain picture.
fn painted(pipeline: &gst::Pipeline, shape: &gst::Caps) -> Result<gst::Element, Error> {
    let source = gst::ElementFactory::make("videotestsrc")
        .property("num-buffers", 1i32)
        .property("foreground-color", PAINT)
        .build()?;
    source.set_property_from_str("pattern", "solid-color");
    let filter = gst::ElementFactory::make("capsfilter").property("caps", shape).build()?;
    pipeline.add_many([&source, &filter])?;
    source.link(&filter)?;
    Ok(filter)
}

/// The first buffer out of `last`.
fn run(pipeline: gst::Pipeline, last: &gst::Element) -> Result<Vec<u8>, Error> {
    let sink = gst_app::AppSink::builder().sync(false).build();
    pipeline.add(&sink)?;
    gst::Element::link_many([last, sink.upcast_ref()])?;
    let running = Running(pipeline);
    running.0.set_state(gst::State::Playing).map_err(|_| Error::Nothing)?;
    let sample = sink.try_pull_sample(TRY_AT_MOST).ok_or(Error::Nothing)?;
    let map = sample.buffer().ok_or(Error::Nothing)?.map_readable()?;
    Ok(map.as_slice().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(pattern: &str) -> Vec<u8> {
        gst::init().expect("GStreamer starts");
        let launch = format!(
            "videotestsrc num-buffers=1 pattern={pattern} ! video/x-raw,width=640,height=360 ! jpegenc name=last"
        );
        let pipeline = gst::parse::launch(&launch).expect("elements of gstreamer1.0-plugins-good");
        let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
        let last = pipeline.by_name("last").expect("named above");
        run(pipeline, &last).expect("a JPEG")
    }

    #[test]
    fn a_plain_picture_is_told_from_a_test_picture() {
        let (plain, bars) = (look(&jpeg("blue")).expect("a look"), look(&jpeg("smpte")).expect("a look"));
        assert!(plain.contrast() < 2.0 && bars.contrast() > 20.0, "{} {}", plain.contrast(), bars.contrast());
        assert!(plain.distance(&plain) < 0.1 && plain.distance(&bars) > 20.0);
        assert!(look(b"no picture").is_err());
    }

    #[test]
    fn a_sheet_holds_all() {
        let mut pictures: Vec<_> =
            ["red", "green", "smpte"].map(|p| (p.to_owned(), Shown::Picture(jpeg(p)))).into();
        pictures.push(("nothing".to_owned(), Shown::Words("nothing to see".to_owned())));
        let sheet = sheet(&pictures).expect("a sheet");
        let whole = look(&sheet).expect("a JPEG");
        assert!(whole.contrast() > 20.0);
    }
}
