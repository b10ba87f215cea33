//! Random evenings of a host: guests come, ask, sit, signal and go; operators do what operators do.

use std::time::Duration;

use coguestd::host::{AcceptApplications, Grants, Input, Output};
use coguestd::model::command::{
    Answer, Command, DeviceCommand, HostCommand, InviteToSeat, Invitee, MovePolicy, MoveUserToSeat,
    SeatCount, SeatIndex, SetReturn, StartLive, Who,
};
use coguestd::model::media::{Fault, SdpKind, SessionDescription};
use coguestd::model::message::{Application, Devices, OnOff, Signal, SignalBody, ToGuest, ToHost};
use coguestd::model::sound::Return;
use coguestd::model::stage::{SeatStats, StageReport, ViewerReport};
use coguestd::model::viewer::{AnswerDescription, Talk, TalkWish, Unwatch, WatchAnswer, WatchOffer};
use coguestd::model::{
    Code, Connection, InvitationId, LiveId, Media, Phase, Presence, Refusal, RequestId, RequestTimeout,
    RoomStatus, SeatMode, SessionId, User, UserId,
};
use proptest::prelude::*;

use super::guest_stand::id;
use super::host_stand::{HostStand, settings};
use super::random_guest::start;
use super::reach::{Reach, run};

type Step = (u8, u8, u8);

#[test]
fn whatever_happens_to_a_host_its_promises_hold() {
    let reach = Reach::default();
    let script = (0_u8..8, proptest::collection::vec(any::<Step>(), 1..160));
    run(300, file!(), &script, |(kind, steps)| {
        let mut evening = Evening::new(kind);
        for step in steps {
            evening.count(&reach);
            evening.step(step);
        }
        evening.end();
    });
    reach.demand(&["outside", "joining", "inside", "applied", "invited", "full", "locked"], 150);
    reach.demand(&["connecting", "connected", "lost", "peer", "away"], 150);
    reach.demand(&["banned"], 100);
    reach.demand(&["watched"], 100);
    reach.demand(&["talked to"], 20);
    reach.demand(&["taken back"], 10);
}

struct Evening {
    stand: HostStand,
    kind: u8,
    invitations: Vec<(UserId, InvitationId)>,
    sessions: Vec<SessionId>,
    away: bool,
    taken_back: bool,
}

impl Evening {
    fn new(kind: u8) -> Self {
        let mut evening = Self {
            stand: HostStand::new(settings(kind), start()),
            kind,
            invitations: Vec::new(),
            sessions: Vec::new(),
            away: true,
            taken_back: false,
        };
        evening.open();
        evening
    }

    /// A new start of the program; what is retained stays.
    fn open(&mut self) {
        let mut settings = settings(self.kind);
        settings.seed[0] = self.kind;
        settings.seed[1] = self.stand.room.as_ref().map_or(0, |room| room.revision.to_le_bytes()[0]);
        if self.kind.is_multiple_of(2) {
            settings.standing_room = Some(id("lobby"));
        }
        if self.kind == 3 {
            settings.policy.accept_applications = AcceptApplications::Always;
        }
        if self.kind >= 6 {
            settings.grant = Grants::Stage(id("browser"));
        }
        if self.kind == 5 {
            settings.policy.seat_mode = SeatMode::Free;
        }
        let room = self.stand.room.take();
        let now = self.stand.now;
        self.stand = HostStand::new(settings, now);
        self.stand.room = room;
        self.away = false;
        self.hear(Input::Online);
    }

    fn count(&self, reach: &Reach) {
        let state = self.stand.host.snapshot();
        let place = serde_json::to_value(state.membership).expect("a word");
        reach.count(place.as_str().expect("a word"));
        let room = self.stand.room.as_ref();
        for connection in state.connected.iter().map(|seat| seat.connection) {
            reach.count(match connection {
                Connection::Connecting => "connecting",
                Connection::Connected => "connected",
                Connection::Lost => "lost",
            });
        }
        let banned =
            |seat: &coguestd::model::Seat| seat.camera == coguestd::model::DeviceSwitch::ClosedByAdmin;
        for (name, is) in [
            ("applied", state.applicants.total > 0),
            ("invited", state.invitees.total > 0),
            ("full", room.is_some_and(|room| room.seats.len() == state.connected.len())),
            ("locked", room.is_some_and(|room| room.seats.iter().any(|seat| seat.locked))),
            ("banned", room.is_some_and(|room| room.seats.iter().any(banned))),
            ("peer", !self.stand.peers.is_empty()),
            ("away", self.away),
            ("watched", state.watching.total > 0),
            ("talked to", state.watching.shown.iter().any(|watching| watching.talking == Talk::On)),
            ("taken back", self.taken_back && !state.connected.is_empty()),
        ] {
            if is {
                reach.count(name);
            }
        }
    }

