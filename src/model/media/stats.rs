//! What a seated guest measures of what it sends.

use serde::{Deserialize, Serialize};

/// What a seated guest sends, measured. A number not known yet is null.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct GuestStats {
    /// Round trip to the stage in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Share of packets lost on the way to the stage, 0–1.
    pub loss: Option<f64>,
    /// Share of packets lost on the way from the stage, 0–1.
    #[serde(skip)]
    pub down_loss: Option<f64>,
    /// What is to be sent of everything, in kilobits a second.
    pub target_kbps: Option<f64>,
    /// What was sent of everything over the last interval, in kilobits a second.
    pub sent_kbps: Option<f64>,
    /// What the far side has acknowledged of it; null where it has no transport-wide feedback.
    pub acknowledged_kbps: Option<f64>,
    /// What was sent again, in kilobits a second; null likewise.
    pub retransmitted_kbps: Option<f64>,
    /// The delay in the queues of the path that 95 of 100 packets kept within, in milliseconds; null likewise.
    pub queue_ms: Option<f64>,
    /// Why it is not more; null while that is not known.
    pub limited_by: Option<LimitedBy>,
    /// Sent video; null on an audio seat.
    pub video: Option<SentVideo>,
    /// Sent audio.
    pub audio: Option<SentAudio>,
}

/// What keeps a guest from sending more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// The path to the stage has shown that it carries no more.
    Network,
    /// More is not worth sending for this quality.
    Quality,
}

/// Sent video, measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SentVideo {
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Frames a second over the last interval.
    pub frame_rate: Option<f64>,
    /// Frames encoded since the peer began.
    pub frames: u64,
    /// Kilobits a second over the last interval.
    pub bitrate_kbps: Option<f64>,
}

/// Sent audio, measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SentAudio {
    /// Kilobits a second over the last interval.
    pub bitrate_kbps: Option<f64>,
    /// Microphone level, RMS, in dBFS; null in silence.
    pub level_dbfs: Option<f64>,
}
