//! What the host of a room and this guest have of each other: the room, the way in, requests, and what was agreed to.
//!
//! Invariant: a request that fails changes nothing; a seat is taken up only with this guest's consent.
//!
//! Not here: the seat. What concerns it is returned as a [`MemberOutcome`].

use std::time::{Duration, Instant};

use super::consent::{Consent, least};
use super::contract::{AcceptInvitations, Settings, Timer};
use super::effects::{DONE, Effects};
use super::entry::{EntryOutcome, Moment, RoomEntry};
use super::join::FirstJoin;
use super::reconcile::{self, Difference, OwnRecord, PendingDifference};
use super::requests::{Purpose, RequestAnswer, Requests};
use super::room::{Room, RoomPhase};
use super::seat::SeatStatus;
use crate::model::command::{Inviter, Settled};
use crate::model::event::Event;
use crate::model::media::Ask;
use crate::model::message::{
    Application, DeviceAction, DeviceKind, Grant, Invitation, Membership, NoResponse, Outcome, OwnSeat,
    Signal, ToGuest, UnseatReason,
};
use crate::model::{
    By, Code, DeviceSwitch, InvitationId, LiveId, Media, Presence, Refusal, RequestId, RoomState, UserId,
};

/// What something that happened in the room means to the seat.
#[derive(Debug)]
#[must_use]
pub(super) enum MemberOutcome {
    Nothing,
    /// The host lets the guest in, and this is what it has of it.
    Joined {
        record: Membership,
        first_join: FirstJoin,
    },
    /// News of the room.
    Entry(EntryOutcome),
    /// A seat is given that was agreed to at this time.
    Seated {
        seat: OwnSeat,
        agreed_at: Instant,
    },
    Unseated {
        seat_index: u32,
        reason: UnseatReason,
        by: Option<By>,
    },
    Moved {
        from: u32,
        to: u32,
        by: By,
    },
    DeviceControl {
        device: DeviceKind,
        action: DeviceAction,
        by: By,
    },
    Signal(Signal),
    /// What the host was told of the devices has to be told again.
    DevicesRefused,
}

/// This guest as a member of a room.
#[derive(Debug)]
pub(super) struct RoomMember {
    entry: RoomEntry,
    requests: Requests,
    consent: Consent,
}

impl RoomMember {
    /// `session` is the random id of this start of the program.
    pub(super) fn new(session: String, settings: &Settings) -> Self {
        Self {
            entry: RoomEntry::new(session, settings),
            requests: Requests::default(),
            consent: Consent::new(settings.accept_invitations.clone()),
        }
    }

    pub(super) fn set_policy(&mut self, policy: AcceptInvitations) {
        self.consent.set_policy(policy);
    }

    pub(super) fn entry(&self) -> &RoomEntry {
        &self.entry
    }

    pub(super) fn entry_mut(&mut self) -> &mut RoomEntry {
        &mut self.entry
    }

    pub(super) fn room(&self) -> &Room {
        self.entry.room()
    }

    pub(super) fn consent(&self) -> &Consent {
        &self.consent
    }

    /// An operator applies. `on_seat` is the seat that the guest is on.
    ///
    /// # Errors
    /// There is no room or no host, or the guest sits or has applied.
    pub(super) fn apply(
        &mut self,
        now: Instant,
        application: Application,
        on_seat: Option<u32>,
        effects: &mut Effects,
    ) -> Settled {
        self.must_be_inside()?;
        if let Some(seat_index) = on_seat {
            return Err(Refusal::new(Code::AlreadyInSeat, format!("the guest is on seat {seat_index}")));
        }
        if self.applies() {
            return Err(Refusal::new(Code::AlreadyOnSeatQueue, "an application is pending already"));
        }
        let applied = self.command(now, Purpose::Apply(application), effects)?;
        effects.ask(Ask::Prepare);
        Ok(applied)
    }

    /// An application on its way counts: were it given up, its cancellation would end whichever the host has.
    fn applies(&self) -> bool {
        self.consent.applied_for().is_some() || self.requests.application().is_some()
    }

    /// An operator cancels the application.
    ///
    /// # Errors
    /// There is no room, no host or no application.
    pub(super) fn cancel_application(&mut self, now: Instant, effects: &mut Effects) -> Settled {
        self.must_be_inside()?;
        if !self.applies() {
            return Err(Refusal::new(Code::NotOnSeatQueue, "no application is pending"));
        }
        self.command(now, Purpose::CancelApplication, effects)
    }

