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
//! This file routes: what happened to the part it concerns, and what a part returns to the next. Not here: sockets, pipelines,
//! clocks; what the stage sees is told to it.
#![deny(clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]

mod answers;
mod audience;
mod bans;
mod broker;
mod commands;
mod contract;
mod effects;
mod limits;
mod live;
mod peers;
mod publication;
mod queue;
mod requests;
mod returns;
mod seat_media;
mod seat_requests;
mod seats;
mod snapshots;
mod starting;
mod stays;
mod view;
mod viewers;

use std::time::Instant;

pub use crate::model::Presence;
pub use contract::{AcceptApplications, Grants, HostPolicy, Input, Output, Settings, Timer};

use broker::{BrokerState, Missed};
use commands::CommandOutcome;
use effects::{Dirty, Effects};
use limits::Allowance;
use live::Live;
use publication::Publication;
use requests::GuestRequests;
use starting::{Decision, Starting};

use crate::model::command::{Answer, Command, HostCommand, Settled, StartLive};
use crate::model::state::HostState;
use crate::model::{Code, IdSource, LiveId, Operator, Refusal, RoomState, User, UserId};

#[derive(Debug)]
enum Lifecycle {
    Idle,
    Starting(Starting),
    Live(Box<Live>),
    /// The program is about to end; the snapshot stays as it was.
    Stopping(Box<HostState>),
}

impl Lifecycle {
    /// The live that runs, if that is the room.
    fn live_in(&mut self, live_id: &LiveId) -> Option<&mut Live> {
        match self {
            Self::Live(live) if live.live_id() == live_id => Some(live),
            Self::Idle | Self::Starting(_) | Self::Live(_) | Self::Stopping(_) => None,
        }
    }

    /// The live that is being started, if that is the room.
    fn starting_in(&mut self, live_id: &LiveId) -> Option<&mut Starting> {
        match self {
            Self::Starting(starting) if starting.live_id() == live_id => Some(starting),
            Self::Idle | Self::Starting(_) | Self::Live(_) | Self::Stopping(_) => None,
        }
    }
}

/// The machine behind the host role.
#[derive(Debug)]
pub struct Host {
    settings: Settings,
    broker: BrokerState,
    lifecycle: Lifecycle,
    publication: Publication,
    requests: GuestRequests,
    effects: Effects,
}

impl Host {
    /// A host that waits for the broker.
    pub fn new(settings: Settings) -> Self {
        let mut ids = IdSource::new(settings.seed);
        Self {
            settings,
            broker: BrokerState::NotYet,
            lifecycle: Lifecycle::Idle,
            publication: Publication::new(ids.uuid()),
            requests: GuestRequests::default(),
            effects: Effects::new(ids),
        }
    }

