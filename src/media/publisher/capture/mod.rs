//! Cameras and microphones: found, opened, watched, looked for when they are lost, and closed.
//!
//! ```text
//! device ─► opener (its thread) ─► source ─► sink ─► bridge
//! ```
//! Invariant: [`CaptureDevice`] alone decides when a device is open. Not here: which device a name means (`settings`, the closures).

mod candidates;
mod device;
mod event;
mod file;
mod opener;
mod order;
mod report;
mod request;
mod search;
mod sink;
mod source;
mod state;
mod stream;
mod thread;
mod volume;

pub use candidates::choose;
pub use device::CaptureDevice;
pub use event::Event;
pub use request::CaptureRequest;
pub use search::{Pause, Search};
pub use volume::{Card, VolumeControl};
