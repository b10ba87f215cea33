//! Random lives of a guest, guided by where it is: most steps do what could happen next, some do anything.

use std::time::{Duration, Instant};

use coguestd::guest::{AcceptInvitations, Input, Output};
use coguestd::model::command::{
    Command, DeviceCommand, GuestCommand, Inviter, JoinLive, SetUserInfo, SetVolume, SwitchCamera,
};
use coguestd::model::media::{Fault, Path, Picture, Report, SdpKind, Session, SessionDescription};
use coguestd::model::message::{
    Application, DeviceAction, Membership, NoResponse, Outcome, OwnSeat, Signal, SignalBody, ToGuest, ToHost,
    UnseatReason,
};
use coguestd::model::state::RoomMembership;
use coguestd::model::{
    By, Code, DeviceSwitch, InvitationId, Media, Phase, Presence, Refusal, RequestTimeout, RoomState,
    RoomStatus, Seat, SeatMode, User, Volume,
};
use proptest::prelude::*;

use super::guest_stand::{GuestStand, id, settings};
use super::reach::{Reach, run};
use super::words::{grant, invitation, kind, stats};

type Step = (u8, u8, u8);

#[test]
fn whatever_happens_to_a_guest_its_promises_hold() {
    let reach = Reach::default();
    let script = (0_u8..6, proptest::collection::vec(any::<Step>(), 1..160));
    run(400, file!(), &script, |(kind, steps)| {
        let mut settings = settings("kiosk-7", kind);
        if kind.is_multiple_of(2) {
            settings.standing_room = Some(id("lobby"));
        }
        settings.accept_invitations = match kind {
            0 | 1 => AcceptInvitations::Always,
            2 => AcceptInvitations::From(vec![id("host-1")]),
            _ => AcceptInvitations::Manual,
        };
        let mut life = Life { stand: GuestStand::new(settings, start()), revision: 1, session: 1 };
        for step in steps {
            life.count(&reach);
            life.step(step);
        }
        life.end();
    });
    let places = ["outside", "joining", "inside", "host_lost", "applied", "invited"];
    let phases = ["Preparing", "Negotiating", "Connecting", "Live", "Recovering", "Leaving"];
    reach.demand(&places, 300);
    reach.demand(&phases, 150);
    reach.demand(&["offline", "camera lost", "banned", "audio seat"], 50);
}

/// Some instant: machines only compare.
pub fn start() -> Instant {
    Instant::now()
}

pub fn by() -> By {
    By::from(User::named_by_id(id("host-1")))
}

pub struct Life {
    stand: GuestStand,
    revision: u64,
    session: u8,
}

impl Life {
    fn count(&self, reach: &Reach) {
        let state = self.stand.guest.snapshot();
        let place = serde_json::to_value(state.membership).expect("a word");
        reach.count(place.as_str().expect("a word"));
        if let Some(seat) = &state.seat {
            reach.count(format!("{:?}", seat.phase));
            if seat.media == Media::Audio {
                reach.count("audio seat");
            }
        }
        let seen = [
            ("applied", state.application.is_some()),
            ("invited", !state.invitations.is_empty()),
            ("offline", state.summary.contains("waiting for the broker")),
            ("camera lost", state.summary.contains("camera lost")),
            ("banned", state.summary.contains("closed by the host")),
        ];
        seen.iter().filter(|(_, is)| *is).for_each(|(name, _)| reach.count(*name));
    }

    fn step(&mut self, (op, x, y): Step) {
        let state = self.stand.guest.snapshot();
        if op.is_multiple_of(8) {
            return self.anything(x, y);
        }
        if state.summary.contains("waiting for the broker") && !op.is_multiple_of(3) {
            self.stand.input(Input::Online);
            return;
        }
        match (state.membership, state.seat.map(|seat| seat.phase)) {
            (_, Some(Phase::Preparing)) => self.prepare(x, y),
            (_, Some(Phase::Negotiating | Phase::Connecting | Phase::Recovering)) => self.connect(x, y),
            (_, Some(Phase::Leaving)) => self.leave(x),
            (RoomMembership::HostLost, _) => match x % 4 {
                0 => self.pass(y),
                1 => self.host_is(Presence::Online),
                2 => self.answer(y),
                _ => self.room(RoomStatus::Live, y),
            },
            (_, Some(Phase::Live)) => self.live(x, y),
            (RoomMembership::Outside, _) => {
                self.stand.input(Input::Online);
                self.command(GuestCommand::JoinLive(JoinLive { live_id: id("lobby") }));
            }
            (RoomMembership::Joining, _) => match x % 3 {
                0 => self.room(RoomStatus::Live, y),
                1 => self.answer(y),
                _ => self.join_answer(y),
            },
            (RoomMembership::Inside, None) => self.lobby(x, y),
        }
    }

