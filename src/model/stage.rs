//! What the host's decisions and its stage (the receiving media) say to each other.

use std::time::Instant;

use serde::Serialize;

use super::media::{Fault, IceCandidate, Picture, Ticket};
use super::sound::{Audible, Return};
use super::viewer::Talk;
use super::{Media, Refusal, UserId};

/// Names one peer connection of one guest; `peer` is unique in this process, so that late things are known as late.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StagePeer {
    /// Whose media.
    pub guest: UserId,
    /// Which peer connection.
    pub peer: u64,
}

/// What the host asks of its stage. Nothing here waits.
#[derive(Debug, Clone, PartialEq)]
pub enum StageAsk {
    /// Take this offer; answered by [`StageReport::Answer`] or [`StageReport::Failed`]. Exchange 1 of a new peer makes it, and ends
    /// any older peer of the same guest; a later exchange is an ICE restart of the same peer.
    Offer {
        /// The peer.
        peer: StagePeer,
        /// The exchange.
        exchange: u32,
        /// The kind of seat.
        media: Media,
        /// The SDP.
        sdp: String,
    },
    /// A candidate of the guest; `None` for the end of candidates.
    Candidate {
        /// The peer.
        peer: StagePeer,
        /// The exchange.
        exchange: u32,
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// Who may hear this peer and what it hears, from now on; until then nobody and nothing. Renegotiates nothing.
    Sound {
        /// The peer.
        peer: StagePeer,
        /// Whether others may hear it.
        audible: Audible,
        /// What it hears.
        returned: Return,
    },
    /// End this peer, and its viewers.
    Close {
        /// The peer.
        peer: StagePeer,
    },
    /// A JPEG of the last decoded picture of this peer.
    Snapshot {
        /// The peer.
        peer: StagePeer,
        /// Which question.
        ticket: Ticket,
    },
    /// For one viewer.
    Viewer {
        /// Its number, unique in this process and no peer's.
        viewer: u64,
        /// What is asked.
        ask: ViewerAsk,
    },
}

/// What the stage reports to the host.
#[derive(Debug, Clone, PartialEq)]
pub enum StageReport {
    /// The answer to an offer.
    Answer {
        /// The peer.
        peer: StagePeer,
        /// The exchange.
        exchange: u32,
        /// The SDP.
        sdp: String,
    },
    /// A local candidate; `None` for the end of candidates.
    Candidate {
        /// The peer.
        peer: StagePeer,
        /// The exchange.
        exchange: u32,
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// The first picture (of an audio seat: the first sound) was decoded, or again after silence.
    Live {
        /// The peer.
        peer: StagePeer,
    },
    /// No packet for 3 s.
    Silent {
        /// The peer.
        peer: StagePeer,
    },
    /// The peer failed and is closed.
    Failed {
        /// The peer.
        peer: StagePeer,
        /// What broke.
        fault: Fault,
    },
    /// Louder, or not louder any more, than −45 dBFS: all who are, when the set changes.
    Speaking(Vec<UserId>),
    /// Statistics of all peers, every `stats_interval` while there are any.
    Stats(Vec<(StagePeer, SeatStats)>),
    /// The answer to [`StageAsk::Snapshot`].
    Snapshot {
        /// Which question.
        ticket: Ticket,
        /// The picture, or why there is none.
        picture: Result<Picture, Refusal>,
    },
    /// About one viewer.
    Viewer {
        /// Its number at the stage.
        viewer: u64,
        /// What is reported.
        report: ViewerReport,
    },
}

/// What the host asks of its stage for a viewer.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewerAsk {
    /// Forward what this peer sends; answered by [`ViewerReport::Offer`] or [`ViewerReport::Failed`].
    Open {
        /// Whose media it sees.
        peer: StagePeer,
    },
    /// The viewer's answer; answered by [`ViewerReport::Answered`].
    Answer {
        /// Its SDP as text.
        sdp: String,
    },
    /// Whether the guest hears the viewer.
    Talk(Talk),
    /// End the session.
    Close,
}

/// What the stage reports of a viewer.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewerReport {
    /// The offer, with its candidates.
    Offer {
        /// Its SDP as text.
        sdp: String,
    },
    /// The answer was taken, or why it is none to that offer; another may come then.
    Answered(Result<(), String>),
    /// It is connected, or heard again.
    Heard,
    /// Nothing is heard of it any more.
    Silent {
        /// When something was last.
        since: Instant,
    },
    /// It failed and is closed.
    Failed {
        /// Why it is over.
        fault: Fault,
    },
}

/// What the stage decodes of one seat. A number not known yet is null.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SeatStats {
    /// Round trip to the guest in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Share of the guest's packets lost, 0–1.
    pub loss: Option<f64>,
    /// By how much the guest's packets come more or less late than those before them, in milliseconds.
    pub jitter_ms: Option<f64>,
    /// Times that its pictures stood still since the last statistics; null on an audio seat.
    pub freezes: Option<u64>,
    /// The longest of them, in milliseconds; null where there was none.
    pub longest_freeze_ms: Option<f64>,
    /// Decoded video; null on an audio seat.
    pub video: Option<SeenVideo>,
    /// Decoded audio.
    pub audio: Option<HeardAudio>,
    /// What the guest is sent of the room; null where it takes none.
    #[serde(rename = "return")]
    pub returned: Option<HeardAudio>,
}

/// Decoded video, measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SeenVideo {
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Frames decoded a second over the last interval.
    pub frame_rate: Option<f64>,
    /// Frames decoded since the peer began.
    pub frames: u64,
    /// Kilobits received a second over the last interval.
    pub bitrate_kbps: Option<f64>,
    /// How much of what arrives is decoded: `all`, or `key_frames` when the machine cannot keep up.
    pub decoding: &'static str,
}

/// Audio that is decoded, or sent, measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct HeardAudio {
    /// Kilobits a second over the last interval.
    pub bitrate_kbps: Option<f64>,
    /// RMS in dBFS; null in silence.
    pub level_dbfs: Option<f64>,
}
