//! The room this guest is in, or waits for: how far inside it is, and whose room it is.
//!
//! ```text
//! outside ── enter ─► waiting ── live ─► joining ── joined ─► inside ◄─► host_lost
//!    ▲                   ▲                                      │           │
//!    └─ leave ───────────┴──────────── the live session ends ───┴───────────┘
//! ```
//!
//! Not here: the request `join` and its repetition (`join.rs`).

use super::contract::Output;
use super::effects::Effects;
use crate::model::event::Event;
use crate::model::{By, Connection, LiveId, Presence, RoomState, RoomStatus, Seat, User, UserId};

/// Why the guest is in this room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomIntent {
    /// Configured: until `leave_live`, over the ends of live sessions.
    Standing,
    /// Commanded: until the live session ends.
    Command,
}

/// How far inside the guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomPhase {
    /// The room is not live, as far as is known.
    Waiting,
    /// It is live, and the host has not let the guest in yet.
    Joining,
    Inside,
    HostLost,
}

/// What news of a room lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomOutcome {
    /// News of another room or host, or old ones.
    Nothing,
    /// The room that was waited for is live.
    BecameLive,
    /// It is live under a host that was started again.
    HostRestarted,
    /// It is live, and its host was heard of.
    HostHeard,
    /// It ended before the guest was inside.
    EndedBeforeJoin,
    /// It ended while the guest was inside.
    LiveEnded,
    HostLost,
    /// The host is online again.
    HostOnline(HostBefore),
}

/// What was known of a host before its `status` said that it is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostBefore {
    Gone,
    Unknown,
}

#[derive(Debug)]
pub(super) struct Entered {
    live_id: LiveId,
    intent: RoomIntent,
    phase: RoomPhase,
    host: Option<User>,
    /// What the host's `status` says; `None` until it was read.
    host_presence: Option<Presence>,
    /// The host's start that published the last state, and its number.
    session: String,
    revision: u64,
}

/// The room of this guest.
#[derive(Debug)]
pub(super) enum Room {
    Outside,
    In(Entered),
}

impl Room {
    pub(super) fn enter(&mut self, live_id: LiveId, intent: RoomIntent, effects: &mut Effects) {
        effects.output(Output::Enter(live_id.clone()));
        *self = Self::In(Entered {
            live_id,
            intent,
            phase: RoomPhase::Waiting,
            host: None,
            host_presence: None,
            session: String::new(),
            revision: 0,
        });
    }

    /// The room is no longer this guest's; its host is not told.
    pub(super) fn leave(&mut self, effects: &mut Effects) {
        let Self::In(entered) = std::mem::replace(self, Self::Outside) else { return };
        if let Some(host) = entered.host {
            effects.output(Output::Unwatch(host.user_id));
        }
        effects.output(Output::Exit(entered.live_id));
    }

    fn entered(&self) -> Option<&Entered> {
        match self {
            Self::Outside => None,
            Self::In(entered) => Some(entered),
        }
    }

    pub(super) fn live_id(&self) -> Option<&LiveId> {
        self.entered().map(|entered| &entered.live_id)
    }

    pub(super) fn is(&self, live_id: &LiveId) -> bool {
        self.live_id() == Some(live_id)
    }

    pub(super) fn intent(&self) -> Option<RoomIntent> {
        self.entered().map(|entered| entered.intent)
    }

    pub(super) fn phase(&self) -> Option<RoomPhase> {
        self.entered().map(|entered| entered.phase)
    }

    /// The host has let the guest in, whether or not it is there now.
    pub(super) fn is_inside(&self) -> bool {
        matches!(self.phase(), Some(RoomPhase::Inside | RoomPhase::HostLost))
    }

    pub(super) fn host(&self) -> Option<&User> {
        self.entered()?.host.as_ref()
    }

    /// The host, as the one who did something.
    pub(super) fn by_host(&self) -> Option<By> {
        self.host().cloned().map(By::from)
    }

    pub(super) fn host_is(&self, user_id: &UserId) -> bool {
        self.host().is_some_and(|host| host.user_id == *user_id)
    }

