//! The connection of a stay's media to their far side: signalled, watched, and made again when it is lost.
//!
//! ```text
//! preparing ── offer ─► negotiating ── answer ─► connecting ── first packet ─► live
//!     ▲                                                                          │ failed, bye, silent
//!     └──────────── retry, a new peer ◄── recovering {attempt 1..=3} ◄───────────┘
//! ```
//!
//! Invariant: every phase but live has a deadline: `Timer::Live`, `Timer::Retry`, or `Timer::HostHold` where nobody can be
//! signalled to.

use std::time::{Duration, Instant};

use super::attempts::Attempts;
use super::capture::Sending;
use super::connection_outcome::{ConnectionOutcome, LiveDelay, RouteChange};
use super::contract::{Output, Timer};
use super::effects::{Effects, ErrorSource};
use super::peer_failure::PeerFailure;
use super::peers::{SentRate, StayPeers};
use super::route::SignallingRoute;
use super::situation::{Reach, Situation};
use crate::model::event::Event;
use crate::model::media::{Ask, Path, Report, SdpKind, Session, SessionDescription};
use crate::model::message::{Signal, SignalBody};
use crate::model::sound::SpeakerStatus;
use crate::model::{Cause, Code, Phase, Presence, Refusal, UserId};

/// From the accept to live.
const LIVE: Duration = Duration::from_secs(15);

/// One attempt of recovery.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long the far side of a live stay may be silent. A receiver of video reports every second; media know since when one that
/// reports less often is silent.
const SILENCE: Duration = Duration::from_secs(6);

/// How long the peer connection from before may take to speak once the network is back.
const RETURN: Duration = Duration::from_millis(500);

/// How long there may be no way to a far side that would be signalled to all the same, until attempts are made.
const UNREACHABLE: Duration = Duration::from_secs(60);

/// How long a far side that was silent must be heard until the attempts start from one again.
const STEADY: Duration = Duration::from_secs(30);

/// How far the media of a stay are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum StayPhase {
    Preparing,
    Negotiating,
    Connecting,
    Live,
    Recovering {
        /// Why the last attempt is made.
        why: String,
    },
}

/// The connection of a stay.
#[derive(Debug)]
pub(super) struct StayConnection {
    epoch: u64,
    /// When the seat was agreed to.
    accepted: Instant,
    route: SignallingRoute,
    phase: StayPhase,
    attempts: Attempts,
    peers: StayPeers,
    /// Since when a stay that was live is not.
    trouble: Option<Instant>,
}

impl StayConnection {
    pub(super) fn new(epoch: u64, accepted: Instant, route: SignallingRoute) -> Self {
        Self {
            epoch,
            accepted,
            route,
            phase: StayPhase::Preparing,
            attempts: Attempts::new(),
            peers: StayPeers::default(),
            trouble: None,
        }
    }

    /// Starts the first peer connection, where the route is usable.
    pub(super) fn start(&mut self, now: Instant, sending: Sending, effects: &mut Effects) {
        if self.route.obstacle().is_none() {
            self.start_peer(now, sending, effects);
        }
    }

    fn start_peer(&mut self, now: Instant, sending: Sending, effects: &mut Effects) {
        let session = self.peers.start(self.epoch, self.route.clone(), effects);
        let deadline = match self.attempts.made() {
            0 => LIVE.saturating_sub(now.saturating_duration_since(self.accepted)),
            _ => ATTEMPT,
        };
        effects.cancel_timer(&Timer::Retry);
        effects.set_timer(now + deadline, Timer::Live);
        effects.ask(Ask::Start {
            session,
            media: sending.media,
            sound: self.route.sound(),
            plan: sending.plan,
        });
    }

    pub(super) fn speaker(&self) -> SpeakerStatus {
        self.peers.speaker()
    }

    /// What is sent, once it is known.
    pub(super) fn sent(&self) -> Option<SentRate> {
        self.peers.sent()
    }

