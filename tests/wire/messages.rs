//! Every message of the room plane, in both directions.

use coguestd::model::media::{IceCandidate, SdpKind, SessionDescription};
use coguestd::model::message::{
    Application, DeviceAction, DeviceKind, Devices, Grant, Invitation, Membership, NoResponse, OnOff,
    Outcome, OwnSeat, Signal, SignalBody, ToGuest, ToHost, Token, UnseatReason,
};
use coguestd::model::{
    By, ByeReason, Code, DeviceSwitch, InvitationId, Media, Phase, Refusal, RequestId, RequestTimeout, User,
};
use coguestd::mqtt::wire::room::{self, FromGuest};

use super::golden::{Golden, hold};

#[test]
fn requests_travel_as_their_golden_files_say() {
    let requests = to_host();
    let files: Vec<_> = requests
        .iter()
        .map(|(name, request)| Golden::new("to_host", name, room::write_to_host(&request_id(), request)))
        .collect();
    for (bytes, (name, request)) in hold("to_host", &files).iter().zip(requests) {
        assert_eq!(room::read_to_host(bytes), FromGuest::Request(request_id(), Ok(request)), "{name}");
    }
}

#[test]
fn messages_travel_as_their_golden_files_say() {
    let messages = to_guest();
    let files: Vec<_> = messages
        .iter()
        .map(|(name, message)| Golden::new("to_guest", name, room::write_to_guest(message)))
        .collect();
    for (bytes, (name, message)) in hold("to_guest", &files).iter().zip(messages) {
        assert_eq!(room::read_to_guest(bytes), Some(message), "{name}");
    }
}

#[test]
fn signals_travel_as_their_golden_files_say() {
    let signals = signals();
    let files: Vec<_> = signals
        .iter()
        .map(|(name, signal)| Golden::new("to_stage", name, room::write_signal(signal.clone())))
        .collect();
    for (bytes, (name, signal)) in hold("to_stage", &files).iter().zip(signals) {
        assert_eq!(room::read_to_stage(bytes), Some(signal.clone()), "{name}");
        assert_eq!(room::read_to_guest(bytes), Some(ToGuest::Signal(signal)), "{name}");
    }
}

pub fn user(id: &str) -> User {
    User::named_by_id(id.parse().expect("valid"))
}

pub fn by() -> By {
    By { user: user("host-1"), operator: Some("desk-2".to_owned().try_into().expect("short")) }
}

fn request_id() -> RequestId {
    "3e0bc5a2-576d-4c70-81c6-429b152e90de".to_owned().try_into().expect("short")
}

fn invitation_id() -> InvitationId {
    "0429c3bb-49e0-4414-be00-89a52eae155f".to_owned().try_into().expect("short")
}

fn application() -> Application {
    Application {
        seat_index: 2,
        timeout: RequestTimeout::seconds(30),
        media: Media::Video,
        extra_info: Some("from the lobby".to_owned().try_into().expect("short")),
    }
}

fn invitation() -> Invitation {
    Invitation {
        invitation_id: invitation_id(),
        seat_index: -1,
        media: Media::Audio,
        timeout: RequestTimeout::NEVER,
        extra_info: None,
        by: by(),
    }
}

fn grant() -> Grant {
    Grant::Mqtt { stage: "host-1".parse().expect("valid") }
}

fn to_host() -> Vec<(&'static str, ToHost)> {
    let session = "fc4e777c-d9c2-41ef-aff7-d49753b843fa".to_owned();
    let devices = |phase| ToHost::Devices(Devices { microphone: OnOff::On, camera: OnOff::Off, phase });
    vec![
        ("join", ToHost::Join { user: user("kiosk-7"), session }),
        ("leave", ToHost::Leave),
        ("apply", ToHost::Apply(application())),
        ("cancel_application", ToHost::CancelApplication),
        ("accept_invitation", ToHost::AcceptInvitation { invitation_id: invitation_id() }),
        ("reject_invitation", ToHost::RejectInvitation { invitation_id: invitation_id() }),
        ("leave_seat", ToHost::LeaveSeat),
        ("devices", devices(None)),
        ("devices_with_phase", devices(Some(Phase::Live))),
    ]
}

