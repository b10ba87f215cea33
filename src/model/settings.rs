//! Words of the configuration that more than one module obeys.

use serde::Deserialize;

/// The codec in which pictures are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// H.264, constrained baseline.
    #[default]
    H264,
    /// VP8 (RFC 7741).
    Vp8,
}

impl VideoCodec {
    /// What is offered to a stage that does not take this one.
    pub fn other(self) -> Self {
        match self {
            Self::H264 => Self::Vp8,
            Self::Vp8 => Self::H264,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::Vp8 => "VP8",
        }
    }
}
