//! What guests ask for, and what becomes of those who are gone.

use std::time::Instant;

use super::limits::Allowance;
use super::live::{Attendance, Kind, Member, Pending, Seen};
use super::seating::grant;
use super::{AcceptApplications, Host, Presence, Timer};
use crate::model::event::Event;
use crate::model::message::{
    Application, Devices, Invitation, Membership, NoResponse, OnOff, Outcome, OwnSeat, ToGuest, ToHost,
    UnseatReason,
};
use crate::model::state::Deadline;
use crate::model::{
    Code, Connection, DeviceSwitch, InvitationId, LiveId, Media, Phase, Refusal, RequestId, RequestTimeout,
    SeatMode, User, UserId,
};

impl Host {
    pub(super) fn request(
        &mut self,
        now: Instant,
        live_id: &LiveId,
        from: &UserId,
        request_id: RequestId,
        request: Result<ToHost, Refusal>,
    ) {
        let ours = self.live.as_ref().is_some_and(|live| live.live_id == *live_id);
        if !ours {
            return;
        }
        if self.limits.request(from, now) == Allowance::Spent {
            let refusal = Refusal::new(Code::RateLimited, "at most 20 requests a second");
            return self
                .effects
                .tell(from, ToGuest::Result { request_id, outcome: Outcome::Refused(refusal) });
        }
        if let Some(outcome) = self.answers.given(from, &request_id, now).cloned() {
            return self.effects.tell(from, ToGuest::Result { request_id, outcome });
        }
        // The answer goes before what follows from it: its place is kept.
        let place = self.effects.place();
        let outcome = match request.and_then(|request| self.take(now, from, request)) {
            Ok(membership) => Outcome::Ok(membership),
            Err(refusal) => Outcome::Refused(refusal),
        };
        self.answers.remember(from, request_id.clone(), outcome.clone(), now);
        let message = ToGuest::Result { request_id, outcome };
        self.effects.tell_before(place, from, message);
    }

    fn take(&mut self, now: Instant, from: &UserId, request: ToHost) -> Result<Option<Membership>, Refusal> {
        let inside = self.live.as_ref().is_some_and(|live| live.members.contains_key(from));
        match request {
            ToHost::Join { user, session } => return self.join(now, from, user, session).map(Some),
            _ if !inside => return Err(Refusal::new(Code::NotInRoom, "join first")),
            ToHost::Leave => self.leave(from),
            ToHost::Apply(application) => self.apply(now, from, application)?,
            ToHost::CancelApplication => {
                self.take_request(Kind::Application, from).ok_or_else(no_application)?;
                if let Some(user) = self.user_of(from) {
                    self.effects.say(Event::ApplicationCancelled { user });
                }
            }
            ToHost::AcceptInvitation { invitation_id } => self.invitation_accepted(from, &invitation_id)?,
            ToHost::RejectInvitation { invitation_id } => {
                self.invited(from, &invitation_id)?;
                self.invitation_rejected(from);
            }
            ToHost::LeaveSeat => {
                self.seated(from)?;
                self.unseat(from, UnseatReason::Left, None);
            }
            ToHost::Devices(devices) => self.devices(from, devices)?,
        }
        Ok(None)
    }

    fn join(
        &mut self,
        now: Instant,
        from: &UserId,
        user: User,
        session: String,
    ) -> Result<Membership, Refusal> {
        // The sender is the user in the topic, never a field of the payload.
        let unnamed = user.user_name.as_str() == user.user_id.as_str();
        let user = if unnamed {
            User { avatar_url: user.avatar_url, ..User::named_by_id(from.clone()) }
        } else {
            User { user_id: from.clone(), ..user }
        };
        let Some(live) = &mut self.live else { return Err(super::not_in_room()) };
        if !live.members.contains_key(from) {
            if live.members.len() >= self.settings.capacity {
                let why = format!("the room takes {} guests", self.settings.capacity);
                return Err(Refusal::new(Code::RoomFull, why));
            }
            live.enter(user.clone(), session, Attendance::Here);
            self.effects.watch(from.clone());
            self.effects.say(Event::GuestJoined { user });
            return Ok(Membership { banned: Some(Vec::new()), ..Membership::default() });
        }
        self.joined_again(from, user, session);
        Ok(self.membership(now, from))
    }

    fn joined_again(&mut self, from: &UserId, user: User, session: String) {
        let Some(member) = self.live.as_mut().and_then(|live| live.members.get_mut(from)) else { return };
        let attendance = std::mem::replace(&mut member.attendance, Attendance::Here);
        let restarted = member.session != session;
        member.session = session;
        if member.user != user {
            member.user = user;
            if member.seat.is_some() {
                self.effects.change_room();
            }
        }
        if restarted {
            self.close_peer(from);
            self.media_lost(from);
        }
        let gone = match attendance {
            Attendance::Here => restarted,
            Attendance::Gone => {
                self.effects.cancel_timer(&Timer::Hold(from.clone()));
                true
            }
        };
        if gone {
            // Media may have gone on all the while: the broker was away, not the peer.
            let seen =
                self.live.as_mut().and_then(|live| live.occupant(from)).map(|(_, occupant)| occupant.seen);
            let connection =
                if seen == Some(Seen::Live) { Connection::Connected } else { Connection::Connecting };
            self.set_connection(from, connection);
        }
    }

