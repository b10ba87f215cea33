//! What a guest asks for: one arm for each request. The rules are where the arms lead.
//!
//! Invariant: each request is answered once, before what follows from it is said.

use std::time::Instant;

use super::answers::Answers;

use super::contract::Settings;
use super::effects::Effects;
use super::limits::{Allowance, GuestLimits};
use super::live::Live;
use super::view;
use crate::model::message::{Membership, Outcome, Signal, ToGuest, ToHost};
use crate::model::{Code, Refusal, RequestId, User, UserId};

/// What guests send, limited and remembered.
#[derive(Debug, Default)]
pub(super) struct GuestRequests {
    limits: GuestLimits,
    answers: Answers,
}

impl GuestRequests {
    /// Something on `to_host` that cannot be answered costs as much as a request.
    pub(super) fn noise(&mut self, from: &UserId, now: Instant) {
        self.limits.request(from, now);
    }

    /// Something on `to_stage` that is no signal costs as much as one.
    pub(super) fn signal_noise(&mut self, from: &UserId, now: Instant) {
        self.limits.signal(from, None, now);
    }

    pub(super) fn signal(&mut self, from: &UserId, signal: &Signal, now: Instant) -> Allowance {
        self.limits.signal(from, Some(&signal.body), now)
    }

    /// Takes a request, unless it is one too many or was answered before, and answers it.
    pub(super) fn answer(
        &mut self,
        live: &mut Live,
        from: &UserId,
        (request_id, request): (RequestId, Result<ToHost, Refusal>),
        now: Instant,
        settings: &Settings,
        effects: &mut Effects,
    ) {
        if self.limits.request(from, now) == Allowance::Spent {
            let refusal = Refusal::new(Code::RateLimited, "at most 20 requests a second");
            return effects.tell(from, ToGuest::Result { request_id, outcome: Outcome::Refused(refusal) });
        }
        if let Some(outcome) = self.answers.given(from, &request_id, now).cloned() {
            return effects.tell(from, ToGuest::Result { request_id, outcome });
        }
        let place = effects.place();
        let taken = request.and_then(|request| carry_out(live, from, request, now, settings, effects));
        let outcome = match taken {
            Ok(membership) => Outcome::Ok(membership),
            Err(refusal) => Outcome::Refused(refusal),
        };
        self.answers.remember(from, request_id.clone(), outcome.clone(), now);
        effects.tell_before(place, from, ToGuest::Result { request_id, outcome });
    }
}

/// Does what a guest asks; returns what the answer to a `join` says of it.
///
/// # Errors
/// Why not; nothing has changed then.
fn carry_out(
    live: &mut Live,
    from: &UserId,
    request: ToHost,
    now: Instant,
    settings: &Settings,
    effects: &mut Effects,
) -> Result<Option<Membership>, Refusal> {
    let inside = live.audience().contains(from);
    match request {
        ToHost::Join { user, session } => {
            live.join(sender(from, user), session, settings, effects)?;
            return Ok(Some(view::membership(live, from, settings, now)));
        }
        _ if !inside => return Err(Refusal::new(Code::NotInRoom, "join first")),
        ToHost::Leave => live.leave(from, effects),
        ToHost::Apply(wish) => live.apply(from, wish, now, settings, effects)?,
        ToHost::CancelApplication => live.cancel_application(from, effects)?,
        ToHost::AcceptInvitation { invitation_id } => {
            live.accept_invitation(from, &invitation_id, settings, effects)?;
        }
        ToHost::RejectInvitation { invitation_id } => {
            live.reject_invitation(from, &invitation_id, effects)?;
        }
        ToHost::LeaveSeat => live.stays_mut().leave(from, effects)?,
        ToHost::Devices(devices) => live.stays_mut().set_devices(from, &devices, settings, effects)?,
    }
    Ok(None)
}

/// The sender is the user in the topic, never a field of the payload.
fn sender(from: &UserId, user: User) -> User {
    let unnamed = user.user_name.as_str() == user.user_id.as_str();
    if unnamed {
        User { avatar_url: user.avatar_url, ..User::named_by_id(from.clone()) }
    } else {
        User { user_id: from.clone(), ..user }
    }
}
