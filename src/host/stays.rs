//! The stays of a room: who sits where, with which devices and which media.
//!
//! Invariants: whoever sits has a connection, and nobody else; a seat that is left is left by its media first, then it is said.
//!
//! Not here: who is inside the room, and whether anybody asked for the seat ([`super::live`]).

use std::time::Instant;

use super::contract::Settings;
use super::effects::Effects;
use super::seat_media::SeatMedia;
use super::seats::{Lock, Seats, Target, occupied};
use super::viewers::{Viewers, WHEP};
use crate::model::command::{Answer, MovePolicy, MoveUserToSeat, SeatCount, SetReturn, Settled};
use crate::model::event::Event;
use crate::model::media::Ticket;
use crate::model::message::{DeviceAction, DeviceKind, Devices, Grant, Signal, ToGuest, UnseatReason};
use crate::model::stage::StageReport;
use crate::model::viewer::WatchEnd;
use crate::model::{By, Code, Connection, LiveId, Media, Operator, Refusal, Seat, User, UserId};

/// What a command without an answer of its own returns.
const DONE: Settled = Ok(Answer::Done);

#[derive(Debug)]
pub(super) struct Stays {
    seats: Seats,
    media: SeatMedia,
}

impl Stays {
    pub(super) fn new(count: SeatCount) -> Self {
        Self { seats: Seats::new(count), media: SeatMedia::default() }
    }

    pub(super) fn seats(&self) -> &Seats {
        &self.seats
    }

    pub(super) fn media(&self) -> &SeatMedia {
        &self.media
    }

    /// Takes over a seat of the room as it was before a restart.
    pub(super) fn restore(&mut self, user: User, seat: &Seat, by: &By) {
        self.media.begin(&user.user_id, Connection::Lost);
        self.seats.restore(user, seat, by);
    }

    /// Takes over a lock of the room as it was before a restart.
    pub(super) fn restore_lock(&mut self, seat: &Seat) {
        if seat.locked {
            self.seats.set_lock(seat.index, Lock::Locked);
        }
    }

    /// Takes over a ban of the room as it was before a restart.
    pub(super) fn restore_ban(&mut self, guest: &UserId, device: DeviceKind, by: By) {
        self.seats.ban(guest, device, by);
    }

    /// Onto a free seat.
    pub(super) fn begin(
        &mut self,
        user: &User,
        (seat_index, media): (u32, Media),
        connection: Connection,
        grant: Grant,
        effects: &mut Effects,
    ) {
        let guest = &user.user_id;
        self.seats.sit(seat_index, user.clone(), media);
        self.media.begin(guest, connection);
        effects.change_room();
        effects.tell(guest, ToGuest::Seated { seat_index, media, grant });
        // Its program may have been started since they were said.
        for (device, by) in self.seats.bans_of(guest) {
            let (action, by) = (DeviceAction::Close, by.clone());
            effects.tell(guest, ToGuest::DeviceControl { device, action, by });
        }
        effects.say(Event::GuestSeated { user: user.clone(), seat_index });
    }

    /// Takes a guest off its seat; nothing if it has none.
    pub(super) fn end(
        &mut self,
        guest: &UserId,
        reason: UnseatReason,
        by: Option<By>,
        effects: &mut Effects,
    ) {
        let Some((seat_index, user)) = self.seats.stand(guest) else { return };
        let watched = match reason {
            UnseatReason::LiveEnded => WatchEnd::LiveEnded,
            UnseatReason::Left
            | UnseatReason::Kicked
            | UnseatReason::SeatLocked
            | UnseatReason::Replaced
            | UnseatReason::Offline
            | UnseatReason::HostLost
            | UnseatReason::MediaFailed => WatchEnd::Unseated,
        };
        self.media.end(&user, watched, effects);
        effects.change_room();
        effects.tell(guest, ToGuest::Unseated { seat_index, reason, by });
        effects.say(Event::GuestUnseated { user, seat_index, reason });
    }

    /// Ends all, seat by seat, because the live ends.
    pub(super) fn end_all(&mut self, by: &By, effects: &mut Effects) {
        let seated: Vec<UserId> = self.seats.guests().cloned().collect();
        for guest in seated {
            self.end(&guest, UnseatReason::LiveEnded, Some(by.clone()), effects);
        }
    }

    /// Nothing of what commands wait for comes any more.
    pub(super) fn refuse_pending(&mut self, why: &Refusal, effects: &mut Effects) {
        self.media.refuse_pending(why, effects);
    }

    /// The program ends: media stop, and everybody keeps its seat.
    pub(super) fn stop(&mut self, why: &Refusal, effects: &mut Effects) {
        self.media.close_peers(effects);
        self.media.refuse_pending(why, effects);
    }

