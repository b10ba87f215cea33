//! What people have for files: any container, stills, no sound, no picture, turned, and what nobody can decode.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use coguestd::media::pictures;
use coguestd::model::Code;
use coguestd::model::media::Report;
use coguestd::model::message::DeviceKind;
use coguestd::model::stage::SeatStats;
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::media_file::write;
use crate::process::alone;
use crate::seat::{BOTH, CAMERA, Seat, Setup};
use crate::{PLAIN, contrast, level};

const H264: &str =
    "videotestsrc num-buffers=45 ! video/x-raw,width=320,height=180,framerate=30/1 ! x264enc ! h264parse";
const SOUND: &str = "audiotestsrc num-buffers=75 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1";

/// As the shipped profile, with the caps that decoders of several kinds of memory do not fit.
const PLAIN_CAPS: &str = r#"
description = "a film"
[[camera]]
launch = "filesrc name=camera ! decodebin expose-all-streams=false caps=video/x-raw ! videoconvert ! videoscale ! capsfilter name=size"
address = "location"
from = "file"
[[microphone]]
launch = "filesrc name=microphone ! decodebin expose-all-streams=false caps=audio/x-raw ! audioconvert"
address = "location"
from = "file"
[[encoder]]
codec = "h264"
launch = "x264enc name=encoder tune=zerolatency speed-preset=ultrafast key-int-max=60 ! capsfilter caps=video/x-h264,profile=constrained-baseline"
bitrate = { property = "bitrate", unit = 1000 }
[audio_encoder]
launch = "opusenc"
[speaker]
launch = "fakesink name=speaker"
"#;

fn playing(profile: &'static str, folder: &Path, file: &Path) -> Seat {
    let directories = vec![folder.to_owned()];
    Seat::open(Setup { profile, directories, file: Some(file.to_owned()), ..Setup::default() })
}

fn frames(stats: &SeatStats) -> u64 {
    stats.video.as_ref().map_or(0, |video| video.frames)
}

fn sound(stats: &SeatStats) -> f64 {
    level(stats.audio.as_ref().and_then(|audio| audio.level_dbfs))
}

fn opened(seat: &Seat, kind: DeviceKind) -> Option<()> {
    seat.said
        .iter()
        .any(|said| matches!(said, Report::DeviceOpened { device, .. } if *device == kind))
        .then_some(())
}

/// What was wrong with it, once something is.
fn failure(seat: &mut Seat, kind: DeviceKind) -> (Code, String) {
    seat.wait("the failure", |seat| {
        seat.said.iter().find_map(|said| match said {
            Report::DeviceFailed { device, error, .. } if *device == kind => {
                Some((error.code, error.message.clone()))
            }
            _ => None,
        })
    })
}

fn nothing_failed(seat: &Seat) {
    let broken = |said: &&Report| matches!(said, Report::DeviceLost { .. } | Report::DeviceFailed { .. });
    assert_eq!(seat.said.iter().find(broken), None);
}

#[test]
fn h264_plays_out_of_every_container_and_by_every_profile() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("plain-caps.toml"), PLAIN_CAPS).expect("writable");
    for (muxer, sound, profile) in [
        ("mp4mux", "avenc_aac ! aacparse", "file"),
        ("mp4mux", "avenc_aac ! aacparse", "plain-caps"),
        ("matroskamux", "opusenc", "file"),
        ("mpegtsmux", "avenc_aac ! aacparse", "file"),
    ] {
        let file = folder.path().join(muxer);
        write(
            &file,
            &format!("{muxer} name=mux ! filesink name=file {H264} ! mux. {SOUND} ! {sound} ! mux."),
        );
        let mut seat = playing(profile, folder.path(), &file);
        seat.sit_down(BOTH);
        seat.live();
        seat.shows(muxer, |picture| contrast(picture) > PLAIN);
        seat.sees("its sound", |stats| self::sound(stats) > -40.0);
        let before = frames(&seat.sees("frames", |stats| stats.video.is_some()));
        seat.sees("the film again", |stats| frames(stats) > before + 90);
        nothing_failed(&seat);
        seat.close();
    }
}

