//! Commands and their replies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::object;
use crate::model::command::{ApplyForSeat, Command, DeviceCommand, GuestCommand, HostCommand, SetUserInfo};
use crate::model::media::Picture;
use crate::model::viewer::WatchOffer;
use crate::model::{Code, Operator, Refusal};

/// Longest `id` of a command in bytes.
const ID_MAX: usize = 256;

/// Longest `avatar_url` in bytes.
const AVATAR_URL_MAX: usize = 512;

/// Which role a command belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandRole {
    /// The guest role.
    Guest,
    /// The host role.
    Host,
    /// Both roles.
    Device,
}

/// A command's payload, opened but not yet read: the `id` is wanted for the reply whatever else is wrong.
#[derive(Debug)]
pub struct Envelope {
    /// What the reply echoes.
    pub id: Option<String>,
    fields: Result<Map<String, Value>, Refusal>,
}

impl Envelope {
    /// Opens a payload: a JSON object, or empty for "no parameters".
    pub fn open(payload: &[u8]) -> Self {
        if payload.is_empty() {
            return Self { id: None, fields: Ok(Map::new()) };
        }
        let (mut fields, wrong) = match object(payload) {
            Ok(read) => read,
            Err(why) => {
                return Self { id: None, fields: Err(Refusal::new(Code::InvalidParameter, why)) };
            }
        };
        match fields.remove("id") {
            None => Self { id: None, fields: wrong.map_or(Ok(fields), Err) },
            Some(Value::String(id)) if id.len() <= ID_MAX => {
                Self { id: Some(id), fields: wrong.map_or(Ok(fields), Err) }
            }
            Some(_) => {
                let why = format!("must be a string of at most {ID_MAX} bytes");
                Self { id: None, fields: Err(Refusal::invalid("id", why)) }
            }
        }
    }

    /// Reads the parameters of the command `name`.
    ///
    /// # Errors
    /// `unknown_command`, or `invalid_parameter` naming the field.
    pub fn read(self, name: &str) -> Result<Command, Refusal> {
        let plane = plane(name).ok_or_else(|| unknown(name))?;
        let mut fields = self.fields?;
        match plane {
            CommandRole::Guest => guest(name, fields).map(Command::Guest),
            CommandRole::Host => {
                let operator = operator(&mut fields)?;
                host(name, fields).map(|command| Command::Host { operator, command })
            }
            CommandRole::Device => device(name, fields).map(Command::Device),
        }
    }
}

/// The refusal for a name that is no command, with the nearest that is one.
pub fn unknown(name: &str) -> Refusal {
    let shown: String = name.chars().take(64).collect();
    let near = NAMES
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(&shown, known), *known))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let hint = near.map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"));
    Refusal::new(Code::UnknownCommand, format!("there is no command {shown:?}{hint}"))
}

const NAMES: &[(&str, CommandRole)] = &[
    ("join_live", CommandRole::Guest),
    ("leave_live", CommandRole::Guest),
    ("apply_for_seat", CommandRole::Guest),
    ("cancel_application", CommandRole::Guest),
    ("accept_invitation", CommandRole::Guest),
    ("reject_invitation", CommandRole::Guest),
    ("disconnect", CommandRole::Guest),
    ("start_live", CommandRole::Host),
    ("end_live", CommandRole::Host),
    ("accept_application", CommandRole::Host),
    ("reject_application", CommandRole::Host),
    ("invite_to_seat", CommandRole::Host),
    ("cancel_invitation", CommandRole::Host),
    ("kick_user_out_of_seat", CommandRole::Host),
    ("take_seat_snapshot", CommandRole::Host),
    ("set_return", CommandRole::Host),
    ("watch", CommandRole::Host),
    ("watch_answer", CommandRole::Host),
    ("talk", CommandRole::Host),
    ("unwatch", CommandRole::Host),
    ("move_user_to_seat", CommandRole::Host),
    ("lock_seat", CommandRole::Host),
    ("unlock_seat", CommandRole::Host),
    ("close_remote_camera", CommandRole::Host),
    ("close_remote_microphone", CommandRole::Host),
    ("open_remote_camera", CommandRole::Host),
    ("open_remote_microphone", CommandRole::Host),
    ("open_local_camera", CommandRole::Device),
    ("close_local_camera", CommandRole::Device),
    ("open_local_microphone", CommandRole::Device),
    ("close_local_microphone", CommandRole::Device),
    ("switch_camera", CommandRole::Device),
    ("set_capture_volume", CommandRole::Device),
    ("set_output_volume", CommandRole::Device),
    ("set_video_quality", CommandRole::Device),
    ("set_mirror", CommandRole::Device),
    ("set_user_info", CommandRole::Device),
    ("list_devices", CommandRole::Device),
    ("get_camera_controls", CommandRole::Device),
    ("set_camera_control", CommandRole::Device),
    ("get_state", CommandRole::Device),
    ("take_snapshot", CommandRole::Device),
];

