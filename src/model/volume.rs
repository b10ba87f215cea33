//! Whose hand a volume is in: the sound card's mixer, or the pipeline's.

use super::Volume;

/// What a volume is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What a microphone gives.
    Capture,
    /// What a speaker plays.
    Playback,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Capture => "capture",
            Self::Playback => "playback",
        })
    }
}

/// How loud something is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// As its card is, whoever has turned it.
    AsItIs,
    /// So loud.
    Set(Volume),
}

/// Who has taken a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The card's mixer, with this control.
    Mixer(String),
    /// Nobody had to: this control of the card's mixer stands at this volume, and is left there.
    Left(String, Volume),
    /// Nobody, for this reason: it is the pipeline's.
    Nobody(String),
}

impl std::fmt::Display for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mixer(control) => write!(f, "by its mixer ({control})"),
            Self::Left(control, volume) => {
                write!(f, "as its mixer has it ({control}, {} %)", volume.percent())
            }
            Self::Nobody(why) => write!(f, "by the pipeline: {why}"),
        }
    }
}

impl Taken {
    /// The factor that is left to the pipeline. Nothing is nothing whoever took it: many a mixer only turns down.
    pub fn gain(&self, wanted: Loudness) -> f64 {
        let Loudness::Set(volume) = wanted else { return 1.0 };
        match (volume.percent(), self) {
            (0, Self::Mixer(_) | Self::Left(..) | Self::Nobody(_)) => 0.0,
            (_, Self::Mixer(_) | Self::Left(..)) => 1.0,
            (percent, Self::Nobody(_)) => f64::from(percent) / 100.0,
        }
    }
}
