//! The delay line between speaker and canceller: when the canceller is given what was played.
//!
//! The canceller of `libwebrtc-audio-processing` 0.3 (Debian 12) expects the echo 10 to 60 ms after it was given the sound, and finds no
//! other delay: `webrtcdsp` asks it to, but that option does not reach the library. A speaker that holds 80 ms in its card's buffer and a
//! microphone that is read every 20 ms make about 100 ms. So the sound is held back by what is more than [`BEST`], and how long it takes
//! in all is measured: the time until the speaker plays what it is given, and the time since the microphone heard what it gives, both by
//! the stamps of their own pipelines; what they do not tell finds `likeness`. Later libraries find the delay themselves, and take this for
//! a short one.
//!
//! Both cards work through their samples one after the other, whereas threads, packets and stamps come now sooner, now later: so what
//! follows in sound follows here, and only when that is off for a while, or by much, it is set anew.
//!
//! Invariants: time here is counted in what the microphone gives, so that one that stands still is not run over; at most [`MOST`] is held.

use std::collections::VecDeque;
use std::time::Duration;

use super::likeness::Likeness;

/// After so long the canceller expects an echo: the middle of what it can do, a little late, for threads are late, never early.
const BEST: Duration = Duration::from_millis(42);
/// How long a sound takes from the speaker to the microphone, as long as that is not measured.
const USUAL: Duration = Duration::from_millis(105);
/// Longer than any card takes: what is measured beyond is an error of stamps.
const MOST: Duration = Duration::from_millis(500);
/// Off by so much in the mean, it is set anew: the canceller has to learn then.
const OFF: Duration = Duration::from_millis(15);
/// What was found by likeness is more certain.
const NEAR: Duration = Duration::from_millis(10);
/// Off by so much at once, it is no jitter: there was a pause.
const FAR_OFF: Duration = Duration::from_millis(50);
/// Stamps of what follows in sound may be off by this, for they are rounded and mended.
const JITTER: Duration = Duration::from_millis(5);
/// A measurement counts for so much of the mean.
const SHARE: i64 = 32;
/// Likewise of what the microphone is behind, which it makes up for as soon as it runs.
const SOON: i64 = 8;

/// A piece of sound.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Samples of each channel.
    pub(super) samples: usize,
    /// How loud it is, bin by bin.
    pub(super) power: Vec<f32>,
    /// Until the speaker plays it, or since the microphone heard it; `None` when that is not known.
    pub(super) off: Option<Duration>,
    /// Its place in the stream, likewise.
    pub(super) stamp: Option<Duration>,
}

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
    /// Where in the stream that is.
    stamp: Option<i64>,
    /// By how much `next` is too early, in the mean.
    early: i64,
    likeness: Likeness,
    /// How much longer it takes than stamps say.
    longer: i64,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            now: 0,
            behind: None,
            next: None,
            stamp: None,
            early: 0,
            likeness: Likeness::default(),
            longer: 0,
        }
    }
}

impl<T> Line<T> {
    /// The speaker is given this.
    pub(super) fn played(&mut self, sound: T, piece: &Piece) {
        let until = piece.off.filter(|until| *until <= MOST).map(in_samples);
        self.pause(piece.stamp);
        let takes = until.zip(self.behind).map_or(in_samples(USUAL), |(until, since)| until + since);
        let due = self.due(self.now + (takes + self.longer - in_samples(BEST)).max(0));
        self.likeness.played(due, &piece.power);
        self.waiting.push_back((due, sound));
        let samples = i64::try_from(piece.samples).unwrap_or(i64::MAX).max(1);
        self.next = Some(due + samples);
        self.stamp = piece.stamp.map(|stamp| in_samples(stamp) + samples);
        // All pieces are about as long.
        while i64::try_from(self.waiting.len()).unwrap_or(i64::MAX).saturating_mul(samples) > in_samples(MOST)
        {
            self.waiting.pop_front();
        }
    }

    /// What was left out of the stream, for nobody spoke, takes its time all the same.
    fn pause(&mut self, stamp: Option<Duration>) {
        let pause = stamp.map(in_samples).zip(self.stamp).map_or(0, |(stamp, expected)| stamp - expected);
        if pause > in_samples(JITTER) {
            self.next = self.next.map(|next| next + pause);
        }
    }

