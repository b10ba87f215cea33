//! Mixing the room: what each listener hears is everybody else, never itself (mix-minus, N−1).
//!
//! ```text
//! decoded sound ─ write ─► Input (ring by time stamp) ─ read every 20 ms ─► block ─┬─► one sum in i32
//!                                                                                  └─► sum − own, saturated ─► Listener (+ Talker)
//! ```
//! Pure: it is told the time, in samples of the mixing clock. Invariants: one sum serves every listener; an input that is late or
//! missing is silent and holds up nobody; no input can make anything grow, whatever its time stamps claim. Not here: threads,
//! decoders and encoders (`stage::returns`).

mod input;
mod listener;
#[cfg(test)]
mod tests;

pub use input::Input;
pub use listener::{Content, Listener, Talker};

/// Samples a second, of every input and every mix: mono, as Opus decodes and encodes it.
pub const RATE: u32 = 48_000;
/// Samples in one block: 20 ms, one packet of Opus.
pub const BLOCK: usize = 960;
/// Samples over which an edge is faded, 5 ms: shorter ones click, longer ones swallow consonants.
const FADE: usize = 240;

/// 20 ms of sound.
pub type Block = [i16; BLOCK];

/// The sum of all inputs of one moment. 32 seats at full scale are 2^20: far from the end of an `i32`.
#[derive(Debug)]
pub struct Sum([i32; BLOCK]);

impl Sum {
    /// Silence.
    pub fn new() -> Self {
        Self([0; BLOCK])
    }

    /// Adds the sound of one input.
    pub fn add(&mut self, block: &Block) {
        for (sum, sample) in self.0.iter_mut().zip(block) {
            *sum += i32::from(*sample);
        }
    }

    /// Everybody but `own`; saturated last, so that what is taken out is exactly what was put in.
    pub fn without(&self, own: Option<&Block>) -> Block {
        let mut out = [0; BLOCK];
        for (at, sample) in out.iter_mut().enumerate() {
            let rest = self.0[at] - own.map_or(0, |own| i32::from(own[at]));
            *sample = rest.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        }
        out
    }
}
