//! Who is inside the room.
//!
//! Invariants: whoever is inside is watched; whoever is gone has a running [`Timer::Hold`].
//!
//! Not here: who of them sits.

use std::collections::BTreeMap;
use std::time::Instant;

use super::contract::Timer;
use super::effects::Effects;
use crate::model::event::Event;
use crate::model::{Code, Refusal, User, UserId};

/// Whether a guest is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attendance {
    Here,
    /// Its place is kept for the hold.
    Gone,
}

/// What a `join` was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// The guest came in.
    Entered,
    /// It was here all the while.
    Again,
    /// It was gone, and its program ran on.
    Returned,
    /// Its program was started anew.
    Restarted,
}

#[derive(Debug)]
struct Member {
    user: User,
    /// Random id of one start of its program.
    session: String,
    attendance: Attendance,
    /// Its place among all in the order of their coming.
    order: u64,
}

#[derive(Debug, Default)]
pub(super) struct Audience {
    members: BTreeMap<UserId, Member>,
    in_order: BTreeMap<u64, UserId>,
    next_order: u64,
}

impl Audience {
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn contains(&self, guest: &UserId) -> bool {
        self.members.contains_key(guest)
    }

    /// By their ids.
    pub(super) fn guests(&self) -> impl Iterator<Item = &UserId> {
        self.members.keys()
    }

    pub(super) fn user(&self, guest: &UserId) -> Option<&User> {
        self.members.get(guest).map(|member| &member.user)
    }

    pub(super) fn attendance(&self, guest: &UserId) -> Option<Attendance> {
        self.members.get(guest).map(|member| member.attendance)
    }

    /// In the order of their coming.
    pub(super) fn iter(&self) -> impl Iterator<Item = &User> {
        self.in_order.values().filter_map(|guest| self.user(guest))
    }

    /// Takes a guest in, or renews what is known of it.
    ///
    /// # Errors
    /// `room_full`
    pub(super) fn join(
        &mut self,
        user: User,
        session: String,
        capacity: usize,
        effects: &mut Effects,
    ) -> Result<Joined, Refusal> {
        let Some(member) = self.members.get_mut(&user.user_id) else {
            if self.members.len() >= capacity {
                return Err(Refusal::new(Code::RoomFull, format!("the room takes {capacity} guests")));
            }
            self.enter(user.clone(), session, Attendance::Here);
            effects.watch(user.user_id.clone());
            effects.say(Event::GuestJoined { user });
            return Ok(Joined::Entered);
        };
        effects.cancel_timer(&Timer::Hold(user.user_id.clone()));
        member.user = user;
        let attendance = std::mem::replace(&mut member.attendance, Attendance::Here);
        if member.session != session {
            member.session = session;
            return Ok(Joined::Restarted);
        }
        Ok(match attendance {
            Attendance::Here => Joined::Again,
            Attendance::Gone => Joined::Returned,
        })
    }

    /// Keeps a place for a guest of the room as it was before a restart; `false` if it is inside already.
    pub(super) fn expect(&mut self, user: User, until: Instant, effects: &mut Effects) -> bool {
        let guest = user.user_id.clone();
        if self.members.contains_key(&guest) {
            return false;
        }
        self.enter(user, String::new(), Attendance::Gone);
        effects.set_timer(until, Timer::Hold(guest.clone()));
        effects.watch(guest);
        true
    }

    fn enter(&mut self, user: User, session: String, attendance: Attendance) {
        let order = self.next_order;
        self.next_order += 1;
        let guest = user.user_id.clone();
        self.in_order.insert(order, guest.clone());
        self.members.insert(guest, Member { user, session, attendance, order });
    }

    /// A guest went offline; `false` if it was gone already, or is not inside.
    pub(super) fn lose(&mut self, guest: &UserId, until: Instant, effects: &mut Effects) -> bool {
        let here = self.members.get_mut(guest).filter(|member| member.attendance == Attendance::Here);
        let Some(member) = here else { return false };
        member.attendance = Attendance::Gone;
        effects.set_timer(until, Timer::Hold(guest.clone()));
        true
    }

    /// A `leave` may have been missed: everybody has the hold to say `join` again, as guests do when their host is back.
    pub(super) fn doubt(&mut self, until: Instant, effects: &mut Effects) {
        for (guest, member) in &mut self.members {
            if member.attendance == Attendance::Here {
                member.attendance = Attendance::Gone;
                effects.set_timer(until, Timer::Hold(guest.clone()));
            }
        }
    }

    /// Somebody is no longer inside.
    pub(super) fn forget(&mut self, guest: &UserId, effects: &mut Effects) {
        let Some(member) = self.members.remove(guest) else { return };
        self.in_order.remove(&member.order);
        effects.cancel_timer(&Timer::Hold(guest.clone()));
        effects.unwatch(guest.clone());
        effects.say(Event::GuestLeft { user: member.user });
    }
}
