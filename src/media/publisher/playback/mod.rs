//! What the stage sends back, played by a speaker.
//!
//! Invariant: a stage that sends nothing costs nothing, and a speaker that fails costs only itself.

mod event;
mod player;
mod playout;
mod speaker;

pub use event::Event;
pub use player::Player;
pub use playout::LEAST;
#[cfg(test)]
pub use speaker::Find;
pub use speaker::{NAME, Speaker};
