//! What reaches the publisher's thread, and the way to it.

use std::sync::mpsc::SyncSender;

use gstreamer as gst;
use gstreamer_webrtc as gst_webrtc;

use super::easel::Painted;
use super::encoding::Encoding;
use super::playback::Playback;
use super::source::Source;
use super::stats::Link;
use crate::media::signals::Signal;
use crate::media::thread::Call;
use crate::model::hotplug::Notice;
use crate::model::media::{Ask, Fault, Picture, Ticket};
use crate::model::message::DeviceKind;
use crate::model::volume::{Loudness, Taken};
use crate::model::{Refusal, Volume};

/// One thing that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// The guest asks.
    Ask(Ask),
    /// The node of a device came or went.
    Notice(Notice),
    /// There is something to see past the inbox.
    Look,
    /// A device was opened, or not; so many ways to open it there are.
    Opened { device: DeviceKind, generation: u64, ways: usize, outcome: Result<Box<Source>, Refusal> },
    /// A device was closed.
    Closed { device: DeviceKind },
    /// The mixer of a device was turned to this, or not.
    Turned { device: DeviceKind, generation: u64, wanted: Loudness, taken: Taken },
    /// The card of the microphone, which is not open, stands at this volume.
    Stands { volume: Volume },
    /// Something about an open device.
    Source { device: DeviceKind, generation: u64, told: SourceTold },
    /// Something about a peer; dropped when it is not the present one.
    Peer { peer: u64, told: PeerTold },
    /// An encoder of this number was made for this peer, or not.
    Encoding { peer: u64, number: u64, made: Result<Box<Encoding>, String> },
    /// The encoder of the last call is ready for the next, or gone.
    Cooled(Option<Box<Encoding>>),
    /// The camera's next picture, for who asked for it; `None` when it was closed before.
    Seen { ticket: Ticket, picture: Option<gst::Sample> },
    /// A picture was developed.
    Still { ticket: Ticket, picture: Result<Picture, Refusal> },
    /// The layers were painted.
    Painted(Box<Painted>),
}

impl Call for Event {
    fn look() -> Self {
        Self::Look
    }
}

/// What a device's pipeline says.
#[derive(Debug)]
pub(super) enum SourceTold {
    /// The first picture or sound.
    First,
    /// A file is at its end, or a device gives nothing any more.
    Ended,
    /// A file has nothing of its kind.
    Absent,
    /// It is over.
    Broken(Refusal),
}

/// What a peer's callbacks say.
#[derive(Debug)]
pub(super) enum PeerTold {
    /// webrtcbin made the offer, or not.
    Offer(Result<Box<gst_webrtc::WebRTCSessionDescription>, String>),
    /// webrtcbin took the answer, or not.
    Answered(Result<(), String>),
    /// webrtcbin says something of itself.
    Signal(Signal),
    /// The first packet left.
    FirstPacket,
    /// The speaker was opened, or not.
    Speaker(Result<Playback, String>),
    /// The speaker's mixer was turned to this, or not.
    Turned { wanted: Loudness, taken: Taken },
    /// How long its elements take has changed.
    Latency,
    /// What the transport knows.
    Link(Link),
    /// The encoder of this number is broken.
    EncoderBroke { number: u64, why: String },
    /// The speaker does not work.
    Playback(String),
    /// It is over.
    Broken(Fault),
}

/// How the callbacks of one peer reach the publisher's thread.
#[derive(Debug, Clone)]
pub(super) struct Tell {
    pub(super) desk: SyncSender<Event>,
    pub(super) peer: u64,
}

impl Tell {
    /// Says it, if there is room; a desk that is behind by so much has lost more than this.
    pub(super) fn say(&self, told: PeerTold) {
        self.desk.try_send(Event::Peer { peer: self.peer, told }).unwrap_or_default();
    }
}
