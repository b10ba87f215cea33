//! Encoders that hang, break and do not start, in the middle of a call: the stage goes on decoding, over the same session.

use std::fs;
use std::path::Path;

use coguestd::model::media::{Ask, Quality, Report};
use coguestd::model::settings::VideoCodec;
use coguestd::model::stage::SeatStats;

use crate::seat::{CAMERA, NOTHING, Seat, Setup};
use crate::trouble::{self, Mood};
use crate::{PLAIN, contrast};

/// An encoder of a profile that fails when it is told to.
pub fn h264(what: &str, hardware: bool) -> String {
    format!(
        "[[encoder]]\ncodec = \"h264\"\nhardware = {hardware}\n\
         launch = 'x264enc name=encoder tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=600 \
         ! coguesttrouble what={what} ! capsfilter caps=video/x-h264,profile=constrained-baseline'\n\
         bitrate = {{ property = \"bitrate\", unit = 1000 }}\n"
    )
}

fn vp8(what: &str) -> String {
    format!(
        "[[encoder]]\ncodec = \"vp8\"\n\
         launch = 'vp8enc name=encoder deadline=1 cpu-used=8 ! coguesttrouble what={what}'\n\
         bitrate = {{ property = \"target-bitrate\", unit = 1 }}\n"
    )
}

/// The profile `test` with these encoders, and cameras of its own.
pub fn profile(cameras: Option<&str>, encoders: &[String]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/test.toml");
    let text = fs::read_to_string(shipped).expect("a shipped profile");
    let first = text.find("[[encoder]]").expect("it has encoders");
    let rest = text.find("[audio_encoder]").expect("and this");
    let (camera, sound) =
        (text.find("[[camera]]").expect("cameras"), text.find("[[microphone]]").expect("and these"));
    let cameras = cameras.unwrap_or(&text[camera..sound]);
    let (head, sound) = (&text[..camera], &text[sound..first]);
    let text = format!("{head}{cameras}{sound}{}{}", encoders.concat(), &text[rest..]);
    fs::write(folder.path().join("encoders.toml"), text).expect("a writable directory");
    folder
}

fn seat(profile: &tempfile::TempDir, codec: VideoCodec) -> Seat {
    let directories = vec![profile.path().to_owned()];
    Seat::open(Setup { profile: "encoders", directories, codec, ..Setup::default() })
}

fn frames(stats: &SeatStats) -> u64 {
    stats.video.as_ref().map_or(0, |video| video.frames)
}

/// Waits until the stage has decoded a good second more of frames.
pub fn goes_on(seat: &mut Seat) {
    let before = frames(&seat.sees("statistics", |stats| stats.video.is_some()));
    seat.sees("more frames", |stats| frames(stats) > before + 30);
}

pub fn replaced(seat: &Seat) -> Vec<(String, String)> {
    let pair = |said: &Report| match said {
        Report::EncoderReplaced { from, to, .. } => Some((from.clone(), to.clone())),
        _ => None,
    };
    seat.said.iter().filter_map(pair).collect()
}

pub fn nothing_else_happened(seat: &Seat) {
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    let fault = |said: &&Report| {
        matches!(
            said,
            Report::PeerFailed { .. }
                | Report::MediaFailed { .. }
                | Report::DeviceLost { .. }
                | Report::DeviceFailed { .. }
        )
    };
    assert_eq!(seat.said.iter().find(fault), None);
}

#[test]
fn an_encoder_that_breaks_is_built_anew_in_the_same_call() {
    trouble::register();
    for (codec, encoder, what) in [
        (VideoCodec::H264, h264("breaks-h264", true), "breaks-h264"),
        (VideoCodec::Vp8, vp8("breaks-vp8"), "breaks-vp8"),
    ] {
        let profile = profile(None, &[encoder, h264("breaks-spare", false)]);
        let mut seat = seat(&profile, codec);
        seat.sit_down(CAMERA);
        seat.live();
        goes_on(&mut seat);
        let made = trouble::made(what);
        trouble::tell_once(what, Mood::Broken);
        seat.wait("another one", |_| (trouble::made(what) > made).then_some(()));
        goes_on(&mut seat);
        seat.shows("the camera", |picture| contrast(picture) > PLAIN);
        assert_eq!(replaced(&seat), []);
        nothing_else_happened(&seat);
        seat.close();
    }
}

