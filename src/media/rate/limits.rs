//! Between what bounds the rate moves.

use crate::model::media::Quality;

/// The estimate never falls below this, in bits a second: less than sound takes, so that a path that carries more is noticed.
pub const LEAST: f64 = 40_000.0;

/// What sound takes at most, in bits a second: Opus at 32 kbit/s, and the headers of 50 packets a second.
pub const SOUND: f64 = 56_000.0;

/// Of what is sent for pictures so much are pictures; the rest are headers.
pub const PICTURE_SHARE: f64 = 0.93;

/// Above what sound and pictures take there is room for what is sent again.
const ROOM_TO_REPAIR: f64 = 1.25;

/// The bounds of one peer connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimits {
    /// Bits a second of everything at the start.
    pub start: u32,
    /// Bits a second of everything; below, pictures stand still.
    pub least: u32,
    /// Bits a second of everything; 0: what the quality asks for.
    pub most: u32,
    /// The largest picture.
    pub quality: Quality,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { start: 800_000, least: 100_000, most: 0, quality: Quality::default() }
    }
}

impl RateLimits {
    /// What pictures take at most, in bits a second.
    pub fn pictures(&self) -> f64 {
        let wanted = f64::from(wanted(self.quality));
        if self.most == 0 { wanted } else { wanted.min((f64::from(self.most) - SOUND) * PICTURE_SHARE) }
    }

    /// The most that is ever worth sending, in bits a second.
    pub fn ceiling(&self) -> f64 {
        let wanted = f64::from(wanted(self.quality)) / PICTURE_SHARE * ROOM_TO_REPAIR + SOUND;
        if self.most == 0 { wanted } else { wanted.min(f64::from(self.most)) }
    }
}

/// Bits a second of pictures of this size at 30 a second: about 0.07 bits a pixel, what a face in front of a wall needs.
pub fn wanted(quality: Quality) -> u32 {
    match quality {
        Quality::P360 => 600_000,
        Quality::P540 => 1_100_000,
        Quality::P720 => 1_800_000,
        Quality::P1080 => 3_500_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quality_is_reached_unless_less_is_configured() {
        for (quality, pictures) in [(Quality::P360, 600e3), (Quality::P720, 1.8e6), (Quality::P1080, 3.5e6)] {
            let limits = RateLimits { quality, ..RateLimits::default() };
            assert_eq!(limits.pictures(), pictures);
            assert!((limits.ceiling() - SOUND) * PICTURE_SHARE > pictures, "with room for repairs");
        }
        let small = RateLimits { most: 500_000, ..RateLimits::default() };
        assert!(small.pictures() + SOUND < 500e3 && small.pictures() > 400e3);
        assert_eq!(small.ceiling(), 500e3);
    }
}
