//! Congestion control: how much may be sent, and what is worth sending of it. Pure: told what the far side received and the time,
//! imports no GStreamer.
//!
//! ```text
//! transport-wide feedback ─► QueueWatch, TrafficWindow ─► BandwidthEstimator ─┐
//! receiver reports (RTCP) ─► ReportedLoss ──────────────────────────────────┴─► RateControl ─► PictureLadder ─► RateTarget
//! ```
//! The estimate follows the delay of the packets (a queue that stands is too much), the loss that comes on top of the path's own, and
//! grows while neither shows. Sound and what is sent again are taken off before pictures get anything.
//!
//! Invariant: whatever the feedback claims, the estimate stays between 40 kbit/s and the ceiling, grows by half in a second at most, and each
//! call does bounded work. Not here: encoders, clocks, who is told.

mod control;
mod estimator;
mod ladder;
mod limits;
mod packet;
mod queue;
mod reported;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod traffic;

pub use control::{RateControl, RateReading};
pub use ladder::{PictureRate, RateTarget};
pub use limits::RateLimits;
pub use packet::{PacketKind, ReportedPacket};
