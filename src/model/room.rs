//! Users, seats and the public room.

use serde::{Deserialize, Serialize};

use super::message::DeviceKind;
use super::{LiveId, Operator, UserId, UserName};

/// Longest avatar URL in bytes.
const MAX_AVATAR_URL: usize = 512;

/// A user as others see it. The name falls back to the id, the avatar URL to `""`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawUser")]
pub struct User {
    /// Who it is.
    pub user_id: UserId,
    /// What to show; never empty.
    pub user_name: UserName,
    /// Where others find the picture; `""` for none. At most 512 bytes.
    pub avatar_url: String,
}

#[derive(Deserialize)]
struct RawUser {
    user_id: UserId,
    user_name: Option<UserName>,
    avatar_url: Option<String>,
}

impl User {
    /// A user; an empty or absent name becomes the id. Errors when the avatar URL is longer than 512 bytes.
    pub fn new(
        user_id: UserId,
        user_name: Option<UserName>,
        avatar_url: Option<String>,
    ) -> Result<Self, &'static str> {
        let user_name = user_name.filter(|n| !n.as_str().is_empty()).unwrap_or_else(|| {
            UserName::try_from(user_id.to_string()).expect("an id is at most 64 printable characters")
        });
        let avatar_url = avatar_url.unwrap_or_default();
        if avatar_url.len() > MAX_AVATAR_URL || avatar_url.contains(char::is_control) {
            return Err("avatar_url must be at most 512 bytes without control characters");
        }
        Ok(Self { user_id, user_name, avatar_url })
    }

    /// A user of whom only the id is known.
    pub fn named_by_id(user_id: UserId) -> Self {
        Self::new(user_id, None, None).expect("no avatar URL is no long one")
    }
}

impl TryFrom<RawUser> for User {
    type Error = &'static str;
    fn try_from(raw: RawUser) -> Result<Self, &'static str> {
        Self::new(raw.user_id, raw.user_name, raw.avatar_url)
    }
}

/// Who caused something: a user object and, where several operators share a host, which of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// Which operator of that host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
}

impl From<User> for By {
    fn from(user: User) -> Self {
        Self { user, operator: None }
    }
}

/// What a seat carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// Camera and microphone.
    #[default]
    Video,
    /// Microphone only.
    Audio,
}

/// Who decides an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SeatMode {
    /// An operator, or the configured policy.
    #[default]
    Apply,
    /// Nobody: whoever asks sits.
    Free,
}

/// A camera or a microphone as the room sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum DeviceSwitch {
    /// Open.
    On,
    /// Closed.
    #[default]
    Off,
    /// Closed and kept closed by the host.
    ClosedByAdmin,
}

/// The way between a seat and its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// No media yet, or again.
    Connecting,
    /// The stage receives media.
    Connected,
    /// The guest is offline, or its media stopped.
    Lost,
}

/// How far a stay on a seat is. Every phase but `Live` has a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The pipelines start and make an offer.
    Preparing,
    /// The offer is out, the answer awaited.
    Negotiating,
    /// ICE and DTLS at work.
    Connecting,
    /// Media flows.
    Live,
    /// Media stopped; another attempt is on its way.
    Recovering,
    /// The seat is being left.
    Leaving,
}

/// Whether somebody is connected to the broker, as its retained `status` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// `online`
    Online,
    /// `offline`, or nothing known.
    Offline,
}

/// Whether a room is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomStatus {
    /// It runs.
    Live,
    /// It is over; its seats are empty and unlocked.
    Ended,
}

/// One seat of the public room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// 0 … seats − 1.
    pub index: u32,
    /// Nobody may sit down.
    pub locked: bool,
    /// Who sits there.
    pub user: Option<User>,
    /// What the seat carries; null while empty.
    pub media: Option<Media>,
    /// The occupant's microphone; `off` while empty.
    pub microphone: DeviceSwitch,
    /// The occupant's camera; `off` while empty.
    pub camera: DeviceSwitch,
    /// The way to the stage; null while empty.
    pub connection: Option<Connection>,
}

impl Seat {
    /// An empty, unlocked seat.
    pub fn empty(index: u32) -> Self {
        Self {
            index,
            locked: false,
            user: None,
            media: None,
            microphone: DeviceSwitch::Off,
            camera: DeviceSwitch::Off,
            connection: None,
        }
    }
}

/// Whose devices are kept closed, on whatever seat; here those who have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banned {
    /// Who; inside the room.
    pub user_id: UserId,
    /// Which.
    pub devices: Vec<DeviceKind>,
}

/// The public room, retained by the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomState {
    /// Which room.
    pub live_id: LiveId,
    /// Live or over.
    pub status: RoomStatus,
    /// Its authority.
    pub host: User,
    /// Random, new at each start of the host's program.
    pub session: String,
    /// Who decides applications.
    pub seat_mode: SeatMode,
    /// Who receives the guests' media; null for a server reached over HTTP, and in an ended room.
    pub stage: Option<UserId>,
    /// Grows by one with every publication.
    pub revision: u64,
    /// All seats in order.
    pub seats: Vec<Seat>,
    /// Who sits nowhere and may not open a device; absent where that is nobody. At most 128.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub banned: Vec<Banned>,
}
