//! A running live: the rules that span who is inside, who asks for a seat and who sits.
//!
//! Invariants: whoever sits, applies or is invited is in the audience; whoever sits has no pending request.
//!
//! Not here: the rules of seats and media ([`super::stays`]).

use std::time::Instant;

use super::audience::{Attendance, Audience, Joined};
use super::contract::{AcceptApplications, Settings, Timer};
use super::effects::Effects;
use super::seat_requests::SeatRequests;
use super::starting::StartOrder;
use super::stays::Stays;
use crate::model::command::{Answer, InviteToSeat, SeatCount, Settled};
use crate::model::event::Event;
use crate::model::message::{Application, NoResponse, ToGuest, UnseatReason};
use crate::model::{
    Banned, By, Code, Connection, InvitationId, LiveId, Media, Presence, Refusal, RoomState, Seat, SeatMode,
    User, UserId,
};

#[derive(Debug)]
pub(super) struct Live {
    live_id: LiveId,
    seat_mode: SeatMode,
    audience: Audience,
    requests: SeatRequests,
    stays: Stays,
}

impl Live {
    /// With nobody in it.
    pub(super) fn new(live_id: LiveId, seats: SeatCount, seat_mode: SeatMode) -> Self {
        Self {
            live_id,
            seat_mode,
            audience: Audience::default(),
            requests: SeatRequests::new(),
            stays: Stays::new(seats),
        }
    }

    /// Begins where nobody else has the room, and tells those who wait for it.
    pub(super) fn begin(order: StartOrder, now: Instant, settings: &Settings, effects: &mut Effects) -> Self {
        let mut live = Self::new(order.live_id.clone(), order.seats, order.seat_mode);
        effects.enter(order.live_id);
        if let Some(before) = order.before {
            live.take_over(before, now, settings, effects);
        }
        effects.recover();
        effects.change_room();
        for ticket in order.tickets {
            effects.settle(ticket, Ok(Answer::Done));
        }
        live
    }

    pub(super) fn live_id(&self) -> &LiveId {
        &self.live_id
    }

    pub(super) fn seat_mode(&self) -> SeatMode {
        self.seat_mode
    }

    pub(super) fn audience(&self) -> &Audience {
        &self.audience
    }

    pub(super) fn requests(&self) -> &SeatRequests {
        &self.requests
    }

    pub(super) fn stays(&self) -> &Stays {
        &self.stays
    }

    /// For what concerns those alone who sit.
    pub(super) fn stays_mut(&mut self) -> &mut Stays {
        &mut self.stays
    }

    /// Where somebody is to be watched.
    pub(super) fn watched(&mut self) -> (&LiveId, &mut Stays) {
        (&self.live_id, &mut self.stays)
    }

    fn user(&self, guest: &UserId) -> Option<User> {
        self.audience.user(guest).cloned()
    }

    /// Takes the room over as it was before a restart: locks, occupants and bans. Everybody has the hold to come back.
    fn take_over(&mut self, before: RoomState, now: Instant, settings: &Settings, effects: &mut Effects) {
        let by = settings.by(None);
        let until = now + settings.policy.hold;
        let count = self.stays.seats().len();
        let exists = |seat: &Seat| usize::try_from(seat.index).is_ok_and(|index| index < count);
        let (kept, gone): (Vec<Seat>, Vec<Seat>) = before.seats.into_iter().partition(exists);
        for seat in kept {
            self.stays.restore_lock(&seat);
            if let Some(user) = seat.user.clone()
                && self.audience.expect(user.clone(), until, effects)
            {
                self.stays.restore(user, &seat, &by);
            }
        }
        for Banned { user_id, devices } in before.banned {
            // Its name comes with its next `join`.
            let user = User::named_by_id(user_id.clone());
            if self.audience.len() < settings.policy.capacity && self.audience.expect(user, until, effects) {
                for device in devices {
                    self.stays.restore_ban(&user_id, device, by.clone());
                }
            }
        }
        for seat in gone {
            let Some(user) = seat.user else { continue };
            let (seat_index, reason) = (seat.index, UnseatReason::SeatLocked);
            effects.tell(&user.user_id, ToGuest::Unseated { seat_index, reason, by: Some(by.clone()) });
            effects.say(Event::GuestUnseated { user, seat_index, reason });
        }
    }

