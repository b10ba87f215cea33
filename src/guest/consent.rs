//! What this guest agreed to: its own application, the invitations to it, and the seat that follows from either.
//!
//! Invariant: a seat is taken only with what [`Consent::take`] returns (`docs/protocol.md`, *Consent*).
//!
//! Not here: the requests to the host that apply, accept and reject (`requests.rs`).

use std::time::{Duration, Instant};

use super::contract::{AcceptInvitations, Timer};
use super::effects::Effects;
use super::requests::Requests;
use crate::model::event::Event;
use crate::model::media::Ask;
use crate::model::message::{Application, Invitation, NoResponse};
use crate::model::state::{Deadline, PendingInvitation};
use crate::model::{By, Code, InvitationId, Media, Refusal, RequestTimeout, UserId};

/// How long an expired application or invitation is kept for the host to say so: the host's clock decides.
const GRACE: Duration = Duration::from_secs(2);

/// Invitations that are kept at once.
const INVITATIONS_MAX: usize = 16;

/// A seat that was agreed to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agreed {
    pub(super) media: Media,
    pub(super) at: Instant,
}

#[derive(Debug)]
struct PendingApplication {
    application: Application,
    expires: Deadline,
}

#[derive(Debug)]
struct Invited {
    invitation: Invitation,
    expires: Deadline,
}

/// The consent of this guest to be seated.
#[derive(Debug)]
pub(super) struct Consent {
    policy: AcceptInvitations,
    application: Option<PendingApplication>,
    invited: Vec<Invited>,
    agreed: Option<Agreed>,
}

impl Consent {
    pub(super) fn new(policy: AcceptInvitations) -> Self {
        Self { policy, application: None, invited: Vec::new(), agreed: None }
    }

    /// For invitations to come.
    pub(super) fn set_policy(&mut self, policy: AcceptInvitations) {
        self.policy = policy;
    }

    /// What was agreed to; asked when the host gives a seat. An answer still to come counts as given: the seat proves it.
    pub(super) fn take(
        &mut self,
        now: Instant,
        requests: &Requests,
        effects: &mut Effects,
    ) -> Option<Agreed> {
        if let Some(agreed) = self.agreed.take() {
            return Some(agreed);
        }
        if let Some((invitation_id, at)) = requests.acceptance() {
            return self.take_invitation(&invitation_id, effects).map(|media| Agreed { media, at });
        }
        self.take_asked(requests, effects).map(|media| Agreed { media, at: now })
    }

    /// Host and guest agree on the seat again, or there is none any more: nothing is agreed to beyond that.
    pub(super) fn forget_agreed(&mut self) {
        self.agreed = None;
    }

    /// The host knows of the application.
    pub(super) fn applied(&mut self, now: Instant, application: Application, effects: &mut Effects) {
        let expires = expiry(now, application.timeout, Timer::Application, effects);
        self.application = Some(PendingApplication { application, expires });
    }

    pub(super) fn application_accepted(
        &mut self,
        now: Instant,
        (seat_index, media): (u32, Media),
        by: By,
        requests: &Requests,
        effects: &mut Effects,
    ) {
        let Some(asked) = self.take_asked(requests, effects) else { return };
        effects.say(Event::ApplicationAccepted { seat_index, by });
        self.agreed = Some(Agreed { media: least(asked, media), at: now });
    }

    pub(super) fn application_rejected(&mut self, by: By, effects: &mut Effects) {
        if self.take_application(effects).is_some() {
            effects.say(Event::ApplicationRejected { by });
        }
    }

    /// What the application asked for, pending or still without its answer.
    fn take_asked(&mut self, requests: &Requests, effects: &mut Effects) -> Option<Media> {
        self.take_application(effects).or_else(|| requests.application())
    }

    /// Ends the application; what it asked for.
    pub(super) fn take_application(&mut self, effects: &mut Effects) -> Option<Media> {
        effects.cancel_timer(&Timer::Application);
        self.application.take().map(|pending| pending.application.media)
    }

    pub(super) fn end_application(&mut self, reason: NoResponse, effects: &mut Effects) {
        if self.take_application(effects).is_some() {
            effects.say(Event::ApplicationNoResponse { reason });
        }
    }

    /// Keeps an invitation and says so; returns it if it is to be accepted at once.
    pub(super) fn invite(
        &mut self,
        now: Instant,
        invitation: Invitation,
        effects: &mut Effects,
    ) -> Option<InvitationId> {
        let invitation_id = invitation.invitation_id.clone();
        if self.invitation_ids().any(|known| *known == invitation_id) || self.invited.len() >= INVITATIONS_MAX
        {
            return None;
        }
        let expires = expiry(now, invitation.timeout, Timer::Invitation(invitation_id.clone()), effects);
        effects.say(Event::InvitationReceived {
            by: invitation.by.clone(),
            seat_index: invitation.seat_index,
            media: invitation.media,
            timeout: invitation.timeout,
            extra_info: invitation.extra_info.clone(),
        });
        effects.ask(Ask::Prepare);
        let accepts = match &self.policy {
            AcceptInvitations::Manual => false,
            AcceptInvitations::Always => true,
            AcceptInvitations::From(hosts) => hosts.contains(&invitation.by.user.user_id),
        };
        self.invited.push(Invited { invitation, expires });
        accepts.then_some(invitation_id)
    }

