//! Snapshots of a daemon: what is, as a level. Equal snapshots need no publication; [`GuestState::json`] and
//! [`HostState::json`] give the shape that travels, at one moment.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::media::{Quality, SentPicture};
use super::sound::SpeakerStatus;
use super::viewer::Watching;
use super::{By, Connection, ExtraInfo, LiveId, Media, Phase, Refusal, User, UserId, Volume};

/// When something pending ends; `None` for never. Serialized as the whole seconds left, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(pub Option<Instant>);

impl Deadline {
    /// Whole seconds left at `now`, rounded up; `None` for never.
    pub fn seconds_left(self, now: Instant) -> Option<u64> {
        self.0.map(|at| {
            let left = at.saturating_duration_since(now);
            left.as_secs() + u64::from(left.subsec_nanos() > 0)
        })
    }
}

/// A guest's place in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomMembership {
    /// In no room.
    Outside,
    /// Asked to enter, or waiting for the room to be live.
    Joining,
    /// Inside.
    Inside,
    /// Inside, but the host is gone.
    HostLost,
}

/// A device of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStatus {
    /// Open.
    On,
    /// Closed.
    Off,
    /// Wanted, but gone or not to be opened.
    Lost,
    /// Kept closed by the host.
    ClosedByAdmin,
}

/// How good the network to the stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the SDK's own scale")]
pub enum NetworkQuality {
    Unknown,
    Excellent,
    Good,
    Poor,
    Bad,
    VeryBad,
    Down,
}

/// The network as published; the numbers are those of the moment the quality last changed, so they alone change nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// The judgement.
    pub quality: NetworkQuality,
    /// Milliseconds.
    pub delay_ms: Option<f64>,
    /// Share lost on the way out, 0–1.
    pub up_loss: Option<f64>,
    /// Share lost on the way in, 0–1.
    pub down_loss: Option<f64>,
}

impl Network {
    /// Nothing known.
    pub const UNKNOWN: Self =
        Self { quality: NetworkQuality::Unknown, delay_ms: None, up_loss: None, down_loss: None };
}

/// A guest's pending invitation.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingInvitation {
    /// Who invites.
    pub by: By,
    /// −1 or the index.
    pub seat_index: i64,
    /// When it ends.
    pub expires: Deadline,
}

/// A guest's seat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeatState {
    /// Which seat.
    pub index: u32,
    /// How far the stay is.
    pub phase: Phase,
    /// What it carries.
    pub media: Media,
}

/// A guest's camera.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CameraState {
    /// Open, closed, lost.
    pub status: DeviceStatus,
    /// Its id, or the configured choice while it is closed.
    pub device: String,
    /// The largest picture.
    pub quality: Quality,
    /// What is sent; `None` while nothing is.
    pub sent: Option<SentPicture>,
}

/// A guest's microphone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MicrophoneState {
    /// Open, closed, lost.
    pub status: DeviceStatus,
    /// Its id, or the configured choice while it is closed.
    pub device: String,
    /// Percent.
    pub volume: Volume,
}

/// What a guest draws into its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LayersState {
    /// Whether its name is over them.
    pub foreground: bool,
}

/// The snapshot of a guest.
#[derive(Debug, Clone, PartialEq)]
pub struct GuestState {
    /// Which room.
    pub live_id: Option<LiveId>,
    /// Inside or not.
    pub membership: RoomMembership,
    /// The pending application: its seat index and its end.
    pub application: Option<(i64, Deadline)>,
    /// Pending invitations, oldest first.
    pub invitations: Vec<PendingInvitation>,
    /// The seat.
    pub seat: Option<SeatState>,
    /// The camera.
    pub camera: CameraState,
    /// The microphone.
    pub microphone: MicrophoneState,
    /// The speaker.
    pub speaker: SpeakerStatus,
    /// What is drawn.
    pub layers: LayersState,
    /// The network.
    pub network: Network,
    /// The last failure of camera, microphone or media; none after the next success.
    pub last_error: Option<Refusal>,
    /// One English sentence of at most 120 characters; also systemd's `STATUS=`.
    pub summary: String,
}

