//! The rows of the table of what a network must get: each on twenty simulated networks.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::limits::LEAST;
use super::packet::{PacketKind, ReportedPacket};
use super::testing::{Link, Simulation, WIDE};
use super::{RateControl, RateLimits};

fn link(rate: f64, queue: u64) -> Link {
    Link { rate, queue: Duration::from_millis(queue), ..WIDE }
}

fn for_seeds(test: impl Fn(u64)) {
    (0..20).for_each(test);
}

#[test]
fn a_wide_path_reaches_the_quality_within_seconds() {
    for_seeds(|seed| {
        let mut sim = Simulation::new(seed, RateLimits::default(), WIDE);
        sim.run(8);
        assert_eq!(sim.control.target().bitrate, 1_800_000, "seed {seed}");
        assert!(!sim.control.is_reduced());
        assert!(sim.mean(5..8, |s| s.carried) > 1.7e6, "seed {seed}");
    });
}

#[test]
fn a_bottleneck_is_followed_down_and_up_again() {
    for queue in [300, 1_000] {
        for_seeds(|seed| {
            let mut sim = Simulation::new(seed, RateLimits::default(), WIDE);
            sim.run(20);
            sim.link = link(1e6, queue);
            sim.run(40);
            let at = 20;
            let p95 = sim.queue_p95(at + 6..60);
            assert!(p95 <= 150.0, "seed {seed}, queue {queue}: {p95} ms");
            let used = sim.mean(at + 12..at + 30, |s| s.carried) / 1e6;
            assert!(used >= 0.75, "seed {seed}, queue {queue}: {used} used");
            let gap = sim.most(at + 3..60, |s| s.longest_gap as f64);
            assert!(gap <= 300.0, "seed {seed}, queue {queue}: a gap of {gap} ms");
            assert!(sim.most(at..at + 3, |s| s.longest_gap as f64) <= 800.0);
            assert!(sim.sound_lost(at..60) <= 0.01, "seed {seed}, queue {queue}: {}", sim.sound_lost(at..60));
            assert!(sim.longest_row <= 3, "seed {seed}, queue {queue}: {} in a row", sim.longest_row);
            let before = sim.mean(50..60, |s| s.carried);
            sim.link = link(5e6, queue);
            sim.run(15);
            let after = sim.mean(67..69, |s| s.carried);
            assert!(after >= before * 1.5, "seed {seed}, queue {queue}: {before} → {after}");
            let late = sim.mean(73..75, |s| s.carried);
            assert!(late >= 1.6e6, "seed {seed}, queue {queue}: {late}");
        });
    }
}

#[test]
fn joining_on_one_megabit_freezes_nothing() {
    for_seeds(|seed| {
        let mut sim = Simulation::new(seed, RateLimits::default(), link(1e6, 300));
        sim.run(20);
        let gap = sim.most(0..20, |s| s.longest_gap as f64);
        assert!(gap <= 500.0, "seed {seed}: a gap of {gap} ms");
        assert!(sim.mean(8..20, |s| s.carried) > 0.7e6, "seed {seed}");
    });
}

#[test]
fn four_hundred_kilobits_carry_sound_and_a_small_picture() {
    for_seeds(|seed| {
        let mut sim = Simulation::new(seed, RateLimits::default(), link(400e3, 300));
        sim.run(40);
        assert!(sim.control.target().size < RateLimits::default().quality, "seed {seed}");
        let lost = sim.sound_lost(5..40);
        assert!(lost <= 0.01, "seed {seed}: {lost}");
        let frames = sim.mean(10..40, |s| f64::from(s.frames));
        assert!(frames >= 10.0, "seed {seed}: {frames} a second");
        assert!(sim.queue_p95(8..40) <= 250.0, "seed {seed}");
    });
}

#[test]
fn random_loss_is_no_reason_to_send_less() {
    for loss in [0.05, 0.10] {
        for_seeds(|seed| {
            let mut sim = Simulation::new(seed, RateLimits::default(), WIDE);
            sim.run(15);
            let before = sim.mean(10..15, |s| s.offered);
            sim.link.loss = loss;
            sim.run(45);
            let after = sim.mean(35..60, |s| s.offered);
            assert!(after >= before * 0.7, "seed {seed}, loss {loss}: {before} → {after}");
            let mut join = Simulation::new(seed, RateLimits::default(), Link { loss, ..WIDE });
            join.run(25);
            let joined = join.mean(20..25, |s| s.offered);
            assert!(joined >= before * 0.7, "seed {seed}, loss {loss}: joined with {joined}");
        });
    }
}

