//! The codecs that are sent and taken. Pure.

/// A codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Audio.
    Opus,
    /// Video.
    H264,
    /// Video.
    Vp8,
}

impl Codec {
    /// The codec of RTP with this encoding name, in any case.
    pub fn of(encoding_name: &str) -> Option<Self> {
        [Self::Opus, Self::H264, Self::Vp8]
            .into_iter()
            .find(|c| c.encoding_name().eq_ignore_ascii_case(encoding_name))
    }

    /// The name in SDP and in RTP caps.
    pub fn encoding_name(self) -> &'static str {
        match self {
            Self::Opus => "OPUS",
            Self::H264 => "H264",
            Self::Vp8 => "VP8",
        }
    }
}
