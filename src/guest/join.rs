//! The request `join`: sent on the way in, when host or broker come back, and again until it is answered.
//!
//! Invariant: a command `join_live` that waits here is settled once: when the host answers, when it does not, or when the room
//! is left.

use std::time::{Duration, Instant};

use super::contract::Timer;
use super::effects::{DONE, Effects};
use super::requests::ANSWER;
use crate::model::command::{Answer, Settled};
use crate::model::media::Ticket;
use crate::model::message::ToHost;
use crate::model::{Code, LiveId, Refusal, RequestId, User};

/// How long a room may take to be seen live before `join_live` fails.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// The longest first pause between unanswered joins; it doubles each time, and each is up to a quarter shorter at random.
const PAUSE: Duration = Duration::from_secs(2);

/// The longest pause between unanswered joins.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// News cause no second join within this time: a busy room publishes its state many times a second.
const QUIET: Duration = Duration::from_secs(1);

/// Pause before a join that has to wait for a goodbye.
const FAREWELL: Duration = Duration::from_millis(50);

/// Commands that may wait for one room.
const TICKETS_MAX: usize = 64;

/// Only a program just started takes up a seat and an application that the host kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstJoin {
    ToCome,
    Done,
}

/// The request `join` of the present room.
#[derive(Debug)]
pub(super) struct JoinRequest {
    /// Random id of this start of the program.
    session: String,
    first: FirstJoin,
    request: Option<RequestId>,
    sent_at: Option<Instant>,
    /// How many messages to hosts had been sent then.
    order: u64,
    pause: Duration,
    /// The commands `join_live` that wait.
    tickets: Vec<Ticket>,
    refused: Option<Refusal>,
}

impl JoinRequest {
    pub(super) fn new(session: String) -> Self {
        Self {
            session,
            first: FirstJoin::ToCome,
            request: None,
            sent_at: None,
            order: 0,
            pause: PAUSE,
            tickets: Vec::new(),
            refused: None,
        }
    }

    /// One more command waits for at most `patience`; what came later waits no longer than the first.
    ///
    /// # Errors
    /// Too many wait already.
    pub(super) fn wait(&mut self, now: Instant, patience: Duration, effects: &mut Effects) -> Settled {
        if self.tickets.len() >= TICKETS_MAX {
            return Err(Refusal::new(Code::RateLimited, "too many commands wait for this room"));
        }
        let ticket = effects.ticket();
        if self.tickets.is_empty() {
            effects.set_timer(now + patience, Timer::JoinLive);
        }
        self.tickets.push(ticket);
        Ok(Answer::Pending(ticket))
    }

    /// The room was seen live: commands wait for the host now.
    pub(super) fn wait_for_host(&self, now: Instant, effects: &mut Effects) {
        if !self.tickets.is_empty() {
            effects.set_timer(now + ANSWER, Timer::JoinLive);
        }
    }

    /// Sends `join`, and again after a pause until it is answered.
    pub(super) fn send(&mut self, now: Instant, live_id: LiveId, user: User, effects: &mut Effects) {
        let message = ToHost::Join { user, session: self.session.clone() };
        self.request = Some(effects.send(live_id, message));
        self.sent_at = Some(now);
        self.order = effects.messages_sent();
        let pause = effects.pause(self.pause);
        effects.set_timer(now + pause, Timer::Join);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    /// What is still to be said to a room that was left comes first: it may be the same room.
    pub(super) fn postpone(&self, now: Instant, effects: &mut Effects) {
        effects.set_timer(now + FAREWELL, Timer::Join);
    }

    /// The next pause is the shortest again.
    pub(super) fn restart_pauses(&mut self) {
        self.pause = PAUSE;
    }

    /// Whether news of the host have `join` sent now; if the last is too recent, it is sent later.
    pub(super) fn is_due_for_news(&self, now: Instant, effects: &mut Effects) -> bool {
        let rested = self.sent_at.map(|at| at + QUIET).filter(|at| *at > now);
        match (rested, effects.due_at(&Timer::Join)) {
            (None, _) => return true,
            (Some(at), Some(due)) if due <= at => {}
            (Some(at), Some(_) | None) => effects.set_timer(at, Timer::Join),
        }
        false
    }

    pub(super) fn was_sent_lately(&self, now: Instant) -> bool {
        self.sent_at.is_some_and(|at| now.saturating_duration_since(at) < QUIET)
    }

    /// How many messages had been sent to hosts when it was sent.
    pub(super) fn order(&self) -> u64 {
        self.order
    }

    pub(super) fn is_pending(&self) -> bool {
        self.request.is_some()
    }

    pub(super) fn is(&self, request_id: &RequestId) -> bool {
        self.request.as_ref() == Some(request_id)
    }

    /// The host lets the guest in; whether it is the first time since the program was started.
    pub(super) fn accepted(&mut self, effects: &mut Effects) -> FirstJoin {
        self.request = None;
        self.refused = None;
        self.pause = PAUSE;
        effects.cancel_timer(&Timer::Join);
        self.settle(&DONE, effects);
        std::mem::replace(&mut self.first, FirstJoin::Done)
    }

    /// The host limits requests: `join` is sent again after its pause.
    pub(super) fn rate_limited(&mut self) {
        self.request = None;
    }

    /// The host does not let the guest in; it is asked again after a pause.
    pub(super) fn refused(&mut self, refusal: Refusal, effects: &mut Effects) {
        self.request = None;
        self.settle(&Err(refusal.clone()), effects);
        self.refused = Some(refusal);
    }

    /// Settles the commands that wait.
    pub(super) fn settle(&mut self, settled: &Settled, effects: &mut Effects) {
        effects.cancel_timer(&Timer::JoinLive);
        for ticket in self.tickets.drain(..) {
            effects.settle(ticket, settled.clone());
        }
    }

    pub(super) fn take_tickets(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.tickets)
    }

    /// The host is gone, or its room has ended: an answer to the last `join` counts no longer.
    pub(super) fn interrupt(&mut self, effects: &mut Effects) {
        self.request = None;
        effects.cancel_timer(&Timer::Join);
    }

    /// The room is left.
    pub(super) fn clear(&mut self, effects: &mut Effects) {
        effects.cancel_timers(&[Timer::Join, Timer::JoinLive]);
        self.request = None;
        self.sent_at = None;
        self.pause = PAUSE;
        self.tickets.clear();
        self.refused = None;
    }

    /// Why the host did not let the guest in the last time.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }
}
