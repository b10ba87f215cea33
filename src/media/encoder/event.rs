//! What happens to encoders outside the loop's thread.

use super::running::RunningEncoder;

/// Something that happened to an encoder.
#[derive(Debug)]
pub enum Event {
    /// The encoder of this number was made, or why not.
    Made { number: u64, made: Result<Box<RunningEncoder>, String> },
    /// The encoder of the last stay is ready for the next; `None`: it could not be kept.
    Parked(Option<Box<RunningEncoder>>),
    /// The encoder of this number reported an error on its pipeline's bus.
    Broke { number: u64, why: String },
}
