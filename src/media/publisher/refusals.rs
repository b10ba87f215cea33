//! What the stage does not take of a call (RFC 8829: a section that is rejected costs itself only).
//!
//! Invariant: a device whose sound or pictures are refused is closed, for as long as the stay.

use std::time::Instant;

use super::Codec;
use super::desk::Desk;
use crate::media::description::Kind;
use crate::model::capture::Drawing;
use crate::model::media::{AudioPlan, Fault, Plan, Report, VideoPlan};
use crate::model::message::DeviceKind;
use crate::model::{Code, Media, Refusal};

impl Desk {
    /// The stage takes the call, but nothing of these kinds. Pictures are offered once more in the other codec, where it can be encoded;
    /// what is left goes on, and the rest is not offered again in this stay.
    pub(super) fn refused(&mut self, now: Instant, kinds: &[Kind]) {
        let Some(codec) = self.peer.as_ref().map(|peer| peer.codec) else { return };
        if kinds.contains(&Kind::Video) {
            self.declined.push(codec);
            let other = codec.other();
            if !self.declined.contains(&other) && !self.settings.profile.encoders(other).is_empty() {
                return self.offer_in(now, other);
            }
        }
        let (Some(peer), Some(stay)) = (&mut self.peer, &mut self.stay) else { return };
        let new = kinds.iter().filter(|kind| self.refused.iter().all(|(known, _)| known != *kind));
        let why = |kind: Kind| match kind {
            Kind::Audio => peer.refusal(&[Kind::Audio]),
            Kind::Video => declined(&self.declined),
        };
        let new: Vec<(Kind, String)> = new.map(|kind| (*kind, why(*kind))).collect();
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

    /// The next peer offers pictures in this codec.
    fn offer_in(&mut self, now: Instant, codec: Codec) {
        let why = declined(&self.declined);
        tracing::warn!("{why}: {} is offered", codec.name());
        self.recovery.encode(&self.settings.profile, codec);
        let drawing = self.drawing();
        self.camera.wish(now, |wish| wish.drawing = drawing);
        if self.settings.profile.importer().is_some_and(|importer| importer.codec() != codec) {
            self.camera.stop_sharing(now);
        }
        self.peer_failed(Fault::new("sdp", Code::InvalidParameter, why));
    }

    /// Whether what the camera encodes may go out as it is; it is H.264.
    pub(super) fn drawing(&self) -> Drawing {
        match self.recovery.codec {
            Codec::H264 => self.settings.drawing(),
            Codec::Vp8 => Drawing::Needed,
        }
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

fn declined(codecs: &[Codec]) -> String {
    let names: Vec<String> = codecs.iter().map(|codec| format!("no {}", codec.name())).collect();
    format!("the stage takes {}", names.join(" and "))
}
