//! What the guest's decisions and its media say to each other.
//!
//! Media is asked for by level: the latest [`Plan`] wins. SDP and ICE are edges, because their order is their meaning.
//! Whatever can be late carries its [`Session`].

mod fault;
mod path;
mod picture;
mod sent;
mod stats;

use serde::{Deserialize, Serialize};

pub use fault::Fault;
pub use path::Path;
pub use picture::Picture;
pub use sent::{PictureChange, SentPicture};
pub use stats::{GuestStats, LimitedBy, SentAudio, SentVideo};

use super::message::DeviceKind;
use super::server::Again;
use super::sound::SpeakerStatus;
use super::{Media, Refusal, User, Volume};

/// An SDP, as W3C `RTCSessionDescriptionInit`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDescription {
    /// Offer or answer.
    #[serde(rename = "type")]
    pub kind: SdpKind,
    /// The text. Never logged above trace.
    pub sdp: String,
}

impl std::fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind, self.sdp.len())
    }
}

/// Offer or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SdpKind {
    /// The guest's.
    Offer,
    /// The stage's.
    Answer,
}

/// A candidate, as W3C `RTCIceCandidateInit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IceCandidate {
    /// `candidate:…`; empty is the end of candidates of one generation.
    pub candidate: String,
    /// Which media section, by name.
    #[serde(default)]
    pub sdp_mid: Option<String>,
    /// Which media section, by index.
    #[serde(default, rename = "sdpMLineIndex")]
    pub sdp_m_line_index: Option<u32>,
    /// Which generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_fragment: Option<String>,
}

/// Names what can be late: one stay, one peer connection within it, one offer/answer round within that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Session {
    /// One stay on a seat; unique in this process.
    pub epoch: u64,
    /// One peer connection; unique in this process.
    pub peer: u64,
    /// One offer/answer round of that peer, from 1.
    pub exchange: u32,
}

/// What is to be sent as video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VideoPlan {
    /// Nothing: no video stream.
    #[default]
    Off,
    /// The slate; the camera is closed.
    Slate,
    /// The camera.
    Camera,
}

/// What is to be sent as audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AudioPlan {
    /// Nothing: no audio stream.
    #[default]
    Off,
    /// Silence; the microphone is closed.
    Silence,
    /// The microphone.
    Microphone,
}

/// What the seat is to send; the default is nothing, every device closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Plan {
    /// Video.
    pub video: VideoPlan,
    /// Audio.
    pub audio: AudioPlan,
}

/// Which ways the sound of a peer connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sound {
    /// To the stage, and the room's back.
    BothWays,
    /// To the stage only: a WHIP server takes and gives nothing (RFC 9725).
    Outgoing,
}

/// Picture size, 16:9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub enum Quality {
    /// 640×360.
    #[serde(rename = "360p")]
    P360,
    /// 960×540.
    #[serde(rename = "540p")]
    P540,
    /// 1280×720.
    #[default]
    #[serde(rename = "720p")]
    P720,
    /// 1920×1080.
    #[serde(rename = "1080p")]
    P1080,
}

impl Quality {
    /// Width and height in pixels.
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::P360 => (640, 360),
            Self::P540 => (960, 540),
            Self::P720 => (1280, 720),
            Self::P1080 => (1920, 1080),
        }
    }

    /// The quality as it travels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P360 => "360p",
            Self::P540 => "540p",
            Self::P720 => "720p",
            Self::P1080 => "1080p",
        }
    }
}

/// Whether the picture is mirrored, left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(from = "bool", into = "bool")]
pub enum Mirror {
    /// As the camera sees it.
    #[default]
    No,
    /// Left and right swapped.
    Yes,
}

