//! What is sent, measured: counters written by streaming threads, and what they come to over an interval.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer_webrtc as gst_webrtc;

use super::selected_pair::SelectedPair;
use crate::media::encoder::EncodedFrames;
use crate::media::packets::Packets;
use crate::model::media::{GuestStats, SentAudio, SentVideo};

/// Quieter than this is digital silence; JSON has no −∞.
const SILENCE_DBFS: f64 = -90.0;

/// The counters.
#[derive(Debug)]
pub struct SendMeter {
    pictures: Arc<EncodedFrames>,
    packets: AtomicU64,
    packet_bytes: AtomicU64,
    audio_bytes: AtomicU64,
    level: AtomicU64,
}

impl SendMeter {
    pub fn new() -> Self {
        Self {
            pictures: Arc::default(),
            packets: AtomicU64::new(0),
            packet_bytes: AtomicU64::new(0),
            audio_bytes: AtomicU64::new(0),
            level: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
        }
    }

    /// What the encoder of pictures counts.
    pub fn pictures(&self) -> &Arc<EncodedFrames> {
        &self.pictures
    }

    /// Packets with so many bytes were handed to the network.
    pub fn packet(&self, bytes: usize) {
        self.packets.fetch_add(1, Relaxed);
        self.packet_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// How often packets were handed to the network.
    pub fn packets(&self) -> u64 {
        self.packets.load(Relaxed)
    }

    /// Sound left the encoder.
    pub fn sound(&self, bytes: usize) {
        self.audio_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// The microphone is so loud, in dBFS.
    pub fn heard(&self, level: f64) {
        self.level.store(level.to_bits(), Relaxed);
    }

    /// The microphone is closed.
    pub fn silence(&self) {
        self.heard(f64::NEG_INFINITY);
    }

    /// A new peer counts its own frames.
    pub fn begin(&self) {
        self.pictures.reset();
        for counter in [&self.packets, &self.packet_bytes, &self.audio_bytes] {
            counter.store(0, Relaxed);
        }
    }

    /// How it stands.
    pub fn read(&self, at: Instant) -> SendReading {
        let (width, height) = self.pictures.size();
        SendReading {
            at,
            frames: self.pictures.frames(),
            video_bytes: self.pictures.bytes(),
            audio_bytes: self.audio_bytes.load(Relaxed),
            packet_bytes: self.packet_bytes.load(Relaxed),
            width,
            height,
            level: f64::from_bits(self.level.load(Relaxed)),
        }
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy)]
pub struct SendReading {
    at: Instant,
    frames: u64,
    video_bytes: u64,
    audio_bytes: u64,
    packet_bytes: u64,
    width: Option<u32>,
    height: Option<u32>,
    level: f64,
}

/// Whether there is a video stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    Sent,
    None,
}

impl SendReading {
    /// The statistics of the time since `from`.
    pub fn since(&self, from: &Self, link: TransportStats, pictures: Pictures) -> GuestStats {
        let seconds = self.at.saturating_duration_since(from.at).as_secs_f64();
        let rate = |to: u64, from: u64| (seconds > 0.0).then(|| to.saturating_sub(from) as f64 / seconds);
        let kbps = |to: u64, from: u64| rate(to, from).map(|bytes| (bytes * 8.0 / 100.0).round() / 10.0);
        let video = SentVideo {
            width: self.width,
            height: self.height,
            frame_rate: rate(self.frames, from.frames).map(|rate| (rate * 10.0).round() / 10.0),
            frames: self.frames,
            bitrate_kbps: kbps(self.video_bytes, from.video_bytes),
        };
        GuestStats {
            round_trip_ms: link.round_trip_ms,
            loss: link.loss,
            down_loss: link.down_loss,
            sent_kbps: kbps(self.packet_bytes, from.packet_bytes),
            video: (pictures == Pictures::Sent).then_some(video),
            audio: Some(SentAudio {
                bitrate_kbps: kbps(self.audio_bytes, from.audio_bytes),
                level_dbfs: (self.level > SILENCE_DBFS).then(|| (self.level * 10.0).round() / 10.0),
            }),
            ..GuestStats::default()
        }
    }
}

/// What the transport knows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TransportStats {
    round_trip_ms: Option<f64>,
    loss: Option<f64>,
    down: Packets,
    down_loss: Option<f64>,
    pair: Option<SelectedPair>,
}

impl TransportStats {
    /// Out of webrtcbin's statistics.
    pub fn read(stats: &gst::StructureRef) -> Self {
        let mut link = Self { pair: SelectedPair::read(stats), ..Self::default() };
        for (_, value) in stats.iter() {
            let Ok(entry) = value.get::<gst::Structure>() else { continue };
            match entry.get::<gst_webrtc::WebRTCStatsType>("type") {
                Ok(gst_webrtc::WebRTCStatsType::RemoteInboundRtp) => {
                    let seconds = entry.get::<f64>("round-trip-time").ok().filter(|seconds| *seconds > 0.0);
                    let trip = seconds.map(|seconds| (seconds * 10_000.0).round() / 10.0);
                    link.round_trip_ms = worse(link.round_trip_ms, trip);
                    let loss =
                        entry.get::<f64>("fraction-lost").ok().filter(|loss| (0.0..=1.0).contains(loss));
                    link.loss = worse(link.loss, loss);
                }
                Ok(gst_webrtc::WebRTCStatsType::InboundRtp) => {
                    link.down = link.down + Packets::read(&entry);
                }
                // The rest says nothing about loss or delay.
                Ok(_) | Err(_) => {}
            }
        }
        link
    }

    /// The candidate pair that carries.
    pub fn pair(&self) -> Option<SelectedPair> {
        self.pair
    }

    /// The share that is lost and the round trip, where the far side reports both.
    pub fn path(&self) -> Option<(f64, Duration)> {
        let round_trip = Duration::try_from_secs_f64(self.round_trip_ms? / 1000.0).ok()?;
        Some((self.loss.unwrap_or_default(), round_trip))
    }

    /// This, after what was known `before`.
    pub fn after(self, before: Self) -> Self {
        Self { down_loss: self.down.loss_since(before.down), ..self }
    }
}

/// The larger of what is known.
fn worse(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_comes_to_rates() {
        let meter = SendMeter::new();
        let start = Instant::now();
        let from = meter.read(start);
        assert_eq!(
            from.since(&from, TransportStats::default(), Pictures::Sent).video.and_then(|v| v.frame_rate),
            None
        );
        meter.pictures().set_size(1280, 720);
        (0..60).for_each(|_| meter.pictures().frame(1250));
        meter.sound(1000);
        meter.heard(-20.04);
        let stats = meter.read(start + Duration::from_secs(2)).since(
            &from,
            TransportStats::default(),
            Pictures::Sent,
        );
        let video = stats.video.expect("video");
        assert_eq!((video.width, video.height, video.frames), (Some(1280), Some(720), 60));
        assert_eq!((video.frame_rate, video.bitrate_kbps), (Some(30.0), Some(300.0)));
        let audio = stats.audio.expect("audio");
        assert_eq!((audio.bitrate_kbps, audio.level_dbfs), (Some(4.0), Some(-20.0)));
        meter.silence();
        let silent = meter.read(start).since(&from, TransportStats::default(), Pictures::None);
        assert_eq!((silent.video, silent.audio.and_then(|audio| audio.level_dbfs)), (None, None));
    }
}
