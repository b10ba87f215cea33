//! What reaches the stage's thread, and the way to it.

use std::sync::mpsc::SyncSender;

use gstreamer_webrtc as gst_webrtc;

use super::forward::ViewerEvent;
use super::interval::Link;
use crate::media::signals::Signal;
use crate::media::snapshots::SnapshotTaken;
use crate::media::thread::Call;
use crate::model::media::Fault;
use crate::model::stage::StageAsk;

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// The host asks.
    Ask(StageAsk),
    /// There is something to see past the inbox.
    Look,
    /// Something about one peer; dropped when there is no such peer any more.
    Peer {
        /// Its number.
        peer: u64,
        /// What.
        told: Told,
    },
    Snapshot(SnapshotTaken),
    /// Something about one viewer; dropped when there is none any more.
    Viewer(u64, ViewerEvent),
}

impl Call for Event {
    fn look() -> Self {
        Self::Look
    }
}

/// What the callbacks of one peer say.
#[derive(Debug)]
pub enum Told {
    /// webrtcbin took the offer, or not.
    Remote {
        /// Of which exchange.
        exchange: u32,
        /// Or why not.
        outcome: Result<(), String>,
    },
    /// webrtcbin made the answer, or not.
    Answer {
        /// Of which exchange.
        exchange: u32,
        /// The answer, or why there is none.
        outcome: Result<Box<gst_webrtc::WebRTCSessionDescription>, String>,
    },
    /// webrtcbin says something of itself.
    Signal(Signal),
    /// The picture or sound that was waited for was decoded.
    Decoded,
    /// What the transport knows.
    Link(Link),
    /// It is over.
    Broken(Fault),
}

/// How callbacks reach the stage's thread.
#[derive(Debug, Clone)]
pub struct Tell {
    /// The way.
    pub desk: SyncSender<Event>,
    /// On whose behalf.
    pub peer: u64,
}
