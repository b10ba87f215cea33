//! Pictures of seats as JPEG, encoded on a thread of their own.

use std::sync::mpsc::SyncSender;

use gstreamer as gst;

use super::events::Event;
use crate::media::still;
use crate::media::worker::Worker;
use crate::model::media::Ticket;
use crate::model::{Code, Refusal};

/// Pictures that may wait; more are refused.
const MOST_WAITING: usize = 8;

/// The encoding thread.
#[derive(Debug)]
pub struct Snapshots(Worker<(Ticket, gst::Sample)>);

impl Snapshots {
    /// Starts the thread. What it makes comes as [`Event::Still`].
    pub fn start(events: SyncSender<Event>) -> std::io::Result<Self> {
        let encode = move |(ticket, sample): (Ticket, gst::Sample)| {
            let picture =
                still::jpeg(&sample).map_err(|error| Refusal::new(Code::PermissionDenied, error.to_string()));
            if events.try_send(Event::Still { ticket, picture }).is_err() {
                tracing::error!("a picture was dropped: the stage is overloaded");
            }
        };
        Worker::start("stage-snapshot", MOST_WAITING, encode).map(Self)
    }

    /// Encodes this picture.
    pub fn take(&self, ticket: Ticket, sample: gst::Sample) -> Result<(), Refusal> {
        let busy = |_| Refusal::new(Code::RateLimited, "too many pictures are being made: ask again later");
        self.0.give((ticket, sample)).map_err(busy)
    }

    /// Ends the thread and waits for it.
    pub fn finish(self) {
        self.0.finish();
    }
}
