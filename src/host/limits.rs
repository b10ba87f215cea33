//! How much one guest may say (docs/protocol.md, *Limits*).
//!
//! Invariant: the table is bounded, whoever speaks.

use std::collections::HashMap;
use std::time::Instant;

use crate::model::UserId;
use crate::model::message::SignalBody;

/// Requests a second, and at once, of one guest.
const REQUESTS: RateLimit = RateLimit { a_second: 20.0, burst: 40.0 };

/// Signals a second, and at once, of one guest.
const SIGNALS: RateLimit = RateLimit { a_second: 50.0, burst: 100.0 };

/// Bytes of signals a second, and at once, of one guest. An offer has 3 to 10 KiB, one of 64 KiB is the longest.
const SIGNAL_BYTES: RateLimit = RateLimit { a_second: 32.0 * 1024.0, burst: 192.0 * 1024.0 };

/// How many speakers are told apart before those who have been quiet are forgotten.
const SPEAKERS_MAX: usize = 20_000;

#[derive(Clone, Copy)]
struct RateLimit {
    a_second: f64,
    burst: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: RateLimit, now: Instant) -> Self {
        Self { left: rate.burst, at: now }
    }

    fn refill(&mut self, rate: RateLimit, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * rate.a_second).min(rate.burst);
        self.at = now;
    }

    fn take(&mut self, rate: RateLimit, now: Instant, amount: f64) -> Allowance {
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
pub(super) struct GuestLimits {
    speakers: HashMap<UserId, Buckets>,
}

/// What one speaker has left.
#[derive(Debug)]
struct Buckets {
    requests: Bucket,
    signals: Bucket,
    bytes: Bucket,
}

impl GuestLimits {
    pub(super) fn request(&mut self, who: &UserId, now: Instant) -> Allowance {
        self.buckets(who, now).map_or(Allowance::Spent, |buckets| buckets.requests.take(REQUESTS, now, 1.0))
    }

    /// `None` for something that is no signal.
    pub(super) fn signal(&mut self, who: &UserId, signal: Option<&SignalBody>, now: Instant) -> Allowance {
        self.signal_bytes(who, signal.map_or(0, weight), now)
    }

    fn signal_bytes(&mut self, who: &UserId, bytes: usize, now: Instant) -> Allowance {
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

/// The bytes in a signal that cost something later.
fn weight(body: &SignalBody) -> usize {
    match body {
        SignalBody::Description(description) => description.sdp.len(),
        SignalBody::Candidate(candidate) => candidate.as_ref().map_or(0, |ice| ice.candidate.len()),
        SignalBody::Bye(reason) => reason.as_ref().map_or(0, |reason| reason.as_str().len()),
    }
}

#[allow(clippy::disallowed_methods, reason = "a test begins at some time")]
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// How many of `count` signals of so many bytes, one each 20 ms, are allowed.
    fn allowed(bytes: usize, count: u32) -> usize {
        let (mut limits, start) = (GuestLimits::default(), Instant::now());
        let guest = UserId::try_from("ada".to_owned()).expect("a good id");
        let at = |n| start + Duration::from_millis(20) * n;
        (0..count).filter(|n| limits.signal_bytes(&guest, bytes, at(*n)) == Allowance::Given).count()
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
        let (mut limits, start) = (GuestLimits::default(), Instant::now());
        let [quiet, loud] = ["ada", "bob"].map(|id| UserId::try_from(id.to_owned()).expect("a good id"));
        limits.signal_bytes(&quiet, 10, start);
        let later = start + Duration::from_secs(1);
        limits.signal_bytes(&loud, 100 * 1024, later);
        limits.forget_quiet(later);
        assert!(limits.speakers.contains_key(&loud) && !limits.speakers.contains_key(&quiet));
    }
}