#[test]
fn a_long_path_with_loss_keeps_its_rate() {
    for_seeds(|seed| {
        let far = Link { delay: Duration::from_millis(150), loss: 0.05, ..WIDE };
        let mut sim = Simulation::new(seed, RateLimits::default(), far);
        sim.run(30);
        let rate = sim.mean(20..30, |s| s.offered);
        assert!(rate >= 1.3e6, "seed {seed}: {rate}");
        sim.link.rate = 1e6;
        sim.run(30);
        assert!(sim.queue_p95(40..60) <= 250.0, "seed {seed}: {}", sim.queue_p95(40..60));
        assert!(sim.mean(42..60, |s| s.carried) >= 0.6e6, "seed {seed}");
    });
}

#[test]
fn a_bottleneck_without_a_queue_is_followed_by_its_loss() {
    for_seeds(|seed| {
        let mut sim = Simulation::new(seed, RateLimits::default(), WIDE);
        sim.run(15);
        sim.link = link(1e6, 20);
        sim.run(30);
        let offered = sim.mean(27..45, |s| s.offered);
        assert!(offered < 1.25e6, "seed {seed}: {offered}");
    });
}

#[test]
fn a_path_that_becomes_longer_is_not_congested_for_long() {
    for_seeds(|seed| {
        let mut sim = Simulation::new(seed, RateLimits::default(), WIDE);
        sim.run(15);
        sim.link.delay = Duration::from_millis(200);
        sim.run(25);
        let rate = sim.mean(35..40, |s| s.carried);
        assert!(rate > 1.5e6, "seed {seed}: {rate}");
    });
}

#[test]
fn packets_that_arrive_by_fits_and_starts_are_no_congestion() {
    for_seeds(|seed| {
        let radio = Link { jitter: Duration::from_millis(60), loss: 0.01, ..WIDE };
        let mut sim = Simulation::new(seed, RateLimits::default(), radio);
        sim.run(30);
        let rate = sim.mean(8..30, |s| s.carried);
        assert!(rate > 1.7e6, "seed {seed}: {rate}");
    });
}

#[test]
fn a_path_that_was_silent_is_used_again() {
    for_seeds(|seed| {
        let mut sim = Simulation::new(seed, RateLimits::default(), WIDE);
        sim.run(15);
        sim.link.loss = 1.0;
        sim.run(10);
        sim.link.loss = 0.0;
        sim.run(15);
        let rate = sim.mean(37..40, |s| s.carried);
        assert!(rate > 1.0e6, "seed {seed}: {rate}");
    });
}

#[test]
fn feedback_that_lies_is_bounded() {
    for_seeds(|seed| {
        let mut random = StdRng::seed_from_u64(seed);
        let limits = RateLimits::default();
        let mut control = RateControl::new(limits);
        let began = Instant::now();
        let mut rate = control.rate();
        for tick in 0..100u64 {
            let (now, clock) = (began + Duration::from_millis(tick * 100), Duration::from_millis(tick * 100));
            let any = |random: &mut StdRng| match random.random_range(0..4) {
                0 => Duration::ZERO,
                1 => Duration::MAX,
                2 => Duration::from_millis(random.random_range(0..100_000)),
                _ => clock,
            };
            let packets: Vec<ReportedPacket> = (0..random.random_range(0..3_000))
                .map(|_| ReportedPacket {
                    sent: any(&mut random),
                    arrived: random.random_bool(0.8).then(|| any(&mut random)),
                    size: if random.random_bool(0.5) { 1_200 } else { u32::MAX },
                    kind: if random.random_bool(0.9) { PacketKind::Media } else { PacketKind::Again },
                })
                .collect();
            control.feedback(now, clock, &packets);
            control.update(now);
            assert!(control.rate() <= limits.ceiling() && control.rate() >= LEAST);
            assert!(control.rate() <= rate * 1.06, "in one step from {rate} to {}", control.rate());
            rate = control.rate();
            let target = control.target().bitrate;
            assert!((40_000..=1_800_000).contains(&target), "{target}");
        }
    });
}

#[test]
fn a_minute_takes_less_than_a_second() {
    let mut sim = Simulation::new(1, RateLimits::default(), link(1e6, 300));
    let began = cpu();
    sim.run(60);
    assert!(cpu() - began < Duration::from_secs(1));
}

/// What this thread has worked: others on the machine do not count.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let worked = stat.split(' ').next().and_then(|worked| worked.parse().ok());
    Duration::from_nanos(worked.expect("its first field is a number"))
}
