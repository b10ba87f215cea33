//! A running live: its audience, its seats, its pending requests.
//!
//! Invariants: a guest sits on at most one seat, and a seat holds at most one guest; whoever sits, applies or is invited is in
//! the audience; every pending request stands once in its queue and, unless it never expires, once in the timers.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::bans::Bans;
use crate::model::message::ANY_SEAT;
use crate::model::sound::{Audible, Return};
use crate::model::state::Deadline;
use crate::model::{
    By, Code, Connection, DeviceSwitch, ExtraInfo, InvitationId, LiveId, Media, Refusal, SeatMode, User,
    UserId,
};

/// Whether a guest is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attendance {
    Here,
    /// Its place is kept for the hold.
    Gone,
}

/// One guest inside the room.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) user: User,
    pub(super) session: String,
    pub(super) attendance: Attendance,
    pub(super) seat: Option<u32>,
    /// Its place among the candidates.
    pub(super) order: u64,
    pub(super) peer: Option<Peer>,
    /// Names of its former peer connections, which never come back.
    pub(super) past: VecDeque<String>,
}

/// A guest's peer connection to the own stage.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) session: String,
    pub(super) peer: u64,
    pub(super) exchange: u32,
    /// What the stage was told last: whether it may be heard, and what it hears.
    pub(super) sound: Option<(Audible, Return)>,
}

/// Who sits on a seat.
#[derive(Debug, Clone)]
pub(super) struct Occupant {
    pub(super) user_id: UserId,
    pub(super) media: Media,
    pub(super) microphone: DeviceSwitch,
    pub(super) camera: DeviceSwitch,
    /// What it hears in this stay, where that was set for it alone.
    pub(super) returned: Option<Return>,
    pub(super) connection: Connection,
    /// Whether `media_live` was said and `media_lost` not since.
    pub(super) seen: Seen,
}

/// What was last said about a seat's media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Live,
    NotLive,
}

/// A seat.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    pub(super) lock: Lock,
    pub(super) occupant: Option<Occupant>,
}

/// Whether a seat may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lock {
    #[default]
    Open,
    Locked,
}

/// An application or an invitation.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) seat_index: i64,
    pub(super) media: Media,
    pub(super) extra_info: Option<ExtraInfo>,
    pub(super) expires: Deadline,
    /// Of an invitation.
    pub(super) invitation: Option<(InvitationId, By)>,
}

/// Pending requests, one per guest, oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    by_guest: HashMap<UserId, u64>,
    in_order: BTreeMap<u64, (UserId, Pending)>,
    next: u64,
}

impl Queue {
    pub(super) fn push(&mut self, user_id: UserId, pending: Pending) {
        self.by_guest.insert(user_id.clone(), self.next);
        self.in_order.insert(self.next, (user_id, pending));
        self.next += 1;
    }

    pub(super) fn get(&self, user_id: &UserId) -> Option<&Pending> {
        self.by_guest.get(user_id).and_then(|order| self.in_order.get(order)).map(|(_, pending)| pending)
    }

    pub(super) fn take(&mut self, user_id: &UserId) -> Option<Pending> {
        let order = self.by_guest.remove(user_id)?;
        self.in_order.remove(&order).map(|(_, pending)| pending)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&UserId, &Pending)> {
        self.in_order.values().map(|(user_id, pending)| (user_id, pending))
    }

    pub(super) fn guests(&self) -> Vec<UserId> {
        self.in_order.values().map(|(user_id, _)| user_id.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }
}

/// The live.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) live_id: LiveId,
    pub(super) seat_mode: SeatMode,
    pub(super) seats: Vec<Slot>,
    pub(super) members: BTreeMap<UserId, Member>,
    /// Inside and not seated, in the order of their coming.
    pub(super) candidates: BTreeMap<u64, UserId>,
    pub(super) applications: Queue,
    pub(super) invitations: Queue,
    pub(super) bans: Bans,
    pub(super) speaking: Vec<UserId>,
    pub(super) next_order: u64,
}

