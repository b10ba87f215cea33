//! What a viewer is opened for.

use std::sync::Arc;

use super::offer::SentStream;
use super::stream::ForwardedStream;
use crate::media::stage::returns::Ear;

/// What is watched: one peer connection of a guest.
#[derive(Debug)]
pub struct Watched {
    /// Its number in this process.
    pub peer: u64,
    /// What it sends.
    pub streams: Vec<(SentStream, Arc<ForwardedStream>)>,
    /// Where it can be talked to.
    pub ear: Ear,
}

impl Watched {
    /// A peer connection that sends these.
    pub fn new(
        peer: u64,
        ear: Ear,
        streams: impl IntoIterator<Item = (Option<SentStream>, Arc<ForwardedStream>)>,
    ) -> Self {
        let streams = streams.into_iter().filter_map(|(sent, stream)| Some((sent?, stream)));
        Self { peer, streams: streams.collect(), ear }
    }
}
