//! Whether the far side of a peer connection is heard, and can be.

use std::time::Instant;

/// What is known of the path to the far side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// RTP or RTCP comes now and then, and often enough.
    Flowing,
    /// Nothing comes.
    Silent {
        /// When something was heard last, or should have been where it reports seldom.
        since: Instant,
    },
    /// The own address of the connection is gone, or packets would leave from another one: this connection never speaks again.
    Moved,
    /// This machine has no way to the far side.
    Unreachable,
}
