//! Commands an operator gives, their parameters, and what they return.

use serde::{Deserialize, Serialize};

use super::controls::ControlValue;
use super::media::{Mirror, Picture, Quality, Ticket};
use super::message::{ANY_SEAT, Application, any_seat, default_timeout};
use super::sound::Return;
use super::viewer::{TalkWish, Unwatch, WatchAnswer, WatchOffer};
use super::{
    ExtraInfo, LiveId, Media, Operator, Refusal, RequestTimeout, SeatMode, UserId, UserName, Volume,
};

/// A command, read and checked for shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// For the guest role.
    Guest(GuestCommand),
    /// For the host role.
    Host {
        /// Who of several operators acts.
        operator: Option<Operator>,
        /// What to do.
        command: HostCommand,
    },
    /// For the device, whichever its role.
    Device(DeviceCommand),
}

/// Commands of the guest role.
#[derive(Debug, Clone, PartialEq)]
pub enum GuestCommand {
    /// `join_live`
    JoinLive(JoinLive),
    /// `leave_live`
    LeaveLive,
    /// `apply_for_seat`
    ApplyForSeat(Application),
    /// `cancel_application`
    CancelApplication,
    /// `accept_invitation`
    AcceptInvitation(Inviter),
    /// `reject_invitation`
    RejectInvitation(Inviter),
    /// `disconnect`
    Disconnect,
}

/// Which room.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinLive {
    /// The room.
    pub live_id: LiveId,
}

/// Whose invitation; needed only when several are pending.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inviter {
    /// The host that invites.
    #[serde(default)]
    pub inviter_id: Option<UserId>,
}

/// Parameters of `apply_for_seat`; see [`Application`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyForSeat {
    #[serde(default = "any_seat")]
    seat_index: i64,
    #[serde(default = "default_timeout")]
    timeout: RequestTimeout,
    #[serde(default)]
    media: Media,
    #[serde(default)]
    extra_info: Option<ExtraInfo>,
}

impl From<ApplyForSeat> for Application {
    fn from(p: ApplyForSeat) -> Self {
        Self { seat_index: p.seat_index, timeout: p.timeout, media: p.media, extra_info: p.extra_info }
    }
}

impl Default for Application {
    fn default() -> Self {
        Self { seat_index: ANY_SEAT, timeout: RequestTimeout::DEFAULT, media: Media::Video, extra_info: None }
    }
}

/// Commands of the host role.
#[derive(Debug, Clone, PartialEq)]
pub enum HostCommand {
    /// `start_live`
    StartLive(StartLive),
    /// `end_live`
    EndLive,
    /// `accept_application`
    AcceptApplication(Who),
    /// `reject_application`
    RejectApplication(Who),
    /// `invite_to_seat`
    InviteToSeat(InviteToSeat),
    /// `cancel_invitation`
    CancelInvitation(Invitee),
    /// `kick_user_out_of_seat`
    KickUserOutOfSeat(Who),
    /// `take_seat_snapshot`
    TakeSeatSnapshot(Who),
    /// `set_return`
    SetReturn(SetReturn),
    /// The command `watch`.
    Watch(Who),
    /// The command `watch_answer`.
    WatchAnswer(WatchAnswer),
    /// The command `talk`.
    Talk(TalkWish),
    /// The command `unwatch`.
    Unwatch(Unwatch),
    /// `move_user_to_seat`
    MoveUserToSeat(MoveUserToSeat),
    /// `lock_seat`
    LockSeat(SeatIndex),
    /// `unlock_seat`
    UnlockSeat(SeatIndex),
    /// `close_remote_camera`
    CloseRemoteCamera(Who),
    /// `close_remote_microphone`
    CloseRemoteMicrophone(Who),
    /// `open_remote_camera`
    OpenRemoteCamera(Who),
    /// `open_remote_microphone`
    OpenRemoteMicrophone(Who),
}

/// Parameters of `start_live`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartLive {
    /// The room.
    pub live_id: LiveId,
    /// How many seats, 1–32; absent: as configured (8).
    #[serde(default)]
    pub seats: Option<SeatCount>,
    /// Who decides applications; absent: as configured (`apply`).
    #[serde(default)]
    pub seat_mode: Option<SeatMode>,
}

/// How many seats a room has, 1–32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct SeatCount(u32);

impl SeatCount {
    /// Eight, the default.
    pub const DEFAULT: Self = Self(8);

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for SeatCount {
    type Error = &'static str;
    fn try_from(seats: i64) -> Result<Self, &'static str> {
        u32::try_from(seats).ok().filter(|s| (1..=32).contains(s)).map(Self).ok_or("seats must be 1 to 32")
    }
}