fn to_guest() -> Vec<(&'static str, ToGuest)> {
    let result = |outcome| ToGuest::Result { request_id: request_id(), outcome };
    let seat = OwnSeat {
        seat_index: 2,
        media: Media::Video,
        grant: grant(),
        camera: DeviceSwitch::ClosedByAdmin,
        microphone: DeviceSwitch::On,
    };
    let membership = Membership {
        seat: Some(seat),
        application: Some(application()),
        invitations: vec![invitation()],
        banned: Some(vec![DeviceKind::Camera]),
    };
    let whip = Grant::Whip {
        publish_url: Some("https://media.example.org/whip/lobby/kiosk-7".to_owned()),
        token: Some(Token("secret".to_owned())),
        playback_url: None,
    };
    let (seat_index, media) = (2, Media::Video);
    vec![
        ("result", result(Outcome::Ok(None))),
        ("result_refused", result(Outcome::Refused(Refusal::new(Code::SeatLocked, "seat 2 is locked")))),
        ("result_of_join", result(Outcome::Ok(Some(membership)))),
        ("result_of_first_join", result(Outcome::Ok(Some(Membership::default())))),
        ("application_accepted", ToGuest::ApplicationAccepted { seat_index, media, by: by() }),
        ("application_rejected", ToGuest::ApplicationRejected { by: by() }),
        ("application_no_response", ToGuest::ApplicationNoResponse { reason: NoResponse::Timeout }),
        ("invitation", ToGuest::Invitation(invitation())),
        ("invitation_cancelled", ToGuest::InvitationCancelled { invitation_id: invitation_id(), by: by() }),
        (
            "invitation_no_response",
            ToGuest::InvitationNoResponse {
                invitation_id: invitation_id(),
                reason: NoResponse::AlreadySeated,
            },
        ),
        ("seated", ToGuest::Seated { seat_index, media, grant: grant() }),
        ("seated_whip", ToGuest::Seated { seat_index, media, grant: whip }),
        ("unseated", ToGuest::Unseated { seat_index, reason: UnseatReason::Kicked, by: Some(by()) }),
        ("unseated_offline", ToGuest::Unseated { seat_index, reason: UnseatReason::Offline, by: None }),
        ("moved", ToGuest::Moved { from: 2, to: 0, by: by() }),
        (
            "device_control",
            ToGuest::DeviceControl { device: DeviceKind::Camera, action: DeviceAction::Close, by: by() },
        ),
        ("live_ended", ToGuest::LiveEnded {}),
    ]
}

fn signals() -> Vec<(&'static str, Signal)> {
    let signal =
        |body| Signal { session: "4bab7a48-3771-4f1e-a4f0-2071b2b69afe".to_owned(), exchange: 1, body };
    let candidate = IceCandidate {
        candidate: "candidate:1 1 UDP 2122252543 192.0.2.7 51820 typ host".to_owned(),
        sdp_mid: Some("video0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    };
    let sdp = "v=0\r\n…".to_owned();
    vec![
        (
            "offer",
            signal(SignalBody::Description(SessionDescription { kind: SdpKind::Offer, sdp: sdp.clone() })),
        ),
        ("answer", signal(SignalBody::Description(SessionDescription { kind: SdpKind::Answer, sdp }))),
        ("candidate", signal(SignalBody::Candidate(Some(candidate)))),
        ("end_of_candidates", signal(SignalBody::Candidate(None))),
        ("bye", signal(SignalBody::Bye(None))),
        (
            "bye_with_reason",
            signal(SignalBody::Bye(ByeReason::try_from("nothing was received in 30 s".to_owned()).ok())),
        ),
    ]
}