    /// Does what an operator asks.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn handle_command(&mut self, now: Instant, command: Command) -> Settled {
        let settled = self.command(now, command);
        self.publish();
        settled
    }

    /// Takes note of something that happened.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        if let Lifecycle::Stopping(_) = self.lifecycle {
            return;
        }
        match input {
            Input::Online => self.online(now),
            Input::Offline => self.offline(now),
            Input::OwnOffline => self.effects.change_room(),
            Input::RoomSubscribed(live_id) => {
                let starting = self.lifecycle.starting_in(&live_id);
                if let (Some(starting), BrokerState::Online) = (starting, self.broker) {
                    starting.subscribed(now, &mut self.effects);
                }
            }
            Input::Room { live_id, state } => self.retained(now, &live_id, state),
            Input::UserStatus { user_id, presence } => self.user_status(now, &user_id, presence),
            Input::Request { live_id, from, request_id, request } => {
                if let Some(live) = self.lifecycle.live_in(&live_id) {
                    let (settings, effects) = (&self.settings, &mut self.effects);
                    self.requests.answer(live, &from, (request_id, request), now, settings, effects);
                }
            }
            Input::Noise { from } => self.requests.noise(&from, now),
            Input::Signal { live_id, from, signal } => {
                let allowance = self.requests.signal(&from, &signal, now);
                if let (Allowance::Given, Some(live)) = (allowance, self.lifecycle.live_in(&live_id)) {
                    live.stays_mut().signal(&from, signal, &self.settings, &mut self.effects);
                }
            }
            Input::SignalNoise { from } => self.requests.signal_noise(&from, now),
            Input::Stage(report) => {
                if let Lifecycle::Live(live) = &mut self.lifecycle {
                    live.stays_mut().stage(report, now, &mut self.effects);
                }
            }
            Input::Stop => self.stop(),
        }
        self.publish();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.effects.take_due(now) {
            let effects = &mut self.effects;
            match (timer, &mut self.lifecycle) {
                (Timer::Start | Timer::StoredRead, Lifecycle::Starting(starting)) => {
                    let decision = starting.heard_nothing(effects);
                    self.decided(now, decision);
                }
                (timer, Lifecycle::Live(live)) => live.timeout(&timer, effects),
                (_, Lifecycle::Idle | Lifecycle::Starting(_) | Lifecycle::Stopping(_)) => {}
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

    /// The state of this daemon; its cost does not grow with the audience.
    pub fn snapshot(&self) -> HostState {
        let last_error = self.effects.last_error();
        match &self.lifecycle {
            Lifecycle::Idle => view::idle(last_error),
            Lifecycle::Starting(starting) => view::starting(starting, last_error),
            Lifecycle::Live(live) => view::live(live, self.broker.presence(), last_error),
            Lifecycle::Stopping(last) => HostState::clone(last),
        }
    }

    /// The live that runs.
    pub fn live_id(&self) -> Option<&LiveId> {
        match &self.lifecycle {
            Lifecycle::Live(live) => Some(live.live_id()),
            Lifecycle::Idle | Lifecycle::Starting(_) | Lifecycle::Stopping(_) => None,
        }
    }

    /// Who this host is now.
    pub fn user(&self) -> &User {
        &self.settings.user
    }

    /// The room of the live that this wish would start, with nobody in it, or that runs already; `None` where another one stands in
    /// the way.
    pub fn prospect(&self, wish: &StartLive) -> Option<RoomState> {
        let policy = &self.settings.policy;
        let seats = match &self.lifecycle {
            Lifecycle::Live(live) if *live.live_id() == wish.live_id => {
                return Some(self.publication.draft(live, &self.settings));
            }
            Lifecycle::Starting(starting) if *starting.live_id() == wish.live_id => starting.seats(),
            Lifecycle::Idle => policy.seats,
            Lifecycle::Live(_) | Lifecycle::Starting(_) | Lifecycle::Stopping(_) => return None,
        };
        let seat_mode = wish.seat_mode.unwrap_or(policy.seat_mode);
        let live = Live::new(wish.live_id.clone(), wish.seats.unwrap_or(seats), seat_mode);
        Some(self.publication.draft(&live, &self.settings))
    }

    /// From now on; nothing that is under way changes, but for what guests hear.
    pub fn set_policy(&mut self, policy: HostPolicy) {
        self.settings.policy = policy;
        if let Lifecycle::Live(live) = &mut self.lifecycle {
            live.stays_mut().update_returns(&self.settings, &mut self.effects);
        }
    }

    fn command(&mut self, now: Instant, command: Command) -> Settled {
        match (command, &self.lifecycle) {
            (Command::Guest(_), _) => Err(Refusal::new(
                Code::PermissionDenied,
                "this daemon is a host: it takes no guest's commands",
            )),
            (_, Lifecycle::Stopping(_)) => Err(shutting_down()),
            (Command::Device(command), _) => {
                commands::carry_out_on_device(command, &mut self.settings, &mut self.effects)
            }
            (Command::Host { operator, command }, _) => self.host_command(now, operator, command),
        }
    }

    fn host_command(&mut self, now: Instant, operator: Option<Operator>, command: HostCommand) -> Settled {
        let (settings, effects) = (&self.settings, &mut self.effects);
        let outcome = match (command, &mut self.lifecycle) {
            (command, Lifecycle::Live(live)) => {
                commands::carry_out(live, (operator, command), now, settings, effects)
            }
            (HostCommand::StartLive(wish), Lifecycle::Starting(starting)) => {
                CommandOutcome::Settled(starting.ask(&wish, effects))
            }
            (HostCommand::StartLive(wish), Lifecycle::Idle) => {
                let mut starting = Starting::new(wish.live_id.clone(), &settings.policy, now, effects);
                let settled = starting.ask(&wish, effects);
                self.lifecycle = Lifecycle::Starting(starting);
                CommandOutcome::Settled(settled)
            }
            (_, Lifecycle::Idle | Lifecycle::Starting(_) | Lifecycle::Stopping(_)) => {
                CommandOutcome::Settled(Err(Refusal::new(
                    Code::NotInRoom,
                    "no live runs: start one with start_live",
                )))
            }
        };
        match outcome {
            CommandOutcome::Settled(settled) => settled,
            CommandOutcome::LiveEnded => {
                self.live_ended();
                Ok(Answer::Done)
            }
        }
    }

    fn online(&mut self, now: Instant) {
        let missed = self.broker.online(now);
        let effects = &mut self.effects;
        effects.change_room();
        self.publication.online(effects);
        match (&mut self.lifecycle, missed) {
            (Lifecycle::Idle, _) => {
                if let Some(live_id) = self.settings.standing_room.clone() {
                    let starting = Starting::new(live_id, &self.settings.policy, now, effects);
                    self.lifecycle = Lifecycle::Starting(starting);
                }
            }
            (Lifecycle::Starting(starting), _) => starting.online(now, effects),
            (Lifecycle::Live(live), Missed::Messages) => {
                live.doubt_audience(now + self.settings.policy.hold, effects);
            }
            (Lifecycle::Live(_), Missed::Nothing) | (Lifecycle::Stopping(_), _) => {}
        }
    }

    fn offline(&mut self, now: Instant) {
        self.broker.offline(now);
        if let Lifecycle::Starting(starting) = &self.lifecycle {
            starting.offline(&mut self.effects);
        }
    }

    fn retained(&mut self, now: Instant, live_id: &LiveId, state: Option<RoomState>) {
        // Nothing heard without the broker is not "nothing retained".
        if state.is_none() && self.broker != BrokerState::Online {
            return;
        }
        if let Some(starting) = self.lifecycle.starting_in(live_id) {
            self.publication.continue_after(state.as_ref().map_or(0, |room| room.revision));
            let own = &self.settings.user.user_id;
            let decision = starting.retained(state, own, now, &mut self.effects);
            self.decided(now, decision);
        }
    }

    fn user_status(&mut self, now: Instant, user_id: &UserId, presence: Presence) {
        match &mut self.lifecycle {
            Lifecycle::Starting(starting) => {
                let decision = starting.user_status(user_id, presence, &mut self.effects);
                self.decided(now, decision);
            }
            Lifecycle::Live(live) => {
                let until = now + self.settings.policy.hold;
                live.user_status(user_id, presence, until, &mut self.effects);
            }
            Lifecycle::Idle | Lifecycle::Stopping(_) => {}
        }
    }

    fn decided(&mut self, now: Instant, decision: Decision) {
        match decision {
            Decision::Wait => {}
            Decision::Begin(order) => {
                let live = Live::begin(*order, now, &self.settings, &mut self.effects);
                self.lifecycle = Lifecycle::Live(Box::new(live));
            }
            Decision::GaveUp => self.lifecycle = Lifecycle::Idle,
        }
    }

    /// Everybody was told.
    fn live_ended(&mut self) {
        let Lifecycle::Live(live) = std::mem::replace(&mut self.lifecycle, Lifecycle::Idle) else { return };
        let effects = &mut self.effects;
        effects.cancel_timers();
        effects.take_room_change();
        self.publication.end(&live, &self.settings, self.broker.presence(), effects);
        // The wish to be live ends with the live.
        self.settings.standing_room = None;
        effects.exit();
    }

    fn stop(&mut self) {
        let (why, effects) = (shutting_down(), &mut self.effects);
        match &mut self.lifecycle {
            Lifecycle::Starting(starting) => {
                starting.refuse(&why, effects);
                self.lifecycle = Lifecycle::Idle;
            }
            Lifecycle::Live(live) => live.stays_mut().stop(&why, effects),
            Lifecycle::Idle | Lifecycle::Stopping(_) => {}
        }
        self.lifecycle = Lifecycle::Stopping(Box::new(self.snapshot()));
        self.effects.cancel_timers();
        self.effects.push(Output::Stopped);
    }

    /// Publishes the room if it changed, as the last word of a mutation.
    fn publish(&mut self) {
        if self.broker != BrokerState::Online {
            return;
        }
        match (&self.lifecycle, self.effects.take_room_change()) {
            (Lifecycle::Live(live), Dirty::Yes) => {
                self.publication.publish(live, &self.settings, &mut self.effects);
            }
            (Lifecycle::Idle | Lifecycle::Starting(_) | Lifecycle::Live(_) | Lifecycle::Stopping(_), _) => {}
        }
    }
}

fn shutting_down() -> Refusal {
    Refusal::new(Code::ShuttingDown, "the host is about to stop")
}
