//! The devices of a seated guest: opened and closed by its operator, banned by the host, lost and found by themselves.

use std::time::{Duration, Instant};

use super::effects::ErrorSource;
use super::stay::{Delivered, Health};
use super::{DONE, Guest, Timer};
use crate::model::command::{Answer, Settled};
use crate::model::event::Event;
use crate::model::media::Ask;
use crate::model::message::{DeviceAction, DeviceKind};
use crate::model::{By, Code, DeviceSwitch, Media, Refusal};

/// How long a device may take to open before the command that asked for it fails; media give up sooner.
const OPEN: Duration = Duration::from_secs(8);

/// The timer of an opening device.
pub(super) fn timer(device: DeviceKind) -> Timer {
    match device {
        DeviceKind::Camera => Timer::Camera,
        DeviceKind::Microphone => Timer::Microphone,
    }
}

/// What a device is called in sentences.
fn name(device: DeviceKind) -> &'static str {
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

fn lost(device: DeviceKind, id: String, why: String) -> Event {
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

impl Guest {
    pub(super) fn open(&mut self, now: Instant, device: DeviceKind) -> Settled {
        let Some(stay) = &mut self.stay else {
            let why = format!("the {} is opened on a seat only", name(device));
            return Err(Refusal::new(Code::UserNotInSeat, why));
        };
        if device == DeviceKind::Camera && stay.media == Media::Audio {
            return Err(Refusal::new(Code::PermissionDenied, "an audio seat has no camera"));
        }
        let the_device = stay.device_mut(device);
        match (the_device.switch, the_device.health) {
            (DeviceSwitch::ClosedByAdmin, _) => return Err(closed_by_admin(device)),
            (DeviceSwitch::On, Health::Delivers) => return DONE,
            (DeviceSwitch::On, Health::Lost) => return Err(self.why_lost(device)),
            (DeviceSwitch::On, Health::Unknown) | (DeviceSwitch::Off, _) => {}
        }
        let ticket = self.effects.ticket();
        the_device.wait(ticket);
        self.effects.set_timer(now + OPEN, timer(device));
        self.device.stays_closed.remove(&device);
        self.turn(now, device, DeviceSwitch::On);
        Ok(Answer::Pending(ticket))
    }

    fn why_lost(&self, device: DeviceKind) -> Refusal {
        let why =
            || Refusal::new(device.start_fail(), format!("the {} is lost; it is looked for", name(device)));
        self.effects.last_error_of(ErrorSource::Device(device)).cloned().unwrap_or_else(why)
    }

    pub(super) fn close(&mut self, now: Instant, device: DeviceKind) -> Settled {
        match self.stay.as_mut().map(|stay| stay.device_mut(device).switch) {
            Some(DeviceSwitch::On) => {
                self.turn(now, device, DeviceSwitch::Off);
                let why = format!("the {} was closed again", name(device));
                self.settle_open(device, &Err(Refusal::new(device.start_fail(), why)));
            }
            Some(DeviceSwitch::Off | DeviceSwitch::ClosedByAdmin) => {}
            None => {
                self.device.stays_closed.insert(device);
            }
        }
        DONE
    }

    /// What a device of a seat that is taken does: what the host bans or somebody here closed before stays closed.
    pub(super) fn allowed(&self, device: DeviceKind, switch: DeviceSwitch) -> DeviceSwitch {
        match switch {
            _ if self.is_banned(device) => DeviceSwitch::ClosedByAdmin,
            DeviceSwitch::On if self.device.stays_closed.contains(&device) => DeviceSwitch::Off,
            DeviceSwitch::On | DeviceSwitch::Off | DeviceSwitch::ClosedByAdmin => switch,
        }
    }

    /// Whether the host keeps it closed in this room.
    pub(super) fn is_banned(&self, device: DeviceKind) -> bool {
        self.room.as_ref().is_some_and(|room| room.banned.contains(&device))
    }

    /// Changes a switch: media first, then the host.
    fn turn(&mut self, now: Instant, device: DeviceKind, to: DeviceSwitch) {
        let Some(stay) = &mut self.stay else { return };
        if !stay.device_mut(device).turn(to) {
            return;
        }
        let (epoch, plan) = (stay.epoch, stay.plan());
        self.effects.ask(Ask::Plan { epoch, plan });
        self.effects.clear_error(ErrorSource::Device(device));
        self.tell_devices(now);
    }

    /// The host closes a device and keeps it closed as long as this guest is inside, or lets it be opened again (rule 12).
    pub(super) fn device_control(&mut self, now: Instant, device: DeviceKind, action: DeviceAction, by: By) {
        let Some(room) = &mut self.room else { return };
        let is = self.stay.as_mut().map(|stay| stay.device_mut(device).switch);
        match action {
            DeviceAction::Close => {
                if !room.banned.insert(device) && is.is_none_or(|is| is == DeviceSwitch::ClosedByAdmin) {
                    return;
                }
                self.turn(now, device, DeviceSwitch::ClosedByAdmin);
                self.settle_open(device, &Err(closed_by_admin(device)));
                self.effects.say(Event::ClosedByAdmin { device, by });
            }
            DeviceAction::Unlock => {
                if !room.banned.remove(&device) && is != Some(DeviceSwitch::ClosedByAdmin) {
                    return;
                }
                // It stays closed until somebody here opens it.
                self.device.stays_closed.insert(device);
                self.turn(now, device, DeviceSwitch::Off);
                self.effects.say(Event::UnlockedByAdmin { device, by });
            }
        }
    }

    /// What the host says of bans in its answer to `join`: whoever was just started learns them so, and what was lifted meanwhile.
    pub(super) fn sync_bans(&mut self, now: Instant, banned: &[DeviceKind]) {
        for device in [DeviceKind::Camera, DeviceKind::Microphone] {
            let switch =
                if banned.contains(&device) { DeviceSwitch::ClosedByAdmin } else { DeviceSwitch::Off };
            self.sync_ban(now, device, switch);
        }
    }

    /// What the host knows of a ban after the two were apart.
    pub(super) fn sync_ban(&mut self, now: Instant, device: DeviceKind, host: DeviceSwitch) {
        let Some(by) = self.room.as_ref().and_then(|room| room.host.clone()).map(By::from) else { return };
        let action = match host {
            DeviceSwitch::ClosedByAdmin => DeviceAction::Close,
            DeviceSwitch::On | DeviceSwitch::Off => DeviceAction::Unlock,
        };
        self.device_control(now, device, action, by);
    }

    /// A device delivers.
    pub(super) fn delivers(&mut self, epoch: u64, device: DeviceKind, id: String) {
        let Some(stay) = self.stay.as_mut().filter(|stay| stay.epoch == epoch) else { return };
        let the_device = stay.device_mut(device);
        if !the_device.is_wanted() {
            return;
        }
        let before = std::mem::replace(&mut the_device.health, Health::Delivers);
        stay.delivered = Delivered::Once;
        match device {
            DeviceKind::Camera => self.device.camera.clone_from(&id),
            DeviceKind::Microphone => self.device.microphone.clone_from(&id),
        }
        self.effects.clear_error(ErrorSource::Device(device));
        if before == Health::Lost {
            self.effects.say(back(device, id));
        }
        self.settle_open(device, &DONE);
    }

    /// A device is gone, or could not be opened: slate or silence goes on in its place.
    pub(super) fn loses(&mut self, now: Instant, epoch: u64, device: DeviceKind, error: Refusal) {
        let Some(stay) = self.stay.as_mut().filter(|stay| stay.epoch == epoch) else { return };
        let the_device = stay.device_mut(device);
        if !the_device.is_wanted() {
            return;
        }
        let before = std::mem::replace(&mut the_device.health, Health::Lost);
        let asked = the_device.take_waiting();
        let was_open = asked.is_empty() || the_device.before == DeviceSwitch::On;
        self.effects.cancel_timer(&timer(device));
        self.effects.note_error(ErrorSource::Device(device), error.clone());
        if before != Health::Lost && was_open {
            let id = match device {
                DeviceKind::Camera => self.device.camera.clone(),
                DeviceKind::Microphone => self.device.microphone.clone(),
            };
            self.effects.say(lost(device, id, error.message.clone()));
        }
        for ticket in asked {
            self.effects.settle(ticket, Err(error.clone()));
        }
        if !was_open {
            // A request that fails changes nothing: it is closed again.
            self.turn(now, device, DeviceSwitch::Off);
            self.effects.note_error(ErrorSource::Device(device), error);
        } else if self.stay.as_ref().is_some_and(super::stay::Stay::cannot_capture) {
            self.fail_media(now, &format!("neither camera nor microphone works: {}", error.message));
        }
    }

    /// Media never said whether the device opened.
    pub(super) fn open_in_vain(&mut self, now: Instant, device: DeviceKind) {
        let Some(epoch) = self.stay.as_ref().map(|stay| stay.epoch) else { return };
        let why = format!("the {} gave nothing within 8 s", name(device));
        self.loses(now, epoch, device, Refusal::new(device.start_fail(), why));
    }

    /// The code for a device that delivered and is gone.
    pub(super) fn gone(device: DeviceKind, why: String) -> Refusal {
        Refusal::new(device.start_fail(), why)
    }
}
