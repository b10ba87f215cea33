//! Every command with every parameter, and every kind of reply.

use coguestd::model::command::{
    CameraControls, Command, DeviceCommand, GuestCommand, HostCommand, InviteToSeat, Invitee, Inviter,
    JoinLive, MovePolicy, MoveUserToSeat, SeatCount, SeatIndex, SetCameraControl, SetMirror, SetReturn,
    SetUserInfo, SetVideoQuality, SetVolume, StartLive, SwitchCamera, Who,
};
use coguestd::model::controls::ControlValue;
use coguestd::model::media::{Mirror, Picture, Quality};
use coguestd::model::message::Application;
use coguestd::model::message::Token;
use coguestd::model::sound::Return;
use coguestd::model::viewer::{AnswerDescription, Talk, TalkWish, Unwatch, WatchAnswer, WatchOffer};
use coguestd::model::{Code, Media, Refusal, RequestTimeout, SeatMode, SessionId, Volume};
use coguestd::mqtt::wire::command::{self, Envelope};
use serde_json::{Value, json};

use super::golden::{Golden, hold};

#[test]
fn every_command_is_read_as_its_golden_file_says() {
    let commands = commands();
    let payload = |value: &Value| value.to_string().into_bytes();
    let files: Vec<_> =
        commands.iter().map(|(name, value, _)| Golden::new("command", name, payload(value))).collect();
    for (bytes, (name, _, expected)) in hold("command", &files).iter().zip(&commands) {
        let envelope = Envelope::open(bytes);
        assert_eq!(envelope.id.as_deref(), Some("42"), "{name}");
        assert_eq!(envelope.read(name).as_ref(), Ok(expected), "{name}");
    }
    let mut named: Vec<&str> = commands.iter().map(|(name, ..)| *name).collect();
    named.sort_unstable();
    let mut all: Vec<&str> = command::names().collect();
    all.sort_unstable();
    assert_eq!(named, all, "every command has its file");
}

#[test]
fn a_field_too_many_is_refused_and_named_in_every_command() {
    for (name, mut value, _) in commands() {
        value["surprise"] = json!(1);
        let refusal = Envelope::open(value.to_string().as_bytes()).read(name).expect_err(name);
        assert_eq!(refusal.code, Code::InvalidParameter, "{name}");
        assert!(refusal.message.contains("surprise"), "{name}: {refusal}");
    }
}

#[test]
fn a_field_of_the_wrong_shape_is_refused_and_named_in_every_command() {
    for (name, value, _) in commands() {
        for field in value.as_object().expect("an object").keys() {
            for wrong in [json!({"a": 1}), json!([1, 2]), json!(1.5), json!(-7_000_000_000_000_000_i64)] {
                let mut value = value.clone();
                value[field] = wrong;
                let refusal = Envelope::open(value.to_string().as_bytes()).read(name);
                if let Ok(command) = refusal {
                    // Whether a seat exists is the host's to say, what a control takes the camera's.
                    assert!(["seat_index", "value"].contains(&field.as_str()), "{name}: {command:?}");
                    continue;
                }
                let refusal = refusal.expect_err("not read");
                assert_eq!(refusal.code, Code::InvalidParameter, "{name} {field}");
                assert!(refusal.message.starts_with(field.as_str()), "{name} {field}: {refusal}");
            }
        }
    }
}

#[test]
fn replies_are_as_their_golden_files_say() {
    let refusal = Refusal::new(Code::SeatOccupied, "seat 2 is taken by kiosk-8");
    let picture = Picture { width: 640, height: 360, jpeg: vec![0xff, 0xd8, 0xff, 0xd9] };
    let session = |name: &str| SessionId::try_from(name.to_owned()).expect("short");
    let offer = WatchOffer::Mqtt { session: session("w1"), sdp: "v=0\r\n".to_owned() };
    let whep = WatchOffer::Whep {
        session: session("whep-1"),
        playback_url: "https://sfu.example.org/lobby/kiosk-7/whep".to_owned(),
        token: Some(Token("secret".to_owned())),
    };
    let files = [
        Golden::new("reply", "done", command::reply(Some("42"), &Ok(json!({})))),
        Golden::new("reply", "refused", command::reply(Some("42"), &Err(refusal))),
        Golden::new("reply", "take_snapshot", command::reply(None, &Ok(command::picture(&picture)))),
        Golden::new("reply", "watch", command::reply(Some("42"), &Ok(command::watch(&offer)))),
        Golden::new("reply", "watch_whep", command::reply(Some("42"), &Ok(command::watch(&whep)))),
    ];
    hold("reply", &files);
}

