//! One stay on a seat: from `seated` to the moment everything of it is closed.
//!
//! ```text
//! preparing ── offer ─► negotiating ── answer ─► connecting ── first packet ─► live
//!     ▲                                                                          │ failed, bye, silent
//!     └──────────── retry, a new peer ◄── recovering {attempt 1..=3} ◄───────────┘
//! any phase ─► leaving (`seat::Farewell`) ─► gone
//! ```
//! Every phase but live has a deadline (`Timer::Live`, `Timer::Retry`, or `Timer::HostHold` where nobody can be signalled).
//! What the devices do changes the plan, never the phase.

use std::time::Instant;

use crate::model::media::{AudioPlan, Path, Plan, Session, Ticket, VideoPlan};
use crate::model::message::{DeviceKind, Devices, Grant, OnOff};
use crate::model::sound::SpeakerStatus;
use crate::model::{DeviceSwitch, Media, Phase};

/// What the camera or the microphone of a stay is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Not open, and nothing known.
    Unknown,
    /// It delivers.
    Delivers,
    /// It delivered, or could not be opened; media look for it.
    Lost,
}

/// One device of a stay.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) switch: DeviceSwitch,
    pub(super) health: Health,
    /// Commands that wait for it to open.
    waiting: Vec<Ticket>,
    /// What it was before they came.
    pub(super) before: DeviceSwitch,
}

impl Device {
    pub(super) fn new(switch: DeviceSwitch) -> Self {
        Self { switch, health: Health::Unknown, waiting: Vec::new(), before: switch }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.switch == DeviceSwitch::On
    }

    pub(super) fn wait(&mut self, ticket: Ticket) {
        if self.waiting.is_empty() {
            self.before = self.switch;
        }
        self.waiting.push(ticket);
    }

    pub(super) fn take_waiting(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.waiting)
    }

    /// Changes the switch; whether it did.
    pub(super) fn turn(&mut self, to: DeviceSwitch) -> bool {
        let turned = self.switch != to;
        if turned {
            self.switch = to;
            self.health = Health::Unknown;
        }
        turned
    }
}

/// The present peer connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) session: Session,
    /// Its name on the room plane.
    pub(super) name: String,
    pub(super) answer: Answered,
    /// What is heard of the far side.
    pub(super) path: Path,
    /// What its speaker does.
    pub(super) speaker: SpeakerStatus,
}

/// Whether the exchange of a peer has had its answer: a broker may hand one on twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    NotYet,
    Yes,
}

/// A stay on a seat.
#[derive(Debug)]
pub(super) struct Stay {
    pub(super) epoch: u64,
    pub(super) seat_index: u32,
    pub(super) media: Media,
    pub(super) grant: Grant,
    pub(super) phase: Phase,
    /// What `accept_to_first_packet_ms` counts from.
    pub(super) accepted: Instant,
    /// Which attempt of recovery this is; 0 before any.
    pub(super) attempt: u32,
    /// Why the last of them was made.
    pub(super) why: String,
    /// Whether the next packet that leaves ends the count of attempts.
    pub(super) count: Count,
    pub(super) peer: Option<Peer>,
    pub(super) camera: Device,
    pub(super) microphone: Device,
    /// Whether any device has delivered in this stay.
    pub(super) delivered: Delivered,
    /// Pictures the camera owes.
    pub(super) pictures: Vec<Ticket>,
    /// What the host was told last.
    pub(super) told: Option<Devices>,
}

/// What becomes of the count of attempts when a stay is live again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// It begins anew with the next trouble.
    Ends,
    /// It goes on until the far side, which was silent, was heard for a while: one that connects and says no more ends the stay.
    GoesOn,
}

/// Whether a stay has ever had a working device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    Never,
    Once,
}

impl Stay {
    pub(super) fn device_mut(&mut self, device: DeviceKind) -> &mut Device {
        match device {
            DeviceKind::Camera => &mut self.camera,
            DeviceKind::Microphone => &mut self.microphone,
        }
    }

    /// What is to be sent.
    pub(super) fn plan(&self) -> Plan {
        let video = match (self.media, self.camera.is_wanted()) {
            (Media::Audio, _) => VideoPlan::Off,
            (Media::Video, true) => VideoPlan::Camera,
            (Media::Video, false) => VideoPlan::Slate,
        };
        let audio = if self.microphone.is_wanted() { AudioPlan::Microphone } else { AudioPlan::Silence };
        Plan { video, audio }
    }

    /// What the host is told of the devices.
    pub(super) fn devices(&self, phase: Option<Phase>) -> Devices {
        let on = |device: &Device| if device.is_wanted() { OnOff::On } else { OnOff::Off };
        Devices { microphone: on(&self.microphone), camera: on(&self.camera), phase }
    }

    /// Whether every wanted device failed, at least one was wanted, and none has ever worked (rule 15).
    pub(super) fn cannot_capture(&self) -> bool {
        let devices = [&self.camera, &self.microphone];
        let wanted: Vec<_> = devices.into_iter().filter(|device| device.is_wanted()).collect();
        self.delivered == Delivered::Never
            && !wanted.is_empty()
            && wanted.iter().all(|device| device.health == Health::Lost)
    }

    /// Who takes the media, as a sentence names it.
    pub(super) fn far_side(&self) -> &str {
        match &self.grant {
            Grant::Mqtt { stage } => stage.as_str(),
            Grant::Whip { .. } => "the server",
        }
    }

    pub(super) fn is_peer(&self, session: Session) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.session.peer == session.peer)
    }

    pub(super) fn take_tickets(&mut self) -> Vec<Ticket> {
        let mut tickets = self.camera.take_waiting();
        tickets.append(&mut self.microphone.take_waiting());
        tickets.append(&mut self.pictures);
        tickets
    }
}
