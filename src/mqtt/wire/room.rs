//! The room plane: guests, host and stage.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{object, sound_object};
use crate::model::message::{self, Application, Devices, Signal, ToGuest, ToHost};
use crate::model::{Code, Refusal, RequestId, RoomState, User};

/// Most seats a room has.
const SEATS_MAX: usize = 32;

/// The `type`s of a guest's requests.
const REQUESTS: [&str; 8] = [
    "join",
    "leave",
    "apply",
    "cancel_application",
    "accept_invitation",
    "reject_invitation",
    "leave_seat",
    "devices",
];

/// What arrived on a guest's `to_host`.
#[derive(Debug, Clone, PartialEq)]
pub enum FromGuest {
    /// A request, or why it cannot be taken: `unknown_command` or `invalid_parameter`.
    Request(RequestId, Result<ToHost, Refusal>),
    /// Nothing that can be answered: too long, no JSON object, no `request_id`.
    Noise,
}

/// Reads what arrived on a guest's `to_host`.
pub fn read_to_host(payload: &[u8]) -> FromGuest {
    let Ok((fields, wrong)) = object(payload) else { return FromGuest::Noise };
    let request_id = fields.get("request_id").and_then(Value::as_str).map(ToOwned::to_owned);
    let Some(Ok(request_id)) = request_id.map(RequestId::try_from) else { return FromGuest::Noise };
    if let Some(refusal) = wrong {
        return FromGuest::Request(request_id, Err(refusal));
    }
    let kind = fields.get("type").and_then(Value::as_str);
    let request = match kind.filter(|kind| REQUESTS.contains(kind)) {
        None => Err(Refusal::new(Code::UnknownCommand, "type: not a request of this protocol")),
        Some(kind) => {
            let kind = kind.to_owned();
            ToHost::deserialize(Value::Object(fields.clone()))
                .map_err(|error| misread_request(&kind, fields, &error))
        }
    };
    FromGuest::Request(request_id, request)
}

/// The fields of a `join`.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read for what is wrong with it")]
struct JoinPayload {
    user: User,
    #[serde(deserialize_with = "message::short")]
    session: String,
}

/// The refusal of a request, naming the field: what is read by its `type` forgets where it went wrong, so it is read again.
fn misread_request(kind: &str, fields: Map<String, Value>, error: &serde_json::Error) -> Refusal {
    let found = match kind {
        "join" => misread::<JoinPayload>(fields),
        "apply" => misread::<Application>(fields),
        "devices" => misread::<Devices>(fields),
        _ => None,
    };
    found.unwrap_or_else(|| Refusal::new(Code::InvalidParameter, error.to_string()))
}

fn misread<T: DeserializeOwned>(fields: Map<String, Value>) -> Option<Refusal> {
    let error = serde_path_to_error::deserialize::<_, T>(Value::Object(fields)).err()?;
    match error.path().to_string() {
        path if path == "." => Some(Refusal::new(Code::InvalidParameter, error.into_inner().to_string())),
        path => Some(Refusal::invalid(&path, error.into_inner())),
    }
}

/// A request as it travels.
pub fn write_to_host(request_id: &RequestId, request: &ToHost) -> Vec<u8> {
    let mut value = serde_json::to_value(request).unwrap_or_else(|_| json!({}));
    value["request_id"] = json!(request_id);
    value.to_string().into_bytes()
}

/// Reads what arrived on a `to_stage`; `None` when it is no signal.
pub fn read_to_stage(payload: &[u8]) -> Option<Signal> {
    match read_to_guest(payload)? {
        ToGuest::Signal(signal) => Some(signal),
        _ => None,
    }
}

/// A signal as it travels, in either direction.
pub fn write_signal(signal: Signal) -> Vec<u8> {
    write_to_guest(&ToGuest::Signal(signal))
}

/// Reads what arrived on a `to_guest`; `None` when it is nothing this version knows.
pub fn read_to_guest(payload: &[u8]) -> Option<ToGuest> {
    let mut fields = sound_object(payload)?;
    if let Some(code) = fields.get_mut("error").and_then(|error| error.get_mut("code")) {
        // A code of a newer version: the request was refused, and the message says why.
        if Code::deserialize(&*code).is_err() {
            *code = json!(Code::PermissionDenied);
        }
    }
    ToGuest::deserialize(Value::Object(fields)).ok()
}

