//! A thread of media as its owner sees it: it is told things, asked whether it turns, and ended.
//!
//! Invariants: nobody waits for the thread but [`Thread::close`], and that no longer than it is told; whether it turns and that it is to
//! end does not go through its inbox, which only wakes it. Not here: its loop.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::heart::{Heart, Listener};

/// What the inbox of such a thread holds, beside all that is its own.
pub trait Call: Send + 'static {
    /// It is to look at its listener.
    fn look() -> Self;
}

/// The thread has more to do than it can hold, or is closed; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {0} takes nothing more now")]
pub struct Overflow(&'static str);

/// The thread did not end within the given time; it goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {0} did not end in time")]
pub struct CloseTimeout(&'static str);

/// A running thread. Dropping it ends it without waiting.
#[derive(Debug)]
pub struct Thread<C: Call> {
    name: &'static str,
    inbox: SyncSender<C>,
    done: Receiver<()>,
    heart: Heart,
}

impl<C: Call> Thread<C> {
    /// Starts it; `run` takes what comes into the inbox until its listener says that it is over.
    pub fn start(
        name: &'static str,
        inbox: SyncSender<C>,
        run: impl FnOnce(Listener) + Send + 'static,
    ) -> std::io::Result<Self> {
        let heart = Heart::default();
        let listener = heart.listener();
        let (ended, done) = mpsc::sync_channel(1);
        thread::Builder::new().name(name.into()).spawn(move || {
            run(listener);
            // Nobody listens when it was dropped instead of closed.
            ended.try_send(()).unwrap_or_default();
        })?;
        Ok(Self { name, inbox, done, heart })
    }

    /// Puts something into its inbox.
    pub fn send(&self, call: C) -> Result<(), Overflow> {
        self.inbox.try_send(call).map_err(|_| Overflow(self.name))
    }

    /// Whether it has answered since the last time this was asked; asks again.
    pub fn is_alive(&self) -> bool {
        let beats = self.heart.beats();
        self.wake();
        beats
    }

    /// Ends it and waits for that at most `cap`.
    pub fn close(self, cap: Duration) -> Result<(), CloseTimeout> {
        self.heart.stop();
        self.wake();
        match self.done.recv_timeout(cap) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => Err(CloseTimeout(self.name)),
        }
    }

    /// One whose inbox is full is awake.
    fn wake(&self) {
        self.inbox.try_send(C::look()).unwrap_or_default();
    }
}

impl<C: Call> Drop for Thread<C> {
    fn drop(&mut self) {
        self.heart.stop();
        self.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Letter {
        Look,
        Junk,
    }

    impl Call for Letter {
        fn look() -> Self {
            Self::Look
        }
    }

    /// Whoever floods a thread hides neither its signs of life nor its end.
    #[test]
    fn a_full_inbox_hides_no_sign_of_life_and_no_end() {
        const PATIENCE: Duration = Duration::from_secs(30);
        let (inbox, letters) = mpsc::sync_channel(1);
        let (go, may_go) = mpsc::channel::<()>();
        let thread = Thread::start("test", inbox, move |mut listener| {
            while !listener.is_over() {
                if may_go.recv().is_err() {
                    continue;
                }
                assert_ne!(letters.recv(), Ok(Letter::Look), "there was no room for it");
                if let Some(beat) = listener.question() {
                    beat.answer();
                }
            }
        })
        .expect("a thread");
        thread.send(Letter::Junk).expect("room for one");
        assert_eq!(thread.send(Letter::Junk), Err(Overflow("test")));
        assert!(thread.is_alive(), "nothing was asked before");
        go.send(()).expect("it waits");
        let deadline = std::time::Instant::now() + PATIENCE;
        while thread.heart.is_owed() {
            assert!(std::time::Instant::now() < deadline, "no answer");
            thread::sleep(Duration::from_millis(1));
        }
        thread.send(Letter::Junk).expect("room for one");
        drop(go);
        thread.close(PATIENCE).expect("it ends");
    }
}
