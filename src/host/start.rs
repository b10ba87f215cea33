//! How a live starts and ends, and how a room is taken back after a restart.

use std::time::{Duration, Instant};

use super::live::{Attendance, Live, Lock, Occupant, Seen};
use super::{DONE, Host, Output, Presence, Timer, not_in_room};
use crate::model::command::{Answer, SeatCount, Settled, StartLive};
use crate::model::media::Ticket;
use crate::model::message::{DeviceKind, ToGuest, UnseatReason};
use crate::model::{
    Banned, Code, Connection, DeviceSwitch, LiveId, Media, Refusal, RoomState, RoomStatus, Seat, SeatMode,
    User, UserId,
};

/// How long the broker may take to say what is retained of the room: to begin without knowing would empty its seats.
const LOOK_AROUND: Duration = Duration::from_secs(10);

/// How long it may then take to say whether the room's other host is there; of one never seen it says nothing.
const LOOK_FOR_OTHER: Duration = Duration::from_secs(2);

/// Most commands that wait for one live to start.
const TICKETS_MAX: usize = 64;

/// A live that is about to start.
#[derive(Debug)]
pub(super) struct Starting {
    pub(super) live_id: LiveId,
    /// The commands `start_live` that wait.
    pub(super) tickets: Vec<Ticket>,
    seats: SeatCount,
    seat_mode: SeatMode,
    /// The host of the live that is retained, while it is unknown whether he is there.
    other: Option<UserId>,
}

impl Host {
    pub(super) fn start_live(&mut self, now: Instant, wish: StartLive) -> Settled {
        let other = |live_id: &LiveId| {
            let why = format!("the live {live_id} runs or is being started: end it first with end_live");
            Err(Refusal::new(Code::AlreadyInOtherRoom, why))
        };
        match (&self.live, &self.starting) {
            (Some(live), _) if live.live_id == wish.live_id => return DONE,
            (Some(live), _) => return other(&live.live_id),
            (None, Some(starting)) if starting.live_id != wish.live_id => return other(&starting.live_id),
            (None, Some(starting)) if starting.tickets.len() >= TICKETS_MAX => {
                return Err(Refusal::new(Code::RateLimited, "too many commands wait for this live to start"));
            }
            (None, Some(_)) => {}
            (None, None) => self.start(now, wish.live_id, wish.seats, wish.seat_mode),
        }
        let ticket = self.effects.ticket();
        if let Some(starting) = &mut self.starting {
            starting.tickets.push(ticket);
            starting.seats = wish.seats.unwrap_or(starting.seats);
            starting.seat_mode = wish.seat_mode.unwrap_or(starting.seat_mode);
        }
        Ok(Answer::Pending(ticket))
    }

    /// The room of the live that this wish would start, with nobody in it, or that runs already; `None` where another one stands in
    /// the way.
    pub fn prospect(&self, wish: &StartLive) -> Option<RoomState> {
        let starting = self.starting.as_ref();
        match &self.live {
            Some(live) => (live.live_id == wish.live_id).then(|| self.room(live)),
            None if starting.is_some_and(|starting| starting.live_id != wish.live_id) => None,
            None => {
                let seats =
                    wish.seats.unwrap_or(starting.map_or(self.settings.seats, |starting| starting.seats));
                let seat_mode = wish.seat_mode.unwrap_or(self.settings.seat_mode);
                let count = usize::try_from(seats.get()).unwrap_or_default();
                Some(self.room(&Live::new(wish.live_id.clone(), seat_mode, count)))
            }
        }
    }

    /// Looks what is retained of the room; [`Host::retained`] or [`Timer::Start`] goes on.
    pub(super) fn start(
        &mut self,
        now: Instant,
        live_id: LiveId,
        seats: Option<SeatCount>,
        seat_mode: Option<SeatMode>,
    ) {
        self.effects.set_timer(now + LOOK_AROUND, Timer::Start);
        self.effects.push(Output::WatchRoom(live_id.clone()));
        self.starting = Some(Starting {
            live_id,
            tickets: Vec::new(),
            seats: seats.unwrap_or(self.settings.seats),
            seat_mode: seat_mode.unwrap_or(self.settings.seat_mode),
            other: None,
        });
    }

