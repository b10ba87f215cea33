//! From the pipeline of a device to what is sent: the bridge, and what is sent over it while no device delivers.

#[allow(clippy::module_inception)]
mod bridge;
pub mod fallback;
mod pace;

pub use bridge::{ActiveInput, Bridge, First, FrameKind, PictureSeen, target};
pub use fallback::Fallback;
