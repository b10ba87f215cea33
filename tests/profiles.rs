//! The shipped profiles, held against what their elements document: where a board's element is not here, against a stand-in of its name.

#[path = "profiles/memory.rs"]
mod memory;
#[path = "profiles/stand_ins.rs"]
mod stand_ins;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::PoisonError;
use std::time::Duration;

use coguestd::media::encoder::available::{Trial, try_out};
use coguestd::media::profile::{self, EncoderSpec, Hardware, Profile};
use coguestd::model::board::Board;
use coguestd::model::media::Quality;
use coguestd::model::settings::VideoCodec;

/// How long an encoder may take: the machine may have other work.
const PATIENCE: Duration = Duration::from_secs(60);

const QUALITIES: [Quality; 4] = [Quality::P360, Quality::P540, Quality::P720, Quality::P1080];

#[test]
fn every_shipped_profile_loads_and_its_encoders_encode_every_size() {
    stand_ins::register();
    let mut tried = HashSet::new();
    for name in profile::shipped() {
        let profile = Profile::examine(name, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(!profile.description().is_empty(), "{name}");
        let mut works = |encoder: &EncoderSpec, quality: Quality| {
            // The same words do the same, in whichever profile they stand.
            if tried.insert((format!("{encoder:?}"), quality)) {
                let trial = try_out(encoder, quality, PATIENCE);
                let (element, size) = (encoder.element(), quality.as_str());
                assert!(matches!(trial, Trial::Works(_)), "{name}: {element} at {size}: {trial:?}");
            }
        };
        for codec in [VideoCodec::H264, VideoCodec::Vp8] {
            for encoder in profile.encoders(codec) {
                assert_eq!(encoder.codec(), codec, "{name}");
                QUALITIES.into_iter().for_each(|quality| works(encoder, quality));
            }
        }
        // The one size that a camera shares.
        profile.importer().into_iter().for_each(|encoder| works(encoder, Quality::P720));
    }
}

#[test]
fn boards_have_their_encoder_first_and_software_behind_it() {
    stand_ins::register();
    for (name, first) in [
        ("raspberry-pi-zero-2", "v4l2h264enc"),
        ("raspberry-pi-3", "v4l2h264enc"),
        ("raspberry-pi-4", "v4l2h264enc"),
        ("raspberry-pi-5", "x264enc"),
        ("rockchip", "mpph264enc"),
        ("jetson", "nvv4l2h264enc"),
        ("intel-amd", "vah264enc"),
        ("csi", "v4l2h264enc"),
        ("usb-h264", "x264enc"),
        ("generic", "x264enc"),
        ("test", "x264enc"),
    ] {
        let profile = Profile::load(name, &[]).unwrap_or_else(|error| panic!("{error}"));
        let encoders = profile.encoders(VideoCodec::H264);
        assert_eq!(encoders.first().map(|encoder| encoder.element()).as_deref(), Some(first), "{name}");
        let last = encoders.last().map(|encoder| (encoder.element(), encoder.hardware()));
        assert_eq!(last, Some(("openh264enc".to_owned(), Hardware::No)), "{name}");
        assert!(!profile.encoders(VideoCodec::Vp8).is_empty(), "{name}");
    }
}

#[test]
fn a_raspberry_pi_is_told_what_its_driver_needs() {
    stand_ins::register();
    let profile = Profile::load("raspberry-pi-4", &[]).unwrap_or_else(|error| panic!("{error}"));
    let encoders = profile.encoders(VideoCodec::H264);
    let encoder = encoders.first().expect("an encoder");
    assert!(matches!(try_out(encoder, Quality::P360, PATIENCE), Trial::Works(_)));
    let controls = stand_ins::CONTROLS.lock().unwrap_or_else(PoisonError::into_inner);
    let controls = controls.as_ref().expect("extra-controls was set");
    let is = |name: &str| controls.get::<i32>(name).ok();
    assert_eq!(is("repeat_sequence_header"), Some(1), "{controls}");
    assert_eq!(is("h264_i_frame_period"), Some(60), "{controls}");
    assert_eq!(is("video_bitrate_mode"), Some(0), "{controls}");
    assert_eq!(is("video_bitrate").map(|bits| bits % 25_000), Some(0), "{controls}");
}

#[test]
fn a_csi_camera_shares_its_memory_with_the_encoder_of_the_board() {
    stand_ins::register();
    let profile = Profile::load("csi", &[]).unwrap_or_else(|error| panic!("{error}"));
    let importer = profile.importer().expect("an encoder that imports");
    assert_eq!((importer.element().as_str(), importer.hardware()), ("v4l2h264enc", Hardware::Yes));
    assert!(format!("{importer:?}").contains("output-io-mode=dmabuf-import"), "{importer:?}");
}

#[test]
fn auto_takes_the_profile_of_the_board() {
    stand_ins::register();
    for (board, name) in [
        (&["raspberrypi,model-zero-2-w", "brcm,bcm2837"][..], "raspberry-pi-zero-2"),
        (&["raspberrypi,3-model-b-plus", "brcm,bcm2837"], "raspberry-pi-3"),
        (&["raspberrypi,4-model-b", "brcm,bcm2711"], "raspberry-pi-4"),
        (&["raspberrypi,4-compute-module", "brcm,bcm2711"], "raspberry-pi-4"),
        (&["raspberrypi,400", "brcm,bcm2711"], "raspberry-pi-4"),
        (&["raspberrypi,5-model-b", "brcm,bcm2712"], "raspberry-pi-5"),
        (&["radxa,rock-5b", "rockchip,rk3588"], "rockchip"),
        (&["nvidia,p3509-0000+p3668-0000", "nvidia,tegra194"], "jetson"),
        (&["Intel(R) Client Systems"], "intel-amd"),
    ] {
        let compatible = board.iter().map(ToString::to_string).collect();
        let board = Board { model: String::new(), compatible };
        let picked = profile::pick("auto", &[], &board).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(picked.profile.name(), name, "{board:?}: {}", picked.why);
        assert!(!picked.why.is_empty());
    }
}

/// A profile of one's own: the shipped one of this name with a change.
fn own(directory: &Path, from: &str, to: &str) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/raspberry-pi-4.toml");
    let text = fs::read_to_string(shipped).expect("a shipped profile");
    assert!(text.contains(from), "{from}");
    fs::write(directory.join("own.toml"), text.replacen(from, to, 1)).expect("a writable directory");
}

