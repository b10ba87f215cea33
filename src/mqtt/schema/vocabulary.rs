//! What each field holds, by its name, and the schemas that several messages share.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::enum_words::words;
use super::notation::{Others, object};
use crate::model::command::MovePolicy;
use crate::model::media::{LimitedBy, Quality, SdpKind};
use crate::model::message::{DeviceAction, DeviceKind, NoResponse, OnOff, UnseatReason};
use crate::model::sound::{Return, SpeakerStatus};
use crate::model::state::{DeviceStatus, NetworkQuality, RoomMembership};
use crate::model::viewer::WatchEnd;
use crate::model::{
    Cause, Code, Connection, DeviceSwitch, Media, Phase, RequestTimeout, RoomStatus, SeatMode,
};

/// What an id is made of.
pub(super) const ID: &str =
    r"^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}|\.[A-Za-z0-9_-][A-Za-z0-9_.-]{0,62}|\.\.[A-Za-z0-9_.-]{1,62})$";

/// What a field of this name, or a shape of this name, holds.
///
/// # Panics
/// When nobody has said so; a test asks for every name that is used.
pub(super) fn shape(name: &str) -> Value {
    if name.starts_with(|first: char| first.is_ascii_uppercase()) {
        return json!({"$ref": format!("#/components/schemas/{name}")});
    }
    known(name).unwrap_or_else(|| panic!("nobody says what {name} holds"))
}

fn known(name: &str) -> Option<Value> {
    if let Some(words) = enumeration(name) {
        return Some(json!({"type": "string", "enum": words}));
    }
    Some(match name {
        "user_id" | "live_id" | "invitee_id" | "inviter_id" | "id_of_user" => {
            json!({"type": "string", "pattern": ID})
        }
        "user_name" => text(128, "Without control characters; absent or empty: the id."),
        "avatar_url" => text(512, "Address of a picture."),
        "extra_info" => text(1024, "Passed through untouched."),
        "operator" => text(64, "Who of several operators acts; comes back as `by.operator`."),
        "id" => text(256, "Echoed in the reply; the same command with the same id within 60 s is done once."),
        "request_id" | "session" | "invitation_id" => {
            json!({"type": "string", "minLength": 1, "maxLength": 64})
        }
        "seat_index" => json!({"type": "integer", "description": "-1: any free seat, lowest index first."}),
        "seat" | "index" | "from" | "to" | "revision" | "attempt" | "frames" | "freezes" | "milliseconds"
        | "total" => {
            json!({"type": "integer", "minimum": 0})
        }
        "timeout" => json!({"type": "integer", "minimum": 0, "maximum": RequestTimeout::MAX,
            "description": "Seconds; 0: never expires."}),
        "expires_in" => json!({"type": ["integer", "null"], "minimum": 0,
            "description": "Whole seconds left at publication; null: never expires."}),
        "seats" => json!({"type": "integer", "minimum": 1, "maximum": 32}),
        "volume" => json!({"type": "integer", "minimum": 0, "maximum": 100}),
        "exchange" => json!({"type": "integer", "minimum": 1}),
        "number" => json!({"type": "number"}),
        "share" => json!({"type": "number", "minimum": 0, "maximum": 1}),
        "truth" | "locked" | "accepted" | "mirror" | "talk" | "talking" | "drawn" => {
            json!({"type": "boolean"})
        }
        "text" | "why" | "encoder" | "instead_of" | "camera" | "microphone" | "machine" | "version"
        | "pipeline" | "url" => {
            json!({"type": "string"})
        }
        "summary" => json!({"type": "string", "maxLength": 120, "description": "One English sentence."}),
        "at" => json!({"type": "string", "format": "date-time"}),
        "jpeg" => json!({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/jpeg"}),
        "pixels" => json!({"type": "integer", "minimum": 1}),
        "anything" => json!({"type": "object"}),
        "control_value" => {
            json!({"oneOf": [{"type": "integer"}, {"type": "boolean"}, {"type": "string"}]})
        }
        "guest_role" => json!({"const": "guest"}),
        "host_role" => json!({"const": "host"}),
        "bye_reason" => text(256, "Why the stage ended the connection, in a sentence."),
        "yes" => json!({"const": true}),
        "no" => json!({"const": false}),
        "absent" => json!({"type": "null"}),
        "by" => shape("By"),
        "user" => shape("User"),
        "grant" => shape("Grant"),
        "error" => shape("Error"),
        _ => return None,
    })
}

fn enumeration(name: &str) -> Option<&'static [&'static str]> {
    fn of<T: DeserializeOwned>() -> &'static [&'static str] {
        words::<T>()
    }
    Some(match name {
        "media" => of::<Media>(),
        "seat_mode" => of::<SeatMode>(),
        "policy" => of::<MovePolicy>(),
        "return" => of::<Return>(),
        "speaker" => of::<SpeakerStatus>(),
        "quality" => of::<Quality>(),
        "code" => of::<Code>(),
        "cause" => of::<Cause>(),
        "no_response" => of::<NoResponse>(),
        "unseat_reason" => of::<UnseatReason>(),
        "watch_end" => of::<WatchEnd>(),
        "device" => of::<DeviceKind>(),
        "action" => of::<DeviceAction>(),
        "on_off" => of::<OnOff>(),
        "switch" => of::<DeviceSwitch>(),
        "connection" => of::<Connection>(),
        "phase" => of::<Phase>(),
        "room_status" => of::<RoomStatus>(),
        "membership" => of::<RoomMembership>(),
        "device_status" => of::<DeviceStatus>(),
        "network_quality" => of::<NetworkQuality>(),
        "limited_by" => of::<LimitedBy>(),
        "sdp_kind" => of::<SdpKind>(),
        "role" => &["guest", "host"],
        "control_type" => &["integer", "boolean", "menu", "button"],
        _ => return None,
    })
}