#[test]
fn the_boards_encoder_is_kept_for_the_next_seat_and_a_program_is_not() {
    trouble::register();
    for (what, hardware, made) in [("kept-board", true, 1), ("kept-software", false, 2)] {
        let profile = profile(None, &[h264(what, hardware)]);
        let mut seat = seat(&profile, VideoCodec::H264);
        let before = trouble::made(what);
        seat.sit_down(CAMERA);
        seat.live();
        goes_on(&mut seat);
        seat.stand_up();
        seat.ask(Ask::Quality(Quality::P540));
        seat.sit_down(CAMERA);
        seat.live();
        seat.sees("the new size", |stats| stats.video.as_ref().is_some_and(|video| video.width == Some(960)));
        goes_on(&mut seat);
        assert_eq!(trouble::made(what) - before, made, "{what}");
        assert_eq!((replaced(&seat), seat.offers()), (vec![], 2));
        seat.close();
    }
}

#[test]
fn one_that_never_gives_a_frame_keeps_nobody_from_a_seat() {
    trouble::register();
    let profile = profile(None, &[h264("dumb-board", true), h264("dumb-software", false)]);
    let mut seat = seat(&profile, VideoCodec::H264);
    trouble::tell("dumb-board", Mood::Silent);
    seat.sit_down(CAMERA);
    seat.live();
    goes_on(&mut seat);
    assert_eq!(replaced(&seat).len(), 1);
    nothing_else_happened(&seat);
    seat.close();
}

#[test]
fn one_that_hangs_is_asked_for_a_key_frame_built_anew_and_then_another_takes_its_place() {
    trouble::register();
    let profile = profile(None, &[h264("hangs-board", true), h264("hangs-software", false)]);
    let mut seat = seat(&profile, VideoCodec::H264);
    seat.sit_down(CAMERA);
    seat.live();
    goes_on(&mut seat);
    let made = trouble::made("hangs-software");
    trouble::tell("hangs-board", Mood::Hangs);
    seat.wait("another one", |seat| (replaced(seat).len() == 1).then_some(()));
    goes_on(&mut seat);
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    // The rest of the call is as before: also the size.
    seat.ask(Ask::Quality(Quality::P540));
    seat.sees("the new size", |stats| stats.video.as_ref().is_some_and(|video| video.width == Some(960)));
    seat.plan(NOTHING);
    seat.shows("the slate", |picture| contrast(picture) < PLAIN);
    assert_eq!((trouble::made("hangs-software"), replaced(&seat).len()), (made + 1, 1));
    nothing_else_happened(&seat);
    // Let go of its threads.
    trouble::tell("hangs-board", Mood::Silent);
    seat.close();
}

#[test]
fn one_that_gives_nothing_is_replaced_also_behind_a_slate() {
    trouble::register();
    let profile = profile(None, &[h264("silent-board", true), h264("silent-software", false)]);
    let mut seat = seat(&profile, VideoCodec::H264);
    seat.sit_down(NOTHING);
    seat.live();
    let (asked, made) = (trouble::key_frames("silent-board"), trouble::made("silent-board"));
    trouble::tell("silent-board", Mood::Silent);
    seat.wait("another one", |seat| (replaced(seat).len() == 1).then_some(()));
    assert!(trouble::key_frames("silent-board") > asked, "a key frame was tried");
    assert_eq!(trouble::made("silent-board"), made + 1, "and a new one");
    seat.plan(CAMERA);
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    nothing_else_happened(&seat);
    seat.close();
}

#[test]
fn one_that_takes_another_time_has_everybody_told() {
    trouble::register();
    let profile = profile(None, &[h264("slower", false)]);
    let mut seat = seat(&profile, VideoCodec::H264);
    seat.sit_down(CAMERA);
    seat.live();
    let told = trouble::latencies("slower");
    trouble::tell_once("slower", Mood::Slower);
    seat.wait("the new latency", |_| (trouble::latencies("slower") > told).then_some(()));
    nothing_else_happened(&seat);
    seat.close();
}

#[test]
fn one_that_does_not_start_is_passed_over_and_with_the_last_the_seat_is_given_up() {
    trouble::register();
    trouble::tell("absent-board", Mood::Unopened);
    let profile = profile(None, &[h264("absent-board", true), h264("absent-software", false)]);
    let mut seat = seat(&profile, VideoCodec::H264);
    seat.sit_down(CAMERA);
    seat.live();
    assert_eq!(replaced(&seat), [("x264enc".to_owned(), "x264enc".to_owned())]);
    goes_on(&mut seat);
    nothing_else_happened(&seat);
    trouble::tell("absent-software", Mood::Unopened);
    trouble::tell_once("absent-software", Mood::Broken);
    let why = seat.wait("the end", |seat| {
        seat.said.iter().find_map(|said| match said {
            Report::MediaFailed { epoch: 1, why } => Some(why.clone()),
            _ => None,
        })
    });
    assert!(why.starts_with("x264enc broke: "), "{why}");
    seat.close();
}
