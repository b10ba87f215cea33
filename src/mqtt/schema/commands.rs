//! The commands: what each takes, gives and refuses.

use serde_json::{Value, json};

use super::notation::{Others, object};
use crate::model::Code;
use crate::mqtt::wire::command::{self, CommandRole};

use Code::{
    AllSeatsOccupied, AlreadyInOtherRoom, AlreadyInSeat, AlreadyOnSeatQueue, CameraClosedByAdmin,
    CameraDeviceEmpty, CameraNotAuthorized, ChannelBusy, HostUnreachable, InvalidParameter,
    MicrophoneClosedByAdmin, NoSuchInvitation, NoSuchSession, NotInRoom, NotOnSeatQueue, PermissionDenied,
    RateLimited, RequestRepeated, RetainedCommand, RoomNotFound, SeatIndexNotExist, SeatLocked, SeatOccupied,
    ShuttingDown, TooManySessions, UnknownCommand, UserAlreadyOnSeat, UserNotInRoom, UserNotInSeat,
};

/// A command.
pub(super) struct CommandEntry {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// In the notation of objects.
    parameters: &'static str,
    errors: &'static [Code],
    /// The schema of the result.
    pub(super) result: &'static str,
}

const fn command(
    name: &'static str,
    about: &'static str,
    parameters: &'static str,
    errors: &'static [Code],
) -> CommandEntry {
    CommandEntry { name, about, parameters, errors, result: "Nothing" }
}

/// What every command may be refused with.
pub(super) const GENERAL: [Code; 7] = [
    RetainedCommand,
    UnknownCommand,
    PermissionDenied,
    ShuttingDown,
    InvalidParameter,
    HostUnreachable,
    RateLimited,
];