fn text(bytes: usize, about: &str) -> Value {
    // JSON Schema counts characters; that many bytes are never more of them.
    json!({"type": "string", "maxLength": bytes, "description": format!("At most {bytes} bytes. {about}")})
}

/// Schemas that stand by themselves: name, meaning, fields.
const SHARED: &[(&str, &str, &str)] = &[
    ("User", "Who somebody is.", "user_id user_name avatar_url"),
    ("By", "Who acted, and which of a host's operators.", "user_id user_name avatar_url operator?"),
    (
        "Error",
        "Why something was refused: the code for programs, the message for people.",
        "code number:Number message:text",
    ),
    (
        "Seat",
        "A seat of the public room.",
        "index locked user~ media~ microphone:switch camera:switch connection~",
    ),
    (
        "Room",
        "The public room.",
        "live_id status:room_status host:user session seat_mode stage:id_of_user~ revision seats:Seat* \
         banned:Banned*?",
    ),
    ("Banned", "Who has no seat and may not open these devices.", "user_id devices:device*"),
    (
        "OwnSeat",
        "The guest's own seat, in the answer to its `join`.",
        "seat_index:seat media grant camera:switch microphone:switch",
    ),
    (
        "Application",
        "A pending application; `timeout` is what is left.",
        "seat_index media timeout extra_info~",
    ),
    ("Invitation", "A pending invitation.", "invitation_id seat_index media timeout extra_info~ by"),
    ("Place", "The room a daemon is in or waits for.", "live_id~ membership"),
    ("PendingApplication", "The guest's application.", "seat_index expires_in"),
    ("PendingInvitation", "An invitation of the guest.", "by seat_index expires_in"),
    ("Stay", "The guest's seat.", "index phase media"),
    (
        "Camera",
        "The guest's camera; a host has none.",
        "status:device_status device:text~ quality~ sent:SentPicture~?",
    ),
    (
        "SentPicture",
        "What is sent; `frame_rate` 0: a still picture now and then.",
        "width:pixels height:pixels frame_rate:total",
    ),
    ("Microphone", "The guest's microphone; a host has none.", "status:device_status device:text~ volume~"),
    (
        "Network",
        "The way to the stage.",
        "quality:network_quality delay_ms:number~ up_loss:share~ down_loss:share~",
    ),
    ("Layers", "What a guest draws into its pictures.", "foreground:drawn"),
    (
        "GuestState",
        "Snapshot of a guest.",
        "role:guest_role room:Place application:PendingApplication~ invitations:PendingInvitation* seat:Stay~ \
         camera:Camera microphone:Microphone speaker layers:Layers network:Network last_error:Error~ \
         summary",
    ),
    ("Applicant", "A pending application at the host.", "user seat_index media expires_in extra_info~"),
    ("Invitee", "A pending invitation at the host.", "user seat_index media expires_in extra_info~ by?"),
    ("Watching", "A session of a viewer.", "user_id operator~ talking"),
    ("Connected", "A seated guest.", "user seat_index:seat connection"),
    (
        "HostState",
        "Snapshot of a host; lists are cut at 100.",
        "role:host_role room:Place camera:Camera microphone:Microphone network:Network applicants:Applicant* \
         applicants_total:total invitees:Invitee* invitees_total:total connected:Connected* candidates:User* \
         candidates_total:total speaking:id_of_user* watching:Watching* watching_total:total last_error:Error~ summary",
    ),
    (
        "Video",
        "A picture's measure.",
        "width:pixels~ height:pixels~ frame_rate:number~ frames bitrate_kbps:number~",
    ),
    ("Audio", "A sound's measure.", "bitrate_kbps:number~ level_dbfs:number~"),
    (
        "GuestStats",
        "What a seated guest sends.",
        "seat_index:seat round_trip_ms:number~ loss:share~ target_kbps:number~ sent_kbps:number~ \
         acknowledged_kbps:number~ retransmitted_kbps:number~ queue_ms:number~ limited_by~ video:Video~ audio:Audio~",
    ),
    (
        "SeatStats",
        "What the stage decodes of a seat.",
        "user_id seat_index:seat round_trip_ms:number~ loss:share~ jitter_ms:number~ freezes~ longest_freeze_ms:number~ \
         video:Video~ audio:Audio~ return:Audio~",
    ),
    ("HostStats", "What the host's stage decodes.", "seats:SeatStats*"),
    ("Device", "A camera, microphone or speaker.", "id:text name:text"),
    (
        "Info",
        "What a daemon is.",
        "version role user cameras:Device* microphones:Device* encoders:text* pipeline machine",
    ),
    ("Devices", "Result of `list_devices`.", "cameras:Device* microphones:Device* speakers:Device*"),
    ("CameraControls", "Result of `get_camera_controls`.", "camera:text controls:Control*"),
    ("CameraControl", "Result of `set_camera_control`.", "camera:text control:Control"),
    (
        "Control",
        "A control of a camera: what it takes and is. `items` are the words of a menu by number.",
        "name:text label:text type:control_type minimum:number? maximum:number? step:number? default:control_value? \
         value:control_value~? items:anything? inactive:yes? read_only:yes?",
    ),
    ("Picture", "Result of a snapshot.", "content_type:text width:pixels height:pixels data:jpeg"),
    ("Description", "A W3C RTCSessionDescriptionInit.", "type:sdp_kind sdp:text"),
    (
        "Candidate",
        "A W3C RTCIceCandidateInit.",
        "candidate:text sdpMid:text~? sdpMLineIndex:index~? usernameFragment:text~?",
    ),
    ("Nothing", "No result.", ""),
];