    pub(super) fn retained(&mut self, now: Instant, live_id: &LiveId, state: Option<RoomState>) {
        let Some(starting) = self.starting.as_mut().filter(|starting| starting.live_id == *live_id) else {
            return;
        };
        // Nothing heard without the broker is not "nothing retained".
        if starting.other.is_some() || (state.is_none() && self.broker == Presence::Offline) {
            return;
        }
        self.revision = self.revision.max(state.as_ref().map_or(0, |room| room.revision));
        let live = state.filter(|room| room.status == RoomStatus::Live);
        match live {
            None => self.begin(now, None),
            Some(room) if room.host.user_id == self.settings.user.user_id => self.begin(now, Some(room)),
            Some(room) => {
                starting.other = Some(room.host.user_id.clone());
                self.effects.set_timer(now + LOOK_FOR_OTHER, Timer::Start);
                self.effects.watch(room.host.user_id);
            }
        }
    }

    /// Without the broker nothing can be seen of the room, so nothing is taken for granted.
    pub(super) fn look_later(&mut self) {
        self.effects.cancel_timer(&Timer::Start);
    }

    pub(super) fn look_again(&mut self, now: Instant) {
        if self.starting.is_some() {
            self.effects.set_timer(now + LOOK_AROUND, Timer::Start);
        }
    }

    /// Nothing stands against the start any more.
    pub(super) fn start_undisturbed(&mut self, now: Instant) {
        if self.starting.is_some() {
            self.begin(now, None);
        }
    }

    /// The status of the host whose live is retained.
    pub(super) fn status_of_other(&mut self, now: Instant, user_id: &UserId, presence: Presence) {
        if self.starting.as_ref().and_then(|starting| starting.other.as_ref()) != Some(user_id) {
            return;
        }
        match presence {
            Presence::Offline => self.begin(now, None),
            Presence::Online => {
                let Some(starting) = self.looked_around() else { return };
                let why = format!("{} is live under {user_id}, who is online", starting.live_id);
                let refusal = Refusal::new(Code::PermissionDenied, why);
                self.effects.fail(refusal.clone());
                for ticket in starting.tickets {
                    self.effects.settle(ticket, Err(refusal.clone()));
                }
            }
        }
    }

    fn looked_around(&mut self) -> Option<Starting> {
        let starting = self.starting.take()?;
        self.effects.cancel_timer(&Timer::Start);
        self.effects.push(Output::UnwatchRoom(starting.live_id.clone()));
        if let Some(other) = &starting.other {
            self.effects.unwatch(other.clone());
        }
        Some(starting)
    }

    fn begin(&mut self, now: Instant, before: Option<RoomState>) {
        let Some(mut starting) = self.looked_around() else { return };
        let tickets = std::mem::take(&mut starting.tickets);
        let count = usize::try_from(starting.seats.get()).unwrap_or_default();
        let mut live = Live::new(starting.live_id.clone(), starting.seat_mode, count);
        self.effects.enter(starting.live_id);
        let (seats, banned) = before.map(|room| (room.seats, room.banned)).unwrap_or_default();
        let (kept, gone): (Vec<Seat>, Vec<Seat>) =
            seats.into_iter().partition(|seat| seat.index < starting.seats.get());
        let until = now + self.settings.hold;
        for seat in kept {
            let banned = banned_on(&seat);
            if let Some(user_id) = take_back(&mut live, seat, Attendance::Gone) {
                for device in banned {
                    live.bans.add(&user_id, device, self.by(None));
                }
                self.effects.set_timer(until, Timer::Hold(user_id.clone()));
                self.effects.watch(user_id);
            }
        }
        for Banned { user_id, devices } in banned {
            if live.members.contains_key(&user_id) || live.members.len() >= self.settings.capacity {
                continue;
            }
            // Its name comes with its next `join`.
            live.enter(User::named_by_id(user_id.clone()), String::new(), Attendance::Gone);
            for device in devices {
                live.bans.add(&user_id, device, self.by(None));
            }
            self.effects.set_timer(until, Timer::Hold(user_id.clone()));
            self.effects.watch(user_id);
        }
        self.live = Some(live);
        for seat in gone {
            let Some(user) = seat.user else { continue };
            let (seat_index, reason) = (seat.index, UnseatReason::SeatLocked);
            self.effects
                .tell(&user.user_id, ToGuest::Unseated { seat_index, reason, by: Some(self.by(None)) });
            self.effects.say(crate::model::event::Event::GuestUnseated { user, seat_index, reason });
        }
        self.effects.recover();
        self.effects.change_room();
        for ticket in tickets {
            self.effects.settle(ticket, DONE);
        }
    }

