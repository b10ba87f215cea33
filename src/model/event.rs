//! Events a daemon publishes. The name is the last level of the topic; the fields are the payload, to which the shell adds `at`.

use serde::Serialize;

use super::media::SentPicture;
use super::message::{DeviceKind, NoResponse, UnseatReason};
use super::viewer::WatchEnd;
use super::{By, Cause, Connection, ExtraInfo, Media, Operator, RequestTimeout, SessionId, User};

/// How the pictures that a guest sends have changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QualityChange {
    /// What is sent by now.
    #[serde(flatten)]
    pub picture: SentPicture,
    /// What the path carries, in kilobits a second.
    pub kbps: u32,
    /// Why, in words.
    pub why: String,
}

/// An event of either role; serializes as its fields. [`Event::name`] is its topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "names and fields are those of the protocol document")]
pub enum Event {
    // At the guest.
    ApplicationAccepted {
        seat_index: u32,
        by: By,
    },
    ApplicationRejected {
        by: By,
    },
    ApplicationNoResponse {
        reason: NoResponse,
    },
    InvitationReceived {
        by: By,
        seat_index: i64,
        media: Media,
        timeout: RequestTimeout,
        extra_info: Option<ExtraInfo>,
    },
    InvitationCancelled {
        by: By,
    },
    InvitationNoResponse {
        by: By,
        reason: NoResponse,
    },
    Seated {
        seat_index: u32,
    },
    Unseated {
        seat_index: u32,
        reason: UnseatReason,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<By>,
    },
    KickedOffSeat {
        seat_index: u32,
        by: By,
    },
    SeatMoved {
        from: u32,
        to: u32,
        by: By,
    },
    ClosedByAdmin {
        #[serde(skip)]
        device: DeviceKind,
        by: By,
    },
    UnlockedByAdmin {
        #[serde(skip)]
        device: DeviceKind,
        by: By,
    },
    LiveEnded {},
    HostLost {},
    HostBack {},
    GuestMediaLive {
        accept_to_first_packet_ms: Option<u64>,
        recovered_in_ms: Option<u64>,
    },
    MediaRecovering {
        attempt: u32,
        why: String,
        cause: Cause,
    },
    MediaFailed {
        why: String,
    },
    QualityReduced(QualityChange),
    QualityRestored(QualityChange),
    EncoderReplaced {
        encoder: String,
        instead_of: String,
        why: String,
    },
    CameraLost {
        camera: String,
        why: String,
    },
    CameraBack {
        camera: String,
    },
    MicrophoneLost {
        microphone: String,
        why: String,
    },
    MicrophoneBack {
        microphone: String,
    },
    // At the host.
    ApplicationReceived {
        user: User,
        seat_index: i64,
        media: Media,
        timeout: RequestTimeout,
        extra_info: Option<ExtraInfo>,
    },
    ApplicationCancelled {
        user: User,
    },
    ApplicationProcessed {
        user: User,
        accepted: bool,
        by: By,
    },
    HostApplicationNoResponse {
        user: User,
        reason: NoResponse,
    },
    InvitationAccepted {
        user: User,
        seat_index: u32,
    },
    InvitationRejected {
        user: User,
    },
    HostInvitationNoResponse {
        user: User,
        reason: NoResponse,
    },
    GuestSeated {
        user: User,
        seat_index: u32,
    },
    GuestUnseated {
        user: User,
        seat_index: u32,
        reason: UnseatReason,
    },
    GuestJoined {
        user: User,
    },
    GuestLeft {
        user: User,
    },
    GuestMoved {
        user: User,
        from: u32,
        to: u32,
    },
    GuestConnection {
        user: User,
        connection: Connection,
    },
    HostMediaLive {
        user: User,
    },
    MediaLost {
        user: User,
    },
    WatchEnded {
        session: SessionId,
        user: User,
        reason: WatchEnd,
    },
    TalkStarted {
        user: User,
        operator: Option<Operator>,
    },
    TalkEnded {
        user: User,
        operator: Option<Operator>,
    },
}

impl Event {
    /// The event's name as it stands in the topic.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ApplicationAccepted { .. } => "application_accepted",
            Self::ApplicationRejected { .. } => "application_rejected",
            Self::ApplicationNoResponse { .. } | Self::HostApplicationNoResponse { .. } => {
                "application_no_response"
            }
            Self::InvitationReceived { .. } => "invitation_received",
            Self::InvitationCancelled { .. } => "invitation_cancelled",
            Self::InvitationNoResponse { .. } | Self::HostInvitationNoResponse { .. } => {
                "invitation_no_response"
            }
            Self::Seated { .. } => "seated",
            Self::Unseated { .. } => "unseated",
            Self::KickedOffSeat { .. } => "kicked_off_seat",
            Self::SeatMoved { .. } => "seat_moved",
            Self::ClosedByAdmin { device: DeviceKind::Camera, .. } => "camera_closed_by_admin",
            Self::ClosedByAdmin { device: DeviceKind::Microphone, .. } => "microphone_closed_by_admin",
            Self::UnlockedByAdmin { device: DeviceKind::Camera, .. } => "camera_unlocked_by_admin",
            Self::UnlockedByAdmin { device: DeviceKind::Microphone, .. } => "microphone_unlocked_by_admin",
            Self::LiveEnded {} => "live_ended",
            Self::HostLost {} => "host_lost",
            Self::HostBack {} => "host_back",
            Self::GuestMediaLive { .. } | Self::HostMediaLive { .. } => "media_live",
            Self::MediaRecovering { .. } => "media_recovering",
            Self::MediaFailed { .. } => "media_failed",
            Self::QualityReduced(_) => "quality_reduced",
            Self::QualityRestored(_) => "quality_restored",
            Self::EncoderReplaced { .. } => "encoder_replaced",
            Self::CameraLost { .. } => "camera_lost",
            Self::CameraBack { .. } => "camera_back",
            Self::MicrophoneLost { .. } => "microphone_lost",
            Self::MicrophoneBack { .. } => "microphone_back",
            Self::ApplicationReceived { .. } => "application_received",
            Self::ApplicationCancelled { .. } => "application_cancelled",
            Self::ApplicationProcessed { .. } => "application_processed",
            Self::InvitationAccepted { .. } => "invitation_accepted",
            Self::InvitationRejected { .. } => "invitation_rejected",
            Self::GuestSeated { .. } => "guest_seated",
            Self::GuestUnseated { .. } => "guest_unseated",
            Self::GuestJoined { .. } => "guest_joined",
            Self::GuestLeft { .. } => "guest_left",
            Self::GuestMoved { .. } => "guest_moved",
            Self::GuestConnection { .. } => "guest_connection",
            Self::MediaLost { .. } => "media_lost",
            Self::WatchEnded { .. } => "watch_ended",
            Self::TalkStarted { .. } => "talk_started",
            Self::TalkEnded { .. } => "talk_ended",
        }
    }
}
