//! How long what the stage sends is held back before it is played: as long as this network needs, for what comes later is not heard.
//! Pure: told how late packets came, it says the delay.
//!
//! A packet is late by what it takes longer than the quickest, which is what the jitter buffer stamps it by. It rises at once, but for a
//! single hiccup, and falls slowly: a change is a short hole, or a skip, in what is heard.
//!
//! Invariant: it is between [`LEAST`] and [`MOST`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// On a quiet network: packets come within 20 ms.
pub const LEAST: Duration = Duration::from_millis(60);
/// People who talk to each other notice more than this as a satellite's delay.
const MOST: Duration = Duration::from_millis(380);
/// Sinks of sound follow no change below 40 ms.
const STEP: Duration = Duration::from_millis(40);
/// Beside the lateness of packets: one that is held back for in-band FEC (20 ms), and decoding on a busy machine.
const BESIDE: Duration = Duration::from_millis(40);

/// The worst of each is looked at.
const PIECE: Duration = Duration::from_secs(1);
/// Pieces of which the second worst makes it rise.
const RECENT: usize = 10;
/// Pieces that must all have needed less before it falls.
const LONG: usize = 30;

/// The delay of one peer.
#[derive(Debug)]
pub struct Playout {
    delay: Duration,
    /// Since when the present piece is, and its worst.
    since: Option<Instant>,
    worst: Duration,
    /// The worst of each piece in which something came, the latest first, since it fell last.
    pieces: VecDeque<Duration>,
}

impl Playout {
    pub fn new() -> Self {
        Self { delay: LEAST, since: None, worst: Duration::ZERO, pieces: VecDeque::new() }
    }

    /// The latest packet since the last look was so late, if any came; the delay, if it is another from now on.
    pub fn look(&mut self, now: Instant, late: Option<Duration>) -> Option<Duration> {
        let late = late?;
        self.worst = self.worst.max(late);
        if now.saturating_duration_since(*self.since.get_or_insert(now)) < PIECE {
            return None;
        }
        self.since = Some(now);
        self.pieces.truncate(LONG - 1);
        self.pieces.push_front(std::mem::take(&mut self.worst));
        let delay = self.wanted();
        (std::mem::replace(&mut self.delay, delay) != delay).then_some(delay)
    }

    fn wanted(&mut self) -> Duration {
        let mut recent: Vec<Duration> = self.pieces.iter().take(RECENT).copied().collect();
        recent.sort_unstable();
        let second = recent.iter().rev().nth(1).copied().unwrap_or_default();
        let needed = fitting(second);
        if needed > self.delay {
            return needed;
        }
        let longest = self.pieces.iter().max().copied().unwrap_or_default();
        if self.pieces.len() < LONG || fitting(longest) >= self.delay {
            return self.delay;
        }
        self.pieces.clear();
        self.delay - STEP
    }
}

/// The least of the possible delays that is enough for packets this late.
fn fitting(late: Duration) -> Duration {
    let more = (late + BESIDE).saturating_sub(LEAST);
    let steps = u32::try_from(more.as_millis().div_ceil(STEP.as_millis())).unwrap_or(u32::MAX);
    LEAST.saturating_add(STEP.saturating_mul(steps)).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(100);

    /// The delay in ms after each second in which packets came so late, in ms.
    fn delays(seconds: impl IntoIterator<Item = u64>) -> Vec<u128> {
        let (mut playout, mut now) = (Playout::new(), Instant::now());
        let mut second = |late: u64| {
            for tick in 0..10 {
                now += TICK;
                // One of many is late.
                let late = if tick == 3 { late } else { 1 };
                playout.look(now, Some(Duration::from_millis(late)));
            }
            playout.delay.as_millis()
        };
        seconds.into_iter().map(&mut second).collect()
    }

    #[test]
    fn a_quiet_network_costs_the_least() {
        assert!(delays(vec![15; 60]).iter().all(|delay| *delay == 60));
    }

    #[test]
    fn what_comes_late_again_is_waited_for() {
        let delays = delays([5, 70, 10, 60, 10, 10]);
        assert_eq!(delays[..3], [60; 3], "once is a hiccup");
        assert_eq!(delays.last(), Some(&100));
    }

    #[test]
    fn it_falls_step_by_step_when_nothing_is_late_for_long() {
        let delays = delays([150, 150, 150].into_iter().chain(std::iter::repeat_n(5, 150)));
        assert_eq!(delays[3], 220);
        let falls: Vec<usize> = (1..delays.len()).filter(|at| delays[*at] < delays[*at - 1]).collect();
        assert_eq!(falls.len(), 4, "{delays:?}");
        assert!(falls[0] > 30 && falls.windows(2).all(|two| two[1] - two[0] >= 30), "{falls:?}");
        assert_eq!(delays.last(), Some(&60));
    }

    #[test]
    fn it_stays_while_it_is_needed_now_and_then() {
        let now_and_then = (0..300).map(|second| if second % 9 == 0 { 55 } else { 5 });
        let delays = delays(now_and_then);
        assert!(delays[20..].iter().all(|delay| *delay == 100), "{delays:?}");
    }

    #[test]
    fn whatever_comes_it_has_an_end() {
        assert_eq!(delays([u64::MAX / 2; 3]).last(), Some(&380));
        assert_eq!(Playout::new().look(Instant::now(), None), None);
    }
}
