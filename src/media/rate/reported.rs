//! How much the path carries, where the far side has no transport-wide feedback: by its receiver reports (RFC 3550, section 6.4), of
//! which one comes each second or two. They know loss and round trip, and nothing of single packets, so the rate moves slowly.

use std::time::{Duration, Instant};

use super::limits::LEAST;

/// Less loss than this is none; between both the rate stays; above it falls.
const LITTLE: f64 = 0.02;
const MUCH: f64 = 0.10;
/// Growth with each report.
const GROWTH: f64 = 0.05;
/// A round trip longer by so much than the shortest is a queue.
const QUEUE: Duration = Duration::from_millis(200);
/// What is done about such a queue.
const DOWN: f64 = 0.85;
/// Two reports are no closer than this.
const PAUSE: Duration = Duration::from_millis(900);

/// Follows one path.
#[derive(Debug)]
pub struct ReportedLoss {
    rate: f64,
    shortest: Option<Duration>,
    reported: Option<Instant>,
    congested: bool,
}

impl ReportedLoss {
    /// Begins with so many bits a second.
    pub fn new(start: f64) -> Self {
        Self { rate: start, shortest: None, reported: None, congested: false }
    }

    pub fn rate(&self) -> f64 {
        self.rate
    }

    pub fn is_congested(&self) -> bool {
        self.congested
    }

    /// A share of packets was lost, and a packet and its answer took so long.
    pub fn report(&mut self, now: Instant, loss: f64, round_trip: Duration, ceiling: f64) {
        if self.reported.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) || !loss.is_finite()
        {
            return;
        }
        self.reported = Some(now);
        let shortest = self.shortest.map_or(round_trip, |shortest| shortest.min(round_trip));
        self.shortest = Some(shortest);
        let loss = loss.clamp(0.0, 1.0);
        if loss > MUCH {
            self.rate *= 1.0 - loss / 2.0;
            self.congested = true;
        } else if round_trip > shortest * 2 + QUEUE {
            self.rate *= DOWN;
            self.congested = true;
        } else if loss < LITTLE {
            self.rate *= 1.0 + GROWTH;
        }
        self.rate = self.rate.clamp(LEAST, ceiling.max(LEAST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(reports: &[(f64, u64)]) -> ReportedLoss {
        let begin = Instant::now();
        let mut rate = ReportedLoss::new(800e3);
        for (second, (loss, round_trip)) in (0u32..).zip(reports) {
            let now = begin + Duration::from_secs(1) * second;
            rate.report(now, *loss, Duration::from_millis(*round_trip), 2e6);
        }
        rate
    }

    #[test]
    fn it_grows_without_loss_and_falls_with_much() {
        assert!(after(&[(0.0, 20); 20]).rate() > 1.9e6);
        assert_eq!(after(&[(0.05, 20); 20]).rate(), 800e3, "a little is any radio's");
        assert!(after(&[(0.5, 20); 5]).rate() < 200e3);
        assert!(after(&[(0.5, 20); 200]).rate() >= LEAST);
    }

    #[test]
    fn a_round_trip_that_grows_is_a_queue() {
        let rate = after(&[(0.0, 20), (0.0, 900), (0.0, 1_200), (0.0, 1_500)]);
        assert!(rate.rate() < 600e3 && rate.is_congested());
    }

    #[test]
    fn reports_that_lie_are_bounded() {
        let mut rate = ReportedLoss::new(800e3);
        let now = Instant::now();
        for _ in 0..1_000 {
            rate.report(now, -7.0, Duration::MAX / 4, 2e6);
        }
        assert!(rate.rate() <= 800e3 * 1.05 + 1.0, "one at a time");
        rate.report(now + Duration::from_secs(5), f64::NAN, Duration::ZERO, 2e6);
        assert!(rate.rate().is_finite());
    }
}