    /// What the host has of a guest, for the answer to its `join`.
    fn membership(&mut self, now: Instant, from: &UserId) -> Membership {
        let Some(live) = &mut self.live else { return Membership::default() };
        let grant = grant(&self.settings.grant, &live.live_id, from);
        let seat = live.occupant(from).map(|(seat_index, occupant)| OwnSeat {
            seat_index,
            media: occupant.media,
            grant,
            camera: occupant.camera,
            microphone: occupant.microphone,
        });
        let left = |pending: &Pending| {
            RequestTimeout::left(pending.expires.0.map(|at| at.saturating_duration_since(now)))
        };
        let application = live.applications.get(from).map(|pending| Application {
            seat_index: pending.seat_index,
            timeout: left(pending),
            media: pending.media,
            extra_info: pending.extra_info.clone(),
        });
        let invitation = live.invitations.get(from).and_then(|pending| {
            let (invitation_id, by) = pending.invitation.clone()?;
            Some(Invitation {
                invitation_id,
                seat_index: pending.seat_index,
                media: pending.media,
                timeout: left(pending),
                extra_info: pending.extra_info.clone(),
                by,
            })
        });
        let banned = Some(live.bans.of(from).map(|(device, _)| device).collect());
        Membership { seat, application, invitations: invitation.into_iter().collect(), banned }
    }

    fn leave(&mut self, from: &UserId) {
        if self.take_request(Kind::Application, from).is_some()
            && let Some(user) = self.user_of(from)
        {
            self.effects.say(Event::ApplicationCancelled { user });
        }
        self.invitation_rejected(from);
        self.unseat(from, UnseatReason::Left, None);
        self.forget(from);
    }

    fn apply(&mut self, now: Instant, from: &UserId, wish: Application) -> Result<(), Refusal> {
        let Some(live) = &mut self.live else { return Err(super::not_in_room()) };
        let Some(member) = live.member(from) else { return Err(super::not_in_room()) };
        if let Some(seat) = member.seat {
            return Err(Refusal::new(Code::AlreadyInSeat, format!("{from} is on seat {seat}")));
        }
        if live.applications.get(from).is_some() {
            return Err(Refusal::new(Code::AlreadyOnSeatQueue, "an application is pending already"));
        }
        let seat_index = live.free_seat(wish.seat_index)?;
        let user = member.user.clone();
        let at_once = live.seat_mode == SeatMode::Free
            || self.settings.accept_applications == AcceptApplications::Always;
        if !at_once {
            let expires = Deadline(wish.timeout.duration().map(|timeout| now + timeout));
            let Application { seat_index, media, extra_info, .. } = wish.clone();
            live.applications
                .push(from.clone(), Pending { seat_index, media, extra_info, expires, invitation: None });
            if let Some(at) = expires.0 {
                self.effects.set_timer(at, Timer::Application(from.clone()));
            }
        }
        self.effects.say(Event::ApplicationReceived {
            user,
            seat_index: wish.seat_index,
            media: wish.media,
            timeout: wish.timeout,
            extra_info: wish.extra_info,
        });
        if at_once {
            self.accepted(from, seat_index, wish.media, None);
        }
        Ok(())
    }

    /// An application leads to a seat.
    pub(super) fn accepted(
        &mut self,
        guest: &UserId,
        seat_index: u32,
        media: Media,
        operator: Option<crate::model::Operator>,
    ) {
        let by = self.by(operator);
        if let Some(user) = self.user_of(guest) {
            self.effects.say(Event::ApplicationProcessed { user, accepted: true, by: by.clone() });
        }
        self.effects.tell(guest, ToGuest::ApplicationAccepted { seat_index, media, by });
        self.seat(guest, seat_index, media);
    }

    fn invited(&self, from: &UserId, invitation_id: &InvitationId) -> Result<&Pending, Refusal> {
        self.live
            .as_ref()
            .and_then(|live| live.invitations.get(from))
            .filter(|pending| pending.invitation.as_ref().is_some_and(|(id, _)| id == invitation_id))
            .ok_or_else(|| Refusal::new(Code::NoSuchInvitation, "no such invitation is pending"))
    }

    fn invitation_accepted(&mut self, from: &UserId, invitation_id: &InvitationId) -> Result<(), Refusal> {
        let pending = self.invited(from, invitation_id)?;
        let (wish, media) = (pending.seat_index, pending.media);
        let Some(live) = &self.live else { return Err(super::not_in_room()) };
        let seat_index = live.free_seat(wish)?;
        self.take_request(Kind::Invitation, from);
        if let Some(user) = self.user_of(from) {
            self.effects.say(Event::InvitationAccepted { user, seat_index });
        }
        self.seat(from, seat_index, media);
        Ok(())
    }

