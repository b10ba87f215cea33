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

    fn take(&mut self, rate: Rate, now: Instant) -> Allowance {
        self.refill(rate, now);
        if self.left < 1.0 {
            return Allowance::Spent;
        }
        self.left -= 1.0;
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
    speakers: HashMap<UserId, (Bucket, Bucket)>,
}

impl Limits {
    pub(super) fn request(&mut self, who: &UserId, now: Instant) -> Allowance {
        self.buckets(who, now).map_or(Allowance::Spent, |(requests, _)| requests.take(REQUESTS, now))
    }

    pub(super) fn signal(&mut self, who: &UserId, now: Instant) -> Allowance {
        self.buckets(who, now).map_or(Allowance::Spent, |(_, signals)| signals.take(SIGNALS, now))
    }

    /// `None` when so many others speak at this moment that there is no room for one more.
    fn buckets(&mut self, who: &UserId, now: Instant) -> Option<&mut (Bucket, Bucket)> {
        if !self.speakers.contains_key(who) {
            if self.speakers.len() >= SPEAKERS_MAX {
                self.forget_quiet(now);
            }
            if self.speakers.len() >= SPEAKERS_MAX {
                return None;
            }
            self.speakers.insert(who.clone(), (Bucket::full(REQUESTS, now), Bucket::full(SIGNALS, now)));
        }
        self.speakers.get_mut(who)
    }

    /// A speaker whose buckets are full again is as good as a new one.
    fn forget_quiet(&mut self, now: Instant) {
        self.speakers.retain(|_, (requests, signals)| {
            requests.refill(REQUESTS, now);
            signals.refill(SIGNALS, now);
            requests.left < REQUESTS.burst || signals.left < SIGNALS.burst
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