/// A user to act on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// The user.
    pub user_id: UserId,
}

/// Parameters of `set_return`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetReturn {
    /// The guest.
    pub user_id: UserId,
    /// What it hears in this stay.
    #[serde(rename = "return")]
    pub returned: Return,
}

/// An invitee.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitee {
    /// The user.
    pub invitee_id: UserId,
}

/// A seat to act on; whether it exists is the host's to say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatIndex {
    /// The index.
    pub seat_index: i64,
}

/// Parameters of `invite_to_seat`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InviteToSeat {
    /// Whom.
    pub invitee_id: UserId,
    /// −1 for any free seat.
    #[serde(default = "any_seat")]
    pub seat_index: i64,
    /// How long it stays open.
    #[serde(default = "default_timeout")]
    pub timeout: RequestTimeout,
    /// What the seat is to carry.
    #[serde(default)]
    pub media: Media,
    /// Passed through untouched.
    #[serde(default)]
    pub extra_info: Option<ExtraInfo>,
}

/// Parameters of `move_user_to_seat`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveUserToSeat {
    /// Whom.
    pub user_id: UserId,
    /// Where to; −1 for any free seat.
    pub seat_index: i64,
    /// What to do with an occupant.
    #[serde(default)]
    pub policy: MovePolicy,
}

/// What a move does when somebody sits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum MovePolicy {
    /// Refuse with `seat_occupied`.
    #[default]
    AbortWhenOccupied,
    /// The two change places.
    SwapPosition,
    /// The occupant leaves the seat.
    ForceReplace,
}

/// Commands of the device, whichever its role.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceCommand {
    /// `open_local_camera`
    OpenLocalCamera,
    /// `close_local_camera`
    CloseLocalCamera,
    /// `open_local_microphone`
    OpenLocalMicrophone,
    /// `close_local_microphone`
    CloseLocalMicrophone,
    /// `switch_camera`; the shell replaces the choice by an id of `list_devices` or refuses it.
    SwitchCamera(SwitchCamera),
    /// `set_capture_volume`
    SetCaptureVolume(SetVolume),
    /// `set_output_volume`
    SetOutputVolume(SetVolume),
    /// `set_video_quality`
    SetVideoQuality(SetVideoQuality),
    /// `set_mirror`
    SetMirror(SetMirror),
    /// `set_user_info`
    SetUserInfo(SetUserInfo),
    /// `list_devices`: answered by the shell.
    ListDevices,
    /// `get_camera_controls`: answered by the shell.
    GetCameraControls(CameraControls),
    /// `set_camera_control`: answered by the shell.
    SetCameraControl(SetCameraControl),
    /// `get_state`
    GetState,
    /// `take_snapshot`
    TakeSnapshot,
}

/// Parameters of `switch_camera`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchCamera {
    /// `auto`, an id, a path or a part of the name.
    pub camera: String,
}

/// Parameters of `get_camera_controls`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraControls {
    /// As for `switch_camera`; absent for the one in use.
    #[serde(default)]
    pub camera: Option<String>,
}

/// Parameters of `set_camera_control`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetCameraControl {
    /// As for `switch_camera`; absent for the one in use.
    #[serde(default)]
    pub camera: Option<String>,
    /// The control's name.
    pub control: String,
    /// What it is to be.
    pub value: ControlValue,
}

/// Parameters of the volume commands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetVolume {
    /// Percent.
    pub volume: Volume,
}

/// Parameters of `set_video_quality`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetVideoQuality {
    /// Picture size.
    pub quality: Quality,
}

/// Parameters of `set_mirror`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetMirror {
    /// Mirrored or not.
    pub mirror: Mirror,
}

/// Parameters of `set_user_info`; what is absent stays.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetUserInfo {
    /// The name.
    #[serde(default)]
    pub user_name: Option<UserName>,
    /// The picture, at most 512 bytes.
    #[serde(default)]
    pub avatar_url: Option<String>,
}

/// What a command returns at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Done: `{}`.
    Done,
    /// `get_state`: the snapshot as it is now; the shell renders it.
    State,
    /// A picture.
    Picture(Picture),
    /// How a seat is watched.
    Watch(WatchOffer),
    /// Not yet: exactly one output with this ticket answers it.
    Pending(Ticket),
}

/// How a pending command ended.
pub type Settled = Result<Answer, Refusal>;
