//! A guest on a stand: every step is watched.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use coguestd::guest::{AcceptInvitations, Guest, Input, Output, Settings};
use coguestd::model::command::{Command, Settled};
use coguestd::model::media::{Ask, AudioPlan, Mirror, Plan, Quality, Session, VideoPlan};
use coguestd::model::message::ToHost;
use coguestd::model::state::{DeviceStatus, LayersState, RoomMembership};
use coguestd::model::volume::Loudness;
use coguestd::model::{LiveId, Phase, RequestId, User, UserId};

use super::replies::Replies;

/// What is open at the media, as far as it was asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opened {
    pub epoch: u64,
    pub plan: Plan,
    pub session: Option<Session>,
}

pub struct GuestStand {
    pub guest: Guest,
    pub now: Instant,
    /// Commands that wait for their one reply.
    pub pending: Replies,
    pub opened: Option<Opened>,
    /// The name of the present peer connection on the room plane.
    pub signal: Option<(String, u32)>,
    /// Requests to the host, in order.
    pub asked: Vec<(LiveId, RequestId, ToHost)>,
    stopped: BTreeSet<u64>,
    watched: BTreeSet<UserId>,
    entered: BTreeSet<LiveId>,
}

pub fn id<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a valid id")
}

pub fn settings(name: &str, seed: u8) -> Settings {
    Settings {
        user: User::named_by_id(id(name)),
        standing_room: None,
        server: None,
        trusted_origins: Vec::new(),
        accept_invitations: AcceptInvitations::Manual,
        host_hold: Duration::from_secs(60),
        camera: "auto".to_owned(),
        microphone: "auto".to_owned(),
        quality: Quality::P720,
        mirror: Mirror::No,
        layers: LayersState { foreground: false },
        capture_volume: Loudness::AsItIs,
        output_volume: Loudness::AsItIs,
        seed: [seed; 32],
    }
}

impl GuestStand {
    pub fn new(settings: Settings, now: Instant) -> Self {
        Self {
            guest: Guest::new(settings),
            now,
            pending: Replies::default(),
            opened: None,
            signal: None,
            asked: Vec::new(),
            stopped: BTreeSet::new(),
            watched: BTreeSet::new(),
            entered: BTreeSet::new(),
        }
    }

    /// A command that is refused changes nothing.
    pub fn command(&mut self, command: Command) -> (Settled, Vec<Output>) {
        let before = (self.guest.snapshot(), self.guest.poll_timeout());
        let settled = self.guest.handle_command(self.now, command.clone());
        let guest = &mut self.guest;
        self.pending.begin((&command, &settled), &before, || {
            ((guest.snapshot(), guest.poll_timeout()), guest.poll_output())
        });
        (settled, self.drain())
    }

    pub fn input(&mut self, input: Input) -> Vec<Output> {
        self.guest.handle_input(self.now, input);
        self.drain()
    }

