//! What one listener is given of the mix: faded where it begins and ends, and measured.

use super::{BLOCK, Block, FADE};
use crate::model::sound::Audible;

/// One listener.
#[derive(Debug, Default)]
pub struct Listener {
    /// Samples of the fade that are done, up to [`FADE`]: 0 is silent.
    open: usize,
}

impl Listener {
    /// Fades `block` in, or out, or leaves it as it is. Returns its level (RMS) in
    /// dBFS, `None` for digital silence.
    pub fn shape(&mut self, block: &mut Block, wanted: Audible) -> Option<f64> {
        let mut energy = 0.0;
        for sample in block.iter_mut() {
            self.open =
                if wanted == Audible::Yes { (self.open + 1).min(FADE) } else { self.open.saturating_sub(1) };
            if self.open < FADE {
                *sample = (f32::from(*sample) * self.open as f32 / FADE as f32) as i16;
            }
            energy += f64::from(*sample).powi(2);
        }
        let rms = (energy / BLOCK as f64).sqrt() / f64::from(i16::MAX);
        (rms > 0.0).then(|| 20.0 * rms.log10())
    }
}
