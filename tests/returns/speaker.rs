//! A profile whose microphone is a tone and whose speaker is a file.

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Samples a second.
const RATE: usize = 48_000;

/// The folder of one guest's profile, and what its speaker was given.
pub struct Speaker {
    pub hertz: u32,
    folder: TempDir,
}

/// A second of sound.
pub struct Second(Vec<f64>);

impl Speaker {
    pub fn new(hertz: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let test = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/test.toml");
        let test = fs::read_to_string(test).expect("it is in the tree");
        let tone = format!("wave=sine freq={hertz} volume=0.1 samplesperbuffer=960");
        let file = folder.path().join("played.raw");
        let speaker = format!(
            "audioconvert ! capsfilter caps=audio/x-raw,format=S16LE,channels=1 \
             ! filesink name=speaker sync=true buffer-mode=unbuffered location={}",
            file.display()
        );
        let parts = [("wave=ticks samplesperbuffer=960", tone), ("fakesink name=speaker sync=true", speaker)];
        let profile = parts.iter().fold(test, |text, (from, to)| {
            assert!(text.contains(from), "the profile has {from}");
            text.replace(from, to)
        });
        fs::write(folder.path().join("tone.toml"), profile).expect("writable");
        Self { hertz, folder }
    }

    /// The keys of a guest that has it.
    pub fn keys(&self) -> [&'static str; 3] {
        let directory = format!("media.profile_directory={}", self.folder.path().display());
        ["media.profile=tone", "media.speaker=auto", directory.leak()]
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
    pub fn last_second(&self) -> Option<Second> {
        let played = self.played();
        let from = played.len().checked_sub(RATE)?;
        Some(Second(played[from..].iter().map(|sample| f64::from(*sample) / 32_768.0).collect()))
    }
}

impl Second {
    /// Level of one tone in dBFS (Goertzel, with a Hann window).
    pub fn level(&self, hertz: u32) -> f64 {
        let step = f64::from(hertz) / RATE as f64 * TAU;
        let (re, im) = self.0.iter().zip(0u32..).fold((0.0, 0.0), |(re, im), (sample, at)| {
            let window = 1.0 - (f64::from(at) / RATE as f64 * TAU).cos();
            let angle = step * f64::from(at);
            (re + sample * window * angle.cos(), im + sample * window * angle.sin())
        });
        20.0 * (2.0 * re.hypot(im) / RATE as f64).max(1e-9).log10()
    }
}