    /// Time passes; each timer is served when it is due.
    pub fn pass(&mut self, time: Duration) -> Vec<Output> {
        let until = self.now + time;
        let mut outputs = Vec::new();
        let mut served = 0;
        while let Some((at, timer)) = self.guest.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.guest.handle_timeout(self.now);
            let next = self.guest.poll_timeout();
            assert!(next.as_ref() != Some(&(at, timer.clone())), "{timer:?} is due again at once");
            served += 1;
            assert!(served < 10_000, "timers without end: {timer:?}");
            outputs.extend(self.drain());
        }
        self.now = until;
        outputs
    }

    fn drain(&mut self) -> Vec<Output> {
        let outputs: Vec<Output> = std::iter::from_fn(|| self.guest.poll_output()).collect();
        for output in &outputs {
            self.see(output);
        }
        self.hold();
        outputs
    }

    fn see(&mut self, output: &Output) {
        match output {
            Output::Settled { ticket, settled } => self.pending.end(ticket, settled),
            Output::Enter(live_id) => assert!(self.entered.insert(live_id.clone()), "entered once"),
            Output::Exit(live_id) => assert!(self.entered.remove(live_id), "only what was entered is left"),
            Output::Watch(user_id) => assert!(self.watched.insert(user_id.clone()), "watched once"),
            Output::Unwatch(user_id) => {
                assert!(self.watched.remove(user_id), "only the watched is unwatched")
            }
            Output::ToHost { live_id, request_id, message } => {
                self.asked.push((live_id.clone(), request_id.clone(), message.clone()));
                if self.asked.len() > 64 {
                    self.asked.remove(0);
                }
            }
            Output::ToStage { signal, .. } => {
                self.signal = Some((signal.session.clone(), signal.exchange));
            }
            Output::Media(ask) => self.see_ask(ask),
            Output::Event(event) => assert!(!event.name().is_empty()),
            Output::ProbeBroker | Output::ToServer(_) | Output::Stats { .. } | Output::Stopped => {}
        }
    }

    /// After `Stop` nothing of that stay reaches media, and a stay begins only when the one before it was stopped.
    fn see_ask(&mut self, ask: &Ask) {
        let fresh = |epoch: &u64| assert!(!self.stopped.contains(epoch), "{ask:?} comes after its stop");
        match ask {
            Ask::Start { session, plan, .. } => {
                fresh(&session.epoch);
                let before = self.opened.is_none_or(|opened| opened.epoch == session.epoch);
                assert!(before, "a stay begins while another is open: {ask:?} in {:?}", self.opened);
                self.opened = Some(Opened { epoch: session.epoch, plan: *plan, session: Some(*session) });
            }
            Ask::Plan { epoch, plan } => {
                fresh(epoch);
                if let Some(opened) = &mut self.opened {
                    opened.plan = *plan;
                }
            }
            Ask::Answer { session, .. } | Ask::Candidate { session, .. } => {
                fresh(&session.epoch);
                let is_open = self.opened.is_some_and(|opened| opened.session == Some(*session));
                assert!(is_open, "{ask:?} is for no open peer: {:?}", self.opened);
            }
            Ask::EndPeer { peer } => {
                let ended = self.opened.as_mut().and_then(|opened| opened.session.take());
                assert_eq!(ended.map(|session| session.peer), Some(*peer), "the open peer is ended");
            }
            Ask::Stop { epoch } => {
                assert!(self.stopped.insert(*epoch), "stopped once");
                let opened = self.opened.take();
                assert!(opened.is_none_or(|opened| opened.epoch == *epoch), "the open stay is stopped");
                if self.stopped.len() > 64 {
                    self.stopped.pop_first();
                }
            }
            Ask::Prepare
            | Ask::Quality(_)
            | Ask::Camera(_)
            | Ask::Mirror(_)
            | Ask::CaptureVolume(_)
            | Ask::OutputVolume(_)
            | Ask::Label(_)
            | Ask::Snapshot { .. } => {}
        }
    }

    /// What holds after every step.
    fn hold(&self) {
        let state = self.guest.snapshot();
        let text = state.json(self.now).to_string();
        assert!(text.len() <= 64 * 1024, "{} bytes of state", text.len());
        assert!(!state.summary.is_empty() && state.summary.chars().count() <= 120, "{}", state.summary);
        assert!(state.invitations.len() <= 16, "invitations are bounded");
        assert!(self.pending.len() <= 64 + 32 + 4, "pending commands are bounded: {}", self.pending.len());
        let in_room = state.membership != RoomMembership::Outside;
        assert_eq!(state.live_id.is_some(), in_room, "a room has a name");
        assert_eq!(self.entered.iter().next(), state.live_id.as_ref(), "the own room alone is listened to");
        assert!(self.entered.len() <= 1 && self.watched.len() <= 1, "at most one room and one host");
        if !matches!(state.membership, RoomMembership::Inside | RoomMembership::HostLost) {
            assert_eq!((state.application, state.invitations.len()), (None, 0), "requests are of a room");
        }
        match state.seat.as_ref().map(|seat| seat.phase) {
            None => assert!(self.opened.is_none(), "without a seat nothing is open: {:?}", self.opened),
            Some(Phase::Leaving) => {
                assert!(self.opened.is_none(), "whoever leaves has closed everything: {:?}", self.opened);
                assert!(self.guest.poll_timeout().is_some(), "leaving has a deadline");
            }
            Some(Phase::Live) => {}
            Some(phase) => assert!(self.guest.poll_timeout().is_some(), "{phase:?} has a deadline"),
        }
        if let Some(opened) = self.opened {
            let camera = matches!(state.camera.status, DeviceStatus::On | DeviceStatus::Lost);
            let microphone = matches!(state.microphone.status, DeviceStatus::On | DeviceStatus::Lost);
            assert_eq!(opened.plan.video == VideoPlan::Camera, camera, "{:?} {opened:?}", state.camera);
            assert_eq!(opened.plan.audio == AudioPlan::Microphone, microphone, "{:?}", state.microphone);
        }
    }
}
