//! When systemd is due a sign of life, and whether it gets one.
//!
//! Invariant: it is given after a turn of the loop (of whatever kind: a busy loop is alive) and for media that are alive, never by a
//! timer alone.

use std::time::{Duration, Instant};

use crate::systemd::Systemd;

/// The next one; none when nobody watches this process.
#[derive(Debug)]
pub(super) struct Watchdog {
    next: Option<(Instant, Duration)>,
}

impl Watchdog {
    pub(super) fn new(now: Instant, interval: Option<Duration>) -> Self {
        Self { next: interval.map(|interval| (now + interval, interval)) }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at)
    }

    /// The loop has turned.
    pub(super) fn turned(
        &mut self,
        now: Instant,
        systemd: &mut Systemd,
        media_are_alive: impl FnOnce() -> bool,
    ) {
        if !self.is_due(now) {
            return;
        }
        if media_are_alive() {
            systemd.alive();
        } else {
            tracing::error!("media give no sign of life, so systemd gets none");
        }
    }

    /// Whether one is due; the next one then is an interval from now.
    fn is_due(&mut self, now: Instant) -> bool {
        match &mut self.next {
            Some((at, interval)) if *at <= now => {
                *at = now + *interval;
                true
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_an_interval() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut watchdog = Watchdog::new(start, Some(second));
        assert!(!watchdog.is_due(start));
        assert!(watchdog.is_due(start + second * 3), "late is due once");
        assert!(!watchdog.is_due(start + second * 3));
        assert_eq!(watchdog.deadline(), Some(start + second * 4));
        assert!(!Watchdog::new(start, None).is_due(start + second));
    }
}
