//! What is different about a media file: its decoders, its end, and what it has not.
//!
//! Invariant: a file that has no such stream is told from one whose decoder is missing, and the latter is named with its package.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::order::SourceOrder;
use super::stream::StreamEvent;
use crate::files;
use crate::media::layers::exif_orientation;
use crate::media::profile::From;
use crate::model::Refusal;
use crate::model::message::DeviceKind;

/// A still picture or a jingle begins again no more often than this: ten pictures a second, as of a slate.
const PASS_LEAST: Duration = Duration::from_millis(100);

/// What plays in place of a file that has no sound.
pub const SILENCE: &str = "audiotestsrc wave=silence is-live=true samplesperbuffer=4800";

/// EXIF data behind this many bytes are not looked for.
const LARGEST_PICTURE: u64 = 32 << 20;

/// Containers, and the package of what takes them apart (Debian 12 and 13).
const CONTAINERS: [(&str, &str); 15] = [
    ("application/mxf", "gstreamer1.0-plugins-bad"),
    ("application/ogg", "gstreamer1.0-plugins-base"),
    ("application/vnd.rn-realmedia", "gstreamer1.0-plugins-ugly"),
    ("application/x-id3", "gstreamer1.0-plugins-good"),
    ("audio/ogg", "gstreamer1.0-plugins-base"),
    ("audio/x-m4a", "gstreamer1.0-plugins-good"),
    ("audio/x-wav", "gstreamer1.0-plugins-good"),
    ("video/mpegts", "gstreamer1.0-plugins-bad"),
    ("video/ogg", "gstreamer1.0-plugins-base"),
    ("video/quicktime", "gstreamer1.0-plugins-good"),
    ("video/webm", "gstreamer1.0-plugins-good"),
    ("video/x-flv", "gstreamer1.0-plugins-good"),
    ("video/x-matroska", "gstreamer1.0-plugins-good"),
    ("video/x-ms-asf", "gstreamer1.0-plugins-ugly"),
    ("video/x-msvideo", "gstreamer1.0-plugins-good"),
];

/// Codecs that another package than `gstreamer1.0-libav` brings.
const DECODERS: [(&str, &str); 18] = [
    ("audio/AMR", "gstreamer1.0-plugins-ugly"),
    ("audio/AMR-WB", "gstreamer1.0-plugins-ugly"),
    ("audio/midi", "gstreamer1.0-plugins-bad"),
    ("audio/x-flac", "gstreamer1.0-plugins-good"),
    ("audio/x-opus", "gstreamer1.0-plugins-base"),
    ("audio/x-sid", "gstreamer1.0-plugins-ugly"),
    ("audio/x-speex", "gstreamer1.0-plugins-good"),
    ("audio/x-vorbis", "gstreamer1.0-plugins-base"),
    ("image/jpeg", "gstreamer1.0-plugins-good"),
    ("image/png", "gstreamer1.0-plugins-good"),
    ("image/svg+xml", "gstreamer1.0-plugins-bad"),
    ("image/webp", "gstreamer1.0-plugins-bad"),
    ("image/x-jpc", "gstreamer1.0-plugins-bad"),
    ("video/x-av1", "gstreamer1.0-plugins-bad"),
    ("video/x-dirac", "gstreamer1.0-plugins-bad"),
    ("video/x-theora", "gstreamer1.0-plugins-base"),
    ("video/x-vp8", "gstreamer1.0-plugins-good"),
    ("video/x-vp9", "gstreamer1.0-plugins-good"),
];

/// MPEG-1 and MPEG-2 streams of a programme call themselves as their pictures do.
const PROGRAMME: &str = "video/mpeg, systemstream";
const PROGRAMME_PACKAGE: &str = "gstreamer1.0-plugins-bad";

/// Lets decoders offer more than system memory, as long as they offer that: `caps=video/x-raw` shuts out every decoder that can
/// hand over anything else as well.
pub fn take_any_features(fragment: &gst::Bin, device: DeviceKind) {
    let raw = match device {
        DeviceKind::Camera => "video/x-raw",
        DeviceKind::Microphone => "audio/x-raw",
    };
    for element in fragment.iterate_recurse().into_iter().flatten() {
        let decodes = element.factory().is_some_and(|factory| factory.name().contains("decodebin"));
        if !decodes || !element.has_property("caps") {
            continue;
        }
        let own = element.property::<Option<gst::Caps>>("caps");
        let mut any = own
            .filter(|own| !own.is_empty() && own.iter().all(|structure| structure.name() == raw))
            .unwrap_or_else(|| gst::Caps::new_empty_simple(raw));
        any.make_mut().set_features_simple(Some(gst::CapsFeatures::new_any()));
        element.set_property("caps", &any);
        if element.has_property("expose-all-streams") {
            element.set_property("expose-all-streams", false);
        }
    }
}

/// Turns a still picture upright, as its EXIF data say. A profile obeys what a container says by `video-direction=auto`; GStreamer's
/// decoders of pictures say nothing of EXIF.
pub fn obey_exif(fragment: &gst::Bin, file: &Path) {
    let obeys = |element: &gst::Element| {
        element.factory().is_some_and(|factory| factory.name() == "videoflip")
            && element.property::<gst_video::VideoOrientationMethod>("video-direction")
                == gst_video::VideoOrientationMethod::Auto
    };
    let flips: Vec<gst::Element> =
        fragment.iterate_recurse().into_iter().flatten().filter(|element| obeys(element)).collect();
    if flips.is_empty() {
        return;
    }
    if let Some(direction) = upright(file) {
        flips.iter().for_each(|flip| flip.set_property_from_str("video-direction", direction));
    }
}

