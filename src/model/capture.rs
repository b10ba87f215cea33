//! What a camera can deliver, and which of it is captured for a wanted picture size.
//!
//! The choice is a pure function, so that it can be held against tables of real cameras. Its order of preference:
//!
//! 1. fluent: 15 pictures a second or more, then 7.5 or more, then the rest; never more than 30 where there is a choice;
//! 2. as much of the wanted picture as possible. Nothing is scaled up: a camera that gives less is sent at the largest smaller
//!    [`Quality`] that it fills in width or height, with borders beside it where its shape is another. Only what is smaller than
//!    the smallest quality is enlarged to it;
//! 3. the least work: H.264 of the camera passed on untouched (when nothing has to be drawn into the picture and it fits exactly),
//!    then raw pictures, then JPEG, then H.264 decoded; the larger the picture, the more work;
//! 4. the higher rate.
//!
//! Not here: asking a camera (`devices`), and the elements that capture it (`media`).

use std::cmp::Reverse;
use std::fmt;

use serde::{Serialize, Serializer};

use super::media::Quality;

/// Pictures a second that look fluent, in thousandths.
const FLUENT: u64 = 15_000;
/// Pictures a second that are better than a slide show, in thousandths: what cameras give raw in place of 15 or 10.
const JERKY: u64 = 7_500;
/// More pictures a second are not sent, in thousandths.
const MOST: u64 = 30_000;
/// Decoding a JPEG is about so much more work a pixel than converting a raw picture.
const JPEG_WORK: u64 = 3;
/// Decoding H.264 likewise.
const H264_WORK: u64 = 6;
/// A difference of less than one in so many of the wanted pixels is not seen.
const SHARES: u64 = 16;

/// How a picture comes from a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// Pixels.
    Raw(Pixels),
    /// One JPEG a picture.
    Jpeg,
    /// The camera encodes video itself.
    H264,
}

/// How the pixels of a raw picture lie in memory, what is converted with the least work first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pixels {
    /// Planes of Y, U and V, chroma halved both ways: what encoders take.
    I420,
    /// Planes of Y and UV.
    Nv12,
    /// Y0 U Y1 V.
    Yuy2,
    /// U Y0 V Y1.
    Uyvy,
    /// Planes of Y and VU.
    Nv21,
    /// Planes of Y, V and U.
    Yv12,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// No colours.
    Grey,
}

impl Pixels {
    /// What it is called, here and in GStreamer's caps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::I420 => "I420",
            Self::Nv12 => "NV12",
            Self::Yuy2 => "YUY2",
            Self::Uyvy => "UYVY",
            Self::Nv21 => "NV21",
            Self::Yv12 => "YV12",
            Self::Rgb => "RGB",
            Self::Bgr => "BGR",
            Self::Grey => "GRAY8",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw(pixels) => f.write_str(pixels.as_str()),
            Self::Jpeg => f.write_str("MJPEG"),
            Self::H264 => f.write_str("H.264"),
        }
    }
}

impl Serialize for Encoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Pictures a second, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Pictures …
    pub frames: u32,
    /// … in so many seconds; not 0.
    pub seconds: u32,
}

impl Rate {
    /// So many pictures every second.
    pub const fn per_second(frames: u32) -> Self {
        Self { frames, seconds: 1 }
    }

    /// Thousandths of pictures a second.
    pub fn milli(self) -> u64 {
        u64::from(self.frames) * 1000 / u64::from(self.seconds.max(1))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milli = self.milli();
        match milli % 1000 {
            0 => write!(f, "{}", milli / 1000),
            rest => write!(f, "{}.{}", milli / 1000, rest / 100),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^52 thousandths")]
        serializer.serialize_f64(self.milli() as f64 / 1000.0)
    }
}

/// One thing a camera offers: a size in an encoding, with its rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// How pictures come.
    pub encoding: Encoding,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pictures a second, in the camera's order.
    pub rates: Vec<Rate>,
}

/// Whether something has to be drawn into the picture, or the picture be changed, before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// A layer, a mirror, or anybody who wants to see the pixels.
    Needed,
    /// What the camera encodes may go out as it is.
    No,
}

/// What becomes of what is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Passing {
    /// Sent as the camera encoded it.
    Untouched,
    /// Converted and encoded.
    Encoded,
    /// Decoded first.
    Decoded,
}

/// One way to capture a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// How pictures come.
    pub encoding: Encoding,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pictures a second.
    pub rate: Rate,
    /// What becomes of them.
    pub passing: Passing,
    /// The size they are sent in.
    pub sent: Quality,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}x{} at {}/s", self.encoding, self.width, self.height, self.rate)
    }
}

