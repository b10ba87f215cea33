//! Who is speaking: louder than −45 dBFS, with hysteresis so that the pauses between words do not count as silence.
//!
//! Pure: it is told levels and the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Louder than this is speaking.
const LOUD_DBFS: f64 = -45.0;
/// Not louder than this is quiet; what lies between changes nothing.
const QUIET_DBFS: f64 = -48.0;
/// So long must it be quiet: longer than the pauses between words.
const PAUSE: Duration = Duration::from_secs(1);

/// The set of those who speak.
#[derive(Debug, Default)]
pub struct Speaking {
    /// Who speaks, and when they were last loud.
    loud: BTreeMap<u64, Instant>,
}

impl Speaking {
    /// Takes one round of levels (`None`: silence, or nothing known) of all peers; true when the set changed.
    pub fn observe(&mut self, now: Instant, levels: impl IntoIterator<Item = (u64, Option<f64>)>) -> Change {
        let before: Vec<u64> = self.loud.keys().copied().collect();
        let levels: BTreeMap<u64, Option<f64>> = levels.into_iter().collect();
        for (peer, level) in &levels {
            let level = level.unwrap_or(f64::NEG_INFINITY);
            let speaks = self.loud.contains_key(peer);
            if level > LOUD_DBFS || (speaks && level > QUIET_DBFS) {
                self.loud.insert(*peer, now);
            }
        }
        self.loud
            .retain(|peer, last| levels.contains_key(peer) && now.saturating_duration_since(*last) < PAUSE);
        if self.loud.keys().eq(before.iter()) { Change::None } else { Change::Changed }
    }

    /// Who speaks now.
    pub fn who(&self) -> impl Iterator<Item = u64> + '_ {
        self.loud.keys().copied()
    }
}

/// Whether a round of levels changed the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// As before.
    None,
    /// Another set.
    Changed,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One round every 200 ms; the set after each.
    fn check(levels: &[f64], expected: &[bool]) {
        let mut speaking = Speaking::default();
        let start = Instant::now();
        let mut spoke = false;
        for (round, (level, expected)) in (0u32..).zip(levels.iter().zip(expected)) {
            let now = start + round * Duration::from_millis(200);
            let change = speaking.observe(now, [(7, level.is_finite().then_some(*level))]);
            let speaks = speaking.who().eq([7]);
            assert_eq!(speaks, *expected, "round {round} at {level} dBFS");
            assert_eq!(change == Change::Changed, speaks != spoke, "round {round}");
            spoke = speaks;
        }
    }

    #[test]
    fn louder_than_the_threshold_speaks() {
        check(&[f64::NEG_INFINITY, -45.0, -44.9, -20.0], &[false, false, true, true]);
    }

    #[test]
    fn a_pause_between_words_is_no_silence() {
        check(&[-20.0, -70.0, -70.0, -70.0, -70.0, -20.0], &[true; 6]);
    }

    #[test]
    fn a_second_of_quiet_ends_it() {
        let mut levels = vec![-20.0];
        levels.extend([-70.0; 6]);
        check(&levels, &[true, true, true, true, true, false, false]);
    }

    #[test]
    fn between_the_thresholds_nothing_changes() {
        let mut levels = vec![-46.5; 8];
        check(&levels, &[false; 8]);
        levels.insert(0, -30.0);
        check(&levels, &[true; 9]);
    }

    #[test]
    fn who_is_gone_does_not_speak() {
        let mut speaking = Speaking::default();
        let now = Instant::now();
        assert_eq!(speaking.observe(now, [(1, Some(-10.0)), (2, Some(-10.0))]), Change::Changed);
        assert_eq!(speaking.observe(now, [(2, Some(-10.0))]), Change::Changed);
        assert!(speaking.who().eq([2]));
    }
}
