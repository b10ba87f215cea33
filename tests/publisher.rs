//! The publisher in front of a real stage: devices, quality, sessions, bad answers, and what is left behind.

#[path = "publisher/answers.rs"]
mod answers;
#[path = "publisher/encoders.rs"]
mod encoders;
#[path = "publisher/films.rs"]
mod films;
#[path = "publisher/layers.rs"]
mod layers;
#[path = "support/log.rs"]
mod log;
#[path = "publisher/media_file.rs"]
mod media_file;
#[path = "support/network.rs"]
mod network;
#[path = "publisher/passing.rs"]
mod passing;
#[path = "publisher/plugs.rs"]
mod plugs;
#[path = "support/process.rs"]
mod process;
#[path = "publisher/rapid.rs"]
mod rapid;
#[path = "publisher/rate.rs"]
mod rate;
#[path = "publisher/seat.rs"]
mod seat;
#[path = "publisher/sections.rs"]
mod sections;
#[path = "publisher/sharing.rs"]
mod sharing;
#[path = "publisher/trouble.rs"]
mod trouble;
#[path = "publisher/volumes.rs"]
mod volumes;

use std::fs;
use std::path::Path;

use coguestd::media::pictures;
use coguestd::model::Code;
use coguestd::model::media::{Ask, Mirror, Picture, Quality, Report};
use coguestd::model::message::DeviceKind;
use process::{Holds, alone, back_to};
use seat::{BOTH, CAMERA, MICROPHONE, NOTHING, Seat, Setup};

/// The slate, with its icon and a name, has two thirds of this contrast, the test picture twice as much.
const PLAIN: f64 = 30.0;

#[test]
fn camera_and_microphone_open_and_close_within_one_exchange() {
    let mut seat = Seat::open(Setup::default());
    seat.sit_down(NOTHING);
    seat.live();
    seat.shows("the slate", |picture| contrast(picture) < PLAIN);
    assert!(
        !seat.said.iter().any(|said| matches!(said, Report::DeviceOpened { .. })),
        "nothing was asked for"
    );
    seat.plan(CAMERA);
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    seat.sees("silence", |stats| level(stats.audio.as_ref().and_then(|audio| audio.level_dbfs)) < -80.0);
    seat.plan(BOTH);
    seat.sees("sound", |stats| level(stats.audio.as_ref().and_then(|audio| audio.level_dbfs)) > -60.0);
    seat.plan(MICROPHONE);
    seat.shows("the slate again", |picture| contrast(picture) < PLAIN);
    seat.plan(NOTHING);
    seat.sees("silence again", |stats| {
        level(stats.audio.as_ref().and_then(|audio| audio.level_dbfs)) < -80.0
    });
    for device in [DeviceKind::Camera, DeviceKind::Microphone] {
        let opened = seat
            .said
            .iter()
            .filter(|said| matches!(said, Report::DeviceOpened { device: of, .. } if *of == device))
            .count();
        assert_eq!(opened, 1, "{device:?}");
    }
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    seat.close();
}

fn level(level: Option<f64>) -> f64 {
    level.unwrap_or(-100.0)
}

fn contrast(picture: &Picture) -> f64 {
    pictures::look(&picture.jpeg).expect("a JPEG").contrast()
}

#[test]
fn another_quality_is_seen_without_another_offer() {
    let mut seat = Seat::open(Setup::default());
    seat.sit_down(BOTH);
    seat.live();
    for (quality, plan) in [(Quality::P540, BOTH), (Quality::P720, MICROPHONE), (Quality::P360, BOTH)] {
        seat.plan(plan);
        seat.ask(Ask::Quality(quality));
        let (width, height) = quality.size();
        seat.sees("the new size", |stats| {
            stats.video.as_ref().is_some_and(|v| (v.width, v.height) == (Some(width), Some(height)))
        });
        let sent = |said: &Report| match said {
            Report::Stats { stats, .. } => {
                stats.video.as_ref().is_some_and(|video| video.width == Some(width))
            }
            _ => false,
        };
        seat.wait("its own statistics", |seat| seat.said.iter().any(sent).then_some(()));
    }
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    seat.close();
}

#[test]
fn a_picture_is_mirrored_and_back_while_it_is_sent() {
    let mut seat = Seat::open(Setup::default());
    seat.sit_down(CAMERA);
    seat.live();
    mirrors_and_back(&mut seat);
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    seat.close();
}

