//! The launch fragments of a profile: the only text that becomes elements.

use gstreamer as gst;
use gstreamer::prelude::*;
use serde::Deserialize;

use crate::media::elements::{self, MissingElement};
use crate::model::media::Quality;

/// Where a camera or a microphone comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Becomes the elements.
    pub(in crate::media) launch: String,
    /// Which property of the named element takes the device's address; none: there is no device to choose.
    #[serde(default)]
    pub(in crate::media) address: Option<String>,
    /// What the address is.
    #[serde(default)]
    pub(in crate::media) from: From,
    /// What it takes of what a camera offers: a capture that says so has an element `format`.
    #[serde(default)]
    pub(in crate::media) takes: Option<Takes>,
    /// Whether pictures stay in its memory until they are encoded.
    #[serde(default)]
    pub(in crate::media) shares: Memory,
    /// Of one that shares: width and height must be multiples of these, for nothing can be cropped.
    #[serde(default)]
    pub(in crate::media) multiple_of: Option<(u32, u32)>,
}

impl Capture {
    /// Whether its pictures stay in its own memory.
    pub(in crate::media) fn may_share(&self) -> bool {
        self.shares == Memory::Camera
    }

    /// Whether it shares its memory, and its encoder takes pictures of this size as they are.
    pub(in crate::media) fn shares_at(&self, size: Quality) -> bool {
        let ((width, height), (across, down)) = (size.size(), self.multiple_of.unwrap_or((1, 1)));
        self.may_share() && width.is_multiple_of(across.max(1)) && height.is_multiple_of(down.max(1))
    }
}

/// What a capture takes of what a camera offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// Raw pictures, of any layout.
    Raw,
    /// JPEG, which the fragment decodes.
    Jpeg,
    /// H.264, which the fragment decodes.
    H264,
    /// H.264 that goes out as the camera made it: the fragment parses it, and keeps to what is offered.
    Untouched,
}

/// What a device's address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The device that the configuration names.
    #[default]
    Device,
    /// `media.file`, played in a loop.
    File,
}

/// A fragment without choices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    /// Becomes the elements.
    pub(in crate::media) launch: String,
    /// Which property takes the device's address.
    #[serde(default)]
    pub(in crate::media) address: Option<String>,
}

/// In whose memory a picture goes from a camera to its encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "bool")]
pub enum Memory {
    /// The program's: the picture is copied there, and can be drawn into.
    #[default]
    Own,
    /// The camera's (DMABUF): the board's encoder reads it there.
    Camera,
}

impl std::convert::From<bool> for Memory {
    fn from(shared: bool) -> Self {
        if shared { Self::Camera } else { Self::Own }
    }
}

/// Why a fragment makes no elements.
#[derive(Debug)]
pub(in crate::media) enum Unparsed {
    Missing(MissingElement),
    Wrong(String),
}

impl std::fmt::Display for Unparsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::Wrong(message) => f.write_str(message),
        }
    }
}

/// Makes the elements of a fragment, in a bin with its open ends as pads.
pub(in crate::media) fn parse(launch: &str) -> Result<gst::Bin, Unparsed> {
    let mut context = gst::ParseContext::new();
    gst::parse::bin_from_description_full(launch, true, Some(&mut context), gst::ParseFlags::FATAL_ERRORS)
        .map_err(|error| match context.missing_elements().first() {
            // The parser counts an element that has not the wanted property among the missing ones, too.
            Some(name) if error.matches(gst::ParseError::NoSuchElement) => {
                Unparsed::Missing(elements::missing(name))
            }
            Some(_) | None => Unparsed::Wrong(error.message().to_owned()),
        })
        .and_then(|element| {
            element.downcast::<gst::Bin>().map_err(|_| Unparsed::Wrong("it makes no bin".to_owned()))
        })
}
