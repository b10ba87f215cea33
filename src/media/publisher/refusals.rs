//! What the stage does not take of a call (RFC 8829: a section that is rejected costs itself only).
//!
//! Invariant: a device whose sound or pictures are refused is closed, for as long as the stay.

use std::time::Instant;

use super::desk::Desk;
use crate::media::description::Kind;
use crate::model::media::{AudioPlan, Plan, Report, VideoPlan};
use crate::model::message::DeviceKind;
use crate::model::{Media, Refusal};

impl Desk {
    /// The stage takes the call, but nothing of these kinds: it goes on without them, and they are not offered again in this stay.
    pub(super) fn refused(&mut self, now: Instant, kinds: &[Kind]) {
        let (Some(peer), Some(stay)) = (&mut self.peer, &mut self.stay) else { return };
        let new = kinds.iter().filter(|kind| self.refused.iter().all(|(known, _)| known != *kind));
        let new: Vec<(Kind, String)> = new.map(|kind| (*kind, peer.refusal(&[*kind]))).collect();
        if new.is_empty() {
            return;
        }
        let (epoch, plan) = (stay.epoch, stay.plan);
        if kinds.contains(&Kind::Video) {
            stay.media = Media::Audio;
            self.camera.bridge.lead_to(None);
            self.recovery.rest();
            if let Some(encoding) = peer.give_pictures_up() {
                encoding.stop_beside();
            }
        }
        for (_, why) in &new {
            tracing::warn!("{why}: the call goes on without");
        }
        self.refused.extend(new);
        self.follow_plan(now);
        self.tell_refused(epoch, plan);
    }

    pub(super) fn refuses(&self, kind: Kind) -> bool {
        self.refused.iter().any(|(refused, _)| *refused == kind)
    }

    /// A device that the plan wants open, and whose kind the stage refuses, does not open.
    pub(super) fn tell_refused(&mut self, epoch: u64, plan: Plan) {
        for (kind, why) in &self.refused {
            let (device, wanted) = match kind {
                Kind::Audio => (DeviceKind::Microphone, plan.audio == AudioPlan::Microphone),
                Kind::Video => (DeviceKind::Camera, plan.video == VideoPlan::Camera),
            };
            if wanted {
                let error = Refusal::new(device.start_fail(), why.clone());
                self.outbox.send(Report::DeviceFailed { epoch, device, error });
            }
        }
    }
}
