//! What was asked of the host and not answered yet; the own application; the invitations.

use std::time::{Duration, Instant};

use super::room::{ANSWER, Applied, Consent, Invited, Place, Room};
use super::{AcceptInvitations, Guest, Timer, host_unreachable};
use crate::model::command::{Answer, Settled};
use crate::model::event::Event;
use crate::model::media::Ask;
use crate::model::media::Ticket;
use crate::model::message::{Application, DeviceKind, Invitation, NoResponse, Outcome, ToHost};
use crate::model::state::Deadline;
use crate::model::{By, Code, InvitationId, LiveId, Refusal, RequestId, RequestTimeout};

/// How long an expired request is kept for the host to say so: its clock decides (rule 7).
const GRACE: Duration = Duration::from_secs(2);

/// Most requests that wait for an answer at once.
const REQUESTS_MAX: usize = 64;

/// Most requests whose answer may still come after they were given up.
const LATE_MAX: usize = 16;

/// Most invitations that are kept at once.
const INVITATIONS_MAX: usize = 16;

/// What a request was for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Purpose {
    Apply(Application),
    Cancel,
    /// Since when; `None`: whoever asked was told that it failed.
    Accept {
        invitation_id: InvitationId,
        at: Option<Instant>,
    },
    Reject(InvitationId),
    LeaveSeat,
    Devices,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) request_id: RequestId,
    pub(super) live_id: LiveId,
    pub(super) purpose: Purpose,
    pub(super) ticket: Option<Ticket>,
    pub(super) sent: Sent,
}

/// Where a request stands to the last `join`. The host answers in order: what was sent before a join and is not answered when
/// the join is, is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    BeforeJoin,
    AfterJoin,
}

impl Guest {
    /// Sends to the present host and waits for the answer, on behalf of a command or of nobody.
    pub(super) fn request(
        &mut self,
        now: Instant,
        purpose: Purpose,
        message: ToHost,
        ticket: Option<Ticket>,
    ) {
        let Some(live_id) = self.room.as_ref().map(|room| room.live_id.clone()) else { return };
        let request_id = self.effects.send(live_id.clone(), message);
        self.effects.set_timer(now + ANSWER, Timer::Request(request_id.clone()));
        self.requests.push(Request { request_id, live_id, purpose, ticket, sent: Sent::AfterJoin });
    }

    /// The same for a command: refused when nobody would answer.
    pub(super) fn command_request(&mut self, now: Instant, purpose: Purpose, message: ToHost) -> Settled {
        if self.room.as_ref().is_some_and(|room| room.place == Place::HostLost) {
            return Err(host_unreachable("the host is gone; the guest waits for it"));
        }
        if self.requests.len() >= REQUESTS_MAX {
            return Err(Refusal::new(Code::RateLimited, "too many requests wait for the host's answer"));
        }
        let ticket = self.effects.ticket();
        self.request(now, purpose, message, Some(ticket));
        Ok(Answer::Pending(ticket))
    }

    pub(super) fn take_pending(&mut self, request_id: &RequestId) -> Option<Request> {
        let at = self.requests.iter().position(|request| request.request_id == *request_id)?;
        self.effects.cancel_timer(&Timer::Request(request_id.clone()));
        Some(self.requests.remove(at))
    }

    pub(super) fn waits_for(&self, is_it: impl Fn(&Purpose) -> bool) -> bool {
        self.requests.iter().any(|request| is_it(&request.purpose))
    }

    /// The answer to a request other than `join`.
    pub(super) fn answered(&mut self, now: Instant, request: Request, outcome: Outcome) {
        let settled = match outcome {
            Outcome::Ok(_) => {
                self.granted(now, request.purpose);
                super::DONE
            }
            Outcome::Refused(refusal) => {
                if refusal.code == Code::NotInRoom {
                    self.join_unless_lately(now);
                }
                if request.purpose == Purpose::Devices && refusal.code == Code::RateLimited {
                    self.effects.set_timer(now + Duration::from_secs(1), Timer::Devices);
                    if let Some(stay) = &mut self.stay {
                        stay.told = None;
                    }
                }
                Err(refusal)
            }
        };
        if let Some(ticket) = request.ticket {
            self.effects.settle(ticket, settled);
        }
    }