/// Every command, guests' first.
pub(super) const COMMANDS: &[CommandEntry] = &[
    command("join_live", "Enter a room.", "live_id", &[AlreadyInOtherRoom, RoomNotFound]),
    command("leave_live", "Leave the room, and the seat before.", "", &[NotInRoom]),
    command(
        "apply_for_seat",
        "Ask for a seat.",
        "seat_index=-1 timeout=30 media=video extra_info~=null",
        &[
            NotInRoom,
            AlreadyInSeat,
            AlreadyOnSeatQueue,
            SeatIndexNotExist,
            SeatLocked,
            SeatOccupied,
            AllSeatsOccupied,
        ],
    ),
    command("cancel_application", "Take the application back.", "", &[NotInRoom, NotOnSeatQueue]),
    command(
        "accept_invitation",
        "Accept an invitation.",
        "inviter_id~=null",
        &[NotInRoom, NoSuchInvitation, SeatIndexNotExist, SeatLocked, SeatOccupied, AllSeatsOccupied],
    ),
    command("reject_invitation", "Reject an invitation.", "inviter_id~=null", &[NotInRoom, NoSuchInvitation]),
    command("disconnect", "Leave the seat.", "", &[UserNotInSeat]),
    command("start_live", "Open a room.", "live_id seats~? seat_mode~?", &[AlreadyInOtherRoom]),
    command("end_live", "Close the room.", "", &[NotInRoom]),
    command(
        "accept_application",
        "Give the seat asked for.",
        "user_id",
        &[NotInRoom, NotOnSeatQueue, SeatIndexNotExist, SeatLocked, SeatOccupied, AllSeatsOccupied],
    ),
    command("reject_application", "Refuse an application.", "user_id", &[NotInRoom, NotOnSeatQueue]),
    command(
        "invite_to_seat",
        "Offer a seat.",
        "invitee_id seat_index=-1 timeout=30 media=video extra_info~=null",
        &[
            NotInRoom,
            UserNotInRoom,
            UserAlreadyOnSeat,
            RequestRepeated,
            SeatIndexNotExist,
            SeatLocked,
            SeatOccupied,
            AllSeatsOccupied,
        ],
    ),
    command("cancel_invitation", "Take an invitation back.", "invitee_id", &[NotInRoom, NoSuchInvitation]),
    command("kick_user_out_of_seat", "Take a guest off its seat.", "user_id", &[NotInRoom, UserNotInSeat]),
    CommandEntry {
        result: "Picture",
        ..command(
            "take_seat_snapshot",
            "A picture of what the stage sees.",
            "user_id",
            &[NotInRoom, UserNotInSeat],
        )
    },
    command(
        "set_return",
        "What a guest hears of the room in this stay.",
        "user_id return",
        &[NotInRoom, UserNotInSeat],
    ),
    CommandEntry {
        result: "WatchOffer",
        ..command(
            "watch",
            "See and hear a seat through the host.",
            "user_id",
            &[NotInRoom, UserNotInSeat, TooManySessions],
        )
    },
    command(
        "watch_answer",
        "Answer the offer of a session.",
        "session description:AnswerDescription",
        &[NotInRoom, NoSuchSession],
    ),
    command(
        "talk",
        "Let the guest hear the viewer, or no longer.",
        "session talk",
        &[NotInRoom, NoSuchSession, ChannelBusy],
    ),
    command("unwatch", "End a session.", "session", &[NotInRoom]),
    command(
        "move_user_to_seat",
        "Move a guest to another seat.",
        "user_id seat_index policy=abort_when_occupied",
        &[NotInRoom, UserNotInSeat, SeatIndexNotExist, SeatLocked, SeatOccupied, AllSeatsOccupied],
    ),
    command(
        "lock_seat",
        "Lock a seat; its occupant leaves it.",
        "seat_index",
        &[NotInRoom, SeatIndexNotExist],
    ),
    command("unlock_seat", "Unlock a seat.", "seat_index", &[NotInRoom, SeatIndexNotExist]),
    command(
        "close_remote_camera",
        "Close a guest's camera and keep it closed.",
        "user_id",
        &[NotInRoom, UserNotInSeat],
    ),
    command(
        "close_remote_microphone",
        "Close a guest's microphone and keep it closed.",
        "user_id",
        &[NotInRoom, UserNotInSeat],
    ),
    command("open_remote_camera", "Lift the ban of a camera.", "user_id", &[NotInRoom, UserNotInSeat]),
    command(
        "open_remote_microphone",
        "Lift the ban of a microphone.",
        "user_id",
        &[NotInRoom, UserNotInSeat],
    ),
    command("open_local_camera", "Open the own camera.", "", &[UserNotInSeat, CameraClosedByAdmin]),
    command("close_local_camera", "Close the own camera.", "", &[]),
    command(
        "open_local_microphone",
        "Open the own microphone.",
        "",
        &[UserNotInSeat, MicrophoneClosedByAdmin],
    ),
    command("close_local_microphone", "Close the own microphone.", "", &[]),
    command(
        "switch_camera",
        "Take another camera: an id, a path, a part of its name, or auto.",
        "camera",
        &[],
    ),
    command("set_capture_volume", "Volume of the microphone, percent.", "volume", &[]),
    command("set_output_volume", "Volume of the speaker, percent.", "volume", &[]),
    command("set_video_quality", "Size of the sent picture.", "quality", &[]),
    command("set_mirror", "Mirror the picture, left to right.", "mirror", &[]),
    command("set_user_info", "Name and picture; what is absent stays.", "user_name~? avatar_url~?", &[]),
    CommandEntry { result: "Devices", ..command("list_devices", "What is plugged in.", "", &[]) },
    CommandEntry {
        result: "CameraControls",
        ..command(
            "get_camera_controls",
            "What can be turned at a camera, whether it is open or not.",
            "camera~?",
            &[CameraDeviceEmpty, CameraNotAuthorized],
        )
    },
    CommandEntry {
        result: "CameraControl",
        ..command(
            "set_camera_control",
            "Turn something at a camera; the configuration says what holds after the next plug.",
            "camera~? control:text value:control_value",
            &[CameraDeviceEmpty, CameraNotAuthorized],
        )
    },
    CommandEntry { result: "State", ..command("get_state", "The snapshot as it is now.", "", &[]) },
    CommandEntry {
        result: "Picture",
        ..command("take_snapshot", "A picture of the camera.", "", &[CameraClosedByAdmin])
    },
];

impl CommandEntry {
    /// Which role obeys it.
    pub(super) fn plane(&self) -> Option<CommandRole> {
        command::plane(self.name)
    }

    /// The schema of its payload.
    pub(super) fn payload(&self) -> Value {
        let more = match self.plane() {
            Some(CommandRole::Host) => " operator? id?",
            Some(CommandRole::Guest | CommandRole::Device) | None => " id?",
        };
        object(&format!("{}{more}", self.parameters), Others::Refused)
    }

