//! A room in which the microphone hears the speaker, and a publisher in it.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use coguestd::media::layers;
use coguestd::media::profile::Profile;
use coguestd::media::publisher::{Located, Settings};
use coguestd::media::rate::RateLimits;
use coguestd::media::webrtc::Ice;
use coguestd::model::media::{Mirror, Quality};
use coguestd::model::settings::VideoCodec;
use coguestd::model::voice::Voice;
use coguestd::model::volume::{Loudness, Taken};
use tempfile::TempDir;

/// The profile `test` with this microphone and this speaker.
pub fn profile(microphone: &str, speaker: &str) -> (TempDir, Profile) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let test = fs::read_to_string(here.join("pipelines/test.toml")).expect("it is in the tree");
    let parts = [(MICROPHONE, microphone), ("launch = \"fakesink name=speaker sync=true\"", speaker)];
    let room = parts.iter().fold(test, |text, (from, to)| {
        assert!(text.contains(from), "the profile has {from}");
        text.replace(from, to)
    });
    fs::write(folder.path().join("room.toml"), room).expect("writable");
    let profile = Profile::load("room", &[folder.path().to_owned()]).expect("the profile loads");
    (folder, profile)
}

/// A room: what the speaker plays is what the microphone hears, sample by sample, as long after as cards take.
pub fn room() -> (TempDir, Profile, String) {
    let port =
        UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let microphone = "launch = \"udpsrc name=microphone ! rawaudioparse sample-rate=48000 num-channels=1 \
                      ! queue min-threshold-time=80000000\"\naddress = \"uri\"";
    let speaker = format!(
        "launch = \"audioconvert ! capsfilter caps=audio/x-raw,format=S16LE,channels=1 \
         ! udpsink name=speaker host=127.0.0.1 port={port} sync=true\""
    );
    let (folder, profile) = profile(microphone, &speaker);
    (folder, profile, format!("udp://127.0.0.1:{port}"))
}

/// The microphone of the profile `test`.
pub const MICROPHONE: &str =
    "launch = \"audiotestsrc name=microphone is-live=true wave=ticks samplesperbuffer=960\"";

pub fn settings(profile: Profile, microphone: String, voice: Voice) -> Settings {
    Settings {
        profile,
        locate: Arc::new(|_, choice| {
            let (id, address) = (choice.to_owned(), choice.to_owned());
            Ok(Located { id, address, offers: Vec::new(), node: PathBuf::from(choice) })
        }),
        explain: Arc::new(|_, _, refusal| refusal),
        locate_speaker: Arc::new(|choice| Some(choice.to_owned())),
        mixer: Arc::new(|_, _, _| Taken::Nobody("it is no card".to_owned())),
        camera: "none".to_owned(),
        microphone,
        speaker: "auto".to_owned(),
        name: String::new(),
        layers: layers::Settings::default(),
        quality: Quality::P360,
        mirror: Mirror::No,
        voice,
        capture_volume: Loudness::AsItIs,
        output_volume: Loudness::AsItIs,
        codec: VideoCodec::H264,
        file: None,
        ice: Ice::default(),
        rate: RateLimits::default(),
        stats_interval: Duration::from_secs(1),
    }
}
