//! A guest in a scenario: every step gives what it led to.

use std::time::Duration;

use coguestd::guest::{AcceptInvitations, Input, Output, Settings};
use coguestd::model::command::{Command, DeviceCommand, GuestCommand, Inviter, JoinLive};
use coguestd::model::media::{
    Fault, LimitedBy, Path, PictureChange, Report, SdpKind, SentPicture, SessionDescription,
};
use coguestd::model::message::{
    Application, DeviceAction, DeviceKind, Grant, Membership, NoResponse, Outcome, OwnSeat, Signal,
    SignalBody, ToGuest, UnseatReason,
};
use coguestd::model::server::Again;
use coguestd::model::{
    By, ByeReason, Code, DeviceSwitch, InvitationId, Media, Presence, Refusal, RequestTimeout,
};

use crate::by_hand::{ByHand, host, to_host};
use crate::guest_stand::{GuestStand, id, settings};
use crate::scenario::{Step, guest_says, settled};
use crate::words::invitation;

/// One guest, step by step.
pub struct Scene {
    pub hand: ByHand,
}

impl Scene {
    /// Started, not yet connected.
    pub fn started() -> Self {
        Self::started_with(settings("ada", 1))
    }

    pub fn started_with(settings: Settings) -> Self {
        let stand = GuestStand::new(settings, std::time::Instant::now());
        Self { hand: ByHand::before(stand) }
    }

    /// Inside the room, off the seat.
    pub fn inside() -> Self {
        Self { hand: ByHand::inside() }
    }

