//! An encoder of the board between two seats: kept ready for a while instead of being unmade and made again, which takes its driver
//! long and wears it out.
//!
//! Invariant: what is kept gets no pictures, and worked to the end of its call; an encoder that is a program is made anew.

use std::time::{Duration, Instant};

use super::desk::Desk;
use super::encoding::{self, Encoding};
use super::profile::{Encoder, Hardware};

/// How long it is kept: the next visitor may be waiting.
const KEPT: Duration = Duration::from_secs(30);

/// The encoder of the last seat.
#[derive(Debug, Default)]
pub(super) enum Warmth {
    /// There is none.
    #[default]
    Cold,
    /// It is being stopped, which may take its time.
    Cooling(Encoder),
    /// It is ready.
    Warm { encoding: Box<Encoding>, until: Instant },
}

/// What there is for a call.
pub(super) enum Kept {
    Nothing,
    /// It comes soon.
    Soon,
    This(Encoding),
}

impl Warmth {
    pub(super) fn is_cold(&self) -> bool {
        matches!(self, Self::Cold)
    }

    /// Takes out what there is for this encoder; another one is in the way of none, and is stopped.
    pub(super) fn take(&mut self, wanted: &Encoder) -> Kept {
        match std::mem::take(self) {
            Self::Cold => Kept::Nothing,
            Self::Cooling(encoder) => {
                let soon = if encoder == *wanted { Kept::Soon } else { Kept::Nothing };
                *self = Self::Cooling(encoder);
                soon
            }
            Self::Warm { encoding, .. } if *encoding.encoder() == *wanted => Kept::This(*encoding),
            Self::Warm { encoding, .. } => {
                encoding.stop_beside();
                Kept::Nothing
            }
        }
    }
}

impl Desk {
    /// The call is over: takes the board's encoder out of it, if it is well.
    pub(super) fn keep_encoder(&mut self) {
        let well = self.recovery.is_well() && self.recovery.warmth.is_cold();
        let Some(peer) = self.peer.as_mut().filter(|_| well) else { return };
        let board = |encoding: &Encoding| encoding.encoder().hardware() == Hardware::Yes;
        let Some(encoding) = peer.take_encoder_if(board) else { return };
        self.recovery.warmth = Warmth::Cooling(encoding.encoder().clone());
        if let Err(error) = encoding::cool(encoding, &self.events) {
            tracing::debug!(%error, "the encoder is not kept");
            self.recovery.warmth = Warmth::Cold;
        }
    }

    /// It is ready for the next call, or would not stop; that call may be waiting for it.
    pub(super) fn cooled(&mut self, now: Instant, encoding: Option<Box<Encoding>>) {
        self.recovery.warmth = match encoding {
            Some(encoding) => Warmth::Warm { encoding, until: now + KEPT },
            None => Warmth::Cold,
        };
        if self.recovery.waits {
            self.make_encoder(now, None);
        }
    }

    /// Nobody came.
    pub(super) fn let_go(&mut self, now: Instant) {
        if matches!(self.recovery.warmth, Warmth::Warm { until, .. } if until <= now)
            && let Warmth::Warm { encoding, .. } = std::mem::take(&mut self.recovery.warmth)
        {
            encoding.stop_beside();
        }
    }
}
