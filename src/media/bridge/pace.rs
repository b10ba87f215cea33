//! Which pictures cross, where fewer are wanted than are captured.
//!
//! Pictures come as the camera gives them, so that every second one of 30 is not each at an even time: one that comes a little
//! early crosses, and the next is measured from when it should have come.

use std::time::{Duration, Instant};

use gstreamer as gst;

/// A picture may come so much too early, as a share of the time between two.
const EARLY: u32 = 4;

/// Lets one picture cross in each interval; without one, all.
#[derive(Debug, Default)]
pub struct FramePace {
    interval: Option<Duration>,
    due: Option<Instant>,
}

impl FramePace {
    /// The time between two pictures.
    pub fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Another interval; the next picture crosses.
    pub fn set(&mut self, interval: Option<Duration>) {
        self.interval = interval;
        self.due = None;
    }

    /// These caps, for what crosses: an encoder shares its bits among the pictures that it is told of.
    pub fn caps(&self, caps: &gst::Caps) -> gst::Caps {
        let mut caps = caps.clone();
        if self.interval.is_some() {
            caps.make_mut().set("framerate", gst::Fraction::new(15, 1));
        }
        caps
    }

    /// Whether the picture that comes now crosses.
    pub fn takes(&mut self, now: Instant) -> bool {
        let Some(interval) = self.interval else { return true };
        let due = self.due.unwrap_or(now);
        if now + interval / EARLY < due {
            return false;
        }
        // After a pause the count begins anew.
        self.due = Some((due + interval).max(now + interval / 2));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crossed(interval: Option<u64>, come: impl Iterator<Item = u64>) -> usize {
        let begin = Instant::now();
        let mut pace = FramePace::default();
        pace.set(interval.map(Duration::from_millis));
        come.filter(|at| pace.takes(begin + Duration::from_millis(*at))).count()
    }

    #[test]
    fn every_second_picture_crosses_however_the_camera_stumbles() {
        let even = (0..300).map(|n| n * 100 / 3);
        assert_eq!(crossed(None, even.clone()), 300);
        assert!((148..=154).contains(&crossed(Some(66), even.clone())), "{}", crossed(Some(66), even));
        let stumbles = (0..300).map(|n| n * 100 / 3 + n % 3 * 8);
        assert!((145..=155).contains(&crossed(Some(66), stumbles)));
        let few = (0..50).map(|n| n * 200);
        assert_eq!(crossed(Some(66), few), 50, "fewer than wanted come");
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let come = (0..30).map(|n| n * 33).chain((0..30).map(|n| 60_000 + n * 33));
        assert!((28..=34).contains(&crossed(Some(66), come)));
    }
}