#[test]
fn a_still_picture_is_sent_ten_times_a_second_and_no_more() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let one = "num-buffers=1 ! video/x-raw,width=320,height=180,framerate=30/1";
    for (name, made) in [("still.png", "pngenc"), ("still.mp4", "x264enc ! h264parse ! mp4mux")] {
        let file = folder.path().join(name);
        write(&file, &format!("videotestsrc {one} ! {made} ! filesink name=file"));
        let mut seat = playing("file", folder.path(), &file);
        seat.sit_down(CAMERA);
        seat.live();
        seat.shows(name, |picture| contrast(picture) > PLAIN);
        let begin = Instant::now();
        let before = frames(&seat.sees("frames", |stats| stats.video.is_some()));
        seat.carry_for(Duration::from_secs(3));
        let sent = frames(&seat.sees("frames", |stats| stats.video.is_some())) - before;
        // A busy machine makes it less, and what was under way at both ends counts.
        let most = 12.0 * begin.elapsed().as_secs_f64() + 6.0;
        assert!(sent > 0 && (sent as f64) < most, "{name}: {sent} pictures, at most {most}");
        nothing_failed(&seat);
        seat.close();
    }
}

#[test]
fn what_never_says_that_it_has_ended_is_opened_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/moving.gif");
    let mut seat = playing("file", folder.path(), &file);
    seat.sit_down(CAMERA);
    seat.live();
    seat.shows("the film", |picture| contrast(picture) > PLAIN);
    let before = frames(&seat.sees("frames", |stats| stats.video.is_some()));
    seat.sees("the film again and again", |stats| frames(stats) > before + 40);
    nothing_failed(&seat);
    seat.close();
}

#[test]
fn a_film_without_sound_is_silent_and_nothing_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("film.mp4");
    write(&file, &format!("{H264} ! mp4mux ! filesink name=file"));
    let mut seat = playing("file", folder.path(), &file);
    seat.sit_down(BOTH);
    seat.live();
    seat.wait("the microphone open", |seat| opened(seat, DeviceKind::Microphone));
    seat.shows("the film", |picture| contrast(picture) > PLAIN);
    seat.sees("silence", |stats| sound(stats) < -80.0);
    nothing_failed(&seat);
    seat.close();
}

#[test]
fn of_sound_alone_there_is_the_slate_and_one_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("jingle.ogg");
    write(&file, &format!("{SOUND} ! opusenc ! oggmux ! filesink name=file"));
    let mut seat = playing("file", folder.path(), &file);
    seat.sit_down(BOTH);
    seat.live();
    seat.sees("the jingle", |stats| sound(stats) > -40.0);
    let (code, why) = failure(&mut seat, DeviceKind::Camera);
    assert_eq!(code, Code::CameraDeviceEmpty);
    assert!(why.ends_with("there are no pictures in it"), "{why}");
    // The slate and its name; a test picture would have twice as much.
    seat.shows("the slate", |picture| contrast(picture) < 1.4 * PLAIN);
    seat.close();
}

/// Parts of a picture, in hundredths across and down.
type Part = (std::ops::Range<usize>, std::ops::Range<usize>);
const ABOVE: Part = (60..100, 5..40);
const BELOW: Part = (60..100, 50..85);
const LEFT: Part = (60..75, 30..60);
const RIGHT: Part = (85..100, 30..60);

/// A picture whose upper half is white, and the rest black, comes out so.
fn comes_out(seat: &mut Seat, what: &str, white: &Part, black: &Part) {
    seat.shows(what, |picture| {
        let look = pictures::look(&picture.jpeg).expect("a JPEG");
        let brightness = |(across, down): &Part| look.brightness(across.clone(), down.clone());
        brightness(white) > brightness(black) + 150.0
    });
}

#[test]
fn a_film_is_turned_as_its_container_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("film.mov");
    write(
        &file,
        "videotestsrc num-buffers=45 pattern=white ! video/x-raw,width=320,height=90,framerate=30/1 \
         ! videobox bottom=-90 ! x264enc ! h264parse ! qtmux ! filesink name=file",
    );
    let whole = fs::read(&file).expect("it was made");
    // The matrix of a track header of version 0 (ISO/IEC 14496-12, 8.3.2) is 44 bytes behind its name.
    let header = whole.windows(4).position(|name| name == b"tkhd").expect("a track") + 44;
    for (degrees, [a, b, c, d], white, black) in [
        (0, [1, 0, 0, 1], ABOVE, BELOW),
        (90, [0, 1, -1, 0], RIGHT, LEFT),
        (180, [-1, 0, 0, -1], BELOW, ABOVE),
        (270, [0, -1, 1, 0], LEFT, RIGHT),
    ] {
        let fixed = |value: i32| (value << 16).to_be_bytes();
        let matrix = [fixed(a), fixed(b), [0; 4], fixed(c), fixed(d)].concat();
        let mut turned = whole.clone();
        turned[header..header + matrix.len()].copy_from_slice(&matrix);
        fs::write(&file, turned).expect("writable");
        let mut seat = playing("file", folder.path(), &file);
        seat.sit_down(CAMERA);
        seat.live();
        comes_out(&mut seat, &format!("turned by {degrees} degrees"), &white, &black);
        nothing_failed(&seat);
        seat.close();
    }
}