    fn anything(&mut self, x: u8, y: u8) {
        match x % 14 {
            0 => self.room(if y.is_multiple_of(4) { RoomStatus::Ended } else { RoomStatus::Live }, y),
            1 => self.answer(y),
            2 => self.lobby(y, x),
            3 => self.prepare(y, x),
            4 => self.connect(y, x),
            5 => self.live(y, x),
            6 => self.leave(y),
            7 => self.device(y),
            8 => self.host_is(if y.is_multiple_of(2) { Presence::Offline } else { Presence::Online }),
            9 => drop(self.stand.input(if y.is_multiple_of(2) { Input::Offline } else { Input::OwnOffline })),
            10 => self.session = y % 4,
            11 => self.command(GuestCommand::LeaveLive),
            12 => self.told(ToGuest::LiveEnded {}),
            _ => self.join_answer(y),
        }
    }

    fn lobby(&mut self, x: u8, y: u8) {
        let invitation_id = InvitationId::try_from(format!("i{}", y % 6)).expect("short");
        let media = if y.is_multiple_of(3) { Media::Audio } else { Media::Video };
        let timeout = RequestTimeout::seconds(u32::from(y % 20));
        match x % 12 {
            0 | 1 => self.command(GuestCommand::ApplyForSeat(Application {
                timeout,
                media,
                ..Application::default()
            })),
            2 | 3 => self.answer(y),
            4 => self.told(ToGuest::ApplicationAccepted { seat_index: 1, media, by: by() }),
            5 | 6 => self.seat(y),
            7 => self.told(ToGuest::Invitation(invitation(invitation_id, media, timeout))),
            8 => self.command(GuestCommand::AcceptInvitation(Inviter::default())),
            9 => match y % 6 {
                0 => self.told(ToGuest::ApplicationRejected { by: by() }),
                1 => self.told(ToGuest::ApplicationNoResponse { reason: NoResponse::Timeout }),
                2 => self.told(ToGuest::InvitationCancelled { invitation_id, by: by() }),
                3 => self.told(ToGuest::InvitationNoResponse { invitation_id, reason: NoResponse::Offline }),
                4 => self.command(GuestCommand::RejectInvitation(Inviter { inviter_id: Some(id("host-1")) })),
                _ => self.command(GuestCommand::CancelApplication),
            },
            10 => self.pass(y),
            _ => self.device(y),
        }
    }

    fn prepare(&mut self, x: u8, y: u8) {
        let Some(session) = self.session() else { return self.pass(y) };
        match x % 5 {
            0 | 1 => self.report(Report::Offer { session, sdp: "v=0".to_owned() }),
            2 | 3 => self.open(y),
            _ => self.live(x / 5, y),
        }
    }

    fn connect(&mut self, x: u8, y: u8) {
        let (Some(session), Some((name, exchange))) = (self.session(), self.stand.signal.clone()) else {
            return if x.is_multiple_of(3) { self.live(x, y) } else { self.pass(y) };
        };
        let signal = |body| ToGuest::Signal(Signal { session: name.clone(), exchange, body });
        let sdp = "v=0".to_owned();
        match x % 9 {
            0 => self.report(Report::Offer { session, sdp }),
            1 | 2 => {
                self.told(signal(SignalBody::Description(SessionDescription { kind: SdpKind::Answer, sdp })))
            }
            3 => self.told(signal(SignalBody::Candidate(None))),
            4 | 5 => self.report(Report::FirstPacket { session }),
            6 => self.open(y),
            7 => self.pass(y),
            _ => self.live(x / 9, y),
        }
    }