    /// An operator accepts an invitation, of this host or the only one.
    ///
    /// # Errors
    /// There is no room, no host or no such invitation.
    pub(super) fn accept(&mut self, now: Instant, wish: &Inviter, effects: &mut Effects) -> Settled {
        self.must_be_inside()?;
        let invitation_id = self.consent.invitation_of(wish.inviter_id.as_ref())?;
        self.command(now, Purpose::Accept { invitation_id, at: Some(now) }, effects)
    }

    /// An operator rejects an invitation, of this host or the only one.
    ///
    /// # Errors
    /// There is no room, no host or no such invitation.
    pub(super) fn reject(&mut self, now: Instant, wish: &Inviter, effects: &mut Effects) -> Settled {
        self.must_be_inside()?;
        let invitation_id = self.consent.invitation_of(wish.inviter_id.as_ref())?;
        self.command(now, Purpose::Reject(invitation_id), effects)
    }

    fn must_be_inside(&self) -> Result<(), Refusal> {
        if self.room().is_inside() { Ok(()) } else { Err(not_in_room()) }
    }

    /// A request for a command; refused while nobody would answer.
    fn command(&mut self, now: Instant, purpose: Purpose, effects: &mut Effects) -> Settled {
        if self.room().phase() == Some(RoomPhase::HostLost) {
            let why = "the host is gone; the guest waits for it";
            return Err(Refusal::new(Code::HostUnreachable, why));
        }
        let live_id = self.room().live_id().cloned().ok_or_else(not_in_room)?;
        self.requests.command(now, live_id, purpose, effects)
    }

    /// Sends a request to the present host on nobody's behalf.
    pub(super) fn request(&mut self, now: Instant, purpose: Purpose, effects: &mut Effects) {
        if let Some(live_id) = self.room().live_id().cloned() {
            self.requests.send(now, live_id, purpose, effects);
        }
    }

    /// Settles every request and command that waits.
    pub(super) fn end_requests(&mut self, refusal: &Refusal, effects: &mut Effects) {
        self.requests.end(refusal, effects);
        self.entry.refuse_commands(refusal, effects);
    }

    /// The live session has ended: so has what was asked in it.
    pub(super) fn end_live(&mut self, effects: &mut Effects) {
        self.end_requests(&Refusal::new(Code::NotInRoom, "the live has ended"), effects);
        self.consent.end_pending(NoResponse::LiveEnded, effects);
        self.entry.interrupt_join(effects);
    }

    /// The live session has ended, and the seat is left.
    pub(super) fn live_ended(&mut self, effects: &mut Effects) {
        self.entry.live_ended(effects);
        if self.room().live_id().is_none() {
            self.consent.clear(effects);
        }
        self.consent.forget_agreed();
    }

    /// An operator leaves the room.
    pub(super) fn leave_room(&mut self, effects: &mut Effects) {
        self.entry.leave(effects);
        self.consent.clear(effects);
    }

    /// The room's retained state.
    pub(super) fn room_state(
        &mut self,
        at: Moment,
        news: (&LiveId, RoomState),
        effects: &mut Effects,
    ) -> MemberOutcome {
        let outcome = self.entry.room_state(at, news, effects);
        self.follow_entry(outcome, effects)
    }

    /// A host's `status`.
    pub(super) fn host_status(
        &mut self,
        at: Moment,
        news: (&UserId, Presence),
        effects: &mut Effects,
    ) -> MemberOutcome {
        let outcome = self.entry.host_status(at, news, effects);
        self.follow_entry(outcome, effects)
    }

    /// The commands `join_live` have waited for long enough.
    pub(super) fn join_live_in_vain(&mut self, effects: &mut Effects) -> MemberOutcome {
        let outcome = self.entry.join_live_in_vain(effects);
        self.follow_entry(outcome, effects)
    }

    fn follow_entry(&mut self, outcome: EntryOutcome, effects: &mut Effects) -> MemberOutcome {
        match outcome {
            EntryOutcome::Nothing => return MemberOutcome::Nothing,
            EntryOutcome::PlaceLost => self.end_requests(&not_in_room(), effects),
            EntryOutcome::RoomLeft => self.consent.clear(effects),
            EntryOutcome::HostLost => self.requests.give_up_all(effects),
            EntryOutcome::HostRestarted | EntryOutcome::LiveEnded => {}
        }
        MemberOutcome::Entry(outcome)
    }

