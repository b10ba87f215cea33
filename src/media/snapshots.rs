//! Pictures as JPEG, encoded on a thread of their own.

use gstreamer as gst;

use super::core::event_sender::EventSender;
use super::still;
use super::worker::Worker;
use crate::model::media::{Picture, Ticket};
use crate::model::{Code, Refusal};

/// Pictures that may wait; more are refused.
const MOST_WAITING: usize = 8;

/// A picture that was asked for, or why there is none.
#[derive(Debug)]
pub struct SnapshotTaken {
    /// What it was asked for with.
    pub ticket: Ticket,
    pub picture: Result<Picture, Refusal>,
}

/// The encoding thread.
#[derive(Debug)]
pub struct SnapshotQueue(Worker<(Ticket, gst::Sample)>);

impl SnapshotQueue {
    /// Starts the thread of this name. What it makes comes by `events`.
    pub fn start(name: &'static str, events: EventSender<SnapshotTaken>) -> std::io::Result<Self> {
        let encode = move |(ticket, sample): (Ticket, gst::Sample)| {
            let picture =
                still::jpeg(&sample).map_err(|error| Refusal::new(Code::PermissionDenied, error.to_string()));
            if events.try_send(SnapshotTaken { ticket, picture }).is_err() {
                tracing::error!("a picture was dropped: who asked for it is overloaded");
            }
        };
        Worker::start(name, MOST_WAITING, encode).map(Self)
    }

    /// Encodes this picture.
    ///
    /// # Errors
    /// Too many wait.
    pub fn take(&self, ticket: Ticket, sample: gst::Sample) -> Result<(), Refusal> {
        self.0.give((ticket, sample)).map_err(|_| too_many())
    }

    /// Ends the thread and waits for it.
    pub fn finish(self) {
        self.0.finish();
    }
}

/// Pictures are asked for faster than they are made.
pub fn too_many() -> Refusal {
    Refusal::new(Code::RateLimited, "too many pictures are being made: ask again later")
}
