//! Every event of both roles.

use std::collections::BTreeSet;

use coguestd::model::event::{Event, QualityChange};
use coguestd::model::media::SentPicture;
use coguestd::model::message::{DeviceKind, NoResponse, UnseatReason};
use coguestd::model::viewer::WatchEnd;
use coguestd::model::{Cause, Connection, Media, RequestTimeout};
use coguestd::mqtt::wire::device;

use super::golden::{Golden, hold};
use super::messages::{by, user};

/// The events of the protocol document.
const AT_THE_GUEST: &[&str] = &[
    "application_accepted",
    "application_rejected",
    "application_no_response",
    "invitation_received",
    "invitation_cancelled",
    "invitation_no_response",
    "seated",
    "unseated",
    "kicked_off_seat",
    "seat_moved",
    "camera_closed_by_admin",
    "camera_unlocked_by_admin",
    "microphone_closed_by_admin",
    "microphone_unlocked_by_admin",
    "live_ended",
    "host_lost",
    "host_back",
    "media_live",
    "media_recovering",
    "media_failed",
    "quality_reduced",
    "quality_restored",
    "encoder_replaced",
    "camera_lost",
    "camera_back",
    "microphone_lost",
    "microphone_back",
];
const AT_THE_HOST: &[&str] = &[
    "application_received",
    "application_cancelled",
    "application_processed",
    "application_no_response",
    "invitation_accepted",
    "invitation_rejected",
    "invitation_no_response",
    "guest_seated",
    "guest_unseated",
    "guest_joined",
    "guest_left",
    "guest_moved",
    "guest_connection",
    "media_live",
    "media_lost",
    "watch_ended",
    "talk_started",
    "talk_ended",
];

#[test]
fn the_guests_events_are_as_their_golden_files_say() {
    held("event_at_guest", &at_the_guest(), AT_THE_GUEST);
}

#[test]
fn the_hosts_events_are_as_their_golden_files_say() {
    held("event_at_host", &at_the_host(), AT_THE_HOST);
}

fn held(folder: &str, events: &[Event], names: &[&str]) {
    let at = "2026-01-02T03:04:05.678Z".parse().expect("a time");
    let files: Vec<_> =
        events.iter().map(|event| Golden::new(folder, event.name(), device::event(event, at))).collect();
    hold(folder, &files);
    let said: BTreeSet<_> = events.iter().map(Event::name).collect();
    assert_eq!(said, names.iter().copied().collect(), "every event has its file");
}

fn at_the_guest() -> Vec<Event> {
    let (seat_index, reason) = (2, NoResponse::Timeout);
    let id = || "usb-1".to_owned();
    let why = || "the device is gone".to_owned();
    vec![
        Event::ApplicationAccepted { seat_index, by: by() },
        Event::ApplicationRejected { by: by() },
        Event::ApplicationNoResponse { reason },
        Event::InvitationReceived {
            by: by(),
            seat_index: -1,
            media: Media::Audio,
            timeout: RequestTimeout::DEFAULT,
            extra_info: None,
        },
        Event::InvitationCancelled { by: by() },
        Event::InvitationNoResponse { by: by(), reason },
        Event::Seated { seat_index },
        Event::Unseated { seat_index, reason: UnseatReason::Kicked, by: Some(by()) },
        Event::KickedOffSeat { seat_index, by: by() },
        Event::SeatMoved { from: 2, to: 0, by: by() },
        Event::ClosedByAdmin { device: DeviceKind::Camera, by: by() },
        Event::UnlockedByAdmin { device: DeviceKind::Camera, by: by() },
        Event::ClosedByAdmin { device: DeviceKind::Microphone, by: by() },
        Event::UnlockedByAdmin { device: DeviceKind::Microphone, by: by() },
        Event::LiveEnded {},
        Event::HostLost {},
        Event::HostBack {},
        Event::GuestMediaLive { accept_to_first_packet_ms: Some(180), recovered_in_ms: None },
        Event::MediaRecovering {
            attempt: 1,
            why: "nothing was heard of host-1 for 6 s".to_owned(),
            cause: Cause::PathSilent,
        },
        Event::QualityReduced(change(640, 360, "the network gives 0.5 Mbit/s")),
        Event::QualityRestored(change(960, 540, "the network gives 0.9 Mbit/s")),
        Event::EncoderReplaced {
            encoder: "x264enc".to_owned(),
            instead_of: "v4l2h264enc".to_owned(),
            why: "v4l2h264enc gives no frame".to_owned(),
        },
        Event::MediaFailed { why: "neither camera nor microphone works".to_owned() },
        Event::CameraLost { camera: id(), why: why() },
        Event::CameraBack { camera: id() },
        Event::MicrophoneLost { microphone: id(), why: why() },
        Event::MicrophoneBack { microphone: id() },
    ]
}

fn change(width: u32, height: u32, why: &str) -> QualityChange {
    let picture = SentPicture { width, height, frame_rate: 30 };
    QualityChange { picture, kbps: 512, why: why.to_owned() }
}

fn at_the_host() -> Vec<Event> {
    let (user, seat_index, reason) = (user("kiosk-7"), 2, NoResponse::Offline);
    vec![
        Event::ApplicationReceived {
            user: user.clone(),
            seat_index: -1,
            media: Media::Video,
            timeout: RequestTimeout::NEVER,
            extra_info: Some("from the lobby".to_owned().try_into().expect("short")),
        },
        Event::ApplicationCancelled { user: user.clone() },
        Event::ApplicationProcessed { user: user.clone(), accepted: true, by: by() },
        Event::HostApplicationNoResponse { user: user.clone(), reason },
        Event::InvitationAccepted { user: user.clone(), seat_index },
        Event::InvitationRejected { user: user.clone() },
        Event::HostInvitationNoResponse { user: user.clone(), reason },
        Event::GuestSeated { user: user.clone(), seat_index },
        Event::GuestUnseated { user: user.clone(), seat_index, reason: UnseatReason::SeatLocked },
        Event::GuestJoined { user: user.clone() },
        Event::GuestLeft { user: user.clone() },
        Event::GuestMoved { user: user.clone(), from: 2, to: 0 },
        Event::GuestConnection { user: user.clone(), connection: Connection::Lost },
        Event::HostMediaLive { user: user.clone() },
        Event::MediaLost { user: user.clone() },
        Event::WatchEnded {
            session: "w1".to_owned().try_into().expect("short"),
            user: user.clone(),
            reason: WatchEnd::NoAnswer,
        },
        Event::TalkStarted {
            user: user.clone(),
            operator: Some("desk-2".to_owned().try_into().expect("short")),
        },
        Event::TalkEnded { user, operator: None },
    ]
}
