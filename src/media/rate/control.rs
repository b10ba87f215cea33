//! The rate of one peer connection: from what is told of the path to what its encoder is to do.

use std::time::{Duration, Instant};

use super::estimator::BandwidthEstimator;
use super::ladder::{PictureLadder, RateTarget};
use super::limits::{PICTURE_SHARE, RateLimits, SOUND};
use super::packet::ReportedPacket;
use super::reported::ReportedLoss;
use super::traffic::TrafficTotals;
use crate::model::media::{LimitedBy, Quality};

/// An encoder takes no less than this, in bits a second.
const LEAST_PICTURES: f64 = 40_000.0;
/// Of what is left beside sound, what is sent again takes so much at most.
const MOST_REPAIRS: f64 = 0.4;
/// A change of the bit rate by less than this share is none.
const CHANGE: f64 = 0.03;
/// Packets that were sent longer ago than this, or later than now, are not told of.
const OLDEST: Duration = Duration::from_secs(10);
/// So many packets of one feedback are looked at.
const MOST_PACKETS: usize = 1_024;
/// A packet is no larger.
const LARGEST: u32 = 1_600;

/// What was measured since the last time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateReading {
    /// What is to be sent, of everything.
    pub target_kbps: f64,
    /// What arrived; `None` without transport-wide feedback.
    pub acknowledged_kbps: Option<f64>,
    /// What was sent again; `None` without transport-wide feedback.
    pub retransmitted_kbps: Option<f64>,
    /// The delay in queues that 95 of 100 packets kept within.
    pub queue_ms: Option<f64>,
    /// Why it is not more; `None` while that is not known yet.
    pub limited_by: Option<LimitedBy>,
}

/// Decides for one peer connection.
#[derive(Debug)]
pub struct RateControl {
    limits: RateLimits,
    estimator: BandwidthEstimator,
    reported: ReportedLoss,
    ladder: PictureLadder,
    target: RateTarget,
    read: Option<(Instant, TrafficTotals)>,
}

impl RateControl {
    /// Begins within these limits, with the largest picture.
    pub fn new(limits: RateLimits) -> Self {
        let start = f64::from(limits.start).min(limits.ceiling());
        let ladder = PictureLadder::new(limits.quality, f64::from(limits.least));
        let (size, pictures) = (ladder.size(), ladder.pictures());
        let mut control = Self {
            limits,
            estimator: BandwidthEstimator::new(start),
            reported: ReportedLoss::new(start),
            ladder,
            target: RateTarget { bitrate: 0, size, pictures },
            read: None,
        };
        control.target.bitrate = control.pictures(start);
        control
    }

    /// What the encoder is to do.
    pub fn target(&self) -> RateTarget {
        self.target
    }

    /// What the path carries, in bits a second.
    pub fn rate(&self) -> f64 {
        if self.estimator.is_fed() { self.estimator.rate() } else { self.reported.rate() }
    }

    /// Whether the pictures are less than was asked for.
    pub fn is_reduced(&self) -> bool {
        self.ladder.is_reduced()
    }

    /// The largest picture is another.
    pub fn set_quality(&mut self, quality: Quality) {
        if self.limits.quality != quality {
            self.limits.quality = quality;
            self.ladder.set_quality(quality, f64::from(self.limits.least));
        }
    }

    /// Transport-wide feedback; `clock` is now by the clock that the packets were sent by.
    pub fn feedback(&mut self, now: Instant, clock: Duration, packets: &[ReportedPacket]) {
        let honest = packets.iter().take(MOST_PACKETS).filter(|packet| {
            packet.size <= LARGEST && packet.sent <= clock && clock.saturating_sub(packet.sent) <= OLDEST
        });
        let honest: Vec<ReportedPacket> = honest.copied().collect();
        let Some(newest) = honest.iter().map(|packet| packet.sent).max() else { return };
        self.estimator.feedback(now, &honest, clock.saturating_sub(newest));
    }

    /// A receiver report; it counts only where there is no transport-wide feedback.
    pub fn report(&mut self, now: Instant, loss: f64, round_trip: Duration) {
        self.reported.report(now, loss, round_trip, self.limits.ceiling());
    }

    /// Decides anew; called a few times a second.
    pub fn update(&mut self, now: Instant) {
        self.estimator.update(now, self.limits.ceiling());
        let fed = self.estimator.is_fed();
        let congested = if fed { self.estimator.is_congested() } else { self.reported.is_congested() };
        // At the start the estimate is a guess, and no reason for a smaller picture.
        if congested {
            self.ladder.update(now, self.rate());
        }
        let target = if fed { self.estimator.target() } else { self.reported.rate() };
        let bitrate = self.pictures(target);
        let (size, pictures) = (self.ladder.size(), self.ladder.pictures());
        let before = self.target;
        let change = (f64::from(bitrate) - f64::from(before.bitrate)).abs();
        let same = (size, pictures) == (before.size, before.pictures);
        let reached = f64::from(bitrate) >= self.limits.pictures() && bitrate != before.bitrate;
        if !same || reached || change > f64::from(before.bitrate) * CHANGE {
            self.target = RateTarget { bitrate, size, pictures };
        }
    }

    /// What is measured since it was last asked.
    pub fn read(&mut self, now: Instant) -> RateReading {
        let totals = self.estimator.totals();
        let before = self.read.replace((now, totals));
        let seconds = before.map(|(at, _)| now.saturating_duration_since(at).as_secs_f64());
        let kbps = |of: fn(&TrafficTotals) -> u64| {
            let bytes = of(&totals) - before.map_or(0, |(_, before)| of(&before));
            let seconds = seconds.filter(|seconds| *seconds > 0.0 && self.estimator.is_fed())?;
            Some(tenths(bytes as f64 * 8.0 / 1000.0 / seconds))
        };
        let (acknowledged_kbps, retransmitted_kbps) =
            (kbps(|totals| totals.acknowledged), kbps(|totals| totals.again));
        let target = if self.estimator.is_fed() { self.estimator.target() } else { self.reported.rate() };
        RateReading {
            target_kbps: tenths(target / 1000.0),
            acknowledged_kbps,
            retransmitted_kbps,
            queue_ms: self.estimator.take_queue_p95().map(tenths),
            limited_by: self.limited_by(),
        }
    }

    fn limited_by(&self) -> Option<LimitedBy> {
        let congested = if self.estimator.is_fed() {
            self.estimator.is_congested()
        } else {
            self.reported.is_congested()
        };
        if f64::from(self.target.bitrate) >= self.limits.pictures() * (1.0 - CHANGE) && !self.is_reduced() {
            Some(LimitedBy::Quality)
        } else {
            congested.then_some(LimitedBy::Network)
        }
    }

    /// What pictures may take of a rate: sound comes first, then what is sent again.
    fn pictures(&self, rate: f64) -> u32 {
        let beside_sound = (rate - SOUND).max(0.0);
        let repairs = self.estimator.repair_rate().min(beside_sound * MOST_REPAIRS);
        let pictures = (beside_sound - repairs) * PICTURE_SHARE;
        pictures.min(self.limits.pictures()).max(LEAST_PICTURES) as u32
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
