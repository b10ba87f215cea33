//! Profiles: which elements capture and encode, as data.
//!
//! A profile is a TOML file. Its launch fragments are the only text that becomes elements; device names, sizes, rates and
//! volumes enter as properties on the elements it names:
//!
//! | table | named elements | what is set on them |
//! |---|---|---|
//! | `[[camera]]` | `camera`, `size` (capsfilter) | `camera`: the property `address`; `size`: caps |
//! | `[[microphone]]` | `microphone` | the property `address` |
//! | `[[encoder]]`, `codec = "h264"` or `"vp8"` | `encoder` | `bitrate.property`, in units of `bitrate.unit` bit/s |
//! | `[audio_encoder]` | – | – |
//! | `[speaker]` | `speaker` | the property `address` |
//!
//! Of the entries of one kind the first counts whose elements are installed; cameras and microphones are tried in order until one
//! delivers. Invariant: a loaded profile has every element it needs.

use std::fs;
use std::path::{Path, PathBuf};

use gstreamer as gst;
use gstreamer::prelude::*;
use serde::Deserialize;

use super::Codec;
use crate::media::elements::{self, MissingElement};

/// Profiles that are part of the program; a file of the same name in a directory takes their place.
const SHIPPED: [(&str, &str); 3] = [
    ("test", include_str!("../../../pipelines/test.toml")),
    ("generic", include_str!("../../../pipelines/generic.toml")),
    ("file", include_str!("../../../pipelines/file.toml")),
];

/// What `auto` stands for.
const AUTO: &str = "generic";

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none of that name.
    #[error("media.profile: there is no profile {name:?}; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// The file cannot be read.
    #[error("{}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The file is no profile.
    #[error("{place}: {message}")]
    Syntax {
        /// File and line.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// A launch fragment is wrong.
    #[error("{place}: {table}: {message}")]
    Launch {
        /// The file.
        place: String,
        /// Which table.
        table: &'static str,
        /// What is wrong.
        message: String,
    },
    /// Something is not installed.
    #[error("{place}: {missing}")]
    Missing {
        /// The file.
        place: String,
        /// What.
        missing: MissingElement,
    },
    /// GStreamer does not start.
    #[error("GStreamer does not start: {0}")]
    Init(#[from] gst::glib::Error),
}

/// Where a camera or a microphone comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// The fragment.
    pub(super) launch: String,
    /// Which property of the named element takes the device's address; none: there is no device to choose.
    #[serde(default)]
    pub(super) address: Option<String>,
    /// What the address is.
    #[serde(default)]
    pub(super) from: From,
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

/// A video encoder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    codec: CodecName,
    pub(super) launch: String,
    pub(super) bitrate: Bitrate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CodecName {
    H264,
    Vp8,
}

/// How an encoder is told its bit rate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bitrate {
    /// The property.
    pub(super) property: String,
    /// Bits a second of one of its units.
    pub(super) unit: u32,
}

/// A fragment without choices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    /// The fragment.
    pub(super) launch: String,
    /// Which property takes the device's address.
    #[serde(default)]
    pub(super) address: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    description: String,
    camera: Vec<Capture>,
    microphone: Vec<Capture>,
    encoder: Vec<Encoder>,
    audio_encoder: Fragment,
    speaker: Fragment,
}

/// A profile that can be used here.
#[derive(Debug, Clone)]
pub struct Profile {
    name: String,
    description: String,
    pub(super) cameras: Vec<Capture>,
    pub(super) microphones: Vec<Capture>,
    h264: Option<Encoder>,
    vp8: Option<Encoder>,
    pub(super) audio_encoder: Fragment,
    pub(super) speaker: Fragment,
}

impl Profile {
    /// Reads and checks the profile `name`: a file of `directories`, the first that has it, else a shipped one.
    ///
    /// # Errors
    /// One line with the file, the place in it and the remedy.
    pub fn load(name: &str, directories: &[PathBuf]) -> Result<Self, Error> {
        gst::init()?;
        let name = if name == "auto" { AUTO } else { name };
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let file =
            directories.iter().map(|d| d.join(format!("{name}.toml"))).find(|file| is_name && file.exists());
        match (file, SHIPPED.iter().find(|(shipped, _)| *shipped == name)) {
            (Some(file), _) => {
                let text = fs::read_to_string(&file)
                    .map_err(|reason| Error::Unreadable { file: file.clone(), reason })?;
                Self::read(name, &file.display().to_string(), &text)
            }
            (None, Some((_, text))) => Self::read(name, &format!("profile {name}"), text),
            (None, None) => Err(Error::Unknown { name: name.to_owned(), known: known(directories) }),
        }
    }

