use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;

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
    let address = matches!(find, Find::By(..)).then(|| "location".to_owned());
    Speaker::Is(Fragment { launch: launch.to_owned(), address }, find)
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
    let speaker =
        speaker("filesink name=speaker buffer-mode=unbuffered", Find::By(locate, "hall".to_owned()));
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
        (speaker("fakesink name=speaker", Find::By(nowhere, "auto".to_owned())), true),
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
