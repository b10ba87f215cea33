//! One seat's sound on its way into the mix: a ring that is written by time stamp and read by the mixing clock.
//!
//! The clock of whoever sends is another one than that of the mix: the reader follows it by a slow resampling of 0.5 % at most, so
//! that nothing has to be left out or said twice. A pause (DTX, a restart, a jump of the stamps) begins a new segment, which is read from
//! its own time on. Where nothing is there in time the reader fades out and waits; what comes late is read later, up to
//! [`LONGEST_LAG`], and the delay this adds is worked off by resampling.
//!
//! Invariants: time stamps that are further from the clock than [`PAST`] or [`AHEAD`] are not believed; nothing is written over what
//! is still to be read; every edge is faded.

use std::collections::VecDeque;

use super::{BLOCK, Block, FADE, RATE};
use crate::model::sound::Audible;

/// Samples the ring holds, 683 ms: [`AHEAD`] and a buffer on top, [`DELAY`], and [`LONGEST_LAG`] behind it.
const CAPACITY: usize = 1 << 15;
/// From the time stamp of a sample to its place in the mix, 60 ms: two packets of 20 ms (one that is being filled, one that in-band
/// FEC holds back), and one for jitter and the scheduler.
const DELAY: f64 = 2_880.0;
/// Later than this nothing is played, 120 ms more: as long as the jitter buffer waits for a lost packet.
const LONGEST_LAG: f64 = 5_760.0;
/// A stamp is believed when it is at most so far in the past, 1 s.
const PAST: i64 = 48_000;
/// … or in the future, 200 ms.
const AHEAD: i64 = 9_600;
/// A stamp within 9 ms of where the last buffer ended goes on from there: less than the shortest packet that may be missing.
const CONTIGUOUS: f64 = 432.0;
/// Share of a stamp's deviation that is taken over, at 50 buffers a second within 1.3 s.
const FOLLOW: f64 = 1.0 / 64.0;
/// Of one buffer no more is taken: 120 ms, the longest packet of Opus.
const LONGEST_BUFFER: usize = 5_760;
/// Pauses within what the ring holds.
const MOST_SEGMENTS: usize = 32;
/// The most that the reader is faster or slower than the clock; inaudible.
const STRETCH: f64 = 0.005;
/// Time in which a deviation is worked off, in samples (2 s), as far as [`STRETCH`] lets it.
const SETTLING: f64 = 2.0 * RATE as f64;
/// What was added to the delay because sound came late is taken back so fast: 4 ms a second, which [`STRETCH`] can follow.
const RECOVERY: f64 = 0.004 * BLOCK as f64;
/// Samples beside the one that is interpolated.
const MARGIN: f64 = 2.0;

/// Sound without a pause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Index of its first sample.
    first: u64,
    /// Index behind its last.
    end: u64,
    /// Index minus time, smoothed: where in the ring a moment is.
    offset: f64,
}

/// The ring and its reader.
#[derive(Debug)]
pub struct Input {
    ring: Box<[i16]>,
    /// Index behind the last sample.
    written: u64,
    /// Oldest first; the first is what is read. The last stays, so that what follows it is known as such.
    pub(super) segments: VecDeque<Segment>,
    /// Where the reader is, as an index.
    position: f64,
    /// Indices for each sample of the mix.
    pace: f64,
    gain: f32,
    /// Whether it fades out to go on somewhere else.
    is_leaving: bool,
    /// Delay beside [`DELAY`], because sound came late.
    pub(super) lag: f64,
    reading: bool,
}

impl Input {
    /// Silence.
    pub fn new() -> Self {
        Self {
            ring: vec![0; CAPACITY].into_boxed_slice(),
            written: 0,
            segments: VecDeque::new(),
            position: 0.0,
            pace: 1.0,
            lag: 0.0,
            reading: false,
            gain: 0.0,
            is_leaving: false,
        }
    }

    /// Takes a buffer of samples whose first is of the moment `stamp`; it is `now`.
    pub fn write(&mut self, now: i64, stamp: i64, samples: &[i16]) {
        let is_believed = (now.saturating_sub(PAST)..=now.saturating_add(AHEAD)).contains(&stamp);
        let time = if is_believed { stamp } else { now } as f64;
        let samples = &samples[..samples.len().min(LONGEST_BUFFER)];
        let expected = self.segments.back().map(|last| last.end as f64 - last.offset);
        match (self.segments.back_mut(), expected.map(|expected| time - expected)) {
            (Some(last), Some(deviation)) if deviation.abs() <= CONTIGUOUS => {
                last.offset -= deviation * FOLLOW;
            }
            // What is of a moment that is there already came too late.
            (Some(_), Some(deviation)) if deviation < 0.0 => return,
            (Some(_) | None, _) => {
                if self.segments.len() == MOST_SEGMENTS {
                    return;
                }
                let (first, end) = (self.written, self.written);
                self.segments.push_back(Segment { first, end, offset: self.written as f64 - time });
                if self.segments.len() == 1 {
                    self.position = first as f64;
                }
            }
        }
        for sample in samples {
            self.ring[place(self.written)] = *sample;
            self.written += 1;
        }
        if let Some(last) = self.segments.back_mut() {
            last.end = self.written;
        }
    }

