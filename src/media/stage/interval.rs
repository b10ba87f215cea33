//! What happened from one reading of a meter to the next, as statistics.

use std::time::{Duration, Instant};

use super::governor::Decoding;
use crate::media::packets::Packets;
use crate::model::stage::{HeardAudio, SeatStats, SeenVideo};

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When.
    pub at: Instant,
    /// Bytes of video received.
    pub video_bytes: u64,
    /// Frames decoded.
    pub frames: u64,
    /// Times that the pictures stood still since the last reading.
    pub freezes: u64,
    /// The longest of them.
    pub longest_freeze: Duration,
    /// Width and height of the decoded pictures.
    pub size: Option<(u32, u32)>,
    /// Bytes of audio received.
    pub audio_bytes: u64,
    /// Level now in dBFS.
    pub level: Option<f64>,
    /// Bytes of RTP of the return.
    pub return_bytes: u64,
    /// Level of the return now in dBFS.
    pub return_level: Option<f64>,
    /// What is decoded.
    pub decoding: Decoding,
}

/// What the peer's transport knows, counted since the peer began.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Link {
    /// Round trip in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// By how much packets come more or less late than those before them, in milliseconds (RFC 3550 §6.4.1).
    pub jitter_ms: Option<f64>,
    /// What came of all its streams.
    pub packets: Packets,
}

impl Link {
    /// This, with what it does not know taken from `older`.
    pub fn or(self, older: Self) -> Self {
        Self {
            round_trip_ms: self.round_trip_ms.or(older.round_trip_ms),
            jitter_ms: self.jitter_ms.or(older.jitter_ms),
            ..self
        }
    }
}

/// From one reading to the next.
#[derive(Debug, Clone, Copy)]
pub struct Interval {
    /// Where it begins; `None` for a peer's first.
    pub from: Option<(Reading, Link)>,
    /// Where it ends.
    pub to: (Reading, Link),
}

impl Interval {
    /// The statistics; `video`, `audio` and `returned` say which streams the peer has.
    pub fn stats(&self, video: Stream, audio: Stream, returned: Stream) -> SeatStats {
        let (reading, link) = &self.to;
        SeatStats {
            round_trip_ms: link.round_trip_ms.map(tenths),
            loss: link.packets.loss_since(self.from.map_or(Packets::default(), |(_, from)| from.packets)),
            jitter_ms: link.jitter_ms.map(tenths),
            freezes: video.is_there().then_some(reading.freezes),
            longest_freeze_ms: (video.is_there() && reading.freezes > 0)
                .then(|| tenths(reading.longest_freeze.as_secs_f64() * 1e3)),
            video: video.is_there().then(|| SeenVideo {
                width: reading.size.map(|size| size.0),
                height: reading.size.map(|size| size.1),
                frame_rate: self.rate(|reading| reading.frames).map(tenths),
                frames: reading.frames,
                bitrate_kbps: self.rate(|reading| reading.video_bytes).map(kilobits),
                decoding: reading.decoding.as_str(),
            }),
            audio: audio.is_there().then(|| HeardAudio {
                bitrate_kbps: self.rate(|reading| reading.audio_bytes).map(kilobits),
                level_dbfs: reading.level.map(tenths),
            }),
            returned: returned.is_there().then(|| HeardAudio {
                bitrate_kbps: self.rate(|reading| reading.return_bytes).map(kilobits),
                level_dbfs: reading.return_level.map(tenths),
            }),
        }
    }

    fn rate(&self, count: impl Fn(&Reading) -> u64) -> Option<f64> {
        let (from, _) = self.from.as_ref()?;
        let seconds = self.to.0.at.saturating_duration_since(from.at).as_secs_f64();
        (seconds > 0.0).then(|| count(&self.to.0).saturating_sub(count(from)) as f64 / seconds)
    }
}

/// Whether a peer has a stream of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stream {
    /// It has none.
    #[default]
    Absent,
    /// It has one.
    Present,
}

impl Stream {
    fn is_there(self) -> bool {
        self == Self::Present
    }
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn kilobits(bytes: f64) -> f64 {
    tenths(bytes * 8.0 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::super::meter::Meter;
    use super::*;

    #[test]
    fn an_interval_gives_rates_and_the_share_lost() {
        let began = Instant::now();
        let meter = Meter::new(began);
        meter.resized(1280, 720);
        let from =
            (meter.read(began), Link { packets: Packets { received: 100, lost: -1 }, ..Link::default() });
        for frame in 0..60u64 {
            let late = if frame < 30 { 0 } else { 400 };
            let at = began + Duration::from_millis(frame * 25 + late);
            meter.video_packet(at, 5000);
            meter.decoded(at);
        }
        meter.audio_packet(began, 16_000);
        let now = began + Duration::from_secs(2);
        meter.heard(now, -20.04);
        meter.return_packet(8_000);
        meter.returned(now, -33.33);
        let to = (
            meter.read(now),
            Link {
                round_trip_ms: Some(12.34),
                jitter_ms: Some(3.21),
                packets: Packets { received: 195, lost: 4 },
            },
        );
        let stats =
            Interval { from: Some(from), to }.stats(Stream::Present, Stream::Present, Stream::Present);
        assert_eq!(
            stats,
            SeatStats {
                round_trip_ms: Some(12.3),
                loss: Some(0.05),
                jitter_ms: Some(3.2),
                freezes: Some(1),
                longest_freeze_ms: Some(425.0),
                video: Some(SeenVideo {
                    width: Some(1280),
                    height: Some(720),
                    frame_rate: Some(30.0),
                    frames: 60,
                    bitrate_kbps: Some(1200.0),
                    decoding: "all",
                }),
                audio: Some(HeardAudio { bitrate_kbps: Some(64.0), level_dbfs: Some(-20.0) }),
                returned: Some(HeardAudio { bitrate_kbps: Some(32.0), level_dbfs: Some(-33.3) }),
            }
        );
    }

    #[test]
    fn what_is_not_known_yet_is_null_and_what_is_not_there_absent() {
        let meter = Meter::new(Instant::now());
        let first = Interval { from: None, to: (meter.read(Instant::now()), Link::default()) };
        let stats = first.stats(Stream::Absent, Stream::Present, Stream::Absent);
        assert_eq!(stats.video, None);
        assert_eq!(stats.audio, Some(HeardAudio { bitrate_kbps: None, level_dbfs: None }));
        assert_eq!((stats.loss, stats.round_trip_ms, stats.jitter_ms), (None, None, None));
        assert_eq!((stats.freezes, stats.longest_freeze_ms), (None, None));
    }
}
