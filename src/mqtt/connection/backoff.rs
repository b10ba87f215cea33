//! Pauses between attempts to connect: decorrelated jitter.
//!
//! Each pause is drawn between the shortest one and three times the one before, so that a hundred kiosks that lost
//! their broker in the same second do not come back in the same second.

use std::time::Duration;

/// The shortest pause.
pub(super) const SHORTEST: Duration = Duration::from_millis(250);

/// The longest pause: a kiosk is back within a minute of its broker.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// A connection that held this long counts as good; the next pause is short again.
pub(super) const STABLE: Duration = Duration::from_secs(30);

/// Who has a network again comes back within this: others may have it again, too.
pub(super) const RETURN: Duration = Duration::from_secs(1);

/// How much longer than the last pause the next may be.
const GROWTH: f64 = 3.0;

/// The pause after `previous`; `random` is uniform in `0.0..1.0`.
pub(super) fn next_pause(previous: Duration, random: f64) -> Duration {
    let shortest = SHORTEST.as_secs_f64();
    let longest = (previous.as_secs_f64() * GROWTH).clamp(shortest, LONGEST.as_secs_f64());
    let random = if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.0 };
    Duration::from_secs_f64(shortest + (longest - shortest) * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_never_shorter_than_the_shortest() {
        assert_eq!(next_pause(Duration::ZERO, 0.0), SHORTEST);
        assert_eq!(next_pause(Duration::ZERO, 1.0), SHORTEST);
        assert_eq!(next_pause(LONGEST, 0.0), SHORTEST);
    }

    #[test]
    fn a_pause_grows_at_most_threefold_up_to_the_longest() {
        assert_eq!(next_pause(SHORTEST, 1.0), Duration::from_millis(750));
        assert_eq!(next_pause(Duration::from_secs(30), 1.0), LONGEST);
        assert_eq!(next_pause(Duration::MAX, 1.0), LONGEST);
    }

    #[test]
    fn the_worst_luck_reaches_the_longest_pause_in_a_few_attempts() {
        let mut pause = SHORTEST;
        for _ in 0..5 {
            pause = next_pause(pause, 1.0);
        }
        assert_eq!(pause, LONGEST);
    }

    #[test]
    fn a_broken_source_of_randomness_still_pauses() {
        assert_eq!(next_pause(SHORTEST, f64::NAN), SHORTEST);
        assert_eq!(next_pause(SHORTEST, 17.0), Duration::from_millis(750));
    }
}
