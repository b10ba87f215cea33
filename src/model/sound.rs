//! Who hears what of a room.

use serde::{Deserialize, Serialize};

/// Whether a guest may be heard by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audible {
    /// It may.
    Yes,
    /// Its microphone is closed: whatever still comes of it is silence for everybody.
    No,
}

/// What a guest hears of the room; never itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Return {
    /// Every other seat, and whoever talks to it.
    #[default]
    Others,
    /// Only who talks to it.
    Talk,
    /// Nothing: no packet is sent.
    None,
}

impl Return {
    /// Every word of it.
    pub const ALL: [Self; 3] = [Self::Others, Self::Talk, Self::None];

    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Others => "others",
            Self::Talk => "talk",
            Self::None => "none",
        }
    }
}

/// What the speaker of a guest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerStatus {
    /// It is closed: there is no seat, no speaker, or no return.
    #[default]
    Off,
    /// It is open, and nothing is heard.
    Silent,
    /// Something is heard.
    Playing,
}

impl SpeakerStatus {
    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Silent => "silent",
            Self::Playing => "playing",
        }
    }
}
