//! A profile whose microphone is a tone and whose speaker is a file.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::eventually;
use crate::tones::{Piece, RATE};

/// The folder of one guest's profile, and what its speaker was given.
pub struct Speaker {
    pub hertz: u32,
    folder: TempDir,
}

impl Speaker {
    /// One whose microphone is beeps: Opus takes a steady tone for noise, and bends it or leaves it out. Five a second of 100 ms.
    pub fn new(hertz: u32) -> Self {
        let tone = format!(
            "audiotestsrc name=microphone is-live=true wave=ticks freq={hertz} tick-interval=200000000 \
             sine-periods-per-tick={} volume=0.2 samplesperbuffer=960",
            hertz / 10
        );
        Self::with(hertz, &tone, None)
    }

    /// One with this microphone; its speaker is a file, where there is no other.
    pub fn with(hertz: u32, microphone: &str, speaker: Option<&str>) -> Self {
        let own = Self { hertz, folder: tempfile::tempdir().expect("a temporary folder") };
        own.write(microphone, speaker);
        own
    }

    /// Writes its profile.
    pub fn write(&self, microphone: &str, speaker: Option<&str>) {
        let test = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/test.toml");
        let test = fs::read_to_string(test).expect("it is in the tree");
        let file = format!(
            "audioconvert ! capsfilter caps=audio/x-raw,format=S16LE,channels=1 \
             ! filesink name=speaker sync=true buffer-mode=unbuffered location={}",
            self.file().display()
        );
        let parts = [
            ("audiotestsrc name=microphone is-live=true wave=ticks samplesperbuffer=960", microphone),
            ("fakesink name=speaker sync=true", speaker.unwrap_or(&file)),
        ];
        let profile = parts.iter().fold(test, |text, (from, to)| {
            assert!(text.contains(from), "the profile has {from}");
            text.replace(from, to)
        });
        fs::write(self.folder().join("tone.toml"), profile).expect("writable");
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The keys of a guest that has it; what is made of voices would take its tone for noise.
    pub fn keys(&self) -> [&'static str; 6] {
        let directory = format!("media.profile_directory={}", self.folder.path().display());
        [
            "media.profile=tone",
            "media.speaker=auto",
            "media.echo_cancellation=false",
            "media.noise_suppression=false",
            "media.auto_gain_control=false",
            directory.leak(),
        ]
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("played.raw")
    }

    /// All that it was given so far, in bytes.
    pub fn played(&self) -> Vec<i16> {
        let bytes = fs::read(self.file()).unwrap_or_default();
        bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
    }

    /// What it was given last, once that is a second.
    pub fn last_second(&self) -> Option<Piece> {
        let played = self.played();
        played.len().checked_sub(RATE).map(|from| Piece::new(&played[from..]))
    }

    /// What it is given in the next seconds, once it was.
    pub fn next(&self, seconds: usize) -> Piece {
        let from = self.played().len();
        eventually(&format!("{seconds} s to be played"), || {
            let played = self.played();
            played.get(from..from + seconds * RATE).map(Piece::new)
        })
    }
}