    /// The sound of the 20 ms from `now` on, as of [`DELAY`] ago; `None` where it is silent.
    pub fn read(&mut self, now: i64, audible: Audible) -> Option<Block> {
        let from = now as f64 - DELAY;
        self.lag = (self.lag - RECOVERY).max(0.0);
        self.follow(from);
        let mut block = [0; BLOCK];
        if self.is_steady(audible) {
            self.go_on(&mut block);
            return Some(block);
        }
        let mut is_silent = true;
        for (at, out) in block.iter_mut().enumerate() {
            if let Some(sample) = self.next(from + at as f64, audible) {
                is_silent = false;
                *out = sample.round() as i16;
            }
        }
        (!is_silent).then_some(block)
    }

    /// Whether a whole block is there, without an edge in it: nearly always.
    fn is_steady(&self, audible: Audible) -> bool {
        let needed = BLOCK as f64 * (1.0 + STRETCH) + FADE as f64 + MARGIN;
        let is_there = |segment: &Segment| segment.end as f64 - self.position > needed;
        self.reading
            && !self.is_leaving
            && self.gain == 1.0
            && audible == Audible::Yes
            && self.segments.front().is_some_and(is_there)
    }

    fn go_on(&mut self, block: &mut Block) {
        let first = self.segments.front().map_or(0, |segment| segment.first);
        for out in block {
            *out = self.at(self.position, first).round() as i16;
            self.position += self.pace;
        }
    }

    /// Follows the sender's clock, or leaves where it is far behind.
    fn follow(&mut self, time: f64) {
        let Some(segment) = self.segments.front().filter(|_| self.reading) else { return };
        let behind = time + segment.offset - self.position;
        self.is_leaving |= behind > LONGEST_LAG + CONTIGUOUS;
        self.pace = 1.0 + ((behind - self.lag) / SETTLING).clamp(-STRETCH, STRETCH);
    }

    /// The sample for this moment, if one is there. Its gain never rises or falls by more than 1/[`FADE`], and is what is left of
    /// the segment at most: an end is faded out before it comes.
    fn next(&mut self, time: f64, audible: Audible) -> Option<f32> {
        loop {
            let segment = *self.segments.front()?;
            if !self.reading && self.is_missed(&segment, time + segment.offset) {
                if self.segments.len() == 1 {
                    return None;
                }
                self.turn_to_next();
                continue;
            }
            if !self.reading && !self.begin(time + segment.offset) {
                return None;
            }
            let left = segment.end as f64 - MARGIN - self.position;
            if left > 0.0 {
                return self.step(time + segment.offset, left, segment, audible);
            }
            self.reading = false;
            if self.segments.len() == 1 {
                return None;
            }
            self.turn_to_next();
        }
    }

    fn turn_to_next(&mut self) {
        self.segments.pop_front();
        self.position = self.segments.front().map_or(0.0, |next| next.first as f64);
    }

    /// Whether what is left of it is a single packet that came when it was over. A decoder that takes lost packets from those after them gives the last
    /// one before a pause only when the pause ends: it is not worth a delay of all that follows.
    fn is_missed(&self, segment: &Segment, due: f64) -> bool {
        let end = segment.end as f64;
        end - self.position <= BLOCK as f64 + 2.0 * MARGIN && end <= due - self.lag
    }

    /// Begins to read when it is time; at `due` is what would be heard without any lag.
    fn begin(&mut self, due: f64) -> bool {
        if self.position > due - self.lag {
            return false;
        }
        self.position = self.position.max(due - LONGEST_LAG);
        self.lag = self.lag.max(due - self.position);
        (self.reading, self.is_leaving, self.gain, self.pace) = (true, false, 0.0, 1.0);
        true
    }

    fn step(&mut self, due: f64, left: f64, segment: Segment, audible: Audible) -> Option<f32> {
        let fade = 1.0 / FADE as f32;
        self.gain = match audible {
            Audible::Yes if !self.is_leaving => (self.gain + fade).min(1.0),
            Audible::Yes | Audible::No => (self.gain - fade).max(0.0),
        };
        self.gain = self.gain.min(left as f32 * fade);
        let sample = self.at(self.position, segment.first) * self.gain;
        self.position += self.pace;
        if self.is_leaving && self.gain == 0.0 {
            self.reading = false;
            self.position = due - self.lag;
        }
        (self.gain > 0.0).then_some(sample)
    }

    /// Interpolated by a cubic through four samples (Catmull-Rom); `first` is the first there is.
    fn at(&self, position: f64, first: u64) -> f32 {
        let index = position as u64;
        let t = (position - index as f64) as f32;
        let a = f32::from(self.ring[place(index.saturating_sub(1).max(first))]);
        let b = f32::from(self.ring[place(index)]);
        let c = f32::from(self.ring[place(index + 1)]);
        let d = f32::from(self.ring[place(index + 2)]);
        let cubic =
            b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)));
        cubic.clamp(f32::from(i16::MIN), f32::from(i16::MAX))
    }
}

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}

fn place(index: u64) -> usize {
    index as usize & (CAPACITY - 1)
}
