//! The public room, and the snapshots of both roles.

use std::time::{Duration, Instant};

use coguestd::model::media::{Quality, SentPicture};
use coguestd::model::message::DeviceKind;
use coguestd::model::sound::SpeakerStatus;
use coguestd::model::state::{
    CameraState, Connected, Cut, Deadline, DeviceStatus, GuestState, HostState, LayersState, MicrophoneState,
    Network, NetworkQuality, PAYLOAD_MAX, PendingInvitation, PendingRequest, RoomMembership, SeatState,
};
use coguestd::model::viewer::{Talk, Watching};
use coguestd::model::{
    Banned, Code, Connection, DeviceSwitch, Media, Phase, Refusal, RoomState, RoomStatus, Seat, SeatMode,
    User, Volume,
};
use coguestd::mqtt::wire::room::{self, RetainedRoom};

use super::golden::{Golden, hold};
use super::messages::{by, user};

#[test]
fn a_room_travels_as_its_golden_files_say() {
    let rooms = [("live", live()), ("ended", ended())];
    let files = rooms.clone().map(|(name, room)| Golden::new("room", name, room::write_room(&room)));
    for (bytes, (name, room)) in hold("room", &files).iter().zip(rooms) {
        assert_eq!(room::read_room(bytes), RetainedRoom::Room(room), "{name}");
    }
}

#[test]
fn states_are_as_their_golden_files_say() {
    let now = Instant::now();
    let state = |name, value: serde_json::Value| Golden::new("state", name, value.to_string().into_bytes());
    hold(
        "state",
        &[
            state("guest_seated", seated(now).json(now)),
            state("guest_waiting", waiting(now).json(now)),
            state("host", host(now).json(now)),
        ],
    );
}

/// The longest there is: ids, names and pictures of every guest as long as allowed, and full of what JSON escapes.
#[test]
fn the_largest_room_and_the_largest_state_keep_to_64_kib() {
    let now = Instant::now();
    let long = |n: usize| {
        let id = format!("{n:-<64}").parse().expect("valid");
        let name = "\"".repeat(128).try_into().expect("long enough");
        User::new(id, Some(name), Some("\\".repeat(512))).expect("long enough")
    };
    let mut room = live();
    room.seats = (0..32).map(Seat::empty).collect();
    for (seat, n) in room.seats.iter_mut().zip(0..) {
        seat.user = Some(long(n));
        (seat.microphone, seat.camera) = (DeviceSwitch::ClosedByAdmin, DeviceSwitch::ClosedByAdmin);
        (seat.media, seat.connection) = (Some(Media::Video), Some(Connection::Connecting));
    }
    let written = room::write_room(&room);
    assert!(written.len() <= PAYLOAD_MAX, "{} bytes", written.len());
    assert_eq!(room::read_room(&written), RetainedRoom::Room(room));

    let mut state = host(now);
    let request = |n| PendingRequest { user: long(n), ..state.applicants.shown[0].clone() };
    state.applicants = Cut { shown: (0..100).map(request).collect(), total: 5000 };
    state.invitees = Cut { shown: state.applicants.shown.clone(), total: 5000 };
    state.candidates = Cut { shown: (0..100).map(long).collect(), total: 9000 };
    state.connected = (0..32)
        .map(|n| Connected { user: long(n), seat_index: 0, connection: Connection::Connecting })
        .collect();
    let value = state.json(now);
    assert!(value.to_string().len() <= PAYLOAD_MAX, "{} bytes", value.to_string().len());
    assert_eq!(value["connected"].as_array().expect("a list").len(), 32, "who sits is never cut");
    assert_eq!(value["candidates_total"], 9000, "what is cut is counted");
}

#[test]
fn what_came_with_requests_is_left_out_before_a_request_is() {
    let now = Instant::now();
    let mut state = host(now);
    let told = |n: usize| {
        let id = format!("kiosk-{n}").parse().expect("valid");
        let extra_info = Some("\"".repeat(1024).try_into().expect("long enough"));
        PendingRequest {
            user: User::new(id, None, None).expect("short"),
            extra_info,
            ..state.applicants.shown[0].clone()
        }
    };
    let few: Vec<_> = (0..10).map(told).collect();
    let many = (0..100).map(told).collect();
    state.applicants = Cut { shown: few, total: 10 };
    let value = state.json(now);
    assert_eq!(value["applicants"][9]["extra_info"].as_str().map(str::len), Some(1024));
    state.applicants = Cut { shown: many, total: 100 };
    let value = state.json(now);
    assert!(value.to_string().len() <= PAYLOAD_MAX, "{} bytes", value.to_string().len());
    assert_eq!(value["applicants"].as_array().map(Vec::len), Some(100));
    assert!(value["applicants"][0]["extra_info"].is_null());
}

