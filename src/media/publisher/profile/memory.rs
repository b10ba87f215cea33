//! In whose memory a picture goes from a camera to its encoder.

use serde::Deserialize;

/// Whose memory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "bool")]
pub enum Memory {
    /// The program's: the picture is copied there, and can be drawn into.
    #[default]
    Own,
    /// The camera's (DMABUF): the board's encoder reads it there.
    Camera,
}

impl From<bool> for Memory {
    fn from(shared: bool) -> Self {
        if shared { Self::Camera } else { Self::Own }
    }
}
