//! What is sent: the camera and the microphone, and slate and silence while they do not deliver.

use std::sync::Arc;
use std::time::Instant;

use super::capture::{CaptureDevice, CaptureRequest, Event};
use super::send_meter::SendMeter;
use super::settings::Settings;
use super::stay::ActiveStay;
use crate::media::bridge::Fallback;
use crate::media::core::caps::{picture_caps, sound_caps};
use crate::media::core::event_sender::EventSender;
use crate::media::layers::Layers;
use crate::model::media::{Quality, Report};
use crate::model::message::DeviceKind;

/// Both devices, and what stands in for them.
pub struct Inputs {
    pub camera: CaptureDevice,
    pub microphone: CaptureDevice,
    fallback: Fallback,
}

/// Whether the slate is the next picture after others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlateChange {
    Appears,
    AsBefore,
}

impl Inputs {
    /// Both closed; `events` makes the sender of each.
    pub fn new(
        settings: &Settings,
        meter: &Arc<SendMeter>,
        events: impl Fn(DeviceKind) -> EventSender<Event>,
    ) -> std::io::Result<Self> {
        let device = |kind, choice: &str, caps| {
            let request = CaptureRequest {
                choice: choice.to_owned(),
                quality: settings.quality,
                caps,
                mirror: settings.mirror,
                drawing: settings.drawing(),
                volume: settings.capture_volume,
            };
            CaptureDevice::new(kind, settings, request, Arc::clone(meter), events(kind))
        };
        let camera = device(DeviceKind::Camera, &settings.camera, picture_caps(settings.quality))?;
        let microphone = device(DeviceKind::Microphone, &settings.microphone, sound_caps())?;
        microphone.read_card_volume();
        Ok(Self { camera, microphone, fallback: Fallback::new(settings.quality) })
    }

    pub fn device(&mut self, kind: DeviceKind) -> &mut CaptureDevice {
        match kind {
            DeviceKind::Camera => &mut self.camera,
            DeviceKind::Microphone => &mut self.microphone,
        }
    }

    /// Opens and closes them as the plan of this stay says.
    pub fn follow(&mut self, now: Instant, stay: Option<&ActiveStay>, meter: &SendMeter) {
        for kind in [DeviceKind::Camera, DeviceKind::Microphone] {
            let wanted = stay.and_then(|stay| stay.wants(kind));
            self.device(kind).want(now, wanted);
            if (kind, wanted) == (DeviceKind::Microphone, None) {
                meter.silence();
            }
        }
    }

    /// Looks after both; what is to be reported.
    pub fn tick(&mut self, now: Instant) -> [Option<Report>; 2] {
        [self.camera.tick(now), self.microphone.tick(now)]
    }

    /// Whether no device is open.
    pub fn are_closed(&self) -> bool {
        self.camera.is_closed() && self.microphone.is_closed()
    }

    /// The size of the slate.
    pub fn set_size(&mut self, size: Quality) {
        self.fallback = Fallback::new(size);
    }

    /// Shows these layers.
    pub fn show(&mut self, layers: Layers) {
        self.fallback.show(layers.slate);
        self.camera.bridge().cover(layers.label.map(Arc::new));
    }

    /// Whether slate and silence of this stay would be a change; asked before [`Inputs::fill`].
    pub fn slate(&self, stay: Option<&ActiveStay>) -> SlateChange {
        let shown = stay.is_some_and(ActiveStay::is_seen) && !self.camera.delivers();
        if shown && self.fallback.appears() { SlateChange::Appears } else { SlateChange::AsBefore }
    }

    /// Sends slate and silence where no device delivers; without a stay, nothing.
    pub fn fill(&mut self, now: Instant, stay: Option<&ActiveStay>) {
        if stay.is_some_and(ActiveStay::is_seen) && !self.camera.delivers() {
            self.fallback.picture(now, self.camera.bridge());
        } else {
            self.fallback.put_away();
        }
        if stay.is_some() && !self.microphone.delivers() {
            self.fallback.silence(now, self.microphone.bridge());
        } else {
            self.fallback.rest();
        }
    }

    /// Everything is closed, and the threads of both have ended.
    pub fn finish(self) {
        self.camera.finish();
        self.microphone.finish();
    }
}
