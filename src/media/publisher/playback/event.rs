//! What happens to a speaker outside the loop's thread.

use super::speaker::Playback;
use crate::model::volume::{Loudness, Taken};

/// Something that happened to the speaker of a peer.
#[derive(Debug)]
pub enum Event {
    /// The speaker was opened, or why not.
    Opened(Result<Playback, String>),
    /// The result of applying a volume at its card.
    VolumeApplied { wanted: Loudness, by: Taken },
    /// It reported an error on the pipeline's bus.
    Failed(String),
}