#[test]
fn every_code_has_its_number() {
    let codes: serde_json::Map<String, Value> =
        Code::ALL.iter().map(|code| (code.to_string(), json!(code.number()))).collect();
    hold("code", &[Golden::new("code", "codes", Value::Object(codes).to_string().into_bytes())]);
}

fn commands() -> Vec<(&'static str, Value, Command)> {
    let mut all = guest_commands();
    all.extend(host_commands());
    all.extend(device_commands());
    for (_, value, command) in &mut all {
        value["id"] = json!("42");
        if let Command::Host { operator, .. } = command {
            value["operator"] = json!("desk-2");
            *operator = Some("desk-2".to_owned().try_into().expect("short"));
        }
    }
    all
}

fn guest_commands() -> Vec<(&'static str, Value, Command)> {
    let inviter = || Inviter { inviter_id: Some("host-1".parse().expect("valid")) };
    let apply = Application {
        seat_index: 2,
        timeout: RequestTimeout::seconds(60),
        media: Media::Audio,
        extra_info: Some("from the lobby".to_owned().try_into().expect("short")),
    };
    vec![
        (
            "join_live",
            json!({"live_id": "lobby"}),
            GuestCommand::JoinLive(JoinLive { live_id: "lobby".parse().expect("valid") }),
        ),
        ("leave_live", json!({}), GuestCommand::LeaveLive),
        (
            "apply_for_seat",
            json!({"seat_index": 2, "timeout": 60, "media": "audio", "extra_info": "from the lobby"}),
            GuestCommand::ApplyForSeat(apply),
        ),
        ("cancel_application", json!({}), GuestCommand::CancelApplication),
        ("accept_invitation", json!({"inviter_id": "host-1"}), GuestCommand::AcceptInvitation(inviter())),
        ("reject_invitation", json!({"inviter_id": "host-1"}), GuestCommand::RejectInvitation(inviter())),
        ("disconnect", json!({}), GuestCommand::Disconnect),
    ]
    .into_iter()
    .map(|(name, value, command)| (name, value, Command::Guest(command)))
    .collect()
}

fn host_commands() -> Vec<(&'static str, Value, Command)> {
    let who = || Who { user_id: "kiosk-7".parse().expect("valid") };
    let user = || json!({"user_id": "kiosk-7"});
    let seat = || json!({"seat_index": 2});
    let start = StartLive {
        live_id: "lobby".parse().expect("valid"),
        seats: Some(SeatCount::try_from(4).expect("in range")),
        seat_mode: Some(SeatMode::Free),
    };
    let invite = InviteToSeat {
        invitee_id: "kiosk-7".parse().expect("valid"),
        seat_index: 2,
        timeout: RequestTimeout::NEVER,
        media: Media::Video,
        extra_info: Some("please".to_owned().try_into().expect("short")),
    };
    let cancel = Invitee { invitee_id: "kiosk-7".parse().expect("valid") };
    let shift = MoveUserToSeat {
        user_id: "kiosk-7".parse().expect("valid"),
        seat_index: 3,
        policy: MovePolicy::SwapPosition,
    };
    let talk = SetReturn { user_id: "kiosk-7".parse().expect("valid"), returned: Return::Talk };
    vec![
        (
            "start_live",
            json!({"live_id": "lobby", "seats": 4, "seat_mode": "free"}),
            HostCommand::StartLive(start),
        ),
        ("end_live", json!({}), HostCommand::EndLive),
        ("accept_application", user(), HostCommand::AcceptApplication(who())),
        ("reject_application", user(), HostCommand::RejectApplication(who())),
        (
            "invite_to_seat",
            json!({"invitee_id": "kiosk-7", "seat_index": 2, "timeout": 0, "media": "video", "extra_info": "please"}),
            HostCommand::InviteToSeat(invite),
        ),
        ("cancel_invitation", json!({"invitee_id": "kiosk-7"}), HostCommand::CancelInvitation(cancel)),
        ("kick_user_out_of_seat", user(), HostCommand::KickUserOutOfSeat(who())),
        ("set_return", json!({"user_id": "kiosk-7", "return": "talk"}), HostCommand::SetReturn(talk)),
        ("take_seat_snapshot", user(), HostCommand::TakeSeatSnapshot(who())),
        (
            "move_user_to_seat",
            json!({"user_id": "kiosk-7", "seat_index": 3, "policy": "swap_position"}),
            HostCommand::MoveUserToSeat(shift),
        ),
        ("lock_seat", seat(), HostCommand::LockSeat(SeatIndex { seat_index: 2 })),
        ("unlock_seat", seat(), HostCommand::UnlockSeat(SeatIndex { seat_index: 2 })),
        ("close_remote_camera", user(), HostCommand::CloseRemoteCamera(who())),
        ("close_remote_microphone", user(), HostCommand::CloseRemoteMicrophone(who())),
        ("open_remote_camera", user(), HostCommand::OpenRemoteCamera(who())),
        ("open_remote_microphone", user(), HostCommand::OpenRemoteMicrophone(who())),
    ]
    .into_iter()
    .chain(viewer_commands())
    .map(|(name, value, command)| (name, value, Command::Host { operator: None, command }))
    .collect()
}

