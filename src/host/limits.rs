//! How much one guest may say, and what it has said already.
//!
//! Invariant: both tables are bounded, whoever speaks.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::message::Outcome;
use crate::model::{RequestId, UserId};

/// Requests a second, and at once, of one guest (rule 17).
const REQUESTS: Rate = Rate { a_second: 20.0, burst: 40.0 };

/// Signals a second, and at once, of one guest (rule 17).
const SIGNALS: Rate = Rate { a_second: 50.0, burst: 100.0 };

/// Bytes of signals a second, and at once, of one guest (rule 17). An offer has 3 to 10 KiB, one of 64 KiB is the longest.
const SIGNAL_BYTES: Rate = Rate { a_second: 32.0 * 1024.0, burst: 192.0 * 1024.0 };

/// How long a request is known again by its id.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many answers are remembered in all: a room of 10,000 that joins at once, twice.
const ANSWERS_MAX: usize = 20_000;

/// How many speakers are told apart before those who have been quiet are forgotten.
const SPEAKERS_MAX: usize = 20_000;

#[derive(Clone, Copy)]
struct Rate {
    a_second: f64,
    burst: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self { left: rate.burst, at: now }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * rate.a_second).min(rate.burst);
        self.at = now;
    }

    fn take(&mut self, rate: Rate, now: Instant, amount: f64) -> Allowance {
        self.refill(rate, now);
        if self.left < amount {
            return Allowance::Spent;
        }
        self.left -= amount;
        Allowance::Given
    }
}

/// Whether one more is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    Given,
    Spent,
}

#[derive(Debug, Default)]
pub(super) struct Limits {
    speakers: HashMap<UserId, Buckets>,
}

/// What one speaker has left.
#[derive(Debug)]
struct Buckets {
    requests: Bucket,
    signals: Bucket,
    bytes: Bucket,
}

impl Limits {
    pub(super) fn request(&mut self, who: &UserId, now: Instant) -> Allowance {
        self.buckets(who, now).map_or(Allowance::Spent, |buckets| buckets.requests.take(REQUESTS, now, 1.0))
    }

    /// One signal with so many bytes in it.
    pub(super) fn signal(&mut self, who: &UserId, bytes: usize, now: Instant) -> Allowance {
        let Some(buckets) = self.buckets(who, now) else { return Allowance::Spent };
        match buckets.signals.take(SIGNALS, now, 1.0) {
            Allowance::Given => buckets.bytes.take(SIGNAL_BYTES, now, bytes as f64),
            Allowance::Spent => Allowance::Spent,
        }
    }

    /// `None` when so many others speak at this moment that there is no room for one more.
    fn buckets(&mut self, who: &UserId, now: Instant) -> Option<&mut Buckets> {
        if !self.speakers.contains_key(who) {
            if self.speakers.len() >= SPEAKERS_MAX {
                self.forget_quiet(now);
            }
            if self.speakers.len() >= SPEAKERS_MAX {
                return None;
            }
            let buckets = Buckets {
                requests: Bucket::full(REQUESTS, now),
                signals: Bucket::full(SIGNALS, now),
                bytes: Bucket::full(SIGNAL_BYTES, now),
            };
            self.speakers.insert(who.clone(), buckets);
        }
        self.speakers.get_mut(who)
    }

    /// A speaker whose buckets are full again is as good as a new one.
    fn forget_quiet(&mut self, now: Instant) {
        self.speakers.retain(|_, Buckets { requests, signals, bytes }| {
            [(requests, REQUESTS), (signals, SIGNALS), (bytes, SIGNAL_BYTES)].into_iter().any(
                |(bucket, rate)| {
                    bucket.refill(rate, now);
                    bucket.left < rate.burst
                },
            )
        });
    }
}

/// The answers of the last minute, by guest and request.
#[derive(Debug, Default)]
pub(super) struct Answers {
    order: VecDeque<(Instant, UserId, RequestId)>,
    answers: HashMap<(UserId, RequestId), Outcome>,
}

impl Answers {
    pub(super) fn given(&mut self, who: &UserId, request: &RequestId, now: Instant) -> Option<&Outcome> {
        self.forget(now, ANSWERS_MAX);
        self.answers.get(&(who.clone(), request.clone()))
    }

    pub(super) fn remember(&mut self, who: &UserId, request: RequestId, outcome: Outcome, now: Instant) {
        self.forget(now, ANSWERS_MAX - 1);
        self.order.push_back((now, who.clone(), request.clone()));
        self.answers.insert((who.clone(), request), outcome);
    }

    fn forget(&mut self, now: Instant, most: usize) {
        while let Some((at, ..)) = self.order.front() {
            if now.saturating_duration_since(*at) < REMEMBERED && self.order.len() <= most {
                break;
            }
            if let Some((_, who, request)) = self.order.pop_front() {
                self.answers.remove(&(who, request));
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a test begins at some time")]
#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `count` signals of so many bytes, one each 20 ms, are allowed.
    fn allowed(bytes: usize, count: u32) -> usize {
        let (mut limits, start) = (Limits::default(), Instant::now());
        let guest = UserId::try_from("ada".to_owned()).expect("a good id");
        let at = |n| start + Duration::from_millis(20) * n;
        (0..count).filter(|n| limits.signal(&guest, bytes, at(*n)) == Allowance::Given).count()
    }

    #[test]
    fn signals_are_bounded_by_their_bytes_too() {
        assert_eq!(allowed(200, 500), 500, "candidates, fifty a second");
        assert_eq!(allowed(8 * 1024, 20), 20, "a reload now and then");
        let ten_seconds_of_the_longest = allowed(58 * 1024, 500);
        assert!((7..=9).contains(&ten_seconds_of_the_longest), "{ten_seconds_of_the_longest}");
    }

    #[test]
    fn a_quiet_speaker_is_forgotten_and_a_loud_one_is_not() {
        let (mut limits, start) = (Limits::default(), Instant::now());
        let [quiet, loud] = ["ada", "bob"].map(|id| UserId::try_from(id.to_owned()).expect("a good id"));
        limits.signal(&quiet, 10, start);
        let later = start + Duration::from_secs(1);
        limits.signal(&loud, 100 * 1024, later);
        limits.forget_quiet(later);
        assert!(limits.speakers.contains_key(&loud) && !limits.speakers.contains_key(&quiet));
    }
}