    pub(super) fn is_peer(&self, session: Session) -> bool {
        self.peers.is(session)
    }

    /// What the far side is told when the stay ends.
    pub(super) fn end(&self, effects: &mut Effects) -> Option<Output> {
        effects.cancel_timers(&[
            Timer::Live,
            Timer::Silent,
            Timer::PathReturns,
            Timer::Steady,
            Timer::Retry,
            Timer::HostHold,
        ]);
        self.peers.bye()
    }

    /// Takes the route that the host names now.
    pub(super) fn set_route(&mut self, route: SignallingRoute) -> RouteChange {
        if self.route == route {
            return RouteChange::Same;
        }
        self.route = route;
        RouteChange::Elsewhere
    }

    /// A report of media about a peer connection; one of another means nothing.
    pub(super) fn media(
        &mut self,
        report: Report,
        at: Situation,
        effects: &mut Effects,
    ) -> ConnectionOutcome {
        match report {
            Report::Offer { session, sdp } => return self.offer(session, sdp, effects),
            Report::Candidate { session, candidate } => {
                self.peers.signal(session, SignalBody::Candidate(candidate), effects);
            }
            Report::Answer { session, sdp } => return self.answer(session, sdp, effects),
            Report::FirstPacket { session } => return self.first_packet(at.now, session, effects),
            Report::Path { session, path } => return self.path(session, path, at, effects),
            Report::PeerFailed { session, fault } => {
                let failure = PeerFailure::of_media(fault, &self.route);
                return self.failed(session, failure, at, effects);
            }
            Report::ServerRefused { session, refusal, again } => {
                return self.failed(session, PeerFailure::of_server(refusal, again), at, effects);
            }
            Report::Speaker(session, status) => self.peers.set_speaker(session, status),
            Report::Picture { session, picture, change, kbps, limited_by } => {
                let sent = SentRate { picture, kbps, limited_by };
                self.peers.set_sent(session, sent, change, effects);
            }
            // Live is when a packet left; the phase before says "connecting" already.
            Report::Connected { .. }
            // These concern the devices, or the stay as a whole.
            | Report::EncoderReplaced { .. }
            | Report::MediaFailed { .. }
            | Report::DeviceOpened { .. }
            | Report::DeviceBack { .. }
            | Report::DeviceFailed { .. }
            | Report::DeviceLost { .. }
            | Report::Snapshot { .. }
            | Report::Stats { .. }
            | Report::CaptureVolume(_)
            | Report::Stopped { .. } => {}
        }
        ConnectionOutcome::Nothing
    }

    /// The attempt of recovery, from 1, and why it is made; `None` in any other phase.
    pub(super) fn recovery(&self) -> Option<(u32, &str)> {
        match &self.phase {
            StayPhase::Recovering { why } => Some((self.attempts.made(), why)),
            StayPhase::Preparing | StayPhase::Negotiating | StayPhase::Connecting | StayPhase::Live => None,
        }
    }

    /// Whether the far side is heard, as far as it was to be heard at all.
    pub(super) fn is_heard(&self) -> bool {
        self.recovery().is_none() && matches!(self.peers.path(), Some(Path::Flowing) | None)
    }

    /// The phase as it is published.
    pub(super) fn phase(&self) -> Phase {
        match self.phase {
            StayPhase::Preparing => Phase::Preparing,
            StayPhase::Negotiating => Phase::Negotiating,
            StayPhase::Connecting => Phase::Connecting,
            StayPhase::Live => Phase::Live,
            StayPhase::Recovering { .. } => Phase::Recovering,
        }
    }

    /// The stage, if no server receives the media.
    pub(super) fn stage(&self) -> Option<&UserId> {
        self.route.stage()
    }

    /// Who receives the media, as a sentence names it.
    pub(super) fn far_side(&self) -> &str {
        self.stage().map_or("the server", UserId::as_str)
    }

