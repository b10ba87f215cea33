//! A guest whose microphone hears its speaker, and one who talks to it over the host.

use std::f64::consts::TAU;
use std::fs;
use std::time::{Duration, Instant};

use coguestd::media::publisher::Publisher;
use coguestd::model::Media;
use coguestd::model::media::{Ask, AudioPlan, Plan, Report, Session, Sound, VideoPlan};
use coguestd::model::voice::Voice;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::speaker::Speaker;
use crate::support::PATIENCE;
use crate::support::client::Heard;
use crate::support::hands::HandGuest;
use crate::support::stand::{Stand, place, with};
use crate::tones::RATE;
use crate::{Seated, echo_room};

/// Seconds that the canceller has to learn, from the first that is heard on.
const LEARNING: usize = 4;
/// Seconds that count of what is cancelled, for one that cancels at first may not go on …
const COUNTED: usize = 26;
/// … and of what is not, and sounds the same all the time.
const FEW: usize = 4;

/// Syllables of noise, four a second, for longer than anybody listens.
fn voice() -> Vec<u8> {
    let (mut state, mut low) = (1u32, 0.0);
    let samples = (0..150 * RATE).map(|at| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state >> 16) / 32_768.0 - 1.0;
        low += 0.2 * (noise - low);
        let loud = (at as f64 / RATE as f64 * 2.0 * TAU).sin().max(0.0);
        (low * loud * 12_000.0) as i16
    });
    samples.flat_map(i16::to_le_bytes).collect()
}

/// Somebody who talks.
fn talker() -> Speaker {
    let speaker = Speaker::with(0, "", None);
    let file = speaker.folder().join("voice.raw");
    fs::write(&file, voice()).expect("writable");
    let microphone = format!(
        "filesrc name=microphone location={} blocksize=1920 \
         ! rawaudioparse sample-rate=48000 num-channels=1 ! identity sync=true",
        file.display()
    );
    speaker.write(&microphone, None);
    speaker
}

/// A publisher in a room whose microphone hears its speaker, on a seat of the host, taken by hand.
struct Hearing {
    guest: HandGuest,
    publisher: Publisher,
    reports: mpsc::Receiver<Report>,
    heard: usize,
    /// How loud its microphone was, second by second, from the first that was no silence on.
    levels: Vec<f64>,
    _folder: TempDir,
}

const SESSION: Session = Session { epoch: 1, peer: 1, exchange: 1 };

impl Hearing {
    fn sit(stand: &Stand, voice: Voice) -> Self {
        let guest = stand.hand_guest("ada");
        guest.join();
        let heard = guest.client.mark();
        guest.ok("apply", json!({"seat_index": -1, "timeout": 30, "media": "audio", "extra_info": ""}));
        guest.told("seated", heard);
        guest.ok("devices", json!({"camera": "off", "microphone": "on"}));
        let (folder, profile, microphone) = echo_room::room();
        let (sink, reports) = mpsc::channel(1024);
        let settings = echo_room::settings(profile, microphone, voice);
        let publisher = Publisher::open(settings, sink).expect("the publisher opens");
        let plan = Plan { video: VideoPlan::Slate, audio: AudioPlan::Microphone };
        let start = Ask::Start { session: SESSION, media: Media::Audio, sound: Sound::BothWays, plan };
        publisher.ask(start).expect("there is room");
        Self { guest, publisher, reports, heard, levels: Vec::new(), _folder: folder }
    }

    /// Carries what publisher and stage say to each other.
    fn carry(&mut self) {
        let say = |what: Value| {
            let signal = with(json!({"type": "signal", "session": "by hand", "exchange": 1}), &what);
            self.guest.client.publish(&place("ada", "to_stage"), signal.to_string());
        };
        while let Ok(report) = self.reports.try_recv() {
            match report {
                Report::Offer { sdp, .. } => say(json!({"description": {"type": "offer", "sdp": sdp}})),
                Report::Candidate { candidate, .. } => say(json!({"candidate": candidate})),
                Report::Stats { stats, .. } => {
                    let level = stats.audio.and_then(|audio| audio.level_dbfs);
                    if level.is_some() || !self.levels.is_empty() {
                        self.levels.push(level.unwrap_or(f64::NEG_INFINITY));
                    }
                }
                Report::PeerFailed { fault, .. } => panic!("{fault:?}"),
                Report::DeviceFailed { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
        let heard = self.guest.client.all(self.heard);
        self.heard += heard.len();
        let signals = heard.iter().map(Heard::value).filter(|said| said["type"] == "signal");
        for signal in signals {
            if let Some(sdp) = signal["description"]["sdp"].as_str() {
                let answer = Ask::Answer { session: SESSION, sdp: sdp.to_owned() };
                self.publisher.ask(answer).expect("there is room");
            } else if let Ok(candidate) = serde_json::from_value(signal["candidate"].clone()) {
                self.publisher.ask(Ask::Candidate { session: SESSION, candidate }).expect("there is room");
            }
        }
    }
}

/// How loud the room is sent back in dBFS, in three of four seconds at most: a card that is starved for a moment makes the
/// canceller begin anew, and threads that stand for cards are.
fn comes_back(voice: Voice, seconds: usize) -> f64 {
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let mut ada = Hearing::sit(&stand, voice);
    let _bob = Seated::with(&stand, "bob", talker(), &[]);
    let deadline = Instant::now() + Duration::from_secs(90);
    while ada.levels.len() < LEARNING + seconds {
        assert!(Instant::now() < deadline, "the microphone hears {:?}", ada.levels);
        ada.carry();
        std::thread::sleep(Duration::from_millis(5));
    }
    ada.publisher.close(PATIENCE).expect("it closes");
    eprintln!("{:.0?} dBFS", ada.levels);
    let mut counted = ada.levels[LEARNING..LEARNING + seconds].to_vec();
    counted.sort_by(f64::total_cmp);
    counted[seconds * 3 / 4]
}

#[test]
fn who_talks_to_a_room_over_the_host_does_not_hear_itself_from_there() {
    crate::network::ensure_interface();
    let played = comes_back(Voice::UNTOUCHED, FEW);
    let echo = comes_back(Voice { echo_cancellation: true, ..Voice::UNTOUCHED }, COUNTED);
    eprintln!("{played:.1} dBFS are played and heard, {echo:.1} dBFS come back");
    assert!(played > -40.0, "the room was played, and heard by the microphone: {played} dBFS");
    // As docs/sound.md says, with room for a machine that has other work.
    assert!(echo < played - 25.0, "played at {played} dBFS, comes back at {echo} dBFS");
}
