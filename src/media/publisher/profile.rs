//! Profiles: which elements capture and encode, as data.
//!
//! A profile is a TOML file. Its launch fragments are the only text that becomes elements; device names, sizes, rates and
//! volumes enter as properties on the elements it names:
//!
//! | table | named elements | what is set on them |
//! |---|---|---|
//! | `[[camera]]` | `camera`, `size` (capsfilter) | `camera`: the property `address`; `size`: caps of what is sent |
//! | … with `takes = "raw"`, `"jpeg"` or `"h264"` | `format` (capsfilter) | caps of what was chosen of the camera's offers |
//! | … with `takes = "untouched"` | `format`, `size` (capsfilters) | `format`: likewise; `size`: H.264 as it is offered |
//! | … that makes any size | `wanted` (capsfilter) | raw caps of the wanted size at 30/s |
//! | … with `shares = true` | `size` (capsfilter) | raw caps of what is sent, of any format |
//! | `[[microphone]]` | `microphone` | the property `address` |
//! | `[[encoder]]`, `codec = "h264"` or `"vp8"` | `encoder`, `fit` with `multiple_of` | `encoder`: the bit rate; `fit`: what is cropped |
//! | `[audio_encoder]` | – | – |
//! | `[speaker]` | `speaker` | the property `address` |
//!
//! `[when]` says for which boards `auto` takes it. Cameras and microphones are tried in order until one delivers, encoders of a codec
//! until one encodes; `hardware = true` says that an encoder is a part of the board. Entries whose elements are not installed are left
//! out.
//!
//! A camera that shares hands on its own memory (DMABUF), and an encoder that imports (`imports = true`) reads that and nothing else: so
//! no picture is copied, while nothing is drawn into it and its size is one of its `multiple_of`. Slates, and pictures that are
//! drawn into, go to the other encoders.
//!
//! Invariant: a loaded profile has every element it needs, an encoder that takes any memory at least, and a camera that is copied from;
//! one shares only where an encoder imports.

mod check;
mod encoder;
mod error;
mod memory;
mod pick;

use std::fs;
use std::path::{Path, PathBuf};

use gstreamer as gst;
use gstreamer::prelude::*;
use serde::Deserialize;

use self::check::{Check, Depth};
pub use self::encoder::{Bitrate, Encoder, Hardware};
pub use self::error::Error;
pub use self::memory::Memory;
pub use self::pick::Picked;
use self::pick::When;
use super::Codec;
use crate::files;
use crate::media::elements::{self, MissingElement};
use crate::model::message::DeviceKind;

/// Most that is read of a profile; a long one has 10 kB.
const MAX_BYTES: u64 = 256 << 10;

/// Profiles that are part of the program; a file of the same name in a directory takes their place. `auto` tries
/// them in this order.
const SHIPPED: [(&str, &str); 12] = [
    ("test", include_str!("../../../pipelines/test.toml")),
    ("file", include_str!("../../../pipelines/file.toml")),
    ("usb-h264", include_str!("../../../pipelines/usb-h264.toml")),
    ("csi", include_str!("../../../pipelines/csi.toml")),
    ("raspberry-pi-zero-2", include_str!("../../../pipelines/raspberry-pi-zero-2.toml")),
    ("raspberry-pi-3", include_str!("../../../pipelines/raspberry-pi-3.toml")),
    ("raspberry-pi-4", include_str!("../../../pipelines/raspberry-pi-4.toml")),
    ("raspberry-pi-5", include_str!("../../../pipelines/raspberry-pi-5.toml")),
    ("rockchip", include_str!("../../../pipelines/rockchip.toml")),
    ("jetson", include_str!("../../../pipelines/jetson.toml")),
    ("intel-amd", include_str!("../../../pipelines/intel-amd.toml")),
    ("generic", include_str!("../../../pipelines/generic.toml")),
];

