//! Threads that decode the pictures of all peers, and the queue in front of each decoder.
//!
//! ```text
//! peer's thread ─► Queue (leaky) ─┐                            ┌─► depayloader ─ decoder
//! peer's thread ─► Queue (leaky) ─┼─► threads, one per core ───┼─► depayloader ─ decoder
//! ```
//! A thread takes one packet of one queue after the other, so that nobody's pictures hold up all others. Invariants: a queue is worked
//! off by one thread at a time, in order; a peer's thread never waits for a decoder. Not here: decoders of the hardware, which may
//! hang; each has GStreamer's own queue.

mod element;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use gstreamer as gst;
use gstreamer::prelude::*;

use self::element::Queue;

/// So much may wait for a decoder before the oldest is thrown away. The governor acts at a tenth of it.
pub const LONGEST: gst::ClockTime = gst::ClockTime::from_seconds(3);
/// A bound in memory too, for streams whose time stamps lie: 8 MiB is 3 s at 20 Mbit/s.
pub const MOST_BYTES: u32 = 8 << 20;
/// More cores than this are of no use for the pictures of a room.
const MOST_THREADS: usize = 4;

/// The threads; they end with it.
#[derive(Debug)]
pub struct Pool {
    work: Arc<Work>,
    threads: Vec<JoinHandle<()>>,
}

/// Queues that have something to be decoded, in the order of their turns.
#[derive(Debug, Default)]
struct Work {
    turns: Mutex<Turns>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Turns {
    queues: VecDeque<gst::glib::WeakRef<Queue>>,
    is_closing: bool,
}

impl Pool {
    /// Starts the threads.
    pub fn start() -> std::io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let work = Arc::<Work>::default();
        let threads = (0..count).map(|_| {
            let work = Arc::clone(&work);
            thread::Builder::new().name("stage-decode".into()).spawn(move || work.run())
        });
        let threads = threads.collect::<Result<_, _>>()?;
        Ok(Self { work, threads })
    }

    /// A queue that these threads work off.
    pub fn queue(&self) -> gst::Element {
        Queue::of(&self.work).upcast()
    }

    /// Ends the threads, when they have decoded what they are at.
    pub fn finish(self) {
        self.work.turns().is_closing = true;
        self.work.wake.notify_all();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a decoding thread panicked");
            }
        }
    }
}

impl Work {
    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue has something to do.
    fn wants_turn(&self, queue: &Queue) {
        self.turns().queues.push_back(queue.downgrade());
        self.wake.notify_one();
    }

    fn run(&self) {
        let mut turns = self.turns();
        while !turns.is_closing {
            let Some(queue) = turns.queues.pop_front() else {
                turns = self.wake.wait(turns).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(turns);
            if let Some(queue) = queue.upgrade() {
                queue.take_turn();
            }
            turns = self.turns();
        }
    }
}