/// What has to be done to a picture file, as `video-direction` calls it.
fn upright(file: &Path) -> Option<&'static str> {
    // What cannot be read is told when it is to be played.
    match exif_orientation(files::open(file).ok()?, LARGEST_PICTURE)? {
        2 => Some("horiz"),
        3 => Some("180"),
        4 => Some("vert"),
        5 => Some("ul-lr"),
        6 => Some("90r"),
        7 => Some("ur-ll"),
        8 => Some("90l"),
        _ => None,
    }
}

/// What a file's pipeline says that it cannot decode.
#[derive(Debug, Default)]
pub struct Undecoded(Mutex<Vec<Missing>>);

#[derive(Debug)]
struct Missing {
    media_type: String,
    /// As GStreamer calls it: "H.264 (High Profile) decoder".
    name: String,
}

impl Undecoded {
    /// Takes note of a message that names a missing decoder.
    pub fn note(&self, message: &gst::StructureRef) {
        if message.name() != "missing-plugin" {
            return;
        }
        let caps = message.get::<gst::Caps>("detail").ok();
        let media_type = caps.as_ref().and_then(|caps| caps.structure(0)).map(|structure| {
            match structure.get::<bool>("systemstream") {
                Ok(true) if structure.name() == "video/mpeg" => PROGRAMME.to_owned(),
                Ok(_) | Err(_) => structure.name().to_string(),
            }
        });
        let missing = Missing {
            media_type: media_type.unwrap_or_default(),
            name: message.get::<String>("name").unwrap_or_else(|_| "decoder".to_owned()),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(missing);
    }

    /// What an error comes to, if it is about missing streams or decoders.
    pub fn explain(&self, order: &SourceOrder, error: &glib::Error) -> Option<StreamEvent> {
        let unlinked = error.matches(gst::CoreError::Pad) || error.matches(gst::CoreError::MissingPlugin);
        let unknown = error.matches(gst::StreamError::CodecNotFound);
        if order.candidate.capture.from != From::File || !(unlinked || unknown) {
            return None;
        }
        let missing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kinds: &[&str] = match order.device {
            DeviceKind::Camera => &["video/", "image/"],
            DeviceKind::Microphone => &["audio/"],
        };
        let concerns = |missing: &&Missing| {
            container(&missing.media_type).is_some()
                || kinds.iter().any(|kind| missing.media_type.starts_with(kind))
        };
        Some(match missing.iter().find(concerns) {
            Some(missing) => StreamEvent::Broken(Refusal::new(
                order.device.start_fail(),
                format!(
                    "{}: there is no {}: apt-get install {}",
                    order.address.as_deref().unwrap_or(&order.id),
                    missing.name,
                    package(&missing.media_type)
                ),
            )),
            None => StreamEvent::Absent,
        })
    }
}

fn container(media_type: &str) -> Option<&'static str> {
    let programme = (PROGRAMME, PROGRAMME_PACKAGE);
    CONTAINERS.iter().chain([&programme]).find(|(known, _)| *known == media_type).map(|(_, package)| *package)
}

/// The Debian package that brings the decoder of this media type.
fn package(media_type: &str) -> &'static str {
    let decoder = DECODERS.iter().find(|(known, _)| *known == media_type).map(|(_, package)| *package);
    container(media_type).or(decoder).unwrap_or("gstreamer1.0-libav")
}

/// When a file began, this time round.
#[derive(Debug)]
pub struct Pass(Instant);

impl Pass {
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether it may begin again by now; if so, it has.
    pub fn again(&mut self, now: Instant) -> bool {
        let may = now.saturating_duration_since(self.0) >= PASS_LEAST;
        if may {
            self.0 = now;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_is_missing_has_its_package() {
        for (media_type, wanted) in [
            ("video/x-h264", "gstreamer1.0-libav"),
            ("audio/mpeg", "gstreamer1.0-libav"),
            ("video/x-vp9", "gstreamer1.0-plugins-good"),
            ("video/mpegts", "gstreamer1.0-plugins-bad"),
            ("video/mpeg", "gstreamer1.0-libav"),
            (PROGRAMME, "gstreamer1.0-plugins-bad"),
            ("video/x-ms-asf", "gstreamer1.0-plugins-ugly"),
        ] {
            assert_eq!(package(media_type), wanted, "{media_type}");
        }
    }

    #[test]
    fn a_short_file_waits_before_it_begins_again() {
        let mut pass = Pass::begin();
        let began = pass.0;
        assert!(!pass.again(began + PASS_LEAST / 2));
        assert!(pass.again(began + PASS_LEAST));
        assert!(!pass.again(began + PASS_LEAST * 3 / 2), "the next has just begun");
    }

    #[test]
    fn every_way_of_writing_a_decoder_takes_one_with_features() {
        gst::init().expect("GStreamer starts");
        let h264: gst::Caps =
            "video/x-raw(format:Interlaced), format=NV12; video/x-raw, format=NV12".parse().expect("caps");
        for written in [
            "fakesrc ! decodebin name=decoder ! fakesink",
            "fakesrc ! decodebin name=decoder expose-all-streams=false caps=video/x-raw ! fakesink",
            "fakesrc ! decodebin name=decoder caps=\"video/x-raw(ANY)\" ! fakesink",
            "fakesrc ! decodebin name=decoder caps=video/x-raw,format=NV12 ! fakesink",
        ] {
            let fragment = gst::parse::bin_from_description(written, false).expect("elements");
            take_any_features(&fragment, DeviceKind::Camera);
            let decoder = fragment.by_name("decoder").expect("it has a name");
            assert!(h264.is_subset(&decoder.property::<gst::Caps>("caps")), "{written}");
            assert!(!decoder.property::<bool>("expose-all-streams"), "{written}");
        }
    }
}
