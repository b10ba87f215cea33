//! What the pictures are that a guest sends.

use serde::Serialize;

/// Size and number of the pictures that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SentPicture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pictures a second; 0: a still one now and then.
    pub frame_rate: u32,
}

impl SentPicture {
    /// Whether it is smaller, or there are fewer of them.
    pub fn is_less_than(&self, other: &Self) -> bool {
        (self.height, self.frame_rate) < (other.height, other.frame_rate)
    }
}

/// How the pictures that are sent have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureChange {
    /// The first of a peer connection.
    Begun,
    /// Smaller, or fewer.
    Reduced,
    /// Larger again, or more.
    Restored,
}
