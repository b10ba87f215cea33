//! A camera that encodes: what it gives goes out as it is, unless something is to be drawn into it.

use std::path::PathBuf;
use std::sync::Arc;

use coguestd::media::publisher::{Locate, Located};
use coguestd::model::capture::{Encoding, Offer, Rate};
use coguestd::model::media::{Ask, Quality, Report};
use coguestd::model::settings::VideoCodec;

use crate::encoders::{goes_on, h264, nothing_else_happened, profile, replaced};
use crate::seat::{CAMERA, NOTHING, Seat, Setup};
use crate::trouble::{self, Mood};
use crate::{PLAIN, contrast, mirrors_and_back};

/// Two ways to capture it: as it is, and decoded.
fn cameras(what: &str, profile: &str) -> String {
    let camera = format!(
        "videotestsrc is-live=true pattern=smpte ! capsfilter caps=video/x-raw,width=640,height=360,framerate=30/1 \
         ! textoverlay name=camera ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 threads=1 \
         ! capsfilter caps=video/x-h264,profile={profile} \
         ! coguesttrouble what={what} ! capsfilter name=format ! h264parse config-interval=-1"
    );
    let capture = |takes: &str, rest: &str| {
        format!("[[camera]]\ntakes = \"{takes}\"\naddress = \"text\"\nlaunch = '{camera} ! {rest}'\n")
    };
    capture("untouched", "capsfilter name=size")
        + &capture("h264", "openh264dec ! videoconvert ! videoscale ! capsfilter name=size")
}

/// A camera that offers this in one size.
pub fn locate(encoding: Encoding) -> Locate {
    Arc::new(move |_, choice| {
        let offer = Offer { encoding, width: 640, height: 360, rates: vec![Rate::per_second(30)] };
        let (id, address) = (choice.to_owned(), choice.to_owned());
        Ok(Located { id, address, offers: vec![offer], node: PathBuf::from(choice) })
    })
}

fn seat(name: &str, h264_profile: &str) -> (tempfile::TempDir, Seat) {
    trouble::register();
    let encoder = h264(&format!("{name}-encoder"), false);
    let folder = profile(Some(&cameras(&format!("{name}-camera"), h264_profile)), &[encoder]);
    let directories = vec![folder.path().to_owned()];
    let locate = Some(locate(Encoding::H264));
    let setup =
        Setup { profile: "encoders", directories, codec: VideoCodec::H264, locate, ..Setup::default() };
    (folder, Seat::open(setup))
}

/// Sits down with a camera that goes past this encoder; pictures of its own are to be had, and the slate comes and goes.
pub fn goes_past_its_encoder(seat: &mut Seat, encoder: &str) {
    seat.sit_down(CAMERA);
    seat.live();
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    // Whatever that encodes is not seen.
    trouble::tell(encoder, Mood::Silent);
    goes_on(seat);
    seat.ask(Ask::Snapshot { ticket: 7 });
    let picture = seat.wait("a picture of its own", |seat| {
        seat.said.iter().find_map(|said| match said {
            Report::Snapshot { ticket: 7, picture } => Some(picture.clone().expect("a picture")),
            _ => None,
        })
    });
    assert_eq!((picture.width, picture.height), (640, 360));
    assert!(contrast(&picture) > PLAIN);
    trouble::tell(encoder, Mood::Fine);
    for _ in 0..2 {
        seat.plan(NOTHING);
        seat.shows("the slate", |picture| contrast(picture) < PLAIN);
        seat.plan(CAMERA);
        seat.shows("the camera again", |picture| contrast(picture) > PLAIN);
    }
}

#[test]
fn what_a_camera_encodes_goes_out_as_it_is_and_the_slate_is_encoded_here() {
    let (_folder, mut seat) = seat("passes", "constrained-baseline");
    goes_past_its_encoder(&mut seat, "passes-encoder");
    assert_eq!(replaced(&seat), []);
    nothing_else_happened(&seat);
    seat.close();
}

#[test]
fn what_is_drawn_into_is_decoded() {
    let (_folder, mut seat) = seat("draws", "constrained-baseline");
    seat.sit_down(CAMERA);
    seat.live();
    mirrors_and_back(&mut seat);
    // A size that it does not encode is one of what is decoded.
    seat.ask(Ask::Quality(Quality::P540));
    goes_on(&mut seat);
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    assert_eq!(replaced(&seat), []);
    nothing_else_happened(&seat);
    seat.close();
}

#[test]
fn what_was_not_offered_to_the_stage_is_decoded() {
    let (_folder, mut seat) = seat("high", "high");
    seat.sit_down(CAMERA);
    seat.live();
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    // It is what is encoded here.
    trouble::tell_once("high-encoder", Mood::Broken);
    let made = trouble::made("high-encoder");
    seat.wait("another encoder", |_| (trouble::made("high-encoder") > made).then_some(()));
    goes_on(&mut seat);
    nothing_else_happened(&seat);
    seat.close();
}

#[test]
fn it_is_lost_and_back_like_any_other() {
    let (_folder, mut seat) = seat("breaks", "constrained-baseline");
    seat.sit_down(CAMERA);
    seat.live();
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    trouble::tell_once("breaks-camera", Mood::Silent);
    seat.wait("the loss", |seat| {
        seat.said.iter().any(|said| matches!(said, Report::DeviceLost { .. })).then_some(())
    });
    seat.shows("the slate", |picture| contrast(picture) < PLAIN);
    seat.wait("the camera back", |seat| {
        seat.said.iter().any(|said| matches!(said, Report::DeviceBack { .. })).then_some(())
    });
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    seat.close();
}
