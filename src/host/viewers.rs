//! Viewers: who sees and hears a seat through the host, one session each.
//!
//! ```text
//! watch ─► waiting ─ media live ─► offering ─ offer ─► offered ─ watch_answer ─► answering ─► connected
//!             └─────────── 5 s ────────┘                  └───────── 10 s ──────────┘       10 s of silence
//! ```
//! Invariants: each session ends once, and whoever was told its name is told of the end, with a reason; one session at a time talks to a
//! guest; a session never outlives the seat, or the peer connection, that it shows.
//!
//! Not here: packets (`media::stage::forward`), and whether the media come to this host at all ([`super::live`]).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::contract::Timer;
use super::effects::Effects;
use crate::model::command::{Answer, Settled};
use crate::model::event::Event;
use crate::model::media::Ticket;
use crate::model::stage::{StageAsk, StagePeer, ViewerAsk, ViewerReport};
use crate::model::state::{Cut, LIST_MAX};
use crate::model::viewer::{Talk, TalkWish, WatchAnswer, WatchEnd, WatchOffer, Watching};
use crate::model::{Code, Operator, Refusal, SessionId, User, UserId};

/// From `watch` to the offer: the media of a guest that is being seated take a second or two, gathering candidates one at most.
const OFFER: Duration = Duration::from_secs(5);
/// From the offer to the answer (protocol, *Watching*).
const ANSWER: Duration = Duration::from_secs(10);
/// Without a sign of a viewer (protocol, *Watching*).
const SILENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WatchPhase {
    /// The guest's media are not live yet.
    Waiting(Ticket),
    /// The stage makes the offer.
    Offering(Ticket),
    Offered {
        until: Instant,
    },
    /// The stage takes the answer.
    Answering {
        ticket: Ticket,
        until: Instant,
    },
    /// Answered, and heard or not.
    Connected,
}

#[derive(Debug)]
struct WatchSession {
    id: SessionId,
    user: User,
    operator: Option<Operator>,
    phase: WatchPhase,
    talk: Talk,
}

impl WatchSession {
    /// Whether the viewer knows the name of its session.
    fn is_told(&self) -> bool {
        match self.phase {
            WatchPhase::Waiting(_) | WatchPhase::Offering(_) => false,
            WatchPhase::Offered { .. } | WatchPhase::Answering { .. } | WatchPhase::Connected => true,
        }
    }
}

/// The sessions, by the numbers of their viewers.
#[derive(Debug, Default)]
pub(super) struct Viewers(BTreeMap<u64, WatchSession>);

impl Viewers {
    /// Begins a session. `peer` is there when the guest's media are live.
    ///
    /// # Errors
    /// `too_many_sessions`
    pub(super) fn watch(
        &mut self,
        user: User,
        peer: Option<StagePeer>,
        operator: Option<Operator>,
        now: Instant,
        most: usize,
        effects: &mut Effects,
    ) -> Settled {
        if self.0.len() >= most {
            return Err(Refusal::new(
                Code::TooManySessions,
                format!("the host has {most} viewers already (host.watching)"),
            ));
        }
        let (viewer, ticket) = (effects.peer(), effects.ticket());
        effects.set_timer(now + OFFER, Timer::ViewerOffer(viewer));
        let phase = match peer {
            Some(peer) => {
                effects.ask(StageAsk::Viewer { viewer, ask: ViewerAsk::Open { peer } });
                WatchPhase::Offering(ticket)
            }
            None => WatchPhase::Waiting(ticket),
        };
        let id = effects.session_id("");
        self.0.insert(viewer, WatchSession { id, user, operator, phase, talk: Talk::Off });
        Ok(Answer::Pending(ticket))
    }

    /// The media of a guest are live: the offers that wait for them are made.
    pub(super) fn media_live(&mut self, peer: &StagePeer, effects: &mut Effects) {
        for (viewer, session) in &mut self.0 {
            if let (true, WatchPhase::Waiting(ticket)) = (session.user.user_id == peer.guest, session.phase) {
                session.phase = WatchPhase::Offering(ticket);
                let (viewer, peer) = (*viewer, peer.clone());
                effects.ask(StageAsk::Viewer { viewer, ask: ViewerAsk::Open { peer } });
            }
        }
    }

    /// # Errors
    /// `no_such_session`; `invalid_parameter` where it was answered.
    pub(super) fn answer(&mut self, wish: WatchAnswer, effects: &mut Effects) -> Settled {
        let (viewer, session) = self.find(&wish.session)?;
        let WatchPhase::Offered { until } = session.phase else {
            return Err(Refusal::invalid("session", "it was answered"));
        };
        let ticket = effects.ticket();
        session.phase = WatchPhase::Answering { ticket, until };
        effects.ask(StageAsk::Viewer { viewer, ask: ViewerAsk::Answer { sdp: wish.description.sdp } });
        Ok(Answer::Pending(ticket))
    }

