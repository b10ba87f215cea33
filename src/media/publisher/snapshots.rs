//! Pictures of the camera as JPEG: the next one is asked for, and encoded when it is there; or why there will be none.

use super::capture::CaptureDevice;
use crate::media::bridge::PictureSeen;
use crate::media::core::event_sender::EventSender;
use crate::media::snapshots::{self, SnapshotQueue};
use crate::model::media::{Report, Ticket};
use crate::model::{Code, Refusal};

/// Asks for the next picture of this camera, which is to come by `seen`; or why there will be none.
pub fn ask(ticket: Ticket, camera: &CaptureDevice, seen: &EventSender<PictureSeen>) -> Option<Report> {
    if !camera.delivers() {
        return Some(refused(ticket, no_camera()));
    }
    camera.bridge().view(ticket, seen).is_err().then(|| refused(ticket, snapshots::too_many()))
}

/// Encodes what the camera gave; or why not.
pub fn encode(queue: &SnapshotQueue, PictureSeen { ticket, picture }: PictureSeen) -> Option<Report> {
    let taken = match picture {
        Some(sample) => queue.take(ticket, sample),
        None => Err(no_camera()),
    };
    taken.err().map(|why| refused(ticket, why))
}

fn no_camera() -> Refusal {
    Refusal::new(Code::PermissionDenied, "the camera gives no picture")
}

fn refused(ticket: Ticket, why: Refusal) -> Report {
    Report::Snapshot { ticket, picture: Err(why) }
}