#[test]
fn a_still_picture_is_turned_as_its_exif_data_say() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("photo.jpg");
    write(
        &file,
        "videotestsrc num-buffers=1 pattern=white ! video/x-raw,width=320,height=90 ! videobox bottom=-90 \
         ! jpegenc ! filesink name=file",
    );
    let plain = fs::read(&file).expect("it was made");
    for (orientation, white, black) in [(3, BELOW, ABOVE), (6, RIGHT, LEFT), (7, RIGHT, LEFT)] {
        let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
        let segment = [exif.as_slice(), &[orientation], &[0; 6]].concat();
        let length = u16::try_from(segment.len() + 2).expect("short").to_be_bytes();
        let turned = [&plain[..2], &[0xff, 0xe1], &length, &segment, &plain[2..]].concat();
        fs::write(&file, turned).expect("writable");
        let mut seat = playing("file", folder.path(), &file);
        seat.sit_down(CAMERA);
        seat.live();
        comes_out(&mut seat, &format!("orientation {orientation}"), &white, &black);
        nothing_failed(&seat);
        seat.close();
    }
}

#[test]
fn a_decoder_that_is_not_installed_is_named_with_its_package() {
    if !alone("films::a_decoder_that_is_not_installed_is_named_with_its_package") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("film.mp4");
    write(&file, &format!("{H264} ! mp4mux ! filesink name=file"));
    let caps = gst::Caps::new_empty_simple("video/x-h264");
    for decoder in gst::ElementFactory::factories_with_type(gst::ElementFactoryType::DECODER, gst::Rank::NONE)
    {
        if decoder.can_sink_any_caps(&caps) {
            decoder.set_rank(gst::Rank::NONE);
        }
    }
    let mut seat = playing("file", folder.path(), &file);
    seat.sit_down(BOTH);
    seat.live();
    let (code, why) = failure(&mut seat, DeviceKind::Camera);
    assert_eq!(code, Code::CameraStartFail);
    assert!(why.contains("H.264") && why.ends_with("apt-get install gstreamer1.0-libav"), "{why}");
    seat.wait("silence", |seat| opened(seat, DeviceKind::Microphone));
    seat.close();
}

#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RUSR).expect("a FIFO");
    let mut seat = playing("file", folder.path(), &file);
    seat.sit_down(BOTH);
    seat.live();
    for (kind, wanted) in
        [(DeviceKind::Camera, Code::CameraDeviceEmpty), (DeviceKind::Microphone, Code::MicrophoneDeviceEmpty)]
    {
        let (code, why) = failure(&mut seat, kind);
        assert_eq!(code, wanted);
        assert!(why.ends_with("it is a FIFO, and only a regular file is read"), "{why}");
    }
    seat.close();
}

#[test]
fn what_is_no_film_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in [("empty.mp4", &b""[..]), ("text.mp4", b"hello, this is no film\n")] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).expect("writable");
        let mut seat = playing("file", folder.path(), &file);
        seat.sit_down(BOTH);
        let (_, why) = failure(&mut seat, DeviceKind::Camera);
        assert!(why.starts_with(&format!("{}: ", file.display())), "{why}");
        seat.close();
    }
}

#[test]
fn what_the_decoder_does_not_know_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/cmyk.jpg");
    let mut seat = playing("file", folder.path(), &file);
    seat.sit_down(CAMERA);
    seat.live();
    let (code, why) = failure(&mut seat, DeviceKind::Camera);
    assert_eq!(code, Code::CameraStartFail);
    assert!(why.starts_with(&format!("{}: it cannot be decoded", file.display())), "{why}");
    seat.close();
}
