//! What the pipeline of an open device reports.

use crate::model::Refusal;

/// Something about the stream of an open device.
#[derive(Debug)]
pub enum StreamEvent {
    /// The first picture or sound crossed the bridge.
    FirstBuffer,
    /// A file is at its end, or a device gives nothing any more.
    Ended,
    /// A file has no stream of this kind.
    Absent,
    Broken(Refusal),
}