    fn live(&mut self, x: u8, y: u8) {
        let seat = self.stand.guest.snapshot().seat.map_or(1, |seat| seat.index);
        let (epoch, device) = (self.stand.guest.epoch().unwrap_or(u64::from(y)), kind(y));
        let why = "gone".to_owned();
        match x % 16 {
            0 => self.report(Report::DeviceLost { epoch, device, why }),
            1 => self.report(Report::DeviceBack { epoch, device, id: "1".to_owned() }),
            2 => {
                let error = Refusal::new(Code::CameraOccupied, why);
                self.report(Report::DeviceFailed { epoch, device, error });
            }
            3 | 4 => {
                let action = if y.is_multiple_of(3) { DeviceAction::Unlock } else { DeviceAction::Close };
                self.told(ToGuest::DeviceControl { device, action, by: by() });
            }
            5 => self.told(ToGuest::Moved { from: seat, to: u32::from(y % 3), by: by() }),
            6 if y.is_multiple_of(2) => {
                let reason = if y.is_multiple_of(4) { UnseatReason::Kicked } else { UnseatReason::Offline };
                self.told(ToGuest::Unseated { seat_index: seat, reason, by: Some(by()) });
            }
            7 if y.is_multiple_of(2) => self.command(GuestCommand::Disconnect),
            8 => self.host_is(Presence::Offline),
            9 => drop(self.stand.input(Input::Offline)),
            10 | 11 => {
                let Some(session) = self.session() else { return };
                let detail = why;
                match y % 5 {
                    0 => self.report(Report::PeerFailed {
                        session,
                        fault: Fault { stage: "ice", code: Code::HostUnreachable, detail },
                    }),
                    1 => self.report(Report::Stats { session, stats: stats(y) }),
                    2 => {
                        let since = self.stand.now;
                        self.report(Report::Path { session, path: Path::Silent { since } })
                    }
                    3 => self.report(Report::Path { session, path: Path::Flowing }),
                    _ => self.report(Report::Candidate { session, candidate: None }),
                }
            }
            12 => self.room(RoomStatus::Live, y),
            13 => {
                let Some((session, exchange)) = self.stand.signal.clone() else { return };
                self.told(ToGuest::Signal(Signal { session, exchange, body: SignalBody::Bye(None) }));
            }
            14 => self.pass(y),
            _ => self.device(y),
        }
    }

    fn leave(&mut self, x: u8) {
        match x % 4 {
            0 => self.pass(4),
            1 => self.live(x / 4, x),
            2 => self.seat(x),
            _ => {
                let epoch = self.stand.guest.epoch().unwrap_or_default();
                self.report(Report::Stopped { epoch });
            }
        }
    }

    fn device(&mut self, y: u8) {
        let name = (y.is_multiple_of(5)).then(|| format!("n{y}").try_into().expect("short"));
        let volume = Volume::try_from(i64::from(y % 101)).expect("in range");
        let picture = Picture { width: 1, height: 1, jpeg: vec![] };
        let ticket = u64::from(y);
        let command = match y % 11 {
            0 => DeviceCommand::OpenLocalCamera,
            1 => DeviceCommand::OpenLocalMicrophone,
            2 => DeviceCommand::CloseLocalCamera,
            3 => DeviceCommand::CloseLocalMicrophone,
            4 => DeviceCommand::SwitchCamera(SwitchCamera { camera: "1".to_owned() }),
            5 => DeviceCommand::SetCaptureVolume(SetVolume { volume }),
            6 => DeviceCommand::SetUserInfo(SetUserInfo { user_name: name, avatar_url: None }),
            7 => DeviceCommand::GetState,
            8 => return self.report(Report::Snapshot { ticket, picture: Ok(picture) }),
            _ => DeviceCommand::TakeSnapshot,
        };
        self.stand.command(Command::Device(command)).1.clear();
    }

    fn open(&mut self, y: u8) {
        let epoch = self.stand.guest.epoch().unwrap_or_default();
        self.report(Report::DeviceOpened { epoch, device: kind(y), id: "0".to_owned() });
    }

    fn seat(&mut self, y: u8) {
        let media = if y.is_multiple_of(4) { Media::Audio } else { Media::Video };
        self.told(ToGuest::Seated { seat_index: u32::from(y % 3), media, grant: grant(y) });
    }

