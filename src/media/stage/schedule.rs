//! When transports are asked and statistics are reported. Pure.

use std::time::{Duration, Instant};

/// The transport is asked at least so often, so that a report has fresh numbers.
const LINK_EVERY: Duration = Duration::from_secs(1);

/// The next moment of each; none while there is nobody to report of.
#[derive(Debug, Default)]
pub struct StageSchedule {
    stats: Option<Instant>,
    link: Option<Instant>,
}

impl StageSchedule {
    /// There is nobody.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the transports are to be asked now.
    pub fn asks_transports(&mut self, now: Instant) -> bool {
        let is_due = self.link.is_none_or(|at| now >= at);
        if is_due {
            self.link = Some(now + LINK_EVERY);
        }
        is_due
    }

    /// Whether statistics are to be reported now; the first come when an `interval` has passed.
    pub fn reports(&mut self, now: Instant, interval: Duration) -> bool {
        let is_due = now >= *self.stats.get_or_insert(now + interval);
        if is_due {
            self.stats = Some(now + interval);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_are_asked_at_once_and_reports_come_after_an_interval() {
        let (mut schedule, began) = (StageSchedule::default(), Instant::now());
        let after = |seconds| began + Duration::from_secs(seconds);
        let interval = Duration::from_secs(5);
        let asked: Vec<u64> = (0..3).filter(|s| schedule.asks_transports(after(*s))).collect();
        let reported: Vec<u64> = (0..12).filter(|s| schedule.reports(after(*s), interval)).collect();
        assert_eq!((asked, reported), (vec![0, 1, 2], vec![5, 10]));
        assert!(!schedule.asks_transports(after(2)));
        schedule.clear();
        assert!(schedule.asks_transports(after(2)) && !schedule.reports(after(16), interval));
    }
}
