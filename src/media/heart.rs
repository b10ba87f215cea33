//! Whether a thread of media turns, and that it is to end: said past its inbox, which may be full.
//!
//! It is asked with a number and gives that number back. Invariant: asking never waits and takes no room, and a beat that is held
//! back is made good by the next one that is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// What both sides see.
#[derive(Debug, Default)]
struct Shared {
    asked: AtomicU64,
    answered: AtomicU64,
    over: AtomicBool,
}

/// The side that asks.
#[derive(Debug, Default)]
pub struct Heart(Arc<Shared>);

/// The side of the thread; it looks at each turn of its loop.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<Shared>,
    /// The last question that was taken.
    taken: u64,
}

/// One question, with the thread.
#[derive(Debug)]
pub struct Beat {
    number: u64,
    shared: Arc<Shared>,
}

impl Heart {
    /// The other side.
    pub fn listener(&self) -> Listener {
        Listener { shared: Arc::clone(&self.0), taken: 0 }
    }

    /// Whether the last question was answered (the first has none before it); asks the next.
    pub fn beats(&self) -> bool {
        let last = self.0.asked.fetch_add(1, Relaxed);
        self.0.answered.load(Relaxed) == last
    }

    /// Whether a question is without its answer.
    #[cfg(test)]
    pub fn is_owed(&self) -> bool {
        self.0.answered.load(Relaxed) != self.0.asked.load(Relaxed)
    }

    /// The thread is to end.
    pub fn stop(&self) {
        self.0.over.store(true, Relaxed);
    }
}

impl Listener {
    /// The newest question, if it was not taken before.
    pub fn question(&mut self) -> Option<Beat> {
        let number = self.shared.asked.load(Relaxed);
        let is_new = std::mem::replace(&mut self.taken, number) != number;
        is_new.then(|| Beat { number, shared: Arc::clone(&self.shared) })
    }

    /// Whether it is to end.
    pub fn is_over(&self) -> bool {
        self.shared.over.load(Relaxed)
    }
}

impl Beat {
    /// The thread turns, and all is well with it.
    pub fn answer(self) {
        self.shared.answered.store(self.number, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_while_the_last_question_is_answered() {
        let heart = Heart::default();
        let mut listener = heart.listener();
        assert!(listener.question().is_none(), "nothing was asked");
        assert!(heart.beats(), "nothing was asked before the first");
        let first = listener.question().expect("asked");
        assert!(listener.question().is_none(), "taken once");
        assert!(!heart.beats(), "held back");
        first.answer();
        assert!(!heart.beats(), "a late answer is not one to the last question");
    }

    #[test]
    fn an_answer_makes_up_for_those_held_back() {
        let heart = Heart::default();
        let mut listener = heart.listener();
        assert!(heart.beats());
        assert!(!heart.beats());
        listener.question().expect("the newest").answer();
        assert!(heart.beats());
    }

    #[test]
    fn the_end_is_seen() {
        let heart = Heart::default();
        let listener = heart.listener();
        assert!(!listener.is_over());
        heart.stop();
        assert!(listener.is_over());
    }
}
