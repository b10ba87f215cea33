//! What the slot is told, and what follows of that for others.

use super::escalation::{Expected, PictureSource};
use crate::media::bridge::FrameKind;
use crate::model::media::Quality;

/// What the slot's decisions depend on beside its own state, at the moment of a call.
#[derive(Debug, Clone, Copy)]
pub struct EncoderConditions {
    /// Whether the camera's pictures cross, or the slate.
    pub source: PictureSource,
    /// The kind of what crosses.
    pub kind: FrameKind,
    pub size: Quality,
    pub expected: Expected,
    /// Packets that the transport has sent so far.
    pub packets: u64,
}

/// What follows for others.
#[derive(Debug, PartialEq, Eq)]
pub enum EncoderOutcome {
    Nothing,
    /// Pictures are taken from now on.
    Attached(Option<Replacement>),
    ReopenCamera,
    /// What the camera encodes is to be decoded.
    DecodeInstead,
    /// The camera's memory is not to be shared any more.
    StopSharing,
    /// No encoder is left.
    GaveUp {
        why: String,
    },
}

/// Another encoder than the one before, by the names of their elements.
#[derive(Debug, PartialEq, Eq)]
pub struct Replacement {
    pub from: String,
    pub to: String,
    pub why: String,
}
