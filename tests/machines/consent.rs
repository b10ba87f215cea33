//! What is closed stays closed: by the guest's own operator before a seat, and by the host over any number of stays.

use std::time::Instant;

use coguestd::guest::Output;
use coguestd::host;
use coguestd::model::command::{Command, DeviceCommand, GuestCommand, HostCommand, StartLive, Who};
use coguestd::model::event::Event;
use coguestd::model::media::{AudioPlan, Report, VideoPlan};
use coguestd::model::message::{
    Application, DeviceAction, DeviceKind, Membership, NoResponse, Outcome, ToGuest, ToHost, UnseatReason,
};
use coguestd::model::state::DeviceStatus;
use coguestd::model::{Code, DeviceSwitch, LiveId, Media, RoomState, User, UserId};

use super::by_hand::{self, ByHand, events, to_host};
use super::guest_stand::id;
use super::host_stand::{HostStand, settings};
use super::words::invitation;

fn plan(hand: &ByHand) -> (VideoPlan, AudioPlan) {
    let plan = hand.stand.opened.expect("a stay").plan;
    (plan.video, plan.audio)
}

fn leave(hand: &mut ByHand) {
    hand.command(GuestCommand::Disconnect).expect("it sits");
    hand.pass(2);
    hand.answer();
}

fn control(hand: &mut ByHand, action: DeviceAction) -> Vec<Output> {
    hand.told(ToGuest::DeviceControl { device: DeviceKind::Camera, action, by: by_hand::host().into() })
}

#[test]
fn what_was_closed_before_the_seat_stays_closed_until_it_is_opened() {
    let mut hand = ByHand::inside();
    hand.device(DeviceCommand::CloseLocalCamera).expect("it is no error");
    hand.device(DeviceCommand::CloseLocalMicrophone).expect("it is no error");
    let state = hand.state();
    assert!(state.summary.ends_with("camera and microphone stay closed"), "{}", state.summary);
    hand.sit(Media::Video, to_host());
    assert_eq!(plan(&hand), (VideoPlan::Slate, AudioPlan::Silence));
    hand.go_live();
    // It was never opened: so it is on the next seat.
    leave(&mut hand);
    hand.sit(Media::Video, to_host());
    assert_eq!(plan(&hand), (VideoPlan::Slate, AudioPlan::Silence));
    hand.device(DeviceCommand::OpenLocalCamera).expect("it may be opened");
    assert_eq!(plan(&hand), (VideoPlan::Camera, AudioPlan::Silence));
    let epoch = hand.peer().epoch;
    hand.report(Report::DeviceOpened { epoch, device: DeviceKind::Camera, id: "0".to_owned() });
    leave(&mut hand);
    assert!(hand.state().summary.ends_with("microphone stays closed"), "{}", hand.state().summary);
    hand.sit(Media::Video, to_host());
    assert_eq!(plan(&hand), (VideoPlan::Camera, AudioPlan::Silence));
}

#[test]
fn off_the_seat_nothing_is_opened_and_a_refusal_changes_no_wish() {
    let mut hand = ByHand::inside();
    hand.device(DeviceCommand::CloseLocalCamera).expect("it is no error");
    let refusal = hand.device(DeviceCommand::OpenLocalCamera).expect_err("there is no seat");
    assert_eq!(refusal.code, Code::UserNotInSeat);
    hand.sit(Media::Video, to_host());
    assert_eq!(plan(&hand), (VideoPlan::Slate, AudioPlan::Microphone));
}

#[test]
fn what_was_closed_on_a_seat_counts_for_that_stay() {
    let mut hand = ByHand::seated(Media::Video);
    hand.device(DeviceCommand::CloseLocalCamera).expect("it is closed");
    leave(&mut hand);
    hand.sit(Media::Video, to_host());
    assert_eq!(plan(&hand), (VideoPlan::Camera, AudioPlan::Microphone));
}

#[test]
fn a_ban_outlives_the_stay_and_the_device_stays_closed_after_it() {
    let mut hand = ByHand::seated(Media::Video);
    control(&mut hand, DeviceAction::Close);
    leave(&mut hand);
    assert_eq!(hand.state().camera.status, DeviceStatus::ClosedByAdmin, "the state says so off the seat");
    let outputs = hand.sit(Media::Video, to_host());
    assert_eq!(plan(&hand), (VideoPlan::Slate, AudioPlan::Microphone), "not open for a moment: {outputs:?}");
    let refusal = hand.device(DeviceCommand::OpenLocalCamera).expect_err("it is banned");
    assert_eq!(refusal.code, Code::CameraClosedByAdmin);
    assert_eq!(events(&control(&mut hand, DeviceAction::Close)).len(), 0, "it was known");
    hand.told(ToGuest::Unseated { seat_index: 1, reason: UnseatReason::Kicked, by: None });
    hand.pass(2);
    let outputs = control(&mut hand, DeviceAction::Unlock);
    assert!(matches!(events(&outputs)[..], [Event::UnlockedByAdmin { .. }]), "{outputs:?}");
    hand.sit(Media::Video, to_host());
    assert_eq!(plan(&hand).0, VideoPlan::Slate, "its own side has not opened it yet");
    hand.device(DeviceCommand::OpenLocalCamera).expect("nothing forbids it");
    assert_eq!(plan(&hand).0, VideoPlan::Camera);
}