    /// A guest has left the room: its bans end, and the names of its peer connections are forgotten.
    pub(super) fn forget(&mut self, guest: &UserId, effects: &mut Effects) {
        if self.seats.forget(guest) {
            effects.change_room();
        }
        self.media.forget(guest);
    }

    /// A guest has said who it is.
    pub(super) fn rename(&mut self, user: &User, effects: &mut Effects) {
        if self.seats.rename(user) {
            effects.change_room();
        }
    }

    /// # Errors
    /// `user_not_in_seat`
    pub(super) fn leave(&mut self, guest: &UserId, effects: &mut Effects) -> Result<(), Refusal> {
        self.seats.seat_of(guest)?;
        self.end(guest, UnseatReason::Left, None, effects);
        Ok(())
    }

    /// # Errors
    /// `user_not_in_seat`
    pub(super) fn kick(&mut self, guest: &UserId, by: By, effects: &mut Effects) -> Settled {
        self.seats.seat_of(guest)?;
        self.end(guest, UnseatReason::Kicked, Some(by), effects);
        DONE
    }

    /// # Errors
    /// `user_not_in_seat`, then those of the seat.
    pub(super) fn relocate(&mut self, wish: &MoveUserToSeat, by: &By, effects: &mut Effects) -> Settled {
        let guest = &wish.user_id;
        let from = self.seats.seat_of(guest)?;
        let to = match (self.seats.target(from, wish.seat_index)?, wish.policy) {
            (Target::Own, _) => return DONE,
            (Target::Free(to), _) => to,
            (Target::Occupied(to, other), MovePolicy::AbortWhenOccupied) => return Err(occupied(to, &other)),
            (Target::Occupied(to, other), MovePolicy::SwapPosition) => {
                self.seats.swap(guest, &other);
                self.moved(guest, from, to, by, effects);
                self.moved(&other, to, from, by, effects);
                return DONE;
            }
            (Target::Occupied(to, other), MovePolicy::ForceReplace) => {
                self.end(&other, UnseatReason::Replaced, Some(by.clone()), effects);
                to
            }
        };
        self.seats.relocate(guest, to);
        self.moved(guest, from, to, by, effects);
        DONE
    }

    fn moved(&self, guest: &UserId, from: u32, to: u32, by: &By, effects: &mut Effects) {
        let Some((_, occupant)) = self.seats.occupant(guest) else { return };
        effects.change_room();
        effects.tell(guest, ToGuest::Moved { from, to, by: by.clone() });
        effects.say(Event::GuestMoved { user: occupant.user.clone(), from, to });
    }

    /// Removes who sits there first.
    ///
    /// # Errors
    /// `seat_index_not_exist`
    pub(super) fn lock(&mut self, seat_index: i64, by: By, effects: &mut Effects) -> Settled {
        let (index, slot) = self.seats.slot(seat_index)?;
        if slot.lock == Lock::Locked {
            return DONE;
        }
        if let Some(guest) = slot.occupant.as_ref().map(|occupant| occupant.user.user_id.clone()) {
            self.end(&guest, UnseatReason::SeatLocked, Some(by), effects);
        }
        self.seats.set_lock(index, Lock::Locked);
        effects.change_room();
        DONE
    }

    /// # Errors
    /// `seat_index_not_exist`
    pub(super) fn unlock(&mut self, seat_index: i64, effects: &mut Effects) -> Settled {
        let (index, slot) = self.seats.slot(seat_index)?;
        if slot.lock == Lock::Locked {
            self.seats.set_lock(index, Lock::Open);
            effects.change_room();
        }
        DONE
    }

    /// # Errors
    /// `user_not_in_seat`
    pub(super) fn ban(
        &mut self,
        guest: &UserId,
        device: DeviceKind,
        by: By,
        settings: &Settings,
        effects: &mut Effects,
    ) -> Settled {
        self.seats.seat_of(guest)?;
        if self.seats.ban(guest, device, by.clone()) {
            effects.change_room();
            self.update_sound(guest, settings, effects);
            effects.tell(guest, ToGuest::DeviceControl { device, action: DeviceAction::Close, by });
        }
        DONE
    }

    /// Also off the seat: a ban lasts there.
    ///
    /// # Errors
    /// `user_not_in_seat` where nothing is banned either.
    pub(super) fn lift(
        &mut self,
        guest: &UserId,
        device: DeviceKind,
        by: By,
        effects: &mut Effects,
    ) -> Settled {
        if self.seats.lift(guest, device) {
            effects.change_room();
            effects.tell(guest, ToGuest::DeviceControl { device, action: DeviceAction::Unlock, by });
            return DONE;
        }
        match self.seats.seat_of(guest) {
            Ok(_) => DONE,
            Err(refusal) => {
                let why = format!("{}, and nothing of it is banned", refusal.message);
                Err(Refusal::new(Code::UserNotInSeat, why))
            }
        }
    }