    fn read(name: &str, place: &str, text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            Error::Syntax { place: format!("{place}:{line}"), message: error.message().to_owned() }
        })?;
        let check = Check { place };
        let cameras = check.captures("camera", &["camera", "size"], file.camera)?;
        let microphones = check.captures("microphone", &["microphone"], file.microphone)?;
        check.fragment("audio_encoder", &[], &file.audio_encoder)?;
        check.fragment("speaker", &["speaker"], &file.speaker)?;
        let (mut h264, mut vp8, mut missing) = (None, None, None);
        for encoder in file.encoder {
            let slot = match encoder.codec {
                CodecName::H264 => &mut h264,
                CodecName::Vp8 => &mut vp8,
            };
            match check.encoder(&encoder) {
                Ok(()) if slot.is_none() => *slot = Some(encoder),
                Ok(()) => {}
                Err(error @ Error::Missing { .. }) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        if let (None, None, Some(error)) = (&h264, &vp8, missing) {
            return Err(error);
        }
        Ok(Self {
            name: name.to_owned(),
            description: file.description,
            cameras,
            microphones,
            h264,
            vp8,
            audio_encoder: file.audio_encoder,
            speaker: file.speaker,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in a sentence.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The encoder for `codec`, or for the other one if there is none.
    pub(super) fn encoder(&self, codec: Codec) -> Option<(Codec, &Encoder)> {
        let h264 = self.h264.as_ref().map(|encoder| (Codec::H264, encoder));
        let vp8 = self.vp8.as_ref().map(|encoder| (Codec::Vp8, encoder));
        match codec {
            Codec::H264 => h264.or(vp8),
            Codec::Vp8 => vp8.or(h264),
        }
    }
}

/// The names of all profiles, for people.
fn known(directories: &[PathBuf]) -> String {
    let named = |path: PathBuf| {
        let toml = path.extension().is_some_and(|ending| ending == "toml");
        path.file_stem().filter(|_| toml).map(|stem| stem.to_string_lossy().into_owned())
    };
    let files = |directory: &PathBuf| {
        let entries = fs::read_dir(directory as &Path).into_iter().flatten().flatten();
        entries.filter_map(|entry| named(entry.path())).collect::<Vec<_>>()
    };
    let mut names: Vec<String> = directories.iter().flat_map(files).collect();
    names.extend(SHIPPED.iter().map(|(name, _)| (*name).to_owned()));
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

struct Check<'a> {
    place: &'a str,
}

impl Check<'_> {
    fn captures(
        &self,
        table: &'static str,
        names: &[&str],
        captures: Vec<Capture>,
    ) -> Result<Vec<Capture>, Error> {
        let mut usable = Vec::new();
        let mut missing = None;
        for capture in captures {
            let address = capture.address.as_deref().map(|property| (table, property));
            match self.launch(table, names, &capture.launch, address) {
                Ok(()) => usable.push(capture),
                Err(error @ Error::Missing { .. }) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        match (usable.is_empty(), missing) {
            (false, _) => Ok(usable),
            (true, Some(error)) => Err(error),
            (true, None) => Err(self.wrong(table, "there must be one at least".to_owned())),
        }
    }

    fn fragment(&self, table: &'static str, names: &[&str], fragment: &Fragment) -> Result<(), Error> {
        let address = fragment.address.as_deref().map(|property| (table, property));
        self.launch(table, names, &fragment.launch, address)
    }

    fn encoder(&self, encoder: &Encoder) -> Result<(), Error> {
        let property = Some(("encoder", encoder.bitrate.property.as_str()));
        self.launch("encoder", &["encoder"], &encoder.launch, property)?;
        if encoder.bitrate.unit == 0 {
            return Err(self.wrong("encoder", "bitrate.unit must be 1 or more".to_owned()));
        }
        Ok(())
    }

    /// Whether a fragment parses, has the named elements, and one of them the property that is to be set.
    fn launch(
        &self,
        table: &'static str,
        names: &[&str],
        launch: &str,
        property: Option<(&str, &str)>,
    ) -> Result<(), Error> {
        let bin = parse(launch).map_err(|error| match error {
            Unparsed::Missing(missing) => Error::Missing { place: self.place.to_owned(), missing },
            Unparsed::Wrong(message) => self.wrong(table, message),
        })?;
        for name in names {
            if bin.by_name(name).is_none() {
                let message = format!("it has no element named {name}: write name={name} behind one");
                return Err(self.wrong(table, message));
            }
        }
        if let Some((name, property)) = property {
            let element = bin.by_name(name);
            if element.is_none_or(|element| element.find_property(property).is_none()) {
                let message = format!("the element {name} has no property {property:?}");
                return Err(self.wrong(table, message));
            }
        }
        Ok(())
    }

    fn wrong(&self, table: &'static str, message: String) -> Error {
        Error::Launch { place: self.place.to_owned(), table, message }
    }
}

/// Why a fragment makes no elements.
#[derive(Debug)]
pub(super) enum Unparsed {
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
pub(super) fn parse(launch: &str) -> Result<gst::Bin, Unparsed> {
    let mut context = gst::ParseContext::new();
    gst::parse::bin_from_description_full(launch, true, Some(&mut context), gst::ParseFlags::FATAL_ERRORS)
        .map_err(|error| match context.missing_elements().first() {
            Some(name) => Unparsed::Missing(elements::missing(name)),
            None => Unparsed::Wrong(error.message().to_owned()),
        })
        .and_then(|element| {
            element.downcast::<gst::Bin>().map_err(|_| Unparsed::Wrong("it makes no bin".to_owned()))
        })
}

#[cfg(test)]
mod tests;