    fn step(&mut self, (op, x, y): Step) {
        let guest: UserId = id(&format!("kiosk-{}", y % 8));
        let seated = self.somebody_seated(y).unwrap_or_else(|| guest.clone());
        match op % 17 {
            16 => self.watch(&seated, x, y),
            0 => self.start(x, y),
            1 | 2 => self.join(&guest, x),
            3 | 4 => self.ask(&guest, ToHost::Apply(application(x))),
            5 => self.operate(&guest, x),
            6 => self.operate(&seated, x),
            7 | 8 => self.decide(&guest, x),
            9 => self.signal(&guest, x),
            10 => self.signal(&seated, x),
            11 => self.stage(x, y),
            12 => self.answer(&guest, x),
            13 => {
                let presence = if x.is_multiple_of(3) { Presence::Online } else { Presence::Offline };
                self.hear(Input::UserStatus { user_id: guest, presence });
            }
            14 => self.pass(u64::from(x) * 100),
            _ => self.rare(&guest, x, y),
        }
    }

    fn somebody_seated(&self, y: u8) -> Option<UserId> {
        let connected = self.stand.host.snapshot().connected;
        let seat = connected.get(usize::from(y) % connected.len().max(1))?;
        Some(seat.user.user_id.clone())
    }

    fn start(&mut self, x: u8, y: u8) {
        let live_id: LiveId = id(if y.is_multiple_of(16) { "attic" } else { "lobby" });
        let seats = (!x.is_multiple_of(4)).then(|| SeatCount::try_from(i64::from(x % 4)).expect("in range"));
        self.command(HostCommand::StartLive(StartLive { live_id, seats, seat_mode: None }));
        self.look(y);
    }

    /// The broker says what is retained.
    fn look(&mut self, y: u8) {
        let Some(live_id) = self.stand.host.snapshot().live_id else { return };
        let mut state = self.stand.room.clone().filter(|room| room.live_id == live_id);
        if let Some(room) = state.as_mut().filter(|_| y.is_multiple_of(5)) {
            room.host = User::named_by_id(id("host-2"));
        }
        if y.is_multiple_of(3) {
            self.hear(Input::RoomSubscribed(live_id.clone()));
        }
        self.taken_back |= state.as_ref().is_some_and(|room| room.status == RoomStatus::Live);
        self.hear(Input::Room { live_id, state });
        if y.is_multiple_of(5) {
            let presence = if y.is_multiple_of(2) { Presence::Online } else { Presence::Offline };
            self.hear(Input::UserStatus { user_id: id("host-2"), presence });
        }
    }

    fn join(&mut self, guest: &UserId, x: u8) {
        let user = User::named_by_id(id(if x.is_multiple_of(7) { "somebody-else" } else { guest.as_str() }));
        self.ask(guest, ToHost::Join { user, session: format!("s{}", x % 3) });
    }

    fn operate(&mut self, guest: &UserId, x: u8) {
        let who = || Who { user_id: guest.clone() };
        let seat_index = i64::from(x % 5) - 1;
        let policy = match x % 3 {
            0 => MovePolicy::AbortWhenOccupied,
            1 => MovePolicy::SwapPosition,
            _ => MovePolicy::ForceReplace,
        };
        let command = match x % 12 {
            0 => HostCommand::KickUserOutOfSeat(who()),
            1 => HostCommand::LockSeat(SeatIndex { seat_index }),
            2 | 3 => HostCommand::UnlockSeat(SeatIndex { seat_index }),
            4 => HostCommand::CloseRemoteCamera(who()),
            5 => HostCommand::CloseRemoteMicrophone(who()),
            6 => HostCommand::OpenRemoteCamera(who()),
            7 => HostCommand::TakeSeatSnapshot(who()),
            8 => HostCommand::OpenRemoteMicrophone(who()),
            9 => HostCommand::SetReturn(SetReturn { user_id: guest.clone(), returned: Return::Talk }),
            _ => HostCommand::MoveUserToSeat(MoveUserToSeat { user_id: guest.clone(), seat_index, policy }),
        };
        self.command(command);
    }

