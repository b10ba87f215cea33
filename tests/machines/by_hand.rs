//! A guest whose host and media are played by hand, step by step: what scenarios begin with.

use std::time::{Duration, Instant};

use coguestd::guest::{Input, Output, Settings};
use coguestd::model::command::{Command, DeviceCommand, GuestCommand, JoinLive, Settled};
use coguestd::model::event::Event;
use coguestd::model::media::{Report, SdpKind, Session, SessionDescription};
use coguestd::model::message::{
    Application, Grant, Membership, Outcome, Signal, SignalBody, ToGuest, ToHost,
};
use coguestd::model::state::GuestState;
use coguestd::model::{
    LiveId, Media, Presence, RequestId, RoomState, RoomStatus, Seat, SeatMode, User, UserId,
};

use super::guest_stand::{GuestStand, id, settings};

/// The room of every scenario.
fn lobby() -> LiveId {
    id("lobby")
}

pub fn host() -> User {
    User::named_by_id(id("host-1"))
}

/// Where media go: to the host.
pub fn to_host() -> Grant {
    Grant::Mqtt { stage: id("host-1") }
}

/// A guest inside the room.
pub struct ByHand {
    pub stand: GuestStand,
    pub session: String,
    revision: u64,
}

impl ByHand {
    /// As it is on the stand.
    pub fn before(stand: GuestStand) -> Self {
        Self { stand, session: "s".to_owned(), revision: 0 }
    }

    /// Inside, with nothing pending.
    pub fn inside() -> Self {
        Self::inside_with(settings("ada", 1))
    }

    pub fn inside_with(settings: Settings) -> Self {
        let mut hand = Self::before(GuestStand::new(settings, Instant::now()));
        hand.stand.input(Input::Online);
        hand.command(GuestCommand::JoinLive(JoinLive { live_id: lobby() })).expect("it is taken");
        hand.news();
        hand.stand.input(Input::HostStatus { user_id: host().user_id, presence: Presence::Online });
        hand.answer_join(Membership::default());
        hand
    }

    /// On seat 1 by an application; the host is the stage.
    pub fn seated(media: Media) -> Self {
        let mut hand = Self::inside();
        hand.sit(media, to_host());
        hand
    }

    /// Applies and is seated; what was said meanwhile.
    pub fn sit(&mut self, media: Media, grant: Grant) -> Vec<Output> {
        let wish = Application { media, ..Application::default() };
        let mut outputs = Vec::new();
        self.command(GuestCommand::ApplyForSeat(wish)).expect("it is taken");
        outputs.extend(self.answer());
        outputs.extend(self.told(ToGuest::ApplicationAccepted { seat_index: 1, media, by: host().into() }));
        outputs.extend(self.told(ToGuest::Seated { seat_index: 1, media, grant }));
        outputs
    }

    /// Offer, answer and the first packet of the present peer.
    pub fn go_live(&mut self) -> Vec<Output> {
        let session = self.peer();
        let sdp = "v=0".to_owned();
        let mut outputs = self.report(Report::Offer { session, sdp: sdp.clone() });
        outputs.extend(match self.stand.signal.clone() {
            Some((name, exchange)) => {
                let answer = SessionDescription { kind: SdpKind::Answer, sdp };
                let body = SignalBody::Description(answer);
                self.told(ToGuest::Signal(Signal { session: name, exchange, body }))
            }
            None => self.report(Report::Answer { session, sdp }),
        });
        outputs.extend(self.report(Report::FirstPacket { session }));
        outputs
    }

    /// The present peer connection.
    pub fn peer(&self) -> Session {
        self.stand.opened.and_then(|opened| opened.session).expect("a peer connection")
    }

    pub fn command(&mut self, command: GuestCommand) -> Settled {
        self.stand.command(Command::Guest(command)).0
    }

    pub fn device(&mut self, command: DeviceCommand) -> Settled {
        self.stand.command(Command::Device(command)).0
    }

    pub fn state(&self) -> GuestState {
        self.stand.guest.snapshot()
    }

    pub fn report(&mut self, report: Report) -> Vec<Output> {
        self.stand.input(Input::Media(report))
    }

    pub fn told(&mut self, message: ToGuest) -> Vec<Output> {
        self.stand.input(Input::Message { live_id: lobby(), message })
    }

    pub fn pass(&mut self, seconds: u64) -> Vec<Output> {
        self.stand.pass(Duration::from_secs(seconds))
    }

    /// The host says yes to the last thing that it was asked.
    pub fn answer(&mut self) -> Vec<Output> {
        let (_, request_id, _) = self.stand.asked.last().cloned().expect("something was asked");
        self.told(ToGuest::Result { request_id, outcome: Outcome::Ok(None) })
    }

    /// The host answers the last `join`.
    pub fn answer_join(&mut self, membership: Membership) -> Vec<Output> {
        let request_id = self.joins().pop().expect("it was said");
        self.told(ToGuest::Result { request_id, outcome: Outcome::Ok(Some(membership)) })
    }

    /// The ids of every `join` so far.
    pub fn joins(&self) -> Vec<RequestId> {
        let is_join = |message: &ToHost| matches!(message, ToHost::Join { .. });
        let joins = self.stand.asked.iter().filter(|(.., message)| is_join(message));
        joins.map(|(_, request_id, _)| request_id.clone()).collect()
    }

    /// The room's state is published anew.
    pub fn news(&mut self) -> Vec<Output> {
        self.revision += 1;
        let state = RoomState {
            live_id: lobby(),
            status: RoomStatus::Live,
            host: host(),
            session: self.session.clone(),
            seat_mode: SeatMode::Apply,
            stage: Some(UserId::clone(&host().user_id)),
            revision: self.revision,
            seats: (0..3).map(Seat::empty).collect(),
            banned: Vec::new(),
        };
        self.stand.input(Input::Room { live_id: lobby(), state: Some(state) })
    }
}

/// The events among what was said.
pub fn events(outputs: &[Output]) -> Vec<&Event> {
    let said =
        outputs.iter().map(|output| if let Output::Event(event) = output { Some(event) } else { None });
    said.flatten().collect()
}