    /// Gives up if nothing can be sent this way.
    pub(super) fn check_route(&mut self, _: Situation, effects: &mut Effects) -> ConnectionOutcome {
        match self.route.obstacle().cloned() {
            Some(refusal) => give_up(refusal, effects),
            None => ConnectionOutcome::Nothing,
        }
    }

    /// Starts the time after which a stay that nobody can be told about ends.
    pub(super) fn hold(&self, now: Instant, hold: Duration, effects: &mut Effects) {
        if effects.due_at(&Timer::HostHold).is_none() {
            effects.set_timer(now + hold, Timer::HostHold);
        }
    }

    /// Changes the phase, and says whether it changed.
    fn set_phase(&mut self, phase: StayPhase) -> ConnectionOutcome {
        let before = self.phase();
        self.phase = phase;
        if before == self.phase() { ConnectionOutcome::Nothing } else { ConnectionOutcome::PhaseChanged }
    }

    /// Media made an offer.
    fn offer(&mut self, session: Session, sdp: String, effects: &mut Effects) -> ConnectionOutcome {
        if !self.peers.is(session) {
            return ConnectionOutcome::Nothing;
        }
        let description = SessionDescription { kind: SdpKind::Offer, sdp };
        self.peers.signal(session, SignalBody::Description(description), effects);
        match self.phase {
            StayPhase::Preparing => self.set_phase(StayPhase::Negotiating),
            StayPhase::Negotiating
            | StayPhase::Connecting
            | StayPhase::Live
            | StayPhase::Recovering { .. } => ConnectionOutcome::Nothing,
        }
    }

    /// A signal of the stage; what belongs to an older session or exchange is dropped.
    pub(super) fn signal(
        &mut self,
        signal: Signal,
        at: Situation,
        effects: &mut Effects,
    ) -> ConnectionOutcome {
        let Some(session) = self.peers.exchange_of(&signal) else { return ConnectionOutcome::Nothing };
        match signal.body {
            SignalBody::Description(SessionDescription { kind: SdpKind::Answer, sdp }) => {
                self.answer(session, sdp, effects)
            }
            SignalBody::Description(SessionDescription { kind: SdpKind::Offer, .. }) => {
                ConnectionOutcome::Nothing
            }
            SignalBody::Candidate(candidate) => {
                effects.ask(Ask::Candidate { session, candidate });
                ConnectionOutcome::Nothing
            }
            SignalBody::Bye(reason) => {
                let mut why = "the stage ended the connection".to_owned();
                if let Some(reason) = reason {
                    why = format!("{why}: {}", reason.as_str());
                }
                self.recover(Cause::StageGone, &why, at, effects)
            }
        }
    }

    /// The answer to the present offer, from the stage or a server.
    fn answer(&mut self, session: Session, sdp: String, effects: &mut Effects) -> ConnectionOutcome {
        if !self.peers.answer(session) {
            return ConnectionOutcome::Nothing;
        }
        if self.phase == StayPhase::Negotiating {
            self.phase = StayPhase::Connecting;
        }
        effects.ask(Ask::Answer { session, sdp });
        ConnectionOutcome::PhaseChanged
    }

    fn first_packet(&mut self, now: Instant, session: Session, effects: &mut Effects) -> ConnectionOutcome {
        if !self.peers.is(session) || self.phase == StayPhase::Live {
            return ConnectionOutcome::Nothing;
        }
        self.attempts.went_live();
        self.peers.went_live();
        self.live(now, effects)
    }

    fn live(&mut self, now: Instant, effects: &mut Effects) -> ConnectionOutcome {
        effects.cancel_timers(&[Timer::Live, Timer::Retry, Timer::PathReturns]);
        effects.clear_error(ErrorSource::Media);
        self.phase = StayPhase::Live;
        self.watch_flow(now, effects);
        let since = |from| u64::try_from(now.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX);
        ConnectionOutcome::WentLive(match self.trouble.take() {
            None => LiveDelay::SinceAccept(since(self.accepted)),
            Some(from) => LiveDelay::SinceTrouble(since(from)),
        })
    }

