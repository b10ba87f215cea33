//! From the RTP time of a packet to the time at which it would have come over a perfect network. Pure.
//!
//! The sender's clock counts from anywhere and runs a little faster or slower than ours. Of what came within a few seconds, the
//! packet that was least late shows where it stands.

use std::time::Duration;

/// The least lateness is looked for in the present and in the last window of this length.
const WINDOW: i64 = 2_000_000_000;
/// A packet that is further from its place is of another beginning, or its stamp lies.
const BELIEVED: i64 = 1_000_000_000;
/// Share of a change that is taken over with each new stamp: half a second for sound.
const FOLLOW: i64 = 32;

/// One stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timeline {
    anchor: Option<Anchor>,
}

/// Times in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    /// The stamp seen last, and its time by the sender's clock.
    stamp: u32,
    sent: i64,
    /// What was given for it.
    given: i64,
    /// By how much our clock is ahead of the sender's, followed slowly.
    offset: i64,
    window: Window,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: i64,
    least: i64,
    least_before: Option<i64>,
}

impl Timeline {
    /// The time of a packet with this stamp, of a clock of `rate` ticks a second, that came at `came`.
    pub fn place(&mut self, came: Duration, stamp: u32, rate: u32) -> Duration {
        // 292 years.
        let now = i64::try_from(came.as_nanos()).unwrap_or(i64::MAX);
        let given = match &mut self.anchor {
            Some(anchor) if anchor.stamp == stamp => anchor.given,
            Some(anchor) => match anchor.follow(now, stamp, rate) {
                Some(given) => given,
                None => self.begin(now, stamp),
            },
            None => self.begin(now, stamp),
        };
        Duration::from_nanos(given.max(0).unsigned_abs())
    }

    fn begin(&mut self, now: i64, stamp: u32) -> i64 {
        let window = Window { since: now, least: now, least_before: None };
        self.anchor = Some(Anchor { stamp, sent: 0, given: now, offset: now, window });
        now
    }
}

impl Anchor {
    fn follow(&mut self, now: i64, stamp: u32, rate: u32) -> Option<i64> {
        // Over the end of its 32 bits, either way.
        let ticks = i64::from(stamp.wrapping_sub(self.stamp) as i32);
        let sent = self.sent + ticks * 1_000_000_000 / i64::from(rate.max(1));
        let lead = now - sent;
        if (lead - self.offset).abs() > BELIEVED {
            return None;
        }
        let least = self.window.take(now, lead);
        match self.window.least_before {
            Some(_) => self.offset += (least - self.offset) / FOLLOW,
            None => self.offset = least,
        }
        let given = sent + self.offset;
        (self.stamp, self.sent, self.given) = (stamp, sent, given);
        Some(given)
    }
}

impl Window {
    /// The least of what was taken in this window and the last.
    fn take(&mut self, now: i64, lead: i64) -> i64 {
        if now - self.since >= WINDOW {
            *self = Self { since: now, least: lead, least_before: Some(self.least) };
        }
        self.least = self.least.min(lead);
        self.least_before.map_or(self.least, |before| before.min(self.least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    fn ms(time: Duration) -> f64 {
        time.as_secs_f64() * 1e3
    }

    /// 20 ms of sound a packet, each late by what `late` says; the worst step between two placed packets beside 20 ms.
    fn roughest(packets: u64, first_stamp: u32, late: impl Fn(u64) -> f64) -> (f64, f64) {
        let mut timeline = Timeline::default();
        let mut placed = Vec::new();
        for packet in 0..packets {
            let came = Duration::from_secs_f64(10.0 + packet as f64 * 0.02 + late(packet));
            placed.push(ms(timeline.place(came, first_stamp.wrapping_add(packet as u32 * 960), RATE)));
        }
        let steady = placed.windows(2).skip(150).map(|pair| (pair[1] - pair[0] - 20.0).abs());
        let last = placed.last().expect("some") - 10_000.0 - (packets - 1) as f64 * 20.0;
        (steady.fold(0.0, f64::max), last)
    }

    #[test]
    fn packets_that_come_unevenly_are_placed_evenly_where_the_least_late_were() {
        let (roughest, at) = roughest(1_000, u32::MAX - 100_000, |packet| (packet * 7 % 11) as f64 * 0.004);
        assert!(roughest < 0.1, "{roughest} ms");
        assert!(at.abs() < 0.5, "{at} ms");
    }

    #[test]
    fn a_clock_that_runs_off_is_followed() {
        for ppm in [-500e-6, 500e-6] {
            let (roughest, at) = roughest(30_000, 0, |packet| packet as f64 * 0.02 * ppm);
            assert!(roughest < 0.15, "{roughest} ms a packet");
            let off = 600_000.0 * ppm;
            assert!((at - off).abs() < 5.0, "at {at} ms, of {off}");
        }
    }

    #[test]
    fn packets_of_one_picture_have_one_time() {
        let mut timeline = Timeline::default();
        let first = timeline.place(Duration::from_millis(100), 3_000, 90_000);
        timeline.place(Duration::from_millis(133), 6_000, 90_000);
        let picture = [133, 140, 150].map(|came| timeline.place(Duration::from_millis(came), 6_000, 90_000));
        assert_eq!(first, Duration::from_millis(100));
        assert!(picture.iter().all(|time| *time == picture[0]), "{picture:?}");
    }

    #[test]
    fn stamps_that_jump_or_lie_are_placed_where_they_came() {
        let mut timeline = Timeline::default();
        timeline.place(Duration::from_secs(1), 0, RATE);
        for (came, stamp) in [(1_020, 4_000_000_000), (1_040, 5), (1_060, 2_000_000_000), (900_000, 0)] {
            let came = Duration::from_millis(came);
            assert_eq!(timeline.place(came, stamp, RATE), came);
        }
        assert_eq!(timeline.place(Duration::ZERO, 7, 0), Duration::ZERO, "a rate that is none");
    }

    #[test]
    fn a_pause_keeps_its_place() {
        let mut timeline = Timeline::default();
        timeline.place(Duration::from_secs(1), 0, RATE);
        let late = timeline.place(Duration::from_millis(1_430), 400 * 48, RATE);
        assert_eq!(late, Duration::from_millis(1_400));
    }
}
