//! A host in a scenario: every step gives what it led to.

use std::time::Duration;

use coguestd::host::{AcceptApplications, Input, Output, Settings};
use coguestd::model::command::{
    Command, HostCommand, InviteToSeat, Invitee, MovePolicy, MoveUserToSeat, SeatIndex, StartLive, Who,
};
use coguestd::model::media::{Fault, SdpKind, SessionDescription};
use coguestd::model::message::{Application, Devices, OnOff, Signal, SignalBody, ToGuest, ToHost};
use coguestd::model::stage::{StagePeer, StageReport};
use coguestd::model::{
    Code, InvitationId, Media, Presence, RequestTimeout, RoomState, SeatMode, User, UserId,
};

use crate::guest_stand::id;
use crate::host_stand::{HostStand, settings};
use crate::scenario::{Step, host_says, settled};

/// One host, step by step; its room is `lobby` with three seats.
pub struct Scene {
    pub stand: HostStand,
    invitations: Vec<InvitationId>,
}

impl Scene {
    /// Started, not yet connected.
    pub fn started() -> Self {
        Self::started_with(|_| {})
    }

    pub fn started_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(1);
        change(&mut settings);
        Self { stand: HostStand::new(settings, std::time::Instant::now()), invitations: Vec::new() }
    }

    /// Its room is live, and nobody is in it.
    pub fn live() -> Self {
        Self::live_with(|_| {})
    }

    pub fn live_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut scene = Self::started_with(change);
        scene.input(Input::Online);
        scene.start();
        scene.retained(None);
        scene
    }

    /// A live room with these guests in it.
    pub fn with(guests: &[&str]) -> Self {
        let mut scene = Self::live();
        for guest in guests {
            scene.joins(guest);
        }
        scene
    }

    /// Ada sits on seat 0.
    pub fn with_ada_seated() -> Self {
        let mut scene = Self::with(&["ada", "bob"]);
        scene.applies("ada", 0);
        scene.command(HostCommand::AcceptApplication(who("ada")));
        scene
    }

    /// Ada sits on seat 0, and her media arrive.
    pub fn with_ada_seen() -> Self {
        let mut scene = Self::with_ada_seated();
        scene.offers("ada");
        scene.stage(StageReport::Live { peer: scene.peer() });
        scene
    }

    /// The one peer connection.
    pub fn peer(&self) -> StagePeer {
        self.stand.peers.first().cloned().expect("a peer connection")
    }

    fn step(&mut self, outputs: &[Output]) -> Step {
        for output in outputs {
            if let Output::ToGuest { message: ToGuest::Invitation(invitation), .. } = output {
                self.invitations.push(invitation.invitation_id.clone());
            }
        }
        Step::of_host(outputs.iter().map(host_says).collect(), &self.stand)
    }

    pub fn input(&mut self, input: Input) -> Step {
        let outputs = self.stand.input(input);
        self.step(&outputs)
    }

    pub fn pass(&mut self, milliseconds: u64) -> Step {
        let outputs = self.stand.pass(Duration::from_millis(milliseconds));
        self.step(&outputs)
    }

    pub fn stage(&mut self, report: StageReport) -> Step {
        self.input(Input::Stage(report))
    }

    pub fn stage_fails(&mut self) -> Step {
        let peer = self.peer();
        self.stage(StageReport::Failed { peer, fault: Fault::new("ice", Code::HostUnreachable, "it is so") })
    }

    pub fn command(&mut self, command: HostCommand) -> Step {
        self.command_as(Command::Host { command, operator: None })
    }

    pub fn command_of(&mut self, operator: &str, command: HostCommand) -> Step {
        let operator = Some(operator.to_owned().try_into().expect("short"));
        self.command_as(Command::Host { command, operator })
    }

    fn command_as(&mut self, command: Command) -> Step {
        let (how, outputs) = self.stand.command(command);
        let step = self.step(&outputs);
        step.after(settled(&how))
    }

    pub fn start(&mut self) -> Step {
        self.command(HostCommand::StartLive(StartLive { live_id: id("lobby"), seats: None, seat_mode: None }))
    }

    /// What is retained of the room.
    pub fn retained(&mut self, state: Option<RoomState>) -> Step {
        self.input(Input::Room { live_id: id("lobby"), state })
    }

    pub fn asks(&mut self, guest: &str, request: ToHost) -> Step {
        let outputs = self.stand.request(&id(guest), &id("lobby"), Ok(request));
        self.step(&outputs)
    }

    pub fn joins(&mut self, guest: &str) -> Step {
        self.joins_as(guest, "s")
    }

    pub fn joins_as(&mut self, guest: &str, session: &str) -> Step {
        let user = User::named_by_id(id(guest));
        self.asks(guest, ToHost::Join { user, session: session.to_owned() })
    }

    pub fn applies(&mut self, guest: &str, seat_index: i64) -> Step {
        self.asks(
            guest,
            ToHost::Apply(Application { seat_index, timeout: a_minute(), ..Application::default() }),
        )
    }

    pub fn accepts(&mut self, guest: &str) -> Step {
        let invitation_id = self.invitations.last().cloned().expect("an invitation");
        self.asks(guest, ToHost::AcceptInvitation { invitation_id })
    }

    pub fn rejects(&mut self, guest: &str) -> Step {
        let invitation_id = self.invitations.last().cloned().expect("an invitation");
        self.asks(guest, ToHost::RejectInvitation { invitation_id })
    }

    pub fn says_its_devices(&mut self, guest: &str) -> Step {
        self.asks(guest, ToHost::Devices(Devices { microphone: OnOff::On, camera: OnOff::On, phase: None }))
    }

    pub fn offers(&mut self, guest: &str) -> Step {
        self.offers_as(guest, "p1")
    }

    pub fn offers_as(&mut self, guest: &str, session: &str) -> Step {
        self.signal(
            guest,
            session,
            SignalBody::Description(SessionDescription { kind: SdpKind::Offer, sdp: "v=0".into() }),
        )
    }

    pub fn signal(&mut self, guest: &str, session: &str, body: SignalBody) -> Step {
        let signal = Signal { session: session.to_owned(), exchange: 1, body };
        self.input(Input::Signal { live_id: id("lobby"), from: id(guest), signal })
    }

    pub fn is(&mut self, guest: &str, presence: Presence) -> Step {
        self.input(Input::UserStatus { user_id: id(guest), presence })
    }

    pub fn invites(&mut self, guest: &str, seat_index: i64) -> Step {
        self.command(HostCommand::InviteToSeat(InviteToSeat {
            invitee_id: id(guest),
            seat_index,
            timeout: a_minute(),
            media: Media::Video,
            extra_info: None,
        }))
    }

    pub fn cancels_invitation(&mut self, guest: &str) -> Step {
        self.command(HostCommand::CancelInvitation(Invitee { invitee_id: id(guest) }))
    }

    pub fn locks(&mut self, seat_index: i64) -> Step {
        self.command(HostCommand::LockSeat(SeatIndex { seat_index }))
    }

    pub fn moves(&mut self, guest: &str, seat_index: i64, policy: MovePolicy) -> Step {
        self.command(HostCommand::MoveUserToSeat(MoveUserToSeat { user_id: id(guest), seat_index, policy }))
    }
}

pub fn who(guest: &str) -> Who {
    let user_id: UserId = id(guest);
    Who { user_id }
}

pub fn accept_always(settings: &mut Settings) {
    settings.policy.accept_applications = AcceptApplications::Always;
}

pub fn free(settings: &mut Settings) {
    settings.policy.seat_mode = SeatMode::Free;
}

fn a_minute() -> RequestTimeout {
    RequestTimeout::try_from(60).expect("in range")
}
