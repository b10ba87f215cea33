use gstreamer::prelude::*;

use super::*;
use crate::media::opus::talk;
use crate::media::profile::fragment::parse;

#[test]
fn every_shipped_profile_can_be_used() {
    for (name, _) in SHIPPED.into_iter().filter(|(name, _)| *name != "csi") {
        let profile = Profile::examine(name, &[]).expect(name);
        assert_eq!(profile.name(), name);
        assert!(!profile.description().is_empty());
        assert!(profile.offered(VideoCodec::H264) == VideoCodec::H264, "{name}");
        assert!(profile.offered(VideoCodec::Vp8) == VideoCodec::Vp8, "{name}");
    }
    assert_eq!(Profile::load("auto", &[]).expect("auto").name(), "generic");
}

#[test]
fn every_shipped_profile_sends_each_packet_of_a_voice_once_more_in_the_next() {
    gst::init().expect("GStreamer starts");
    for (name, text) in SHIPPED {
        let written = Written::read(name, name.to_owned(), ProfileOrigin::Shipped, text).expect(name);
        let encoder =
            parse(&written.file.audio_encoder.launch).unwrap_or_else(|error| panic!("{name}: {error}"));
        let packets = talk::packets(encoder.upcast_ref(), 4);
        let repeating = packets.iter().filter(|packet| talk::repeats(packet)).count();
        assert!(repeating * 2 > packets.len(), "{name}: {repeating} of {}", packets.len());
    }
}

fn test_profile() -> &'static str {
    SHIPPED.iter().find(|(name, _)| *name == "test").expect("shipped").1
}

fn wrong(from: &str, to: &str) -> String {
    gst::init().expect("GStreamer starts");
    let text = test_profile().replace(from, to);
    assert_ne!(text, test_profile(), "{from} is not there");
    Written::read("test", "my.toml".to_owned(), ProfileOrigin::Person, &text)
        .and_then(Written::check)
        .expect_err(to)
        .to_string()
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    assert_eq!(wrong("videotestsrc", "notthere"), "my.toml: the GStreamer element notthere is missing");
    assert!(wrong("name=size", "name=other").contains("my.toml: camera: it has no element named size"));
    assert!(wrong("description", "descripton").starts_with("my.toml:"));
    assert!(wrong("property = \"bitrate\"", "property = \"speed\"").contains("no property \"speed\""));
    assert!(wrong("! ", "!! ").contains("my.toml: "));
}

#[test]
fn a_file_takes_the_place_of_a_shipped_profile() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = test_profile().replace("pattern=", "foreground-color=1 pattern=");
    fs::write(directory.path().join("test.toml"), &text).expect("a writable directory");
    let own = Profile::load("test", &[directory.path().to_owned()]).expect("a profile");
    assert!(own.cameras[0].launch.contains("foreground-color"));
    let error = Profile::load("tset", &[directory.path().to_owned()]).expect_err("no such profile");
    assert!(error.to_string().contains("file, generic, "), "{error}");
    Profile::load("../test", &[directory.path().to_owned()]).expect_err("no path");
}

#[test]
fn the_packages_copy_of_a_profile_loads_no_plugin_before_a_stay() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let origin = |text: &str| {
        fs::write(directory.path().join("test.toml"), text).expect("a writable directory");
        Written::find("test", &[directory.path().to_owned()]).expect("a profile").origin
    };
    assert_eq!(origin(test_profile()), ProfileOrigin::Shipped);
    assert_eq!(
        origin(&test_profile().replace("pattern=", "foreground-color=1 pattern=")),
        ProfileOrigin::Person
    );
}

/// The profile `test` with a camera that shares or an encoder that imports in front, and how it is loaded.
fn sharing(camera: &str, encoder: &str) -> Result<Profile, Error> {
    gst::init().expect("GStreamer starts");
    let camera = format!("{camera}\n[[camera]]\n");
    let encoder = format!("{encoder}\n[[encoder]]\n");
    let text = test_profile().replacen("[[camera]]\n", &camera, 1).replacen("[[encoder]]\n", &encoder, 1);
    Written::read("test", "my.toml".to_owned(), ProfileOrigin::Person, &text).and_then(Written::check)
}

const SHARES: &str =
    "[[camera]]\nshares = true\nlaunch = \"videotestsrc name=camera ! capsfilter name=size\"";
const IMPORTS: &str = "[[encoder]]\ncodec = \"h264\"\nimports = true\nlaunch = \"x264enc name=encoder\"\n\
                       bitrate = { property = \"bitrate\", unit = 1000 }";

#[test]
fn a_camera_shares_its_memory_only_where_an_encoder_imports_it() {
    let without = sharing("", "").expect("the profile as it is");
    let (cameras, encoders) = (without.cameras.len(), without.encoders(VideoCodec::H264).len());
    let both = sharing(SHARES, IMPORTS).expect("a profile");
    assert_eq!(both.cameras.len(), cameras + 1);
    assert_eq!(both.importer().map(EncoderSpec::imports), Some(Memory::Camera));
    assert_eq!(both.encoders(VideoCodec::H264).len(), encoders, "it is none of those for the slate");
    for absent in [String::new(), IMPORTS.replace("x264enc", "notthere")] {
        let alone = sharing(SHARES, &absent).expect("a profile");
        assert_eq!((alone.cameras.len(), alone.importer().is_none()), (cameras, true));
    }
}

#[test]
fn sharing_alone_is_not_enough() {
    let said = |error: Result<Profile, Error>| error.expect_err("it is not enough").to_string();
    let vp8 = IMPORTS.replace("h264", "vp8");
    assert!(said(sharing(SHARES, &vp8)).starts_with("my.toml: encoder: imports = true goes with"));
    let importing = wrong("bitrate = { property", "imports = true\nbitrate = { property");
    assert!(importing.starts_with("my.toml: encoder: one at least must do without imports"), "{importing}");
    let shared = wrong("[[camera]]\n", "[[camera]]\nshares = true\n");
    assert!(shared.starts_with("my.toml: camera: one at least must do without shares"), "{shared}");
}
