//! Requests to the host that wait for an answer, and those given up whose answer may still come.
//!
//! Invariant: a request ends once: answered, given up after [`ANSWER`], or with the room.
//!
//! Not here: `join`, which is repeated until it is answered (`join.rs`).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::contract::Timer;
use super::effects::Effects;
use crate::model::command::{Answer, Settled};
use crate::model::media::Ticket;
use crate::model::message::{Application, Devices, Outcome, ToHost};
use crate::model::{Code, InvitationId, LiveId, Media, Refusal, RequestId};

/// How long a host may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// Requests that may wait for an answer at once.
const REQUESTS_MAX: usize = 64;

/// Requests given up that are remembered for a late answer.
const LATE_MAX: usize = 16;

/// What a request is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Purpose {
    Apply(Application),
    CancelApplication,
    Accept {
        invitation_id: InvitationId,
        /// When it was accepted; `None` once the command was told that it failed.
        at: Option<Instant>,
    },
    Reject(InvitationId),
    LeaveSeat,
    Devices(Devices),
}

impl Purpose {
    fn message(&self) -> ToHost {
        match self.clone() {
            Self::Apply(application) => ToHost::Apply(application),
            Self::CancelApplication => ToHost::CancelApplication,
            Self::Accept { invitation_id, .. } => ToHost::AcceptInvitation { invitation_id },
            Self::Reject(invitation_id) => ToHost::RejectInvitation { invitation_id },
            Self::LeaveSeat => ToHost::LeaveSeat,
            Self::Devices(devices) => ToHost::Devices(devices),
        }
    }
}

/// The answer to a request; the ticket is settled after its consequences.
pub(super) struct RequestAnswer {
    pub(super) purpose: Purpose,
    pub(super) ticket: Option<Ticket>,
    pub(super) result: Result<(), Refusal>,
}

/// Whether the host was asked to take or to cancel an application, and has not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApplicationRequest {
    None,
    Pending,
}

#[derive(Debug)]
struct Request {
    request_id: RequestId,
    live_id: LiveId,
    purpose: Purpose,
    /// `None` if no command waits for it.
    ticket: Option<Ticket>,
    /// How many messages to hosts had been sent with it.
    order: u64,
}

/// The requests of this guest, oldest first.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pending: Vec<Request>,
    late: VecDeque<Request>,
}

impl Requests {
    /// Sends a request on nobody's behalf.
    pub(super) fn send(&mut self, now: Instant, live_id: LiveId, purpose: Purpose, effects: &mut Effects) {
        self.push(now, live_id, purpose, None, effects);
    }

    /// Sends a request for a command, which waits for the answer.
    ///
    /// # Errors
    /// Too many wait already.
    pub(super) fn command(
        &mut self,
        now: Instant,
        live_id: LiveId,
        purpose: Purpose,
        effects: &mut Effects,
    ) -> Settled {
        if self.pending.len() >= REQUESTS_MAX {
            return Err(Refusal::new(Code::RateLimited, "too many requests wait for the host's answer"));
        }
        let ticket = effects.ticket();
        self.push(now, live_id, purpose, Some(ticket), effects);
        Ok(Answer::Pending(ticket))
    }

    fn push(
        &mut self,
        now: Instant,
        live_id: LiveId,
        purpose: Purpose,
        ticket: Option<Ticket>,
        effects: &mut Effects,
    ) {
        let request_id = effects.send(live_id.clone(), purpose.message());
        effects.set_timer(now + ANSWER, Timer::Request(request_id.clone()));
        self.pending.push(Request { request_id, live_id, purpose, ticket, order: effects.messages_sent() });
    }

    /// The host's answer. After a request was given up, only success counts: what the host did is done.
    pub(super) fn answer(
        &mut self,
        request_id: &RequestId,
        outcome: Outcome,
        effects: &mut Effects,
    ) -> Option<RequestAnswer> {
        let result = match outcome {
            Outcome::Ok(_) => Ok(()),
            Outcome::Refused(refusal) => Err(refusal),
        };
        if let Some(Request { purpose, ticket, .. }) = self.take(request_id, effects) {
            return Some(RequestAnswer { purpose, ticket, result });
        }
        let at = self.late.iter().position(|request| request.request_id == *request_id)?;
        let request = self.late.remove(at)?;
        result.is_ok().then_some(RequestAnswer { purpose: request.purpose, ticket: None, result })
    }