fn mirrors_and_back(seat: &mut Seat) {
    for (mirror, what) in [(Mirror::No, "as it is"), (Mirror::Yes, "mirrored"), (Mirror::No, "as it was")] {
        seat.ask(Ask::Mirror(mirror));
        seat.shows(what, |picture| {
            let look = pictures::look(&picture.jpeg).expect("a JPEG");
            // Of the test picture's bars the left one is white, the right one blue.
            let (left, right) = (look.brightness(4..16, 10..50), look.brightness(144..156, 10..50));
            let (white, blue) = if mirror == Mirror::No { (left, right) } else { (right, left) };
            white > blue + 80.0
        });
    }
}

#[test]
fn a_media_file_is_open_only_while_it_is_wanted_and_plays_in_a_loop() {
    if !alone("a_media_file_is_open_only_while_it_is_wanted_and_plays_in_a_loop") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = media_file::make(folder.path());
    let mut seat = Seat::open(Setup { profile: "file", file: Some(file.clone()), ..Setup::default() });
    assert_eq!(descriptors_of(&file), 0, "off the seat");
    seat.sit_down(NOTHING);
    seat.live();
    assert_eq!(descriptors_of(&file), 0, "nothing is wanted");
    seat.plan(BOTH);
    seat.shows("the film", |picture| contrast(picture) > PLAIN);
    seat.sees("its sound", |stats| level(stats.audio.as_ref().and_then(|audio| audio.level_dbfs)) > -40.0);
    assert_eq!(descriptors_of(&file), 2, "as camera and as microphone");
    // Three times the length of the film at its frame rate.
    let frames =
        |stats: &coguestd::model::stage::SeatStats| stats.video.as_ref().map_or(0, |video| video.frames);
    let before = frames(&seat.sees("frames", |stats| stats.video.is_some()));
    seat.sees("the film three times", |stats| frames(stats) > before + 3 * media_file::FRAMES);
    let broken = |said: &Report| matches!(said, Report::DeviceLost { .. } | Report::DeviceFailed { .. });
    assert!(!seat.said.iter().any(broken), "{:#?}", seat.said);
    seat.plan(MICROPHONE);
    seat.wait("the camera closed", |_| (descriptors_of(&file) == 1).then_some(()));
    seat.plan(NOTHING);
    seat.wait("the microphone closed", |_| (descriptors_of(&file) == 0).then_some(()));
    seat.plan(BOTH);
    seat.wait("both open", |_| (descriptors_of(&file) == 2).then_some(()));
    seat.stand_up();
    assert_eq!(descriptors_of(&file), 0, "stopped means closed");
    for _ in 0..10 {
        seat.sit_down(BOTH);
        seat.stand_up();
        assert_eq!(descriptors_of(&file), 0, "stopped means closed, also of what was being opened");
    }
    seat.close();
}

fn descriptors_of(file: &Path) -> usize {
    let entries = fs::read_dir("/proc/self/fd").expect("Linux").flatten();
    entries.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == file)).count()
}

#[test]
fn a_camera_that_is_not_there_is_reported_and_taken_when_it_comes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, away) = (media_file::make(folder.path()), folder.path().join("away"));
    fs::rename(&file, &away).expect("ours");
    let mut seat = Seat::open(Setup { profile: "file", file: Some(file.clone()), ..Setup::default() });
    seat.sit_down(CAMERA);
    seat.live();
    let code = seat.wait("the failure", |seat| {
        seat.said.iter().find_map(|said| match said {
            Report::DeviceFailed { device: DeviceKind::Camera, error, .. } => Some(error.code),
            _ => None,
        })
    });
    assert_eq!(code, Code::CameraDeviceEmpty);
    seat.shows("the slate", |picture| contrast(picture) < PLAIN);
    fs::rename(&away, &file).expect("ours");
    seat.wait("the camera back", |seat| {
        seat.said.iter().any(|said| matches!(said, Report::DeviceBack { .. })).then_some(())
    });
    seat.shows("the camera", |picture| contrast(picture) > PLAIN);
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    seat.close();
}

#[test]
fn twenty_stays_leave_nothing_behind() {
    if !alone("twenty_stays_leave_nothing_behind") {
        return;
    }
    let mut seat = Seat::open(Setup::default());
    let mut before = Holds::now();
    for round in 0..24 {
        seat.sit_down(BOTH);
        seat.live();
        seat.stand_up();
        if round == 3 {
            before = process::settled();
        }
    }
    let after = back_to(before);
    assert!(after.is_within(before), "{before:?} -> {after:?}");
    seat.close();
}
