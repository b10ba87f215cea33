//! A profile, as it is written and as it can be used here.

use std::fs;
use std::path::{Path, PathBuf};

use gstreamer as gst;
use serde::Deserialize;

use super::check::{Depth, ProfileCheck};
use super::encoder::{EncoderSpec, Hardware};
use super::error::Error;
use super::fragment::{Capture, Fragment, From, Memory};
use crate::files;
use crate::media::elements;
use crate::model::message::DeviceKind;
use crate::model::settings::VideoCodec;

/// Most that is read of a profile; a long one has 10 kB.
const MAX_BYTES: u64 = 256 << 10;

/// Profiles that are part of the program; a file of the same name in a directory takes their place. `auto` tries
/// them in this order.
pub(super) const SHIPPED: [(&str, &str); 12] = [
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
pub(super) const LAST_RESORT: &str = "generic";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    description: String,
    #[serde(default)]
    pub(super) when: Option<When>,
    camera: Vec<Capture>,
    microphone: Vec<Capture>,
    encoder: Vec<EncoderSpec>,
    audio_encoder: Fragment,
    speaker: Fragment,
}

/// When a profile is the right one; a list without entries asks for nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// Boards, one of which this must be: names of the device tree, `*` at the end for "and whatever follows".
    #[serde(default)]
    pub(super) board: Vec<String>,
    /// Elements, all of which must be there.
    #[serde(default)]
    pub(super) elements: Vec<String>,
}

/// A profile as it was written; whether its elements are here is not known yet.
pub(super) struct Written {
    pub(super) name: String,
    place: String,
    origin: ProfileOrigin,
    pub(super) file: File,
}

/// Who wrote a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProfileOrigin {
    /// It is a part of the program, and was tried out with it.
    Shipped,
    /// Somebody who may have been mistaken.
    Person,
}

impl Written {
    pub(super) fn find(name: &str, directories: &[PathBuf]) -> Result<Self, Error> {
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
                let origin = if copied { ProfileOrigin::Shipped } else { ProfileOrigin::Person };
                Self::read(name, file.display().to_string(), origin, &text)
            }
            (None, Some((_, text))) => {
                Self::read(name, format!("profile {name}"), ProfileOrigin::Shipped, text)
            }
            (None, None) => Err(Error::Unknown { name: name.to_owned(), known: known(directories) }),
        }
    }

    fn read(name: &str, place: String, origin: ProfileOrigin, text: &str) -> Result<Self, Error> {
        match toml::from_str(text) {
            Ok(file) => Ok(Self { name: name.to_owned(), place, origin, file }),
            Err(error) => {
                let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
                Err(Error::Syntax { place: format!("{place}:{line}"), message: error.message().to_owned() })
            }
        }
    }

    /// Sees that its elements are here; what a person wrote is made once, to see that it can be.
    pub(super) fn check(self) -> Result<Profile, Error> {
        let depth = match self.origin {
            ProfileOrigin::Shipped => Depth::Installed,
            ProfileOrigin::Person => Depth::Made,
        };
        self.look(depth)
    }

    fn look(self, depth: Depth) -> Result<Profile, Error> {
        gst::init()?;
        let Self { name, place, file, .. } = self;
        let check = ProfileCheck { place: &place, depth };
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
    pub(in crate::media) cameras: Vec<Capture>,
    pub(in crate::media) microphones: Vec<Capture>,
    encoders: Vec<EncoderSpec>,
    importer: Option<EncoderSpec>,
    pub(in crate::media) audio_encoder: Fragment,
    pub(in crate::media) speaker: Fragment,
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

    /// Its name, as it is configured.
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
    pub fn encoders(&self, codec: VideoCodec) -> Vec<&EncoderSpec> {
        self.encoders.iter().filter(|encoder| encoder.codec() == codec).collect()
    }

    /// What encodes the pictures of a camera that shares its memory.
    pub fn importer(&self) -> Option<&EncoderSpec> {
        self.importer.as_ref()
    }

    /// The elements that a stay begins with.
    pub(in crate::media) fn elements(&self, codec: VideoCodec) -> Vec<&str> {
        let captures = self.cameras.first().into_iter().chain(self.microphones.first());
        let encoder = self.encoders(codec).into_iter().take(1).map(|encoder| encoder.launch.as_str());
        let launches = captures.map(|capture| capture.launch.as_str()).chain(encoder);
        launches.chain([self.audio_encoder.launch.as_str()]).flat_map(elements::named_in).collect()
    }

    /// What is offered where `codec` is wanted: it, or the other where the profile has no encoder for it.
    pub(in crate::media) fn offered(&self, codec: VideoCodec) -> VideoCodec {
        let wanted = self.encoders.iter().find(|encoder| encoder.codec() == codec);
        wanted.or(self.encoders.first()).map_or(codec, EncoderSpec::codec)
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
pub fn shipped_encoders() -> Vec<EncoderSpec> {
    let files = SHIPPED.iter().rev().filter_map(|(_, text)| toml::from_str::<File>(text).ok());
    let mut encoders: Vec<EncoderSpec> = Vec::new();
    let takes_any = |encoder: &EncoderSpec| encoder.imports() == Memory::Own;
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
pub(super) fn files(directories: &[PathBuf]) -> Vec<String> {
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
#[cfg(test)]
mod tests;
