//! A guest that sends over a bottleneck, simulated: an encoder with key frames, sound, a link with a queue and loss, feedback that
//! comes back later, packets that are sent again. One minute of it takes milliseconds.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::ladder::PictureRate;
use super::packet::{PacketKind, ReportedPacket};
use super::{RateControl, RateLimits};

/// One step of time.
const STEP_MS: u64 = 1;
/// Payload of a packet, and what is around it.
const PAYLOAD: u32 = 1_150;
const HEADERS: u32 = 58;
/// The other end's clock is another one.
const CLOCKS_APART: Duration = Duration::from_secs(12_345);

/// The path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// Bits a second.
    pub(super) rate: f64,
    /// How long a packet may wait.
    pub(super) queue: Duration,
    /// The share of packets that is lost without a reason.
    pub(super) loss: f64,
    /// One way.
    pub(super) delay: Duration,
    /// By so much later a packet arrives, by chance.
    pub(super) jitter: Duration,
}

pub(super) const WIDE: Link = Link {
    rate: 50e6,
    queue: Duration::from_millis(300),
    loss: 0.0,
    delay: Duration::from_millis(10),
    jitter: Duration::ZERO,
};

/// What was seen in one second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Second {
    pub(super) offered: f64,
    pub(super) carried: f64,
    sound_lost: u32,
    sound: u32,
    pub(super) frames: u32,
    pub(super) longest_gap: u64,
}

pub(super) struct Simulation {
    pub(super) control: RateControl,
    random: StdRng,
    began: Instant,
    now: u64,
    pub(super) link: Link,
    /// When the link has sent all that waits, in microseconds.
    busy_until: f64,
    /// Bits above or below what the encoder was to make.
    debt: f64,
    frame: u64,
    last_frame: Option<u64>,
    key_due: bool,
    again: VecDeque<(u64, u32)>,
    /// Feedback: when it is made, what it tells of.
    told: BinaryHeap<Reverse<(u64, u64)>>,
    packets: VecDeque<(u64, ReportedPacket)>,
    arrived_frames: Vec<u64>,
    seconds: Vec<Second>,
    /// Of each second: how long each packet waited, in milliseconds.
    queues: Vec<Vec<f64>>,
    /// Losses of sound in a row.
    row: u32,
    pub(super) longest_row: u32,
}

impl Simulation {
    pub(super) fn new(seed: u64, limits: RateLimits, link: Link) -> Self {
        Self {
            control: RateControl::new(limits),
            random: StdRng::seed_from_u64(seed),
            began: Instant::now(),
            now: 0,
            link,
            busy_until: 0.0,
            debt: 0.0,
            frame: 0,
            last_frame: None,
            key_due: true,
            again: VecDeque::new(),
            told: BinaryHeap::new(),
            packets: VecDeque::new(),
            arrived_frames: Vec::new(),
            seconds: Vec::new(),
            queues: Vec::new(),
            row: 0,
            longest_row: 0,
        }
    }

