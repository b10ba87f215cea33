//! The delay line between speaker and canceller: what was played, in step with what is heard.
//!
//! The canceller is given as much of what was played as the microphone gives, sample by sample, and silence where nothing was played: it
//! counts what it is given on either side, and what comes in lumps sets it back. The one of `libwebrtc-audio-processing` 0.3 (Debian 12)
//! finds no delay by itself: it cancels what is heard 5 to 50 ms after it was given. A speaker that holds 80 ms in its card's buffer and a
//! microphone that is read every 20 ms make about 100 ms. So the sound is held back by what is more than [`BEST`]. When the speaker plays
//! what it is given, and when the microphone heard what it gives, say the stamps of their own pipelines; what they do not tell finds
//! `likeness`. Later libraries find the delay themselves, and take this for a short one.
//!
//! Both cards work through their samples one after the other, whereas threads, packets and stamps come now sooner, now later: so what
//! follows in sound follows here, and only when most of the last stamps say otherwise it is set anew.
//!
//! Invariants: time here is counted in what the microphone gives, so that one that stands still is not run over; what comes too late is
//! given later, never left out; a little more than [`MOST`] is held at most.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::delay_estimator::{self, DelayEstimator};

/// After so long the canceller expects an echo: early in what it can do, for a room goes on sounding.
const BEST: Duration = Duration::from_millis(20);
/// How long a sound takes from the speaker to the microphone, as long as that is not measured.
const USUAL: Duration = Duration::from_millis(105);
/// Longer than any card takes: what is measured beyond is an error of stamps.
const MOST: Duration = Duration::from_millis(500);
/// Off by so much, it is set anew: the canceller has to learn then.
const OFF: Duration = Duration::from_millis(15);
/// What was found by likeness is more certain.
const NEAR: Duration = Duration::from_millis(10);
/// Stamps of what follows in sound may be off by this, for they are rounded and mended.
const JITTER: Duration = Duration::from_millis(5);
/// Measurements of which most must say so; a thread that is held up for a moment spoils some.
const LAST: usize = 32;

/// A piece of sound.
#[derive(Debug, Default)]
pub struct AudioBlock {
    /// Its samples, of all channels together.
    pub sound: Vec<i16>,
    /// When the speaker plays it, or the microphone heard it; `None` when that is not known.
    pub at: Option<Instant>,
    /// Its place in the stream, likewise.
    pub stamp: Option<Duration>,
}

/// Holds what is played until it is to be compared.
#[derive(Debug, Default)]
pub struct DelayLine {
    /// What is to be compared with what the microphone gives next.
    waiting: VecDeque<i16>,
    /// Samples that the microphone has given.
    now: i64,
    /// When this began; times are counted from here.
    begun: Option<Instant>,
    /// When the microphone heard the first of its samples, as far as it does not stand still.
    heard: Option<i64>,
    /// When what is played next is due if it follows what was played last.
    next: Option<i64>,
    /// Where in the stream that is.
    stamp: Option<i64>,
    /// By how much `next` was too early by the last stamps.
    early: VecDeque<i64>,
    likeness: DelayEstimator,
    /// How much longer it takes than stamps say.
    longer: i64,
}

impl DelayLine {
    /// The speaker is given this.
    pub fn played(&mut self, now: Instant, piece: &AudioBlock) {
        self.pause(piece.stamp);
        let takes = match self.time(now, piece.at).zip(self.heard) {
            Some((plays, heard)) => plays - heard - self.now,
            None => in_samples(USUAL),
        };
        let due = self.due(self.now + takes + self.longer - in_samples(BEST));
        let due = due.clamp(self.now, self.now + in_samples(MOST));
        self.likeness.played(due, &delay_estimator::power(&piece.sound));
        self.hold(due, &piece.sound);
        let samples = count(piece.sound.len());
        self.next = Some(due + samples);
        self.stamp = piece.stamp.map(|stamp| in_samples(stamp) + samples);
    }

