//! Named timers, so that every wake-up can be explained.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// The running timers of a pure machine; each name runs at most once.
#[derive(Debug)]
pub struct Timers<T> {
    by_time: BTreeSet<(Instant, T)>,
    by_name: BTreeMap<T, Instant>,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_name: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Timers<T> {
    /// Starts a timer, or sets a running one anew.
    pub fn set(&mut self, at: Instant, timer: T) {
        self.cancel(&timer);
        self.by_time.insert((at, timer.clone()));
        self.by_name.insert(timer, at);
    }

    /// Stops a timer; nothing if it does not run.
    pub fn cancel(&mut self, timer: &T) {
        if let Some((timer, at)) = self.by_name.remove_entry(timer) {
            self.by_time.remove(&(at, timer));
        }
    }

    /// When this timer is due; `None` if it does not run.
    pub fn due_at(&self, timer: &T) -> Option<Instant> {
        self.by_name.get(timer).copied()
    }

    /// The timer that is due first.
    pub fn next(&self) -> Option<(Instant, T)> {
        self.by_time.first().cloned()
    }

    /// Takes out a timer that is due at `now`, the earliest first.
    pub fn take_due(&mut self, now: Instant) -> Option<T> {
        if self.by_time.first()?.0 > now {
            return None;
        }
        let (_, timer) = self.by_time.pop_first()?;
        self.by_name.remove(&timer);
        Some(timer)
    }

    /// Stops all.
    pub fn clear(&mut self) {
        self.by_time.clear();
        self.by_name.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to start from")]
    fn a_timer_set_anew_is_due_once_at_its_last_time() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut timers = Timers::default();
        timers.set(after(1), "a");
        timers.set(after(2), "b");
        timers.set(after(3), "a");
        assert_eq!(timers.next(), Some((after(2), "b")));
        assert_eq!(timers.take_due(after(1)), None);
        timers.cancel(&"b");
        assert_eq!(timers.take_due(after(2)), None);
        assert_eq!(timers.take_due(after(3)), Some("a"));
        assert_eq!(timers.next(), None);
    }
}
