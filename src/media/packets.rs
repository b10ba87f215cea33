//! Packets of a stream, as webrtcbin counts them.

use gstreamer as gst;

/// Packets of one stream, counted since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Packets {
    /// That came.
    pub received: u64,
    /// That did not; below nothing when some came twice.
    pub lost: i64,
}

impl Packets {
    /// Out of an entry of webrtcbin's statistics, for a stream that is received. What it says itself of losses is what one jitter
    /// buffer says, for every stream of a transport the same one; the source of the stream counts what came by its numbers (RFC 3550).
    pub fn read(inbound: &gst::StructureRef) -> Self {
        let source = inbound.get::<gst::Structure>("gst-rtpsource-stats").ok();
        let lost = source.and_then(|source| source.get::<i32>("packets-lost").ok()).map(i64::from);
        let lost = lost.or_else(|| inbound.get::<i64>("packets-lost").ok());
        Self { received: inbound.get::<u64>("packets-received").unwrap_or(0), lost: lost.unwrap_or(0) }
    }

    /// The share that was lost of what was sent since then; `None` if nothing was.
    pub fn loss_since(self, then: Self) -> Option<f64> {
        let lost = u64::try_from(self.lost.saturating_sub(then.lost)).unwrap_or(0);
        let all = lost + self.received.saturating_sub(then.received);
        (all > 0).then(|| (lost as f64 / all as f64 * 1e4).round() / 1e4)
    }
}

impl std::ops::Add for Packets {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            received: self.received.saturating_add(other.received),
            lost: self.lost.saturating_add(other.lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_twice_or_not_at_all() {
        let then = Packets { received: 100, lost: -1 };
        let at = |received, lost| Packets { received, lost }.loss_since(then);
        assert_eq!(
            (at(190, 9), at(110, -11), at(100, 0), at(100, -1)),
            (Some(0.1), Some(0.0), Some(1.0), None)
        );
    }
}
