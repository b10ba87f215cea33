//! Who is decoded whole, and who by key frames only, when the machine cannot keep up.
//!
//! Pure: it is told how far each decoder lags behind what arrives, and says which peers change. Its invariant: a step down follows
//! a lag that was measured, a step up follows a calm that lasted, and a step up that proved too much makes the next one wait twice as long:
//! of that peer, if only it lags then, else of all. Who is reduced and lags all the same keeps nobody else down.
//! Dropping frames and asking for key frames is the business of the decoding chain.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A decoder that lags more than this cannot keep up: a third of a second is seen by everyone.
const LAG_HIGH: Duration = Duration::from_millis(300);
/// Below this everything is as it should be: three frames at 30 a second.
const LAG_LOW: Duration = Duration::from_millis(100);
/// What one step down changed shows in the lag only after its queue is emptied.
const PAUSE_DOWN: Duration = Duration::from_millis(400);
/// A lag is that of a burst, and no fault of the machine, while so much less waits at each look; what the network kept back comes all
/// at once.
const SHRINKS: f64 = 0.9;
/// A burst is decoded in this time, or the machine is too slow for it.
const BURST: Duration = Duration::from_millis(1500);
/// Calm before the first step up.
const CALM_FIRST: Duration = Duration::from_secs(5);
/// Calm at most waited for before a step up.
const CALM_LONGEST: Duration = Duration::from_secs(60);

/// How much of what arrives is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    /// Every frame.
    All,
    /// Key frames only, because the machine cannot keep up.
    KeyFrames,
}

impl Decoding {
    /// The word in the statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::KeyFrames => "key_frames",
        }
    }
}

/// How far one peer's decoder is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Which peer.
    pub peer: u64,
    /// From the newest packet that arrived to the newest frame taken up by the decoder.
    pub behind: Duration,
    /// Packets that wait for the decoder.
    pub waiting: u64,
}

/// Since when a peer lags, and what waited at the last look.
#[derive(Debug, Clone, Copy)]
struct Late {
    since: Instant,
    waiting: u64,
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which peer.
    pub peer: u64,
    /// What holds for it from now on.
    pub decoding: Decoding,
}

/// The rule and its memory.
#[derive(Debug)]
pub struct Governor {
    /// Who is reduced, or was of late, and how much calm it needs itself.
    known: BTreeMap<u64, Known>,
    late: BTreeMap<u64, Late>,
    stepped_down: Option<Instant>,
    /// Who came back last.
    stepped_up: Option<(u64, Instant)>,
    calm_since: Option<Instant>,
    /// What everybody needs.
    calm_needed: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    decoding: Decoding,
    calm_needed: Duration,
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            late: BTreeMap::new(),
            stepped_down: None,
            stepped_up: None,
            calm_since: None,
            calm_needed: CALM_FIRST,
        }
    }
}

impl Governor {
    /// Takes one round of measurements of all peers with video and says what changes. Half of those that lag go down at
    /// once; one comes back at a time.
    pub fn observe(&mut self, now: Instant, lags: &[Lag]) -> Vec<Step> {
        self.known.retain(|peer, _| lags.iter().any(|lag| lag.peer == *peer));
        let whole: Vec<Lag> = lags.iter().filter(|lag| !self.is_reduced(lag.peer)).copied().collect();
        let bursts = self.bursts(now, lags);
        let is_late = |lag: &&Lag| lag.behind > LAG_HIGH && !bursts.contains(&lag.peer);
        let mut late: Vec<Lag> = whole.iter().filter(is_late).copied().collect();
        if !late.is_empty() {
            self.calm_since = None;
            late.sort_by_key(|lag| std::cmp::Reverse(lag.behind));
            return self.step_down(now, &late);
        }
        if whole.iter().any(|lag| lag.behind > LAG_LOW) {
            self.calm_since = None;
            return Vec::new();
        }
        self.step_up(now, lags)
    }

    /// Who lags because much came at once: what waits shrinks, and it has not taken too long yet.
    fn bursts(&mut self, now: Instant, lags: &[Lag]) -> BTreeSet<u64> {
        let before = std::mem::take(&mut self.late);
        let mut bursts = BTreeSet::new();
        for lag in lags.iter().filter(|lag| lag.behind > LAG_LOW) {
            let known = before.get(&lag.peer);
            let since = known.map_or(now, |late| late.since);
            let shrinks = known.is_some_and(|late| (lag.waiting as f64) < late.waiting as f64 * SHRINKS);
            if shrinks && now.saturating_duration_since(since) < BURST {
                bursts.insert(lag.peer);
            }
            self.late.insert(lag.peer, Late { since, waiting: lag.waiting });
        }
        bursts
    }

