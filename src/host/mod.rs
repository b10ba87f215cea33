//! The host: the one authority of a room. Pure: told what happened and when, it says what should happen next.
//!
//! Contract: after every `handle_…` drain [`Host::poll_output`] to `None`, then look at [`Host::poll_timeout`] and
//! [`Host::snapshot`]. A command answered [`Answer::Pending`] is settled by exactly one [`Output::Settled`].
//!
//! Invariant: a request that fails changes nothing. The room is published at most once per mutation, after everything that
//! led to it was said, and only while the broker is there.
//!
//! ```text
//! idle ── start_live ─► starting ── nobody else's ─► live ── end_live ─► idle
//!                          └── somebody else's, and he is online ─► idle (permission_denied)
//! ```
//!
//! Not here: sockets, pipelines, clocks; what the stage sees is told to it.
#![deny(clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]

mod bans;
mod commands;
mod contract;
mod effects;
mod limits;
mod live;
mod media;
mod policy;
mod requests;
mod returns;
mod seating;
mod start;
mod view;

use std::time::{Duration, Instant};

pub use crate::model::Presence;
pub use contract::{AcceptApplications, Grants, Input, Output, Settings, Timer};
pub use policy::Policy;

use effects::{Dirty, Effects};
use limits::{Answers, Limits};
use live::Live;
use start::Starting;

use crate::model::command::{Answer, Command, Settled};
use crate::model::media::Ticket;
use crate::model::{By, Code, IdSource, Operator, Refusal, RoomState, User, UserId};

/// A host that was away from the broker for longer may have missed what was said to it: the session there ends after 60 s,
/// counted from when the broker noticed.
const UNHEARD: Duration = Duration::from_secs(45);

/// Whether the program is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Running,
    Stopping,
}

/// The host.
#[derive(Debug)]
pub struct Host {
    settings: Settings,
    /// Random id of this start of the program.
    session: String,
    broker: Presence,
    /// Since when the broker is gone.
    away: Option<Instant>,
    course: Course,
    live: Option<Live>,
    starting: Option<Starting>,
    /// An ended room that waits for the broker.
    ended: Option<RoomState>,
    revision: u64,
    limits: Limits,
    answers: Answers,
    /// Pictures the stage owes.
    pictures: Vec<Ticket>,
    effects: Effects,
}

impl Host {
    /// A host that waits for the broker.
    pub fn new(settings: Settings) -> Self {
        let mut ids = IdSource::new(settings.seed);
        Self {
            session: ids.uuid(),
            settings,
            broker: Presence::Offline,
            away: None,
            course: Course::Running,
            live: None,
            starting: None,
            ended: None,
            revision: 0,
            limits: Limits::default(),
            answers: Answers::default(),
            pictures: Vec::new(),
            effects: Effects::new(ids),
        }
    }

    /// Does what an operator asks.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn handle_command(&mut self, now: Instant, command: Command) -> Settled {
        let answer = self.command(now, command);
        self.publish();
        answer
    }

    /// Takes note of something that happened.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        if self.course == Course::Stopping {
            return;
        }
        match input {
            Input::Online => self.online(now),
            Input::Offline => {
                self.broker = Presence::Offline;
                self.away.get_or_insert(now);
                self.look_later();
            }
            Input::OwnOffline => self.effects.change_room(),
            Input::Room { live_id, state } => self.retained(now, &live_id, state),
            Input::UserStatus { user_id, presence } => self.user_status(now, &user_id, presence),
            Input::Request { live_id, from, request_id, request } => {
                self.request(now, &live_id, &from, request_id, request);
            }
            Input::Noise { from } => {
                self.limits.request(&from, now);
            }
            Input::Signal { live_id, from, signal } => self.signal(now, &live_id, &from, signal),
            Input::SignalNoise { from } => {
                self.limits.signal(&from, 0, now);
            }
            Input::Stage(report) => self.stage_report(report),
            Input::Stop => self.stop(),
        }
        self.publish();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.effects.take_due(now) {
            match timer {
                Timer::Start => self.start_undisturbed(now),
                Timer::Application(user_id) => self.expire(live::Kind::Application, &user_id),
                Timer::Invitation(user_id) => self.expire(live::Kind::Invitation, &user_id),
                Timer::Hold(user_id) => self.given_up(&user_id),
                Timer::Snapshot(ticket) => self.no_picture(ticket),
            }
        }
        self.publish();
    }

    /// The next thing to do; `None` when all was said.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.effects.poll_output()
    }

    /// When to call [`Host::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.effects.next_timer()
    }

    /// The live that runs.
    pub fn live_id(&self) -> Option<&crate::model::LiveId> {
        self.live.as_ref().map(|live| &live.live_id)
    }

    /// Who this host is now.
    pub fn user(&self) -> &User {
        &self.settings.user
    }

    fn online(&mut self, now: Instant) {
        self.broker = Presence::Online;
        self.effects.change_room();
        self.look_again(now);
        if self.away.take().is_some_and(|since| now.saturating_duration_since(since) >= UNHEARD) {
            self.doubt_everybody(now);
        }
        if let Some(mut room) = self.ended.take() {
            self.revision += 1;
            room.revision = self.revision;
            self.effects.push(Output::Room(room));
        }
        if self.live.is_none()
            && self.starting.is_none()
            && let Some(live_id) = self.settings.standing_room.clone()
        {
            self.start(now, live_id, None, None);
        }
    }

    fn stop(&mut self) {
        if self.course == Course::Stopping {
            return;
        }
        self.course = Course::Stopping;
        let guests: Vec<UserId> = self.live.iter().flat_map(|live| live.members.keys().cloned()).collect();
        for guest in &guests {
            self.close_peer(guest);
        }
        let refusal = || Err(Refusal::new(Code::ShuttingDown, "the host is about to stop"));
        let starting = self.starting.take().map(|starting| starting.tickets).unwrap_or_default();
        let owed = std::mem::take(&mut self.pictures);
        for ticket in starting.into_iter().chain(owed) {
            self.effects.settle(ticket, refusal());
        }
        self.effects.cancel_timers();
        self.effects.push(Output::Stopped);
    }

    /// Publishes the room if it changed, as the last word of a mutation.
    fn publish(&mut self) {
        if self.broker == Presence::Offline || self.course == Course::Stopping {
            return;
        }
        if self.effects.take_room_change() == Dirty::No {
            return;
        }
        if let Some(live) = &self.live {
            self.revision += 1;
            let room = self.room(live);
            self.effects.push(Output::Room(room));
        }
    }

    fn by(&self, operator: Option<Operator>) -> By {
        By { user: self.settings.user.clone(), operator }
    }
}

/// The refusal for what needs a live.
fn not_in_room() -> Refusal {
    Refusal::new(Code::NotInRoom, "no live runs: start one with start_live")
}

/// What a command without an answer of its own returns.
const DONE: Settled = Ok(Answer::Done);