/// The names of all commands, guests' first.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// Which role the command `name` belongs to; `None` when there is no such command.
pub fn plane(name: &str) -> Option<CommandRole> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, plane)| *plane)
}

type Fields = Map<String, Value>;

fn guest(name: &str, fields: Fields) -> Result<GuestCommand, Refusal> {
    Ok(match name {
        "join_live" => GuestCommand::JoinLive(parameters(fields)?),
        "leave_live" => nothing(fields, GuestCommand::LeaveLive)?,
        "apply_for_seat" => GuestCommand::ApplyForSeat(parameters::<ApplyForSeat>(fields)?.into()),
        "cancel_application" => nothing(fields, GuestCommand::CancelApplication)?,
        "accept_invitation" => GuestCommand::AcceptInvitation(parameters(fields)?),
        "reject_invitation" => GuestCommand::RejectInvitation(parameters(fields)?),
        "disconnect" => nothing(fields, GuestCommand::Disconnect)?,
        _ => return Err(unknown(name)),
    })
}

fn host(name: &str, fields: Fields) -> Result<HostCommand, Refusal> {
    Ok(match name {
        "start_live" => HostCommand::StartLive(parameters(fields)?),
        "end_live" => nothing(fields, HostCommand::EndLive)?,
        "accept_application" => HostCommand::AcceptApplication(parameters(fields)?),
        "reject_application" => HostCommand::RejectApplication(parameters(fields)?),
        "invite_to_seat" => HostCommand::InviteToSeat(parameters(fields)?),
        "cancel_invitation" => HostCommand::CancelInvitation(parameters(fields)?),
        "kick_user_out_of_seat" => HostCommand::KickUserOutOfSeat(parameters(fields)?),
        "take_seat_snapshot" => HostCommand::TakeSeatSnapshot(parameters(fields)?),
        "set_return" => HostCommand::SetReturn(parameters(fields)?),
        "watch" => HostCommand::Watch(parameters(fields)?),
        "watch_answer" => HostCommand::WatchAnswer(parameters(fields)?),
        "talk" => HostCommand::Talk(parameters(fields)?),
        "unwatch" => HostCommand::Unwatch(parameters(fields)?),
        "move_user_to_seat" => HostCommand::MoveUserToSeat(parameters(fields)?),
        "lock_seat" => HostCommand::LockSeat(parameters(fields)?),
        "unlock_seat" => HostCommand::UnlockSeat(parameters(fields)?),
        "close_remote_camera" => HostCommand::CloseRemoteCamera(parameters(fields)?),
        "close_remote_microphone" => HostCommand::CloseRemoteMicrophone(parameters(fields)?),
        "open_remote_camera" => HostCommand::OpenRemoteCamera(parameters(fields)?),
        "open_remote_microphone" => HostCommand::OpenRemoteMicrophone(parameters(fields)?),
        _ => return Err(unknown(name)),
    })
}

fn device(name: &str, fields: Fields) -> Result<DeviceCommand, Refusal> {
    Ok(match name {
        "open_local_camera" => nothing(fields, DeviceCommand::OpenLocalCamera)?,
        "close_local_camera" => nothing(fields, DeviceCommand::CloseLocalCamera)?,
        "open_local_microphone" => nothing(fields, DeviceCommand::OpenLocalMicrophone)?,
        "close_local_microphone" => nothing(fields, DeviceCommand::CloseLocalMicrophone)?,
        "switch_camera" => DeviceCommand::SwitchCamera(parameters(fields)?),
        "set_capture_volume" => DeviceCommand::SetCaptureVolume(parameters(fields)?),
        "set_output_volume" => DeviceCommand::SetOutputVolume(parameters(fields)?),
        "set_video_quality" => DeviceCommand::SetVideoQuality(parameters(fields)?),
        "set_mirror" => DeviceCommand::SetMirror(parameters(fields)?),
        "set_user_info" => DeviceCommand::SetUserInfo(user_info(fields)?),
        "list_devices" => nothing(fields, DeviceCommand::ListDevices)?,
        "get_camera_controls" => DeviceCommand::GetCameraControls(parameters(fields)?),
        "set_camera_control" => DeviceCommand::SetCameraControl(parameters(fields)?),
        "get_state" => nothing(fields, DeviceCommand::GetState)?,
        "take_snapshot" => nothing(fields, DeviceCommand::TakeSnapshot)?,
        _ => return Err(unknown(name)),
    })
}