    pub(super) fn end_live(&mut self) -> Settled {
        let Some(live) = &self.live else { return Err(not_in_room()) };
        let by = self.by(None);
        let (applicants, invitees) = (live.applications.guests(), live.invitations.guests());
        let members: Vec<UserId> = live.members.keys().cloned().collect();
        let mut seated: Vec<(Option<u32>, UserId)> =
            live.members.values().map(|member| (member.seat, member.user.user_id.clone())).collect();
        seated.retain(|(seat, _)| seat.is_some());
        seated.sort();
        for guest in &applicants {
            self.end_request(
                super::live::Kind::Application,
                guest,
                crate::model::message::NoResponse::LiveEnded,
            );
        }
        for guest in &invitees {
            self.end_request(
                super::live::Kind::Invitation,
                guest,
                crate::model::message::NoResponse::LiveEnded,
            );
        }
        for (_, guest) in &seated {
            self.unseat(guest, UnseatReason::LiveEnded, Some(by.clone()));
        }
        for guest in &members {
            self.effects.tell(guest, ToGuest::LiveEnded {});
            self.effects.unwatch(guest.clone());
        }
        self.close_room();
        DONE
    }

    fn close_room(&mut self) {
        let Some(mut live) = self.live.take() else { return };
        for ticket in std::mem::take(&mut self.pictures) {
            let settled = Err(Refusal::new(Code::UserNotInSeat, "the live has ended"));
            self.effects.settle(ticket, settled);
        }
        live.bans.clear();
        live.seats.iter_mut().for_each(|slot| *slot = super::live::Slot::default());
        let mut room = self.room(&live);
        room.status = RoomStatus::Ended;
        room.stage = None;
        self.effects.cancel_timers();
        self.effects.take_room_change();
        match self.broker {
            Presence::Online => {
                self.revision += 1;
                room.revision = self.revision;
                self.effects.push(Output::Room(room));
            }
            Presence::Offline => self.ended = Some(room),
        }
        // The wish to be live ends with the live.
        self.settings.standing_room = None;
        self.effects.exit();
    }
}

/// What is banned of who sits there.
fn banned_on(seat: &Seat) -> Vec<DeviceKind> {
    let switches = [(DeviceKind::Camera, seat.camera), (DeviceKind::Microphone, seat.microphone)];
    let banned = switches.into_iter().filter(|(_, switch)| *switch == DeviceSwitch::ClosedByAdmin);
    banned.map(|(device, _)| device).collect()
}

/// Restores one seat of the room as it was left: lock, occupant and bans; the guest has the hold to come back.
fn take_back(live: &mut Live, seat: Seat, attendance: Attendance) -> Option<UserId> {
    let slot = live.seats.get_mut(usize::try_from(seat.index).ok()?)?;
    if seat.locked {
        slot.lock = Lock::Locked;
    }
    let user = seat.user?;
    let user_id = user.user_id.clone();
    if live.members.contains_key(&user_id) {
        return None;
    }
    live.enter(user, String::new(), attendance);
    let occupant = Occupant {
        user_id: user_id.clone(),
        media: seat.media.unwrap_or(Media::Video),
        microphone: seat.microphone,
        camera: seat.camera,
        returned: None,
        connection: Connection::Lost,
        seen: Seen::NotLive,
    };
    live.sit(seat.index, occupant);
    Some(user_id)
}