    fn take(&mut self, request_id: &RequestId, effects: &mut Effects) -> Option<Request> {
        let at = self.pending.iter().position(|request| request.request_id == *request_id)?;
        effects.cancel_timer(&Timer::Request(request_id.clone()));
        Some(self.pending.remove(at))
    }

    /// The host did not answer within [`ANSWER`].
    pub(super) fn unanswered(&mut self, request_id: &RequestId, effects: &mut Effects) {
        if let Some(request) = self.take(request_id, effects) {
            self.give_up(request, effects);
        }
    }

    /// The host is gone: it will answer none of them.
    pub(super) fn give_up_all(&mut self, effects: &mut Effects) {
        for request in std::mem::take(&mut self.pending) {
            effects.cancel_timer(&Timer::Request(request.request_id.clone()));
            self.give_up(request, effects);
        }
    }

    fn give_up(&mut self, mut request: Request, effects: &mut Effects) {
        if let Some(ticket) = request.ticket.take() {
            let why = "the host of the room did not answer within 5 s";
            effects.settle(ticket, Err(Refusal::new(Code::HostUnreachable, why)));
            if let Purpose::Apply(_) = request.purpose {
                effects.send(request.live_id.clone(), ToHost::CancelApplication);
            }
            if let Purpose::Accept { at, .. } = &mut request.purpose {
                *at = None;
            }
        }
        match request.purpose {
            Purpose::Accept { .. } | Purpose::Reject(_) | Purpose::CancelApplication => {
                if self.late.len() == LATE_MAX {
                    self.late.pop_front();
                }
                self.late.push_back(request);
            }
            // An application is cancelled; the rest is said again at the next join.
            Purpose::Apply(_) | Purpose::LeaveSeat | Purpose::Devices(_) => {}
        }
    }

    /// The room was left, or its live session has ended.
    pub(super) fn end(&mut self, refusal: &Refusal, effects: &mut Effects) {
        self.late.clear();
        for request in std::mem::take(&mut self.pending) {
            effects.cancel_timer(&Timer::Request(request.request_id));
            if let Some(ticket) = request.ticket {
                effects.settle(ticket, Err(refusal.clone()));
            }
        }
    }

    /// `join` was answered: what happened before is in that answer.
    pub(super) fn joined(&mut self) {
        self.late.clear();
    }

    /// Whether the host was asked for the end of the seat after this many messages. It answers in order: a request sent before the
    /// last `join` and still pending when that is answered is lost.
    pub(super) fn leaves_seat(&self, after: u64) -> bool {
        self.pending.iter().any(|request| request.purpose == Purpose::LeaveSeat && request.order > after)
    }

    /// What an application that is not answered yet asks for.
    pub(super) fn application(&self) -> Option<Media> {
        self.pending.iter().find_map(|request| match &request.purpose {
            Purpose::Apply(application) => Some(application.media),
            Purpose::CancelApplication
            | Purpose::Accept { .. }
            | Purpose::Reject(_)
            | Purpose::LeaveSeat
            | Purpose::Devices(_) => None,
        })
    }

    pub(super) fn application_request(&self) -> ApplicationRequest {
        let concerns =
            |request: &Request| matches!(request.purpose, Purpose::Apply(_) | Purpose::CancelApplication);
        if self.pending.iter().any(concerns) { ApplicationRequest::Pending } else { ApplicationRequest::None }
    }

    /// The invitation whose acceptance is not answered yet, and when it was accepted.
    pub(super) fn acceptance(&self) -> Option<(InvitationId, Instant)> {
        self.pending.iter().find_map(|request| match &request.purpose {
            Purpose::Accept { invitation_id, at } => Some((invitation_id.clone(), (*at)?)),
            Purpose::Apply(_)
            | Purpose::CancelApplication
            | Purpose::Reject(_)
            | Purpose::LeaveSeat
            | Purpose::Devices(_) => None,
        })
    }
}