    /// Changes the phase; returns the one before.
    pub(super) fn set_phase(&mut self, phase: RoomPhase) -> Option<RoomPhase> {
        match self {
            Self::Outside => None,
            Self::In(entered) => Some(std::mem::replace(&mut entered.phase, phase)),
        }
    }

    /// The room's retained state.
    pub(super) fn state(&mut self, live_id: &LiveId, state: RoomState, effects: &mut Effects) -> RoomOutcome {
        let Self::In(entered) = self else { return RoomOutcome::Nothing };
        let is_old = state.session == entered.session && state.revision < entered.revision;
        if entered.live_id != *live_id || is_old {
            return RoomOutcome::Nothing;
        }
        let restarted = state.session != entered.session;
        entered.session = state.session;
        entered.revision = state.revision;
        match state.status {
            RoomStatus::Ended => entered.ended(),
            RoomStatus::Live => {
                entered.follow_host(state.host, effects);
                entered.live(restarted)
            }
        }
    }

    /// A host's `status`.
    pub(super) fn host_status(
        &mut self,
        user_id: &UserId,
        presence: Presence,
        effects: &mut Effects,
    ) -> RoomOutcome {
        if !self.host_is(user_id) {
            return RoomOutcome::Nothing;
        }
        let Self::In(entered) = self else { return RoomOutcome::Nothing };
        let before = entered.host_presence.replace(presence);
        match (presence, entered.phase) {
            (Presence::Offline, RoomPhase::Inside) => {
                entered.phase = RoomPhase::HostLost;
                effects.say(Event::HostLost {});
                RoomOutcome::HostLost
            }
            (Presence::Online, RoomPhase::HostLost) => RoomOutcome::HostOnline(HostBefore::Gone),
            (Presence::Online, RoomPhase::Joining) if before == Some(Presence::Offline) => {
                RoomOutcome::HostOnline(HostBefore::Gone)
            }
            (Presence::Online, RoomPhase::Joining) => RoomOutcome::HostOnline(HostBefore::Unknown),
            (Presence::Offline, RoomPhase::Waiting | RoomPhase::Joining | RoomPhase::HostLost)
            | (Presence::Online, RoomPhase::Waiting | RoomPhase::Inside) => RoomOutcome::Nothing,
        }
    }
}

/// Whether the room shows this user on a seat without a connection.
pub(super) fn shows_lost(state: &RoomState, user_id: &UserId) -> bool {
    let own = |seat: &&Seat| seat.user.as_ref().is_some_and(|user| user.user_id == *user_id);
    let is_lost = |seat: &Seat| seat.connection == Some(Connection::Lost);
    state.status == RoomStatus::Live && state.seats.iter().find(own).is_some_and(is_lost)
}

impl Entered {
    fn ended(&mut self) -> RoomOutcome {
        match self.phase {
            RoomPhase::Waiting => RoomOutcome::Nothing,
            RoomPhase::Joining => {
                self.phase = RoomPhase::Waiting;
                RoomOutcome::EndedBeforeJoin
            }
            RoomPhase::Inside | RoomPhase::HostLost => RoomOutcome::LiveEnded,
        }
    }

    fn live(&mut self, restarted: bool) -> RoomOutcome {
        match self.phase {
            RoomPhase::Waiting => {
                self.phase = RoomPhase::Joining;
                RoomOutcome::BecameLive
            }
            RoomPhase::Joining | RoomPhase::Inside | RoomPhase::HostLost if restarted => {
                RoomOutcome::HostRestarted
            }
            RoomPhase::Joining | RoomPhase::Inside | RoomPhase::HostLost => RoomOutcome::HostHeard,
        }
    }

    fn follow_host(&mut self, host: User, effects: &mut Effects) {
        let user_id = host.user_id.clone();
        let before = self.host.replace(host);
        if before.as_ref().is_some_and(|before| before.user_id == user_id) {
            return;
        }
        self.host_presence = None;
        if let Some(before) = before {
            effects.output(Output::Unwatch(before.user_id));
        }
        effects.output(Output::Watch(user_id));
    }
}
