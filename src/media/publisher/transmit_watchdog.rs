//! Whether a stay that is on air really sends, judged from one sign of life to the next.
//!
//! Invariant: only a peer that has sent before owes anything: while one is being set up, recovers or is gone, deadlines of the
//! guest watch over it. A video seat owes pictures (camera or slate), every seat packets that reach the transport.

use crate::model::Media;

/// What the present peer has sent so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransmitCounts {
    /// Which peer connection.
    pub peer: u64,
    pub media: Media,
    pub frames: u64,
    pub packets: u64,
}

/// What one sign of life finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transmission {
    /// It goes on, or owes nothing.
    Goes,
    /// Nothing has left since the last time.
    Stands(&'static str),
}

/// Remembers the last time.
#[derive(Debug, Default)]
pub struct TransmitWatchdog {
    last: Option<TransmitCounts>,
}

impl TransmitWatchdog {
    /// Compares with the last time.
    pub fn check(&mut self, now: Option<TransmitCounts>) -> Transmission {
        let last = std::mem::replace(&mut self.last, now);
        match (last, now) {
            (Some(last), Some(now)) if last.peer == now.peer && last.packets > 0 => stands(last, now),
            (Some(_) | None, Some(_) | None) => Transmission::Goes,
        }
    }
}

fn stands(last: TransmitCounts, now: TransmitCounts) -> Transmission {
    match now.media {
        _ if now.packets == last.packets => Transmission::Stands("no packet"),
        Media::Video if now.frames == last.frames => Transmission::Stands("no picture"),
        Media::Video | Media::Audio => Transmission::Goes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(peer: u64, media: Media, frames: u64, packets: u64) -> Option<TransmitCounts> {
        Some(TransmitCounts { peer, media, frames, packets })
    }

    fn findings(script: &[Option<TransmitCounts>]) -> Vec<Transmission> {
        let mut pulse = TransmitWatchdog::default();
        script.iter().map(|sent| pulse.check(*sent)).collect()
    }

    #[test]
    fn who_sends_or_owes_nothing_goes() {
        use Media::{Audio, Video};
        for script in [
            [None, None, None],
            [sent(1, Video, 10, 20), sent(1, Video, 11, 21), sent(1, Video, 12, 22)],
            // A seat without video owes no pictures.
            [sent(1, Audio, 0, 20), sent(1, Audio, 0, 21), sent(1, Audio, 0, 22)],
            // Not connected yet: the stay has a deadline of its own.
            [sent(1, Video, 0, 0), sent(1, Video, 5, 0), sent(1, Video, 5, 0)],
            // A new peer counts from the start.
            [sent(1, Video, 9, 9), sent(2, Video, 0, 0), sent(2, Video, 0, 0)],
            [sent(1, Video, 9, 9), None, sent(1, Video, 9, 9)],
        ] {
            assert_eq!(findings(&script), [Transmission::Goes; 3], "{script:?}");
        }
    }

    #[test]
    fn who_was_on_air_and_stops_sending_stands() {
        use Media::{Audio, Video};
        use Transmission::{Goes, Stands};
        let encoder_hangs = [sent(1, Video, 9, 20), sent(1, Video, 9, 30), sent(1, Video, 10, 31)];
        assert_eq!(findings(&encoder_hangs), [Goes, Stands("no picture"), Goes]);
        for media in [Video, Audio] {
            let transport_hangs = [sent(1, media, 9, 20), sent(1, media, 10, 20), sent(1, media, 11, 20)];
            assert_eq!(findings(&transport_hangs), [Goes, Stands("no packet"), Stands("no packet")]);
        }
    }
}
