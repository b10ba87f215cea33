//! When a level is published again that somebody else overwrites: at once, and ever more slowly for who does it in a loop.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause, and the longest.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(4);

/// After so long without an overwriting it is answered at once again.
const FORGIVEN: Duration = Duration::from_secs(30);

/// The pace of one topic.
#[derive(Debug, Default)]
pub(super) struct Restoring {
    last: Option<Instant>,
    pause: Duration,
    due: Option<Instant>,
}

impl Restoring {
    /// It was overwritten: whether it is to be published again now. Else [`Restoring::due`] says when.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        let quiet = self.last.is_none_or(|last| now.saturating_duration_since(last) >= FORGIVEN);
        if quiet {
            self.pause = Duration::ZERO;
        }
        let at = self.last.map_or(now, |last| last + self.pause);
        if quiet || at <= now {
            self.done(now);
            return true;
        }
        self.due = Some(at);
        false
    }

    /// When it is to be published again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// It is published again.
    pub(super) fn done(&mut self, now: Instant) {
        self.last = Some(now);
        self.due = None;
        self.pause = (self.pause * 2).clamp(SHORTEST, LONGEST);
    }

    /// Everything is published again anyway.
    pub(super) fn cancel(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_in_a_loop_is_answered_ever_more_slowly() {
        let mut pace = Restoring::default();
        let begin = Instant::now();
        let mut answers = Vec::new();
        for tick in 0..3_000u32 {
            let now = begin + Duration::from_millis(10) * tick;
            if pace.due().is_some_and(|due| due <= now) {
                pace.done(now);
                answers.push(tick * 10);
            } else if pace.ask(now) {
                answers.push(tick * 10);
            }
        }
        assert_eq!(answers[..5], [0, 500, 1_500, 3_500, 7_500]);
        assert!(answers.windows(2).all(|pair| pair[1] - pair[0] <= 4_100), "{answers:?}");
        assert!(answers.len() <= 11, "{answers:?}");
    }

    #[test]
    fn who_was_quiet_for_long_is_answered_at_once() {
        let mut pace = Restoring::default();
        let now = Instant::now();
        assert!(pace.ask(now) && !pace.ask(now));
        pace.done(now + SHORTEST);
        assert!(pace.ask(now + SHORTEST + FORGIVEN));
    }
}
