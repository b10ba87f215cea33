//! When a lost device is looked for again.
//!
//! Whatever is heard of devices of its kind puts the next look off until nothing more was heard for two seconds: what was plugged in
//! is there to stay, and has its group and its stable name. Besides there is a look now and then, for what nobody gives notice of: a
//! device that another program has let go of, or that has come to its senses.
//!
//! Invariant: of a device that comes and goes all the time the pauses grow; they are short again once it has delivered for a while.
//! A look is never put off for ever.

use std::time::{Duration, Instant};

/// A device that came is there to stay when nothing was heard for so long.
const STABLE: Duration = Duration::from_secs(2);
/// Pauses before the looks that nobody gave notice of.
const PAUSES: [Duration; 5] = [STABLE, STABLE, secs(4), secs(8), secs(10)];
/// A look is put off by no more than this.
const LONGEST: Duration = Duration::from_secs(30);
/// Who has delivered for so long is a good device that was lost once.
const STEADY: Duration = Duration::from_secs(30);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How often a device was lost of late.
#[derive(Debug, Default)]
pub struct Search {
    losses: usize,
}

/// The time until the next look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    again: Instant,
    latest: Instant,
}

impl Search {
    /// It was lost, or not found; before that it has delivered since `since`.
    pub fn lost(&mut self, now: Instant, since: Option<Instant>) -> Pause {
        if since.is_some_and(|since| now.saturating_duration_since(since) >= STEADY) {
            self.losses = 0;
        }
        let pause = PAUSES.get(self.losses).or(PAUSES.last()).copied().unwrap_or(STABLE);
        self.losses += 1;
        Pause { again: now + pause, latest: now + LONGEST }
    }
}

impl Pause {
    /// Something was heard of a device of its kind.
    pub fn heard(&mut self, now: Instant) {
        self.again = (now + STABLE).min(self.latest);
    }

    pub fn is_over(&self, now: Instant) -> bool {
        self.again <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds from each loss to the next look, of a device that delivers for `good` seconds each time.
    fn pauses(good: Option<u64>) -> Vec<u64> {
        let mut search = Search::default();
        let mut now = Instant::now();
        let mut since = None;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = search.lost(now, since);
            pauses.push((pause.again - now).as_secs());
            since = good.map(|_| pause.again);
            now = pause.again + Duration::from_secs(good.unwrap_or(0));
        }
        pauses
    }

    #[test]
    fn looks_become_rare() {
        assert_eq!(pauses(None), [2, 2, 4, 8, 10, 10, 10, 10]);
        assert_eq!(pauses(Some(29)), [2, 2, 4, 8, 10, 10, 10, 10], "a loose contact");
        assert_eq!(pauses(Some(30)), [2; 8], "lost once in a while");
    }

    #[test]
    fn what_was_plugged_in_is_looked_at_when_it_has_been_there_for_two_seconds() {
        let lost = Instant::now();
        let at = |milliseconds| lost + Duration::from_millis(milliseconds);
        let mut search = Search::default();
        let mut pause = (0..5).map(|_| search.lost(lost, None)).last().expect("five losses");
        assert!(!pause.is_over(at(9_999)) && pause.is_over(at(10_000)), "nobody said anything");
        // The node, its group, its name: each puts it off.
        for heard in [3_000, 3_050, 3_400] {
            pause.heard(at(heard));
        }
        assert!(!pause.is_over(at(5_399)) && pause.is_over(at(5_400)));
        // Pulled out again, and in again.
        pause.heard(at(5_399));
        pause.heard(at(9_000));
        assert!(!pause.is_over(at(10_999)) && pause.is_over(at(11_000)));
    }

    #[test]
    fn a_hub_that_never_rests_does_not_keep_it_away_for_ever() {
        let lost = Instant::now();
        let mut pause = Search::default().lost(lost, None);
        let over = (0..100).map(|second| lost + Duration::from_secs(second)).find(|now| {
            let over = pause.is_over(*now);
            pause.heard(*now);
            over
        });
        assert_eq!(over, Some(lost + LONGEST));
    }
}
