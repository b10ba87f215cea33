//! Why a peer connection is made anew.

use serde::{Deserialize, Serialize};

/// The kind of trouble that a `media_recovering` is about; beside it stands the sentence for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nothing is heard of the far side any more: no RTP, no RTCP.
    PathSilent,
    /// The own address, or the way to the far side, is another one.
    NetworkChanged,
    /// There is no network, or nobody can be signalled to.
    NetworkDown,
    /// The stage ended the connection, was started again, or does not answer.
    StageGone,
    /// The server that takes the media refuses, fails, or does not answer.
    Server,
    /// Offer, answer, encoder or transport failed.
    Media,
    /// The far side is not who its description says: final.
    Trust,
}
