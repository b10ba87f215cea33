//! Tones in what was heard, and how loud they are.

use std::f64::consts::TAU;

/// Samples a second.
pub const RATE: usize = 48_000;
const TENTH: usize = RATE / 10;

/// A piece of sound.
pub struct Piece(Vec<f64>);

impl Piece {
    pub fn new(samples: &[i16]) -> Self {
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