    fn granted(&mut self, now: Instant, purpose: Purpose) {
        match purpose {
            Purpose::Apply(application) => self.applied(now, application),
            Purpose::Cancel => {
                self.take_application();
            }
            Purpose::Accept { invitation_id, at } => {
                let media = self.take_invitation(&invitation_id).map(|invited| invited.invitation.media);
                if let (Some(room), Some(media), Some(at), None) = (&mut self.room, media, at, &self.stay) {
                    room.consent = Some(Consent { media, at });
                }
            }
            Purpose::Reject(invitation_id) => {
                self.take_invitation(&invitation_id);
            }
            Purpose::LeaveSeat | Purpose::Devices => {}
        }
    }

    /// The host did not answer within 5 s.
    pub(super) fn unanswered(&mut self, request_id: &RequestId) {
        if let Some(request) = self.take_pending(request_id) {
            self.give_up(request);
        }
    }

    /// The host is gone: nothing asked of it will be answered.
    pub(super) fn give_up_requests(&mut self) {
        for request in std::mem::take(&mut self.requests) {
            self.effects.cancel_timer(&Timer::Request(request.request_id.clone()));
            self.give_up(request);
        }
    }

    fn give_up(&mut self, mut request: Request) {
        if let Some(ticket) = request.ticket.take() {
            self.effects
                .settle(ticket, Err(host_unreachable("the host of the room did not answer within 5 s")));
            if let Purpose::Apply(_) = request.purpose {
                self.effects.send(request.live_id.clone(), ToHost::CancelApplication);
            }
            if let Purpose::Accept { at, .. } = &mut request.purpose {
                *at = None;
            }
        }
        match request.purpose {
            Purpose::Accept { .. } | Purpose::Reject(_) | Purpose::Cancel => {
                if self.late.len() == LATE_MAX {
                    self.late.pop_front();
                }
                self.late.push_back(request);
            }
            // An application is taken back; the rest is told anew when the two meet again.
            Purpose::Apply(_) | Purpose::LeaveSeat | Purpose::Devices => {}
        }
    }

    /// The answer to a request that was given up: what the host did is done, but nobody is seated by it who was told that it
    /// failed.
    pub(super) fn answered_late(&mut self, now: Instant, request_id: &RequestId, outcome: &Outcome) {
        let Some(at) = self.late.iter().position(|request| request.request_id == *request_id) else { return };
        if let (Some(request), Outcome::Ok(_)) = (self.late.remove(at), outcome) {
            self.granted(now, request.purpose);
        }
    }

    /// Ends every request of a room that is left.
    pub(super) fn settle_requests(&mut self, refusal: impl Fn() -> Refusal) {
        self.late.clear();
        for request in std::mem::take(&mut self.requests) {
            self.effects.cancel_timer(&Timer::Request(request.request_id));
            if let Some(ticket) = request.ticket {
                self.effects.settle(ticket, Err(refusal()));
            }
        }
        let joining = self.room.as_mut().map(|room| std::mem::take(&mut room.tickets)).unwrap_or_default();
        self.effects.cancel_timer(&Timer::JoinLive);
        for ticket in joining {
            self.effects.settle(ticket, Err(refusal()));
        }
    }

    pub(super) fn applied(&mut self, now: Instant, application: Application) {
        let expires = self.expiry(now, application.timeout, Timer::Application);
        if let Some(room) = &mut self.room {
            room.applied = Some(Applied { application, expires });
        }
        self.end_other_requests();
    }

    /// When a request ends; its timer runs a little longer.
    fn expiry(&mut self, now: Instant, timeout: RequestTimeout, timer: Timer) -> Deadline {
        let expires = Deadline(timeout.duration().map(|timeout| now + timeout));
        match expires.0 {
            Some(at) => self.effects.set_timer(at + GRACE, timer),
            None => self.effects.cancel_timer(&timer),
        }
        expires
    }

    pub(super) fn take_application(&mut self) -> Option<Applied> {
        self.effects.cancel_timer(&Timer::Application);
        self.room.as_mut()?.applied.take()
    }