fn user_info(fields: Fields) -> Result<SetUserInfo, Refusal> {
    let info: SetUserInfo = parameters(fields)?;
    if info.avatar_url.as_ref().is_some_and(|url| url.len() > AVATAR_URL_MAX) {
        return Err(Refusal::invalid("avatar_url", format!("must be at most {AVATAR_URL_MAX} bytes")));
    }
    Ok(info)
}

fn operator(fields: &mut Fields) -> Result<Option<Operator>, Refusal> {
    match fields.remove("operator") {
        None => Ok(None),
        Some(value) => {
            serde_json::from_value(value).map(Some).map_err(|error| Refusal::invalid("operator", error))
        }
    }
}

fn parameters<T: DeserializeOwned>(fields: Fields) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        if path == "." {
            Refusal::new(Code::InvalidParameter, error.into_inner().to_string())
        } else {
            Refusal::invalid(&path, error.into_inner())
        }
    })
}

fn nothing<T>(fields: Fields, command: T) -> Result<T, Refusal> {
    match fields.into_iter().next() {
        None => Ok(command),
        Some((field, _)) => Err(Refusal::invalid(&field, "this command takes no parameters")),
    }
}

/// A reply: `{"ok":true,"result":{…}}` or `{"ok":false,"error":{…}}`, with the request's `id`.
pub fn reply(id: Option<&str>, outcome: &Result<Value, Refusal>) -> Vec<u8> {
    let mut reply = match outcome {
        Ok(result) => json!({"ok": true, "result": result}),
        Err(error) => json!({"ok": false, "error": error}),
    };
    if let Some(id) = id {
        reply["id"] = json!(id);
    }
    reply.to_string().into_bytes()
}

/// The `result` of a snapshot.
pub fn picture(picture: &Picture) -> Value {
    json!({
        "content_type": "image/jpeg",
        "width": picture.width,
        "height": picture.height,
        "data": STANDARD.encode(&picture.jpeg),
    })
}

