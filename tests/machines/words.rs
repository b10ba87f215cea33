//! Words of a random life, made from a number.

use coguestd::model::media::GuestStats;
use coguestd::model::message::{DeviceKind, Grant, Invitation};
use coguestd::model::{InvitationId, Media, RequestTimeout};

use super::guest_stand::id;
use super::random_guest::by;

pub fn kind(y: u8) -> DeviceKind {
    if y.is_multiple_of(2) { DeviceKind::Camera } else { DeviceKind::Microphone }
}

pub fn grant(y: u8) -> Grant {
    match y % 7 {
        5 => Grant::Mqtt { stage: id("browser") },
        6 => Grant::Whip { publish_url: None, token: None, playback_url: None },
        _ => Grant::Mqtt { stage: id("host-1") },
    }
}

pub fn stats(y: u8) -> GuestStats {
    GuestStats { round_trip_ms: Some(f64::from(y) * 5.0), loss: Some(0.0), ..GuestStats::default() }
}

pub fn invitation(invitation_id: InvitationId, media: Media, timeout: RequestTimeout) -> Invitation {
    Invitation { invitation_id, seat_index: -1, media, timeout, extra_info: None, by: by() }
}