    /// A message of the host.
    pub(super) fn message(
        &mut self,
        at: Moment,
        (live_id, message): (&LiveId, ToGuest),
        effects: &mut Effects,
    ) -> MemberOutcome {
        if !self.room().is(live_id) || !(self.room().is_inside() || matches!(message, ToGuest::Result { .. }))
        {
            return MemberOutcome::Nothing;
        }
        let taken_for_gone = matches!(
            message,
            ToGuest::ApplicationNoResponse { reason: NoResponse::Offline }
                | ToGuest::InvitationNoResponse { reason: NoResponse::Offline, .. }
        );
        match message {
            ToGuest::Result { request_id, outcome } => {
                return self.result(at, &request_id, outcome, effects);
            }
            ToGuest::ApplicationAccepted { seat_index, media, by } => {
                self.consent.application_accepted(at.now, (seat_index, media), by, &self.requests, effects);
            }
            ToGuest::ApplicationRejected { by } => self.consent.application_rejected(by, effects),
            ToGuest::ApplicationNoResponse { reason } => self.consent.end_application(reason, effects),
            ToGuest::Invitation(invitation) => self.invited(at, invitation, effects),
            ToGuest::InvitationCancelled { invitation_id, by } => {
                self.consent.invitation_cancelled(&invitation_id, by, effects);
            }
            ToGuest::InvitationNoResponse { invitation_id, reason } => {
                self.consent.end_invitation(&invitation_id, reason, effects);
            }
            ToGuest::Seated { seat_index, media, grant } => {
                return self.seated(at, (seat_index, media, grant), effects);
            }
            ToGuest::Unseated { seat_index, reason, by } => {
                return MemberOutcome::Unseated { seat_index, reason, by };
            }
            ToGuest::Moved { from, to, by } => return MemberOutcome::Moved { from, to, by },
            ToGuest::DeviceControl { device, action, by } => {
                return MemberOutcome::DeviceControl { device, action, by };
            }
            ToGuest::LiveEnded {} => return MemberOutcome::Entry(EntryOutcome::LiveEnded),
            ToGuest::Signal(signal) => return MemberOutcome::Signal(signal),
        }
        if taken_for_gone {
            self.entry.join_unless_lately(at, effects);
        }
        MemberOutcome::Nothing
    }

    /// The host gives a seat. The one place where that is agreed to.
    fn seated(
        &mut self,
        at: Moment,
        (seat_index, media, grant): (u32, Media, Grant),
        effects: &mut Effects,
    ) -> MemberOutcome {
        if at.seat == SeatStatus::Taken {
            return MemberOutcome::Nothing;
        }
        let Some(agreed) = self.consent.take(at.now, &self.requests, effects) else {
            self.request(at.now, Purpose::LeaveSeat, effects);
            return MemberOutcome::Nothing;
        };
        let media = least(agreed.media, media);
        let (camera, microphone) = (DeviceSwitch::On, DeviceSwitch::On);
        let seat = OwnSeat { seat_index, media, grant, camera, microphone };
        MemberOutcome::Seated { seat, agreed_at: agreed.at }
    }

    /// Keeps an invitation; on a seat it has crossed what led there, and is rejected.
    fn invited(&mut self, at: Moment, invitation: Invitation, effects: &mut Effects) {
        if at.seat == SeatStatus::Taken {
            return self.request(at.now, Purpose::Reject(invitation.invitation_id), effects);
        }
        if let Some(invitation_id) = self.consent.invite(at.now, invitation, effects) {
            self.request(at.now, Purpose::Accept { invitation_id, at: Some(at.now) }, effects);
        }
    }

    fn result(
        &mut self,
        at: Moment,
        request_id: &RequestId,
        outcome: Outcome,
        effects: &mut Effects,
    ) -> MemberOutcome {
        match outcome {
            Outcome::Ok(record) if self.entry.is_join(request_id) => {
                let first_join = self.entry.accepted(effects);
                self.requests.joined();
                MemberOutcome::Joined { record: record.unwrap_or_default(), first_join }
            }
            Outcome::Refused(refusal) if self.entry.is_join(request_id) => {
                let outcome = self.entry.refused(refusal, effects);
                self.follow_entry(outcome, effects)
            }
            Outcome::Ok(_) | Outcome::Refused(_) => {
                match self.requests.answer(request_id, outcome, effects) {
                    Some(answered) => self.answered(at, answered, effects),
                    None => MemberOutcome::Nothing,
                }
            }
        }
    }

