//! What reaches the stage's thread, and the way to it.

use std::sync::mpsc::SyncSender;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer_webrtc as gst_webrtc;

use super::meter::Link;
use crate::media::heart::Beat;
use crate::model::Refusal;
use crate::model::media::{Fault, Picture, Ticket};
use crate::model::stage::StageAsk;

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// The host asks.
    Ask(StageAsk),
    /// The stage is to end.
    Close,
    /// Somebody asks whether the thread is alive.
    Beat(Beat),
    /// Something about one peer; dropped when there is no such peer any more.
    Peer {
        /// Its number.
        peer: u64,
        /// What.
        told: Told,
    },
    /// A picture was developed.
    Still {
        /// Which question.
        ticket: Ticket,
        /// The answer.
        picture: Result<Picture, Refusal>,
    },
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
    /// A local candidate.
    LocalCandidate {
        /// Index of the section.
        line: u32,
        /// `candidate:…`
        text: String,
    },
    /// There will be no more local candidates.
    Gathered,
    /// ICE and DTLS are up.
    Connected,
    /// A stream began.
    Stream {
        /// The pad it comes out of.
        pad: glib::WeakRef<gst::Pad>,
        /// Holds it back.
        block: gst::PadProbeId,
    },
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