    pub(super) fn run(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.seconds.push(Second::default());
            self.queues.push(Vec::new());
            let arrived = self.arrived_frames.len();
            for _ in 0..1_000 / STEP_MS {
                self.step();
            }
            self.close_second(arrived);
        }
        self
    }

    fn close_second(&mut self, arrived: usize) {
        let frames = &self.arrived_frames[arrived..];
        let before = self.arrived_frames[..arrived].last().copied().into_iter();
        let times: Vec<u64> = before.chain(frames.iter().copied()).collect();
        let gap = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(1_000);
        let frames = frames.len();
        let second = self.seconds.last_mut().expect("one was begun");
        second.longest_gap = gap;
        second.frames = u32::try_from(frames).expect("few");
    }

    fn clock(&self) -> Duration {
        Duration::from_millis(self.now)
    }

    fn step(&mut self) {
        self.now += STEP_MS;
        if self.now.is_multiple_of(20) {
            self.send(80 + HEADERS, PacketKind::Media, true);
        }
        while self.again.front().is_some_and(|(due, _)| *due <= self.now) {
            if let Some((_, size)) = self.again.pop_front() {
                self.send(size, PacketKind::Again, false);
            }
        }
        let every = match self.control.target().pictures {
            PictureRate::Full => 33,
            PictureRate::Half => 66,
            PictureRate::Still => 2_000,
        };
        if self.last_frame.is_none_or(|last| self.now - last >= every) {
            self.last_frame = Some(self.now);
            self.encode(every);
        }
        // Feedback is made each 50 ms, and takes its way.
        if self.now.is_multiple_of(50) {
            let back = self.now + u64::try_from(self.link.delay.as_millis()).expect("short");
            self.told.push(Reverse((back, self.now)));
        }
        while self.told.peek().is_some_and(|Reverse((due, _))| *due <= self.now) {
            if let Some(Reverse((_, made))) = self.told.pop() {
                self.hear(made);
            }
        }
        if self.now.is_multiple_of(100) {
            let now = self.began + self.clock();
            self.control.update(now);
        }
    }

    /// One frame, its size around what the encoder was told, within 100 ms of it.
    fn encode(&mut self, every: u64) {
        let bits = f64::from(self.control.target().bitrate);
        let share = bits * every.min(66) as f64 / 1_000.0;
        let wanted = share * self.random.random_range(0.75..1.25);
        let key = self.frame.is_multiple_of(60) || self.key_due;
        let most = bits * 0.1 + share;
        let wanted = if key { wanted * 4.0 } else { (wanted - self.debt * 0.25).max(share * 0.2) };
        let size = wanted.min((most - self.debt).max(share * 0.2));
        self.debt = (self.debt + size - share).max(-share * 3.0);
        self.frame += 1;
        self.key_due = false;
        let mut bytes = (size / 8.0) as u32;
        while bytes > 0 {
            let part = bytes.min(PAYLOAD);
            bytes -= part;
            self.send(part + HEADERS, PacketKind::Media, false);
        }
        let delay = u64::try_from(self.link.delay.as_millis()).expect("short");
        let arrives = (self.busy_until / 1_000.0) as u64 + delay;
        self.arrived_frames.push(arrives.max(self.now + delay));
    }

    fn send(&mut self, size: u32, kind: PacketKind, is_sound: bool) {
        let now = self.now as f64 * 1_000.0;
        let waits = (self.busy_until - now).max(0.0);
        let second = self.seconds.last_mut().expect("one was begun");
        second.offered += f64::from(size) * 8.0;
        let full = waits > self.link.queue.as_micros() as f64;
        let lost = full || self.random.random_bool(self.link.loss);
        if is_sound {
            second.sound += 1;
            second.sound_lost += u32::from(lost);
            self.row = if lost { self.row + 1 } else { 0 };
            self.longest_row = self.longest_row.max(self.row);
        }
        let delay = u64::try_from(self.link.delay.as_millis()).expect("short");
        let mut seen = self.now + delay;
        let arrived = if lost {
            if !is_sound && kind == PacketKind::Media {
                self.again.push_back((self.now + 2 * delay + 60, size));
            }
            None
        } else {
            self.busy_until = self.busy_until.max(now) + f64::from(size) * 8.0 / self.link.rate * 1e6;
            second.carried += f64::from(size) * 8.0;
            self.queues.last_mut().expect("one was begun").push(waits / 1_000.0);
            let late = self.link.jitter.mul_f64(self.random.random_range(0.0..1.0));
            seen = (self.busy_until / 1_000.0) as u64 + delay;
            Some(Duration::from_micros(self.busy_until as u64) + self.link.delay + late + CLOCKS_APART)
        };
        let report = ReportedPacket { sent: self.clock(), arrived, size, kind };
        self.packets.push_back((seen, report));
    }

    fn hear(&mut self, made: u64) {
        // In the order they were sent: what is lost is known once something after it has arrived.
        let mut packets = Vec::new();
        while self.packets.front().is_some_and(|(seen, _)| *seen <= made) {
            packets.extend(self.packets.pop_front().map(|(_, report)| report));
        }
        let (now, clock) = (self.began + self.clock(), self.clock());
        self.control.feedback(now, clock, &packets);
    }

    pub(super) fn mean(&self, seconds: std::ops::Range<usize>, of: impl Fn(&Second) -> f64) -> f64 {
        let part = &self.seconds[seconds];
        part.iter().map(of).sum::<f64>() / part.len() as f64
    }

    pub(super) fn most(&self, seconds: std::ops::Range<usize>, of: impl Fn(&Second) -> f64) -> f64 {
        self.seconds[seconds].iter().map(of).fold(0.0, f64::max)
    }

    /// What 95 of 100 packets waited at most.
    pub(super) fn queue_p95(&self, seconds: std::ops::Range<usize>) -> f64 {
        let mut all = self.queues[seconds].concat();
        all.sort_by(f64::total_cmp);
        all[all.len() * 95 / 100]
    }

    pub(super) fn sound_lost(&self, seconds: std::ops::Range<usize>) -> f64 {
        let part = &self.seconds[seconds];
        let (lost, all) = part.iter().fold((0, 0), |(lost, all), s| (lost + s.sound_lost, all + s.sound));
        f64::from(lost) / f64::from(all)
    }
}