    fn invitation_rejected(&mut self, from: &UserId) {
        if self.take_request(Kind::Invitation, from).is_some()
            && let Some(user) = self.user_of(from)
        {
            self.effects.say(Event::InvitationRejected { user });
        }
    }

    fn devices(&mut self, from: &UserId, devices: Devices) -> Result<(), Refusal> {
        self.seated(from)?;
        let Some((_, occupant)) = self.live.as_mut().and_then(|live| live.occupant(from)) else {
            return Ok(());
        };
        if devices.camera == OnOff::On && occupant.media == Media::Audio {
            return Err(Refusal::new(Code::PermissionDenied, "an audio seat has no camera"));
        }
        let camera = switched(occupant.camera, devices.camera, Code::CameraClosedByAdmin)?;
        let microphone = switched(occupant.microphone, devices.microphone, Code::MicrophoneClosedByAdmin)?;
        if (occupant.camera, occupant.microphone) != (camera, microphone) {
            (occupant.camera, occupant.microphone) = (camera, microphone);
            self.effects.change_room();
            self.follow_sound(from);
        }
        if let Some(phase) = devices.phase.filter(|_| !self.own_stage()) {
            self.phase(from, phase);
        }
        Ok(())
    }

    /// What a guest says of its media where the stage is somebody else's.
    fn phase(&mut self, guest: &UserId, phase: Phase) {
        match phase {
            Phase::Live => self.media_live(guest),
            Phase::Preparing | Phase::Negotiating | Phase::Connecting => {
                self.media_lost(guest);
                self.set_connection(guest, Connection::Connecting);
            }
            Phase::Recovering | Phase::Leaving => {
                self.media_lost(guest);
                self.set_connection(guest, Connection::Lost);
            }
        }
    }

    pub(super) fn seated(&self, guest: &UserId) -> Result<u32, Refusal> {
        let member = self.live.as_ref().and_then(|live| live.member(guest));
        member
            .and_then(|member: &Member| member.seat)
            .ok_or_else(|| Refusal::new(Code::UserNotInSeat, format!("{guest} has no seat")))
    }

    /// Takes a pending request out, with its timer.
    pub(super) fn take_request(&mut self, kind: Kind, guest: &UserId) -> Option<Pending> {
        let live = self.live.as_mut()?;
        let (queue, timer) = match kind {
            Kind::Application => (&mut live.applications, Timer::Application(guest.clone())),
            Kind::Invitation => (&mut live.invitations, Timer::Invitation(guest.clone())),
        };
        let pending = queue.take(guest)?;
        self.effects.cancel_timer(&timer);
        Some(pending)
    }

    pub(super) fn expire(&mut self, kind: Kind, guest: &UserId) {
        self.end_request(kind, guest, NoResponse::Timeout);
    }

    pub(super) fn user_status(&mut self, now: Instant, user_id: &UserId, presence: Presence) {
        self.status_of_other(now, user_id, presence);
        let Some(member) = self.live.as_mut().and_then(|live| live.members.get_mut(user_id)) else { return };
        if presence == Presence::Online || member.attendance != Attendance::Here {
            return;
        }
        let until = now + self.settings.hold;
        member.attendance = Attendance::Gone;
        self.effects.set_timer(until, Timer::Hold(user_id.clone()));
        self.set_connection(user_id, Connection::Lost);
    }

    /// A `leave` may have been missed: everybody has the hold to say `join` again, as guests do when their host is back.
    pub(super) fn doubt_everybody(&mut self, now: Instant) {
        let Some(live) = &mut self.live else { return };
        let until = now + self.settings.hold;
        for (user_id, member) in &mut live.members {
            if member.attendance == Attendance::Here {
                member.attendance = Attendance::Gone;
                self.effects.set_timer(until, Timer::Hold(user_id.clone()));
            }
        }
    }

    /// The hold is over.
    pub(super) fn given_up(&mut self, guest: &UserId) {
        self.end_request(Kind::Application, guest, NoResponse::Offline);
        self.end_request(Kind::Invitation, guest, NoResponse::Offline);
        self.unseat(guest, UnseatReason::Offline, None);
        self.forget(guest);
    }
}

/// What becomes of a device: a banned one stays closed (rule 12).
fn switched(is: DeviceSwitch, wish: OnOff, banned: Code) -> Result<DeviceSwitch, Refusal> {
    match (is, wish) {
        (DeviceSwitch::ClosedByAdmin, OnOff::On) => Err(Refusal::new(
            banned,
            "the host keeps it closed: it is lifted with open_remote_camera or open_remote_microphone",
        )),
        (DeviceSwitch::ClosedByAdmin, OnOff::Off) => Ok(DeviceSwitch::ClosedByAdmin),
        (DeviceSwitch::On | DeviceSwitch::Off, wish) => Ok(wish.into()),
    }
}

/// The refusal where no application is pending.
pub(super) fn no_application() -> Refusal {
    Refusal::new(Code::NotOnSeatQueue, "no application is pending")
}
