//! Whether a stay that is on air really sends, judged from one sign of life to the next.
//!
//! Invariant: only a peer that has sent before owes anything: while one is being set up, recovers or is gone, deadlines of the
//! guest watch over it. A video seat owes pictures (camera or slate), every seat packets that reach the transport.

use crate::model::Media;

/// What the present peer has sent so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// Which peer connection.
    pub(super) peer: u64,
    pub(super) media: Media,
    pub(super) frames: u64,
    pub(super) packets: u64,
}

/// What one sign of life finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// It goes on, or owes nothing.
    Goes,
    /// Nothing has left since the last time.
    Stands(&'static str),
}

/// Remembers the last time.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    last: Option<Sent>,
}

impl Pulse {
    /// Compares with the last time.
    pub(super) fn feel(&mut self, now: Option<Sent>) -> Finding {
        let last = std::mem::replace(&mut self.last, now);
        match (last, now) {
            (Some(last), Some(now)) if last.peer == now.peer && last.packets > 0 => stands(last, now),
            (Some(_) | None, Some(_) | None) => Finding::Goes,
        }
    }
}

fn stands(last: Sent, now: Sent) -> Finding {
    match now.media {
        _ if now.packets == last.packets => Finding::Stands("no packet"),
        Media::Video if now.frames == last.frames => Finding::Stands("no picture"),
        Media::Video | Media::Audio => Finding::Goes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(peer: u64, media: Media, frames: u64, packets: u64) -> Option<Sent> {
        Some(Sent { peer, media, frames, packets })
    }

    fn findings(script: &[Option<Sent>]) -> Vec<Finding> {
        let mut pulse = Pulse::default();
        script.iter().map(|sent| pulse.feel(*sent)).collect()
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
            assert_eq!(findings(&script), [Finding::Goes; 3], "{script:?}");
        }
    }

    #[test]
    fn who_was_on_air_and_stops_sending_stands() {
        use Finding::{Goes, Stands};
        use Media::{Audio, Video};
        let encoder_hangs = [sent(1, Video, 9, 20), sent(1, Video, 9, 30), sent(1, Video, 10, 31)];
        assert_eq!(findings(&encoder_hangs), [Goes, Stands("no picture"), Goes]);
        for media in [Video, Audio] {
            let transport_hangs = [sent(1, media, 9, 20), sent(1, media, 10, 20), sent(1, media, 11, 20)];
            assert_eq!(findings(&transport_hangs), [Goes, Stands("no packet"), Stands("no packet")]);
        }
    }
}
