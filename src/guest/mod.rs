//! The guest: what a device is inside a room. Pure: told what happened and when, it says what should happen next.
//!
//! Contract: after every `handle_…` drain [`Guest::poll_output`] to `None`, then look at [`Guest::poll_timeout`] and
//! [`Guest::snapshot`]. A command answered [`Answer::Pending`] is settled by exactly one [`Output::Settled`].
//!
//! ```text
//! outside ── join_live, or the standing wish ─► waiting ── live ─► joining ── result ─► inside ◄─► host_lost
//!    ▲                                             ▲                                      │           │
//!    └─ leave_live ────────────────────────────────┴── live_ended ────────────────────────┴───────────┘
//! ```
//!
//! Invariants: a request that fails changes nothing; nobody is seated unasked; devices are asked for only by a stay
//! (module `stay`), and the end of a stay asks media to stop before anybody is told.
//!
//! Not here: sockets, pipelines, clocks; what devices there are.
#![deny(clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]

mod commands;
mod contract;
mod devices;
mod effects;
mod faults;
mod join;
mod media;
mod messages;
mod policy;
mod reconcile;
mod requests;
mod room;
mod seat;
mod stay;
mod view;
mod way;

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

pub use contract::{AcceptInvitations, Input, Output, Server, Settings, Timer};

use effects::Effects;
use requests::Request;
use room::Room;
use seat::Farewell;
use stay::Stay;

use crate::model::command::{Answer, Command, Settled};
use crate::model::media::{Mirror, Quality, Ticket};
use crate::model::message::DeviceKind;
use crate::model::state::Network;
use crate::model::volume::Loudness;
use crate::model::{Code, IdSource, Presence, Refusal, User, Volume};

/// Whether the program is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Running,
    Stopping,
}

/// Whether this program has been inside a room: only one just started takes up what the host kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    JustStarted,
    Settled,
}

/// What stays over rooms and seats.
#[derive(Debug)]
struct Device {
    camera: String,
    microphone: String,
    quality: Quality,
    mirror: Mirror,
    capture_volume: Loudness,
    output_volume: Loudness,
    /// What the microphone's card stands at, as far as it is known.
    own_volume: Volume,
    /// What was closed off the seat, or whose ban was lifted, and not opened since.
    stays_closed: BTreeSet<DeviceKind>,
}

/// The guest.
#[derive(Debug)]
pub struct Guest {
    settings: Settings,
    user: User,
    /// Random id of this start of the program.
    session: String,
    life: Life,
    broker: Presence,
    course: Course,
    room: Option<Room>,
    stay: Option<Stay>,
    farewell: Option<Farewell>,
    requests: Vec<Request>,
    /// Given up, and perhaps still to be answered.
    late: VecDeque<Request>,
    device: Device,
    network: Network,
    effects: Effects,
}

impl Guest {
    /// A guest that waits for the broker.
    pub fn new(settings: Settings) -> Self {
        let mut ids = IdSource::new(settings.seed);
        Self {
            user: settings.user.clone(),
            session: ids.uuid(),
            life: Life::JustStarted,
            broker: Presence::Offline,
            course: Course::Running,
            room: None,
            stay: None,
            farewell: None,
            requests: Vec::new(),
            late: VecDeque::new(),
            device: Device {
                camera: settings.camera.clone(),
                microphone: settings.microphone.clone(),
                quality: settings.quality,
                mirror: settings.mirror,
                capture_volume: settings.capture_volume,
                output_volume: settings.output_volume,
                own_volume: Volume::FULL,
                stays_closed: BTreeSet::new(),
            },
            settings,
            network: Network::UNKNOWN,
            effects: Effects::new(ids),
        }
    }

    /// Does what an operator asks.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn handle_command(&mut self, now: Instant, command: Command) -> Settled {
        match command {
            Command::Host { .. } => Err(Refusal::new(
                Code::PermissionDenied,
                "this daemon is a guest: it takes no host's commands",
            )),
            Command::Guest(_) | Command::Device(_) if self.course == Course::Stopping => {
                Err(Refusal::new(Code::ShuttingDown, "the guest is about to stop"))
            }
            Command::Guest(command) => self.guest_command(now, command),
            Command::Device(command) => self.device_command(now, command),
        }
    }

    /// Takes note of something that happened.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        let matters = match (&input, self.course) {
            (_, Course::Running) | (Input::Media(_), Course::Stopping) => true,
            (_, Course::Stopping) => false,
        };
        match input {
            _ if !matters => {}
            Input::Online => self.online(now),
            Input::Offline => self.offline(now),
            Input::OwnOffline => self.join_if_inside(now),
            Input::Room { live_id, state } => self.room_state(now, &live_id, state),
            Input::HostStatus { user_id, presence } => self.host_status(now, &user_id, presence),
            Input::Message { live_id, message } => self.message(now, &live_id, message),
            Input::OfferUnsent { name, refusal } => self.offer_unsent(now, &name, refusal),
            Input::Media(report) => self.report(now, report),
            Input::Stop => self.stop(now),
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.effects.take_due_timer(now) {
            match timer {
                Timer::Request(request_id) => self.unanswered(&request_id),
                Timer::Join => self.join(now),
                Timer::JoinLive => self.join_live_in_vain(),
                Timer::HostHold => self.host_gone(now),
                Timer::Application => self.application_expired(),
                Timer::Invitation(id) => self.invitation_expired(&id),
                Timer::Live => self.not_live_in_time(now),
                Timer::Silent => self.path_silent(now),
                Timer::Steady => self.heard_long_enough(),
                Timer::Retry => self.try_again(now),
                Timer::Stop => self.say_farewell(now),
                Timer::Camera => self.open_in_vain(now, DeviceKind::Camera),
                Timer::Microphone => self.open_in_vain(now, DeviceKind::Microphone),
                Timer::Devices => self.tell_devices(now),
                Timer::Snapshot(ticket) => self.no_picture(ticket),
            }
        }
    }

    /// The next thing to do; `None` when all was said.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.effects.poll_output()
    }

    /// When to call [`Guest::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.effects.next_timer()
    }

    /// The present stay, for the log; it is in nothing that others see.
    pub fn epoch(&self) -> Option<u64> {
        self.stay.as_ref().map(|stay| stay.epoch).or(self.farewell.as_ref().map(|farewell| farewell.epoch))
    }

    /// Who this guest is now.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Media stop first; then the goodbye, without a `leave`: the host's hold decides.
    fn stop(&mut self, now: Instant) {
        if self.course == Course::Stopping {
            return;
        }
        self.course = Course::Stopping;
        let tickets: Vec<Ticket> = self.requests.drain(..).filter_map(|request| request.ticket).collect();
        let joining = self.room.as_mut().map(|room| std::mem::take(&mut room.tickets)).unwrap_or_default();
        let owed = self.stay.as_mut().map(Stay::take_tickets).unwrap_or_default();
        for ticket in tickets.into_iter().chain(joining).chain(owed) {
            self.effects.settle(ticket, Err(Refusal::new(Code::ShuttingDown, "the guest is about to stop")));
        }
        self.effects.cancel_all_timers_but(Timer::Stop);
        self.leave_for_stop(now);
    }
}

/// What a command without an answer of its own returns.
const DONE: Settled = Ok(Answer::Done);

/// The refusal for what needs a room.
fn not_in_room() -> Refusal {
    Refusal::new(Code::NotInRoom, "the guest is in no room: join_live comes first")
}

/// The refusal for what needs a host.
fn host_unreachable(why: &str) -> Refusal {
    Refusal::new(Code::HostUnreachable, why)
}