impl GuestState {
    /// The snapshot as it travels, at `now`.
    pub fn json(&self, now: Instant) -> Value {
        json!({
            "role": "guest",
            "room": {"live_id": self.live_id, "membership": self.membership},
            "application": self.application.map(|(seat_index, expires)|
                json!({"seat_index": seat_index, "expires_in": expires.seconds_left(now)})),
            "invitations": self.invitations.iter().map(|i|
                json!({"by": i.by, "seat_index": i.seat_index, "expires_in": i.expires.seconds_left(now)})).collect::<Vec<_>>(),
            "seat": self.seat,
            "camera": self.camera,
            "microphone": self.microphone,
            "speaker": self.speaker,
            "layers": self.layers,
            "network": self.network,
            "last_error": self.last_error,
            "summary": self.summary,
        })
    }
}

/// One of the host's pending requests.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingRequest {
    /// The guest.
    pub user: User,
    /// −1 or the index.
    pub seat_index: i64,
    /// What the seat is to carry.
    pub media: Media,
    /// When it ends.
    pub expires: Deadline,
    /// What came with it.
    pub extra_info: Option<ExtraInfo>,
    /// Of an invitation: who invited.
    pub by: Option<By>,
}

/// A host's seated guest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connected {
    /// The guest.
    pub user: User,
    /// Which seat.
    pub seat_index: u32,
    /// The way to the stage.
    pub connection: Connection,
}

/// A list that is cut for publication, with its true length.
#[derive(Debug, Clone, PartialEq)]
pub struct Cut<T> {
    /// The first of them, at most [`LIST_MAX`].
    pub shown: Vec<T>,
    /// How many there are.
    pub total: usize,
}

/// Longest list in a snapshot.
pub const LIST_MAX: usize = 100;

/// Largest payload, in bytes.
pub const PAYLOAD_MAX: usize = 64 * 1024;

/// The snapshot of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostState {
    /// The room it hosts; `None` between lives.
    pub live_id: Option<LiveId>,
    /// `Inside` while the live runs, `Joining` while it is being started, else `Outside`.
    pub membership: RoomMembership,
    /// Pending applications, oldest first.
    pub applicants: Cut<PendingRequest>,
    /// Pending invitations, oldest first.
    pub invitees: Cut<PendingRequest>,
    /// Seated guests, by seat.
    pub connected: Vec<Connected>,
    /// Inside, not seated.
    pub candidates: Cut<User>,
    /// Louder than −45 dBFS now.
    pub speaking: Vec<UserId>,
    /// Sessions of viewers, oldest first.
    pub watching: Cut<Watching>,
    /// The last failure of the stage.
    pub last_error: Option<Refusal>,
    /// One English sentence of at most 120 characters; also systemd's `STATUS=`.
    pub summary: String,
}

impl HostState {
    /// The snapshot as it travels, at `now`, cut until it keeps to 64 KiB: first each `extra_info` is left out, then its lists are
    /// shortened.
    pub fn json(&self, now: Instant) -> Value {
        let fits = |value: &Value| value.to_string().len() <= PAYLOAD_MAX;
        let whole = self.cut_to(LIST_MAX, now, |request| request.extra_info.as_ref());
        if fits(&whole) {
            return whole;
        }
        let mut most = LIST_MAX;
        loop {
            let value = self.cut_to(most, now, |_| None);
            if most == 0 || fits(&value) {
                return value;
            }
            most = most * 3 / 4;
        }
    }

    fn cut_to(
        &self,
        most: usize,
        now: Instant,
        extra_info: impl Fn(&PendingRequest) -> Option<&ExtraInfo>,
    ) -> Value {
        let request = |r: &PendingRequest| {
            let mut value = json!({"user": r.user, "seat_index": r.seat_index, "media": r.media,
                "expires_in": r.expires.seconds_left(now), "extra_info": extra_info(r)});
            if let Some(by) = &r.by {
                value["by"] = json!(by);
            }
            value
        };
        json!({
            "role": "host",
            "room": {"live_id": self.live_id, "membership": self.membership},
            "camera": {"status": "off", "device": null, "quality": null},
            "microphone": {"status": "off", "device": null, "volume": null},
            "network": Network::UNKNOWN,
            "applicants": self.applicants.shown.iter().take(most).map(request).collect::<Vec<_>>(),
            "applicants_total": self.applicants.total,
            "invitees": self.invitees.shown.iter().take(most).map(request).collect::<Vec<_>>(),
            "invitees_total": self.invitees.total,
            "connected": self.connected,
            "candidates": self.candidates.shown.iter().take(most).collect::<Vec<_>>(),
            "candidates_total": self.candidates.total,
            "speaking": self.speaking,
            "watching": self.watching.shown.iter().take(most).collect::<Vec<_>>(),
            "watching_total": self.watching.total,
            "last_error": self.last_error,
            "summary": self.summary,
        })
    }
}