#[test]
fn a_guest_that_was_just_started_learns_of_its_bans_before_it_is_seated() {
    let mut hand = ByHand::inside();
    let banned =
        |devices: &[DeviceKind]| Membership { banned: Some(devices.to_vec()), ..Membership::default() };
    hand.session = "another".to_owned();
    hand.news();
    hand.answer_join(banned(&[DeviceKind::Camera]));
    assert_eq!(hand.state().camera.status, DeviceStatus::ClosedByAdmin);
    hand.session = "a third".to_owned();
    hand.news();
    // A host that does not know of this says nothing, and nothing is lifted.
    hand.answer_join(Membership::default());
    assert_eq!(hand.state().camera.status, DeviceStatus::ClosedByAdmin);
    hand.session = "a fourth".to_owned();
    hand.news();
    hand.answer_join(banned(&[]));
    assert_eq!(hand.state().camera.status, DeviceStatus::Off);
}

#[test]
fn a_ban_ends_with_the_room() {
    let mut hand = ByHand::seated(Media::Video);
    control(&mut hand, DeviceAction::Close);
    hand.told(ToGuest::LiveEnded {});
    hand.pass(2);
    assert_eq!(hand.state().camera.status, DeviceStatus::Off);
}

#[test]
fn who_is_seated_ends_its_other_requests_itself() {
    let mut hand = ByHand::inside();
    let invited = |name: &str, by: &str| {
        let mut invitation = invitation(
            name.to_owned().try_into().expect("short"),
            Media::Audio,
            coguestd::model::RequestTimeout::NEVER,
        );
        invitation.by = User::named_by_id(id(by)).into();
        ToGuest::Invitation(invitation)
    };
    hand.told(invited("a", "desk-1"));
    hand.told(invited("b", "desk-2"));
    hand.told(invited("c", "desk-3"));
    hand.command(GuestCommand::ApplyForSeat(Application::default())).expect("it is taken");
    hand.answer();
    let inviter_id = Some(id("desk-1"));
    let inviter = coguestd::model::command::Inviter { inviter_id };
    hand.command(GuestCommand::AcceptInvitation(inviter)).expect("it is taken");
    hand.answer();
    let outputs = hand.told(ToGuest::Seated { seat_index: 0, media: Media::Audio, grant: to_host() });
    let ended = |event: &&Event| match event {
        Event::InvitationNoResponse { reason, .. } | Event::ApplicationNoResponse { reason } => {
            *reason == NoResponse::AlreadySeated
        }
        _ => false,
    };
    assert_eq!(events(&outputs).iter().filter(|event| ended(event)).count(), 3, "{outputs:?}");
    let state = hand.state();
    assert_eq!((state.invitations.len(), state.application), (0, None));
    // The host may say the same: nothing has two ends.
    let invitation_id = "b".to_owned().try_into().expect("short");
    let outputs =
        hand.told(ToGuest::InvitationNoResponse { invitation_id, reason: NoResponse::AlreadySeated });
    assert!(events(&outputs).is_empty(), "{outputs:?}");
    // What crossed all that is answered.
    let outputs = hand.told(invited("d", "desk-4"));
    let rejects =
        |output: &Output| matches!(output, Output::ToHost { message: ToHost::RejectInvitation { .. }, .. });
    assert!(outputs.iter().any(rejects) && events(&outputs).is_empty(), "{outputs:?}");
    assert_eq!(hand.state().invitations.len(), 0);
}

// The host.

fn ada() -> UserId {
    id("ada")
}

fn lobby() -> LiveId {
    id("lobby")
}

/// A host that is live, and takes back what is retained of the room.
fn live(seed: u8, room: Option<RoomState>) -> HostStand {
    let mut stand = HostStand::new(settings(seed), Instant::now());
    stand.input(host::Input::Online);
    let wish = StartLive { live_id: lobby(), seats: None, seat_mode: None };
    command(&mut stand, HostCommand::StartLive(wish));
    stand.input(host::Input::Room { live_id: lobby(), state: room });
    stand
}

fn command(stand: &mut HostStand, command: HostCommand) -> bool {
    stand.command(Command::Host { operator: None, command }).0.is_ok()
}

fn ask(stand: &mut HostStand, from: &UserId, request: ToHost) -> Vec<host::Output> {
    stand.request(from, &lobby(), Ok(request))
}

fn join(stand: &mut HostStand, from: &UserId, session: &str) -> Membership {
    let user = User::named_by_id(from.clone());
    let outputs = ask(stand, from, ToHost::Join { user, session: session.to_owned() });
    let membership = outputs.into_iter().find_map(|output| match output {
        host::Output::ToGuest {
            message: ToGuest::Result { outcome: Outcome::Ok(membership), .. }, ..
        } => membership,
        _ => None,
    });
    membership.expect("it is let in")
}

