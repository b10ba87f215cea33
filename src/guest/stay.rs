//! One stay on a seat, from `seated` until its media are asked to stop: its devices, its connection, and what the host was told.
//!
//! Invariant: what the devices do changes the plan, never the phase of the connection.

use std::time::Instant;

use super::capture::{self, Loss, StayCapture};
use super::connection::StayConnection;
use super::connection_outcome::{ConnectionOutcome, LiveDelay, RouteChange};
use super::contract::{Output, Timer};
use super::effects::Effects;
use super::network::StayNetwork;
use super::preferences::DevicePreferences;
use super::route::SignallingRoute;
use super::situation::{Reach, Situation};
use crate::model::command::Settled;
use crate::model::event::Event;
use crate::model::media::{Ask, GuestStats, Report, Session, Ticket};
use crate::model::message::{DeviceKind, Devices};
use crate::model::state::Network;
use crate::model::{Code, DeviceSwitch, Refusal};

/// What a stay has to know of the rest of the guest.
pub(super) struct Surroundings<'a> {
    pub(super) now: Instant,
    pub(super) reach: Reach,
    pub(super) preferences: &'a DevicePreferences,
}

/// Who receives the media: a stage that is the host sees the phase itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Receiver {
    Host,
    Other,
}

/// What something that happened to a stay means to the rest of the guest.
#[derive(Debug, PartialEq)]
#[must_use]
pub(super) enum StayOutcome {
    Nothing,
    /// The host is to be told what the devices do.
    TellDevices,
    /// The host is to be told the phase, unless it is the stage.
    TellPhase,
    /// Media are live; the host is told the phase first.
    WentLive(LiveDelay),
    Opened {
        device: DeviceKind,
        id: String,
    },
    /// Media cannot be kept up: the seat is to be left.
    GaveUp {
        why: String,
    },
}

/// A seat that is given to this guest.
pub(super) struct SeatGrant {
    /// Names this stay; unique in this process.
    pub(super) epoch: u64,
    pub(super) seat_index: u32,
    /// When it was agreed to.
    pub(super) accepted: Instant,
    pub(super) route: SignallingRoute,
    pub(super) capture: StayCapture,
}

impl From<ConnectionOutcome> for StayOutcome {
    fn from(outcome: ConnectionOutcome) -> Self {
        match outcome {
            ConnectionOutcome::Nothing => Self::Nothing,
            ConnectionOutcome::PhaseChanged => Self::TellPhase,
            ConnectionOutcome::WentLive(delay) => Self::WentLive(delay),
            ConnectionOutcome::GaveUp { why } => Self::GaveUp { why },
        }
    }
}

/// A stay on a seat.
#[derive(Debug)]
pub(super) struct Stay {
    epoch: u64,
    seat_index: u32,
    connection: StayConnection,
    capture: StayCapture,
    /// What the host was told last.
    told: Option<Devices>,
    network: StayNetwork,
}

impl Stay {
    /// Sits down: capture and a peer connection begin, where the route is usable.
    pub(super) fn begin(now: Instant, grant: SeatGrant, effects: &mut Effects) -> Self {
        let mut stay = Self {
            epoch: grant.epoch,
            seat_index: grant.seat_index,
            connection: StayConnection::new(grant.epoch, grant.accepted, grant.route),
            capture: grant.capture,
            told: None,
            network: StayNetwork::new(),
        };
        stay.connection.start(now, stay.capture.sending(), effects);
        stay
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn seat_index(&self) -> u32 {
        self.seat_index
    }

    pub(super) fn capture(&self) -> &StayCapture {
        &self.capture
    }

    pub(super) fn connection(&self) -> &StayConnection {
        &self.connection
    }

    /// Does something with the connection.
    pub(super) fn connect(
        &mut self,
        around: &Surroundings<'_>,
        effects: &mut Effects,
        act: impl FnOnce(&mut StayConnection, Situation, &mut Effects) -> ConnectionOutcome,
    ) -> StayOutcome {
        let Surroundings { now, reach, .. } = *around;
        let at = Situation { now, reach, sending: self.capture.sending() };
        act(&mut self.connection, at, effects).into()
    }

    /// The network as it is published.
    pub(super) fn network(&self) -> Network {
        if self.connection.is_heard() { self.network.state() } else { self.network.down() }
    }

    /// What the host is to be told; `None` if it was told so last.
    pub(super) fn news(&mut self, receiver: Receiver) -> Option<Devices> {
        let phase = match receiver {
            Receiver::Host => None,
            Receiver::Other => Some(self.connection.phase()),
        };
        let devices = self.capture.devices(phase);
        (self.told.replace(devices) != Some(devices)).then_some(devices)
    }

    /// What the host was told last does not count.
    pub(super) fn forget_told(&mut self, _: &Surroundings<'_>, _: &mut Effects) -> StayOutcome {
        self.told = None;
        StayOutcome::Nothing
    }

    /// The host moved this guest to another seat; whether it was on that one.
    pub(super) fn moved(&mut self, from: u32, to: u32) -> bool {
        let moves = self.seat_index == from;
        if moves {
            self.seat_index = to;
        }
        moves
    }

    /// A report of media; one of another stay or peer connection means nothing.
    pub(super) fn media(
        &mut self,
        report: Report,
        around: &Surroundings<'_>,
        effects: &mut Effects,
    ) -> StayOutcome {
        match report {
            Report::Offer { .. }
            | Report::Candidate { .. }
            | Report::Answer { .. }
            | Report::Connected { .. }
            | Report::FirstPacket { .. }
            | Report::Path { .. }
            | Report::PeerFailed { .. }
            | Report::ServerRefused { .. }
            | Report::Picture { .. }
            | Report::Speaker(..) => {
                return self.connect(around, effects, |connection, at, effects| {
                    connection.media(report, at, effects)
                });
            }
            Report::EncoderReplaced { epoch, from, to, why } if epoch == self.epoch => {
                effects.say(Event::EncoderReplaced { encoder: to, instead_of: from, why });
            }
            Report::MediaFailed { epoch, why } if epoch == self.epoch => return StayOutcome::GaveUp { why },
            Report::DeviceOpened { epoch, device, id } | Report::DeviceBack { epoch, device, id }
                if epoch == self.epoch =>
            {
                return self.delivers(device, id, effects);
            }
            Report::DeviceFailed { epoch, device, error } if epoch == self.epoch => {
                return self.loses(device, &error, around, effects);
            }
            Report::DeviceLost { epoch, device, why } if epoch == self.epoch => {
                return self.loses(device, &Refusal::new(device.start_fail(), why), around, effects);
            }
            Report::Snapshot { ticket, picture } => self.capture.picture(ticket, picture, effects),
            Report::Stats { session, stats } => self.stats(session, stats, effects),
            // Those of another stay, and those that concern none.
            Report::EncoderReplaced { .. }
            | Report::MediaFailed { .. }
            | Report::DeviceOpened { .. }
            | Report::DeviceBack { .. }
            | Report::DeviceFailed { .. }
            | Report::DeviceLost { .. }
            | Report::CaptureVolume(_)
            | Report::Stopped { .. } => {}
        }
        StayOutcome::Nothing
    }

    /// The host knows of this seat after the two were apart: takes its index, returns the one before, and the route.
    pub(super) fn rejoined(&mut self, seat_index: u32, route: SignallingRoute) -> (u32, RouteChange) {
        self.told = None;
        (std::mem::replace(&mut self.seat_index, seat_index), self.connection.set_route(route))
    }

    fn stats(&mut self, session: Session, stats: GuestStats, effects: &mut Effects) {
        if !self.connection.is_peer(session) {
            return;
        }
        self.network.update(&stats);
        effects.output(Output::Stats { seat_index: self.seat_index, stats });
    }

    /// An operator opens a device.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open(&mut self, now: Instant, device: DeviceKind, effects: &mut Effects) -> Settled {
        self.capture.open(now, device, effects)
    }