fn viewer_commands() -> Vec<(&'static str, Value, HostCommand)> {
    let session = || SessionId::try_from("w1".to_owned()).expect("short");
    vec![
        (
            "watch",
            json!({"user_id": "kiosk-7"}),
            HostCommand::Watch(Who { user_id: "kiosk-7".parse().expect("valid") }),
        ),
        (
            "watch_answer",
            json!({"session": "w1", "description": {"type": "answer", "sdp": "v=0"}}),
            HostCommand::WatchAnswer(WatchAnswer {
                session: session(),
                description: AnswerDescription { sdp: "v=0".to_owned() },
            }),
        ),
        (
            "talk",
            json!({"session": "w1", "talk": true}),
            HostCommand::Talk(TalkWish { session: session(), talk: Talk::On }),
        ),
        ("unwatch", json!({"session": "w1"}), HostCommand::Unwatch(Unwatch { session: session() })),
    ]
}

fn device_commands() -> Vec<(&'static str, Value, Command)> {
    let volume = |percent| SetVolume { volume: Volume::try_from(percent).expect("in range") };
    let controls = CameraControls { camera: Some("usb-1".to_owned()) };
    let hertz = SetCameraControl {
        camera: Some("usb-1".to_owned()),
        control: "power_line_frequency".to_owned(),
        value: ControlValue::Word("50 Hz".to_owned()),
    };
    let info = SetUserInfo {
        user_name: Some("Lobby kiosk".to_owned().try_into().expect("short")),
        avatar_url: Some("https://example.org/k.png".to_owned()),
    };
    vec![
        ("open_local_camera", json!({}), DeviceCommand::OpenLocalCamera),
        ("close_local_camera", json!({}), DeviceCommand::CloseLocalCamera),
        ("open_local_microphone", json!({}), DeviceCommand::OpenLocalMicrophone),
        ("close_local_microphone", json!({}), DeviceCommand::CloseLocalMicrophone),
        (
            "switch_camera",
            json!({"camera": "usb-1"}),
            DeviceCommand::SwitchCamera(SwitchCamera { camera: "usb-1".to_owned() }),
        ),
        ("set_capture_volume", json!({"volume": 80}), DeviceCommand::SetCaptureVolume(volume(80))),
        ("set_output_volume", json!({"volume": 0}), DeviceCommand::SetOutputVolume(volume(0))),
        (
            "set_video_quality",
            json!({"quality": "1080p"}),
            DeviceCommand::SetVideoQuality(SetVideoQuality { quality: Quality::P1080 }),
        ),
        ("set_mirror", json!({"mirror": true}), DeviceCommand::SetMirror(SetMirror { mirror: Mirror::Yes })),
        (
            "set_user_info",
            json!({"user_name": "Lobby kiosk", "avatar_url": "https://example.org/k.png"}),
            DeviceCommand::SetUserInfo(info),
        ),
        ("list_devices", json!({}), DeviceCommand::ListDevices),
        ("get_camera_controls", json!({"camera": "usb-1"}), DeviceCommand::GetCameraControls(controls)),
        (
            "set_camera_control",
            json!({"camera": "usb-1", "control": "power_line_frequency", "value": "50 Hz"}),
            DeviceCommand::SetCameraControl(hertz),
        ),
        ("get_state", json!({}), DeviceCommand::GetState),
        ("take_snapshot", json!({}), DeviceCommand::TakeSnapshot),
    ]
    .into_iter()
    .map(|(name, value, command)| (name, value, Command::Device(command)))
    .collect()
}
