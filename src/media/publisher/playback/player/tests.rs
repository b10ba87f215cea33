use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gstreamer::prelude::*;

use super::*;
use crate::media::profile::Fragment;
use crate::media::publisher::playback::{Find, NAME};
use crate::media::publisher::processing::AudioProcessing;
use crate::media::publisher::settings::{LocateSpeaker, TurnMixer};
use crate::media::streams::Streams;
use crate::model::volume::{Loudness, Side, Taken};

/// Generous: the machine may have other work.
const PATIENCE: Duration = Duration::from_secs(30);

/// A peer whose stage sends a tone, and its player.
struct Rig {
    pipeline: gst::Pipeline,
    pad: gst::Pad,
    events: Receiver<Event>,
    player: Player,
}

impl Rig {
    fn new(speaker: Speaker, volume: Loudness) -> Self {
        gst::init().expect("GStreamer starts");
        let launch = "audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 \
                      ! opusenc ! rtpopuspay name=end";
        let bin = gst::parse::bin_from_description(launch, false).expect("usual elements");
        let end = bin.by_name("end").and_then(|end| end.static_pad("src")).expect("a payloader");
        let pad = gst::GhostPad::with_target(&end).expect("a pad").upcast::<gst::Pad>();
        bin.add_pad(&pad).expect("a new pad");
        let stream = Streams::default().hold(&pad).expect("nothing was let go");
        let pipeline = gst::Pipeline::new();
        pipeline.add(&bin).expect("an empty pipeline");
        pipeline.set_state(gst::State::Playing).expect("it plays");
        let (inbox, events) = sync_channel(4);
        let mut player = Player::new(&pipeline, speaker, volume, EventSender::new(&inbox, |event| event));
        player.stream(Instant::now(), stream);
        Self { pipeline, pad, events, player }
    }

    /// The speaker that is being opened is open, or not.
    fn opened(&mut self, now: Instant) {
        let event = self.events.recv_timeout(PATIENCE).expect("it is opened, or not");
        assert!(matches!(event, Event::Opened(_)), "{event:?}");
        self.player.event(now, event);
    }

    /// The stream still has somebody who takes it.
    fn goes_on(&self) {
        let (sink, passed) = channel();
        let id = self.pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            sink.send(()).unwrap_or_default();
            gst::PadProbeReturn::Ok
        });
        for _ in 0..5 {
            passed.recv_timeout(PATIENCE).expect("the stream goes on");
        }
        self.pad.remove_probe(id.expect("a probe"));
    }

    fn plays(&self) -> bool {
        self.pipeline.by_name(NAME).is_some()
    }

    fn gain(&self) -> Option<f64> {
        self.pipeline.by_name("output-volume").map(|element| element.property::<f64>("volume"))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).map(|_| ()).unwrap_or_default();
    }
}

fn speaker(launch: &str, find: Find) -> Speaker {
    let address = matches!(find, Find::By { .. }).then(|| "location".to_owned());
    Speaker::Is(Fragment { launch: launch.to_owned(), address }, find, AudioProcessing::none())
}

fn by(locate: LocateSpeaker, choice: &str) -> Find {
    let mixer: TurnMixer = Arc::new(|_, _, _| Taken::Nobody("there is none".to_owned()));
    Find::By { locate, mixer, choice: choice.to_owned() }
}

