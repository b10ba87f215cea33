//! A live that is about to start: whether the room is somebody else's, and who waits for the answer.
//!
//! Invariant: an absence of the broker decides nothing: the timers stop, and start anew when it is there again.
//!
//! ```text
//! subscribe the room ─► what is retained ── nothing, ended, or our own ──────────────► begin
//!                                        └─ somebody else's live ─► his status ── offline, or nothing said ─► begin
//!                                                                              └─ online ─► refuse
//! ```

use std::time::{Duration, Instant};

use super::contract::{HostPolicy, Output, Timer};
use super::effects::Effects;
use crate::model::command::{Answer, SeatCount, Settled, StartLive};
use crate::model::media::Ticket;
use crate::model::{Code, LiveId, Presence, Refusal, RoomState, RoomStatus, SeatMode, UserId};

/// How long the broker may take to say what is retained of the room: to begin without knowing would empty its seats.
const LOOK_AROUND: Duration = Duration::from_secs(10);

/// How long the broker may take, after the room's topic is subscribed, to send what is retained there. MQTT does not say that
/// there is nothing.
const STORED: Duration = Duration::from_millis(300);

/// How long it may then take to say whether the room's other host is there; of one never seen it says nothing.
const LOOK_FOR_OTHER: Duration = Duration::from_secs(2);

/// Most commands that wait for one live to start.
const TICKETS_MAX: usize = 64;

/// What is not known yet.
#[derive(Debug)]
enum Unknown {
    /// What is retained of the room.
    Room,
    /// Whether this host, whose live is retained, is there.
    Other(UserId),
}

/// What came of news.
#[derive(Debug)]
pub(super) enum Decision {
    /// Something is still unknown.
    Wait,
    /// Nobody else has the room.
    Begin(Box<StartOrder>),
    /// Somebody else has; everybody who waited was told.
    GaveUp,
}

/// The live to begin.
#[derive(Debug)]
pub(super) struct StartOrder {
    pub(super) live_id: LiveId,
    pub(super) seats: SeatCount,
    pub(super) seat_mode: SeatMode,
    /// The commands that wait for it.
    pub(super) tickets: Vec<Ticket>,
    /// The room as an earlier start of this host left it.
    pub(super) before: Option<RoomState>,
}

#[derive(Debug)]
pub(super) struct Starting {
    live_id: LiveId,
    seats: SeatCount,
    seat_mode: SeatMode,
    tickets: Vec<Ticket>,
    unknown: Unknown,
}

impl Starting {
    /// Asks what is retained of the room.
    pub(super) fn new(live_id: LiveId, policy: &HostPolicy, now: Instant, effects: &mut Effects) -> Self {
        effects.set_timer(now + LOOK_AROUND, Timer::Start);
        effects.push(Output::WatchRoom(live_id.clone()));
        Self {
            live_id,
            seats: policy.seats,
            seat_mode: policy.seat_mode,
            tickets: Vec::new(),
            unknown: Unknown::Room,
        }
    }

    pub(super) fn live_id(&self) -> &LiveId {
        &self.live_id
    }

    pub(super) fn seats(&self) -> SeatCount {
        self.seats
    }

    /// One more command waits; what it names is what holds.
    ///
    /// # Errors
    /// `already_in_other_room`, `rate_limited`
    pub(super) fn ask(&mut self, wish: &StartLive, effects: &mut Effects) -> Settled {
        if wish.live_id != self.live_id {
            return Err(other_room(&self.live_id));
        }
        if self.tickets.len() >= TICKETS_MAX {
            return Err(Refusal::new(Code::RateLimited, "too many commands wait for this live to start"));
        }
        let ticket = effects.ticket();
        self.tickets.push(ticket);
        self.seats = wish.seats.unwrap_or(self.seats);
        self.seat_mode = wish.seat_mode.unwrap_or(self.seat_mode);
        Ok(Answer::Pending(ticket))
    }

    /// The room's topic is subscribed.
    pub(super) fn subscribed(&self, now: Instant, effects: &mut Effects) {
        match self.unknown {
            Unknown::Room => effects.set_timer(now + STORED, Timer::StoredRead),
            Unknown::Other(_) => {}
        }
    }

    pub(super) fn offline(&self, effects: &mut Effects) {
        effects.cancel_timer(&Timer::Start);
        effects.cancel_timer(&Timer::StoredRead);
    }

    pub(super) fn online(&self, now: Instant, effects: &mut Effects) {
        effects.set_timer(now + LOOK_AROUND, Timer::Start);
    }

    /// What is retained of the room. `own` is this host.
    pub(super) fn retained(
        &mut self,
        state: Option<RoomState>,
        own: &UserId,
        now: Instant,
        effects: &mut Effects,
    ) -> Decision {
        if let Unknown::Other(_) = self.unknown {
            return Decision::Wait;
        }
        effects.cancel_timer(&Timer::StoredRead);
        let Some(room) = state.filter(|room| room.status == RoomStatus::Live) else {
            return self.begin(None, effects);
        };
        if room.host.user_id == *own {
            return self.begin(Some(room), effects);
        }
        let other = room.host.user_id;
        effects.set_timer(now + LOOK_FOR_OTHER, Timer::Start);
        effects.watch(other.clone());
        self.unknown = Unknown::Other(other);
        Decision::Wait
    }

    /// The broker has said nothing for as long as it may take.
    pub(super) fn heard_nothing(&mut self, effects: &mut Effects) -> Decision {
        self.begin(None, effects)
    }

    /// The `status` of somebody.
    pub(super) fn user_status(
        &mut self,
        user_id: &UserId,
        presence: Presence,
        effects: &mut Effects,
    ) -> Decision {
        match (&self.unknown, presence) {
            (Unknown::Other(other), Presence::Offline) if other == user_id => self.begin(None, effects),
            (Unknown::Other(other), Presence::Online) if other == user_id => {
                let why = format!("{} is live under {user_id}, who is online", self.live_id);
                let refusal = Refusal::new(Code::PermissionDenied, why);
                self.finish(effects);
                effects.fail(refusal.clone());
                self.refuse(&refusal, effects);
                Decision::GaveUp
            }
            (Unknown::Room | Unknown::Other(_), _) => Decision::Wait,
        }
    }

    /// Tells everybody who waits that the live does not start.
    pub(super) fn refuse(&mut self, why: &Refusal, effects: &mut Effects) {
        for ticket in self.tickets.drain(..) {
            effects.settle(ticket, Err(why.clone()));
        }
    }

    fn begin(&mut self, before: Option<RoomState>, effects: &mut Effects) -> Decision {
        self.finish(effects);
        Decision::Begin(Box::new(StartOrder {
            live_id: self.live_id.clone(),
            seats: self.seats,
            seat_mode: self.seat_mode,
            tickets: std::mem::take(&mut self.tickets),
            before,
        }))
    }

    /// Nothing is asked any more.
    fn finish(&self, effects: &mut Effects) {
        self.offline(effects);
        effects.push(Output::UnwatchRoom(self.live_id.clone()));
        match &self.unknown {
            Unknown::Room => {}
            Unknown::Other(other) => effects.unwatch(other.clone()),
        }
    }
}

/// The refusal `already_in_other_room`.
pub(super) fn other_room(live_id: &LiveId) -> Refusal {
    let why = format!("the live {live_id} runs or is being started: end it first with end_live");
    Refusal::new(Code::AlreadyInOtherRoom, why)
}