    /// What a guest says of its devices, and of its media where the stage is somebody else's.
    ///
    /// # Errors
    /// Those of [`Seats::set_devices`].
    pub(super) fn set_devices(
        &mut self,
        guest: &UserId,
        devices: &Devices,
        settings: &Settings,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        if self.seats.set_devices(guest, devices)? {
            effects.change_room();
            self.update_sound(guest, settings, effects);
        }
        let phase = devices.phase.filter(|_| !settings.is_stage());
        if let (Some(phase), Some((_, occupant))) = (phase, self.seats.occupant(guest)) {
            self.media.phase(&occupant.user, phase, effects);
        }
        Ok(())
    }

    /// # Errors
    /// `user_not_in_seat`
    pub(super) fn set_return(
        &mut self,
        wish: &SetReturn,
        settings: &Settings,
        effects: &mut Effects,
    ) -> Settled {
        self.seats.seat_of(&wish.user_id)?;
        self.media.set_return(&wish.user_id, wish.returned);
        self.update_sound(&wish.user_id, settings, effects);
        DONE
    }

    /// Tells the stage what those hear for whom nothing else was set.
    pub(super) fn update_returns(&mut self, settings: &Settings, effects: &mut Effects) {
        let seated: Vec<UserId> = self.seats.guests().cloned().collect();
        for guest in seated {
            self.update_sound(&guest, settings, effects);
        }
    }

    /// Tells the stage who hears this guest and what it hears, if that is news.
    fn update_sound(&mut self, guest: &UserId, settings: &Settings, effects: &mut Effects) {
        if let Some((_, occupant)) = self.seats.occupant(guest) {
            self.media.update_sound(guest, occupant.audible(), settings.policy.returned, effects);
        }
    }

    /// A guest is gone.
    pub(super) fn lose(&mut self, guest: &UserId, effects: &mut Effects) {
        if let Some((_, occupant)) = self.seats.occupant(guest) {
            self.media.set_connection(&occupant.user, Connection::Lost, effects);
        }
    }

    /// A guest is back, and its program ran on.
    pub(super) fn returned(&mut self, guest: &UserId, effects: &mut Effects) {
        if let Some((_, occupant)) = self.seats.occupant(guest) {
            self.media.returned(&occupant.user, effects);
        }
    }

    /// The program of a guest was started anew.
    pub(super) fn restarted(&mut self, guest: &UserId, effects: &mut Effects) {
        if let Some((_, occupant)) = self.seats.occupant(guest) {
            self.media.drop_peer(&occupant.user, Connection::Connecting, effects);
        }
    }

    /// A signal to the own stage; only of those who sit, and where the host is the stage.
    pub(super) fn signal(
        &mut self,
        guest: &UserId,
        signal: Signal,
        settings: &Settings,
        effects: &mut Effects,
    ) {
        if !settings.is_stage() {
            return;
        }
        if let Some((_, occupant)) = self.seats.occupant(guest) {
            self.media.signal(occupant, signal, effects);
            self.update_sound(guest, settings, effects);
        }
    }

    /// What the own stage reports.
    pub(super) fn stage(&mut self, report: StageReport, now: Instant, effects: &mut Effects) {
        self.media.report(report, &self.seats, now, effects);
    }

    /// Begins a session of a viewer, or says where a server plays the seat.
    ///
    /// # Errors
    /// `user_not_in_seat`, `permission_denied`, `too_many_sessions`.
    pub(super) fn watch(
        &mut self,
        (live_id, guest): (&LiveId, &UserId),
        operator: Option<Operator>,
        now: Instant,
        settings: &Settings,
        effects: &mut Effects,
    ) -> Settled {
        self.seats.seat_of(guest)?;
        let session = || effects.session_id(WHEP);
        if let Some(offer) = settings.watch_elsewhere(live_id, guest, session)? {
            return Ok(Answer::Watch(offer));
        }
        let Some((_, occupant)) = self.seats.occupant(guest) else { return DONE };
        self.media.watch(occupant.user.clone(), operator, now, settings.policy.watching, effects)
    }

    pub(super) fn viewers_mut(&mut self) -> &mut Viewers {
        self.media.viewers_mut()
    }

    /// What a viewer, or the stage for it, owes did not come in time.
    pub(super) fn viewer_late(&mut self, viewer: u64, effects: &mut Effects) {
        self.media.viewers_mut().late(viewer, effects);
    }

    /// # Errors
    /// `user_not_in_seat`, `permission_denied` where the stage has no picture, `rate_limited`.
    pub(super) fn take_snapshot(&mut self, guest: &UserId, now: Instant, effects: &mut Effects) -> Settled {
        self.seats.seat_of(guest)?;
        self.media.take_snapshot(guest, now, effects)
    }

    /// The stage gave no picture in time.
    pub(super) fn snapshot_late(&mut self, ticket: Ticket, effects: &mut Effects) {
        self.media.snapshot_late(ticket, effects);
    }
}
