//! Pictures of the camera as JPEG, encoded on a thread of their own.

use gstreamer as gst;

use super::capture::CaptureDevice;
use crate::media::bridge::PictureSeen;
use crate::media::core::event_sender::EventSender;
use crate::media::still;
use crate::media::worker::Worker;
use crate::model::media::{Picture, Report, Ticket};
use crate::model::{Code, Refusal};

/// Pictures that may wait; more are refused.
const MOST_WAITING: usize = 8;

/// Pictures are asked for faster than they are made.
const TOO_MANY: (Code, &str) = (Code::RateLimited, "too many pictures are being made: ask again later");
const NO_CAMERA: (Code, &str) = (Code::PermissionDenied, "the camera gives no picture");

/// A picture that was asked for, or why there is none.
#[derive(Debug)]
pub struct SnapshotTaken {
    pub ticket: Ticket,
    pub picture: Result<Picture, Refusal>,
}

/// The encoding thread.
#[derive(Debug)]
pub struct SnapshotQueue(Worker<(Ticket, gst::Sample)>);

impl SnapshotQueue {
    pub fn start(events: EventSender<SnapshotTaken>) -> std::io::Result<Self> {
        let encode = move |(ticket, sample): (Ticket, gst::Sample)| {
            let picture =
                still::jpeg(&sample).map_err(|error| Refusal::new(Code::PermissionDenied, error.to_string()));
            if events.try_send(SnapshotTaken { ticket, picture }).is_err() {
                tracing::error!("a picture was dropped: the publisher is overloaded");
            }
        };
        Worker::start("darkroom", MOST_WAITING, encode).map(Self)
    }

    /// Asks for the next picture of this camera, which is to come by `seen`; or why there will be none.
    pub fn ask(
        &self,
        ticket: Ticket,
        camera: &CaptureDevice,
        seen: &EventSender<PictureSeen>,
    ) -> Option<Report> {
        if !camera.delivers() {
            return Some(refused(ticket, NO_CAMERA));
        }
        camera.bridge().view(ticket, seen).is_err().then(|| refused(ticket, TOO_MANY))
    }

    /// Encodes what the camera gave; or why not.
    pub fn encode(&self, PictureSeen { ticket, picture }: PictureSeen) -> Option<Report> {
        match picture {
            Some(sample) => self.0.give((ticket, sample)).is_err().then(|| refused(ticket, TOO_MANY)),
            None => Some(refused(ticket, NO_CAMERA)),
        }
    }

    /// Ends the thread and waits for it.
    pub fn finish(self) {
        self.0.finish();
    }
}

fn refused(ticket: Ticket, (code, why): (Code, &str)) -> Report {
    Report::Snapshot { ticket, picture: Err(Refusal::new(code, why)) }
}