    fn decide(&mut self, guest: &UserId, x: u8) {
        let who = Who { user_id: guest.clone() };
        self.command(match x % 6 {
            0..=2 => HostCommand::AcceptApplication(who),
            3 => HostCommand::RejectApplication(who),
            4 => HostCommand::CancelInvitation(Invitee { invitee_id: guest.clone() }),
            _ => HostCommand::InviteToSeat(InviteToSeat {
                invitee_id: guest.clone(),
                seat_index: i64::from(x % 4) - 1,
                timeout: RequestTimeout::seconds(u32::from(x % 30)),
                media: Media::Video,
                extra_info: None,
            }),
        });
    }

    fn answer(&mut self, guest: &UserId, x: u8) {
        let known = self.invitations.iter().rev().find(|(to, _)| to == guest);
        let Some((_, invitation_id)) = known.cloned() else { return self.decide(guest, 5) };
        self.ask(
            guest,
            if x.is_multiple_of(4) {
                ToHost::RejectInvitation { invitation_id }
            } else {
                ToHost::AcceptInvitation { invitation_id }
            },
        );
    }

    fn signal(&mut self, guest: &UserId, x: u8) {
        let sdp = "v=0".to_owned();
        let body = match x % 5 {
            0..=2 => SignalBody::Description(SessionDescription { kind: SdpKind::Offer, sdp }),
            3 => SignalBody::Candidate(None),
            _ => SignalBody::Bye(None),
        };
        let signal = Signal { session: format!("p{}", x % 7), exchange: u32::from(x % 2) + 1, body };
        self.hear(Input::Signal { live_id: id("lobby"), from: guest.clone(), signal });
    }

    fn stage(&mut self, x: u8, y: u8) {
        let Some(peer) = self.stand.peers.iter().nth(usize::from(y) % self.stand.peers.len().max(1)).cloned()
        else {
            return;
        };
        self.hear(Input::Stage(match x % 10 {
            0..=6 => StageReport::Live { peer },
            7 => StageReport::Silent { peer },
            8 => StageReport::Stats(vec![(peer, SeatStats::default())]),
            _ => {
                // The stage has closed it by itself; the host closes it once more.
                let fault = Fault { stage: "ice", code: Code::HostUnreachable, detail: "lost".to_owned() };
                StageReport::Failed { peer, fault }
            }
        }));
    }

    /// Somebody watches, answers, talks or goes; and what the stage says of viewers.
    fn watch(&mut self, guest: &UserId, x: u8, y: u8) {
        let session = self.sessions.iter().nth_back(usize::from(y % 3)).cloned();
        let session = session.unwrap_or_else(|| SessionId::try_from("none".to_owned()).expect("short"));
        let description = AnswerDescription { sdp: "v=0".to_owned() };
        let talk = if y.is_multiple_of(3) { Talk::Off } else { Talk::On };
        let report = match x % 16 {
            0..=3 => {
                self.signal(guest, 0);
                if let Some(peer) = self.stand.peers.iter().find(|peer| peer.guest == *guest).cloned() {
                    self.hear(Input::Stage(StageReport::Live { peer }));
                }
                self.command(HostCommand::Watch(Who { user_id: guest.clone() }));
                let viewer = self.stand.viewers.keys().next_back().copied();
                let report = ViewerReport::Offer { sdp: "v=0".to_owned() };
                viewer.into_iter().for_each(|viewer| self.hear_of(viewer, report.clone()));
                let newest = self.sessions.last().cloned().filter(|_| x.is_multiple_of(2));
                let talk = |session| HostCommand::Talk(TalkWish { session, talk: Talk::On });
                return newest.map(talk).into_iter().for_each(|command| self.command(command));
            }
            4 | 5 => return self.command(HostCommand::WatchAnswer(WatchAnswer { session, description })),
            6 | 7 => return self.command(HostCommand::Talk(TalkWish { session, talk })),
            8 => return self.command(HostCommand::Unwatch(Unwatch { session })),
            9..=11 => ViewerReport::Offer { sdp: "v=0".to_owned() },
            12 => ViewerReport::Answered(if y.is_multiple_of(4) { Err("no".to_owned()) } else { Ok(()) }),
            13 => ViewerReport::Heard,
            14 => ViewerReport::Silent { since: self.stand.now },
            _ => ViewerReport::Failed { fault: Fault::new("ice", Code::HostUnreachable, "lost") },
        };
        let viewers = &self.stand.viewers;
        let viewer = viewers.keys().rev().nth(usize::from(y / 4) % viewers.len().max(1)).copied();
        if let Some(viewer) = viewer {
            self.hear_of(viewer, report);
        }
    }