    fn path(
        &mut self,
        session: Session,
        path: Path,
        at: Situation,
        effects: &mut Effects,
    ) -> ConnectionOutcome {
        if !self.peers.set_path(session, path) {
            return ConnectionOutcome::Nothing;
        }
        match self.phase {
            StayPhase::Live => self.watch_path(path, at, effects),
            StayPhase::Recovering { .. } if self.peers.has_spoken() => self.path_again(path, at, effects),
            StayPhase::Preparing
            | StayPhase::Negotiating
            | StayPhase::Connecting
            | StayPhase::Recovering { .. } => ConnectionOutcome::Nothing,
        }
    }

    /// The path of a live stay has changed.
    fn watch_path(&mut self, path: Path, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        self.watch_flow(at.now, effects);
        let (cause, why) = match path {
            Path::Flowing => return ConnectionOutcome::Nothing,
            Path::Silent { .. } => {
                // By the end of the silence it is known whether there is a network at all.
                effects.output(Output::ProbeBroker);
                return ConnectionOutcome::Nothing;
            }
            Path::Moved => (Cause::NetworkChanged, "the network of this device has changed"),
            Path::Unreachable => (Cause::NetworkDown, "this device has no network"),
        };
        self.interrupted(cause, why, at, effects)
    }

    /// The path of a connection that waits for its network has changed.
    fn path_again(&mut self, path: Path, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        match (path, at.reach) {
            (Path::Flowing, _) => return self.live(at.now, effects),
            (Path::Moved, Reach::Reachable) => self.replace(at, effects),
            (Path::Silent { .. }, Reach::Reachable) => {
                effects.set_timer(at.now + RETURN, Timer::PathReturns);
            }
            (Path::Moved | Path::Silent { .. }, Reach::Alone { .. }) | (Path::Unreachable, _) => {}
        }
        ConnectionOutcome::Nothing
    }

    /// A live stay whose far side is silent has a deadline; the other phases have theirs.
    fn watch_flow(&self, now: Instant, effects: &mut Effects) {
        effects.cancel_timers(&[Timer::Silent, Timer::Steady]);
        match self.peers.path() {
            Some(Path::Silent { since }) => effects.set_timer(since + SILENCE, Timer::Silent),
            Some(Path::Flowing) if self.attempts.are_on_probation() => {
                effects.set_timer(now + STEADY, Timer::Steady);
            }
            Some(Path::Flowing | Path::Moved | Path::Unreachable) | None => {}
        }
    }

    /// Nothing was heard of the far side for [`SILENCE`].
    pub(super) fn path_silent(&mut self, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        let why = format!("nothing was heard of {} for {} s", self.far_side(), SILENCE.as_secs());
        self.interrupted(Cause::PathSilent, &why, at, effects)
    }

    /// The path of a live stay is gone. Where nobody can be signalled to, the network is down: the peer connection is kept, it is
    /// the quickest way back. Else another is made at once.
    fn interrupted(
        &mut self,
        cause: Cause,
        why: &str,
        at: Situation,
        effects: &mut Effects,
    ) -> ConnectionOutcome {
        effects.note_error(ErrorSource::Media, Refusal::new(Code::HostUnreachable, why));
        let (cause, hold) = match (at.reach, cause) {
            (Reach::Alone { hold, broker: Presence::Offline }, Cause::PathSilent) => {
                (Cause::NetworkDown, Some(hold))
            }
            (Reach::Alone { hold, .. }, _) => (cause, Some(hold)),
            (Reach::Reachable, Cause::NetworkDown) => (cause, None),
            (Reach::Reachable, _) => {
                self.attempts.path_silent();
                return self.recover(cause, why, at, effects);
            }
        };
        effects.cancel_timers(&[Timer::Silent, Timer::Steady]);
        match hold {
            Some(hold) => self.hold(at.now, hold, effects),
            None => effects.set_timer(at.now + UNREACHABLE, Timer::Live),
        }
        self.attempts.wait();
        let attempt = self.attempts.made();
        effects.say(Event::MediaRecovering { attempt, why: why.to_owned(), cause });
        self.begin_recovery(at.now, why)
    }

