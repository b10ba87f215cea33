//! What is worth sending with what the path carries: size and frame rate of the pictures, which change seldom.
//!
//! Down within [`DOWN_AFTER`], by as many steps as it takes; up one step at a time, when the path has carried [`UP`] times what the step
//! needs for a while. A step up that did not last is tried again after twice as long.

use std::time::{Duration, Instant};

use super::limits::wanted;
use crate::model::media::Quality;

/// Too little for so long is too little.
const DOWN_AFTER: Duration = Duration::from_millis(1_500);
/// So many times what a step needs must be there …
const UP: f64 = 1.3;
/// … for so long.
const UP_AFTER: Duration = Duration::from_secs(8);
/// The longest wait for a step that did not last before.
const UP_AFTER_MOST: Duration = Duration::from_secs(64);
/// A step up that is taken back within this did not last.
const LASTS: Duration = Duration::from_secs(20);

/// How many pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PictureRate {
    /// One in two seconds.
    Still,
    /// 15 a second.
    Half,
    /// 30 a second.
    Full,
}

impl PictureRate {
    /// In words of the protocol: pictures a second; 0 is a still one now and then.
    pub fn per_second(self) -> u32 {
        match self {
            Self::Still => 0,
            Self::Half => 15,
            Self::Full => 30,
        }
    }

    /// The time between two pictures, where not every one is sent.
    pub fn interval(self) -> Option<Duration> {
        match self {
            Self::Still => Some(Duration::from_secs(2)),
            Self::Half => Some(Duration::from_micros(66_667)),
            Self::Full => None,
        }
    }
}

/// What the pictures of one peer connection are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateTarget {
    /// Of the encoder, in bits a second.
    pub bitrate: u32,
    /// No larger than this.
    pub size: Quality,
    /// No more than these.
    pub pictures: PictureRate,
}

impl RateTarget {
    /// Everything that is worth sending in this size.
    pub fn full(size: Quality) -> Self {
        Self { bitrate: wanted(size), size, pictures: PictureRate::Full }
    }
}

/// One step: what is sent, and the bits a second of everything below which it is too much.
#[derive(Debug, Clone, Copy, PartialEq)]
struct LadderStep {
    size: Quality,
    pictures: PictureRate,
    needs: f64,
}

/// All steps of a quality, the smallest first. 720p needs 1 Mbit/s, 540p 550 kbit/s, 30 pictures a second 250; pictures at all what is
/// configured.
fn steps(quality: Quality, least: f64) -> Vec<LadderStep> {
    let step = |size, pictures, needs| LadderStep { size, pictures, needs };
    let mut steps = vec![
        step(Quality::P360, PictureRate::Still, 0.0),
        step(Quality::P360, PictureRate::Half, least),
        step(Quality::P360, PictureRate::Full, least.max(250e3)),
        step(Quality::P540, PictureRate::Full, least.max(550e3)),
        step(Quality::P720, PictureRate::Full, least.max(1e6)),
        step(Quality::P1080, PictureRate::Full, least.max(1.9e6)),
    ];
    steps.retain(|step| step.size <= quality);
    steps
}

/// Where pictures stand, and since when that is too much or too little.
#[derive(Debug)]
pub struct PictureLadder {
    steps: Vec<LadderStep>,
    at: usize,
    too_much_since: Option<Instant>,
    room_since: Option<Instant>,
    stepped_up: Option<Instant>,
    patience: Duration,
}

impl PictureLadder {
    /// At the top, until the path says otherwise.
    pub fn new(quality: Quality, least: f64) -> Self {
        let steps = steps(quality, least);
        let at = steps.len() - 1;
        Self { steps, at, too_much_since: None, room_since: None, stepped_up: None, patience: UP_AFTER }
    }

    /// Another largest picture: who stood at the top stands there again.
    pub fn set_quality(&mut self, quality: Quality, least: f64) {
        let was_top = self.at + 1 == self.steps.len();
        self.steps = steps(quality, least);
        let top = self.steps.len() - 1;
        self.at = if was_top { top } else { self.at.min(top) };
        (self.too_much_since, self.room_since) = (None, None);
    }

    pub fn size(&self) -> Quality {
        self.steps[self.at].size
    }

    pub fn pictures(&self) -> PictureRate {
        self.steps[self.at].pictures
    }

