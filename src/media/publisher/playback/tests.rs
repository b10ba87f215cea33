use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::model::volume::Taken;

/// Generous: the machine may have other work.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the stage sends, held at its end.
fn stream() -> (gst::Pipeline, Stream) {
    gst::init().expect("GStreamer starts");
    let launch = "audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! opusenc \
                  ! rtpopuspay name=end";
    let bin = gst::parse::bin_from_description(launch, false).expect("usual elements");
    let end = bin.by_name("end").and_then(|end| end.static_pad("src")).expect("a payloader");
    let pad = gst::GhostPad::with_target(&end).expect("a pad");
    bin.add_pad(&pad).expect("a new pad");
    let block = pad.add_probe(gst::PadProbeType::BLOCK_DOWNSTREAM, |_, _| gst::PadProbeReturn::Ok);
    let pipeline = gst::Pipeline::new();
    pipeline.add(&bin).expect("an empty pipeline");
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let pad = pad.upcast::<gst::Pad>().downgrade();
    (pipeline, Stream { pad, block: block.expect("a probe") })
}

fn speaker(launch: &str, find: Find) -> Speaker {
    let address = matches!(find, Find::By { .. }).then(|| "location".to_owned());
    Speaker::Is(Fragment { launch: launch.to_owned(), address }, find, Care::none())
}

fn by(locate: LocateSpeaker, choice: &str) -> Find {
    let mixer: TurnMixer = Arc::new(|_, _, _| Taken::Nobody("there is none".to_owned()));
    Find::By { locate, mixer, choice: choice.to_owned() }
}

fn opened(events: &Receiver<Event>) -> (Stream, Result<Playback, String>) {
    match events.recv_timeout(PATIENCE).expect("it is opened, or not") {
        Event::Peer { peer: 7, told: PeerTold::Speaker { stream, playback } } => (stream, playback),
        other => panic!("{other:?}"),
    }
}

/// Whether something was played into this file.
fn is_played(file: &Path) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let played = || fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0);
    while !played() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    played()
}

fn is_linked(pipeline: &gst::Pipeline) -> bool {
    let bin = pipeline.iterate_elements().into_iter().flatten().find(|element| element.num_src_pads() > 0);
    bin.expect("the stream").src_pads().iter().all(|pad| pad.is_linked() && !pad.is_blocked())
}

fn end(pipeline: &gst::Pipeline) {
    pipeline.set_state(gst::State::Null).expect("it stops");
}

#[test]
fn a_speaker_that_is_hard_to_find_keeps_nobody_waiting() {
    let (pipeline, stream) = stream();
    let (desk, events) = sync_channel(4);
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = folder.path().to_owned();
    let locate: LocateSpeaker = Arc::new(move |choice| {
        let released = released.lock().expect("only this thread");
        released.recv_timeout(PATIENCE).expect("whoever opens it goes on meanwhile");
        Some(place.join(choice).display().to_string())
    });
    let speaker = speaker("filesink name=speaker buffer-mode=unbuffered", by(locate, "hall"));
    open(speaker, Volume::FULL, stream, (&desk, 7)).expect("a thread");
    release.send(()).expect("it waits");
    let (stream, playback) = opened(&events);
    put_in(&pipeline, stream, playback).expect("it is put in");
    assert!(is_played(&folder.path().join("hall")));
    // It fails: the stream goes on without it.
    replace_by_drain(&pipeline).expect("it is taken out");
    assert!(pipeline.by_name(NAME).is_none() && is_linked(&pipeline));
    end(&pipeline);
}

#[test]
fn without_a_speaker_or_with_a_broken_one_the_stream_is_thrown_away() {
    let nowhere: LocateSpeaker = Arc::new(|_| None);
    for (speaker, works) in [
        (Speaker::None, true),
        (speaker("fakesink name=speaker", by(nowhere, "auto")), true),
        (speaker("nosuchsink name=speaker", Find::Not), false),
        // Its device cannot be opened.
        (speaker("filesink name=speaker location=/nowhere/at/all", Find::Not), false),
    ] {
        let (pipeline, stream) = stream();
        let (desk, events) = sync_channel(4);
        open(speaker, Volume::FULL, stream, (&desk, 7)).expect("a thread");
        let (stream, playback) = opened(&events);
        assert_eq!(put_in(&pipeline, stream, playback).is_ok(), works);
        assert!(pipeline.by_name(NAME).is_none() && is_linked(&pipeline));
        end(&pipeline);
    }
}

#[test]
fn the_mixer_of_the_speakers_card_is_turned_before_anything_is_played_and_when_it_is_wanted() {
    for (answer, loud, quiet) in [
        (Taken::Mixer("PCM".to_owned()), 1.0, 1.0),
        (Taken::Nobody("its mixer has no playback volume".to_owned()), 0.5, 0.25),
    ] {
        let (pipeline, stream) = stream();
        let (desk, events) = sync_channel(4);
        let turned = Arc::new(Mutex::new(Vec::new()));
        let (record, given) = (Arc::clone(&turned), answer.clone());
        let mixer: TurnMixer = Arc::new(move |side, address, volume| {
            record.lock().expect("no test panics with it").push((side, address.to_owned(), volume.percent()));
            given.clone()
        });
        let locate: LocateSpeaker = Arc::new(|choice| Some(format!("/dev/{choice}")));
        let find = Find::By { locate, mixer, choice: "null".to_owned() };
        let percent = |percent: i64| Volume::try_from(percent).expect("0 to 100");
        open(speaker("filesink name=speaker", find), percent(50), stream, (&desk, 7)).expect("a thread");
        let (stream, playback) = opened(&events);
        let gain =
            |bin: &gst::Bin| bin.by_name("output-volume").map(|element| element.property::<f64>("volume"));
        let bin = playback.as_ref().map(|playback| playback.bin.clone()).expect("it opens");
        assert_eq!(gain(&bin), Some(loud));
        let mut knob = put_in(&pipeline, stream, playback).expect("it is put in");
        if let Some(card) = knob.want(percent(25)) {
            turn(card, percent(25), (&desk, 7)).expect("a thread");
            match events.recv_timeout(PATIENCE).expect("it answers") {
                Event::Peer { peer: 7, told: PeerTold::Turned { volume, taken } } => {
                    knob.turned(volume, &taken);
                }
                other => panic!("{other:?}"),
            }
        }
        set_gain(&pipeline, knob.gain(percent(25)));
        assert_eq!(gain(&bin), Some(quiet));
        let turned = turned.lock().expect("no test panics with it").clone();
        let of = |percent| (Side::Playback, "/dev/null".to_owned(), percent);
        let all = [of(50), of(25)];
        assert_eq!(turned, if answer == Taken::Mixer("PCM".to_owned()) { &all[..] } else { &all[..1] });
        end(&pipeline);
    }
}