    fn is_reduced(&self, peer: u64) -> bool {
        self.known.get(&peer).is_some_and(|known| known.decoding == Decoding::KeyFrames)
    }

    fn step_down(&mut self, now: Instant, late: &[Lag]) -> Vec<Step> {
        if self.stepped_down.is_some_and(|at| now.saturating_duration_since(at) < PAUSE_DOWN) {
            return Vec::new();
        }
        if let Some((peer, at)) = self.stepped_up.take() {
            self.regret(now.saturating_duration_since(at), peer, late);
        }
        self.stepped_down = Some(now);
        let chosen = &late[..late.len().div_ceil(2)];
        for lag in chosen {
            let known = self
                .known
                .entry(lag.peer)
                .or_insert(Known { decoding: Decoding::All, calm_needed: CALM_FIRST });
            known.decoding = Decoding::KeyFrames;
        }
        chosen.iter().map(|lag| Step { peer: lag.peer, decoding: Decoding::KeyFrames }).collect()
    }

    /// `peer` came back `ago`; now these are late.
    fn regret(&mut self, ago: Duration, peer: u64, late: &[Lag]) {
        let doubled = |calm: Duration| (2 * calm).min(CALM_LONGEST);
        let alone = late.iter().all(|lag| lag.peer == peer);
        match self.known.get_mut(&peer) {
            Some(known) if alone && ago < 2 * known.calm_needed.max(self.calm_needed) => {
                known.calm_needed = doubled(known.calm_needed);
            }
            _ if !alone && ago < 2 * self.calm_needed => self.calm_needed = doubled(self.calm_needed),
            Some(_) | None => {}
        }
    }

