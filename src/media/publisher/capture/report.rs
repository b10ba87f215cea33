//! What is reported of a device: each change once, and each cause of a loss.

use crate::model::media::Report;
use crate::model::message::DeviceKind;
use crate::model::{Code, Refusal};

/// What was last reported of a device in this stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastReport {
    Nothing,
    Delivers,
    Lost(Code),
}

impl LastReport {
    /// The device delivers.
    pub fn delivered(&mut self, epoch: u64, device: DeviceKind, id: String) -> Option<Report> {
        let before = std::mem::replace(self, Self::Delivers);
        if before != Self::Delivers {
            tracing::info!("{device} open: {id}");
        }
        match before {
            Self::Nothing => Some(Report::DeviceOpened { epoch, device, id }),
            Self::Lost(_) => Some(Report::DeviceBack { epoch, device, id }),
            Self::Delivers => None,
        }
    }

    /// The device does not deliver, or not any more.
    pub fn lost(&mut self, epoch: u64, device: DeviceKind, refusal: Refusal) -> Option<Report> {
        let code = match self {
            // The guest gives a loss this code, whatever its cause.
            Self::Delivers => device.start_fail(),
            Self::Nothing | Self::Lost(_) => refusal.code,
        };
        match std::mem::replace(self, Self::Lost(code)) {
            Self::Lost(last) if last == refusal.code => None,
            Self::Nothing | Self::Lost(_) => {
                tracing::warn!("{device} not open: {}", refusal.message);
                Some(Report::DeviceFailed { epoch, device, error: refusal })
            }
            Self::Delivers => {
                tracing::warn!("{device} lost: {}", refusal.message);
                Some(Report::DeviceLost { epoch, device, why: refusal.message })
            }
        }
    }
}

/// Whether a different way of capturing cannot help against this.
pub fn is_hopeless(code: Code) -> bool {
    matches!(
        code,
        Code::CameraDeviceEmpty
            | Code::CameraOccupied
            | Code::CameraNotAuthorized
            | Code::MicrophoneDeviceEmpty
            | Code::MicrophoneOccupied
            | Code::MicrophoneNotAuthorized
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: DeviceKind = DeviceKind::Camera;

    fn refusal(code: Code) -> Refusal {
        Refusal::new(code, "why")
    }

    #[test]
    fn each_change_is_reported_once() {
        let mut last = LastReport::Nothing;
        let opened = Some(Report::DeviceOpened { epoch: 3, device: CAMERA, id: "usb".to_owned() });
        assert_eq!(last.delivered(3, CAMERA, "usb".to_owned()), opened);
        assert_eq!(last.delivered(3, CAMERA, "usb".to_owned()), None);
        let lost = Some(Report::DeviceLost { epoch: 3, device: CAMERA, why: "why".to_owned() });
        assert_eq!(last.lost(3, CAMERA, refusal(Code::CameraDeviceEmpty)), lost);
        let back = Some(Report::DeviceBack { epoch: 3, device: CAMERA, id: "usb".to_owned() });
        assert_eq!(last.delivered(3, CAMERA, "usb".to_owned()), back);
    }

    #[test]
    fn a_different_cause_of_a_failure_is_reported() {
        let mut last = LastReport::Nothing;
        let failed = |code| Some(Report::DeviceFailed { epoch: 3, device: CAMERA, error: refusal(code) });
        let mut lost = |code| last.lost(3, CAMERA, refusal(code));
        assert_eq!(lost(Code::CameraOccupied), failed(Code::CameraOccupied));
        assert_eq!(lost(Code::CameraOccupied), None);
        assert_eq!(lost(Code::CameraDeviceEmpty), failed(Code::CameraDeviceEmpty));
    }

    #[test]
    fn after_a_loss_the_general_cause_is_known_already() {
        let mut last = LastReport::Delivers;
        assert!(last.lost(3, CAMERA, refusal(Code::CameraDeviceEmpty)).is_some());
        assert_eq!(last.lost(3, CAMERA, refusal(CAMERA.start_fail())), None);
    }
}