/// Every way to capture what is offered, the best first.
pub fn choices(offers: &[Offer], wanted: Quality, drawing: Drawing) -> Vec<Choice> {
    let mut choices: Vec<Choice> = offers.iter().filter_map(|offer| choice(offer, wanted, drawing)).collect();
    choices.sort_by_key(|choice| Reverse(worth(choice, wanted)));
    choices
}

/// Why the first of `choices` is the first, in words.
pub fn reason(choices: &[Choice], wanted: Quality) -> String {
    let Some(best) = choices.first() else {
        return "the camera offers nothing that can be captured".to_owned();
    };
    let mut why = match best.passing {
        Passing::Untouched => "the camera encodes it, it goes out as it is".to_owned(),
        Passing::Encoded => "raw pictures need no decoding".to_owned(),
        Passing::Decoded => {
            let raw = choices.iter().find(|choice| choice.passing == Passing::Encoded);
            match raw {
                Some(raw) => format!("the best raw format is {raw}"),
                None => "the camera has no raw format".to_owned(),
            }
        }
    };
    if fluency(best.rate) < Fluency::Fluent {
        why.push_str("; nothing the camera has is fluent");
    } else if best.sent < wanted {
        why.push_str("; larger pictures are not there, or not at 15/s");
    }
    if best.sent < wanted {
        let (width, height) = best.sent.size();
        why = format!("{why}; sent as {width}x{height}, for nothing is scaled up");
    }
    why
}

/// How a sequence of pictures looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fluency {
    SlideShow,
    Jerky,
    Fluent,
}

fn fluency(rate: Rate) -> Fluency {
    match rate.milli() {
        FLUENT.. => Fluency::Fluent,
        JERKY.. => Fluency::Jerky,
        _ => Fluency::SlideShow,
    }
}

fn choice(offer: &Offer, wanted: Quality, drawing: Drawing) -> Option<Choice> {
    let Offer { encoding, width, height, ref rates } = *offer;
    if width == 0 || height == 0 {
        return None;
    }
    let moving = || rates.iter().copied().filter(|rate| rate.milli() > 0);
    let below = moving().filter(|rate| rate.milli() <= MOST).max_by_key(|rate| rate.milli());
    let rate = below.or_else(|| moving().min_by_key(|rate| rate.milli()))?;
    let fits = (width, height) == wanted.size() && (FLUENT..=MOST).contains(&rate.milli());
    let passing = match encoding {
        Encoding::Raw(_) => Passing::Encoded,
        Encoding::H264 if drawing == Drawing::No && fits => Passing::Untouched,
        Encoding::Jpeg | Encoding::H264 => Passing::Decoded,
    };
    Some(Choice { encoding, width, height, rate, passing, sent: sent(width, height, wanted) })
}

/// The largest size up to the wanted one that a picture fills in width or height without being enlarged.
fn sent(width: u32, height: u32, wanted: Quality) -> Quality {
    let fills = |quality: &Quality| quality.size().0 <= width || quality.size().1 <= height;
    let qualities = [Quality::P1080, Quality::P720, Quality::P540];
    qualities.into_iter().filter(|quality| *quality <= wanted).find(fills).unwrap_or(Quality::P360)
}

/// What is compared, the more important first; the greater is the better.
type Worth = (Fluency, u64, Reverse<u64>, u64, Reverse<Encoding>);

fn worth(choice: &Choice, wanted: Quality) -> Worth {
    let captured = u64::from(choice.width) * u64::from(choice.height);
    let work = match (choice.passing, choice.encoding) {
        (Passing::Untouched, _) => 0,
        (Passing::Encoded, _) => captured,
        (Passing::Decoded, Encoding::H264) => captured.saturating_mul(H264_WORK),
        (Passing::Decoded, Encoding::Jpeg | Encoding::Raw(_)) => captured.saturating_mul(JPEG_WORK),
    };
    let (width, height) = wanted.size();
    let share = u64::from(width) * u64::from(height) / SHARES;
    let shares = (seen(choice) + share / 2) / share;
    (fluency(choice.rate), shares, Reverse(work), choice.rate.milli(), Reverse(choice.encoding))
}

/// How many pixels of the camera's own are seen in the sent picture.
fn seen(choice: &Choice) -> u64 {
    let (width, height) = (u64::from(choice.width), u64::from(choice.height));
    let (across, down) = (u64::from(choice.sent.size().0), u64::from(choice.sent.size().1));
    if width <= across && height <= down {
        width * height
    } else if width * down >= height * across {
        across * (height * across / width)
    } else {
        down * (width * down / height)
    }
}

#[cfg(test)]
mod tests;
