//! What one peer's media measures about itself, and what that comes to over an interval.
//!
//! A [`Meter`] is written by GStreamer's streaming threads and read by the stage's thread: plain atomic numbers, no lock, no
//! decision. [`Interval`] is pure: two readings in, the statistics of the protocol out.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::governor::Decoding;
use crate::media::packets::Packets;
use crate::model::stage::{HeardAudio, SeatStats, SeenVideo};

/// Quieter than this is digital silence; JSON has no −∞.
const SILENCE_DBFS: f64 = -90.0;
/// A level older than this says nothing about now.
const LEVEL_AGES: Duration = Duration::from_millis(800);

/// The counters of one peer.
#[derive(Debug)]
pub struct Meter {
    began: Instant,
    last_packet: AtomicU64,
    /// Set: the next decoded picture (of an audio seat: sound) is to be announced.
    announce: AtomicBool,
    video_bytes: AtomicU64,
    frames: AtomicU64,
    size: AtomicU64,
    /// When the newest packet arrived, by this machine's clock: what a stream says of time is not believed.
    arrived: AtomicU64,
    /// When the first packet arrived after which some waited ever since.
    waiting_since: AtomicU64,
    /// When the packet arrived whose turn was last.
    taken: AtomicU64,
    key_frames_only: AtomicBool,
    audio_bytes: AtomicU64,
    level: AtomicU64,
    level_at: AtomicU64,
    return_bytes: AtomicU64,
    return_level: AtomicU64,
    return_level_at: AtomicU64,
    /// A key frame is missed.
    key_frame_wanted: AtomicBool,
}

impl Meter {
    /// Counters at zero; the first decoded picture or sound will be announced.
    pub fn new(now: Instant) -> Self {
        Self {
            began: now,
            last_packet: AtomicU64::new(0),
            announce: AtomicBool::new(true),
            video_bytes: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            size: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            waiting_since: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            key_frames_only: AtomicBool::new(false),
            audio_bytes: AtomicU64::new(0),
            level: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            level_at: AtomicU64::new(0),
            return_bytes: AtomicU64::new(0),
            return_level: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            return_level_at: AtomicU64::new(0),
            key_frame_wanted: AtomicBool::new(false),
        }
    }