#[test]
fn a_property_that_nobody_documents_is_refused() {
    stand_ins::register();
    let directory = tempfile::tempdir().expect("a temporary directory");
    own(directory.path(), "v4l2h264enc name=encoder", "v4l2h264enc bitrate=1 name=encoder");
    let error = Profile::load("own", &[directory.path().to_owned()]).expect_err("no such property");
    let error = error.to_string();
    assert!(error.contains("own.toml: encoder: ") && error.contains("bitrate"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_profile_that_cannot_be_used_ends_the_program_with_one_line() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (from, to, says) in [
        ("x264enc name=encoder", "x265nothere name=encoder", None),
        ("capsfilter name=size", "capsfilter name=seize", Some("it has no element named size")),
        ("description = ", "decsription = ", Some("own.toml:")),
        ("alsasrc name=microphone", "alsanothere name=microphone", Some("element alsanothere is missing")),
        (" ! videoconvert", " !! videoconvert", Some("own.toml: camera: ")),
        ("capsfilter name=format", "identity", Some("it has no element named format")),
    ] {
        own(directory.path(), from, to);
        let output = Command::new(env!("CARGO_BIN_EXE_coguestd"))
            .args(["probe", "--set", "media.profile=own", "--set"])
            .arg(format!("media.profile_directory={}", directory.path().display()))
            .output()
            .expect("the program runs");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        match says {
            // Another encoder is there in its place.
            None => assert!(shown.contains("profile     own: "), "{shown}"),
            Some(says) => {
                assert!(shown.contains("none can be used") && shown.contains(says), "{says}:\n{shown}")
            }
        }
        let Some(says) = says else { continue };
        let output = Command::new(env!("CARGO_BIN_EXE_coguestd"))
            .args(["run", "--set", "user.id=kiosk-1", "--set", "mqtt.url=mqtt://127.0.0.1:1"])
            .args(["--set", "media.profile=own", "--set"])
            .arg(format!("media.profile_directory={}", directory.path().display()))
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with("coguestd: ") && last.contains(says), "{said}");
    }
}
