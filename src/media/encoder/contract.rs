//! What the slot is told, and what follows of that for others.

use super::escalation::{Expected, PictureSource};
use crate::media::bridge::FrameKind;
use crate::media::rate::{PictureRate, RateTarget};
use crate::model::media::Quality;

/// What the slot's decisions depend on beside its own state, at the moment of a call.
#[derive(Debug, Clone, Copy)]
pub struct EncoderConditions {
    /// Whether the camera's pictures cross, or the slate.
    pub source: PictureSource,
    /// The kind of what crosses.
    pub kind: FrameKind,
    /// The size of what crosses.
    pub size: Quality,
    /// What the path carries of it.
    pub rate: RateTarget,
    pub expected: Expected,
    /// Packets that the transport has sent so far.
    pub packets: u64,
}

/// What an encoder is to make of the pictures that it is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderTask {
    /// The size of what it is fed.
    pub fed: Quality,
    /// The size of what it makes.
    pub size: Quality,
    pub pictures: PictureRate,
    /// In bits a second.
    pub bitrate: u32,
}

impl EncoderTask {
    /// Whether it makes smaller or fewer pictures than it could.
    pub fn is_reduced(&self) -> bool {
        self.size < self.fed || self.pictures != PictureRate::Full
    }
}

impl EncoderConditions {
    /// What an encoder is to do under these.
    pub fn task(&self) -> EncoderTask {
        EncoderTask {
            fed: self.size,
            size: self.size.min(self.rate.size),
            pictures: self.rate.pictures,
            bitrate: self.rate.bitrate,
        }
    }
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