/// Applies and is accepted; what the guest was told.
fn sit(stand: &mut HostStand, guest: &UserId) -> Vec<ToGuest> {
    ask(stand, guest, ToHost::Apply(Application::default()));
    let accept = HostCommand::AcceptApplication(Who { user_id: guest.clone() });
    let (settled, outputs) = stand.command(Command::Host { operator: None, command: accept });
    settled.expect("it is seated");
    outputs
        .into_iter()
        .filter_map(|output| match output {
            host::Output::ToGuest { to, message, .. } if to == *guest => Some(message),
            _ => None,
        })
        .collect()
}

fn who(user_id: &UserId) -> Who {
    Who { user_id: user_id.clone() }
}

/// The told ban stands after the word `seated`.
fn said_after_seated(told: &[ToGuest]) -> bool {
    let seated = told.iter().position(|message| matches!(message, ToGuest::Seated { .. }));
    let closed = told.iter().position(|message| {
        matches!(
            message,
            ToGuest::DeviceControl { device: DeviceKind::Camera, action: DeviceAction::Close, .. }
        )
    });
    seated.expect("it is seated") < closed.unwrap_or(0)
}

fn camera(stand: &HostStand, index: usize) -> DeviceSwitch {
    stand.room.as_ref().expect("published").seats[index].camera
}

#[test]
fn a_host_says_a_ban_again_on_each_seat_and_to_nobody_else() {
    let mut stand = live(1, None);
    join(&mut stand, &ada(), "s");
    join(&mut stand, &id("bob"), "s");
    sit(&mut stand, &ada());
    assert!(command(&mut stand, HostCommand::CloseRemoteCamera(who(&ada()))));
    for leaves in [ToHost::LeaveSeat, ToHost::LeaveSeat] {
        ask(&mut stand, &ada(), leaves);
        let room = stand.room.clone().expect("published");
        assert_eq!(room.banned.len(), 1, "the room's state shows it");
        assert_eq!(
            (&room.banned[0].user_id, &room.banned[0].devices[..]),
            (&ada(), &[DeviceKind::Camera][..])
        );
        let told = sit(&mut stand, &id("bob"));
        assert!(!told.iter().any(|message| matches!(message, ToGuest::DeviceControl { .. })), "{told:?}");
        assert_eq!(camera(&stand, 0), DeviceSwitch::Off, "who sits there next is not banned");
        ask(&mut stand, &id("bob"), ToHost::LeaveSeat);
        assert!(said_after_seated(&sit(&mut stand, &ada())));
        assert_eq!(camera(&stand, 0), DeviceSwitch::ClosedByAdmin);
        assert!(stand.room.as_ref().expect("published").banned.is_empty(), "the seat says it");
    }
    assert!(command(&mut stand, HostCommand::KickUserOutOfSeat(who(&ada()))));
    assert!(said_after_seated(&sit(&mut stand, &ada())), "after a kick");
    ask(&mut stand, &ada(), ToHost::LeaveSeat);
    assert_eq!(
        join(&mut stand, &ada(), "again").banned,
        Some(vec![DeviceKind::Camera]),
        "a restart of the guest"
    );
    // Lifted off the seat.
    assert!(command(&mut stand, HostCommand::OpenRemoteCamera(who(&ada()))));
    assert!(!command(&mut stand, HostCommand::OpenRemoteCamera(who(&ada()))), "nothing is left to lift");
    assert!(stand.room.as_ref().expect("published").banned.is_empty());
    assert!(!said_after_seated(&sit(&mut stand, &ada())));
    assert_eq!(camera(&stand, 0), DeviceSwitch::Off);
}

#[test]
fn a_ban_ends_when_the_guest_leaves_the_room() {
    let mut stand = live(1, None);
    join(&mut stand, &ada(), "s");
    sit(&mut stand, &ada());
    assert!(command(&mut stand, HostCommand::CloseRemoteCamera(who(&ada()))));
    ask(&mut stand, &ada(), ToHost::Leave);
    assert!(stand.room.as_ref().expect("published").banned.is_empty());
    assert_eq!(join(&mut stand, &ada(), "s").banned, Some(vec![]));
    assert!(!said_after_seated(&sit(&mut stand, &ada())));
}

#[test]
fn bans_of_the_seated_and_of_the_audience_outlive_a_restart_of_the_host() {
    let mut stand = live(1, None);
    for guest in [ada(), id("bob")] {
        join(&mut stand, &guest, "s");
        sit(&mut stand, &guest);
        assert!(command(&mut stand, HostCommand::CloseRemoteCamera(who(&guest))));
    }
    ask(&mut stand, &ada(), ToHost::LeaveSeat);
    let retained = stand.room.clone();
    let mut stand = live(2, retained.clone());
    for guest in [ada(), id("bob")] {
        assert_eq!(join(&mut stand, &guest, "s").banned, Some(vec![DeviceKind::Camera]), "{guest}");
    }
    assert!(said_after_seated(&sit(&mut stand, &ada())));
    // Who does not come back within the hold has left.
    let mut stand = live(3, retained);
    stand.pass(std::time::Duration::from_secs(16));
    assert!(stand.room.as_ref().expect("published").banned.is_empty());
    assert_eq!(join(&mut stand, &ada(), "s").banned, Some(vec![]));
}