    fn hear_of(&mut self, viewer: u64, report: ViewerReport) {
        self.hear(Input::Stage(StageReport::Viewer { viewer, report }));
    }

    fn rare(&mut self, guest: &UserId, x: u8, y: u8) {
        let on = |on: bool| if on { OnOff::On } else { OnOff::Off };
        match x % 10 {
            0 => {
                self.away = true;
                self.hear(Input::Offline);
            }
            1 | 2 => {
                self.away = false;
                self.hear(Input::Online);
            }
            3 => {
                let phase = (y.is_multiple_of(3)).then_some(Phase::Live);
                let devices =
                    Devices { microphone: on(y.is_multiple_of(2)), camera: on(y.is_multiple_of(3)), phase };
                self.ask(guest, ToHost::Devices(devices));
            }
            4 => self
                .ask(guest, if y.is_multiple_of(2) { ToHost::LeaveSeat } else { ToHost::CancelApplication }),
            5 => self.ask(guest, ToHost::Leave),
            6 if y.is_multiple_of(8) => self.command(HostCommand::EndLive),
            7 => {
                self.end();
                self.open();
                self.look(y);
            }
            8 => {
                let refusal = Err(Refusal::new(Code::UnknownCommand, "what?"));
                self.stand.request(guest, &id("lobby"), refusal);
                self.hear(Input::Noise { from: guest.clone() });
            }
            _ => drop(self.stand.command(Command::Device(DeviceCommand::GetState))),
        }
    }

    fn ask(&mut self, guest: &UserId, request: ToHost) {
        let outputs = self.stand.request(guest, &id("lobby"), Ok(request));
        self.note(&outputs);
    }

    fn command(&mut self, command: HostCommand) {
        let (_, outputs) = self.stand.command(Command::Host { operator: None, command });
        self.note(&outputs);
    }

    fn hear(&mut self, input: Input) {
        let outputs = self.stand.input(input);
        self.note(&outputs);
    }

    fn pass(&mut self, milliseconds: u64) {
        let outputs = self.stand.pass(Duration::from_millis(milliseconds));
        self.note(&outputs);
    }

    fn note(&mut self, outputs: &[Output]) {
        for output in outputs {
            if let Output::ToGuest { to, message: ToGuest::Invitation(invitation), .. } = output {
                self.invitations.push((to.clone(), invitation.invitation_id.clone()));
            }
            if let Output::Settled { settled: Ok(Answer::Watch(WatchOffer::Mqtt { session, .. })), .. } =
                output
            {
                self.sessions.push(session.clone());
            }
        }
    }

    /// The program stops: peers are closed, everybody who asked is answered, the room stays as it is.
    fn end(&mut self) {
        let said = self.stand.input(Input::Stop);
        assert_eq!(said.iter().filter(|output| **output == Output::Stopped).count(), 1, "said once");
        assert!(said.iter().all(|output| !matches!(output, Output::Room(_))), "the room stays");
        assert!(self.stand.peers.is_empty(), "every peer is closed");
        assert!(self.stand.pending.is_empty(), "everybody is answered: {:?}", self.stand.pending);
        let request_id = RequestId::try_from("late".to_owned()).expect("short");
        let (from, request) = (id("kiosk-1"), Ok(ToHost::Leave));
        let late = Input::Request { live_id: id("lobby"), from, request_id, request };
        assert_eq!(self.stand.input(late), vec![], "nothing is taken any more");
        assert_eq!(self.stand.host.poll_timeout(), None, "nothing is due any more");
    }
}

fn application(x: u8) -> Application {
    Application {
        seat_index: i64::from(x % 5) - 1,
        timeout: RequestTimeout::seconds(u32::from(x % 20)),
        ..Application::default()
    }
}
