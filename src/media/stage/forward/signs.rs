//! Whether a viewer is heard: told how often something came of it, and when, says what changed. Pure.
//!
//! Who receives pictures reports every second, who receives sound alone every 2.5 to 7.5 s (RFC 3550, section 6.3). What that means is the host's
//! to say; it is told early, and of when the silence began. Invariant: a machine that stood still accuses nobody.

use std::time::{Duration, Instant};

/// Who says nothing for so long is silent.
const SILENT: Duration = Duration::from_secs(3);
/// Between two looks is no more time than this, unless the machine stood still.
const STALL: Duration = Duration::from_secs(1);

/// What is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It is heard, again.
    Heard,
    /// It is not, since then.
    Silent(Instant),
}

/// What is heard of one viewer that is connected.
#[derive(Debug)]
pub struct SignsOfLife {
    count: u64,
    heard_at: Instant,
    looked_at: Instant,
    is_silent: bool,
}

impl SignsOfLife {
    /// It was heard just now.
    pub fn new(now: Instant, count: u64) -> Self {
        Self { count, heard_at: now, looked_at: now, is_silent: false }
    }

    /// So often something came until now.
    pub fn look(&mut self, now: Instant, count: u64) -> Option<Sign> {
        let passed = now.saturating_duration_since(std::mem::replace(&mut self.looked_at, now));
        if passed > STALL {
            self.heard_at += passed;
        }
        if std::mem::replace(&mut self.count, count) != count {
            self.heard_at = now;
        }
        let is_silent = now.saturating_duration_since(self.heard_at) >= SILENT;
        if std::mem::replace(&mut self.is_silent, is_silent) == is_silent {
            return None;
        }
        Some(if is_silent { Sign::Silent(self.heard_at) } else { Sign::Heard })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_said_once_and_from_where_it_began() {
        let began = Instant::now();
        let after = |tenths: u64| began + Duration::from_millis(tenths * 100);
        let mut signs = SignsOfLife::new(began, 0);
        let said: Vec<_> = (1..=100)
            .filter_map(|tenths| {
                let count = u64::from(tenths >= 10) + u64::from(tenths >= 80);
                signs.look(after(tenths), count)
            })
            .collect();
        assert_eq!(said, [Sign::Silent(after(10)), Sign::Heard]);
    }

    #[test]
    fn a_machine_that_stood_still_accuses_nobody() {
        let began = Instant::now();
        let mut signs = SignsOfLife::new(began, 0);
        assert_eq!(signs.look(began + Duration::from_secs(20), 0), None);
        assert_eq!(signs.look(began + Duration::from_millis(20_500), 0), None);
    }
}