    /// What waits for a device to open fails.
    pub(super) fn refuse_open(&mut self, device: DeviceKind, refusal: Refusal, effects: &mut Effects) {
        self.capture.settle(device, &Err(refusal), effects);
    }

    /// Every command that waits fails.
    pub(super) fn refuse_commands(&mut self, refusal: &Refusal, effects: &mut Effects) {
        self.capture.end(refusal, effects);
    }

    /// An operator asks for a picture.
    ///
    /// # Errors
    /// There is none to be had.
    pub(super) fn take_snapshot(&mut self, now: Instant, effects: &mut Effects) -> Settled {
        self.capture.take_snapshot(now, effects)
    }

    pub(super) fn no_picture(&mut self, ticket: Ticket, effects: &mut Effects) -> StayOutcome {
        self.capture.no_picture(ticket, effects);
        StayOutcome::Nothing
    }

    /// Turns a switch; whether the host is to be told.
    pub(super) fn turn(
        &mut self,
        device: DeviceKind,
        to: DeviceSwitch,
        effects: &mut Effects,
    ) -> StayOutcome {
        if self.capture.turn(device, to, effects) { StayOutcome::TellDevices } else { StayOutcome::Nothing }
    }

    fn delivers(&mut self, device: DeviceKind, id: String, effects: &mut Effects) -> StayOutcome {
        if self.capture.delivers(device, &id, effects) {
            StayOutcome::Opened { device, id }
        } else {
            StayOutcome::Nothing
        }
    }

    fn loses(
        &mut self,
        device: DeviceKind,
        error: &Refusal,
        around: &Surroundings<'_>,
        effects: &mut Effects,
    ) -> StayOutcome {
        match self.capture.loses(device, around.preferences.id(device), error, effects) {
            Loss::Replaced => StayOutcome::Nothing,
            Loss::Closed => StayOutcome::TellDevices,
            Loss::NothingLeft => {
                StayOutcome::GaveUp { why: format!("neither camera nor microphone works: {}", error.message) }
            }
        }
    }

    /// Media did not say whether the camera opened.
    pub(super) fn camera_not_opened(
        &mut self,
        around: &Surroundings<'_>,
        effects: &mut Effects,
    ) -> StayOutcome {
        self.loses(DeviceKind::Camera, &capture::not_opened(DeviceKind::Camera), around, effects)
    }

    /// Media did not say whether the microphone opened.
    pub(super) fn microphone_not_opened(
        &mut self,
        around: &Surroundings<'_>,
        effects: &mut Effects,
    ) -> StayOutcome {
        self.loses(DeviceKind::Microphone, &capture::not_opened(DeviceKind::Microphone), around, effects)
    }

    /// Asks media to stop; returns what the far side is told when they have.
    pub(super) fn end(mut self, effects: &mut Effects) -> Option<Output> {
        effects.cancel_timer(&Timer::Devices);
        let bye = self.connection.end(effects);
        effects.ask(Ask::Stop { epoch: self.epoch });
        self.capture.end(&Refusal::new(Code::UserNotInSeat, "the seat was left"), effects);
        bye
    }
}
