//! Viewers: whoever sees and hears one seat through the host.

use serde::{Deserialize, Serialize};

use super::media::{SdpKind, SessionDescription};
use super::message::Token;
use super::{Operator, SessionId, UserId};

/// What `watch` gives.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchOffer {
    /// The host's own offer, whole: its candidates stand in it.
    Mqtt {
        /// The session it begins.
        session: SessionId,
        /// Its SDP as text.
        sdp: String,
    },
    /// Where a server plays the seat (WHEP). The host keeps nothing of such a session.
    Whep {
        /// A name for it.
        session: SessionId,
        /// The WHEP endpoint to ask.
        playback_url: String,
        /// The bearer token for it.
        token: Option<Token>,
    },
}

/// Parameters of `watch_answer`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchAnswer {
    /// Which session it concerns.
    pub session: SessionId,
    /// The answer to its offer.
    pub description: AnswerDescription,
}

/// A description that is an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "SessionDescription")]
pub struct AnswerDescription {
    /// Its SDP as text.
    pub sdp: String,
}

impl TryFrom<SessionDescription> for AnswerDescription {
    type Error = &'static str;
    fn try_from(description: SessionDescription) -> Result<Self, &'static str> {
        match description.kind {
            SdpKind::Answer => Ok(Self { sdp: description.sdp }),
            SdpKind::Offer => Err("type must be answer: the offer is the host's"),
        }
    }
}

/// Parameters of `talk`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TalkWish {
    /// Which session it concerns.
    pub session: SessionId,
    /// Whether its sound is to be heard.
    pub talk: Talk,
}

/// Parameters of `unwatch`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unwatch {
    /// Which session it concerns.
    pub session: SessionId,
}

/// Whether the sound that a viewer sends is heard by the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Talk {
    /// It is dropped.
    #[default]
    Off,
    /// It is mixed into that guest's return.
    On,
}

impl From<bool> for Talk {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

impl From<Talk> for bool {
    fn from(talk: Talk) -> Self {
        talk == Talk::On
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchEnd {
    /// By the command `unwatch`.
    Unwatched,
    /// The viewer did not answer in ten seconds.
    NoAnswer,
    /// Nothing was heard of the viewer for ten seconds, or its connection broke.
    Lost,
    /// The guest left the seat.
    Unseated,
    /// The guest makes another peer connection: watch again.
    Renewed,
    /// The live is over.
    LiveEnded,
}

/// One session, in the host's snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watching {
    /// Who is watched.
    pub user_id: UserId,
    /// Who watches, where `watch` said so.
    pub operator: Option<Operator>,
    /// Whether the viewer talks to that guest.
    pub talking: Talk,
}
