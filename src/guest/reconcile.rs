//! The answer to `join`: what the host has of this guest beside what the guest has itself.

use std::time::Instant;

use super::room::{Place, Wish};
use super::seat::Given;
use super::{
    DONE, Guest, Life, Timer,
    messages::least,
    not_in_room,
    requests::{Purpose, Request, Sent},
};
use crate::model::event::Event;
use crate::model::message::{
    Application, DeviceKind, Invitation, Membership, NoResponse, Outcome, OwnSeat, ToHost, UnseatReason,
};
use crate::model::{By, Cause, Code, Refusal};

impl Guest {
    pub(super) fn join_answered(&mut self, now: Instant, outcome: Outcome) {
        match outcome {
            Outcome::Ok(membership) => self.joined(now, membership.unwrap_or_default()),
            Outcome::Refused(refusal) => self.not_let_in(now, refusal),
        }
    }

    fn joined(&mut self, now: Instant, membership: Membership) {
        let Some(room) = &mut self.room else { return };
        let before = std::mem::replace(&mut room.place, Place::Inside);
        room.joined();
        self.late.clear();
        let tickets = std::mem::take(&mut room.tickets);
        self.effects.cancel_timers(&[Timer::Join, Timer::JoinLive, Timer::HostHold]);
        for ticket in tickets {
            self.effects.settle(ticket, DONE);
        }
        if before == Place::HostLost {
            self.effects.say(Event::HostBack {});
        }
        self.reconcile(now, membership);
        self.life = Life::Settled;
        self.hold_if_alone(now);
        self.reachable_again(now);
    }

    fn not_let_in(&mut self, now: Instant, refusal: Refusal) {
        let Some(room) = &mut self.room else { return };
        room.join = None;
        let inside = room.is_inside();
        if inside && refusal.code == Code::RateLimited {
            // Too many words at once say nothing of the place: the pause before the next `join` runs already.
            return;
        }
        room.refused = Some(refusal.clone());
        let commanded = room.wish == Wish::Command;
        self.effects.cancel_timer(&Timer::JoinLive);
        for ticket in std::mem::take(&mut room.tickets) {
            self.effects.settle(ticket, Err(refusal.clone()));
        }
        if inside {
            // The place was given away while this guest was gone.
            self.settle_requests(not_in_room);
            self.reconcile(now, Membership::default());
            if let Some(room) = &mut self.room {
                room.place = Place::Joining;
            }
        } else if commanded {
            self.forget_room();
        }
    }

    fn reconcile(&mut self, now: Instant, membership: Membership) {
        if let Some(banned) = &membership.banned {
            self.sync_bans(now, banned);
        }
        self.reconcile_seat(now, membership.seat);
        self.reconcile_application(now, membership.application);
        self.reconcile_invitations(now, membership.invitations);
        self.end_other_requests();
        if let Some(room) = self.room.as_mut().filter(|_| self.stay.is_none()) {
            room.consent = None;
        }
    }

    fn reconcile_seat(&mut self, now: Instant, seat: Option<OwnSeat>) {
        match (seat, self.stay.is_some()) {
            (None, false) => {}
            (None, true) => self.leave_stay(now, UnseatReason::Offline, None, Vec::new()),
            (Some(seat), true) => self.same_seat(now, &seat),
            (Some(seat), false) => self.seat_kept(now, seat),
        }
    }

    /// Both know of the seat: what changed while they were apart is followed.
    fn same_seat(&mut self, now: Instant, seat: &OwnSeat) {
        let by = self.room.as_ref().and_then(|room| room.host.clone()).map(By::from);
        let grant = self.way(seat.grant.clone());
        let Some(stay) = &mut self.stay else { return };
        let from = std::mem::replace(&mut stay.seat_index, seat.seat_index);
        stay.told = None;
        let elsewhere = stay.grant != grant;
        stay.grant = grant.clone();
        if let Some(by) = by.filter(|_| from != seat.seat_index) {
            self.effects.say(Event::SeatMoved { from, to: seat.seat_index, by });
        }
        self.sync_ban(now, DeviceKind::Camera, seat.camera);
        self.sync_ban(now, DeviceKind::Microphone, seat.microphone);
        match self.obstacle(&grant).filter(|_| elsewhere) {
            Some(refusal) => return self.refuse_media(now, refusal),
            None if elsewhere => self.recover(now, Cause::StageGone, "the seat's media go elsewhere now"),
            None => {}
        }
        self.tell_devices(now);
    }

    /// The host has a seat that the guest lacks.
    fn seat_kept(&mut self, now: Instant, seat: OwnSeat) {
        let applied = self.room.as_ref().and_then(|room| room.applied.as_ref());
        let applied = applied.map(|applied| applied.application.media);
        let consent = self.room.as_mut().and_then(|room| room.consent.take()).map(|consent| consent.media);
        let OwnSeat { seat_index, media, grant, camera, microphone } = seat;
        let media = match (self.life, consent, applied) {
            (Life::JustStarted, ..) => media,
            (Life::Settled, Some(agreed), _) => least(agreed, media),
            (Life::Settled, None, Some(asked)) => {
                self.take_application();
                if let Some(by) = self.room.as_ref().and_then(|room| room.host.clone()).map(By::from) {
                    self.effects.say(Event::ApplicationAccepted { seat_index, by });
                }
                least(asked, media)
            }
            (Life::Settled, None, None) => {
                let leaves = self.farewell.is_some();
                let told = |request: &Request| {
                    request.purpose == Purpose::LeaveSeat && request.sent == Sent::AfterJoin
                };
                if !leaves && !self.requests.iter().any(told) {
                    self.request(now, Purpose::LeaveSeat, ToHost::LeaveSeat, None);
                }
                return;
            }
        };
        let agreed_now = self.life == Life::Settled;
        let open = |switch| if agreed_now { super::messages::open_unless_banned(switch) } else { switch };
        let (camera, microphone) = (open(camera), open(microphone));
        self.begin_stay(now, Given { seat_index, media, grant, accepted: now, camera, microphone });
    }

    fn reconcile_application(&mut self, now: Instant, application: Option<Application>) {
        let has = self.room.as_ref().is_some_and(|room| room.applied.is_some());
        match (application, has, self.life) {
            (None, false, _) | (Some(_), true, _) => {}
            (None, true, _) => self.end_application(NoResponse::Offline),
            (Some(application), false, Life::JustStarted) => self.applied(now, application),
            (Some(_), false, Life::Settled) => {
                let on_its_way = |purpose: &Purpose| matches!(purpose, Purpose::Apply(_) | Purpose::Cancel);
                if !self.waits_for(on_its_way) {
                    self.request(now, Purpose::Cancel, ToHost::CancelApplication, None);
                }
            }
        }
    }

    fn reconcile_invitations(&mut self, now: Instant, invitations: Vec<Invitation>) {
        let Some(room) = &self.room else { return };
        let ended: Vec<_> = room
            .invited
            .iter()
            .map(|invited| &invited.invitation.invitation_id)
            .filter(|id| invitations.iter().all(|invitation| invitation.invitation_id != **id))
            .cloned()
            .collect();
        for id in ended {
            self.end_invitation(&id, NoResponse::Offline);
        }
        for invitation in invitations {
            self.invited(now, invitation);
        }
    }
}
