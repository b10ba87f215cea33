//! A host on a stand: every step is watched.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use coguestd::host::{AcceptApplications, Grants, Host, HostPolicy, Input, Output, Settings};
use coguestd::model::command::{Command, SeatCount, Settled};
use coguestd::model::message::{Outcome, ToGuest, ToHost};
use coguestd::model::sound::Return;
use coguestd::model::stage::{StageAsk, StagePeer, StageReport, ViewerAsk, ViewerReport};
use coguestd::model::state::{HostState, RoomMembership};
use coguestd::model::viewer::Talk;
use coguestd::model::{LiveId, Refusal, RequestId, RoomState, SeatMode, User, UserId};

use super::guest_stand::id;
use super::replies::Replies;

pub struct HostStand {
    pub host: Host,
    pub now: Instant,
    pub pending: Replies,
    /// The room as it was published last.
    pub room: Option<RoomState>,
    pub peers: BTreeSet<StagePeer>,
    /// Viewers at the stage, and whom they see.
    pub viewers: BTreeMap<u64, StagePeer>,
    pub watched: BTreeSet<UserId>,
    requests: u32,
}

pub fn settings(seed: u8) -> Settings {
    Settings {
        user: User::named_by_id(id("host-1")),
        policy: HostPolicy {
            seats: SeatCount::try_from(3).expect("in range"),
            seat_mode: SeatMode::Apply,
            accept_applications: AcceptApplications::Manual,
            hold: Duration::from_secs(15),
            returned: Return::Others,
            capacity: 6,
            watching: 4,
        },
        standing_room: None,
        grant: Grants::Stage(id("host-1")),
        seed: [seed; 32],
    }
}

impl HostStand {
    pub fn new(settings: Settings, now: Instant) -> Self {
        Self {
            host: Host::new(settings),
            now,
            pending: Replies::default(),
            room: None,
            peers: BTreeSet::new(),
            viewers: BTreeMap::new(),
            watched: BTreeSet::new(),
            requests: 0,
        }
    }

    /// A command that is refused changes nothing.
    pub fn command(&mut self, command: Command) -> (Settled, Vec<Output>) {
        let before = (self.host.snapshot(), self.host.poll_timeout());
        let settled = self.host.handle_command(self.now, command.clone());
        let host = &mut self.host;
        self.pending.begin((&command, &settled), &before, || {
            ((host.snapshot(), host.poll_timeout()), host.poll_output())
        });
        (settled, self.drain())
    }

    /// A request of a guest under a new id.
    pub fn request(
        &mut self,
        from: &UserId,
        live_id: &LiveId,
        request: Result<ToHost, Refusal>,
    ) -> Vec<Output> {
        self.requests += 1;
        let request_id = RequestId::try_from(format!("r{}", self.requests)).expect("short");
        self.request_as(from, live_id, request_id, request)
    }

    /// One that is refused is answered and changes nothing; any is answered at most once, and in the host's room always.
    pub fn request_as(
        &mut self,
        from: &UserId,
        live_id: &LiveId,
        request_id: RequestId,
        request: Result<ToHost, Refusal>,
    ) -> Vec<Output> {
        let (before, from, asked) = (self.host.snapshot(), from.clone(), request_id.clone());
        let ours = before.membership == RoomMembership::Inside && before.live_id.as_ref() == Some(live_id);
        let outputs = self.input(Input::Request { live_id: live_id.clone(), from, request_id, request });
        let answers: Vec<&Outcome> = outputs.iter().filter_map(|output| answer(output, &asked)).collect();
        assert_eq!(answers.len(), usize::from(ours), "one answer in the host's own room: {outputs:?}");
        if let Some(Outcome::Refused(refusal)) = answers.first() {
            assert_eq!(outputs.len(), 1, "{refusal} and more: {outputs:?}");
            assert_eq!(before, self.host.snapshot(), "{refusal} changed something");
        }
        outputs
    }

    pub fn input(&mut self, input: Input) -> Vec<Output> {
        if let Input::Stage(StageReport::Viewer { viewer, report: ViewerReport::Failed { .. } }) = &input {
            self.viewers.remove(viewer);
        }
        self.host.handle_input(self.now, input);
        self.drain()
    }

