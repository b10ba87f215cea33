//! The delay line between speaker and canceller: when the canceller is given what was played.
//!
//! The canceller of `libwebrtc-audio-processing` 0.3 (Debian 12) expects the echo 10 to 60 ms after it was given the sound, and finds no
//! other delay: `webrtcdsp` asks it to, but that option does not reach the library. A speaker that holds 80 ms in its card's buffer and a
//! microphone that is read every 20 ms make about 100 ms. So the sound is held back by what is more than [`BEST`], and how long it takes
//! in all is measured: the time until the speaker plays what it is given, and the time since the microphone heard what it gives, both by
//! the stamps of their own pipelines. Later libraries find the delay themselves, and take this for a short one.
//!
//! Both cards work through their samples one after the other, whereas threads, packets and stamps come now sooner, now later: so what
//! follows in sound follows here, and only when that is off for a while, or by much, it is set anew.
//!
//! Invariants: time here is counted in what the microphone gives, so that one that stands still is not run over; at most [`MOST`] is held.

use std::collections::VecDeque;
use std::time::Duration;

/// After so long the canceller expects an echo: the middle of what it can do.
const BEST: Duration = Duration::from_millis(35);
/// How long a sound takes from the speaker to the microphone, as long as that is not measured.
const USUAL: Duration = Duration::from_millis(105);
/// Longer than any card takes: what is measured beyond is an error of stamps.
const MOST: Duration = Duration::from_millis(500);
/// Off by so much in the mean, it is set anew: the canceller has to learn then.
const OFF: Duration = Duration::from_millis(15);
/// Off by so much at once, it is no jitter: there was a pause.
const FAR_OFF: Duration = Duration::from_millis(50);
/// A measurement counts for so much of the mean.
const SHARE: i64 = 32;

/// Holds what is played until it is to be compared.
#[derive(Debug)]
pub(super) struct Line<T> {
    waiting: VecDeque<(i64, T)>,
    /// Samples that the microphone has given.
    now: i64,
    /// Since the microphone heard what it gives, in samples.
    behind: Option<i64>,
    /// When what is played next is due if it follows what was played last.
    next: Option<i64>,
    /// By how much that is too early, in the mean.
    early: i64,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), now: 0, behind: None, next: None, early: 0 }
    }
}

impl<T> Line<T> {
    /// The speaker is given this much, and plays it after so long, if that is known.
    pub(super) fn played(&mut self, sound: T, samples: usize, until: Option<Duration>) {
        let until = until.filter(|until| *until <= MOST).map(in_samples);
        let takes = until.zip(self.behind).map_or(in_samples(USUAL), |(until, since)| until + since);
        let due = self.due(self.now + (takes - in_samples(BEST)).max(0));
        self.waiting.push_back((due, sound));
        let samples = i64::try_from(samples).unwrap_or(i64::MAX).max(1);
        self.next = Some(due + samples);
        // All pieces are about as long.
        while i64::try_from(self.waiting.len()).unwrap_or(i64::MAX).saturating_mul(samples) > in_samples(MOST)
        {
            self.waiting.pop_front();
        }
    }

    /// When it is due, where stamps say `at`.
    fn due(&mut self, at: i64) -> i64 {
        let Some(next) = self.next else { return at };
        let early = at - next;
        self.early += (early - self.early) / SHARE;
        if early.abs() > in_samples(FAR_OFF) {
            self.early = 0;
            return at;
        }
        if self.early.abs() > in_samples(OFF) {
            let set = next + self.early;
            self.early = 0;
            return set;
        }
        next
    }

    /// The microphone gives this much, which it heard so long ago, if that is known; what is to be compared with it.
    pub(super) fn heard(&mut self, samples: usize, since: Option<Duration>) -> Vec<T> {
        if let Some(since) = since.filter(|since| *since <= MOST).map(in_samples) {
            self.behind = Some(self.behind.map_or(since, |mean| mean + (since - mean) / SHARE));
        }
        let now = self.now;
        self.now += i64::try_from(samples).unwrap_or(0);
        let due = self.waiting.iter().take_while(|(at, _)| *at <= now).count();
        self.waiting.drain(..due).map(|(_, sound)| sound).collect()
    }

    /// How many pieces are held.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

/// At 48,000 a second.
fn in_samples(time: Duration) -> i64 {
    i64::try_from(time.as_micros() * 48 / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten milliseconds.
    const STEP: usize = 480;

    fn ms(milliseconds: u64) -> Option<Duration> {
        Some(Duration::from_millis(milliseconds))
    }

    /// After how many steps of the microphone each of what is played comes out, with these stamps.
    fn comes_after(line: &mut Line<usize>, stamps: impl Fn(usize) -> [Option<Duration>; 2]) -> Vec<usize> {
        let mut after = vec![usize::MAX; 200];
        for at in 0..200 {
            let [until, since] = stamps(at);
            line.played(at, STEP, until);
            for out in line.heard(STEP, since) {
                after[out] = at - out;
            }
        }
        after.truncate(150);
        after
    }

    #[test]
    fn it_is_held_as_long_as_the_cards_take_but_for_what_the_canceller_expects() {
        assert_eq!(comes_after(&mut Line::default(), |_| [None, None]), [7; 150], "nothing is known: 70 ms");
        for (until, since, steps) in [(80, 25, 7), (20, 10, 0), (150, 45, 16)] {
            let after = comes_after(&mut Line::default(), |_| [ms(until), ms(since)]);
            assert!(
                after[100..].iter().all(|after| after.abs_diff(steps) <= 1),
                "{until}, {since}: {after:?}"
            );
        }
    }

    #[test]
    fn stamps_that_come_now_sooner_now_later_tear_nothing_apart() {
        let after = comes_after(&mut Line::default(), |at| [ms(60 + 40 * (at as u64 * 7 % 3 / 2)), ms(25)]);
        assert!(after[20..].windows(2).all(|two| two[0] == two[1]), "{after:?}");
    }

    #[test]
    fn after_a_pause_it_is_held_as_long_as_before() {
        let mut line = Line::default();
        let known = |_| [ms(80), ms(25)];
        comes_after(&mut line, known);
        for _ in 0..300 {
            line.heard(STEP, ms(25));
        }
        assert_eq!(line.waiting(), 0);
        let after = comes_after(&mut line, known);
        assert!(after.iter().all(|after| after.abs_diff(7) <= 1), "{after:?}");
    }

    #[test]
    fn a_stamp_that_makes_no_sense_changes_nothing() {
        for odd in [Some(Duration::MAX), ms(3_600_000), None] {
            let after =
                comes_after(&mut Line::default(), |at| if at == 50 { [odd; 2] } else { [ms(80), ms(25)] });
            assert!(after[30..].iter().all(|after| after.abs_diff(7) <= 1), "{odd:?}: {after:?}");
        }
    }

    #[test]
    fn a_microphone_that_stands_still_is_not_run_over() {
        let mut line = Line::default();
        for number in 0..10_000 {
            line.played(number, STEP, None);
        }
        assert!(line.waiting() <= 50, "half a second is kept: {}", line.waiting());
        let due: Vec<_> = (0..100).flat_map(|_| line.heard(STEP, None)).collect();
        assert_eq!(due.last(), Some(&9_999), "the latest");
    }
}
