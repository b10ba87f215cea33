//! Camera and microphone of a stay: opened and closed here, closed by the host, lost and found again.
//!
//! Invariant: media are asked for a device only while its switch is on; a command that waits for a device is settled once.
//!
//! Not here: what stays closed between two seats (`preferences.rs`).

use std::time::{Duration, Instant};

use super::contract::Timer;
use super::effects::{DONE, Effects, ErrorSource};
use crate::model::command::{Answer, Settled};
use crate::model::event::Event;
use crate::model::media::{Ask, AudioPlan, Picture, Plan, Ticket, VideoPlan};
use crate::model::message::{DeviceKind, Devices, OnOff};
use crate::model::state::DeviceStatus;
use crate::model::{Code, DeviceSwitch, Media, Phase, Refusal};

/// How long a device may take to open before the command that asked for it fails; media give up sooner.
const OPEN: Duration = Duration::from_secs(8);

/// How long the camera may take for a picture.
const PICTURE: Duration = Duration::from_secs(3);

/// Pictures that may be waited for at once.
const PICTURES_MAX: usize = 16;

/// What is known of a device whose switch is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Unknown,
    Delivers,
    /// It delivered, or could not be opened; media look for it.
    Lost,
}

/// Whether any device has worked in this stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivered {
    Never,
    Once,
}

#[derive(Debug)]
struct StayDevice {
    switch: DeviceSwitch,
    health: Health,
    /// Commands that wait for it to open.
    waiting: Vec<Ticket>,
    /// The switch before they came.
    before: DeviceSwitch,
}

impl StayDevice {
    fn new(switch: DeviceSwitch) -> Self {
        Self { switch, health: Health::Unknown, waiting: Vec::new(), before: switch }
    }

    fn is_wanted(&self) -> bool {
        self.switch == DeviceSwitch::On
    }

    fn wait(&mut self, ticket: Ticket) {
        if self.waiting.is_empty() {
            self.before = self.switch;
        }
        self.waiting.push(ticket);
    }

    fn on_off(&self) -> OnOff {
        if self.is_wanted() { OnOff::On } else { OnOff::Off }
    }
}

/// What the loss of a device leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Slate or silence goes on in its place.
    Replaced,
    /// It could not be opened, so it is closed again.
    Closed,
    /// Nothing that is wanted works, and nothing has.
    NothingLeft,
}

/// What a stay sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    pub(super) media: Media,
    pub(super) plan: Plan,
}

/// The devices of a stay.
#[derive(Debug)]
pub(super) struct StayCapture {
    epoch: u64,
    media: Media,
    camera: StayDevice,
    microphone: StayDevice,
    delivered: Delivered,
    /// Pictures that the camera owes.
    pictures: Vec<Ticket>,
}

impl StayCapture {
    /// An audio seat has no camera to open.
    pub(super) fn new(epoch: u64, media: Media, camera: DeviceSwitch, microphone: DeviceSwitch) -> Self {
        let camera = match (media, camera) {
            (Media::Audio, DeviceSwitch::On) => DeviceSwitch::Off,
            (Media::Audio | Media::Video, camera) => camera,
        };
        Self {
            epoch,
            media,
            camera: StayDevice::new(camera),
            microphone: StayDevice::new(microphone),
            delivered: Delivered::Never,
            pictures: Vec::new(),
        }
    }

    pub(super) fn media(&self) -> Media {
        self.media
    }

    fn device(&self, device: DeviceKind) -> &StayDevice {
        match device {
            DeviceKind::Camera => &self.camera,
            DeviceKind::Microphone => &self.microphone,
        }
    }

    fn device_mut(&mut self, device: DeviceKind) -> &mut StayDevice {
        match device {
            DeviceKind::Camera => &mut self.camera,
            DeviceKind::Microphone => &mut self.microphone,
        }
    }

    /// What media should send.
    fn plan(&self) -> Plan {
        let video = match (self.media, self.camera.is_wanted()) {
            (Media::Audio, _) => VideoPlan::Off,
            (Media::Video, true) => VideoPlan::Camera,
            (Media::Video, false) => VideoPlan::Slate,
        };
        let audio = if self.microphone.is_wanted() { AudioPlan::Microphone } else { AudioPlan::Silence };
        Plan { video, audio }
    }

    /// What a peer connection begins with.
    pub(super) fn sending(&self) -> Sending {
        Sending { media: self.media, plan: self.plan() }
    }