/// What `auto` stands for where the board is not asked.
const LAST_RESORT: &str = "generic";

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
    /// What it takes of what a camera offers: a capture that says so has an element `format`.
    #[serde(default)]
    pub(super) takes: Option<Takes>,
    /// Whether pictures stay in its memory until they are encoded.
    #[serde(default)]
    pub(super) shares: Memory,
    /// Of one that shares: width and height must be multiples of these, for nothing can be cropped.
    #[serde(default)]
    pub(super) multiple_of: Option<(u32, u32)>,
}

/// What a capture takes of what a camera offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// Raw pictures.
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
    #[serde(default)]
    when: Option<When>,
    camera: Vec<Capture>,
    microphone: Vec<Capture>,
    encoder: Vec<Encoder>,
    audio_encoder: Fragment,
    speaker: Fragment,
}

/// A profile as it was written; whether its elements are here is not known yet.
struct Written {
    name: String,
    place: String,
    origin: Origin,
    file: File,
}

/// Who wrote a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It is a part of the program, and was tried out with it.
    Shipped,
    /// Somebody who may have been mistaken.
    Person,
}

impl Written {
    fn find(name: &str, directories: &[PathBuf]) -> Result<Self, Error> {
        let name = if name == "auto" { LAST_RESORT } else { name };
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let file =
            directories.iter().map(|d| d.join(format!("{name}.toml"))).find(|file| is_name && file.exists());
        match (file, SHIPPED.iter().find(|(shipped, _)| *shipped == name)) {
            (Some(file), shipped) => {
                let text = files::read_text(&file, MAX_BYTES)
                    .map_err(|reason| Error::Unreadable { file: file.clone(), reason })?;
                // A copy, such as the package's, is what is shipped.
                let copied = shipped.is_some_and(|(_, shipped)| *shipped == text);
                let origin = if copied { Origin::Shipped } else { Origin::Person };
                Self::read(name, file.display().to_string(), origin, &text)
            }
            (None, Some((_, text))) => Self::read(name, format!("profile {name}"), Origin::Shipped, text),
            (None, None) => Err(Error::Unknown { name: name.to_owned(), known: known(directories) }),
        }
    }

    fn read(name: &str, place: String, origin: Origin, text: &str) -> Result<Self, Error> {
        match toml::from_str(text) {
            Ok(file) => Ok(Self { name: name.to_owned(), place, origin, file }),
            Err(error) => {
                let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
                Err(Error::Syntax { place: format!("{place}:{line}"), message: error.message().to_owned() })
            }
        }
    }

    /// Sees that its elements are here; what a person wrote is made once, to see that it can be.
    fn check(self) -> Result<Profile, Error> {
        let depth = match self.origin {
            Origin::Shipped => Depth::Installed,
            Origin::Person => Depth::Made,
        };
        self.look(depth)
    }

    fn look(self, depth: Depth) -> Result<Profile, Error> {
        gst::init()?;
        let Self { name, place, file, .. } = self;
        let check = Check { place: &place, depth };
        let mut cameras = check.captures("camera", &["camera", "size"], file.camera)?;
        let microphones = check.captures("microphone", &["microphone"], file.microphone)?;
        check.fragment("audio_encoder", &[], &file.audio_encoder)?;
        check.fragment("speaker", &["speaker"], &file.speaker)?;
        let mut encoders = check.encoders(file.encoder)?;
        let importer = check.shared(&mut cameras, &mut encoders)?;
        Ok(Profile {
            name,
            description: file.description,
            cameras,
            microphones,
            encoders,
            importer,
            audio_encoder: file.audio_encoder,
            speaker: file.speaker,
        })
    }
}

/// A profile that can be used here.
#[derive(Debug, Clone)]
pub struct Profile {
    name: String,
    description: String,
    pub(super) cameras: Vec<Capture>,
    pub(super) microphones: Vec<Capture>,
    encoders: Vec<Encoder>,
    importer: Option<Encoder>,
    pub(super) audio_encoder: Fragment,
    pub(super) speaker: Fragment,
}

impl Profile {
    /// Reads and checks the profile `name`: a file of `directories`, the first that has it, else a shipped one. Of that it is seen
    /// only that it is installed.
    ///
    /// # Errors
    /// One line with the file, the place in it and the remedy.
    pub fn load(name: &str, directories: &[PathBuf]) -> Result<Self, Error> {
        Written::find(name, directories)?.check()
    }

