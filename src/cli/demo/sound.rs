//! What the guests of the demonstration say and hear: each has a tone of its own for a microphone, and a file for a speaker.

use std::f64::consts::TAU;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// Samples a second of what a speaker is given.
const RATE: usize = 48_000;
/// The profile of test sources; a guest's own differs in two places.
const TEST: &str = include_str!("../../../pipelines/test.toml");
const MICROPHONE: &str = "wave=ticks";
const SPEAKER: &str = "fakesink name=speaker sync=true";

/// A tone that is louder than this is heard; one that is not there measures −90 dBFS or less.
pub(super) const HEARD: f64 = -50.0;

/// What the speaker of a guest was given.
pub(super) struct Sound {
    played: PathBuf,
}

impl Sound {
    /// A guest that says this tone: its profile `tone` is written into `folder`.
    pub(super) fn new(folder: &Path, hertz: u32) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let played = folder.join("played.raw");
        ensure!(TEST.contains(MICROPHONE) && TEST.contains(SPEAKER), "the profile `test` is another one");
        // Opus takes a steady tone for noise, and leaves it out: five beeps a second of 100 ms.
        let tone = format!(
            "wave=ticks freq={hertz} tick-interval=200000000 sine-periods-per-tick={} volume=0.1",
            hertz / 10
        );
        let speaker = format!(
            "audioconvert ! capsfilter caps=audio/x-raw,format=S16LE,channels=1 \
             ! filesink name=speaker sync=true buffer-mode=unbuffered location={}",
            played.display()
        );
        let profile = TEST.replace(MICROPHONE, &tone).replace(SPEAKER, &speaker);
        fs::write(folder.join("tone.toml"), profile)?;
        Ok(Self { played })
    }

    /// How much the speaker was given so far, in bytes.
    pub(super) fn length(&self) -> u64 {
        fs::metadata(&self.played).map_or(0, |played| played.len())
    }

    /// What it was given since it had this length, a second at most; what is missing of it is silence.
    pub(super) fn since(&self, length: u64) -> anyhow::Result<Second> {
        let second = RATE as u64 * 2;
        let from = length.max(self.length().saturating_sub(second));
        let mut bytes = Vec::new();
        if self.length() > from {
            let mut played = File::open(&self.played)?;
            played.seek(SeekFrom::Start(from & !1))?;
            played.take(second).read_to_end(&mut bytes)?;
        }
        let samples = bytes.as_chunks::<2>().0.iter();
        Ok(Second(samples.map(|sample| f64::from(i16::from_le_bytes(*sample)) / 32_768.0).collect()))
    }
}

/// A second of sound.
pub(super) struct Second(Vec<f64>);

impl Second {
    /// Level of a tone in dBFS (Goertzel, in a Hann window).
    pub(super) fn level(&self, hertz: u32) -> f64 {
        let step = f64::from(hertz) / RATE as f64 * TAU;
        let (re, im) = self.0.iter().zip(0u32..).fold((0.0, 0.0), |(re, im), (sample, at)| {
            let window = 1.0 - (f64::from(at) / RATE as f64 * TAU).cos();
            let angle = step * f64::from(at);
            (re + sample * window * angle.cos(), im + sample * window * angle.sin())
        });
        20.0 * (2.0 * f64::hypot(re, im) / RATE as f64).max(1e-6).log10()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_told_from_another_and_from_silence() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sound = Sound::new(folder.path(), 440).expect("writable");
        assert!(sound.since(0).expect("nothing yet").level(440) < HEARD);
        let wave = (0..RATE as u32 * 2).map(|at| (f64::from(at) * TAU * 440.0 / RATE as f64).sin() * 3_276.7);
        let bytes: Vec<u8> = wave.flat_map(|sample| (sample as i16).to_le_bytes()).collect();
        fs::write(&sound.played, bytes).expect("writable");
        let second = sound.since(10_001).expect("readable");
        assert!((second.level(440) + 20.0).abs() < 0.1, "{}", second.level(440));
        assert!(second.level(660) < -80.0, "{}", second.level(660));
        assert!(sound.since(sound.length()).expect("readable").level(440) < HEARD);
    }
}
