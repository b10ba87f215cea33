//! Whether a thread of media turns: it is asked with a number and gives that number back.
//!
//! Invariant: asking never waits, and a beat that is held back (or lost) is made good by the next one that is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The side that asks.
#[derive(Debug, Default)]
pub struct Heart {
    asked: AtomicU64,
    answered: Arc<AtomicU64>,
}

/// One question, on its way to the thread.
#[derive(Debug)]
pub struct Beat {
    number: u64,
    answered: Arc<AtomicU64>,
}

impl Heart {
    /// Whether the last question was answered (the first has none before it); asks the next with `send`.
    pub fn beats(&self, send: impl FnOnce(Beat)) -> bool {
        let last = self.asked.fetch_add(1, Relaxed);
        let beats = self.answered.load(Relaxed) == last;
        send(Beat { number: last + 1, answered: Arc::clone(&self.answered) });
        beats
    }
}

impl Beat {
    /// The thread turns, and all is well with it.
    pub fn answer(self) {
        self.answered.store(self.number, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_while_the_last_question_is_answered() {
        let heart = Heart::default();
        let mut held = Vec::new();
        assert!(heart.beats(Beat::answer), "nothing was asked before the first");
        assert!(heart.beats(|beat| held.push(beat)));
        assert!(!heart.beats(|beat| held.push(beat)), "held back");
        held.remove(0).answer();
        assert!(!heart.beats(Beat::answer), "a late answer is not one to the last question");
    }

    #[test]
    fn an_answer_makes_up_for_those_held_back() {
        let heart = Heart::default();
        assert!(heart.beats(drop));
        assert!(!heart.beats(drop));
        assert!(!heart.beats(Beat::answer));
        assert!(heart.beats(Beat::answer));
    }
}