    /// A video packet of `bytes` arrived. Returns its moment in nanoseconds, which it carries on its way to the decoder.
    pub fn video_packet(&self, now: Instant, bytes: usize) -> u64 {
        self.last_packet.store(self.stamp(now), Relaxed);
        self.video_bytes.fetch_add(bytes as u64, Relaxed);
        let moment =
            u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX).max(1);
        if self.arrived.swap(moment, Relaxed) == self.taken.load(Relaxed) {
            self.waiting_since.store(moment, Relaxed);
        }
        moment
    }

    /// An audio packet of `bytes` arrived.
    pub fn audio_packet(&self, now: Instant, bytes: usize) {
        self.last_packet.store(self.stamp(now), Relaxed);
        self.audio_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// The turn came to the packet of this moment, on its way to the decoder.
    pub fn taken_up(&self, moment: u64) {
        self.taken.store(moment, Relaxed);
    }

    /// Without a key frame the pictures stay broken, or away.
    pub fn want_key_frame(&self) {
        self.key_frame_wanted.store(true, Relaxed);
    }

    /// Whether a key frame is missed.
    pub fn wants_key_frame(&self) -> bool {
        self.key_frame_wanted.load(Relaxed)
    }

    /// A key frame was asked for.
    pub fn asked_for_key_frame(&self) {
        self.key_frame_wanted.store(false, Relaxed);
    }

    /// A frame was decoded.
    pub fn decoded(&self) {
        self.frames.fetch_add(1, Relaxed);
    }

    /// Decoded pictures have this size from now on.
    pub fn resized(&self, width: u32, height: u32) {
        self.size.store(u64::from(width) << 32 | u64::from(height), Relaxed);
    }

    /// The level of decoded sound in dBFS.
    pub fn heard(&self, now: Instant, dbfs: f64) {
        self.level.store(dbfs.to_bits(), Relaxed);
        self.level_at.store(self.stamp(now), Relaxed);
    }

    /// A packet of `bytes` of the return was made.
    pub fn return_packet(&self, bytes: usize) {
        self.return_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// The level of the return in dBFS.
    pub fn returned(&self, now: Instant, dbfs: f64) {
        self.return_level.store(dbfs.to_bits(), Relaxed);
        self.return_level_at.store(self.stamp(now), Relaxed);
    }

    /// Takes the wish to announce what is decoded, if there is one.
    pub fn take_announcement(&self) -> bool {
        self.announce.load(Relaxed) && self.announce.swap(false, Relaxed)
    }

    /// Wishes the next decoded picture or sound announced.
    pub fn announce_next(&self) {
        self.announce.store(true, Relaxed);
    }

    /// What is to be decoded from now on.
    pub fn set_decoding(&self, decoding: Decoding) {
        self.key_frames_only.store(decoding == Decoding::KeyFrames, Relaxed);
    }

    /// What is to be decoded.
    pub fn decoding(&self) -> Decoding {
        if self.key_frames_only.load(Relaxed) { Decoding::KeyFrames } else { Decoding::All }
    }

    /// Since when no packet came; `None` before the first.
    pub fn quiet_for(&self, now: Instant) -> Option<Duration> {
        let last = self.last_packet.load(Relaxed);
        (last > 0).then(|| Duration::from_millis(self.stamp(now).saturating_sub(last)))
    }

    /// How far the decoder is behind what arrived; nothing before the first packet's turn.
    pub fn behind(&self) -> Duration {
        let (taken, arrived) = (self.taken.load(Relaxed), self.arrived.load(Relaxed));
        let since = taken.max(self.waiting_since.load(Relaxed));
        Duration::from_nanos(if taken == 0 { 0 } else { arrived.saturating_sub(since) })
    }

    /// The level of what is heard now, in dBFS; `None` in silence.
    pub fn level(&self, now: Instant) -> Option<f64> {
        self.fresh(now, &self.level, &self.level_at)
    }

    fn fresh(&self, now: Instant, level: &AtomicU64, at: &AtomicU64) -> Option<f64> {
        let at = at.load(Relaxed);
        let age = Duration::from_millis(self.stamp(now).saturating_sub(at));
        let level = f64::from_bits(level.load(Relaxed));
        (at > 0 && age < LEVEL_AGES && level > SILENCE_DBFS).then_some(level)
    }

    /// Everything, as of `now`.
    pub fn read(&self, now: Instant) -> Reading {
        let size = self.size.load(Relaxed);
        Reading {
            at: now,
            video_bytes: self.video_bytes.load(Relaxed),
            frames: self.frames.load(Relaxed),
            size: (size > 0).then_some(((size >> 32) as u32, size as u32)),
            audio_bytes: self.audio_bytes.load(Relaxed),
            level: self.level(now),
            return_bytes: self.return_bytes.load(Relaxed),
            return_level: self.fresh(now, &self.return_level, &self.return_level_at),
            decoding: self.decoding(),
        }
    }

    /// Milliseconds since the beginning, from 1, so that 0 is "never".
    fn stamp(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1)
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When.
    pub at: Instant,
    /// Bytes of video received.
    pub video_bytes: u64,
    /// Frames decoded.
    pub frames: u64,
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
    /// What came of all its streams.
    pub packets: Packets,
}

impl Link {
    /// This, with what it does not know taken from `older`.
    pub fn or(self, older: Self) -> Self {
        Self { round_trip_ms: self.round_trip_ms.or(older.round_trip_ms), ..self }
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
    use super::*;

    #[test]
    fn an_interval_gives_rates_and_the_share_lost() {
        let began = Instant::now();
        let meter = Meter::new(began);
        meter.resized(1280, 720);
        let from =
            (meter.read(began), Link { round_trip_ms: None, packets: Packets { received: 100, lost: -1 } });
        for frame in 0..60u64 {
            meter.video_packet(began + Duration::from_millis(frame * 33), 5000);
            meter.decoded();
        }
        meter.audio_packet(began, 16_000);
        let now = began + Duration::from_secs(2);
        meter.heard(now, -20.04);
        meter.return_packet(8_000);
        meter.returned(now, -33.33);
        let to = (
            meter.read(now),
            Link { round_trip_ms: Some(12.34), packets: Packets { received: 195, lost: 4 } },
        );
        let stats =
            Interval { from: Some(from), to }.stats(Stream::Present, Stream::Present, Stream::Present);
        assert_eq!(
            stats,
            SeatStats {
                round_trip_ms: Some(12.3),
                loss: Some(0.05),
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
        assert_eq!((stats.loss, stats.round_trip_ms), (None, None));
    }

    #[test]
    fn silence_and_old_levels_are_null() {
        let began = Instant::now();
        let meter = Meter::new(began);
        assert_eq!(meter.level(began), None);
        meter.heard(began, -30.0);
        assert_eq!(meter.level(began), Some(-30.0));
        assert_eq!(meter.level(began + Duration::from_secs(2)), None);
        meter.heard(began, f64::NEG_INFINITY);
        assert_eq!(meter.level(began), None);
    }

    #[test]
    fn quiet_counts_from_the_last_packet() {
        let began = Instant::now();
        let meter = Meter::new(began);
        assert_eq!(meter.quiet_for(began + Duration::from_secs(9)), None);
        meter.audio_packet(began + Duration::from_secs(1), 10);
        assert_eq!(meter.quiet_for(began + Duration::from_secs(5)), Some(Duration::from_secs(4)));
    }

    #[test]
    fn a_decoder_is_behind_by_what_waits_for_it() {
        let began = Instant::now();
        let meter = Meter::new(began);
        let arrive = |ms| meter.video_packet(began + Duration::from_millis(ms), 1200);
        let behind = || meter.behind().as_millis();
        let first = arrive(20);
        assert_eq!(behind(), 0, "nothing is known yet");
        meter.taken_up(first);
        arrive(5_020);
        assert_eq!(behind(), 0, "a pause of the sender is no lag");
        let second = arrive(5_420);
        assert_eq!(behind(), 400);
        meter.taken_up(second);
        assert_eq!(behind(), 0);
    }

    #[test]
    fn one_announcement_per_wish() {
        let meter = Meter::new(Instant::now());
        assert!(meter.take_announcement());
        assert!(!meter.take_announcement());
        meter.announce_next();
        assert!(meter.take_announcement());
    }
}
