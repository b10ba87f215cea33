//! What the stage sends is played, also by a speaker that has failed and come back, and does not come back itself: from a microphone
//! that hears nothing but the speaker.

#[path = "support/echo_room.rs"]
mod echo_room;
#[path = "support/network.rs"]
mod network;
#[path = "support/router.rs"]
mod router;
#[path = "support/talker.rs"]
mod talker;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use coguestd::media::publisher::{Publisher, Settings};
use coguestd::model::Media;
use coguestd::model::media::{Ask, AudioPlan, Plan, Report, Session, Sound, VideoPlan};
use coguestd::model::voice::Voice;
use tokio::sync::mpsc;

use self::echo_room::{MICROPHONE, profile, room, settings};
use self::talker::{Said, Talker};

/// Generous: the machine may have other work.
const PATIENCE: Duration = Duration::from_secs(90);
/// Measurements of the microphone, one a second, from the first that is no silence on: a canceller learns meanwhile.
const LEARNING: usize = 4;
/// Measurements that count of what is cancelled: half a minute in all, for one that cancels at first may not go on.
const COUNTED: usize = 26;
/// Of what is not, and sounds the same all the time.
const FEW: usize = 4;

/// Hands to the stage what the publisher says, and keeps the levels of its microphone.
fn hear(report: Report, talker: &Talker, levels: &mut Vec<f64>) {
    match report {
        Report::Offer { sdp, .. } => talker.offer(&sdp),
        Report::Candidate { candidate: Some(candidate), .. } => {
            talker.candidate(candidate.sdp_m_line_index.unwrap_or(0), &candidate.candidate);
        }
        Report::Stats { stats, .. } => {
            let level = stats.audio.and_then(|audio| audio.level_dbfs);
            if level.is_some() || !levels.is_empty() {
                levels.push(level.unwrap_or(f64::NEG_INFINITY));
            }
        }
        Report::PeerFailed { fault, .. } => panic!("{fault:?}"),
        Report::DeviceFailed { error, .. } => panic!("{error}"),
        _ => {}
    }
}

/// Calls a stage that talks, until `found` has an answer to the levels that were heard of the microphone.
fn call<T>(settings: Settings, sound: talker::Sound, what: &str, found: impl Fn(&[f64]) -> Option<T>) -> T {
    network::ensure_interface();
    let (sink, mut reports) = mpsc::channel(1024);
    let publisher = Publisher::open(settings, sink).expect("the publisher opens");
    let session = Session { epoch: 1, peer: 1, exchange: 1 };
    let plan = Plan { video: VideoPlan::Slate, audio: AudioPlan::Microphone };
    let ask = |ask| publisher.ask(ask).expect("there is room");
    ask(Ask::Start { session, media: Media::Audio, sound: Sound::BothWays, plan });
    let talker = Talker::start(sound);
    let deadline = Instant::now() + PATIENCE;
    let mut levels = Vec::new();
    let found = loop {
        while let Ok(report) = reports.try_recv() {
            hear(report, &talker, &mut levels);
        }
        while let Some(said) = talker.said() {
            match said {
                Said::Answer(sdp) => ask(Ask::Answer { session, sdp }),
                Said::Candidate(candidate) => ask(Ask::Candidate { session, candidate: Some(candidate) }),
            }
        }
        if let Some(found) = found(&levels) {
            break found;
        }
        assert!(Instant::now() < deadline, "no {what}; the microphone hears {levels:?}");
        std::thread::sleep(Duration::from_millis(10));
    };
    publisher.close(PATIENCE).expect("it closes");
    found
}

/// How loud the room is sent back, in dBFS: three of four seconds are quieter. A card that is starved for a moment makes the canceller
/// begin anew, and threads that stand for cards are.
fn comes_back(voice: Voice, sound: talker::Sound, seconds: usize) -> f64 {
    let (_folder, profile, microphone) = room();
    let counted = |levels: &[f64]| levels.get(LEARNING..LEARNING + seconds).map(<[f64]>::to_vec);
    let mut levels = call(settings(profile, microphone, voice), sound, "echo", counted);
    levels.sort_by(f64::total_cmp);
    levels[seconds * 3 / 4]
}

/// This sound comes back so much quieter, in dB, from the first seconds to the last.
fn is_cancelled(sound: talker::Sound, quieter: f64) {
    let cancelled = Voice { echo_cancellation: true, ..Voice::UNTOUCHED };
    let played = comes_back(Voice::UNTOUCHED, sound, FEW);
    let echo = comes_back(cancelled, sound, COUNTED);
    assert!(played > -40.0, "the stage was played, and heard by the microphone: {played} dBFS");
    assert!(echo < played - quieter, "played at {played} dBFS, comes back at {echo} dBFS");
}

#[test]
fn a_voice_that_is_played_does_not_come_back() {
    is_cancelled(talker::Sound::Voice, 25.0);
}

#[test]
fn what_is_played_without_a_pause_does_not_come_back_after_a_while_either() {
    is_cancelled(talker::Sound::Noise, 15.0);
}

#[test]
fn a_speaker_that_fails_is_opened_again_in_the_same_call() {
    let speaker = "launch = \"filesink name=speaker buffer-mode=unbuffered\"\naddress = \"location\"";
    let (folder, profile) = profile(MICROPHONE, speaker);
    let hall = folder.path().join("hall");
    let here = hall.display().to_string();
    let looks = AtomicUsize::new(0);
    let settings = Settings {
        // At first it takes nothing, and then it is away for a moment.
        locate_speaker: Arc::new(move |_| match looks.fetch_add(1, Relaxed) {
            0 => Some("/dev/full".to_owned()),
            1 => None,
            _ => Some(here.clone()),
        }),
        ..settings(profile, "auto".to_owned(), Voice::UNTOUCHED)
    };
    // A second of sound.
    let played = |_: &[f64]| fs::metadata(&hall).ok().filter(|file| file.len() > 96_000).map(|_| ());
    call(settings, talker::Sound::Voice, "sound on the speaker that came back", played);
}
