//! When a guest is asked for a key frame: for the stage's own decoder, and for those who watch.

use std::time::{Duration, Instant};

use super::forward::Forwarder;
use super::governor::Decoding;
use super::peer::Peer;

/// A key frame is asked for at most so often: storms of requests have hung encoders.
const PAUSE: Duration = Duration::from_millis(500);
/// A peer decoded by key frames only gets a new picture so often.
const SLOW: Duration = Duration::from_secs(4);

/// Asks, if one is due.
pub fn ask_where_due(peer: &mut Peer, viewers: &mut Forwarder, now: Instant) {
    let since = peer.key_frame_asked.map(|at| now.saturating_duration_since(at));
    let is_missed = match peer.meter.decoding() {
        Decoding::All => peer.meter.wants_key_frame() && since.is_none_or(|since| since >= PAUSE),
        Decoding::KeyFrames => since.is_none_or(|since| since >= SLOW),
    };
    let is_lacked = viewers.wants_key_frame(now, peer.id.peer, peer.forwarded_pictures());
    if is_lacked {
        tracing::debug!(user_id = %peer.id.guest, "{} is asked for a key frame by who watches", peer.id.guest);
    }
    if is_missed || is_lacked {
        peer.ask_for_key_frame(now);
    }
}