/// A message to a guest as it travels.
pub fn write_to_guest(message: &ToGuest) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}

/// What a room's retained topic holds.
#[derive(Debug, Clone, PartialEq)]
pub enum RetainedRoom {
    /// Nothing: it was cleared.
    Nothing,
    /// The room.
    Room(RoomState),
    /// Something else.
    Unreadable,
}

/// Reads a room's `state`.
pub fn read_room(payload: &[u8]) -> RetainedRoom {
    if payload.is_empty() {
        return RetainedRoom::Nothing;
    }
    let room = sound_object(payload).and_then(|fields| RoomState::deserialize(Value::Object(fields)).ok());
    match room {
        Some(room) if sound(&room) => RetainedRoom::Room(room),
        Some(_) | None => RetainedRoom::Unreadable,
    }
}

/// Whether the seats are numbered in order and within the limit.
fn sound(room: &RoomState) -> bool {
    room.seats.len() <= SEATS_MAX && (0..).zip(&room.seats).all(|(index, seat)| seat.index == index)
}

/// A room's `state` as it travels.
pub fn write_room(room: &RoomState) -> Vec<u8> {
    serde_json::to_vec(room).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::media::IceCandidate;
    use crate::model::message::{Membership, Outcome, SignalBody};

    fn request(text: &str) -> Result<ToHost, Refusal> {
        match read_to_host(text.as_bytes()) {
            FromGuest::Request(_, request) => request,
            FromGuest::Noise => panic!("noise: {text}"),
        }
    }

    #[test]
    fn what_has_no_request_id_is_noise() {
        let long = format!(r#"{{"type":"leave","request_id":"1","x":"{}"}}"#, "x".repeat(70_000));
        for text in ["", "[]", "{}", r#"{"type":"leave"}"#, r#"{"type":"leave","request_id":7}"#, &long] {
            assert_eq!(read_to_host(text.as_bytes()), FromGuest::Noise);
        }
        let wide = format!(r#"{{"type":"leave","request_id":"{}"}}"#, "x".repeat(65));
        assert_eq!(read_to_host(wide.as_bytes()), FromGuest::Noise);
    }

    #[test]
    fn unknown_fields_pass_and_unknown_types_do_not() {
        assert_eq!(request(r#"{"type":"leave","request_id":"1","later":[]}"#), Ok(ToHost::Leave));
        for text in [r#"{"type":"dance","request_id":"1"}"#, r#"{"request_id":"1"}"#] {
            assert_eq!(request(text).expect_err("unknown").code, Code::UnknownCommand);
        }
        let wrong = request(r#"{"type":"apply","request_id":"1","timeout":-1}"#).expect_err("range");
        assert_eq!(wrong.code, Code::InvalidParameter);
        assert!(wrong.message.contains("timeout"), "{wrong}");
    }

    #[test]
    fn a_key_that_stands_twice_is_named_and_whole_numbers_are_taken_in_any_spelling() {
        for (text, key) in [
            (r#"{"type":"apply","request_id":"1","seat_index":1,"seat_index":2}"#, "seat_index"),
            (
                r#"{"type":"join","request_id":"1","session":"s","user":{"user_id":"a","user_id":"b"}}"#,
                "user_id",
            ),
            (r#"{"type":"leave","request_id":"1","request_id":"2"}"#, "request_id"),
            (r#"{"type":"leave","request_id":"1","later":{"x":1,"x":1}}"#, "x"),
        ] {
            let refusal = request(text).expect_err(text);
            assert_eq!(refusal.code, Code::InvalidParameter, "{text}");
            assert!(refusal.message.starts_with(key), "{text}: {refusal}");
        }
        for text in ["1", "1.0", "10e-1"] {
            let sent = request(&format!(r#"{{"type":"apply","request_id":"1","seat_index":{text}}}"#));
            let Ok(ToHost::Apply(application)) = sent else { panic!("{text}: {sent:?}") };
            assert_eq!(application.seat_index, 1);
        }
        let twice = br#"{"type":"signal","session":"s","session":"t","exchange":1,"bye":true}"#;
        assert_eq!(read_to_guest(twice), None);
        let exchange = "\u{feff}{\"type\":\"signal\",\"session\":\"s\",\"exchange\":1.0,\"bye\":true}";
        assert!(read_to_stage(exchange.as_bytes()).is_some());
    }

    #[test]
    fn a_request_comes_back_as_it_went() {
        let sent = request(r#"{"type":"apply","request_id":"1"}"#).expect("defaults");
        let bytes = write_to_host(&RequestId::try_from("r".to_owned()).expect("an id"), &sent);
        let FromGuest::Request(id, read) = read_to_host(&bytes) else { panic!("a request") };
        assert_eq!((id.as_str(), read), ("r", Ok(sent)));
    }

    #[test]
    fn results_come_back_as_they_went() {
        for outcome in
            [Outcome::Ok(Some(Membership::default())), Outcome::Refused(Refusal::new(Code::RoomFull, "full"))]
        {
            let message =
                ToGuest::Result { request_id: RequestId::try_from("r".to_owned()).expect("an id"), outcome };
            assert_eq!(read_to_guest(&write_to_guest(&message)), Some(message));
        }
        let newer =
            br#"{"type":"result","request_id":"1","ok":false,"error":{"code":"too_loud","message":"hush"}}"#;
        let Some(ToGuest::Result { outcome: Outcome::Refused(refusal), .. }) = read_to_guest(newer) else {
            panic!("a refusal")
        };
        assert_eq!((refusal.code, refusal.message.as_str()), (Code::PermissionDenied, "hush"));
    }

    #[test]
    fn signals_tell_a_null_candidate_from_none() {
        let end = br#"{"type":"signal","session":"s","exchange":1,"candidate":null}"#;
        let signal = read_to_stage(end).expect("a signal");
        assert_eq!(signal.body, SignalBody::Candidate(None));
        assert_eq!(read_to_stage(&write_signal(signal.clone())), Some(signal));
        let candidate = br#"{"type":"signal","session":"s","exchange":1,"candidate":{"candidate":"candidate:1","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":null}}"#;
        let Some(Signal { body: SignalBody::Candidate(Some(IceCandidate { sdp_mid, .. })), .. }) =
            read_to_stage(candidate)
        else {
            panic!("a candidate")
        };
        assert_eq!(sdp_mid.as_deref(), Some("0"));
        for wrong in [
            r#"{"type":"signal","session":"s","exchange":0,"bye":true}"#,
            r#"{"type":"signal","session":"s","exchange":1}"#,
            r#"{"type":"signal","session":"s","exchange":1,"bye":true,"candidate":null}"#,
            r#"{"type":"live_ended"}"#,
        ] {
            assert_eq!(read_to_stage(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_room_is_read_or_unreadable_or_nothing() {
        assert_eq!(read_room(b""), RetainedRoom::Nothing);
        assert_eq!(read_room(b"{"), RetainedRoom::Unreadable);
        let text = br#"{"live_id":"lobby","status":"live","host":{"user_id":"h"},"session":"s","seat_mode":"apply","stage":"h","revision":3,
            "seats":[{"index":0,"locked":false,"user":null,"media":null,"microphone":"off","camera":"off","connection":null}]}"#;
        let RetainedRoom::Room(room) = read_room(text) else { panic!("a room") };
        assert_eq!(read_room(&write_room(&room)), RetainedRoom::Room(room.clone()));
        let mut gap = room;
        gap.seats[0].index = 1;
        assert_eq!(read_room(&write_room(&gap)), RetainedRoom::Unreadable);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = (read_to_host(&bytes), read_to_guest(&bytes), read_room(&bytes));
        }

        #[test]
        fn any_object_is_read_without_a_panic(
            kind in "join|leave|apply|result|signal|invitation|seated|unseated|moved|devices|x",
            field in "user|seat_index|session|outcome|grant|candidate|by|timeout",
            value in "null|1|-1|1.5|\"x\"|\\{\\}|\\[\\]|true",
        ) {
            let text = format!(r#"{{"type":"{kind}","request_id":"1","{field}":{value}}}"#);
            let _ = (read_to_host(text.as_bytes()), read_to_guest(text.as_bytes()));
        }
    }
}
