//! What happens to a device outside the loop's thread.

use super::source::Source;
use super::stream::StreamEvent;
use crate::model::volume::{Loudness, Taken};
use crate::model::{Refusal, Volume};

/// Something that happened to a device. `generation` numbers its openings: what belongs to an older one is dropped.
#[derive(Debug)]
pub enum Event {
    /// The result of opening a device. `candidates` is how many ways there were to open it.
    Opened {
        generation: u64,
        candidates: usize,
        outcome: Result<Box<Source>, Refusal>,
    },
    Closed,
    /// The result of applying a volume at the card.
    VolumeApplied {
        generation: u64,
        wanted: Loudness,
        by: Taken,
    },
    /// The volume at the card of a microphone that is not open.
    CardVolume(Volume),
    /// Something about the stream of an open device.
    Stream {
        generation: u64,
        event: StreamEvent,
    },
}