    /// The host answers the last thing it was asked, or one before.
    fn answer(&mut self, y: u8) {
        let asked = self.stand.asked.iter().rev().nth(usize::from(y % 3));
        let Some((_, request_id, message)) = asked.cloned() else { return };
        if let ToHost::Join { .. } = message {
            return self.join_answer(y);
        }
        let code = [Code::SeatOccupied, Code::NotInRoom, Code::RateLimited][usize::from(y % 3)];
        let outcome = if y % 5 == 4 { Outcome::Refused(Refusal::new(code, "no")) } else { Outcome::Ok(None) };
        self.told(ToGuest::Result { request_id, outcome });
    }

    fn join_answer(&mut self, y: u8) {
        let is_join = |message: &ToHost| matches!(message, ToHost::Join { .. });
        let Some((_, request_id, _)) = self.stand.asked.iter().rev().find(|(.., message)| is_join(message))
        else {
            return;
        };
        let switch = [DeviceSwitch::On, DeviceSwitch::Off, DeviceSwitch::ClosedByAdmin][usize::from(y % 3)];
        let seated = self.stand.opened.is_some();
        let seat = OwnSeat {
            seat_index: u32::from(y % 3),
            media: Media::Video,
            grant: grant(0),
            camera: switch,
            microphone: DeviceSwitch::On,
        };
        let invited = InvitationId::try_from(format!("i{}", y % 6)).expect("short");
        let membership = Membership {
            seat: (y.is_multiple_of(8) || (seated && y % 8 != 1)).then_some(seat),
            application: (y % 8 == 2).then(Application::default),
            invitations: (y % 8 == 3)
                .then(|| invitation(invited, Media::Video, RequestTimeout::NEVER))
                .into_iter()
                .collect(),
            banned: (y % 8 == 4).then(|| vec![kind(y / 8)]),
        };
        let outcome = match y % 16 {
            15 => Outcome::Refused(Refusal::new(Code::RoomFull, "full")),
            _ => Outcome::Ok(Some(membership)),
        };
        let request_id = request_id.clone();
        self.told(ToGuest::Result { request_id, outcome });
    }

    fn room(&mut self, status: RoomStatus, y: u8) {
        self.revision += 1;
        if y.is_multiple_of(9) {
            self.session = self.session.wrapping_add(1);
        }
        let mut seats: Vec<Seat> = (0..3).map(Seat::empty).collect();
        if y.is_multiple_of(7) {
            seats[1].user = Some(User::named_by_id(id("kiosk-7")));
            seats[1].connection = Some(coguestd::model::Connection::Lost);
        }
        let host = if y.is_multiple_of(31) { "host-2" } else { "host-1" };
        let room = RoomState {
            live_id: id("lobby"),
            status,
            host: User::named_by_id(id(host)),
            session: format!("s{}", self.session),
            seat_mode: SeatMode::Apply,
            stage: Some(id(host)),
            revision: self.revision,
            seats,
            banned: Vec::new(),
        };
        let state = (!y.is_multiple_of(17)).then_some(room);
        self.stand.input(Input::Room { live_id: id("lobby"), state });
    }

    fn session(&self) -> Option<Session> {
        self.stand.opened.and_then(|opened| opened.session)
    }

    fn host_is(&mut self, presence: Presence) {
        self.stand.input(Input::HostStatus { user_id: id("host-1"), presence });
    }

    fn told(&mut self, message: ToGuest) {
        self.stand.input(Input::Message { live_id: id("lobby"), message });
    }

    fn report(&mut self, report: Report) {
        self.stand.input(Input::Media(report));
    }

    fn command(&mut self, command: GuestCommand) {
        self.stand.command(Command::Guest(command)).1.clear();
    }

    fn pass(&mut self, y: u8) {
        self.stand.pass(Duration::from_millis(u64::from(y) * 300));
    }

    /// The program stops: everything is closed, everybody who asked is answered, and it ends.
    fn end(&mut self) {
        let mut said = self.stand.input(Input::Stop);
        said.extend(self.stand.pass(Duration::from_secs(2)));
        let stopped = said.iter().filter(|output| **output == Output::Stopped).count();
        assert_eq!(stopped, 1, "the end is said once");
        assert!(self.stand.opened.is_none(), "everything is closed");
        assert!(self.stand.pending.is_empty(), "everybody is answered: {:?}", self.stand.pending);
        let (settled, _) = self.stand.command(Command::Guest(GuestCommand::LeaveLive));
        assert_eq!(settled.expect_err("it is over").code, Code::ShuttingDown);
        assert_eq!(self.stand.input(Input::Online), vec![], "nothing begins again");
    }
}
