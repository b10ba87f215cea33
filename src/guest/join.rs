//! The word `join`: said on the way in, when host or broker come back, and again until it is answered.

use std::time::{Duration, Instant};

use super::requests::Sent;
use super::room::{ANSWER, JOIN_PAUSE, LOOK, Place, Room, Wish};
use super::{DONE, Guest, Timer, host_unreachable};
use crate::model::command::{Answer, Settled};
use crate::model::message::ToHost;
use crate::model::{Code, LiveId, Presence, Refusal};

/// The longest pause between unanswered joins.
const JOIN_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Most commands that wait for one room.
const TICKETS_MAX: usize = 64;

/// How soon a join is tried again that waits for a goodbye.
const FAREWELL: Duration = Duration::from_millis(50);

impl Guest {
    pub(super) fn join_live(&mut self, now: Instant, live_id: LiveId) -> Settled {
        match &self.room {
            Some(room) if room.live_id != live_id => {
                let why = format!("the guest is in {} or waits for it: leave_live comes first", room.live_id);
                return Err(Refusal::new(Code::AlreadyInOtherRoom, why));
            }
            Some(room) if room.is_inside() => return DONE,
            Some(room) if room.tickets.len() >= TICKETS_MAX => {
                return Err(Refusal::new(Code::RateLimited, "too many commands wait for this room"));
            }
            Some(_) => {}
            None => self.enter(live_id, Wish::Command),
        }
        let ticket = self.effects.ticket();
        if let Some(room) = &mut self.room {
            room.tickets.push(ticket);
            // One more that asks for the same waits as long as the first.
            if room.tickets.len() > 1 {
                return Ok(Answer::Pending(ticket));
            }
            let patience = if room.place == Place::Waiting { LOOK } else { ANSWER };
            self.effects.set_timer(now + patience, Timer::JoinLive);
        }
        Ok(Answer::Pending(ticket))
    }

    pub(super) fn join_if_inside(&mut self, now: Instant) {
        if self.room.as_ref().is_some_and(|room| room.place != Place::Waiting) {
            self.join_anew(now);
        }
    }

    /// Says `join`, now and until it is answered.
    pub(super) fn join(&mut self, now: Instant) {
        if self.broker == Presence::Offline {
            return;
        }
        if self.farewell.is_some() {
            // What is still to be said to the room that was left comes first: it may be the same room.
            self.effects.set_timer(now + FAREWELL, Timer::Join);
            return;
        }
        let Some(room) = &mut self.room else { return };
        for request in &mut self.requests {
            request.sent = Sent::BeforeJoin;
        }
        room.join_sent = Some(now);
        let live_id = room.live_id.clone();
        let message = ToHost::Join { user: self.user.clone(), session: self.session.clone() };
        room.join = Some(self.effects.send(live_id, message));
        let pause = self.effects.pause(room.join_pause);
        self.effects.set_timer(now + pause, Timer::Join);
        room.join_pause = (room.join_pause * 2).min(JOIN_PAUSE_MAX);
    }

    /// Says it now, and begins with the short pauses again.
    pub(super) fn join_anew(&mut self, now: Instant) {
        if let Some(room) = &mut self.room {
            room.join_pause = JOIN_PAUSE;
        }
        self.join(now);
    }

    /// The host is heard of, and has not answered: now, or as soon as the last one was said long enough ago.
    pub(super) fn join_for_news(&mut self, now: Instant) {
        let rested = self.room.as_ref().and_then(Room::join_rested).filter(|at| *at > now);
        match (rested, self.effects.due_at(&Timer::Join)) {
            (None, _) => self.join_anew(now),
            (Some(at), Some(due)) if due <= at => {}
            (Some(at), Some(_) | None) => self.effects.set_timer(at, Timer::Join),
        }
    }

    /// The host seems to take this guest for gone: it is told otherwise.
    pub(super) fn join_unless_lately(&mut self, now: Instant) {
        let inside = |room: &Room| room.place == Place::Inside && !room.joined_lately(now);
        if self.room.as_ref().is_some_and(inside) {
            self.join_anew(now);
        }
    }

    pub(super) fn join_live_in_vain(&mut self) {
        let Some(room) = &mut self.room else { return };
        let tickets = std::mem::take(&mut room.tickets);
        if tickets.is_empty() {
            return;
        }
        let live_id = room.live_id.clone();
        let refusal = match room.place {
            Place::Waiting => Refusal::new(Code::RoomNotFound, format!("no room {live_id} is live")),
            Place::Joining | Place::Inside | Place::HostLost => {
                host_unreachable("the host of the room did not answer within 5 s")
            }
        };
        if room.wish == Wish::Command {
            if room.place == Place::Joining {
                self.effects.send(live_id, ToHost::Leave);
            }
            self.forget_room();
        }
        for ticket in tickets {
            self.effects.settle(ticket, Err(refusal.clone()));
        }
    }
}
