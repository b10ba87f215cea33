//! Whether the far side of a peer connection is heard.

use std::time::Instant;

/// What is heard of the far side: RTP and RTCP that it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Something now and then, and often enough.
    Flowing,
    /// Nothing.
    Silent {
        /// When something was heard last, or should have been where it reports seldom.
        since: Instant,
    },
}