/// The schemas that stand by themselves.
pub(super) fn shared() -> Map<String, Value> {
    let mut schemas: Map<String, Value> = SHARED
        .iter()
        .map(|(name, about, notation)| {
            let mut schema = object(notation, Others::Ignored);
            schema["description"] = json!(about);
            ((*name).to_owned(), schema)
        })
        .collect();
    schemas.insert("Number".into(), numbers());
    schemas.insert("Grant".into(), grant());
    schemas.insert("WatchOffer".into(), watch_offer());
    schemas.insert("AnswerDescription".into(), answer());
    schemas
}

/// The SDK's number of each code, where it has one.
fn numbers() -> Value {
    let numbers: Vec<Value> =
        Code::ALL.iter().filter_map(|code| code.number()).map(Value::from).chain([Value::Null]).collect();
    let table: Map<String, Value> =
        Code::ALL.iter().map(|code| (code.as_str().to_owned(), json!(code.number()))).collect();
    json!({"enum": numbers, "description": "The co-guest SDK's number of the code, where it has one.", "x-codes": table})
}

fn over(transport: &str, rest: &str) -> Value {
    let mut schema = object(rest, Others::Ignored);
    schema["properties"]["transport"] = json!({"const": transport});
    match schema["required"].as_array_mut() {
        Some(required) => required.push(json!("transport")),
        None => schema["required"] = json!(["transport"]),
    }
    schema
}

fn watch_offer() -> Value {
    json!({
        "description": "Result of `watch`: the host's own offer, or where a server plays the seat (WHEP).",
        "oneOf": [
            over("mqtt", "session description:Description"),
            over("whep", "session playback_url:url token:text~"),
        ],
    })
}

fn answer() -> Value {
    let mut schema = object("type:text sdp:text", Others::Ignored);
    schema["description"] = json!("A W3C RTCSessionDescriptionInit that is an answer.");
    schema["properties"]["type"] = json!({"const": "answer"});
    schema
}

fn grant() -> Value {
    json!({
        "description": "Where a seat's media goes: to a peer over the room plane, or to a server (WHIP, WHEP).",
        "oneOf": [over("mqtt", "stage:id_of_user"), over("whip", "publish_url:url~ token:text~ playback_url:url~")],
    })
}
