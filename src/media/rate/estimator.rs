//! How much the path carries, from transport-wide feedback.
//!
//! ```text
//!            a queue stands and grows               the queue is gone
//! Growing ──────────────────────────────► Draining ──────────────────► Growing, at nine tenths of what arrived meanwhile
//!    └─ more loss than the path always has: down to what arrives
//! ```
//! While a queue drains the link is busy, so what arrives is what it carries. Loss that does not change with the rate is the path's own
//! (radio) and no reason to send less, up to a quarter. Growth is quick until congestion is first seen, slow around the rate at which it was
//! last seen, and halts while less than a quarter of the estimate is used: an estimate that nothing proves is worth nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::limits::LEAST;
use super::packet::ReportedPacket;
use super::queue::QueueWatch;
use super::traffic::{TrafficTotals, TrafficWindow};

/// A queue that stands so long, in milliseconds, and grows, is congestion. A key frame makes one of 40 ms for itself.
const GROWING_QUEUE_MS: f64 = 60.0;
/// It grows, if it is longer by so much within a moment.
const GROWS_MS: f64 = 15.0;
/// A queue that stands so long is congestion, unless it shrinks.
const STANDING_QUEUE_MS: f64 = 100.0;
/// It shrinks, if it is shorter by so much within a moment.
const SHRINKS_MS: f64 = 30.0;
/// While a queue stands so long the rate does not grow.
const HOLD_QUEUE_MS: f64 = 40.0;
/// A queue so short is none.
const NO_QUEUE_MS: f64 = 25.0;
/// A queue longer than this is drained more quickly.
const LONG_QUEUE_MS: f64 = 250.0;

/// While a queue drains so much of what the link carries is sent; of a long one, so much.
const DRAIN: f64 = 0.6;
const DRAIN_LONG: f64 = 0.4;
/// After that, so much of what the link carries.
const SHARE: f64 = 0.9;
/// A queue that drains takes no longer than this, or it is none that we made.
const DRAINS: Duration = Duration::from_millis(1_500);
/// An effect of what was changed is not seen before this and a round trip.
const EFFECT: Duration = Duration::from_millis(250);

/// Growth in a second, until congestion is first seen; beyond where it was last seen; around there; while little of it is used.
const GROWTH_AT_START: f64 = 0.5;
const GROWTH: f64 = 0.12;
const GROWTH_NEAR: f64 = 0.05;
const GROWTH_UNUSED: f64 = 0.05;
/// Around: between these shares of the rate at which congestion was last seen.
const NEAR: std::ops::Range<f64> = 0.85..1.12;
/// Less than so much of the estimate in use is little, and less than that nothing.
const USED: f64 = 0.6;
const UNUSED: f64 = 0.25;

/// More loss than so much on top of the path's own is congestion.
const LOSS: f64 = 0.08;
/// So many standard deviations of chance, too.
const CHANCE: f64 = 3.5;
/// So much loss is too much, whatever its cause.
const TOO_MUCH_LOSS: f64 = 0.25;
/// So many seconds back the path's own loss is looked for.
const OWN_LOSS_SECONDS: usize = 8;

/// No feedback for so long: half; and once more after twice as long.
const SILENCE: Duration = Duration::from_millis(2_500);

#[derive(Debug, Clone, Copy, PartialEq)]
enum EstimatePhase {
    Growing,
    Draining { since: Instant, queue: f64, drain: f64 },
}

/// A cut that loss was the reason for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct LossCut {
    at: Instant,
    loss: f64,
}

/// Follows one path.
#[derive(Debug)]
pub struct BandwidthEstimator {
    queue: QueueWatch,
    traffic: TrafficWindow,
    phase: EstimatePhase,
    /// Bits a second of everything.
    rate: f64,
    /// What the link carried when congestion was last seen.
    link: Option<f64>,
    congested: bool,
    /// When it was last lowered.
    lowered: Option<Instant>,
    loss_cut: Option<LossCut>,
    /// The least loss of each of the last seconds.
    own_loss: VecDeque<(Instant, f64)>,
    round_trip: Duration,
    /// The last feedback, and how often the rate was halved since.
    heard: Option<(Instant, u32)>,
    updated: Option<Instant>,
}

