//! Keeps a hardware encoder for 30 s between stays: creating one is slow and wears out some drivers.
//!
//! Invariant: a parked encoder gets no pictures, and worked until the end of its stay. Software encoders are made anew.

use std::time::{Duration, Instant};

use super::running::RunningEncoder;
use crate::media::profile::EncoderSpec;

/// How long it is kept: the next visitor may be waiting.
const KEPT: Duration = Duration::from_secs(30);

/// The encoder of the last stay.
#[derive(Debug, Default)]
pub enum ParkedEncoder {
    #[default]
    Empty,
    /// Its data flow is being stopped, which may take its time.
    Stopping(EncoderSpec),
    /// It can be used again.
    Ready { encoder: Box<RunningEncoder>, until: Instant },
}

/// What there is for a new stay.
pub enum ParkedMatch {
    Nothing,
    /// It is still being stopped.
    Soon,
    This(RunningEncoder),
}

impl ParkedEncoder {
    pub fn ready(encoder: Box<RunningEncoder>, now: Instant) -> Self {
        Self::Ready { encoder, until: now + KEPT }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Takes out what there is for this encoder. A different one is no use to anybody, and is stopped.
    pub fn take(&mut self, wanted: &EncoderSpec) -> ParkedMatch {
        match std::mem::take(self) {
            Self::Empty => ParkedMatch::Nothing,
            Self::Stopping(spec) => {
                let soon = if spec == *wanted { ParkedMatch::Soon } else { ParkedMatch::Nothing };
                *self = Self::Stopping(spec);
                soon
            }
            Self::Ready { encoder, .. } if *encoder.spec() == *wanted => ParkedMatch::This(*encoder),
            Self::Ready { encoder, .. } => {
                encoder.stop_aside();
                ParkedMatch::Nothing
            }
        }
    }

    /// Stops it when nobody has come for it.
    pub fn expire(&mut self, now: Instant) {
        if matches!(self, Self::Ready { until, .. } if *until <= now)
            && let Self::Ready { encoder, .. } = std::mem::take(self)
        {
            encoder.stop_aside();
        }
    }
}