    /// What it may be refused with beside [`GENERAL`].
    pub(super) fn errors(&self) -> Value {
        json!(self.errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::wire::command::Envelope;

    fn read(name: &str, payload: &Value) -> Result<(), String> {
        Envelope::open(payload.to_string().as_bytes())
            .read(name)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    /// Values that a schema allows, and values that it does not.
    fn values(schema: &Value) -> (Vec<Value>, Vec<Value>) {
        if schema["oneOf"].is_array() {
            // The value of a camera's control: what fits is the camera's to say.
            return (vec![json!(1), json!(true), json!("50 Hz")], vec![json!(null), json!(1.5), json!([])]);
        }
        if schema["$ref"].is_string() {
            let answer = json!({"type": "answer", "sdp": "v=0"});
            let offer = json!({"type": "offer", "sdp": "v=0"});
            return (vec![answer], vec![json!(null), json!("v=0"), json!({"type": "answer"}), offer]);
        }
        let null = schema["type"].as_array().is_some();
        let kind = schema["type"].as_str().or(schema["type"][0].as_str()).expect("a type").to_owned();
        let (mut right, mut wrong) = match kind.as_str() {
            "boolean" => (vec![json!(true), json!(false)], vec![json!("true"), json!(1)]),
            "integer" => {
                let most = schema["maximum"].as_i64();
                let least = schema["minimum"].as_i64();
                let right = vec![json!(least.unwrap_or(-1)), json!(most.unwrap_or(7))];
                let beyond =
                    least.map(|least| json!(least - 1)).into_iter().chain(most.map(|most| json!(most + 1)));
                (right, beyond.chain([json!(1.5), json!(true), json!("1")]).collect())
            }
            "string" if schema["enum"].is_array() => {
                let words = schema["enum"].as_array().expect("just seen").clone();
                (words.into_iter().filter(Value::is_string).collect(), vec![json!("nonsense"), json!(1)])
            }
            "string" if schema["pattern"].is_string() => (
                vec![json!("a"), json!("Z9_.-".repeat(12))],
                vec![json!(""), json!("a/b"), json!("a".repeat(65))],
            ),
            "string" => {
                let most = schema["maxLength"].as_u64();
                let long = most.map(|most| json!("x".repeat(usize::try_from(most).expect("small") + 1)));
                (vec![json!("x")], long.into_iter().chain([json!(1), json!({})]).collect())
            }
            other => panic!("no values of {other}"),
        };
        if null {
            right.push(Value::Null)
        } else {
            wrong.push(Value::Null)
        }
        (right, wrong)
    }

    #[test]
    fn every_command_is_here_once_and_no_other() {
        let here: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(here, command::names().collect::<Vec<_>>());
    }

    /// Each command is read exactly as its schema says.
    #[test]
    fn the_schemas_say_what_is_read() {
        for command in COMMANDS {
            let schema = command.payload();
            let properties = schema["properties"].as_object().expect("an object");
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let first = |name: &str| values(&properties[name]).0.first().expect("a right value").clone();
            let least: Value = required.iter().map(|name| ((*name).to_owned(), first(name))).collect();
            assert_eq!(read(command.name, &least), Ok(()), "{} {least}", command.name);
            for name in &required {
                let mut without = least.clone();
                without.as_object_mut().expect("an object").remove(*name);
                assert!(read(command.name, &without).is_err(), "{} without {name}", command.name);
            }
            let mut typo = least.clone();
            typo["nonsense"] = json!(1);
            assert!(read(command.name, &typo).is_err(), "{} with a typo", command.name);
            for (name, property) in properties {
                let with = |value: &Value| {
                    let mut payload = least.clone();
                    payload[name] = value.clone();
                    payload
                };
                let (right, wrong) = values(property);
                for value in &right {
                    assert_eq!(read(command.name, &with(value)), Ok(()), "{} {name} {value}", command.name);
                }
                for value in &wrong {
                    assert!(read(command.name, &with(value)).is_err(), "{} {name} {value}", command.name);
                }
                if let Some(default) = property.get("default") {
                    assert_eq!(
                        read(command.name, &with(default)),
                        Ok(()),
                        "{} {name}'s default",
                        command.name
                    );
                }
            }
        }
    }
}