    /// What the host is told of the devices.
    pub(super) fn devices(&self, phase: Option<Phase>) -> Devices {
        Devices { microphone: self.microphone.on_off(), camera: self.camera.on_off(), phase }
    }

    pub(super) fn switch(&self, device: DeviceKind) -> DeviceSwitch {
        self.device(device).switch
    }

    pub(super) fn status(&self, device: DeviceKind) -> DeviceStatus {
        let device = self.device(device);
        match (device.switch, device.health) {
            (DeviceSwitch::Off, _) => DeviceStatus::Off,
            (DeviceSwitch::ClosedByAdmin, _) => DeviceStatus::ClosedByAdmin,
            (DeviceSwitch::On, Health::Lost) => DeviceStatus::Lost,
            (DeviceSwitch::On, Health::Delivers | Health::Unknown) => DeviceStatus::On,
        }
    }

    /// An operator opens a device: done if it delivers already, or pending until it does.
    ///
    /// # Errors
    /// The host keeps it closed, the seat has none, too many wait, or it is lost.
    pub(super) fn open(&mut self, now: Instant, device: DeviceKind, effects: &mut Effects) -> Settled {
        if device == DeviceKind::Camera && self.media == Media::Audio {
            return Err(Refusal::new(Code::PermissionDenied, "an audio seat has no camera"));
        }
        let opened = self.device_mut(device);
        match (opened.switch, opened.health) {
            (DeviceSwitch::ClosedByAdmin, _) => return Err(closed_by_admin(device)),
            (DeviceSwitch::On, Health::Delivers) => return DONE,
            (DeviceSwitch::On, Health::Lost) => return Err(why_lost(device, effects)),
            (DeviceSwitch::On, Health::Unknown) | (DeviceSwitch::Off, _) => {}
        }
        let ticket = effects.ticket();
        opened.wait(ticket);
        effects.set_timer(now + OPEN, timer(device));
        self.turn(device, DeviceSwitch::On, effects);
        Ok(Answer::Pending(ticket))
    }

    /// Turns a switch; whether it was turned.
    pub(super) fn turn(&mut self, device: DeviceKind, to: DeviceSwitch, effects: &mut Effects) -> bool {
        let turned = self.device_mut(device);
        if turned.switch == to {
            return false;
        }
        turned.switch = to;
        turned.health = Health::Unknown;
        effects.ask(Ask::Plan { epoch: self.epoch, plan: self.plan() });
        effects.clear_error(ErrorSource::Device(device));
        true
    }

    /// Settles the commands that wait for this device.
    pub(super) fn settle(&mut self, device: DeviceKind, settled: &Settled, effects: &mut Effects) {
        effects.cancel_timer(&timer(device));
        for ticket in self.device_mut(device).waiting.drain(..) {
            effects.settle(ticket, settled.clone());
        }
    }

    /// A device delivers; whether it is wanted.
    pub(super) fn delivers(&mut self, device: DeviceKind, id: &str, effects: &mut Effects) -> bool {
        let opened = self.device_mut(device);
        if !opened.is_wanted() {
            return false;
        }
        let before = std::mem::replace(&mut opened.health, Health::Delivers);
        self.delivered = Delivered::Once;
        effects.clear_error(ErrorSource::Device(device));
        if before == Health::Lost {
            effects.say(back(device, id.to_owned()));
        }
        self.settle(device, &DONE, effects);
        true
    }

    /// A device is gone, or could not be opened. `id` is what it is known by.
    pub(super) fn loses(
        &mut self,
        device: DeviceKind,
        id: &str,
        error: &Refusal,
        effects: &mut Effects,
    ) -> Loss {
        let lost = self.device_mut(device);
        if !lost.is_wanted() {
            return Loss::Replaced;
        }
        let health = std::mem::replace(&mut lost.health, Health::Lost);
        let was_open = lost.waiting.is_empty() || lost.before == DeviceSwitch::On;
        effects.note_error(ErrorSource::Device(device), error.clone());
        if health != Health::Lost && was_open {
            effects.say(gone(device, id.to_owned(), error.message.clone()));
        }
        self.settle(device, &Err(error.clone()), effects);
        if !was_open {
            // A command that fails changes nothing: the device is closed again.
            self.turn(device, DeviceSwitch::Off, effects);
            effects.note_error(ErrorSource::Device(device), error.clone());
            Loss::Closed
        } else if self.cannot_capture() {
            Loss::NothingLeft
        } else {
            Loss::Replaced
        }
    }

