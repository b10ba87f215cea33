//! What the callbacks of a peer report.

use gstreamer_webrtc as gst_webrtc;

use crate::media::core::event_sender::EventSender;
use crate::media::encoder;
use crate::media::publisher::playback;
use crate::media::publisher::send_meter::TransportStats;
use crate::media::signals::Signal;
use crate::model::media::Fault;

/// Something that happened to a peer.
#[derive(Debug)]
pub enum Event {
    /// webrtcbin made the offer, or why not.
    Offer(Result<Box<gst_webrtc::WebRTCSessionDescription>, String>),
    /// webrtcbin took the answer, or why not.
    Answered(Result<(), String>),
    /// webrtcbin reports something of itself.
    Signal(Signal),
    /// The first RTP packet was handed to the network.
    FirstPacket,
    /// The latency of its elements has changed.
    Latency,
    /// The transport's statistics.
    Stats(TransportStats),
    Broken(Fault),
}

/// Where the messages of a peer's pipeline go: to whose elements they are about.
#[derive(Debug, Clone)]
pub struct PeerSenders {
    pub peer: EventSender<Event>,
    pub playback: EventSender<playback::Event>,
    pub encoder: EventSender<encoder::Event>,
}