    fn answered(
        &mut self,
        at: Moment,
        RequestAnswer { purpose, ticket, result }: RequestAnswer,
        effects: &mut Effects,
    ) -> MemberOutcome {
        let mut outcome = MemberOutcome::Nothing;
        let settled = match result {
            Ok(()) => {
                self.granted(at, purpose, effects);
                DONE
            }
            Err(refusal) => {
                if refusal.code == Code::NotInRoom {
                    self.entry.join_unless_lately(at, effects);
                }
                if let (Purpose::Devices(_), Code::RateLimited) = (purpose, refusal.code) {
                    effects.set_timer(at.now + Duration::from_secs(1), Timer::Devices);
                    outcome = MemberOutcome::DevicesRefused;
                }
                Err(refusal)
            }
        };
        if let Some(ticket) = ticket {
            effects.settle(ticket, settled);
        }
        outcome
    }

    fn granted(&mut self, at: Moment, purpose: Purpose, effects: &mut Effects) {
        match purpose {
            Purpose::Apply(application) => {
                self.consent.applied(at.now, application, effects);
                self.end_pending_if_seated(at.seat, effects);
            }
            Purpose::CancelApplication => {
                self.consent.take_application(effects);
            }
            Purpose::Accept { invitation_id, at: accepted } => {
                let accepted = accepted.filter(|_| at.seat != SeatStatus::Taken);
                self.consent.invitation_accepted(&invitation_id, accepted, effects);
            }
            Purpose::Reject(invitation_id) => {
                self.consent.take_invitation(&invitation_id, effects);
            }
            Purpose::LeaveSeat | Purpose::Devices(_) => {}
        }
    }

    /// On a seat the guest has what it asked for: the rest ends, whether or not the host says so.
    pub(super) fn end_pending_if_seated(&mut self, seat: SeatStatus, effects: &mut Effects) {
        if seat == SeatStatus::Taken {
            self.consent.end_pending(NoResponse::AlreadySeated, effects);
        }
    }

    /// What differs between what the host has and what this guest has.
    pub(super) fn differences(
        &self,
        record: Membership,
        first_join: FirstJoin,
        seat: SeatStatus,
    ) -> Vec<Difference> {
        let seat = match seat {
            SeatStatus::Standing if self.requests.leaves_seat(self.entry.join_order()) => SeatStatus::Leaving,
            SeatStatus::Standing | SeatStatus::Taken | SeatStatus::Leaving => seat,
        };
        let own = OwnRecord {
            first_join,
            seat,
            agreed: self.consent.agreed(),
            applied: self.consent.applied_for(),
            invited: self.consent.invitation_ids().cloned().collect(),
            requested: self.requests.application_request(),
        };
        reconcile::differences(record, own)
    }

    /// Follows a difference that does not concern the seat.
    pub(super) fn follow(&mut self, at: Moment, difference: PendingDifference, effects: &mut Effects) {
        match difference {
            PendingDifference::ApplicationAccepted { seat_index } => {
                self.consent.take_application(effects);
                if let Some(by) = self.room().by_host() {
                    effects.say(Event::ApplicationAccepted { seat_index, by });
                }
            }
            PendingDifference::SeatUnwanted => self.request(at.now, Purpose::LeaveSeat, effects),
            PendingDifference::ApplicationLost => {
                self.consent.end_application(NoResponse::Offline, effects);
            }
            PendingDifference::ApplicationKept(application) => {
                self.granted(at, Purpose::Apply(application), effects);
            }
            PendingDifference::ApplicationUnwanted => {
                self.request(at.now, Purpose::CancelApplication, effects);
            }
            PendingDifference::InvitationLost(invitation_id) => {
                self.invitation_over(&invitation_id, NoResponse::Offline, effects);
            }
            PendingDifference::Invitation(invitation) => self.invited(at, invitation, effects),
        }
    }

    /// Both sides agree again: what was agreed to before has led to the seat, or to nothing.
    pub(super) fn reconciled(&mut self, seat: SeatStatus, effects: &mut Effects) {
        self.end_pending_if_seated(seat, effects);
        self.consent.forget_agreed();
    }

    /// The host did not answer a request in time.
    pub(super) fn unanswered(&mut self, request_id: &RequestId, effects: &mut Effects) {
        self.requests.unanswered(request_id, effects);
    }

    /// The application has expired, and the host did not say so.
    pub(super) fn application_expired(&mut self, effects: &mut Effects) {
        self.consent.end_application(NoResponse::Timeout, effects);
    }

    /// The invitation is over, for this reason.
    pub(super) fn invitation_over(&mut self, id: &InvitationId, reason: NoResponse, effects: &mut Effects) {
        self.consent.end_invitation(id, reason, effects);
    }
}

/// The refusal for what needs a room.
pub(super) fn not_in_room() -> Refusal {
    Refusal::new(Code::NotInRoom, "the guest is in no room: join_live comes first")
}
