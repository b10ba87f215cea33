//! Which device is meant, and what its faults are called.

use serde::{Deserialize, Serialize};

use crate::model::Code;

/// Which device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// The camera.
    Camera,
    /// The microphone.
    Microphone,
}

impl std::fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Camera => "camera",
            Self::Microphone => "microphone",
        })
    }
}

impl DeviceKind {
    /// There is none of it.
    pub fn device_empty(self) -> Code {
        match self {
            Self::Camera => Code::CameraDeviceEmpty,
            Self::Microphone => Code::MicrophoneDeviceEmpty,
        }
    }

    /// This program may not open it.
    pub fn not_authorized(self) -> Code {
        match self {
            Self::Camera => Code::CameraNotAuthorized,
            Self::Microphone => Code::MicrophoneNotAuthorized,
        }
    }

    /// Somebody else has it open.
    pub fn occupied(self) -> Code {
        match self {
            Self::Camera => Code::CameraOccupied,
            Self::Microphone => Code::MicrophoneOccupied,
        }
    }

    /// It does not start, for any other reason.
    pub fn start_fail(self) -> Code {
        match self {
            Self::Camera => Code::CameraStartFail,
            Self::Microphone => Code::MicrophoneStartFail,
        }
    }
}
