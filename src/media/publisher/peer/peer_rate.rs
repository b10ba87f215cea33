//! The rate of one peer: what the far side says of its packets, to what the encoder is to do and what is reported of it.
//!
//! Invariant: it looks when the loop does, ten times a second; nothing here touches an element but to listen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::feedback::{self, TransportFeedback};
use crate::media::publisher::send_meter::TransportStats;
use crate::media::rate::{RateControl, RateLimits, RateTarget};
use crate::model::media::{GuestStats, LimitedBy, PictureChange, Quality, Report, SentPicture, Session};

/// Two changes of the picture are no closer together than this.
const PAUSE: Duration = Duration::from_secs(5);

/// What was said last of the picture.
#[derive(Debug, Clone, Copy)]
struct Said {
    picture: SentPicture,
    /// How large the pictures were that were captured.
    captured: Quality,
    at: Instant,
}

/// The rate of one peer.
#[derive(Debug)]
pub struct PeerRate {
    session: Session,
    control: RateControl,
    feedback: Arc<TransportFeedback>,
    said: Option<Said>,
}

impl PeerRate {
    /// Of what this webrtcbin will send.
    pub fn watch(webrtc: &gst::Element, session: Session, limits: RateLimits) -> Self {
        let feedback = Arc::new(TransportFeedback::default());
        feedback.watch(webrtc);
        Self { session, control: RateControl::new(limits), feedback, said: None }
    }

    /// What the encoder is to do.
    pub fn target(&self) -> RateTarget {
        self.control.target()
    }

    /// What the transport reports, once a second.
    pub fn take_transport(&mut self, now: Instant, stats: &TransportStats) {
        if let Some((loss, round_trip)) = stats.path() {
            self.control.report(now, loss, round_trip);
        }
    }

    /// Decides anew for pictures that are captured in this size; what is to be said of it.
    pub fn tick(&mut self, now: Instant, captured: Quality) -> Option<Report> {
        self.control.set_quality(captured);
        let packets = self.feedback.drain();
        if !packets.is_empty() {
            self.control.feedback(now, feedback::clock(), &packets);
        }
        self.control.update(now);
        self.change(now, captured)
    }

    /// These statistics, and what was measured of the path since the last ones.
    pub fn add_to(&mut self, now: Instant, stats: GuestStats) -> GuestStats {
        let reading = self.control.read(now);
        GuestStats {
            target_kbps: Some(reading.target_kbps),
            acknowledged_kbps: reading.acknowledged_kbps,
            retransmitted_kbps: reading.retransmitted_kbps,
            queue_ms: reading.queue_ms,
            limited_by: reading.limited_by,
            ..stats
        }
    }

    fn change(&mut self, now: Instant, captured: Quality) -> Option<Report> {
        let target = self.control.target();
        let (width, height) = target.size.size();
        let picture = SentPicture { width, height, frame_rate: target.pictures.per_second() };
        let change = match self.said {
            Some(said) if said.picture == picture => return None,
            // It is not the path that makes them larger or smaller.
            None => PictureChange::Begun,
            Some(said) if said.captured != captured => PictureChange::Begun,
            Some(said) if now.saturating_duration_since(said.at) < PAUSE => return None,
            Some(said) if picture.is_less_than(&said.picture) => PictureChange::Reduced,
            Some(_) => PictureChange::Restored,
        };
        // The first one is none that anybody waits for: what follows may come at once.
        let at = if change == PictureChange::Begun { now.checked_sub(PAUSE).unwrap_or(now) } else { now };
        self.said = Some(Said { picture, captured, at });
        let limited_by = if self.control.is_reduced() { LimitedBy::Network } else { LimitedBy::Quality };
        let kbps = (self.control.rate() / 1000.0).round() as u32;
        Some(Report::Picture { session: self.session, picture, change, kbps, limited_by })
    }
}
