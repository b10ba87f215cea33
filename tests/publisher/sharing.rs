//! A camera that shares its memory: what it gives is encoded where it lies, unless something is to be drawn into it or the encoder
//! cannot read it.

use coguestd::model::capture::{Encoding, Pixels};
use coguestd::model::settings::VideoCodec;

use crate::encoders::{goes_on, h264, nothing_else_happened, profile, replaced};
use crate::passing::{goes_past_its_encoder, locate};
use crate::seat::{CAMERA, Seat, Setup};
use crate::trouble::{self, Mood};
use crate::{PLAIN, contrast, mirrors_and_back};

/// Two ways to capture it: in its own memory, and copied.
fn cameras(name: &str) -> String {
    let camera = "videotestsrc is-live=true pattern=smpte ! capsfilter name=format ! textoverlay name=camera";
    let capture = |more: &str, rest: &str| {
        format!("[[camera]]\ntakes = \"raw\"\naddress = \"text\"\n{more}\nlaunch = '{camera} ! {rest}'\n")
    };
    capture("shares = true", &format!("coguesttrouble what={name}-camera ! capsfilter name=size"))
        + &capture("", "videoconvert ! videoscale ! capsfilter name=size")
}

/// An encoder that takes pixels as the camera lays them out, and as nothing else here does.
fn importer(name: &str) -> String {
    let launch = format!(
        "coguesttrouble what={name}-importer ! capsfilter caps=video/x-raw,format=NV12 ! x264enc name=encoder"
    );
    let encoder = h264(&format!("{name}-imported"), false).replace("x264enc name=encoder", &launch);
    encoder.replace("[[encoder]]", "[[encoder]]\nimports = true")
}

fn seat(name: &str) -> (tempfile::TempDir, Seat) {
    trouble::register();
    let encoders = [importer(name), h264(&format!("{name}-encoder"), false)];
    let folder = profile(Some(&cameras(name)), &encoders);
    let directories = vec![folder.path().to_owned()];
    let locate = Some(locate(Encoding::Raw(Pixels::Nv12)));
    let setup =
        Setup { profile: "encoders", directories, codec: VideoCodec::H264, locate, ..Setup::default() };
    (folder, Seat::open(setup))
}

#[test]
fn what_a_camera_shares_is_encoded_where_it_lies_and_the_slate_elsewhere() {
    let (_folder, mut seat) = seat("shares");
    goes_past_its_encoder(&mut seat, "shares-encoder");
    let (given, encoded) = (trouble::memories("shares-camera"), trouble::memories("shares-importer"));
    assert!(!encoded.is_empty() && encoded.is_subset(&given), "copied: {encoded:?} is not of {given:?}");
    assert_eq!(replaced(&seat), []);
    nothing_else_happened(&seat);
    seat.close();
}

#[test]
fn what_is_drawn_into_is_copied() {
    let (_folder, mut seat) = seat("mirrored");
    seat.sit_down(CAMERA);
    seat.live();
    mirrors_and_back(&mut seat);
    assert!(trouble::made("mirrored-encoder") > 0);
    assert_eq!(replaced(&seat), []);
    nothing_else_happened(&seat);
    seat.close();
}

#[test]
fn memory_that_the_encoder_cannot_read_is_copied_from_then_on() {
    for (name, fails) in [("unread", Mood::Broken), ("unopened", Mood::Unopened), ("unheard", Mood::Silent)] {
        let (_folder, mut seat) = seat(name);
        trouble::tell(&format!("{name}-importer"), fails);
        seat.sit_down(CAMERA);
        seat.live();
        goes_on(&mut seat);
        seat.shows("the camera", |picture| contrast(picture) > PLAIN);
        nothing_else_happened(&seat);
        let made = trouble::made(&format!("{name}-importer"));
        assert!(made > 0, "it was tried");
        seat.stand_up();
        seat.sit_down(CAMERA);
        seat.live();
        goes_on(&mut seat);
        assert_eq!(trouble::made(&format!("{name}-importer")), made, "and is tried no more");
        seat.close();
    }
}