    pub fn pass(&mut self, time: Duration) -> Vec<Output> {
        let until = self.now + time;
        let mut outputs = Vec::new();
        while let Some((at, timer)) = self.host.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.host.handle_timeout(self.now);
            assert!(self.host.poll_timeout() != Some((at, timer)), "a timer is served once");
            outputs.extend(self.drain());
        }
        self.now = until;
        outputs
    }

    fn drain(&mut self) -> Vec<Output> {
        let outputs: Vec<Output> = std::iter::from_fn(|| self.host.poll_output()).collect();
        for output in &outputs {
            self.see(output);
        }
        let published = outputs.iter().filter(|output| matches!(output, Output::Room(_))).count();
        assert!(published <= 2, "the room is published once a step, and once for a live that ended");
        self.hold();
        outputs
    }

    fn see(&mut self, output: &Output) {
        match output {
            Output::Settled { ticket, settled } => self.pending.end(ticket, settled),
            Output::Room(room) => {
                let same = self.room.as_ref().filter(|before| before.live_id == room.live_id);
                let before = same.map_or(0, |room| room.revision);
                assert!(room.revision > before, "{} after {before}", room.revision);
                self.room = Some(room.clone());
                let text = serde_json::to_string(room).expect("a room is JSON");
                assert!(text.len() <= 64 * 1024, "{} bytes of room", text.len());
                let users: Vec<_> = room.seats.iter().filter_map(|seat| seat.user.as_ref()).collect();
                let ids: BTreeSet<_> = users.iter().map(|user| &user.user_id).collect();
                assert_eq!(users.len(), ids.len(), "a user has at most one seat: {room:?}");
                for seat in &room.seats {
                    assert!(!seat.locked || seat.user.is_none(), "nobody sits on a locked seat: {seat:?}");
                    assert_eq!(seat.user.is_some(), seat.connection.is_some(), "{seat:?}");
                    assert_eq!(seat.user.is_some(), seat.media.is_some(), "{seat:?}");
                }
            }
            Output::Watch(user_id) => {
                self.watched.insert(user_id.clone());
            }
            Output::Unwatch(user_id) => {
                self.watched.remove(user_id);
            }
            Output::Stage(StageAsk::Offer { peer, .. }) => {
                self.peers.insert(peer.clone());
            }
            Output::Stage(StageAsk::Close { peer }) => {
                assert!(self.peers.remove(peer), "{peer:?} is open");
                self.viewers.retain(|_, watched| watched != peer);
            }
            Output::Stage(StageAsk::Viewer { viewer, ask }) => self.see_viewer(*viewer, ask),
            Output::Stage(
                StageAsk::Candidate { peer, .. }
                | StageAsk::Snapshot { peer, .. }
                | StageAsk::Sound { peer, .. },
            ) => {
                assert!(self.peers.contains(peer), "{peer:?} is open");
            }
            Output::Enter(_)
            | Output::Exit(_)
            | Output::WatchRoom(_)
            | Output::UnwatchRoom(_)
            | Output::ToGuest { .. }
            | Output::Event(_)
            | Output::Stats(_)
            | Output::Stopped => {}
        }
    }

    fn see_viewer(&mut self, viewer: u64, ask: &ViewerAsk) {
        match ask {
            ViewerAsk::Open { peer } => {
                assert!(self.peers.contains(peer), "who is seen has a peer connection: {peer:?}");
                let before = self.viewers.insert(viewer, peer.clone());
                assert_eq!(before, None, "a viewer has a number of its own");
            }
            ViewerAsk::Answer { .. } | ViewerAsk::Talk(_) => {
                assert!(self.viewers.contains_key(&viewer), "{viewer} is open");
            }
            ViewerAsk::Close => assert!(self.viewers.remove(&viewer).is_some(), "{viewer} is open"),
        }
    }

    /// What holds after every step.
    fn hold(&self) {
        let state = self.host.snapshot();
        let text = state.json(self.now).to_string();
        assert!(text.len() <= 64 * 1024, "{} bytes of state", text.len());
        assert!(!state.summary.is_empty() && state.summary.chars().count() <= 120, "{}", state.summary);
        let seated: BTreeSet<_> = state.connected.iter().map(|seat| &seat.user.user_id).collect();
        assert_eq!(seated.len(), state.connected.len(), "a user has at most one seat");
        let candidates: BTreeSet<_> = state.candidates.shown.iter().map(|user| &user.user_id).collect();
        assert_eq!(candidates.len(), state.candidates.shown.len(), "a candidate is listed once");
        assert!(seated.is_disjoint(&candidates), "who sits is no candidate");
        for list in [&state.applicants, &state.invitees] {
            let users: BTreeSet<_> = list.shown.iter().map(|request| &request.user.user_id).collect();
            assert_eq!(users.len(), list.total, "one request of a kind per guest");
            assert!(users.is_subset(&candidates), "who asks or is asked is inside and not seated");
        }
        for peer in &self.peers {
            assert!(seated.contains(&peer.guest), "who has a peer connection sits: {peer:?}");
        }
        let guests: BTreeSet<_> = self.peers.iter().map(|peer| &peer.guest).collect();
        assert_eq!(guests.len(), self.peers.len(), "at most one peer connection per guest");
        let talked_to: Vec<_> =
            state.watching.shown.iter().filter(|watching| watching.talking == Talk::On).collect();
        let guests: BTreeSet<_> = talked_to.iter().map(|watching| &watching.user_id).collect();
        assert_eq!(guests.len(), talked_to.len(), "one talks to a guest");
        assert!(state.watching.total <= self.viewers.len(), "a session has its viewer at the stage");
        assert!(self.viewers.len() <= 4, "viewers are bounded");
        self.hold_presence(&state);
    }

    fn hold_presence(&self, state: &HostState) {
        let members = state.connected.len() + state.candidates.total;
        assert!(self.watched.len() <= members + 1, "only members are watched: {:?}", self.watched);
        if state.membership == RoomMembership::Outside {
            assert_eq!(members, 0, "a room without a live is empty");
        }
        let requests = state.applicants.total + state.invitees.total;
        let deadlines = self.host.poll_timeout().is_some();
        assert!(
            state.membership != RoomMembership::Joining || deadlines || requests == 0,
            "starting has an end"
        );
        assert!(self.pending.len() <= 32 + 64, "pending commands are bounded");
    }
}

fn answer<'a>(output: &'a Output, asked: &RequestId) -> Option<&'a Outcome> {
    match output {
        Output::ToGuest { message: ToGuest::Result { request_id, outcome }, .. } if request_id == asked => {
            Some(outcome)
        }
        _ => None,
    }
}
