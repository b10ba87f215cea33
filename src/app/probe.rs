//! What this machine has: cameras, microphones, speakers, encoders, its board, and what would be chosen of it.
//!
//! Everything is asked at the same time, on threads of its own and with a cap: a camera or a driver that hangs is told as that and
//! holds up nothing else. Nothing is captured, nothing is played.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::profile_directories;
use crate::config::Settings;
use crate::devices::{self, Abilities, Camera, Sound};
use crate::media::encoder::available::{self, Trial, Tried};
use crate::media::profile::{self, Hardware, Picked, Profile};
use crate::media::publisher;
use crate::model::board::Board;
use crate::model::capture::{Choice, Drawing, Encoding, Offer};
use crate::model::media::Quality;

/// How long everything together may take; what is asked of one thing after another shares it.
const CAP: Duration = Duration::from_millis(1700);

/// All of it.
#[derive(Debug, Serialize)]
pub struct ProbeReport {
    /// The board.
    pub board: Board,
    /// The profile that would be used.
    pub profile: ProfileFacts,
    /// The picture size that is wanted.
    pub quality: Quality,
    /// Cameras.
    pub cameras: Vec<CameraFacts>,
    /// Nodes that may be cameras but may not be opened.
    pub forbidden_cameras: Vec<PathBuf>,
    /// Microphones.
    pub microphones: Vec<SoundFacts>,
    /// Speakers.
    pub speakers: Vec<SoundFacts>,
    /// Encoders that the shipped profiles know.
    pub encoders: Vec<EncoderFacts>,
    /// What could not be found out in time.
    pub late: Vec<&'static str>,
}

/// The profile.
#[derive(Debug, Serialize)]
pub struct ProfileFacts {
    /// Its name; `None` when it cannot be used.
    pub name: Option<String>,
    /// What it is.
    pub description: String,
    /// Why this one, or why none.
    pub why: String,
}

/// A camera.
#[derive(Debug, Serialize)]
pub struct CameraFacts {
    /// Its stable id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its node now.
    pub path: PathBuf,
    /// Where it is plugged in.
    pub bus: String,
    /// Its kernel driver.
    pub driver: String,
    /// Whether it encodes H.264 itself.
    pub encodes_h264: bool,
    /// What would be captured of it.
    pub capture: Option<Choice>,
    /// Why.
    pub why: String,
    /// What it offers.
    pub formats: Vec<Offer>,
    /// Its controls.
    pub controls: Vec<Value>,
}

/// A microphone or a speaker.
#[derive(Debug, Serialize)]
pub struct SoundFacts {
    /// Its stable id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it can do.
    #[serde(flatten)]
    pub abilities: Abilities,
}