impl BandwidthEstimator {
    /// Begins with so many bits a second.
    pub fn new(start: f64) -> Self {
        Self {
            queue: QueueWatch::default(),
            traffic: TrafficWindow::default(),
            phase: EstimatePhase::Growing,
            rate: start,
            link: None,
            congested: false,
            lowered: None,
            loss_cut: None,
            own_loss: VecDeque::new(),
            round_trip: Duration::ZERO,
            heard: None,
            updated: None,
        }
    }

    /// Feedback came; `delay` is how long ago the newest packet that it tells of was sent.
    pub fn feedback(&mut self, now: Instant, packets: &[ReportedPacket], delay: Duration) {
        for packet in packets {
            self.queue.observe(packet);
            self.traffic.observe(*packet);
        }
        self.round_trip = delay.min(Duration::from_secs(1));
        self.heard = Some((now, 0));
    }

    /// Whether there was any.
    pub fn is_fed(&self) -> bool {
        self.heard.is_some()
    }

    /// Whether the path has ever shown that it carries no more.
    pub fn is_congested(&self) -> bool {
        self.congested
    }

    /// What the path carries, in bits a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// What is to be sent now: less while a queue drains.
    pub fn target(&self) -> f64 {
        match self.phase {
            EstimatePhase::Growing => self.rate,
            EstimatePhase::Draining { drain, .. } => drain,
        }
    }

    /// Bits a second that are sent again.
    pub fn repair_rate(&self) -> f64 {
        self.traffic.repair_rate()
    }

    pub fn totals(&self) -> TrafficTotals {
        self.traffic.totals()
    }

    /// The delay in the queue, as of [`QueueWatch::take_p95`].
    pub fn take_queue_p95(&mut self) -> Option<f64> {
        self.queue.take_p95()
    }

    /// Follows what was fed since the last time; no more than `ceiling` is worth anything.
    pub fn update(&mut self, now: Instant, ceiling: f64) {
        let passed =
            self.updated.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if !self.is_silent(now) {
            match self.phase {
                EstimatePhase::Growing => self.grow(now, passed.min(Duration::from_millis(500))),
                EstimatePhase::Draining { since, queue, drain } => self.drain(now, since, queue, drain),
            }
        }
        self.rate = self.rate.clamp(LEAST, ceiling.max(LEAST));
    }

    /// Nothing is heard of the other end: less and less is sent, down to a quarter.
    fn is_silent(&mut self, now: Instant) -> bool {
        let Some((at, halved)) = &mut self.heard else { return true };
        let silent = now.saturating_duration_since(*at);
        let due = u32::try_from(silent.as_millis() / SILENCE.as_millis()).unwrap_or(u32::MAX).min(2);
        if due > *halved {
            self.rate /= 2.0;
            *halved = due;
            self.phase = EstimatePhase::Growing;
        }
        due > 0
    }

    fn grow(&mut self, now: Instant, passed: Duration) {
        let (standing, rise) = (self.queue.standing(), self.queue.rise());
        let waits =
            self.lowered.is_some_and(|at| now.saturating_duration_since(at) < EFFECT + self.round_trip);
        let grows = standing > GROWING_QUEUE_MS && rise > GROWS_MS;
        let stands = standing > STANDING_QUEUE_MS && rise > -SHRINKS_MS;
        if (grows || stands) && !waits {
            return self.congestion(now, standing);
        }
        let excess = self.excess_loss(now);
        if let Some(loss) = excess.filter(|_| standing < GROWING_QUEUE_MS) {
            return self.lose(now, loss);
        }
        if waits || standing > HOLD_QUEUE_MS || excess.is_some() {
            return;
        }
        self.rate *= 1.0 + self.growth() * passed.as_secs_f64();
        if self.link.is_some_and(|link| self.rate > link * NEAR.end) {
            self.link = None;
        }
    }

    fn growth(&self) -> f64 {
        let used = self.traffic.sent_rate() / self.rate;
        let near = self.link.is_some_and(|link| NEAR.contains(&(self.rate / link)));
        match used {
            used if used < UNUSED => 0.0,
            _ if !self.congested => GROWTH_AT_START,
            used if used < USED => GROWTH_UNUSED,
            _ if near => GROWTH_NEAR,
            _ => GROWTH,
        }
    }

