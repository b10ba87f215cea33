//! What a guest asks of the server that takes its media in place of a peer on the room plane (WHIP, RFC 9725). The server's
//! answer comes back as [`super::media::Report::Answer`], its refusal as [`super::media::Report::PeerFailed`].

use super::media::{IceCandidate, Session};
use super::message::Token;

/// A WHIP endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `https://…`.
    pub url: String,
    /// Shown to it as a bearer.
    pub token: Option<Token>,
}

/// What is asked of a server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerAsk {
    /// Take this peer connection.
    Publish {
        /// Which.
        session: Session,
        /// By whom.
        endpoint: Endpoint,
        /// The offer, without candidates.
        sdp: String,
    },
    /// A candidate of the offer; `None` for the end of candidates.
    Candidate {
        /// Of which peer connection.
        session: Session,
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// The peer connection is over.
    End {
        /// Which.
        session: Session,
    },
}