impl Live {
    pub(super) fn new(live_id: LiveId, seat_mode: SeatMode, seats: usize) -> Self {
        Self {
            live_id,
            seat_mode,
            seats: vec![Slot::default(); seats],
            members: BTreeMap::new(),
            candidates: BTreeMap::new(),
            applications: Queue::default(),
            invitations: Queue::default(),
            bans: Bans::default(),
            speaking: Vec::new(),
            next_order: 0,
        }
    }

    /// Somebody comes in, without a seat.
    pub(super) fn enter(&mut self, user: User, session: String, attendance: Attendance) {
        let order = self.next_order;
        self.next_order += 1;
        self.candidates.insert(order, user.user_id.clone());
        let user_id = user.user_id.clone();
        let member =
            Member { user, session, attendance, seat: None, order, peer: None, past: VecDeque::new() };
        self.members.insert(user_id, member);
    }

    pub(super) fn member(&self, user_id: &UserId) -> Option<&Member> {
        self.members.get(user_id)
    }

    /// The seat of a guest and who it is there.
    pub(super) fn occupant(&mut self, user_id: &UserId) -> Option<(u32, &mut Occupant)> {
        let index = self.members.get(user_id)?.seat?;
        let slot = self.seats.get_mut(usize::try_from(index).ok()?)?;
        slot.occupant.as_mut().map(|occupant| (index, occupant))
    }

    /// Puts an occupant on a free seat.
    pub(super) fn sit(&mut self, index: u32, occupant: Occupant) {
        if let Some(member) = self.members.get_mut(&occupant.user_id) {
            member.seat = Some(index);
            self.candidates.remove(&member.order);
        }
        if let Some(slot) = usize::try_from(index).ok().and_then(|index| self.seats.get_mut(index)) {
            slot.occupant = Some(occupant);
        }
    }

    /// Takes a guest off its seat.
    pub(super) fn stand(&mut self, user_id: &UserId) -> Option<(u32, Occupant)> {
        let member = self.members.get_mut(user_id)?;
        let index = member.seat.take()?;
        self.candidates.insert(member.order, user_id.clone());
        let occupant = self.seats.get_mut(usize::try_from(index).ok()?)?.occupant.take()?;
        Some((index, occupant))
    }

    /// The seat that a request for `seat_index` leads to (rule 1).
    pub(super) fn free_seat(&self, seat_index: i64) -> Result<u32, Refusal> {
        if seat_index == ANY_SEAT {
            let free = |slot: &Slot| slot.lock == Lock::Open && slot.occupant.is_none();
            return (0..)
                .zip(&self.seats)
                .find(|(_, slot)| free(slot))
                .map(|(index, _)| index)
                .ok_or_else(|| Refusal::new(Code::AllSeatsOccupied, "no seat is free and unlocked"));
        }
        let (index, slot) = self.slot(seat_index)?;
        if slot.lock == Lock::Locked {
            return Err(locked(index));
        }
        match &slot.occupant {
            Some(occupant) => Err(Refusal::new(
                Code::SeatOccupied,
                format!("seat {index} is taken by {}", occupant.user_id),
            )),
            None => Ok(index),
        }
    }

    /// The seat of that index.
    pub(super) fn slot(&self, seat_index: i64) -> Result<(u32, &Slot), Refusal> {
        let slot = usize::try_from(seat_index).ok().and_then(|index| self.seats.get(index));
        match (u32::try_from(seat_index), slot) {
            (Ok(index), Some(slot)) => Ok((index, slot)),
            (Ok(_) | Err(_), _) => Err(Refusal::new(
                Code::SeatIndexNotExist,
                format!("there is no seat {seat_index}; the room has seats 0 to {}", self.seats.len() - 1),
            )),
        }
    }
}

/// The refusal for a locked seat.
pub(super) fn locked(index: u32) -> Refusal {
    Refusal::new(Code::SeatLocked, format!("seat {index} is locked"))
}

/// Which of a guest's two requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Application,
    Invitation,
}