    /// # Errors
    /// `no_such_session`, `channel_busy`; `permission_denied` where a server plays the seat.
    pub(super) fn talk(&mut self, wish: &TalkWish, effects: &mut Effects) -> Settled {
        if wish.session.as_str().starts_with(WHEP) {
            let why = "this session plays from a server, and nobody talks over it";
            return Err(Refusal::new(Code::PermissionDenied, why));
        }
        let (viewer, session) = self.find(&wish.session)?;
        if session.talk == wish.talk {
            return Ok(Answer::Done);
        }
        let guest = session.user.user_id.clone();
        if let (Talk::On, Some(other)) = (wish.talk, self.talker(&guest)) {
            let who = other.operator.as_ref().map_or("somebody", Operator::as_str);
            return Err(Refusal::new(Code::ChannelBusy, format!("{who} talks to {guest}")));
        }
        effects.ask(StageAsk::Viewer { viewer, ask: ViewerAsk::Talk(wish.talk) });
        if let Some(session) = self.0.get_mut(&viewer) {
            session.talk = wish.talk;
            effects.say(talk_event(session));
        }
        Ok(Answer::Done)
    }

    fn talker(&self, guest: &UserId) -> Option<&WatchSession> {
        self.0.values().find(|session| session.talk == Talk::On && session.user.user_id == *guest)
    }

    /// Succeeds also for what is over.
    pub(super) fn unwatch(&mut self, session: &SessionId, effects: &mut Effects) -> Settled {
        if let Ok((viewer, _)) = self.find(session) {
            self.close(viewer, WatchEnd::Unwatched, effects);
        }
        Ok(Answer::Done)
    }

    /// A session whose viewer was told of it.
    fn find(&mut self, id: &SessionId) -> Result<(u64, &mut WatchSession), Refusal> {
        let known = self.0.iter_mut().find(|(_, session)| session.id == *id && session.is_told());
        let none = || Refusal::new(Code::NoSuchSession, "there is no such session, or it is over");
        known.map(|(viewer, session)| (*viewer, session)).ok_or_else(none)
    }

    /// What the stage reports. A report about a viewer that is over comes late.
    pub(super) fn report(&mut self, viewer: u64, report: ViewerReport, now: Instant, effects: &mut Effects) {
        let Some(session) = self.0.get_mut(&viewer) else { return };
        match (report, session.phase) {
            (ViewerReport::Offer { sdp }, WatchPhase::Offering(ticket)) => {
                effects.cancel_timer(&Timer::ViewerOffer(viewer));
                effects.set_timer(now + ANSWER, Timer::ViewerAnswer(viewer));
                session.phase = WatchPhase::Offered { until: now + ANSWER };
                let offer = WatchOffer::Mqtt { session: session.id.clone(), sdp };
                effects.settle(ticket, Ok(Answer::Watch(offer)));
            }
            (ViewerReport::Answered(Ok(())), WatchPhase::Answering { ticket, .. }) => {
                effects.cancel_timer(&Timer::ViewerAnswer(viewer));
                effects.set_timer(now + SILENCE, Timer::ViewerSilent(viewer));
                session.phase = WatchPhase::Connected;
                effects.settle(ticket, Ok(Answer::Done));
            }
            (ViewerReport::Answered(Err(why)), WatchPhase::Answering { ticket, until }) => {
                session.phase = WatchPhase::Offered { until };
                effects.settle(ticket, Err(Refusal::invalid("description", why)));
            }
            (ViewerReport::Heard, WatchPhase::Connected) => {
                effects.cancel_timer(&Timer::ViewerSilent(viewer));
            }
            (ViewerReport::Silent { since }, WatchPhase::Connected) => {
                effects.set_timer(since + SILENCE, Timer::ViewerSilent(viewer));
            }
            (ViewerReport::Failed { fault }, WatchPhase::Offering(_)) => {
                self.refuse(viewer, &Refusal::new(fault.code, fault.detail), effects);
            }
            (ViewerReport::Failed { .. }, _) => self.ended(viewer, WatchEnd::Lost, effects),
            // Said before the session was answered, or once too often.
            (
                ViewerReport::Offer { .. }
                | ViewerReport::Answered(_)
                | ViewerReport::Heard
                | ViewerReport::Silent { .. },
                _,
            ) => {}
        }
    }

    /// What is owed did not come in time.
    pub(super) fn late(&mut self, viewer: u64, effects: &mut Effects) {
        let Some(session) = self.0.get(&viewer) else { return };
        match session.phase {
            WatchPhase::Waiting(_) | WatchPhase::Offering(_) => {
                let why = format!("the media of {} do not come", session.user.user_id);
                self.ask_close(viewer, effects);
                self.refuse(viewer, &Refusal::new(Code::HostUnreachable, why), effects);
            }
            WatchPhase::Offered { .. } | WatchPhase::Answering { .. } => {
                self.close(viewer, WatchEnd::NoAnswer, effects);
            }
            WatchPhase::Connected => self.close(viewer, WatchEnd::Lost, effects),
        }
    }