    /// Whether this is less than was asked for.
    pub fn is_reduced(&self) -> bool {
        self.at + 1 < self.steps.len()
    }

    /// The path carries so many bits a second.
    pub fn update(&mut self, now: Instant, rate: f64) {
        let fits = self.steps.iter().rposition(|step| step.needs <= rate).unwrap_or(0);
        if fits < self.at {
            self.room_since = None;
            let since = *self.too_much_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= DOWN_AFTER {
                self.step_down(now, fits);
            }
            return;
        }
        self.too_much_since = None;
        let room = self.steps.get(self.at + 1).is_some_and(|next| rate >= next.needs * UP);
        if !room {
            self.room_since = None;
            return;
        }
        let since = *self.room_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= self.patience {
            self.at += 1;
            self.room_since = None;
            self.stepped_up = Some(now);
        }
    }

    fn step_down(&mut self, now: Instant, to: usize) {
        let lasted = self.stepped_up.take().map(|at| now.saturating_duration_since(at));
        self.patience = match lasted {
            Some(lasted) if lasted < LASTS => (self.patience * 2).min(UP_AFTER_MOST),
            Some(_) | None => UP_AFTER,
        };
        self.at = to;
        self.too_much_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where it stands after so many seconds of this rate each.
    fn after(
        ladder: &mut PictureLadder,
        now: &mut Instant,
        seconds: u32,
        rate: f64,
    ) -> (Quality, PictureRate) {
        for _ in 0..seconds * 10 {
            *now += Duration::from_millis(100);
            ladder.update(*now, rate);
        }
        (ladder.size(), ladder.pictures())
    }

    fn ladder() -> (PictureLadder, Instant) {
        (PictureLadder::new(Quality::P720, 100e3), Instant::now())
    }

    #[test]
    fn pictures_shrink_with_the_rate() {
        use PictureRate::{Full, Half, Still};
        for (rate, size, pictures) in [
            (1_200e3, Quality::P720, Full),
            (900e3, Quality::P540, Full),
            (500e3, Quality::P360, Full),
            (200e3, Quality::P360, Half),
            (90e3, Quality::P360, Still),
        ] {
            let (mut ladder, mut now) = ladder();
            assert_eq!(after(&mut ladder, &mut now, 3, rate), (size, pictures), "{rate}");
        }
    }

    #[test]
    fn a_dip_changes_nothing() {
        let (mut ladder, mut now) = ladder();
        after(&mut ladder, &mut now, 1, 300e3);
        after(&mut ladder, &mut now, 1, 1_500e3);
        assert_eq!(after(&mut ladder, &mut now, 1, 300e3), (Quality::P720, PictureRate::Full));
    }

    #[test]
    fn up_again_with_room_and_patience() {
        let (mut ladder, mut now) = ladder();
        assert_eq!(after(&mut ladder, &mut now, 3, 900e3).0, Quality::P540);
        assert_eq!(after(&mut ladder, &mut now, 30, 1_200e3).0, Quality::P540, "not enough room");
        assert_eq!(after(&mut ladder, &mut now, 7, 1_350e3).0, Quality::P540, "not yet");
        assert_eq!(after(&mut ladder, &mut now, 2, 1_350e3).0, Quality::P720);
    }

    #[test]
    fn a_step_that_did_not_last_is_tried_later() {
        let (mut ladder, mut now) = ladder();
        after(&mut ladder, &mut now, 3, 900e3);
        assert_eq!(after(&mut ladder, &mut now, 9, 1_350e3).0, Quality::P720);
        assert_eq!(after(&mut ladder, &mut now, 3, 900e3).0, Quality::P540);
        assert_eq!(after(&mut ladder, &mut now, 15, 1_350e3).0, Quality::P540);
        assert_eq!(after(&mut ladder, &mut now, 2, 1_350e3).0, Quality::P720);
    }

    #[test]
    fn a_larger_quality_is_reached_at_once_from_the_top() {
        let (mut ladder, mut now) = ladder();
        ladder.set_quality(Quality::P1080, 100e3);
        assert_eq!(ladder.size(), Quality::P1080);
        after(&mut ladder, &mut now, 3, 900e3);
        ladder.set_quality(Quality::P360, 100e3);
        assert_eq!((ladder.size(), ladder.is_reduced()), (Quality::P360, false));
    }
}