    /// Whether every wanted device is lost, at least one is wanted, and none has worked in this stay.
    fn cannot_capture(&self) -> bool {
        let mut wanted =
            [&self.camera, &self.microphone].into_iter().filter(|device| device.is_wanted()).peekable();
        self.delivered == Delivered::Never
            && wanted.peek().is_some()
            && wanted.all(|device| device.health == Health::Lost)
    }

    /// An operator asks for a picture of the camera.
    ///
    /// # Errors
    /// The camera is closed, or too many pictures are being taken.
    pub(super) fn take_snapshot(&mut self, now: Instant, effects: &mut Effects) -> Settled {
        match self.camera.switch {
            DeviceSwitch::ClosedByAdmin => return Err(closed_by_admin(DeviceKind::Camera)),
            DeviceSwitch::Off => return Err(camera_closed()),
            DeviceSwitch::On => {}
        }
        if self.pictures.len() >= PICTURES_MAX {
            return Err(Refusal::new(Code::RateLimited, "too many pictures are being taken"));
        }
        let ticket = effects.ticket();
        self.pictures.push(ticket);
        effects.set_timer(now + PICTURE, Timer::Snapshot(ticket));
        effects.ask(Ask::Snapshot { ticket });
        Ok(Answer::Pending(ticket))
    }

    pub(super) fn picture(
        &mut self,
        ticket: Ticket,
        picture: Result<Picture, Refusal>,
        effects: &mut Effects,
    ) {
        let Some(owed) = self.pictures.iter().position(|owed| *owed == ticket) else { return };
        self.pictures.swap_remove(owed);
        effects.cancel_timer(&Timer::Snapshot(ticket));
        effects.settle(ticket, picture.map(Answer::Picture));
    }

    pub(super) fn no_picture(&mut self, ticket: Ticket, effects: &mut Effects) {
        let refusal = Refusal::new(Code::PermissionDenied, "the camera gave no picture in time");
        self.picture(ticket, Err(refusal), effects);
    }

    /// The stay ends: so do the commands that wait.
    pub(super) fn end(&mut self, refusal: &Refusal, effects: &mut Effects) {
        for device in [DeviceKind::Camera, DeviceKind::Microphone] {
            self.settle(device, &Err(refusal.clone()), effects);
        }
        for ticket in self.pictures.drain(..) {
            effects.cancel_timer(&Timer::Snapshot(ticket));
            effects.settle(ticket, Err(refusal.clone()));
        }
    }
}

fn timer(device: DeviceKind) -> Timer {
    match device {
        DeviceKind::Camera => Timer::Camera,
        DeviceKind::Microphone => Timer::Microphone,
    }
}

/// What a device is called in sentences.
pub(super) fn name(device: DeviceKind) -> &'static str {
    match device {
        DeviceKind::Camera => "camera",
        DeviceKind::Microphone => "microphone",
    }
}

/// The refusal while the host keeps a device closed.
pub(super) fn closed_by_admin(device: DeviceKind) -> Refusal {
    let code = match device {
        DeviceKind::Camera => Code::CameraClosedByAdmin,
        DeviceKind::Microphone => Code::MicrophoneClosedByAdmin,
    };
    Refusal::new(code, format!("the host keeps the {} closed", name(device)))
}

/// The refusal of a picture of a closed camera.
pub(super) fn camera_closed() -> Refusal {
    Refusal::new(Code::PermissionDenied, "the camera is closed")
}

/// The refusal when media did not say whether a device opened.
pub(super) fn not_opened(device: DeviceKind) -> Refusal {
    Refusal::new(
        device.start_fail(),
        format!("the {} gave nothing within {} s", name(device), OPEN.as_secs()),
    )
}

fn why_lost(device: DeviceKind, effects: &Effects) -> Refusal {
    let why = || Refusal::new(device.start_fail(), format!("the {} is lost; it is looked for", name(device)));
    effects.last_error_of(ErrorSource::Device(device)).cloned().unwrap_or_else(why)
}

fn gone(device: DeviceKind, id: String, why: String) -> Event {
    match device {
        DeviceKind::Camera => Event::CameraLost { camera: id, why },
        DeviceKind::Microphone => Event::MicrophoneLost { microphone: id, why },
    }
}

fn back(device: DeviceKind, id: String) -> Event {
    match device {
        DeviceKind::Camera => Event::CameraBack { camera: id },
        DeviceKind::Microphone => Event::MicrophoneBack { microphone: id },
    }
}