    pub fn inside_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings("ada", 1);
        change(&mut settings);
        Self { hand: ByHand::inside_with(settings) }
    }

    /// Inside, and whoever invites is obeyed.
    pub fn that_always_accepts() -> Self {
        Self::inside_with(|settings| settings.accept_invitations = AcceptInvitations::Always)
    }

    /// On seat 1, its peer connection not yet up.
    pub fn seated() -> Self {
        Self { hand: ByHand::seated(Media::Video) }
    }

    /// On seat 1, seen and heard.
    pub fn live() -> Self {
        let mut scene = Self::seated();
        scene.hand.go_live();
        let epoch = scene.hand.peer().epoch;
        for (device, name) in [(DeviceKind::Camera, "video0"), (DeviceKind::Microphone, "hw:0")] {
            scene.hand.report(Report::DeviceOpened { epoch, device, id: name.to_owned() });
        }
        // The host hears of the devices, and says yes.
        scene.hand.answer();
        scene
    }

    /// On seat 1 of a room whose media go to a server.
    pub fn at_server() -> Self {
        let mut scene = Self::inside();
        let publish_url = Some("https://example.org/whip".to_owned());
        scene.hand.sit(Media::Video, Grant::Whip { publish_url, token: None, playback_url: None });
        scene
    }

    fn step(&self, outputs: Vec<Output>) -> Step {
        Step::of_guest(outputs.iter().map(guest_says).collect(), &self.hand.stand)
    }

    pub fn input(&mut self, input: Input) -> Step {
        let outputs = self.hand.stand.input(input);
        self.step(outputs)
    }

    pub fn told(&mut self, message: ToGuest) -> Step {
        let outputs = self.hand.told(message);
        self.step(outputs)
    }

    pub fn report(&mut self, report: Report) -> Step {
        let outputs = self.hand.report(report);
        self.step(outputs)
    }

    /// Time passes.
    pub fn pass(&mut self, milliseconds: u64) -> Step {
        let outputs = self.hand.stand.pass(Duration::from_millis(milliseconds));
        self.step(outputs)
    }

    /// The host says yes to what it was asked last.
    pub fn answered(&mut self) -> Step {
        let outputs = self.hand.answer();
        self.step(outputs)
    }

    /// The host refuses what it was asked last.
    pub fn refused(&mut self, code: Code) -> Step {
        let (_, request_id, _) = self.hand.stand.asked.last().cloned().expect("something was asked");
        self.told(ToGuest::Result { request_id, outcome: Outcome::Refused(Refusal::new(code, "no")) })
    }

    /// The host answers the last `join`, and what it still has of this guest.
    pub fn joined(&mut self, membership: Membership) -> Step {
        let outputs = self.hand.answer_join(membership);
        self.step(outputs)
    }

    /// The room's state is published.
    pub fn room(&mut self) -> Step {
        let outputs = self.hand.news();
        self.step(outputs)
    }

    fn command_as(&mut self, command: Command) -> Step {
        let (how, outputs) = self.hand.stand.command(command);
        let said = std::iter::once(settled(&how)).chain(outputs.iter().map(guest_says)).collect();
        Step::of_guest(said, &self.hand.stand)
    }

    pub fn command(&mut self, command: GuestCommand) -> Step {
        self.command_as(Command::Guest(command))
    }

    pub fn device(&mut self, command: DeviceCommand) -> Step {
        self.command_as(Command::Device(command))
    }

    pub fn join(&mut self) -> Step {
        self.command(GuestCommand::JoinLive(JoinLive { live_id: id("lobby") }))
    }

    pub fn apply(&mut self, media: Media, seconds: u32) -> Step {
        let timeout = RequestTimeout::try_from(i64::from(seconds)).expect("in range");
        self.command(GuestCommand::ApplyForSeat(Application { media, timeout, ..Application::default() }))
    }

    /// The same, and the host has it.
    pub fn applied(&mut self, seconds: u32) {
        self.apply(Media::Video, seconds);
        self.answered();
    }

    pub fn accept(&mut self) -> Step {
        self.command(GuestCommand::AcceptInvitation(Inviter::default()))
    }

    pub fn reject(&mut self) -> Step {
        self.command(GuestCommand::RejectInvitation(Inviter::default()))
    }

    /// An operator of the host accepts the application.
    pub fn accepted(&mut self) -> Step {
        self.told(ToGuest::ApplicationAccepted { seat_index: 1, media: Media::Video, by: host().into() })
    }

    pub fn seated_by_host(&mut self, media: Media) -> Step {
        self.told(ToGuest::Seated { seat_index: 1, media, grant: to_host() })
    }

    pub fn unseated(&mut self, reason: UnseatReason) -> Step {
        self.told(ToGuest::Unseated { seat_index: 1, reason, by: by(reason) })
    }

    /// An invitation that is open for a minute.
    pub fn invited(&mut self, name: &str) -> Step {
        let timeout = RequestTimeout::try_from(60).expect("in range");
        self.told(ToGuest::Invitation(invitation(named(name), Media::Video, timeout)))
    }

    pub fn invitation_ends(&mut self, name: &str, reason: NoResponse) -> Step {
        let invitation_id = named(name);
        self.told(ToGuest::InvitationNoResponse { invitation_id, reason })
    }

    pub fn controlled(&mut self, device: DeviceKind, action: DeviceAction) -> Step {
        self.told(ToGuest::DeviceControl { device, action, by: host().into() })
    }

    /// Media have closed everything of the stay of this number.
    pub fn stopped(&mut self, epoch: u64) -> Step {
        self.report(Report::Stopped { epoch })
    }

    pub fn offer(&mut self) -> Step {
        let session = self.hand.peer();
        self.report(Report::Offer { session, sdp: "v=0".to_owned() })
    }

    pub fn answer(&mut self) -> Step {
        let (session, exchange) = self.hand.stand.signal.clone().expect("it was offered");
        let answer = SessionDescription { kind: SdpKind::Answer, sdp: "v=0".to_owned() };
        self.told(ToGuest::Signal(Signal { session, exchange, body: SignalBody::Description(answer) }))
    }

    pub fn bye(&mut self) -> Step {
        let (session, exchange) = self.hand.stand.signal.clone().expect("it was offered");
        let body = SignalBody::Bye(None::<ByeReason>);
        self.told(ToGuest::Signal(Signal { session, exchange, body }))
    }

    pub fn first_packet(&mut self) -> Step {
        let session = self.hand.peer();
        self.report(Report::FirstPacket { session })
    }

    pub fn path(&mut self, path: Path) -> Step {
        let session = self.hand.peer();
        self.report(Report::Path { session, path })
    }

    /// The broker is there again, the host, and its record of this guest on seat 1.
    pub fn back_at_host(&mut self) -> Step {
        self.input(Input::Online);
        self.room();
        self.host_is(Presence::Online);
        self.joined(own_seat())
    }

    /// A server takes the offer.
    pub fn answered_by_server(&mut self) -> Step {
        let session = self.hand.peer();
        self.report(Report::Answer { session, sdp: "v=0".to_owned() })
    }

    /// Pictures of this height are sent, for the network gives 512 kbit/s.
    pub fn sends(&mut self, height: u32, change: PictureChange) -> Step {
        let session = self.hand.peer();
        let picture = SentPicture { width: height * 16 / 9, height, frame_rate: 30 };
        let limited_by = LimitedBy::Network;
        self.report(Report::Picture { session, picture, change, kbps: 512, limited_by })
    }

    pub fn silent(&mut self) -> Step {
        let since = self.hand.stand.now;
        self.path(Path::Silent { since })
    }

    pub fn peer_fails(&mut self, stage: &'static str, code: Code) -> Step {
        let fault = Fault::new(stage, code, "it is so");
        let session = self.hand.peer();
        self.report(Report::PeerFailed { session, fault })
    }

    /// Media cannot use the answer.
    pub fn answered_wrongly(&mut self) -> Step {
        let session = self.hand.peer();
        let fault = Fault::of_description("the answer: no");
        self.report(Report::PeerFailed { session, fault })
    }

    pub fn server_refuses(&mut self, again: Again) -> Step {
        let refusal = Refusal::new(Code::HostUnreachable, "no");
        let session = self.hand.peer();
        self.report(Report::ServerRefused { session, refusal, again })
    }

    pub fn opened(&mut self, device: DeviceKind) -> Step {
        let epoch = self.hand.stand.opened.expect("a stay").epoch;
        self.report(Report::DeviceOpened { epoch, device, id: "x".to_owned() })
    }

    pub fn fails(&mut self, device: DeviceKind) -> Step {
        let epoch = self.hand.stand.opened.expect("a stay").epoch;
        let code = match device {
            DeviceKind::Camera => Code::CameraOccupied,
            DeviceKind::Microphone => Code::MicrophoneStartFail,
        };
        self.report(Report::DeviceFailed { epoch, device, error: Refusal::new(code, "no") })
    }

    pub fn lost(&mut self, device: DeviceKind) -> Step {
        let epoch = self.hand.stand.opened.expect("a stay").epoch;
        self.report(Report::DeviceLost { epoch, device, why: "pulled out".to_owned() })
    }

    pub fn back(&mut self, device: DeviceKind) -> Step {
        let epoch = self.hand.stand.opened.expect("a stay").epoch;
        self.report(Report::DeviceBack { epoch, device, id: "x".to_owned() })
    }

    pub fn host_is(&mut self, presence: Presence) -> Step {
        self.input(Input::HostStatus { user_id: host().user_id, presence })
    }

    /// The number of the present stay.
    pub fn epoch(&self) -> u64 {
        self.hand.stand.opened.expect("a stay").epoch
    }
}

pub fn named(name: &str) -> InvitationId {
    InvitationId::try_from(name.to_owned()).expect("short")
}

/// What a host that was not away has of a guest on seat 1.
pub fn own_seat() -> Membership {
    let seat = OwnSeat {
        seat_index: 1,
        media: Media::Video,
        grant: to_host(),
        camera: DeviceSwitch::On,
        microphone: DeviceSwitch::On,
    };
    Membership { seat: Some(seat), ..Membership::default() }
}

fn by(reason: UnseatReason) -> Option<By> {
    matches!(reason, UnseatReason::Kicked).then(|| host().into())
}
