//! What one peer's media measures about itself: written by GStreamer's streaming threads and read by the stage's thread. Plain
//! atomic numbers, no lock, no decision.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::freezes::Freezes;
use super::governor::Decoding;
use super::interval::Reading;

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
    /// Packets that arrived, and those whose turn has come.
    packets: AtomicU64,
    packets_taken: AtomicU64,
    freezes: Freezes,
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
            packets: AtomicU64::new(0),
            packets_taken: AtomicU64::new(0),
            freezes: Freezes::default(),
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
        self.packets.fetch_add(1, Relaxed);
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
        // What a full queue has let go is not waited for.
        let all = (moment == self.arrived.load(Relaxed)).then(|| self.packets.load(Relaxed));
        let taken = all.unwrap_or_else(|| self.packets_taken.load(Relaxed) + 1);
        self.packets_taken.store(taken, Relaxed);
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
    pub fn decoded(&self, now: Instant) {
        self.frames.fetch_add(1, Relaxed);
        let at = now.saturating_duration_since(self.began).as_micros();
        self.freezes.decoded(u64::try_from(at).unwrap_or(u64::MAX));
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

    /// How many packets of pictures wait for the decoder.
    pub fn waiting(&self) -> u64 {
        self.packets.load(Relaxed).saturating_sub(self.packets_taken.load(Relaxed))
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

    /// Everything, as of `now`; freezes since the last reading.
    pub fn read(&self, now: Instant) -> Reading {
        let size = self.size.load(Relaxed);
        let (freezes, longest_freeze) = self.freezes.take();
        Reading {
            at: now,
            video_bytes: self.video_bytes.load(Relaxed),
            frames: self.frames.load(Relaxed),
            freezes,
            longest_freeze: Duration::from_micros(longest_freeze),
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(meter.waiting(), 2);
        meter.taken_up(second);
        assert_eq!((behind(), meter.waiting()), (0, 0));
    }

    #[test]
    fn what_a_full_queue_let_go_does_not_wait_for_ever() {
        let began = Instant::now();
        let meter = Meter::new(began);
        let moments: Vec<u64> =
            (1..=10).map(|ms| meter.video_packet(began + Duration::from_millis(ms), 1200)).collect();
        meter.taken_up(moments[0]);
        assert_eq!(meter.waiting(), 9);
        meter.taken_up(moments[9]);
        assert_eq!(meter.waiting(), 0);
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