    /// The peer connection of a guest is over, and with it all that shows it; what waits for one goes on waiting.
    pub(super) fn renew(&mut self, guest: &UserId, effects: &mut Effects) {
        for viewer in self.of(guest) {
            match self.0.get(&viewer).map(|session| session.phase) {
                Some(WatchPhase::Waiting(_)) | None => {}
                Some(WatchPhase::Offering(_)) => {
                    let why = format!("{guest} makes another peer connection: watch again");
                    self.refuse(viewer, &Refusal::new(Code::HostUnreachable, why), effects);
                }
                Some(WatchPhase::Offered { .. } | WatchPhase::Answering { .. } | WatchPhase::Connected) => {
                    self.ended(viewer, WatchEnd::Renewed, effects);
                }
            }
        }
    }

    /// A guest has left its seat, and its peer connection is over.
    pub(super) fn end_of(&mut self, guest: &UserId, reason: WatchEnd, effects: &mut Effects) {
        for viewer in self.of(guest) {
            if self.0.get(&viewer).is_some_and(WatchSession::is_told) {
                self.ended(viewer, reason, effects);
            } else {
                let gone = Refusal::new(Code::UserNotInSeat, format!("{guest} has left its seat"));
                self.refuse(viewer, &gone, effects);
            }
        }
    }

    /// The program ends, or the live: nobody is told, but those whose commands wait.
    pub(super) fn stop(&mut self, why: &Refusal, effects: &mut Effects) {
        while let Some((viewer, session)) = self.0.pop_first() {
            cancel(viewer, effects);
            settle(&session, why, effects);
        }
    }

    fn of(&self, guest: &UserId) -> Vec<u64> {
        let sessions = self.0.iter().filter(|(_, session)| session.user.user_id == *guest);
        sessions.map(|(viewer, _)| *viewer).collect()
    }

    fn ask_close(&self, viewer: u64, effects: &mut Effects) {
        if self.0.get(&viewer).is_some_and(|session| !matches!(session.phase, WatchPhase::Waiting(_))) {
            effects.ask(StageAsk::Viewer { viewer, ask: ViewerAsk::Close });
        }
    }

    fn close(&mut self, viewer: u64, reason: WatchEnd, effects: &mut Effects) {
        self.ask_close(viewer, effects);
        self.ended(viewer, reason, effects);
    }

    /// At the stage it is over.
    fn ended(&mut self, viewer: u64, reason: WatchEnd, effects: &mut Effects) {
        let Some(mut session) = self.0.remove(&viewer) else { return };
        cancel(viewer, effects);
        settle(&session, &Refusal::new(Code::NoSuchSession, "the session is over"), effects);
        if std::mem::take(&mut session.talk) == Talk::On {
            effects.say(talk_event(&session));
        }
        effects.say(Event::WatchEnded { session: session.id, user: session.user, reason });
    }

    /// There was none yet.
    fn refuse(&mut self, viewer: u64, why: &Refusal, effects: &mut Effects) {
        let Some(session) = self.0.remove(&viewer) else { return };
        cancel(viewer, effects);
        settle(&session, why, effects);
    }

    /// As the snapshot shows them.
    pub(super) fn shown(&self) -> Cut<Watching> {
        let told = || self.0.values().filter(|session| session.is_told());
        let watching = |session: &WatchSession| Watching {
            user_id: session.user.user_id.clone(),
            operator: session.operator.clone(),
            talking: session.talk,
        };
        Cut { shown: told().take(LIST_MAX).map(watching).collect(), total: told().count() }
    }
}

/// What the names of sessions begin with that a server plays: the host remembers none of them.
pub(super) const WHEP: &str = "whep-";

fn talk_event(session: &WatchSession) -> Event {
    let (user, operator) = (session.user.clone(), session.operator.clone());
    match session.talk {
        Talk::On => Event::TalkStarted { user, operator },
        Talk::Off => Event::TalkEnded { user, operator },
    }
}

fn cancel(viewer: u64, effects: &mut Effects) {
    for timer in [Timer::ViewerOffer(viewer), Timer::ViewerAnswer(viewer), Timer::ViewerSilent(viewer)] {
        effects.cancel_timer(&timer);
    }
}

/// The command that waits for this session, if one does.
fn settle(session: &WatchSession, why: &Refusal, effects: &mut Effects) {
    match session.phase {
        WatchPhase::Waiting(ticket) | WatchPhase::Offering(ticket) | WatchPhase::Answering { ticket, .. } => {
            effects.settle(ticket, Err(why.clone()));
        }
        WatchPhase::Offered { .. } | WatchPhase::Connected => {}
    }
}
