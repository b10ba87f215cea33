//! What one listener is given of the mix: faded where it begins and ends, and measured; and who talks to that listener alone.

use std::sync::{Arc, Mutex, PoisonError};

use super::input::Input;
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
    /// Fades `block` in, or out, or leaves it as it is, and adds who talks to this listener alone. Returns what is in it then.
    pub fn shape(&mut self, block: &mut Block, wanted: Audible, talk: Option<&Block>) -> Content {
        let mut energy = 0.0;
        for (at, sample) in block.iter_mut().enumerate() {
            self.open =
                if wanted == Audible::Yes { (self.open + 1).min(FADE) } else { self.open.saturating_sub(1) };
            if self.open < FADE {
                *sample = (f32::from(*sample) * self.open as f32 / FADE as f32) as i16;
            }
            *sample = sample.saturating_add(talk.map_or(0, |talk| talk[at]));
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

/// The one who talks, if somebody does. Who stops, or is followed by another, is faded out.
#[derive(Debug, Default)]
pub struct Talker(Option<(Arc<Mutex<Input>>, Audible)>);

impl Talker {
    /// From now on this one is heard; whoever was before is cut off.
    pub fn begin(&mut self, input: Arc<Mutex<Input>>) {
        self.0 = Some((input, Audible::Yes));
    }

    /// This one is heard no longer, if it is the one.
    pub fn end(&mut self, input: &Arc<Mutex<Input>>) {
        if let Some((present, audible)) = &mut self.0
            && Arc::ptr_eq(present, input)
        {
            *audible = Audible::No;
        }
    }

    /// What is heard of it in the 20 ms from `now` on.
    pub fn read(&mut self, now: i64) -> Option<Block> {
        let (input, audible) = self.0.as_ref()?;
        let block = input.lock().unwrap_or_else(PoisonError::into_inner).read(now, *audible);
        if block.is_none() && *audible == Audible::No {
            self.0 = None;
        }
        block
    }
}
