//! Everything that reaches the publisher's loop: the sum of its parts' events. Only the loop knows it.

use super::{capture, peer, playback};
use crate::media::bridge::PictureSeen;
use crate::media::encoder;
use crate::media::layers::renderer::RenderedLayers;
use crate::media::snapshots::SnapshotTaken;
use crate::media::thread::Call;
use crate::model::hotplug::Notice;
use crate::model::media::Ask;
use crate::model::message::DeviceKind;

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// The guest asks.
    Ask(Ask),
    /// The node of a device came or went.
    Notice(Notice),
    /// There is something to see past the inbox.
    Look,
    Capture(DeviceKind, capture::Event),
    /// Of the peer with this number; dropped when it is not the present one.
    Peer(u64, peer::Event),
    /// Of the speaker of the peer with this number.
    Playback(u64, playback::Event),
    Encoder(encoder::Event),
    Layers(Box<RenderedLayers>),
    PictureSeen(PictureSeen),
    Snapshot(SnapshotTaken),
}

impl Call for Event {
    fn look() -> Self {
        Self::Look
    }
}