    /// The invitation that a command means: of this inviter, or the only one.
    pub(super) fn invitation_of(&self, inviter: Option<&UserId>) -> Result<InvitationId, Refusal> {
        let mut of_inviter = self
            .invited
            .iter()
            .map(|invited| &invited.invitation)
            .filter(|invitation| inviter.is_none_or(|inviter| invitation.by.user.user_id == *inviter));
        let Some(first) = of_inviter.next() else {
            return Err(Refusal::new(Code::NoSuchInvitation, "no such invitation is pending"));
        };
        match (inviter, of_inviter.next()) {
            (None, Some(_)) => {
                Err(Refusal::invalid("inviter_id", "several invitations are pending: name the inviter"))
            }
            (Some(_), _) | (None, None) => Ok(first.invitation_id.clone()),
        }
    }

    /// The host has taken the acceptance. `at` is when it was accepted; `None` agrees to nothing.
    pub(super) fn invitation_accepted(
        &mut self,
        invitation_id: &InvitationId,
        at: Option<Instant>,
        effects: &mut Effects,
    ) {
        if let (Some(media), Some(at)) = (self.take_invitation(invitation_id, effects), at) {
            self.agreed = Some(Agreed { media, at });
        }
    }

    /// Ends an invitation; what it offered.
    pub(super) fn take_invitation(
        &mut self,
        invitation_id: &InvitationId,
        effects: &mut Effects,
    ) -> Option<Media> {
        self.remove(invitation_id, effects).map(|invitation| invitation.media)
    }

    fn remove(&mut self, invitation_id: &InvitationId, effects: &mut Effects) -> Option<Invitation> {
        effects.cancel_timer(&Timer::Invitation(invitation_id.clone()));
        let at = self.invitation_ids().position(|known| known == invitation_id)?;
        Some(self.invited.remove(at).invitation)
    }

    pub(super) fn invitation_cancelled(
        &mut self,
        invitation_id: &InvitationId,
        by: By,
        effects: &mut Effects,
    ) {
        if self.remove(invitation_id, effects).is_some() {
            effects.say(Event::InvitationCancelled { by });
        }
    }

    pub(super) fn end_invitation(
        &mut self,
        invitation_id: &InvitationId,
        reason: NoResponse,
        effects: &mut Effects,
    ) {
        if let Some(invitation) = self.remove(invitation_id, effects) {
            effects.say(Event::InvitationNoResponse { by: invitation.by, reason });
        }
    }

    /// Ends the application and every invitation, whether or not the host says so.
    pub(super) fn end_pending(&mut self, reason: NoResponse, effects: &mut Effects) {
        self.end_application(reason, effects);
        let ids: Vec<InvitationId> = self.invitation_ids().cloned().collect();
        for invitation_id in ids {
            self.end_invitation(&invitation_id, reason, effects);
        }
    }

    /// The room is left: everything ends, and nobody is told.
    pub(super) fn clear(&mut self, effects: &mut Effects) {
        effects.cancel_timer(&Timer::Application);
        for invited in self.invited.drain(..) {
            effects.cancel_timer(&Timer::Invitation(invited.invitation.invitation_id));
        }
        self.application = None;
        self.agreed = None;
    }

    /// What the application that the host knows of asks for.
    pub(super) fn applied_for(&self) -> Option<Media> {
        self.application.as_ref().map(|pending| pending.application.media)
    }

    /// The agreed media, pending applications and invitations apart.
    pub(super) fn agreed(&self) -> Option<Media> {
        self.agreed.map(|agreed| agreed.media)
    }

    /// The seat that was applied for, and when the application expires.
    pub(super) fn application(&self) -> Option<(i64, Deadline)> {
        self.application.as_ref().map(|pending| (pending.application.seat_index, pending.expires))
    }

    /// Oldest first.
    pub(super) fn invitation_ids(&self) -> impl Iterator<Item = &InvitationId> {
        self.invited.iter().map(|invited| &invited.invitation.invitation_id)
    }

    /// Oldest first.
    pub(super) fn invitations(&self) -> Vec<PendingInvitation> {
        let pending = |invited: &Invited| PendingInvitation {
            by: invited.invitation.by.clone(),
            seat_index: invited.invitation.seat_index,
            expires: invited.expires,
        };
        self.invited.iter().map(pending).collect()
    }
}

/// When a request expires; its timer runs [`GRACE`] longer.
fn expiry(now: Instant, timeout: RequestTimeout, timer: Timer, effects: &mut Effects) -> Deadline {
    let expires = Deadline(timeout.duration().map(|timeout| now + timeout));
    match expires.0 {
        Some(at) => effects.set_timer(at + GRACE, timer),
        None => effects.cancel_timer(&timer),
    }
    expires
}

/// The less of what was agreed to and what is given.
pub(super) fn least(agreed: Media, given: Media) -> Media {
    match (agreed, given) {
        (Media::Video, Media::Video) => Media::Video,
        (Media::Audio, _) | (_, Media::Audio) => Media::Audio,
    }
}
