//! A profile whose microphone is a tone and whose speaker is a file.

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::eventually;

/// Samples a second.
const RATE: usize = 48_000;
const TENTH: usize = RATE / 10;

/// The folder of one guest's profile, and what its speaker was given.
pub struct Speaker {
    pub hertz: u32,
    folder: TempDir,
}

/// A piece of sound.
pub struct Piece(Vec<f64>);

impl Speaker {
    pub fn new(hertz: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let test = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/test.toml");
        let test = fs::read_to_string(test).expect("it is in the tree");
        // Opus takes a steady tone for noise, and bends it or leaves it out: five beeps a second of 100 ms.
        let tone = format!(
            "wave=ticks freq={hertz} tick-interval=200000000 sine-periods-per-tick={} volume=0.2 samplesperbuffer=960",
            hertz / 10
        );
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

impl Piece {
    fn new(samples: &[i16]) -> Self {
        Self(samples.iter().map(|sample| f64::from(*sample) / 32_768.0).collect())
    }

    /// Level of one tone in dBFS (Goertzel, in a Hann window over all of it).
    pub fn level(&self, hertz: u32) -> f64 {
        20.0 * amplitude(&self.0, hertz).max(1e-9).log10()
    }

    /// The same over 20 Hz to either side, for who follows another's clock bends a tone by some: mean of the power in tenths of a second,
    /// which overlap, so that it does not matter where in them a beep is.
    pub fn power(&self, hertz: u32) -> f64 {
        let tenths = self.0.windows(TENTH).step_by(TENTH / 4);
        let (sum, count) = tenths
            .fold((0.0, 0.0), |(sum, count), tenth| (sum + amplitude(tenth, hertz).powi(2), count + 1.0));
        10.0 * f64::max(sum / count, 1e-18).log10()
    }
}

fn amplitude(samples: &[f64], hertz: u32) -> f64 {
    let length = samples.len() as f64;
    let step = f64::from(hertz) / RATE as f64 * TAU;
    let (re, im) = samples.iter().zip(0u32..).fold((0.0, 0.0), |(re, im), (sample, at)| {
        let window = 1.0 - (f64::from(at) / length * TAU).cos();
        let angle = step * f64::from(at);
        (re + sample * window * angle.cos(), im + sample * window * angle.sin())
    });
    2.0 * f64::hypot(re, im) / length
}
