//! What one listener is given of the mix: faded where it begins and ends, and measured.

use super::{BLOCK, Block, FADE};
use crate::model::sound::Audible;

/// The level is that of the last 200 ms, as `level` measures those of the guests.
const SMOOTHED: f64 = 10.0;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Something that can be heard.
    Sound,
    /// Nothing but zeros.
    Silence,
}

/// One listener.
#[derive(Debug, Default)]
pub struct Listener {
    /// Samples of the fade that are done, up to [`FADE`]: 0 is silent.
    open: usize,
    /// Mean of the squared samples, of full scale, weighted towards the last [`SMOOTHED`] blocks.
    power: f64,
}

impl Listener {
    /// Fades `block` in, or out, or leaves it as it is. Returns what is left of it.
    pub fn shape(&mut self, block: &mut Block, wanted: Audible) -> Content {
        let mut energy = 0.0;
        for sample in block.iter_mut() {
            self.open =
                if wanted == Audible::Yes { (self.open + 1).min(FADE) } else { self.open.saturating_sub(1) };
            if self.open < FADE {
                *sample = (f32::from(*sample) * self.open as f32 / FADE as f32) as i16;
            }
            energy += f64::from(*sample).powi(2);
        }
        self.power += (energy / BLOCK as f64 / f64::from(i16::MAX).powi(2) - self.power) / SMOOTHED;
        if energy > 0.0 { Content::Sound } else { Content::Silence }
    }

    /// The level (RMS) of what it was given lately, in dBFS; towards −∞ in silence.
    pub fn level(&self) -> f64 {
        10.0 * self.power.log10()
    }
}
