//! A thread for what may take its time, with a bounded queue in front.

use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

/// One such thread. Its work ends with what was queued when it is closed.
#[derive(Debug)]
pub struct Worker<T> {
    queue: SyncSender<T>,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts the thread `name`; at most `room` pieces wait for it.
    pub fn start(name: &str, room: usize, work: impl Fn(T) + Send + 'static) -> std::io::Result<Self> {
        let (queue, pieces) = mpsc::sync_channel(room);
        let thread =
            thread::Builder::new().name(name.to_owned()).spawn(move || pieces.into_iter().for_each(work))?;
        Ok(Self { queue, thread })
    }

    /// Hands over a piece; gives it back when the queue is full.
    pub fn give(&self, piece: T) -> Result<(), T> {
        self.queue.try_send(piece).map_err(|error| match error {
            mpsc::TrySendError::Full(piece) | mpsc::TrySendError::Disconnected(piece) => piece,
        })
    }

    /// Waits for the end of everything queued.
    pub fn finish(self) {
        drop(self.queue);
        if self.thread.join().is_err() {
            tracing::error!("a worker of media panicked");
        }
    }
}