/// An encoder.
#[derive(Debug, Serialize)]
pub struct EncoderFacts {
    /// Its element.
    pub element: String,
    /// Whether it is a part of the board.
    pub hardware: bool,
    /// `works`, `missing`, `fails` or `late`.
    pub state: &'static str,
    /// How long three pictures took from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// Why it does not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Asks everything. Blocks for two seconds at most.
pub fn probe(settings: &Settings) -> ProbeReport {
    let deadline = Instant::now() + CAP;
    let quality = settings.media.quality;
    let trials = spawn(move || available::try_all(quality, CAP));
    let microphones = spawn(|| sounds(devices::microphones(), devices::microphone_abilities));
    let speakers = spawn(|| sounds(devices::speakers(), devices::speaker_abilities));
    let cameras = spawn(devices::cameras);
    let forbidden = spawn(devices::forbidden_cameras);
    let board = devices::board();
    let (profile, picked) = pick(settings, &board);

    let mut late = Vec::new();
    let found = take(&cameras, deadline, &mut late, "cameras");
    let profiled = picked.as_ref().map(|profile| (profile, super::guest::drawing(settings, profile)));
    let cameras = describe(found, profiled, quality, deadline, &mut late);
    ProbeReport {
        board,
        profile,
        quality,
        cameras,
        forbidden_cameras: take(&forbidden, deadline, &mut late, "forbidden cameras"),
        microphones: take(&microphones, deadline, &mut late, "microphones"),
        speakers: take(&speakers, deadline, &mut late, "speakers"),
        // A trial ends by itself at the same time.
        encoders: take(&trials, deadline + CAP / 10, &mut late, "encoders")
            .into_iter()
            .map(encoder)
            .collect(),
        late,
    }
}

fn pick(settings: &Settings, board: &Board) -> (ProfileFacts, Option<Profile>) {
    match profile::pick(&settings.media.profile, &profile_directories(&settings.media), board) {
        Ok(Picked { profile, why }) => {
            let (name, description) = (Some(profile.name().to_owned()), profile.description().to_owned());
            (ProfileFacts { name, description, why }, Some(profile))
        }
        Err(error) => (ProfileFacts { name: None, description: String::new(), why: error.to_string() }, None),
    }
}

/// Each camera on a thread of its own: only the sick one is missing.
fn describe(
    cameras: Vec<Camera>,
    profile: Option<(&Profile, Drawing)>,
    quality: Quality,
    deadline: Instant,
    late: &mut Vec<&'static str>,
) -> Vec<CameraFacts> {
    let asked: Vec<_> = cameras
        .into_iter()
        .map(|camera| {
            let own = camera.clone();
            let facts =
                spawn(move || vec![(devices::offers(&own), devices::controls(&own).unwrap_or_default())]);
            (camera, facts)
        })
        .collect();
    let mut described = Vec::new();
    for (camera, facts) in asked {
        let facts = take(&facts, deadline, late, "a camera's formats");
        let (formats, controls) = facts.into_iter().next().unwrap_or_default();
        let chosen =
            profile.and_then(|(profile, drawing)| publisher::choose(profile, &formats, quality, drawing));
        let (capture, why) = match chosen {
            Some((choice, why)) => (Some(choice), why),
            None if formats.is_empty() => {
                (None, "it says nothing of its formats: it is left to itself".to_owned())
            }
            None => (None, "the profile takes none of its formats: it is left to itself".to_owned()),
        };
        described.push(CameraFacts {
            id: camera.id,
            name: camera.name,
            path: camera.path,
            bus: camera.bus,
            driver: camera.driver,
            encodes_h264: formats.iter().any(|offer| offer.encoding == Encoding::H264),
            capture,
            why,
            formats,
            controls: controls.iter().map(crate::model::controls::Control::json).collect(),
        });
    }
    described
}

fn sounds(found: Vec<Sound>, abilities: fn(&Sound) -> Abilities) -> Vec<SoundFacts> {
    let facts = |sound: Sound| {
        let abilities = abilities(&sound);
        SoundFacts { id: sound.id, name: sound.name, abilities }
    };
    found.into_iter().map(facts).collect()
}

fn encoder(tried: Tried) -> EncoderFacts {
    let (state, milliseconds, why) = match tried.trial {
        Trial::Works(time) => ("works", u64::try_from(time.as_millis()).ok(), None),
        Trial::Missing => ("missing", None, None),
        Trial::Fails(why) => ("fails", None, Some(why)),
        Trial::Late => ("late", None, Some(late())),
    };
    let hardware = tried.hardware == Hardware::Yes;
    EncoderFacts { element: tried.element, hardware, state, milliseconds, why }
}

/// A busy machine and a sick driver look alike from here.
fn late() -> String {
    let seconds = CAP.as_secs_f32();
    format!("no three pictures in {seconds} s: the machine is busy (a running daemon?), or the driver hangs")
}

/// Asks on a thread of its own, which nobody waits for in the end.
fn spawn<T: Send + 'static>(ask: impl FnOnce() -> Vec<T> + Send + 'static) -> Receiver<Vec<T>> {
    let (sender, answer) = mpsc::sync_channel(1);
    let asked = thread::Builder::new().name("probe".into()).spawn(move || {
        // Nobody takes what comes too late.
        sender.try_send(ask()).unwrap_or_default();
    });
    if let Err(error) = asked {
        tracing::error!("the system gives no thread: {error}");
    }
    answer
}

fn take<T>(
    answer: &Receiver<Vec<T>>,
    deadline: Instant,
    late: &mut Vec<&'static str>,
    what: &'static str,
) -> Vec<T> {
    answer.recv_timeout(deadline.saturating_duration_since(Instant::now())).unwrap_or_else(|_| {
        late.push(what);
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_that_ran_out_of_time_may_be_well() {
        let tried = Tried { element: "x264enc".into(), hardware: Hardware::No, trial: Trial::Late };
        let facts = encoder(tried);
        assert_eq!((facts.state, facts.milliseconds), ("late", None));
        assert!(facts.why.is_some_and(|why| why.contains("in 1.7 s: the machine is busy")));
    }

    #[test]
    fn what_hangs_is_told_and_holds_up_nothing() {
        let (_held, never) = mpsc::channel::<()>();
        let hanging = spawn(move || never.into_iter().collect());
        let mut late = Vec::new();
        assert!(take(&hanging, Instant::now(), &mut late, "a camera").is_empty());
        assert_eq!(late, ["a camera"]);
        let quick = spawn(|| vec![1]);
        assert_eq!(take(&quick, Instant::now() + Duration::from_secs(30), &mut late, "more"), [1]);
        assert_eq!(late.len(), 1);
    }
}