    fn begin_recovery(&mut self, now: Instant, why: &str) -> ConnectionOutcome {
        if self.phase == StayPhase::Live {
            let since = match self.peers.path() {
                Some(Path::Silent { since }) => since,
                Some(Path::Flowing | Path::Moved | Path::Unreachable) | None => now,
            };
            self.trouble.get_or_insert(since);
        }
        self.set_phase(StayPhase::Recovering { why: why.to_owned() })
    }

    /// Another peer connection in place of one that the network took.
    fn replace(&mut self, at: Situation, effects: &mut Effects) {
        effects.cancel_timer(&Timer::PathReturns);
        self.peers.end(effects);
        self.start_peer(at.now, at.sending, effects);
    }

    /// The network is back for [`RETURN`], and nothing was heard on the peer connection from before.
    pub(super) fn path_not_back(&mut self, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        if self.recovery().is_some() && self.peers.has_spoken() && at.reach == Reach::Reachable {
            self.replace(at, effects);
        }
        ConnectionOutcome::Nothing
    }

    /// The far side was heard for [`STEADY`].
    pub(super) fn path_steady(&mut self, _: Situation, _: &mut Effects) -> ConnectionOutcome {
        if self.phase == StayPhase::Live {
            self.attempts.path_steady();
        }
        ConnectionOutcome::Nothing
    }

    pub(super) fn not_live_in_time(&mut self, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        let (cause, why) = match (&self.phase, &self.route) {
            (StayPhase::Live, _) => return ConnectionOutcome::Nothing,
            (StayPhase::Preparing, _) => (Cause::Media, "no offer was made in time"),
            (StayPhase::Connecting | StayPhase::Recovering { .. }, _) if self.peers.is_answered() => {
                (Cause::Media, "no way to the far side was found in time")
            }
            (
                StayPhase::Negotiating | StayPhase::Connecting | StayPhase::Recovering { .. },
                SignallingRoute::Mqtt { .. },
            ) => (Cause::StageGone, "the stage did not answer the offer in time"),
            (
                StayPhase::Negotiating | StayPhase::Connecting | StayPhase::Recovering { .. },
                SignallingRoute::Whip(_) | SignallingRoute::Unusable(_),
            ) => (Cause::Server, "the server did not answer the offer in time"),
        };
        effects.note_error(ErrorSource::Media, Refusal::new(Code::HostUnreachable, why));
        self.recover(cause, why, at, effects)
    }

    /// The peer connection is over: another after a pause, three times; or as soon as there is somebody to signal to.
    fn recover(
        &mut self,
        cause: Cause,
        why: &str,
        at: Situation,
        effects: &mut Effects,
    ) -> ConnectionOutcome {
        effects.cancel_timers(&[Timer::Live, Timer::Silent, Timer::PathReturns, Timer::Steady]);
        if self.recovery().is_some() && self.peers.is_none() {
            return ConnectionOutcome::Nothing;
        }
        match at.reach {
            Reach::Reachable => {
                let pause = match cause {
                    Cause::PathSilent | Cause::NetworkChanged => self.attempts.next_on_path(),
                    Cause::NetworkDown | Cause::StageGone | Cause::Server | Cause::Media | Cause::Trust => {
                        self.attempts.next()
                    }
                };
                let Some(pause) = pause else {
                    return ConnectionOutcome::GaveUp { why: why.to_owned() };
                };
                effects.set_timer(at.now + pause, Timer::Retry);
            }
            // Waiting is no attempt: the hold ends it.
            Reach::Alone { hold, .. } => {
                self.attempts.wait();
                self.hold(at.now, hold, effects);
            }
        }
        let outcome = self.begin_recovery(at.now, why);
        self.peers.end(effects);
        effects.say(Event::MediaRecovering { attempt: self.attempts.made(), why: why.to_owned(), cause });
        outcome
    }