    /// # Errors
    /// `room_full`
    pub(super) fn join(
        &mut self,
        user: User,
        session: String,
        settings: &Settings,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        self.stays.rename(&user, effects);
        let guest = user.user_id.clone();
        match self.audience.join(user, session, settings.policy.capacity, effects)? {
            Joined::Entered | Joined::Again => {}
            Joined::Returned => self.stays.returned(&guest, effects),
            Joined::Restarted => self.stays.restarted(&guest, effects),
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, guest: &UserId, effects: &mut Effects) {
        if let Some(user) = self.audience.user(guest) {
            self.requests.withdraw(user, effects);
        }
        self.stays.end(guest, UnseatReason::Left, None, effects);
        self.forget(guest, effects);
    }

    /// # Errors
    /// `already_in_seat`, `already_on_seat_queue`, then those of the seat.
    pub(super) fn apply(
        &mut self,
        guest: &UserId,
        wish: Application,
        now: Instant,
        settings: &Settings,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        if let Some((seat, _)) = self.stays.seats().occupant(guest) {
            return Err(Refusal::new(Code::AlreadyInSeat, format!("{guest} is on seat {seat}")));
        }
        self.requests.may_apply(guest)?;
        let free = self.stays.seats().free(wish.seat_index)?;
        let nobody_decides = self.seat_mode == SeatMode::Free
            || settings.policy.accept_applications == AcceptApplications::Always;
        if !nobody_decides {
            self.requests.apply(guest.clone(), &wish, now, effects);
        }
        let Application { seat_index, media, timeout, extra_info } = wish;
        if let Some(user) = self.user(guest) {
            effects.say(Event::ApplicationReceived { user, seat_index, media, timeout, extra_info });
        }
        if nobody_decides {
            self.application_accepted(guest, (free, media), settings.by(None), settings, effects);
        }
        Ok(())
    }

    /// # Errors
    /// `not_on_seat_queue`, then those of the seat.
    pub(super) fn accept_application(
        &mut self,
        guest: &UserId,
        by: By,
        settings: &Settings,
        effects: &mut Effects,
    ) -> Settled {
        let pending = self.requests.application(guest)?;
        let seat = (self.stays.seats().free(pending.seat_index)?, pending.media);
        self.requests.take_application(guest, effects);
        self.application_accepted(guest, seat, by, settings, effects);
        Ok(Answer::Done)
    }

    fn application_accepted(
        &mut self,
        guest: &UserId,
        (seat_index, media): (u32, Media),
        by: By,
        settings: &Settings,
        effects: &mut Effects,
    ) {
        if let Some(user) = self.user(guest) {
            effects.say(Event::ApplicationProcessed { user, accepted: true, by: by.clone() });
        }
        effects.tell(guest, ToGuest::ApplicationAccepted { seat_index, media, by });
        self.seat(guest, (seat_index, media), settings, effects);
    }

    /// # Errors
    /// `not_on_seat_queue`
    pub(super) fn reject_application(&mut self, guest: &UserId, by: By, effects: &mut Effects) -> Settled {
        self.requests.application(guest)?;
        if let Some(user) = self.user(guest) {
            self.requests.reject_application(user, by, effects);
        }
        Ok(Answer::Done)
    }

    /// # Errors
    /// `not_on_seat_queue`
    pub(super) fn cancel_application(
        &mut self,
        guest: &UserId,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        self.requests.application(guest)?;
        if let Some(user) = self.audience.user(guest) {
            self.requests.cancel_application(user, effects);
        }
        Ok(())
    }

    /// # Errors
    /// `user_not_in_room`, `user_already_on_seat`, `request_repeated`, then those of the seat.
    pub(super) fn invite(
        &mut self,
        wish: InviteToSeat,
        by: By,
        now: Instant,
        effects: &mut Effects,
    ) -> Settled {
        let guest = &wish.invitee_id;
        if !self.audience.contains(guest) {
            return Err(Refusal::new(Code::UserNotInRoom, format!("{guest} is not inside the room")));
        }
        if let Some((seat, _)) = self.stays.seats().occupant(guest) {
            return Err(Refusal::new(Code::UserAlreadyOnSeat, format!("{guest} is on seat {seat}")));
        }
        self.requests.may_invite(guest)?;
        self.stays.seats().free(wish.seat_index)?;
        self.requests.invite(wish, by, now, effects);
        Ok(Answer::Done)
    }

    /// # Errors
    /// `no_such_invitation`
    pub(super) fn cancel_invitation(&mut self, guest: &UserId, by: By, effects: &mut Effects) -> Settled {
        self.requests.cancel_invitation(guest, by, effects)?;
        Ok(Answer::Done)
    }

    /// # Errors
    /// `no_such_invitation`, then those of the seat.
    pub(super) fn accept_invitation(
        &mut self,
        guest: &UserId,
        invitation_id: &InvitationId,
        settings: &Settings,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let pending = self.requests.invitation(guest, invitation_id)?;
        let (seat_index, media) = (self.stays.seats().free(pending.seat_index)?, pending.media);
        self.requests.take_invitation(guest, effects);
        if let Some(user) = self.user(guest) {
            effects.say(Event::InvitationAccepted { user, seat_index });
        }
        self.seat(guest, (seat_index, media), settings, effects);
        Ok(())
    }

    /// # Errors
    /// `no_such_invitation`
    pub(super) fn reject_invitation(
        &mut self,
        guest: &UserId,
        invitation_id: &InvitationId,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        self.requests.invitation(guest, invitation_id)?;
        if let Some(user) = self.audience.user(guest) {
            self.requests.reject_invitation(user, effects);
        }
        Ok(())
    }

    /// Does what is due.
    pub(super) fn timeout(&mut self, timer: &Timer, effects: &mut Effects) {
        match timer {
            Timer::Application(guest) => self.expire_application(guest, effects),
            Timer::Invitation(guest) => self.expire_invitation(guest, effects),
            Timer::Hold(guest) => self.hold_over(guest, effects),
            Timer::Snapshot(ticket) => self.stays.snapshot_late(*ticket, effects),
            Timer::ViewerOffer(viewer) | Timer::ViewerAnswer(viewer) | Timer::ViewerSilent(viewer) => {
                self.stays.viewer_late(*viewer, effects);
            }
            Timer::Start | Timer::StoredRead => {}
        }
    }

    /// The time of an application is over.
    fn expire_application(&mut self, guest: &UserId, effects: &mut Effects) {
        if let Some(user) = self.audience.user(guest) {
            self.requests.end_application(user, NoResponse::Timeout, effects);
        }
    }

    /// The time of an invitation is over.
    fn expire_invitation(&mut self, guest: &UserId, effects: &mut Effects) {
        if let Some(user) = self.audience.user(guest) {
            self.requests.end_invitation(user, NoResponse::Timeout, effects);
        }
    }

    /// Puts a guest of the audience on a free seat, and ends what else it asked for.
    fn seat(&mut self, guest: &UserId, seat: (u32, Media), settings: &Settings, effects: &mut Effects) {
        let Some(user) = self.audience.user(guest) else { return };
        let connection = match self.audience.attendance(guest) {
            Some(Attendance::Here) => Connection::Connecting,
            Some(Attendance::Gone) | None => Connection::Lost,
        };
        let grant = settings.grant.of(&self.live_id, guest);
        self.stays.begin(user, seat, connection, grant, effects);
        self.requests.end_application(user, NoResponse::AlreadySeated, effects);
        self.requests.end_invitation(user, NoResponse::AlreadySeated, effects);
    }

    /// The `status` of a guest. Who is online again says `join`.
    pub(super) fn user_status(
        &mut self,
        guest: &UserId,
        presence: Presence,
        until: Instant,
        effects: &mut Effects,
    ) {
        if presence == Presence::Offline && self.audience.lose(guest, until, effects) {
            self.stays.lose(guest, effects);
        }
    }

    /// The host was away for so long that everybody has to say `join` again until then.
    pub(super) fn doubt_audience(&mut self, until: Instant, effects: &mut Effects) {
        self.audience.doubt(until, effects);
    }

    /// A guest was gone for the whole hold.
    fn hold_over(&mut self, guest: &UserId, effects: &mut Effects) {
        if let Some(user) = self.audience.user(guest) {
            self.requests.end_application(user, NoResponse::Offline, effects);
            self.requests.end_invitation(user, NoResponse::Offline, effects);
        }
        self.stays.end(guest, UnseatReason::Offline, None, effects);
        self.forget(guest, effects);
    }

    /// A guest without a seat and without a request is no longer inside.
    fn forget(&mut self, guest: &UserId, effects: &mut Effects) {
        self.stays.forget(guest, effects);
        self.audience.forget(guest, effects);
    }

    /// Ends every request, every stay and every wait, and sends everybody home.
    pub(super) fn end(&mut self, by: &By, effects: &mut Effects) {
        for user in self.requests.applicants().iter().filter_map(|guest| self.audience.user(guest)) {
            self.requests.end_application(user, NoResponse::LiveEnded, effects);
        }
        for user in self.requests.invitees().iter().filter_map(|guest| self.audience.user(guest)) {
            self.requests.end_invitation(user, NoResponse::LiveEnded, effects);
        }
        self.stays.end_all(by, effects);
        for guest in self.audience.guests() {
            effects.tell(guest, ToGuest::LiveEnded {});
            effects.unwatch(guest.clone());
        }
        self.stays.refuse_pending(&Refusal::new(Code::UserNotInSeat, "the live has ended"), effects);
    }
}
