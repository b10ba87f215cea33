//! One packet that was sent, as transport-wide feedback tells of it (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::time::Duration;

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// Sound or pictures, for the first time.
    Media,
    /// What was lost, once more (RFC 4588).
    Again,
}

/// A packet and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedPacket {
    /// When it was sent, by the clock of this end.
    pub sent: Duration,
    /// When it arrived, by the clock of the other end, which has another zero; `None`: it is lost.
    pub arrived: Option<Duration>,
    /// In bytes, with every header.
    pub size: u32,
    /// For the first time, or once more.
    pub kind: PacketKind,
}
