//! A stay that is being closed, and what is said once media have stopped.

use super::contract::Output;
use crate::model::message::ToHost;
use crate::model::{LiveId, Media};

/// One step of a goodbye.
#[derive(Debug)]
pub(super) enum GoodbyeStep {
    Say(Output),
    /// A request to the host of this room.
    Tell(LiveId, ToHost),
}

/// A stay on a seat whose media are asked to stop.
#[derive(Debug)]
pub(super) struct Farewell {
    epoch: u64,
    seat_index: u32,
    media: Media,
    steps: Vec<GoodbyeStep>,
}

impl Farewell {
    pub(super) fn new(epoch: u64, seat_index: u32, media: Media, steps: Vec<GoodbyeStep>) -> Self {
        Self { epoch, seat_index, media, steps }
    }

    pub(super) fn append(&mut self, mut steps: Vec<GoodbyeStep>) {
        self.steps.append(&mut steps);
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn seat_index(&self) -> u32 {
        self.seat_index
    }

    pub(super) fn media(&self) -> Media {
        self.media
    }

    /// Media have stopped, or took too long.
    pub(super) fn finish(self) -> Vec<GoodbyeStep> {
        self.steps
    }
}
