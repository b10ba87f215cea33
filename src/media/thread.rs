//! A thread of media as its owner sees it: it is told things, asked whether it turns, and ended.
//!
//! Invariant: nobody waits for the thread but [`Thread::close`], and that no longer than it is told. Not here: its loop.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::heart::{Beat, Heart};

/// What the inbox of such a thread holds, beside all that is its own.
pub trait Call: Send + 'static {
    /// It is to end.
    fn close() -> Self;
    /// Somebody asks whether it turns.
    fn beat(beat: Beat) -> Self;
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
    /// Starts it; `run` takes what comes into the inbox until it is told to close.
    pub fn start(
        name: &'static str,
        inbox: SyncSender<C>,
        run: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (ended, done) = mpsc::sync_channel(1);
        thread::Builder::new().name(name.into()).spawn(move || {
            run();
            // Nobody listens when it was dropped instead of closed.
            ended.try_send(()).unwrap_or_default();
        })?;
        Ok(Self { name, inbox, done, heart: Heart::default() })
    }

    /// Puts something into its inbox.
    pub fn send(&self, call: C) -> Result<(), Overflow> {
        self.inbox.try_send(call).map_err(|_| Overflow(self.name))
    }

    /// Whether it has answered since the last time this was asked; asks again.
    pub fn is_alive(&self) -> bool {
        // A full inbox loses the question: no answer comes.
        self.heart.beats(|beat| self.inbox.try_send(C::beat(beat)).unwrap_or_default())
    }

    /// Ends it and waits for that at most `cap`.
    pub fn close(self, cap: Duration) -> Result<(), CloseTimeout> {
        let timeout = CloseTimeout(self.name);
        self.inbox.try_send(C::close()).map_err(|_| timeout)?;
        match self.done.recv_timeout(cap) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => Err(timeout),
        }
    }
}

impl<C: Call> Drop for Thread<C> {
    fn drop(&mut self) {
        // Closed already, or full: one that has stopped taking calls ends with the process.
        self.inbox.try_send(C::close()).unwrap_or_default();
    }
}
