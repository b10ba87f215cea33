//! The answers that guests were given: a request that comes twice is answered as the first time, and changes nothing.
//!
//! Invariant: the table is bounded, whoever asks.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::message::Outcome;
use crate::model::{RequestId, UserId};

/// How long a request is known again by its id.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many answers are remembered in all: a room of 10,000 that joins at once, twice.
const ANSWERS_MAX: usize = 20_000;

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