    /// As [`Profile::load`], and makes each element of a shipped one, too: for who wants to know before a device is opened.
    ///
    /// # Errors
    /// The same.
    pub fn examine(name: &str, directories: &[PathBuf]) -> Result<Self, Error> {
        Written::find(name, directories)?.look(Depth::Made)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in a sentence.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether its cameras, and its microphones, are devices of the machine that can be chosen.
    pub fn chooses(&self, device: DeviceKind) -> bool {
        take_devices(match device {
            DeviceKind::Camera => &self.cameras,
            DeviceKind::Microphone => &self.microphones,
        })
    }

    /// What can encode `codec`, in the order to be tried; never none, or the profile has no encoder for it.
    pub fn encoders(&self, codec: Codec) -> Vec<&Encoder> {
        self.encoders.iter().filter(|encoder| encoder.codec() == codec).collect()
    }

    /// What encodes the pictures of a camera that shares its memory.
    pub fn importer(&self) -> Option<&Encoder> {
        self.importer.as_ref()
    }

    /// The elements that a stay begins with.
    pub(super) fn elements(&self, codec: Codec) -> Vec<&str> {
        let captures = self.cameras.first().into_iter().chain(self.microphones.first());
        let encoder = self.encoders(codec).into_iter().take(1).map(|encoder| encoder.launch.as_str());
        let launches = captures.map(|capture| capture.launch.as_str()).chain(encoder);
        launches.chain([self.audio_encoder.launch.as_str()]).flat_map(elements::named_in).collect()
    }

    /// What is offered where `codec` is wanted: it, or the other where the profile has no encoder for it.
    pub(super) fn offered(&self, codec: Codec) -> Codec {
        let wanted = self.encoders.iter().find(|encoder| encoder.codec() == codec);
        wanted.or(self.encoders.first()).map_or(codec, Encoder::codec)
    }
}

/// As [`Profile::chooses`], of a profile as it is written: its elements need not be here. `None`: it cannot be read.
pub fn chooses(name: &str, directories: &[PathBuf], device: DeviceKind) -> Option<bool> {
    let file = Written::find(name, directories).ok()?.file;
    Some(take_devices(match device {
        DeviceKind::Camera => &file.camera,
        DeviceKind::Microphone => &file.microphone,
    }))
}

fn take_devices(captures: &[Capture]) -> bool {
    captures.iter().any(|capture| capture.address.is_some() && capture.from == From::Device)
}

/// The names of the profiles that are part of the program.
pub fn shipped() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// Every encoder that a shipped profile knows and that takes any memory, installed or not, each element once.
pub fn shipped_encoders() -> Vec<Encoder> {
    let files = SHIPPED.iter().rev().filter_map(|(_, text)| toml::from_str::<File>(text).ok());
    let mut encoders: Vec<Encoder> = Vec::new();
    let takes_any = |encoder: &Encoder| encoder.imports() == Memory::Own;
    for encoder in files.flat_map(|file| file.encoder).filter(takes_any) {
        if encoders.iter().all(|known| known.element() != encoder.element()) {
            encoders.push(encoder);
        }
    }
    encoders.sort_by_key(|encoder| encoder.hardware() == Hardware::No);
    encoders
}

/// The names of all profiles, for people.
fn known(directories: &[PathBuf]) -> String {
    let mut names = files(directories);
    names.extend(SHIPPED.iter().map(|(name, _)| (*name).to_owned()));
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// The names of the profiles in these directories, by directory and then by name.
fn files(directories: &[PathBuf]) -> Vec<String> {
    let named = |path: PathBuf| {
        let toml = path.extension().is_some_and(|ending| ending == "toml");
        path.file_stem().filter(|_| toml).map(|stem| stem.to_string_lossy().into_owned())
    };
    let files = |directory: &PathBuf| {
        let entries = fs::read_dir(directory as &Path).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| named(entry.path())).collect();
        names.sort_unstable();
        names
    };
    directories.iter().flat_map(files).collect()
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

#[cfg(test)]
mod tests;