    /// When it is due, where stamps say `at`.
    fn due(&mut self, at: i64) -> i64 {
        let Some(next) = self.next else { return at };
        let early = at - next;
        self.early += (early - self.early) / SHARE;
        if early.abs() > in_samples(FAR_OFF) {
            self.early = 0;
            self.likeness = Likeness::default();
            return at;
        }
        if self.early.abs() > in_samples(OFF) {
            let set = next + self.early;
            self.early = 0;
            self.likeness = Likeness::default();
            return set;
        }
        next
    }

    /// The microphone gives this; what is to be compared with it.
    pub(super) fn heard(&mut self, piece: &Piece) -> Vec<T> {
        if let Some(comes) = self.likeness.heard(self.now, &piece.power) {
            self.found(comes);
        }
        if let Some(since) = piece.off.filter(|since| *since <= MOST).map(in_samples) {
            self.behind = Some(self.behind.map_or(since, |mean| mean + (since - mean) / SOON));
        }
        let now = self.now;
        self.now += i64::try_from(piece.samples).unwrap_or(0);
        let due = self.waiting.iter().take_while(|(at, _)| *at <= now).count();
        self.waiting.drain(..due).map(|(_, sound)| sound).collect()
    }

    /// So long after it is given to the canceller is heard what was played.
    fn found(&mut self, comes: i64) {
        // It cannot be given before it is played.
        let hold = self.next.map_or(0, |next| (next - self.now).max(0));
        let late = (comes - in_samples(BEST)).max(-hold);
        if late.abs() <= in_samples(NEAR) {
            return;
        }
        tracing::debug!("what is played is heard {} ms later than thought", late / 48);
        self.longer += late;
        self.next = self.next.map(|next| next + late);
        self.early = 0;
        self.likeness = Likeness::default();
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

    fn piece(off: Option<Duration>) -> Piece {
        Piece { samples: STEP, off, ..Piece::default() }
    }

    fn ms(milliseconds: u64) -> Option<Duration> {
        Some(Duration::from_millis(milliseconds))
    }

    /// After how many steps of the microphone each of what is played comes out, with these stamps.
    fn comes_after(line: &mut Line<usize>, stamps: impl Fn(usize) -> [Option<Duration>; 2]) -> Vec<usize> {
        let mut after = vec![usize::MAX; 200];
        for at in 0..200 {
            let [until, since] = stamps(at);
            line.played(at, &piece(until));
            for out in line.heard(&piece(since)) {
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
            line.heard(&piece(ms(25)));
        }
        assert_eq!(line.waiting(), 0);
        let after = comes_after(&mut line, known);
        assert!(after.iter().all(|after| after.abs_diff(7) <= 1), "{after:?}");
    }

    #[test]
    fn what_is_left_out_of_the_stream_takes_its_time() {
        let mut line = Line::default();
        let mut stamp = Duration::ZERO;
        for number in 0..6 {
            // After the third, 300 ms are left out, and the fourth comes 30 ms late.
            let (left_out, late) = if number == 3 { (30, 3) } else { (0, 0) };
            for _ in 0..left_out + late {
                line.heard(&piece(None));
            }
            stamp += Duration::from_millis(10 * left_out);
            line.played(number, &Piece { stamp: Some(stamp), ..piece(None) });
            stamp += Duration::from_millis(10);
            line.heard(&piece(None));
        }
        let due: Vec<_> =
            line.waiting.iter().map(|(at, number)| (*number, (at - line.waiting[0].0) / 480)).collect();
        assert_eq!(due, [(3, 0), (4, 1), (5, 2)]);
        let since_the_first = line.waiting[0].0 - in_samples(USUAL - BEST);
        assert_eq!(since_the_first / 480, 33, "in step with what was before, not three later");
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
            line.played(number, &piece(None));
        }
        assert!(line.waiting() <= 50, "half a second is kept: {}", line.waiting());
        let due: Vec<_> = (0..100).flat_map(|_| line.heard(&piece(None))).collect();
        assert_eq!(due.last(), Some(&9_999), "the latest");
    }
}