fn live() -> RoomState {
    let mut seats: Vec<Seat> = (0..3).map(Seat::empty).collect();
    seats[1].locked = true;
    seats[2] = Seat {
        index: 2,
        locked: false,
        user: Some(user("kiosk-7")),
        media: Some(Media::Video),
        microphone: DeviceSwitch::On,
        camera: DeviceSwitch::ClosedByAdmin,
        connection: Some(Connection::Connected),
    };
    RoomState {
        live_id: "lobby".parse().expect("valid"),
        status: RoomStatus::Live,
        host: user("host-1"),
        session: "8a3f8a4e-3a39-4c5e-9a9b-6d4a1f0a7c11".to_owned(),
        seat_mode: SeatMode::Apply,
        stage: Some("host-1".parse().expect("valid")),
        revision: 17,
        seats,
        banned: vec![Banned {
            user_id: "kiosk-9".parse().expect("valid"),
            devices: vec![DeviceKind::Camera],
        }],
    }
}

fn ended() -> RoomState {
    RoomState {
        status: RoomStatus::Ended,
        stage: None,
        revision: 18,
        seats: (0..3).map(Seat::empty).collect(),
        banned: Vec::new(),
        ..live()
    }
}

fn seated(now: Instant) -> GuestState {
    GuestState {
        membership: RoomMembership::Inside,
        application: None,
        invitations: vec![],
        seat: Some(SeatState { index: 2, phase: Phase::Live, media: Media::Video }),
        camera: CameraState {
            status: DeviceStatus::Lost,
            device: "usb-1".to_owned(),
            quality: Quality::P720,
            sent: Some(SentPicture { width: 640, height: 360, frame_rate: 30 }),
        },
        microphone: MicrophoneState {
            status: DeviceStatus::On,
            device: "hw:1,0".to_owned(),
            volume: Volume::FULL,
        },
        speaker: SpeakerStatus::Playing,
        layers: LayersState { foreground: true },
        network: Network {
            quality: NetworkQuality::Excellent,
            delay_ms: Some(12.5),
            up_loss: Some(0.0),
            down_loss: None,
        },
        last_error: Some(Refusal::new(Code::CameraStartFail, "the camera was pulled out")),
        summary: "live on seat 2, camera lost: sending slate".to_owned(),
        ..waiting(now)
    }
}

fn waiting(now: Instant) -> GuestState {
    let in_seconds = |seconds| Deadline(Some(now + Duration::from_secs(seconds)));
    GuestState {
        live_id: Some("lobby".parse().expect("valid")),
        membership: RoomMembership::HostLost,
        application: Some((2, in_seconds(21))),
        invitations: vec![PendingInvitation { by: by(), seat_index: -1, expires: Deadline(None) }],
        seat: None,
        camera: CameraState {
            status: DeviceStatus::Off,
            device: "auto".to_owned(),
            quality: Quality::P720,
            sent: None,
        },
        microphone: MicrophoneState {
            status: DeviceStatus::Off,
            device: "auto".to_owned(),
            volume: Volume::FULL,
        },
        speaker: SpeakerStatus::Off,
        layers: LayersState { foreground: false },
        network: Network::UNKNOWN,
        last_error: None,
        summary: "in lobby, waiting for host-1 to come back".to_owned(),
    }
}

fn host(now: Instant) -> HostState {
    let request = |id, by| PendingRequest {
        user: user(id),
        seat_index: -1,
        media: Media::Video,
        expires: Deadline(Some(now + Duration::from_secs(21))),
        extra_info: Some("Has a parcel".to_owned().try_into().expect("short")),
        by,
    };
    HostState {
        live_id: Some("lobby".parse().expect("valid")),
        membership: RoomMembership::Inside,
        applicants: Cut { shown: vec![request("kiosk-8", None)], total: 1 },
        invitees: Cut { shown: vec![request("kiosk-9", Some(by()))], total: 1 },
        connected: vec![Connected {
            user: user("kiosk-7"),
            seat_index: 2,
            connection: Connection::Connected,
        }],
        candidates: Cut { shown: vec![user("kiosk-8"), user("kiosk-9")], total: 2 },
        speaking: vec!["kiosk-7".parse().expect("valid")],
        watching: Cut {
            shown: vec![
                Watching {
                    user_id: "kiosk-7".parse().expect("valid"),
                    operator: Some("desk-2".to_owned().try_into().expect("short")),
                    talking: Talk::On,
                },
                Watching { user_id: "kiosk-7".parse().expect("valid"), operator: None, talking: Talk::Off },
            ],
            total: 2,
        },
        last_error: None,
        summary: "live in lobby, 1 of 3 seats taken, 1 application waits for an operator".to_owned(),
    }
}
