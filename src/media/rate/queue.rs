//! How long packets queue on the way, from the differences between when they were sent and when they arrived.
//!
//! The two clocks have different zeros, so only differences count: the least of the last half minute is a path without a queue. A
//! frame's packets queue behind each other, so what stands in the queue is what the quickest packet of a moment found there.

use std::collections::VecDeque;
use std::time::Duration;

use super::packet::ReportedPacket;

/// What stands in a queue is the least delay within this time.
const MOMENT: Duration = Duration::from_millis(150);
/// Delays are remembered for so long, by when the packets were sent.
const REMEMBERED: Duration = Duration::from_millis(600);
/// So many seconds a path without a queue is remembered; a path that became longer is believed after that.
const BASE_SECONDS: usize = 30;
/// A delay that jumps by more than this is another clock, or a machine that slept: everything begins anew.
const JUMP_US: i64 = 3_000_000;
/// So many delays are remembered at most, whatever the feedback claims.
const MOST: usize = 2048;

/// The queue, in milliseconds.
#[derive(Debug, Default)]
pub struct QueueWatch {
    /// When a packet was sent, and its delay in microseconds, with the clocks' difference in it.
    delays: VecDeque<(Duration, i64)>,
    /// The least delay of each of the last seconds, the newest last.
    base: VecDeque<(u64, i64)>,
    last: Option<i64>,
    /// Delays since they were last read.
    interval: Vec<f64>,
}

impl QueueWatch {
    /// Takes a packet that arrived.
    pub fn observe(&mut self, packet: &ReportedPacket) {
        let Some(arrived) = packet.arrived else { return };
        let delay = micros(arrived).saturating_sub(micros(packet.sent));
        if self.last.is_some_and(|last| delay.saturating_sub(last).saturating_abs() > JUMP_US) {
            self.forget();
        }
        self.last = Some(delay);
        let second = packet.sent.as_secs();
        match self.base.back_mut() {
            Some((last, least)) if *last >= second => *least = (*least).min(delay),
            Some(_) | None => self.base.push_back((second, delay)),
        }
        if self.base.len() > BASE_SECONDS {
            self.base.pop_front();
        }
        self.delays.push_back((packet.sent, delay));
        let newest = packet.sent;
        while self.delays.len() > MOST
            || self.delays.front().is_some_and(|(sent, _)| newest.saturating_sub(*sent) > REMEMBERED)
        {
            self.delays.pop_front();
        }
        if self.interval.len() < MOST {
            self.interval.push(self.above_base(delay));
        }
    }

    /// What stands in the queue by now, in milliseconds; 0 while nothing is known.
    pub fn standing(&self) -> f64 {
        self.least_before(Duration::ZERO).map_or(0.0, |delay| self.above_base(delay))
    }

    /// By how much that is more than a moment before, in milliseconds.
    pub fn rise(&self) -> f64 {
        let (Some(now), Some(before)) = (self.least_before(Duration::ZERO), self.least_before(MOMENT)) else {
            return 0.0;
        };
        millis(now.saturating_sub(before))
    }

    /// The path has become longer: what seems to stand in the queue is its own delay.
    pub fn rebase(&mut self) {
        let Some(least) = self.least_before(Duration::ZERO) else { return };
        self.base.iter_mut().for_each(|(_, base)| *base = (*base).max(least));
    }

    /// The delay in the queue that 95 of 100 packets kept within since this was last asked, in milliseconds.
    pub fn take_p95(&mut self) -> Option<f64> {
        let mut all = std::mem::take(&mut self.interval);
        all.sort_by(f64::total_cmp);
        all.get(all.len() * 95 / 100).copied()
    }

    fn forget(&mut self) {
        self.delays.clear();
        self.base.clear();
        self.interval.clear();
    }

    /// The least delay of the moment that ended so long before the newest packet.
    fn least_before(&self, ago: Duration) -> Option<i64> {
        let until = self.delays.back()?.0.saturating_sub(ago);
        let from = until.saturating_sub(MOMENT);
        let within = self.delays.iter().filter(|(sent, _)| *sent > from && *sent <= until);
        within.map(|(_, delay)| *delay).min()
    }

    fn above_base(&self, delay: i64) -> f64 {
        let base = self.base.iter().map(|(_, least)| *least).min().unwrap_or(delay);
        millis(delay.saturating_sub(base).max(0))
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn millis(micros: i64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rate::packet::PacketKind;

    fn watch(delays: impl IntoIterator<Item = u64>) -> QueueWatch {
        let mut watch = QueueWatch::default();
        for (number, delay) in (0u64..).zip(delays) {
            watch.observe(&packet(number * 20, number * 20 + delay));
        }
        watch
    }

    fn packet(sent: u64, arrived: u64) -> ReportedPacket {
        ReportedPacket {
            sent: Duration::from_millis(sent),
            arrived: Some(Duration::from_millis(5_000 + arrived)),
            size: 1200,
            kind: PacketKind::Media,
        }
    }

    #[test]
    fn a_frame_that_queues_behind_itself_stands_in_no_queue() {
        let watch = watch([10, 25, 40].into_iter().cycle().take(60));
        assert_eq!(watch.standing(), 0.0);
    }

    #[test]
    fn a_queue_that_grows_is_seen() {
        let watch = watch((0..20).map(|_| 10).chain((0..20).map(|step| 10 + step * 10)));
        assert!(watch.standing() > 100.0, "{}", watch.standing());
        assert!(watch.rise() > 50.0, "{}", watch.rise());
    }

    #[test]
    fn a_clock_that_jumps_is_no_queue() {
        let mut watch = watch([10; 30]);
        for number in 30..60 {
            watch.observe(&packet(number * 20, number * 20 + 86_400_000));
        }
        assert_eq!((watch.standing(), watch.rise()), (0.0, 0.0));
        watch.observe(&packet(1_300, 0));
        assert_eq!(watch.standing(), 0.0, "nor one that jumps back");
    }

    #[test]
    fn a_longer_path_is_believed_once_it_is_said_so() {
        let mut watch = watch((0..20).map(|_| 10).chain((0..20).map(|_| 210)));
        assert_eq!(watch.standing(), 200.0);
        watch.rebase();
        assert_eq!(watch.standing(), 0.0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut watch = QueueWatch::default();
        for _ in 0..100_000 {
            watch.observe(&packet(1, 1));
        }
        assert!(
            watch.delays.len() <= MOST && watch.interval.len() <= MOST && watch.base.len() <= BASE_SECONDS
        );
        assert_eq!(watch.take_p95(), Some(0.0));
        assert_eq!(watch.take_p95(), None);
    }
}