    /// More is sent than the link carries.
    fn congestion(&mut self, now: Instant, standing: f64) {
        let link = self.traffic.acknowledged_rate().min(self.rate);
        self.congested = true;
        self.lowered = Some(now);
        self.carries(link);
        let drain = link * if standing > LONG_QUEUE_MS { DRAIN_LONG } else { DRAIN };
        self.phase = EstimatePhase::Draining { since: now, queue: standing, drain: drain.max(LEAST) };
    }

    fn carries(&mut self, link: f64) {
        self.link = Some(link);
        self.rate = (link * SHARE).min(self.rate).max(LEAST);
    }

    fn drain(&mut self, now: Instant, since: Instant, queue: f64, drain: f64) {
        let standing = self.queue.standing();
        let lasted = now.saturating_duration_since(since);
        let seen = lasted > EFFECT + self.round_trip;
        if standing < NO_QUEUE_MS && lasted > self.round_trip {
            self.lowered = Some(now);
            self.phase = EstimatePhase::Growing;
        } else if standing > HOLD_QUEUE_MS && seen {
            // The link is busy with the queue, and with nothing that was sent before it was too much.
            let link = self.traffic.acknowledged_rate();
            let before = self.link.unwrap_or(link);
            self.link = Some(link.clamp(before * 0.3, before));
            self.rate = self.rate.min(self.link.unwrap_or(link) * SHARE);
            if lasted > DRAINS + self.round_trip {
                self.drained_in_vain(now, standing, queue, drain);
            }
        } else if lasted > DRAINS * 2 {
            self.phase = EstimatePhase::Growing;
        }
    }

    /// So much less was sent for so long, and a queue still stands.
    fn drained_in_vain(&mut self, now: Instant, standing: f64, queue: f64, drain: f64) {
        let arrives = self.traffic.acknowledged_rate();
        if standing > queue * 0.7 && arrives > drain * 0.7 && arrives < drain * 1.3 {
            // All that is sent arrives, and as late as before: the path has become longer.
            self.queue.rebase();
            self.lowered = Some(now);
            self.phase = EstimatePhase::Growing;
        } else {
            self.congestion(now, standing);
        }
    }

    /// The share that is lost, where that is more than the path's own loss and chance.
    fn excess_loss(&mut self, now: Instant) -> Option<f64> {
        let (loss, packets) = self.traffic.loss()?;
        let own = self.own_loss.iter().map(|(_, least)| *least).reduce(f64::min).unwrap_or(loss);
        match self.own_loss.back_mut() {
            Some((since, least)) if now.saturating_duration_since(*since) < Duration::from_secs(1) => {
                *least = least.min(loss);
            }
            Some(_) | None => self.own_loss.push_back((now, loss)),
        }
        if self.own_loss.len() > OWN_LOSS_SECONDS {
            self.own_loss.pop_front();
        }
        let chance = CHANCE * (loss * (1.0 - loss) / packets as f64).sqrt();
        (loss > TOO_MUCH_LOSS || loss - own > LOSS.max(chance)).then_some(loss)
    }

    /// More is lost than the path always loses.
    fn lose(&mut self, now: Instant, loss: f64) {
        let settled = EFFECT + self.round_trip + Duration::from_secs(1);
        match self.loss_cut {
            // What is lost by now was sent before.
            Some(cut) if now.saturating_duration_since(cut.at) < settled => return,
            // Less was sent, and as much is lost: it is not what we send.
            Some(cut)
                if loss > cut.loss * 0.6
                    && loss <= TOO_MUCH_LOSS
                    && now.saturating_duration_since(cut.at) < settled * 3 =>
            {
                self.own_loss.clear();
                self.own_loss.push_back((now, loss));
                self.loss_cut = None;
                return;
            }
            Some(_) | None => {}
        }
        self.congested = true;
        self.loss_cut = Some(LossCut { at: now, loss });
        self.lowered = Some(now);
        let arrives = self.traffic.acknowledged_rate();
        self.link = Some(arrives);
        self.rate = (arrives * 0.95).clamp(self.rate * 0.5, self.rate * 0.95);
    }
}