    pub(super) fn end_application(&mut self, reason: NoResponse) {
        if self.take_application().is_some() {
            self.effects.say(Event::ApplicationNoResponse { reason });
        }
    }

    pub(super) fn application_expired(&mut self) {
        self.end_application(NoResponse::Timeout);
    }

    /// Keeps an invitation, says so, and accepts it where that is agreed (rule 13).
    pub(super) fn invited(&mut self, now: Instant, invitation: Invitation) {
        let Some(room) = &self.room else { return };
        if self.stay.is_some() {
            // It crossed what led to the seat.
            let invitation_id = invitation.invitation_id;
            let purpose = Purpose::Reject(invitation_id.clone());
            return self.request(now, purpose, ToHost::RejectInvitation { invitation_id }, None);
        }
        let known = |invited: &Invited| invited.invitation.invitation_id == invitation.invitation_id;
        if room.invited.iter().any(known) || room.invited.len() >= INVITATIONS_MAX {
            return;
        }
        let id = invitation.invitation_id.clone();
        let expires = self.expiry(now, invitation.timeout, Timer::Invitation(id.clone()));
        self.effects.say(Event::InvitationReceived {
            by: invitation.by.clone(),
            seat_index: invitation.seat_index,
            media: invitation.media,
            timeout: invitation.timeout,
            extra_info: invitation.extra_info.clone(),
        });
        self.effects.ask(Ask::Prepare);
        let agreed = match &self.settings.accept_invitations {
            AcceptInvitations::Manual => false,
            AcceptInvitations::Always => true,
            AcceptInvitations::From(hosts) => hosts.contains(&invitation.by.user.user_id),
        };
        if let Some(room) = &mut self.room {
            room.invited.push(Invited { invitation, expires });
        }
        if agreed {
            self.accept(now, id, None);
        }
    }

    pub(super) fn accept(&mut self, now: Instant, invitation_id: InvitationId, ticket: Option<Ticket>) {
        let purpose = Purpose::Accept { invitation_id: invitation_id.clone(), at: Some(now) };
        self.request(now, purpose, ToHost::AcceptInvitation { invitation_id }, ticket);
    }

    pub(super) fn take_invitation(&mut self, id: &InvitationId) -> Option<Invited> {
        self.effects.cancel_timer(&Timer::Invitation(id.clone()));
        let room = self.room.as_mut()?;
        let at = room.invited.iter().position(|invited| invited.invitation.invitation_id == *id)?;
        Some(room.invited.remove(at))
    }

    pub(super) fn end_invitation(&mut self, id: &InvitationId, reason: NoResponse) {
        if let Some(invited) = self.take_invitation(id) {
            self.effects.say(Event::InvitationNoResponse { by: invited.invitation.by, reason });
        }
    }

    pub(super) fn invitation_expired(&mut self, id: &InvitationId) {
        self.end_invitation(id, NoResponse::Timeout);
    }

    pub(super) fn invitation_cancelled(&mut self, id: &InvitationId, by: By) {
        if self.take_invitation(id).is_some() {
            self.effects.say(Event::InvitationCancelled { by });
        }
    }

    pub(super) fn end_invitations(&mut self, reason: NoResponse) {
        let ids = |room: &Room| {
            room.invited.iter().map(|invited| invited.invitation.invitation_id.clone()).collect::<Vec<_>>()
        };
        for id in self.room.as_ref().map(ids).unwrap_or_default() {
            self.end_invitation(&id, reason);
        }
    }

    /// Whoever is seated has got what it asked for: the rest ends, whoever invited, and whether or not the host says so.
    pub(super) fn end_other_requests(&mut self) {
        if self.stay.is_some() {
            self.end_application(NoResponse::AlreadySeated);
            self.end_invitations(NoResponse::AlreadySeated);
        }
    }

    /// Takes a ban or an open device back into account: what waits for it is answered.
    pub(super) fn settle_open(&mut self, device: DeviceKind, settled: &Settled) {
        let tickets = self.stay.as_mut().map(|stay| stay.device_mut(device).take_waiting());
        self.effects.cancel_timer(&super::devices::timer(device));
        for ticket in tickets.unwrap_or_default() {
            self.effects.settle(ticket, settled.clone());
        }
    }
}
