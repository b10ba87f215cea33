//! How much was sent of late, how much of it arrived, and how fast.

use std::collections::VecDeque;
use std::time::Duration;

use super::packet::{PacketKind, ReportedPacket};

/// What was sent is counted over this time.
const SENT: Duration = Duration::from_secs(1);
/// What arrived is counted over this time, by the clock of the other end: as long as a queue takes to show the rate of its link.
const ARRIVED: Duration = Duration::from_millis(400);
/// Arrivals closer together than this say nothing of a rate.
const SHORTEST: Duration = Duration::from_millis(200);
/// A share of fewer packets than this is chance.
const ENOUGH: usize = 20;
/// So many packets are remembered at most.
const MOST: usize = 4096;

/// Packets of the last second.
#[derive(Debug, Default)]
pub struct TrafficWindow {
    sent: VecDeque<ReportedPacket>,
    arrived: VecDeque<(Duration, u32)>,
    totals: TrafficTotals,
}

/// Bytes since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficTotals {
    /// That the other end has acknowledged.
    pub acknowledged: u64,
    /// That were sent again.
    pub again: u64,
}

impl TrafficWindow {
    pub fn observe(&mut self, packet: ReportedPacket) {
        if packet.kind == PacketKind::Again {
            self.totals.again += u64::from(packet.size);
        }
        if let Some(at) = packet.arrived {
            self.totals.acknowledged += u64::from(packet.size);
            if self.arrived.back().is_some_and(|(last, _)| at.abs_diff(*last) > SENT * 3) {
                self.arrived.clear();
            }
            self.arrived.push_back((at, packet.size));
            while self.arrived.len() > MOST
                || self.arrived.front().is_some_and(|(first, _)| at.saturating_sub(*first) > ARRIVED)
            {
                self.arrived.pop_front();
            }
        }
        self.sent.push_back(packet);
        while self.sent.len() > MOST
            || self.sent.front().is_some_and(|first| packet.sent.saturating_sub(first.sent) > SENT)
        {
            self.sent.pop_front();
        }
    }

    pub fn totals(&self) -> TrafficTotals {
        self.totals
    }

    /// Bits a second that were sent.
    pub fn sent_rate(&self) -> f64 {
        self.rate_of(|_| true)
    }

    /// Bits a second that were sent again.
    pub fn repair_rate(&self) -> f64 {
        self.rate_of(|packet| packet.kind == PacketKind::Again)
    }

    /// Bits a second that arrive; no more than one and a half times what is sent, whatever the other end claims.
    pub fn acknowledged_rate(&self) -> f64 {
        let Some(((first, size), (last, _))) = self.arrived.front().zip(self.arrived.back()) else {
            return 0.0;
        };
        // The first one only opens the time.
        let bytes: u64 =
            self.arrived.iter().map(|(_, size)| u64::from(*size)).sum::<u64>() - u64::from(*size);
        let span = last.saturating_sub(*first).max(SHORTEST);
        (bytes as f64 * 8.0 / span.as_secs_f64()).min(self.sent_rate() * 1.5)
    }

    /// The share of packets that were lost, and out of how many; `None`: of too few.
    pub fn loss(&self) -> Option<(f64, usize)> {
        let all = self.sent.len();
        let lost = self.sent.iter().filter(|packet| packet.arrived.is_none()).count();
        (all >= ENOUGH).then(|| (lost as f64 / all as f64, all))
    }

    fn rate_of(&self, counts: impl Fn(&ReportedPacket) -> bool) -> f64 {
        let Some((first, last)) = self.sent.front().zip(self.sent.back()) else { return 0.0 };
        let bytes: u64 =
            self.sent.iter().filter(|packet| counts(packet)).map(|packet| u64::from(packet.size)).sum();
        bytes as f64 * 8.0 / last.sent.saturating_sub(first.sent).max(SHORTEST).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sent: u64, arrived: Option<u64>) -> ReportedPacket {
        let at = Duration::from_millis;
        ReportedPacket { sent: at(sent), arrived: arrived.map(at), size: 1250, kind: PacketKind::Media }
    }

    #[test]
    fn what_arrives_of_what_is_sent() {
        let mut traffic = TrafficWindow::default();
        // A packet each 10 ms is 1 Mbit/s; every other is lost.
        (0..200).for_each(|n| traffic.observe(packet(n * 10, (n % 2 == 0).then_some(n * 10 + 7_000))));
        assert!((0.95e6..1.05e6).contains(&traffic.sent_rate()), "{}", traffic.sent_rate());
        assert!((0.45e6..0.55e6).contains(&traffic.acknowledged_rate()), "{}", traffic.acknowledged_rate());
        assert!(traffic.loss().is_some_and(|(loss, of)| (loss - 0.5).abs() < 0.02 && of >= 100));
        assert_eq!(traffic.totals(), TrafficTotals { acknowledged: 125_000, again: 0 });
    }

    #[test]
    fn a_claim_of_ten_gigabits_is_not_believed() {
        let mut traffic = TrafficWindow::default();
        (0..200).for_each(|n| traffic.observe(packet(n * 10, Some(1_000))));
        assert!(traffic.acknowledged_rate() <= 1.6e6, "{}", traffic.acknowledged_rate());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut traffic = TrafficWindow::default();
        (0..100_000).for_each(|n| traffic.observe(packet(0, Some(n % 2 * 1_000_000))));
        assert!(traffic.sent.len() <= MOST && traffic.arrived.len() <= MOST);
        assert!(traffic.acknowledged_rate().is_finite() && traffic.sent_rate().is_finite());
    }
}