/// The `result` of `watch`.
pub fn watch(offer: &WatchOffer) -> Value {
    match offer {
        WatchOffer::Mqtt { session, sdp } => json!({
            "session": session,
            "transport": "mqtt",
            "description": {"type": "offer", "sdp": sdp},
        }),
        WatchOffer::Whep { session, playback_url, token } => json!({
            "session": session,
            "transport": "whep",
            "playback_url": playback_url,
            "token": token,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Media;
    use crate::model::message::ANY_SEAT;

    fn read(name: &str, payload: &str) -> Result<Command, Refusal> {
        Envelope::open(payload.as_bytes()).read(name)
    }

    fn refused(name: &str, payload: &str) -> String {
        let refusal = read(name, payload).expect_err(payload);
        assert_eq!(refusal.code, Code::InvalidParameter, "{refusal}");
        refusal.message
    }

    #[test]
    fn no_payload_is_no_parameters() {
        assert_eq!(read("disconnect", ""), Ok(Command::Guest(GuestCommand::Disconnect)));
        let Ok(Command::Guest(GuestCommand::ApplyForSeat(application))) = read("apply_for_seat", "") else {
            panic!("an application")
        };
        assert_eq!((application.seat_index, application.media), (ANY_SEAT, Media::Video));
        assert_eq!(application.timeout.duration().map(|d| d.as_secs()), Some(30));
    }

    #[test]
    fn every_name_reads_something() {
        for (name, of) in NAMES {
            assert_eq!(plane(name), Some(*of));
            if let Err(refusal) = read(name, "{}") {
                assert_eq!(refusal.code, Code::InvalidParameter, "{name}: {refusal}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refused("join_live", r#"{"live_id":"a","live_id":"b"}"#).starts_with("live_id: "));
        assert!(refused("disconnect", r#"{"now":1,"now":2}"#).starts_with("now: "));
        assert!(refused("disconnect", r#"{"id":"1","id":"2"}"#).starts_with("id: "));
        assert!(refused("set_capture_volume", r#"{"volume":50.5}"#).starts_with("volume: "));
        assert!(refused("join_live", "{}").contains("live_id"));
        assert!(refused("join_live", r#"{"live_id":"a b"}"#).starts_with("live_id: "));
        assert!(refused("apply_for_seat", r#"{"seat_index":1.5}"#).starts_with("seat_index: "));
        assert!(refused("apply_for_seat", r#"{"seat_index":true}"#).starts_with("seat_index: "));
        assert!(refused("apply_for_seat", r#"{"timeout":3601}"#).starts_with("timeout: "));
        assert!(refused("apply_for_seat", r#"{"seat":1}"#).contains("seat"));
        assert!(refused("disconnect", r#"{"now":true}"#).starts_with("now: "));
        assert!(refused("disconnect", r#"{"id":7}"#).starts_with("id: "));
        assert!(refused("set_capture_volume", r#"{"volume":101}"#).starts_with("volume: "));
        assert!(refused("set_mirror", r#"{"mirror":1}"#).starts_with("mirror: "));
        assert!(refused("set_camera_control", r#"{"control":"gain"}"#).contains("value"));
        assert!(refused("set_camera_control", r#"{"control":"gain","value":1.5}"#).starts_with("value: "));
        assert!(refused("get_camera_controls", r#"{"control":"gain"}"#).contains("control"));
        assert!(refused("lock_seat", r#"{"seat_index":0,"operator":7}"#).starts_with("operator: "));
        assert!(refused("disconnect", "[]").contains("object"));
        assert!(refused("disconnect", "\u{1}").contains("no JSON"));
        let long = format!(r#"{{"avatar_url":"{}"}}"#, "x".repeat(513));
        assert!(refused("set_user_info", &long).starts_with("avatar_url: "));
    }

    #[test]
    fn a_number_is_whole_however_it_is_spelt_and_a_mark_is_ignored() {
        for text in ["50", "50.0", "5e1", "50.000"] {
            let command = read("set_capture_volume", &format!("\u{feff}{{\"volume\":{text}}}")).expect(text);
            let Command::Device(DeviceCommand::SetCaptureVolume(wish)) = command else { panic!("a volume") };
            assert_eq!(wish.volume.percent(), 50);
        }
        let command = read("lock_seat", r#"{"seat_index":-0}"#).expect("zero");
        let Command::Host { command: HostCommand::LockSeat(seat), .. } = command else { panic!("a seat") };
        assert_eq!(seat.seat_index, 0);
        let envelope = Envelope::open(br#"{"id":"7","x":1,"x":2}"#);
        assert_eq!(envelope.id.as_deref(), Some("7"), "the reply still names it");
    }

    #[test]
    fn an_operator_is_only_for_the_host() {
        let command = read("lock_seat", r#"{"seat_index":2,"operator":"desk-2"}"#).expect("read");
        let Command::Host { operator: Some(operator), .. } = command else { panic!("a host's command") };
        assert_eq!(operator.as_str(), "desk-2");
        assert!(refused("disconnect", r#"{"operator":"desk-2"}"#).starts_with("operator: "));
    }

    #[test]
    fn an_unknown_name_gets_the_nearest() {
        let refusal = read("acept_invitation", "").expect_err("unknown");
        assert_eq!(refusal.code, Code::UnknownCommand);
        assert!(refusal.message.contains("did you mean accept_invitation?"), "{refusal}");
    }

    #[test]
    fn a_reply_echoes_the_id_and_carries_code_and_number() {
        let refusal = Refusal::new(Code::SeatOccupied, "seat 2 is taken");
        let bytes = reply(Some("7"), &Err(refusal));
        assert_eq!(
            String::from_utf8(bytes).expect("JSON"),
            r#"{"error":{"code":"seat_occupied","message":"seat 2 is taken","number":100201},"id":"7","ok":false}"#
        );
        assert_eq!(reply(None, &Ok(json!({}))), br#"{"ok":true,"result":{}}"#);
    }
}
