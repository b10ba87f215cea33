//! What is remembered of the devices between seats: which they are, their volume and quality, and what stays closed.
//!
//! Invariant: a device that the host closed stays closed as long as the guest is inside, and then until it is opened here
//! (`docs/protocol.md`, *Consent*).
//!
//! Not here: the devices of a seat (`capture.rs`).

use std::collections::BTreeSet;

use super::contract::Settings;
use super::effects::Effects;
use crate::model::media::{Ask, Quality};
use crate::model::message::{DeviceAction, DeviceKind};
use crate::model::state::LayersState;
use crate::model::volume::Loudness;
use crate::model::{DeviceSwitch, Volume};

/// What stays over rooms and seats.
#[derive(Debug)]
pub(super) struct DevicePreferences {
    camera: String,
    microphone: String,
    quality: Quality,
    layers: LayersState,
    capture_volume: Loudness,
    /// The volume of the microphone's card, as far as it is known.
    card_volume: Volume,
    /// Closed off the seat, or no longer banned, and not opened since.
    stays_closed: BTreeSet<DeviceKind>,
    /// Closed by the host of the present room.
    banned: BTreeSet<DeviceKind>,
}

impl DevicePreferences {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            camera: settings.camera.clone(),
            microphone: settings.microphone.clone(),
            quality: settings.quality,
            layers: settings.layers,
            capture_volume: settings.capture_volume,
            card_volume: Volume::FULL,
            stays_closed: BTreeSet::new(),
            banned: BTreeSet::new(),
        }
    }

    pub(super) fn layers(&self) -> LayersState {
        self.layers
    }

    pub(super) fn switch_camera(&mut self, camera: String, effects: &mut Effects) {
        self.camera.clone_from(&camera);
        effects.ask(Ask::Camera(camera));
    }

    pub(super) fn set_capture_volume(&mut self, volume: Volume, effects: &mut Effects) {
        self.capture_volume = Loudness::Set(volume);
        effects.ask(Ask::CaptureVolume(volume));
    }

    pub(super) fn set_quality(&mut self, quality: Quality, effects: &mut Effects) {
        self.quality = quality;
        effects.ask(Ask::Quality(quality));
    }

    pub(super) fn set_card_volume(&mut self, volume: Volume) {
        self.card_volume = volume;
    }

    /// A device has opened, and is known by this id.
    pub(super) fn opened(&mut self, device: DeviceKind, id: String) {
        match device {
            DeviceKind::Camera => self.camera = id,
            DeviceKind::Microphone => self.microphone = id,
        }
    }

    /// The id of the device: as configured until one was open.
    pub(super) fn id(&self, device: DeviceKind) -> &str {
        match device {
            DeviceKind::Camera => &self.camera,
            DeviceKind::Microphone => &self.microphone,
        }
    }

    pub(super) fn quality(&self) -> Quality {
        self.quality
    }

    pub(super) fn capture_volume(&self) -> Volume {
        match self.capture_volume {
            Loudness::AsItIs => self.card_volume,
            Loudness::Set(volume) => volume,
        }
    }

    /// Somebody here closes it off the seat, or the host lifts its ban: it stays closed until somebody here opens it.
    pub(super) fn keep_closed(&mut self, device: DeviceKind) {
        self.stays_closed.insert(device);
    }

    pub(super) fn open(&mut self, device: DeviceKind) {
        self.stays_closed.remove(&device);
    }

    /// The host closes a device, or lifts that: what its switch turns to. `None` if that is known already; `switch` is that of
    /// the device on the seat.
    pub(super) fn control(
        &mut self,
        device: DeviceKind,
        action: DeviceAction,
        switch: Option<DeviceSwitch>,
    ) -> Option<DeviceSwitch> {
        let is_closed = switch.map(|switch| switch == DeviceSwitch::ClosedByAdmin);
        match action {
            DeviceAction::Close => {
                let is_new = self.banned.insert(device) || is_closed == Some(false);
                is_new.then_some(DeviceSwitch::ClosedByAdmin)
            }
            DeviceAction::Unlock => {
                let is_new = self.banned.remove(&device) || is_closed == Some(true);
                // It stays closed until somebody here opens it.
                is_new.then(|| self.keep_closed(device)).map(|()| DeviceSwitch::Off)
            }
        }
    }

    /// What a device does on a seat that the host gives with this switch.
    pub(super) fn admit(&mut self, device: DeviceKind, given: DeviceSwitch) -> DeviceSwitch {
        if given == DeviceSwitch::ClosedByAdmin {
            self.banned.insert(device);
        }
        self.allowed(device, given)
    }

    /// The room is left, or its live session has ended: nobody bans.
    pub(super) fn lift_bans(&mut self) {
        self.banned.clear();
    }

    pub(super) fn is_banned(&self, device: DeviceKind) -> bool {
        self.banned.contains(&device)
    }

    /// What a device that `wanted` may do on a seat.
    pub(super) fn allowed(&self, device: DeviceKind, wanted: DeviceSwitch) -> DeviceSwitch {
        match wanted {
            _ if self.is_banned(device) => DeviceSwitch::ClosedByAdmin,
            DeviceSwitch::On if self.stays_closed.contains(&device) => DeviceSwitch::Off,
            DeviceSwitch::On | DeviceSwitch::Off | DeviceSwitch::ClosedByAdmin => wanted,
        }
    }
}
