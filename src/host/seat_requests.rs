//! Who asks for a seat, and who is asked to take one (docs/protocol.md, *Requests*).
//!
//! Invariant: a guest has at most one application and one invitation, and each of them ends exactly once.
//!
//! Not here: whether the seat is free, and who sits down.

use std::time::Instant;

use super::contract::Timer;
use super::effects::Effects;
use super::queue::{Pending, RequestQueue};
use crate::model::command::InviteToSeat;
use crate::model::event::Event;
use crate::model::message::{Application, Invitation, NoResponse, ToGuest};
use crate::model::state::Deadline;
use crate::model::{By, Code, InvitationId, Refusal, RequestTimeout, User, UserId};

/// What only an invitation has.
#[derive(Debug)]
pub(super) struct InvitationDetail {
    pub(super) invitation_id: InvitationId,
    pub(super) by: By,
}

#[derive(Debug)]
pub(super) struct SeatRequests {
    applications: RequestQueue<()>,
    invitations: RequestQueue<InvitationDetail>,
}

impl SeatRequests {
    pub(super) fn new() -> Self {
        Self {
            applications: RequestQueue::new(Timer::Application),
            invitations: RequestQueue::new(Timer::Invitation),
        }
    }

    pub(super) fn applications(&self) -> &RequestQueue<()> {
        &self.applications
    }

    pub(super) fn invitations(&self) -> &RequestQueue<InvitationDetail> {
        &self.invitations
    }

    pub(super) fn applicants(&self) -> Vec<UserId> {
        self.applications.iter().map(|(guest, _)| guest.clone()).collect()
    }

    pub(super) fn invitees(&self) -> Vec<UserId> {
        self.invitations.iter().map(|(guest, _)| guest.clone()).collect()
    }

    /// # Errors
    /// `not_on_seat_queue`
    pub(super) fn application(&self, guest: &UserId) -> Result<&Pending<()>, Refusal> {
        self.applications.get(guest).ok_or_else(no_application)
    }

    /// # Errors
    /// `already_on_seat_queue`
    pub(super) fn may_apply(&self, guest: &UserId) -> Result<(), Refusal> {
        match self.applications.get(guest) {
            Some(_) => Err(Refusal::new(Code::AlreadyOnSeatQueue, "an application is pending already")),
            None => Ok(()),
        }
    }

    pub(super) fn apply(&mut self, guest: UserId, wish: &Application, now: Instant, effects: &mut Effects) {
        let pending = Pending {
            seat_index: wish.seat_index,
            media: wish.media,
            extra_info: wish.extra_info.clone(),
            expires: expiry(wish.timeout, now),
            detail: (),
        };
        self.applications.push(guest, pending, effects);
    }

    /// Takes the application out, for who is about to be seated.
    pub(super) fn take_application(&mut self, guest: &UserId, effects: &mut Effects) {
        self.applications.take(guest, effects);
    }

    /// Nothing if there is none.
    pub(super) fn cancel_application(&mut self, user: &User, effects: &mut Effects) {
        if self.applications.take(&user.user_id, effects).is_some() {
            effects.say(Event::ApplicationCancelled { user: user.clone() });
        }
    }

    /// Nothing if there is none.
    pub(super) fn reject_application(&mut self, user: User, by: By, effects: &mut Effects) {
        if self.applications.take(&user.user_id, effects).is_some() {
            effects.tell(&user.user_id, ToGuest::ApplicationRejected { by: by.clone() });
            effects.say(Event::ApplicationProcessed { user, accepted: false, by });
        }
    }

    /// Ends an application without an answer, on both sides; nothing if there is none.
    pub(super) fn end_application(&mut self, user: &User, reason: NoResponse, effects: &mut Effects) {
        if self.applications.take(&user.user_id, effects).is_some() {
            effects.tell(&user.user_id, ToGuest::ApplicationNoResponse { reason });
            effects.say(Event::HostApplicationNoResponse { user: user.clone(), reason });
        }
    }

    /// The pending invitation of that id.
    ///
    /// # Errors
    /// `no_such_invitation`
    pub(super) fn invitation(
        &self,
        guest: &UserId,
        invitation_id: &InvitationId,
    ) -> Result<&Pending<InvitationDetail>, Refusal> {
        let pending = self.invitations.get(guest);
        pending
            .filter(|pending| pending.detail.invitation_id == *invitation_id)
            .ok_or_else(|| Refusal::new(Code::NoSuchInvitation, "no such invitation is pending"))
    }

    /// # Errors
    /// `request_repeated`
    pub(super) fn may_invite(&self, guest: &UserId) -> Result<(), Refusal> {
        match self.invitations.get(guest) {
            Some(_) => Err(Refusal::new(Code::RequestRepeated, format!("{guest} is invited already"))),
            None => Ok(()),
        }
    }

    pub(super) fn invite(&mut self, wish: InviteToSeat, by: By, now: Instant, effects: &mut Effects) {
        let InviteToSeat { invitee_id, seat_index, timeout, media, extra_info } = wish;
        let invitation_id = effects.invitation_id();
        let pending = Pending {
            seat_index,
            media,
            extra_info: extra_info.clone(),
            expires: expiry(timeout, now),
            detail: InvitationDetail { invitation_id: invitation_id.clone(), by: by.clone() },
        };
        self.invitations.push(invitee_id.clone(), pending, effects);
        let invitation = Invitation { invitation_id, seat_index, media, timeout, extra_info, by };
        effects.tell(&invitee_id, ToGuest::Invitation(invitation));
    }

    /// Takes the invitation out, for who is about to be seated.
    pub(super) fn take_invitation(&mut self, guest: &UserId, effects: &mut Effects) {
        self.invitations.take(guest, effects);
    }

    /// A guest leaves: it takes back what it asked for, and rejects what it was asked.
    pub(super) fn withdraw(&mut self, user: &User, effects: &mut Effects) {
        self.cancel_application(user, effects);
        self.reject_invitation(user, effects);
    }

    /// Nothing if there is none.
    pub(super) fn reject_invitation(&mut self, user: &User, effects: &mut Effects) {
        if self.invitations.take(&user.user_id, effects).is_some() {
            effects.say(Event::InvitationRejected { user: user.clone() });
        }
    }

    /// # Errors
    /// `no_such_invitation`
    pub(super) fn cancel_invitation(
        &mut self,
        guest: &UserId,
        by: By,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let pending = self
            .invitations
            .take(guest, effects)
            .ok_or_else(|| Refusal::new(Code::NoSuchInvitation, format!("{guest} is not invited")))?;
        let invitation_id = pending.detail.invitation_id;
        effects.tell(guest, ToGuest::InvitationCancelled { invitation_id, by });
        Ok(())
    }

    /// Ends an invitation without an answer, on both sides; nothing if there is none.
    pub(super) fn end_invitation(&mut self, user: &User, reason: NoResponse, effects: &mut Effects) {
        if let Some(pending) = self.invitations.take(&user.user_id, effects) {
            let invitation_id = pending.detail.invitation_id;
            effects.tell(&user.user_id, ToGuest::InvitationNoResponse { invitation_id, reason });
            effects.say(Event::HostInvitationNoResponse { user: user.clone(), reason });
        }
    }
}

fn expiry(timeout: RequestTimeout, now: Instant) -> Deadline {
    Deadline(timeout.duration().map(|timeout| now + timeout))
}

fn no_application() -> Refusal {
    Refusal::new(Code::NotOnSeatQueue, "no application is pending")
}
