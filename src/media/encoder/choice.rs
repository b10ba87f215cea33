//! Which encoder is the one to make: by codec, by what crosses the bridge, and by what has failed before.

use super::escalation::EncoderEscalation;
use crate::media::bridge::FrameKind;
use crate::media::profile::{EncoderSpec, Profile};
use crate::model::settings::VideoCodec;

/// The encoders of a profile, and the one that is due.
#[derive(Debug)]
pub struct EncoderChoice {
    profile: Profile,
    codec: VideoCodec,
    escalation: EncoderEscalation,
    /// What the present encoder takes, or the last one took.
    kind: FrameKind,
}

impl EncoderChoice {
    pub fn new(profile: &Profile, codec: VideoCodec) -> Self {
        let codec = profile.offered(codec);
        let escalation = escalation(profile, codec);
        Self { profile: profile.clone(), codec, escalation, kind: FrameKind::Raw }
    }

    /// The codec that is to be offered.
    pub fn codec(&self) -> VideoCodec {
        self.codec
    }

    /// This codec is to be offered, or the other where the profile has no encoder for it.
    pub fn set_codec(&mut self, codec: VideoCodec) {
        let codec = self.profile.offered(codec);
        if self.codec != codec {
            self.codec = codec;
            self.escalation = escalation(&self.profile, codec);
        }
    }

    /// What the present encoder takes.
    pub fn kind(&self) -> FrameKind {
        self.kind
    }

    /// The next encoder is to take this.
    pub fn set_kind(&mut self, kind: FrameKind) {
        self.kind = kind;
    }

    /// The encoder that is due: of pixels, the candidate that the escalation stands at.
    pub fn present(&self) -> Option<EncoderSpec> {
        match self.kind {
            FrameKind::Raw => {
                self.profile.encoders(self.codec).get(self.escalation.current()).copied().cloned()
            }
            FrameKind::Shared => self.profile.importer().cloned(),
            FrameKind::Encoded => Some(EncoderSpec::passing()),
        }
    }

    /// Watches it, and says what to do about its failures.
    pub fn escalation(&mut self) -> &mut EncoderEscalation {
        &mut self.escalation
    }
}

fn escalation(profile: &Profile, codec: VideoCodec) -> EncoderEscalation {
    EncoderEscalation::new(profile.encoders(codec).iter().map(|encoder| encoder.hardware()).collect())
}