    /// The pause is over, or the host answers again.
    pub(super) fn try_again(&mut self, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        if self.recovery().is_some() && self.peers.is_none() && at.reach == Reach::Reachable {
            self.start_peer(at.now, at.sending, effects);
        }
        ConnectionOutcome::Nothing
    }

    /// The host answers again: what waited for somebody to signal to goes on.
    pub(super) fn reachable_again(&mut self, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        let waits = self.recovery().is_some() && self.peers.has_spoken();
        match (self.peers.path().filter(|_| waits), effects.due_at(&Timer::Retry)) {
            (Some(path), _) => self.path_again(path, at, effects),
            (None, None) => self.try_again(at, effects),
            (None, Some(_)) => ConnectionOutcome::Nothing,
        }
    }

    /// The host is the stage, and was started again: it has lost its peer connections, so a new one is made at once.
    pub(super) fn stage_restarted(&mut self, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        self.attempts.wait();
        let why = "the host was started again".to_owned();
        let outcome = self.begin_recovery(at.now, &why);
        effects.cancel_timers(&[Timer::Silent, Timer::PathReturns, Timer::Steady]);
        self.peers.end(effects);
        effects.say(Event::MediaRecovering { attempt: self.attempts.made(), why, cause: Cause::StageGone });
        self.start_peer(at.now, at.sending, effects);
        outcome
    }

    /// Media go elsewhere now: there with a new peer connection.
    pub(super) fn follow_route(&mut self, at: Situation, effects: &mut Effects) -> ConnectionOutcome {
        match self.route.obstacle().cloned() {
            Some(refusal) => give_up(refusal, effects),
            None => self.recover(Cause::StageGone, "the seat's media go elsewhere now", at, effects),
        }
    }

    /// The peer connection has failed.
    fn failed(
        &mut self,
        session: Session,
        failure: PeerFailure,
        at: Situation,
        effects: &mut Effects,
    ) -> ConnectionOutcome {
        if !self.peers.is(session) {
            return ConnectionOutcome::Nothing;
        }
        match failure {
            PeerFailure::Untrusted(refusal) => {
                // No attempt follows: the count stays at those that were made.
                let (attempt, why) = (self.attempts.made(), refusal.message.clone());
                effects.say(Event::MediaRecovering { attempt, why, cause: Cause::Trust });
                give_up(refusal, effects)
            }
            PeerFailure::Final(refusal) => give_up(refusal, effects),
            PeerFailure::Passing { cause, refusal, pause } => {
                let why = refusal.message.clone();
                effects.note_error(ErrorSource::Media, refusal);
                let outcome = self.recover(cause, &why, at, effects);
                if let Some(due) = effects.due_at(&Timer::Retry) {
                    effects.set_timer(due.max(at.now + pause), Timer::Retry);
                }
                outcome
            }
        }
    }

    /// An offer that cannot be sent will not be the next time either.
    pub(super) fn offer_unsent(
        &self,
        name: &str,
        refusal: Refusal,
        effects: &mut Effects,
    ) -> ConnectionOutcome {
        if self.peers.is_named(name) { give_up(refusal, effects) } else { ConnectionOutcome::Nothing }
    }
}

/// The connection cannot be kept up, for this reason.
fn give_up(refusal: Refusal, effects: &mut Effects) -> ConnectionOutcome {
    let why = refusal.message.clone();
    effects.note_error(ErrorSource::Media, refusal);
    ConnectionOutcome::GaveUp { why }
}
