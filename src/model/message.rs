//! What guests, hosts and stages say to each other on the room plane.

mod device;
mod outcome;
mod signal;

use serde::{Deserialize, Serialize};

pub use device::DeviceKind;
pub use outcome::Outcome;
pub use signal::{Signal, SignalBody};

use super::{
    By, DeviceSwitch, ExtraInfo, InvitationId, Media, Phase, RequestId, RequestTimeout, User, UserId,
};

/// What an application asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// −1 for any free seat, else the index; whether it exists is the host's to say.
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

/// −1: any free, unlocked seat, lowest index first.
pub const ANY_SEAT: i64 = -1;

pub(super) fn any_seat() -> i64 {
    ANY_SEAT
}

pub(super) fn default_timeout() -> RequestTimeout {
    RequestTimeout::DEFAULT
}

/// An invitation as it reaches the invitee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Names it in the answer.
    pub invitation_id: InvitationId,
    /// −1 for any free seat, else the index.
    pub seat_index: i64,
    /// What the seat carries.
    pub media: Media,
    /// What is left of it.
    pub timeout: RequestTimeout,
    /// Passed through untouched.
    #[serde(default)]
    pub extra_info: Option<ExtraInfo>,
    /// Who invites.
    pub by: By,
}

/// Where a seat's media goes. Never shown: the addresses of a server may hold keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "transport", rename_all = "snake_case")]
pub enum Grant {
    /// Straight to a peer; SDP and ICE travel on the room plane.
    Mqtt {
        /// The peer.
        stage: UserId,
    },
    /// To a server (RFC 9725); what comes back is played from WHEP.
    Whip {
        /// WHIP endpoint; null: this seat publishes nothing.
        publish_url: Option<String>,
        /// Bearer token for both.
        token: Option<Token>,
        /// WHEP endpoint; null: nothing is played.
        playback_url: Option<String>,
    },
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Mqtt { .. }) { "Mqtt(…)" } else { "Whip(…)" })
    }
}

/// A bearer token. Travels in clear; never shown in a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The guest's own seat, in the answer to its `join`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSeat {
    /// Which seat.
    pub seat_index: u32,
    /// What it carries.
    pub media: Media,
    /// Where the media goes.
    pub grant: Grant,
    /// The camera as the host knows it.
    pub camera: DeviceSwitch,
    /// The microphone as the host knows it.
    pub microphone: DeviceSwitch,
}

/// What the host still has of a guest that joins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Membership {
    /// Its seat.
    pub seat: Option<OwnSeat>,
    /// Its application; `timeout` is what is left.
    pub application: Option<Application>,
    /// Its invitations.
    #[serde(default)]
    pub invitations: Vec<Invitation>,
    /// Which of its devices it may not open, on whatever seat; `None`: the host does not say.
    #[serde(default)]
    pub banned: Option<Vec<DeviceKind>>,
}

/// A request of a guest to its host. Each is answered by exactly one [`ToGuest::Result`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToHost {
    /// Enter the room, or renew the user object.
    Join {
        /// Who.
        user: User,
        /// Random, new at each start of the guest's program; at most 64 characters.
        #[serde(deserialize_with = "short")]
        session: String,
    },
    /// Leave the room.
    Leave,
    /// Apply for a seat.
    Apply(Application),
    /// Take the application back.
    CancelApplication,
    /// Accept an invitation.
    AcceptInvitation {
        /// Which.
        invitation_id: InvitationId,
    },
    /// Reject an invitation.
    RejectInvitation {
        /// Which.
        invitation_id: InvitationId,
    },
    /// Leave the seat.
    LeaveSeat,
    /// Say what the devices of a seated guest are doing.
    Devices(Devices),
}

/// A name that the host keeps for as long as the guest is inside.
pub(crate) fn short<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.chars().count() > 64 {
        return Err(serde::de::Error::custom("session must be at most 64 characters"));
    }
    Ok(text)
}

/// The devices of a seated guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// On or off.
    pub microphone: OnOff,
    /// On or off.
    pub camera: OnOff,
    /// How far the stay is, where the stage is not the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOff {
    /// Open.
    On,
    /// Closed.
    Off,
}

impl From<OnOff> for DeviceSwitch {
    fn from(value: OnOff) -> Self {
        match value {
            OnOff::On => Self::On,
            OnOff::Off => Self::Off,
        }
    }
}

/// Why a request ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoResponse {
    /// Its time ran out.
    Timeout,
    /// Another request led to the seat.
    AlreadySeated,
    /// The other side was gone too long.
    Offline,
    /// The live is over.
    LiveEnded,
}

/// Why a seat was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnseatReason {
    /// The guest left.
    Left,
    /// The host kicked it.
    Kicked,
    /// The seat was locked.
    SeatLocked,
    /// Another guest was moved there by force.
    Replaced,
    /// The guest was gone longer than the hold.
    Offline,
    /// The live is over.
    LiveEnded,
    /// The host was gone longer than the guest holds.
    HostLost,
    /// Media could not be kept up.
    MediaFailed,
}

/// What the host may do with a guest's device: nobody opens one from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceAction {
    /// Close it and keep it closed.
    Close,
    /// Lift the ban; the device stays closed.
    Unlock,
}

/// What the host (or the stage) says to one guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToGuest {
    /// The answer to a request.
    Result {
        /// Which request; null only where the request's own could not be read.
        request_id: RequestId,
        /// Taken or refused, and for `join` what the host still has.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// The application was accepted; `seated` follows.
    ApplicationAccepted {
        /// Which seat.
        seat_index: u32,
        /// What it carries.
        media: Media,
        /// Who accepted.
        by: By,
    },
    /// The application was rejected.
    ApplicationRejected {
        /// Who rejected.
        by: By,
    },
    /// The application ended without an answer.
    ApplicationNoResponse {
        /// Why.
        reason: NoResponse,
    },
    /// An invitation.
    Invitation(Invitation),
    /// The invitation was taken back.
    InvitationCancelled {
        /// Which.
        invitation_id: InvitationId,
        /// Who took it back.
        by: By,
    },
    /// The invitation ended without an answer.
    InvitationNoResponse {
        /// Which.
        invitation_id: InvitationId,
        /// Why.
        reason: NoResponse,
    },
    /// Onto a seat.
    Seated {
        /// Which seat.
        seat_index: u32,
        /// What it carries.
        media: Media,
        /// Where the media goes.
        grant: Grant,
    },
    /// Off the seat.
    Unseated {
        /// Which seat.
        seat_index: u32,
        /// Why.
        reason: UnseatReason,
        /// Who did it, where somebody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<By>,
    },
    /// To another seat; media goes on.
    Moved {
        /// From where.
        from: u32,
        /// To where.
        to: u32,
        /// Who moved it.
        by: By,
    },
    /// A ban, or its end.
    DeviceControl {
        /// Which device.
        device: DeviceKind,
        /// Close or unlock.
        action: DeviceAction,
        /// Who did it.
        by: By,
    },
    /// The live is over.
    LiveEnded {},
    /// Media signalling from the stage.
    Signal(Signal),
}
