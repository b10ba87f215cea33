//! Who is decoded whole, and who by key frames only, when the machine cannot keep up.
//!
//! Pure: it is told how far each decoder lags behind what arrives, and says which peers change. Its invariant: a step down follows
//! a lag that was measured, a step up follows a calm that lasted, and a step up that proved too much makes the next one wait twice as long.
//! Dropping frames and asking for key frames is the business of the decoding chain.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A decoder that lags more than this cannot keep up: a third of a second is seen by everyone.
const LAG_HIGH: Duration = Duration::from_millis(300);
/// Below this everything is as it should be: three frames at 30 a second.
const LAG_LOW: Duration = Duration::from_millis(100);
/// What one step down changed shows in the lag only after its queue is emptied.
const PAUSE_DOWN: Duration = Duration::from_millis(400);
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
    reduced: BTreeSet<u64>,
    stepped_down: Option<Instant>,
    stepped_up: Option<Instant>,
    calm_since: Option<Instant>,
    calm_needed: Duration,
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            reduced: BTreeSet::new(),
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
        self.reduced.retain(|peer| lags.iter().any(|lag| lag.peer == *peer));
        let mut late: Vec<Lag> = lags
            .iter()
            .filter(|lag| lag.behind > LAG_HIGH && !self.reduced.contains(&lag.peer))
            .copied()
            .collect();
        if !late.is_empty() {
            self.calm_since = None;
            late.sort_by_key(|lag| std::cmp::Reverse(lag.behind));
            return self.step_down(now, &late);
        }
        if lags.iter().any(|lag| lag.behind > LAG_LOW) {
            self.calm_since = None;
            return Vec::new();
        }
        self.step_up(now)
    }

    fn step_down(&mut self, now: Instant, late: &[Lag]) -> Vec<Step> {
        if self.stepped_down.is_some_and(|at| now.saturating_duration_since(at) < PAUSE_DOWN) {
            return Vec::new();
        }
        if self.stepped_up.take().is_some_and(|at| now.saturating_duration_since(at) < 2 * self.calm_needed) {
            self.calm_needed = (2 * self.calm_needed).min(CALM_LONGEST);
        }
        self.stepped_down = Some(now);
        let chosen = &late[..late.len().div_ceil(2)];
        self.reduced.extend(chosen.iter().map(|lag| lag.peer));
        chosen.iter().map(|lag| Step { peer: lag.peer, decoding: Decoding::KeyFrames }).collect()
    }

    fn step_up(&mut self, now: Instant) -> Vec<Step> {
        let since = *self.calm_since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.calm_needed {
            return Vec::new();
        }
        self.calm_since = Some(now);
        let Some(peer) = self.reduced.pop_first() else {
            self.calm_needed = CALM_FIRST;
            return Vec::new();
        };
        self.stepped_up = Some(now);
        vec![Step { peer, decoding: Decoding::All }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(200);

    fn lags(behind_ms: &[u64]) -> Vec<Lag> {
        (1..).zip(behind_ms).map(|(peer, ms)| Lag { peer, behind: Duration::from_millis(*ms) }).collect()
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
        assert!(!governor.reduced.contains(&3));
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
        assert_eq!(governor.reduced.len(), 0);
    }
}
