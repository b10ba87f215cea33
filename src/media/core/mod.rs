//! What the loops of media are built from. Knows neither publisher nor stage.

pub mod caps;
pub mod discard;
pub mod event_sender;
pub mod job;