    fn step_up(&mut self, now: Instant, lags: &[Lag]) -> Vec<Step> {
        let since = *self.calm_since.get_or_insert(now);
        let calm = now.saturating_duration_since(since);
        if calm < self.calm_needed {
            return Vec::new();
        }
        if !lags.iter().any(|lag| self.is_reduced(lag.peer)) {
            self.calm_since = Some(now);
            self.calm_needed = CALM_FIRST;
            self.known.clear();
            return Vec::new();
        }
        // Who lags although it is reduced would be late at once.
        let ready = lags.iter().find(|lag| {
            let known = self.known.get(&lag.peer).filter(|known| known.decoding == Decoding::KeyFrames);
            lag.behind <= LAG_LOW && known.is_some_and(|known| calm >= known.calm_needed)
        });
        let Some(known) = ready.and_then(|lag| self.known.get_mut(&lag.peer)) else { return Vec::new() };
        known.decoding = Decoding::All;
        self.calm_since = Some(now);
        self.stepped_up = ready.map(|lag| (lag.peer, now));
        ready.iter().map(|lag| Step { peer: lag.peer, decoding: Decoding::All }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(200);

    fn lags(behind_ms: &[u64]) -> Vec<Lag> {
        (1..)
            .zip(behind_ms)
            .map(|(peer, ms)| Lag { peer, behind: Duration::from_millis(*ms), waiting: 200 })
            .collect()
    }

    /// Runs `ticks` rounds of the same measurements from `now` on; what changed, and the time after.
    fn run(governor: &mut Governor, mut now: Instant, ticks: u32, lags: &[Lag]) -> (Vec<Step>, Instant) {
        let mut steps = Vec::new();
        for _ in 0..ticks {
            steps.extend(governor.observe(now, lags));
            now += TICK;
        }
        (steps, now)
    }

    #[test]
    fn a_machine_that_keeps_up_changes_nothing() {
        let (steps, _) = run(&mut Governor::default(), Instant::now(), 500, &lags(&[0, 90, 33]));
        assert_eq!(steps, []);
    }

    #[test]
    fn half_of_those_that_lag_go_down_the_latest_first_and_more_after_a_pause() {
        let mut governor = Governor::default();
        let now = Instant::now();
        let late = lags(&[350, 900, 20, 600]);
        let steps = governor.observe(now, &late);
        assert_eq!(steps.iter().map(|s| s.peer).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(governor.observe(now + TICK, &late), [], "what the first step changed has to show first");
        assert_eq!(
            governor.observe(now + PAUSE_DOWN, &late),
            [Step { peer: 1, decoding: Decoding::KeyFrames }]
        );
        assert!(!governor.is_reduced(3));
        assert_eq!(governor.observe(now + 2 * PAUSE_DOWN, &late), [], "who is down already goes no lower");
    }

    #[test]
    fn calm_brings_them_back_one_by_one() {
        let mut governor = Governor::default();
        let (_, now) = run(&mut governor, Instant::now(), 3, &lags(&[500, 500]));
        let (steps, now) = run(&mut governor, now, 24, &lags(&[0, 0]));
        assert_eq!(steps, [], "calm has not lasted yet");
        let (steps, now) = run(&mut governor, now, 24, &lags(&[0, 0]));
        assert_eq!(steps, [Step { peer: 1, decoding: Decoding::All }]);
        let (steps, _) = run(&mut governor, now, 26, &lags(&[0, 0]));
        assert_eq!(steps, [Step { peer: 2, decoding: Decoding::All }]);
    }

    #[test]
    fn a_step_up_that_was_too_much_makes_the_next_wait_longer() {
        let mut governor = Governor::default();
        let (_, now) = run(&mut governor, Instant::now(), 1, &lags(&[500]));
        let (steps, now) = run(&mut governor, now, 26, &lags(&[0]));
        assert_eq!(steps.len(), 1);
        let (steps, now) = run(&mut governor, now, 1, &lags(&[500]));
        assert_eq!(steps, [Step { peer: 1, decoding: Decoding::KeyFrames }]);
        let (steps, now) = run(&mut governor, now, 40, &lags(&[0]));
        assert_eq!(steps, [], "after 8 s still down");
        let (steps, _) = run(&mut governor, now, 15, &lags(&[0]));
        assert_eq!(steps, [Step { peer: 1, decoding: Decoding::All }]);
    }

    #[test]
    fn a_peer_that_is_gone_is_forgotten() {
        let mut governor = Governor::default();
        let now = Instant::now();
        governor.observe(now, &lags(&[500]));
        governor.observe(now + TICK, &[]);
        assert_eq!(governor.known.len(), 0);
    }

    /// What changes while one peer has so many packets waiting at each look.
    fn with_waiting(waiting: impl IntoIterator<Item = u64>) -> Vec<Step> {
        let mut governor = Governor::default();
        let began = Instant::now();
        let looks = (1..).zip(waiting).map(|(look, waiting)| {
            let now = began + TICK * look;
            // What is decoded came with the burst, and time goes on.
            let behind = if waiting == 0 { Duration::ZERO } else { TICK * look };
            governor.observe(now, &[Lag { peer: 1, behind, waiting }])
        });
        looks.flatten().collect()
    }

    #[test]
    fn a_burst_that_is_worked_off_is_no_lag_of_the_machine() {
        assert_eq!(with_waiting([400, 320, 240, 160, 80, 0, 0]), []);
    }

    #[test]
    fn what_does_not_shrink_or_too_slowly_is_a_lag_of_the_machine() {
        let reduced = [Step { peer: 1, decoding: Decoding::KeyFrames }];
        assert_eq!(with_waiting([400, 400, 400]), reduced);
        assert_eq!(with_waiting([200, 300, 500]), reduced);
        let slowly = (0..7).map(|look| 4_000 * 8u64.pow(look) / 10u64.pow(look));
        assert_eq!(with_waiting(slowly), [], "it may be a burst yet");
        let too_slowly = (0..12).map(|look| 4_000 * 8u64.pow(look) / 10u64.pow(look));
        assert_eq!(with_waiting(too_slowly), reduced);
    }

    /// What peer 1 and the others are held to after so many rounds in which peer 1 lags by this whenever `when` says so.
    fn beside(behind_ms: u64, when: impl Fn(u32) -> bool) -> Vec<(u64, Decoding)> {
        let mut governor = Governor::default();
        let mut now = Instant::now();
        let mut held: BTreeMap<u64, Decoding> = (1..=4).map(|peer| (peer, Decoding::All)).collect();
        // All lag at first: the machine was busy.
        for round in 0..500 {
            let others = if round < 5 { 500 } else { 0 };
            let one = if round < 5 || when(round) { behind_ms } else { 0 };
            for step in governor.observe(now, &lags(&[one, others, others, others])) {
                held.insert(step.peer, step.decoding);
            }
            now += TICK;
        }
        held.into_iter().collect()
    }

    #[test]
    fn who_lags_for_ever_keeps_nobody_else_down() {
        let held = beside(5_000, |_| true);
        assert_eq!(held[0], (1, Decoding::KeyFrames));
        assert!(held[1..].iter().all(|(_, decoding)| *decoding == Decoding::All), "{held:?}");
    }

    #[test]
    fn who_lags_again_and_again_keeps_nobody_else_down() {
        let held = beside(5_000, |round| round % 40 < 20);
        assert!(held[1..].iter().all(|(_, decoding)| *decoding == Decoding::All), "{held:?}");
    }
}