fn percent(percent: i64) -> Volume {
    Volume::try_from(percent).expect("0 to 100")
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

const FILE: &str = "filesink name=speaker buffer-mode=unbuffered";

#[test]
fn a_speaker_that_is_hard_to_find_keeps_nobody_waiting() {
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = folder.path().to_owned();
    let locate: LocateSpeaker = Arc::new(move |choice| {
        let released = released.lock().expect("only this thread");
        released.recv_timeout(PATIENCE).expect("whoever opens it goes on meanwhile");
        Some(place.join(choice).display().to_string())
    });
    let mut rig = Rig::new(speaker(FILE, by(locate, "hall")), Loudness::AsItIs);
    rig.goes_on();
    assert!(!rig.plays());
    release.send(()).expect("it waits");
    rig.opened(Instant::now());
    assert!(is_played(&folder.path().join("hall")));
}

#[test]
fn without_a_speaker_or_with_a_broken_one_the_stream_is_thrown_away() {
    let nowhere: LocateSpeaker = Arc::new(|_| None);
    for (launch, find, why) in [
        (FILE, by(Arc::clone(&nowhere), "auto"), "there is no speaker, and media.speaker is not \"none\""),
        (FILE, by(nowhere, "hall"), "no speaker is called \"hall\""),
        ("nosuchsink name=speaker", Find::Not, "the GStreamer element nosuchsink is missing"),
        // Its device cannot be opened.
        ("filesink name=speaker location=/nowhere/at/all", Find::Not, "the speaker does not open"),
    ] {
        let mut rig = Rig::new(speaker(launch, find), Loudness::AsItIs);
        rig.opened(Instant::now());
        rig.goes_on();
        assert!(!rig.plays());
        assert_eq!(rig.player.said.as_deref(), Some(why));
    }
    let rig = Rig::new(Speaker::None, Loudness::AsItIs);
    rig.goes_on();
    assert!(!rig.plays() && rig.events.try_recv().is_err(), "nothing is opened");
}

#[test]
fn a_speaker_that_fails_is_opened_again_in_the_same_call() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("hall");
    // First it is full, then it is not there, then it takes everything.
    let places = Mutex::new(vec![Some(file.display().to_string()), None, Some("/dev/full".to_owned())]);
    let locate: LocateSpeaker =
        Arc::new(move |_| places.lock().expect("no test panics with it").pop().flatten());
    let mut rig = Rig::new(speaker(FILE, by(locate, "hall")), Loudness::Set(percent(50)));
    let mut now = Instant::now();
    rig.opened(now);
    let bus = rig.pipeline.bus().expect("a pipeline has one");
    let message =
        bus.timed_pop_filtered(gst::ClockTime::from_seconds(PATIENCE.as_secs()), &[gst::MessageType::Error]);
    let place = message.and_then(|message| message.src().map(|src| src.path_string().to_string()));
    assert!(place.expect("it is full").contains(NAME), "by that its errors are told from the peer's");
    rig.player.failed(now, "it is full".to_owned());
    assert!(!rig.plays());
    rig.goes_on();
    // Not at once, and not for ever.
    rig.player.tick(now);
    assert!(matches!(rig.player.state, PlayerState::Lost { .. }));
    for why in ["no speaker is called \"hall\"", ""] {
        now += Duration::from_secs(2);
        rig.player.tick(now);
        assert!(matches!(rig.player.state, PlayerState::Opening));
        rig.opened(now);
        assert_eq!(rig.player.said.as_deref().unwrap_or_default(), why);
    }
    assert!(is_played(&file), "the same stream, on the card that came back");
    assert_eq!(rig.gain(), Some(0.5), "at the same volume");
}

#[test]
fn what_is_heard_of_cards_puts_the_next_look_off_until_they_rest() {
    let nowhere: LocateSpeaker = Arc::new(|_| None);
    let mut rig = Rig::new(speaker(FILE, by(nowhere, "hall")), Loudness::AsItIs);
    let lost = Instant::now();
    rig.opened(lost);
    rig.player.heard(lost + Duration::from_secs(1));
    rig.player.tick(lost + Duration::from_secs(2));
    assert!(matches!(rig.player.state, PlayerState::Lost { .. }));
    rig.player.tick(lost + Duration::from_secs(3));
    assert!(matches!(rig.player.state, PlayerState::Opening));
    rig.opened(lost + Duration::from_secs(3));
}

#[test]
fn the_mixer_of_the_speakers_card_is_turned_before_anything_is_played_and_when_it_is_wanted() {
    for (answer, loud, quiet) in [
        (Taken::Mixer("PCM".to_owned()), 1.0, 1.0),
        (Taken::Nobody("its mixer has no playback volume".to_owned()), 0.5, 0.25),
    ] {
        let turned = Arc::new(Mutex::new(Vec::new()));
        let (record, given) = (Arc::clone(&turned), answer.clone());
        let mixer: TurnMixer = Arc::new(move |side, address, volume| {
            record.lock().expect("no test panics with it").push((side, address.to_owned(), volume));
            given.clone()
        });
        let locate: LocateSpeaker = Arc::new(|choice| Some(format!("/dev/{choice}")));
        let find = Find::By { locate, mixer, choice: "null".to_owned() };
        let mut rig = Rig::new(speaker(FILE, find), Loudness::Set(percent(50)));
        rig.opened(Instant::now());
        assert_eq!(rig.gain(), Some(loud));
        rig.player.set_volume(percent(25));
        if let Taken::Mixer(_) = answer {
            let event = rig.events.recv_timeout(PATIENCE).expect("it answers");
            assert!(matches!(event, Event::VolumeApplied { .. }), "{event:?}");
            rig.player.event(Instant::now(), event);
        }
        assert_eq!(rig.gain(), Some(quiet));
        rig.player.set_volume(percent(0));
        assert_eq!(rig.gain(), Some(0.0), "whatever the mixer does");
        let turned = turned.lock().expect("no test panics with it").clone();
        let of = |volume| (Side::Playback, "/dev/null".to_owned(), Loudness::Set(percent(volume)));
        let all = [of(50), of(25)];
        let by_mixer = matches!(answer, Taken::Mixer(_));
        assert!(turned.starts_with(if by_mixer { &all } else { &all[..1] }), "{turned:?}");
        assert!(by_mixer || turned.len() == 1, "a mixer without a volume is asked once: {turned:?}");
    }
}