    /// It waits from then on, in place of what waited there.
    fn hold(&mut self, due: i64, sound: &[i16]) {
        let Ok(from) = usize::try_from(due - self.now) else { return };
        let until = from + sound.len();
        self.waiting.resize(self.waiting.len().max(until), 0);
        for (place, sample) in self.waiting.range_mut(from..until).zip(sound) {
            *place = *sample;
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
        if early.abs() > in_samples(MOST) {
            // There was a pause.
            self.early.clear();
            self.likeness = DelayEstimator::default();
            return at;
        }
        self.early.truncate(LAST - 1);
        self.early.push_front(early);
        let off = median(&self.early);
        if off.abs() <= in_samples(OFF) {
            return next;
        }
        tracing::debug!("what is played is heard {} ms later than before", off / 48);
        self.early.iter_mut().for_each(|early| *early -= off);
        self.likeness = DelayEstimator::default();
        next + off
    }

    /// The microphone gives this; what is to be compared with it, as much. Nothing, as long as nothing was ever played.
    pub fn heard(&mut self, now: Instant, piece: &AudioBlock) -> Vec<i16> {
        if let Some(comes) = self.likeness.heard(self.now, &delay_estimator::power(&piece.sound)) {
            self.found(comes);
        }
        if let Some(heard) = self.time(now, piece.at) {
            self.heard = Some(heard - self.now);
        }
        self.now += count(piece.sound.len());
        if self.next.is_none() {
            return Vec::new();
        }
        let due = piece.sound.len().min(self.waiting.len());
        let silence = std::iter::repeat_n(0, piece.sound.len() - due);
        self.waiting.drain(..due).chain(silence).collect()
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
        self.likeness = DelayEstimator::default();
    }

    /// In samples since this began; `None` for what no card takes.
    fn time(&mut self, now: Instant, at: Option<Instant>) -> Option<i64> {
        let at = at.filter(|at| at.max(&now).duration_since(*at.min(&now)) <= MOST)?;
        let begun = *self.begun.get_or_insert(now);
        let [after, before] = [(at, begun), (begun, at)].map(|(to, from)| to.saturating_duration_since(from));
        Some(in_samples(after) - in_samples(before))
    }

    /// How many samples are held.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

fn median(of: &VecDeque<i64>) -> i64 {
    let mut sorted: Vec<_> = of.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn count(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
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
    const TEN: Duration = Duration::from_millis(10);

    /// All samples of it are the number.
    fn piece(number: usize, at: Option<Instant>) -> AudioBlock {
        let sound = vec![i16::try_from(number).expect("a small number"); STEP];
        AudioBlock { sound, at, stamp: None }
    }

    fn ms(milliseconds: u64) -> Option<Duration> {
        Some(Duration::from_millis(milliseconds))
    }

    /// How many samples later than it is played comes out what is played for two seconds, with these stamps.
    fn comes_after(
        line: &mut DelayLine,
        begun: Instant,
        stamps: impl Fn(usize) -> [Option<Duration>; 2],
    ) -> Vec<usize> {
        let mut heard = Vec::new();
        for at in 0..200_u32 {
            let [until, since] = stamps(at as usize);
            let now = begun + at * TEN;
            line.played(now, &piece(at as usize + 1, until.and_then(|until| now.checked_add(until))));
            heard.extend(line.heard(now, &piece(0, since.and_then(|since| now.checked_sub(since)))));
        }
        let first = |number| heard.iter().position(|sample| usize::try_from(*sample) == Ok(number));
        (0..150).map(|at| first(at + 1).map_or(usize::MAX, |place| place - at * STEP)).collect()
    }

    #[test]
    fn it_is_held_as_long_as_the_cards_take_but_for_what_the_canceller_expects() {
        assert_eq!(
            comes_after(&mut DelayLine::default(), Instant::now(), |_| [None, None]),
            [85 * 48; 150],
            "nothing is known"
        );
        for (until, since, held) in [(80, 25, 85), (20, 10, 10), (150, 45, 175), (5, 5, 0)] {
            let after = comes_after(&mut DelayLine::default(), Instant::now(), |_| [ms(until), ms(since)]);
            assert_eq!(after[100..], [held * 48; 50], "{until}, {since}");
        }
    }

    #[test]
    fn the_canceller_is_given_as_much_as_the_microphone_gives() {
        let mut line = DelayLine::default();
        let now = Instant::now();
        let heard = |samples| AudioBlock { sound: vec![0; samples], ..AudioBlock::default() };
        assert_eq!(line.heard(now, &heard(960)), [0; 0], "nothing was played yet");
        line.played(now, &piece(7, None));
        let mut given: Vec<i16> = Vec::new();
        for samples in [960, 441, 1024, 1, 4800] {
            let piece = line.heard(now, &heard(samples));
            assert_eq!(piece.len(), samples);
            given.extend(piece);
        }
        let held = 85 * 48;
        assert_eq!(given[held..held + STEP], [7; STEP]);
        assert!(given[..held].iter().chain(&given[held + STEP..]).all(|sample| *sample == 0), "else silence");
    }

    #[test]
    fn stamps_that_come_now_sooner_now_later_tear_nothing_apart() {
        let after = comes_after(&mut DelayLine::default(), Instant::now(), |at| {
            [ms(60 + 40 * (at as u64 * 7 % 3 / 2)), ms(25)]
        });
        assert!(after[20..].windows(2).all(|two| two[0] == two[1]), "{after:?}");
    }

    #[test]
    fn a_thread_that_is_held_up_for_a_moment_changes_nothing() {
        for held_up in [[true, false], [false, true], [true, true]] {
            // A tenth of a second: what is played then is handed on late, or what is heard was stamped late.
            let late = |at| if (60..70).contains(&at) { 100 } else { 0 };
            let after = comes_after(&mut DelayLine::default(), Instant::now(), |at| {
                [
                    ms(80 + if held_up[0] { late(at) } else { 0 }),
                    ms(125 - if held_up[1] { late(at) } else { 0 }),
                ]
            });
            assert_eq!(after[10..], [185 * 48; 140], "{held_up:?}");
        }
    }

    #[test]
    fn what_takes_longer_from_now_on_is_held_longer() {
        let after = comes_after(&mut DelayLine::default(), Instant::now(), |at| {
            [ms(if at < 80 { 80 } else { 140 }), ms(25)]
        });
        assert_eq!(after[..80], [85 * 48; 80]);
        assert_eq!(after[100..], [145 * 48; 50]);
    }

    #[test]
    fn of_what_comes_late_nothing_is_left_out() {
        let (mut line, begun) = (DelayLine::default(), Instant::now());
        let mut given = Vec::new();
        for at in 0..100_u32 {
            let now = begun + at * TEN;
            line.played(now, &piece(usize::try_from(at + 1).expect("few"), Some(now)));
            // The microphone is read every 30 ms, and it is near.
            if at % 3 == 2 {
                let heard = AudioBlock { sound: vec![0; 3 * STEP], at: Some(now - 3 * TEN), stamp: None };
                given.extend(line.heard(now, &heard));
            }
        }
        // Until then it was held as long as is usual.
        for number in 30..=90 {
            assert_eq!(given.iter().filter(|sample| **sample == number).count(), STEP, "{number}");
        }
    }

    #[test]
    fn after_a_pause_it_is_held_as_long_as_before() {
        let (mut line, begun) = (DelayLine::default(), Instant::now());
        let known = |_| [ms(80), ms(25)];
        comes_after(&mut line, begun, known);
        for at in 200..500 {
            let now = begun + at * TEN;
            line.heard(now, &piece(0, now.checked_sub(Duration::from_millis(25))));
        }
        assert_eq!(line.waiting(), 0);
        let after = comes_after(&mut line, begun + Duration::from_secs(5), known);
        assert_eq!(after, [85 * 48; 150]);
    }

    #[test]
    fn what_is_left_out_of_the_stream_takes_its_time() {
        let (mut line, now) = (DelayLine::default(), Instant::now());
        let mut stamp = Duration::ZERO;
        let mut given = Vec::new();
        for number in 0..43 {
            // Before the last three, 300 ms are left out, and they come 30 ms late.
            let (left_out, late) = if number == 40 { (30, 3) } else { (0, 0) };
            for _ in 0..left_out + late {
                given.extend(line.heard(now, &piece(0, None)));
            }
            stamp += Duration::from_millis(10 * left_out);
            line.played(now, &AudioBlock { stamp: Some(stamp), ..piece(number + 1, None) });
            stamp += Duration::from_millis(10);
            given.extend(line.heard(now, &piece(0, None)));
        }
        given.extend((0..20).flat_map(|_| line.heard(now, &piece(0, None))));
        let steps: Vec<usize> =
            (38..=43).filter_map(|number| given.iter().position(|sample| *sample == number)).collect();
        let first = 85 * 48;
        let expected = [37, 38, 39, 70, 71, 72].map(|step| first + step * STEP);
        assert_eq!(steps, expected, "in step with what was before, not three later");
    }

    #[test]
    fn a_stamp_that_makes_no_sense_changes_nothing() {
        for odd in [Some(Duration::MAX), ms(3_600_000), None] {
            let stamps = |at| if at == 50 { [odd; 2] } else { [ms(80), ms(25)] };
            let after = comes_after(&mut DelayLine::default(), Instant::now(), stamps);
            assert_eq!(after, [85 * 48; 150], "{odd:?}");
        }
    }

    #[test]
    fn a_microphone_that_stands_still_is_not_run_over() {
        let (mut line, now) = (DelayLine::default(), Instant::now());
        for number in 0..10_000 {
            line.played(now, &piece(number, None));
        }
        assert!(line.waiting() <= 48 * 600, "half a second is kept: {}", line.waiting());
        let given: Vec<i16> = (0..100).flat_map(|_| line.heard(now, &piece(0, None))).collect();
        assert!(given.contains(&9_999), "the latest");
    }
}