impl From<bool> for Mirror {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl From<Mirror> for bool {
    fn from(mirror: Mirror) -> Self {
        mirror == Mirror::Yes
    }
}

/// Names one question that gets one answer.
pub type Ticket = u64;

/// What the guest asks of its media. The last word on each level wins; nothing here waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// A seat is applied for or offered: what a stay needs may be made ready. No device is opened.
    Prepare,
    /// A new peer connection, in place of any before it: capture as the plan says, then [`Report::Offer`].
    Start {
        /// Its first exchange.
        session: Session,
        /// The kind of seat: `Video` has a video section in its offer for the life of the peer, whatever the plan.
        media: Media,
        /// Whether the room's sound comes back over it.
        sound: Sound,
        /// What to send at first.
        plan: Plan,
    },
    /// What to send from now on in this stay. Renegotiates nothing.
    Plan {
        /// The stay.
        epoch: u64,
        /// The wish.
        plan: Plan,
    },
    /// The stage's answer.
    Answer {
        /// To which offer.
        session: Session,
        /// The SDP.
        sdp: String,
    },
    /// A candidate of the stage; `None` for the end of candidates.
    Candidate {
        /// Of which exchange.
        session: Session,
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// The peer connection ends; capture goes on for the next one.
    EndPeer {
        /// Which peer.
        peer: u64,
    },
    /// The stay is over: peer and capture end, every device is closed; then [`Report::Stopped`].
    Stop {
        /// The stay.
        epoch: u64,
    },
    /// Picture size from now on, also of a running stay, without renegotiation.
    Quality(Quality),
    /// Which camera from now on: an id of `list_devices`, as resolved by the caller.
    Camera(String),
    /// Mirror from now on.
    Mirror(Mirror),
    /// Microphone volume.
    CaptureVolume(Volume),
    /// Speaker volume.
    OutputVolume(Volume),
    /// Who is shown in the layers.
    Label(User),
    /// A JPEG of the camera; answered by [`Report::Snapshot`].
    Snapshot {
        /// Which question.
        ticket: Ticket,
    },
}

/// What media reports to the guest.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The offer of an exchange.
    Offer {
        /// Which exchange.
        session: Session,
        /// The SDP.
        sdp: String,
    },
    /// A local candidate; `None` for the end of candidates.
    Candidate {
        /// Of which exchange.
        session: Session,
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// The server's answer to an offer that was published.
    Answer {
        /// To which offer.
        session: Session,
        /// The SDP.
        sdp: String,
    },
    /// ICE and DTLS are up.
    Connected {
        /// Which peer.
        session: Session,
    },
    /// The first RTP packet of this peer left.
    FirstPacket {
        /// Which peer.
        session: Session,
    },
    /// What is heard of the far side of a connected peer; said when it changes.
    Path {
        /// Which peer.
        session: Session,
        /// What it is.
        path: Path,
    },
    /// The peer failed, or never came up.
    PeerFailed {
        /// Which peer.
        session: Session,
        /// What broke.
        fault: Fault,
    },
    /// The server that was asked to take a peer refuses, or was not reached.
    ServerRefused {
        /// Which peer.
        session: Session,
        /// Why.
        refusal: Refusal,
        /// Whether it is asked again.
        again: Again,
    },
    /// The pictures that are sent have another size, or there are more or fewer of them; at most one in five seconds.
    Picture {
        /// Which peer.
        session: Session,
        /// What is sent.
        picture: SentPicture,
        /// How that compares with what was sent before.
        change: PictureChange,
        /// What the path carries, in kilobits a second.
        kbps: u32,
        /// Why it is not more.
        limited_by: LimitedBy,
    },
    /// An encoder failed and another has taken its place; nothing was renegotiated.
    EncoderReplaced {
        /// The stay.
        epoch: u64,
        /// The element that failed.
        from: String,
        /// The one that encodes now.
        to: String,
        /// Why, in words.
        why: String,
    },
    /// No encoder works any more: the seat is to be left, and the program started again.
    MediaFailed {
        /// The stay.
        epoch: u64,
        /// Why, in words.
        why: String,
    },
    /// What the speaker does, whenever that changes; closed before the first.
    Speaker(Session, SpeakerStatus),
    /// The card of the microphone, which is left as it is, stands at this volume.
    CaptureVolume(Volume),
    /// A device delivers: the first buffer arrived.
    DeviceOpened {
        /// The stay.
        epoch: u64,
        /// Which device.
        device: DeviceKind,
        /// Its id.
        id: String,
    },
    /// A device could not be opened.
    DeviceFailed {
        /// The stay.
        epoch: u64,
        /// Which device.
        device: DeviceKind,
        /// The SDK's code (`camera_occupied` …) and the sentence.
        error: Refusal,
    },
    /// A device that delivered is gone; slate or silence is sent in its place, and media looks for it until the plan changes.
    DeviceLost {
        /// The stay.
        epoch: u64,
        /// Which device.
        device: DeviceKind,
        /// Why, in words.
        why: String,
    },
    /// The lost device delivers again.
    DeviceBack {
        /// The stay.
        epoch: u64,
        /// Which device.
        device: DeviceKind,
        /// Its id.
        id: String,
    },
    /// Everything of the stay is closed.
    Stopped {
        /// The stay.
        epoch: u64,
    },
    /// The answer to [`Ask::Snapshot`].
    Snapshot {
        /// Which question.
        ticket: Ticket,
        /// The picture, or why there is none.
        picture: Result<Picture, Refusal>,
    },
    /// Statistics, every `stats_interval` while a peer is connected.
    Stats {
        /// Which peer.
        session: Session,
        /// The numbers.
        stats: GuestStats,
    },
}
