//! Error codes and the refusal that carries one.

use serde::{Deserialize, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $number:expr;)*) => {
        /// A stable error code. [`Code::number`] is the co-guest SDK's number where it has one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as it travels.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The SDK's number; `None` where it has none.
            pub fn number(self) -> Option<i32> {
                match self { $(Code::$name => $number,)* }
            }
        }
    };
}

codes! {
    /// A parameter has the wrong shape, type or range; the message names it.
    InvalidParameter = "invalid_parameter", Some(-1001);
    /// This role, seat or state does not permit it.
    PermissionDenied = "permission_denied", Some(-1003);
    /// Too many requests a second.
    RateLimited = "rate_limited", Some(-2);
    /// Not inside a room (a host: no live runs).
    NotInRoom = "not_in_room", Some(-2101);
    /// Inside another room already.
    AlreadyInOtherRoom = "already_in_other_room", Some(-2108);
    /// No such room is live.
    RoomNotFound = "room_not_found", Some(100_004);
    /// The other user is not inside the room.
    UserNotInRoom = "user_not_in_room", Some(100_005);
    /// No such invitation is pending.
    NoSuchInvitation = "no_such_invitation", Some(-2311);
    /// The invitee has a pending invitation already.
    RequestRepeated = "request_repeated", Some(-2312);
    /// The room has no seat of that index.
    SeatIndexNotExist = "seat_index_not_exist", Some(-2344);
    /// The seat is locked.
    SeatLocked = "seat_locked", Some(100_200);
    /// Somebody sits there.
    SeatOccupied = "seat_occupied", Some(100_201);
    /// An application is pending already.
    AlreadyOnSeatQueue = "already_on_seat_queue", Some(100_202);
    /// Seated already.
    AlreadyInSeat = "already_in_seat", Some(100_203);
    /// No application is pending.
    NotOnSeatQueue = "not_on_seat_queue", Some(100_204);
    /// No seat is free and unlocked.
    AllSeatsOccupied = "all_seats_occupied", Some(100_205);
    /// The user has no seat.
    UserNotInSeat = "user_not_in_seat", Some(100_206);
    /// The room takes no more guests.
    RoomFull = "room_full", Some(100_008);
    /// The invitee is seated already.
    UserAlreadyOnSeat = "user_already_on_seat", Some(100_210);
    /// The camera did not start.
    CameraStartFail = "camera_start_fail", Some(-1100);
    /// The program may not open the camera.
    CameraNotAuthorized = "camera_not_authorized", Some(-1101);
    /// Another program has the camera.
    CameraOccupied = "camera_occupied", Some(-1102);
    /// There is no camera.
    CameraDeviceEmpty = "camera_device_empty", Some(-1103);
    /// The host keeps the camera closed.
    CameraClosedByAdmin = "camera_closed_by_admin", Some(-2370);
    /// The microphone did not start.
    MicrophoneStartFail = "microphone_start_fail", Some(-1104);
    /// The program may not open the microphone.
    MicrophoneNotAuthorized = "microphone_not_authorized", Some(-1105);
    /// Another program has the microphone.
    MicrophoneOccupied = "microphone_occupied", Some(-1106);
    /// There is no microphone.
    MicrophoneDeviceEmpty = "microphone_device_empty", Some(-1107);
    /// The host keeps the microphone closed.
    MicrophoneClosedByAdmin = "microphone_closed_by_admin", Some(-2360);
    /// There is no command of that name.
    UnknownCommand = "unknown_command", None;
    /// The command arrived retained.
    RetainedCommand = "retained_command", None;
    /// The host does not answer.
    HostUnreachable = "host_unreachable", None;
    /// The other end of a connection shows a certificate that its description does not name.
    PeerNotTrusted = "peer_not_trusted", None;
    /// A redirect, a session or a grant leads where nothing may be sent to.
    OriginNotAllowed = "origin_not_allowed", None;
    /// The host has as many sessions of viewers as it takes.
    TooManySessions = "too_many_sessions", None;
    /// There is no such session of a viewer, or it is over.
    NoSuchSession = "no_such_session", None;
    /// Somebody else talks to this guest.
    ChannelBusy = "channel_busy", None;
    /// The daemon is about to stop.
    ShuttingDown = "shutting_down", None;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that was refused: the code for programs, the message for people. Serialized with the code's number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// One English sentence that says what is wrong and, where there is one, the way out.
    #[serde(default)]
    pub message: String,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// `invalid_parameter` for `field`.
    pub fn invalid(field: &str, why: impl std::fmt::Display) -> Self {
        Self::new(Code::InvalidParameter, format!("{field}: {why}"))
    }
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut object = serializer.serialize_struct("error", 3)?;
        object.serialize_field("code", &self.code)?;
        object.serialize_field("number", &self.code.number())?;
        object.serialize_field("message", &self.message)?;
        object.end()
    }
}
