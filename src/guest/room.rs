//! The way into a room, and what becomes of it when the host or the broker goes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Guest, Output, Timer};
use crate::model::event::Event;
use crate::model::media::Ticket;
use crate::model::message::{Application, DeviceKind, Grant, Invitation, NoResponse, UnseatReason};
use crate::model::state::Deadline;
use crate::model::{
    Code, Connection, LiveId, Media, Presence, Refusal, RequestId, RoomState, RoomStatus, Seat, User, UserId,
};

/// How long a room may take to be seen live before `join_live` gives up.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// How long a host may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// Pauses between unanswered joins: at most 2 s, doubled each time, up to a minute; each up to a quarter shorter by chance.
pub(super) const JOIN_PAUSE: Duration = Duration::from_secs(2);

/// A join is not sent again for news within this time: a busy room publishes its state many times a second.
const JOIN_QUIET: Duration = Duration::from_secs(1);

/// Why the guest is in this room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Configured: until `leave_live`, over the ends of lives.
    Standing,
    /// Commanded: until the live ends.
    Command,
}

/// How far inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The room is not live, as far as is known.
    Waiting,
    /// It is live; the host has not answered yet.
    Joining,
    Inside,
    HostLost,
}

/// What the host's `status` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostPresence {
    Unknown,
    Known(Presence),
}

/// A seat that was agreed to and not given yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consent {
    pub(super) media: Media,
    pub(super) at: Instant,
}

/// The own application.
#[derive(Debug, Clone)]
pub(super) struct Applied {
    pub(super) application: Application,
    pub(super) expires: Deadline,
}

/// An invitation that waits for an answer.
#[derive(Debug, Clone)]
pub(super) struct Invited {
    pub(super) invitation: Invitation,
    pub(super) expires: Deadline,
}

/// The room this guest is in, or wants to be in.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) live_id: LiveId,
    pub(super) wish: Wish,
    pub(super) place: Place,
    pub(super) host: Option<User>,
    pub(super) host_presence: HostPresence,
    /// The `session` and `revision` of the last state.
    session: String,
    revision: u64,
    pub(super) join: Option<RequestId>,
    pub(super) join_sent: Option<Instant>,
    pub(super) join_pause: Duration,
    /// The commands `join_live` that wait.
    pub(super) tickets: Vec<Ticket>,
    /// Why the host does not let the guest in.
    pub(super) refused: Option<Refusal>,
    pub(super) applied: Option<Applied>,
    pub(super) invited: Vec<Invited>,
    pub(super) consent: Option<Consent>,
    /// What the host keeps closed as long as this guest is inside.
    pub(super) banned: BTreeSet<DeviceKind>,
}

impl Room {
    fn new(live_id: LiveId, wish: Wish) -> Self {
        Self {
            live_id,
            wish,
            place: Place::Waiting,
            host: None,
            host_presence: HostPresence::Unknown,
            session: String::new(),
            revision: 0,
            join: None,
            join_sent: None,
            join_pause: JOIN_PAUSE,
            tickets: Vec::new(),
            refused: None,
            applied: None,
            invited: Vec::new(),
            consent: None,
            banned: BTreeSet::new(),
        }
    }

    pub(super) fn is_inside(&self) -> bool {
        matches!(self.place, Place::Inside | Place::HostLost)
    }

    pub(super) fn host_is(&self, user_id: &UserId) -> bool {
        self.host.as_ref().is_some_and(|host| host.user_id == *user_id)
    }

    /// The host has answered.
    pub(super) fn joined(&mut self) {
        self.join = None;
        self.refused = None;
        self.join_pause = JOIN_PAUSE;
    }

    /// When news may have `join` said again.
    pub(super) fn join_rested(&self) -> Option<Instant> {
        self.join_sent.map(|at| at + JOIN_QUIET)
    }

    pub(super) fn joined_lately(&self, now: Instant) -> bool {
        self.join_sent.is_some_and(|at| now.saturating_duration_since(at) < JOIN_QUIET)
    }
}

impl Guest {
    pub(super) fn enter(&mut self, live_id: LiveId, wish: Wish) {
        self.effects.output(Output::Enter(live_id.clone()));
        self.room = Some(Room::new(live_id, wish));
    }

    pub(super) fn online(&mut self, now: Instant) {
        self.broker = Presence::Online;
        match (&self.room, self.settings.standing_room.clone()) {
            (None, Some(live_id)) => self.enter(live_id, Wish::Standing),
            (None, None) => {}
            (Some(room), _) if room.place == Place::Waiting => {}
            (Some(_), _) => self.join(now),
        }
    }

    /// The broker is gone: media go on, and end like those of a guest whose host is gone.
    pub(super) fn offline(&mut self, now: Instant) {
        self.broker = Presence::Offline;
        self.effects.cancel_timer(&Timer::Join);
        self.hold(now);
    }

    /// A stay that nobody can be told about ends with the hold.
    pub(super) fn hold_if_alone(&mut self, now: Instant) {
        let host_lost = self.room.as_ref().is_some_and(|room| room.place == Place::HostLost);
        if host_lost || self.broker == Presence::Offline {
            self.hold(now);
        }
    }

    pub(super) fn hold(&mut self, now: Instant) {
        if self.stay.is_some() && self.effects.due_at(&Timer::HostHold).is_none() {
            self.effects.set_timer(now + self.settings.host_hold, Timer::HostHold);
        }
    }

    pub(super) fn room_state(&mut self, now: Instant, live_id: &LiveId, state: Option<RoomState>) {
        let Some(room) = self.room.as_mut().filter(|room| room.live_id == *live_id) else { return };
        // Nothing retained says nothing about a room whose host is known.
        let Some(state) = state else { return };
        if state.session == room.session && state.revision < room.revision {
            return;
        }
        let restarted = state.session != room.session;
        room.session = state.session;
        room.revision = state.revision;
        match state.status {
            RoomStatus::Ended => match room.place {
                Place::Waiting => {}
                Place::Joining => {
                    room.place = Place::Waiting;
                    room.join = None;
                    self.effects.cancel_timer(&Timer::Join);
                }
                Place::Inside | Place::HostLost => self.live_over(now),
            },
            RoomStatus::Live => {
                let own =
                    |seat: &&Seat| seat.user.as_ref().is_some_and(|user| user.user_id == self.user.user_id);
                let lost = state
                    .seats
                    .iter()
                    .find(own)
                    .is_some_and(|seat| seat.connection == Some(Connection::Lost));
                self.follow_host(state.host);
                self.live_seen(now, restarted);
                if lost && self.stay.is_some() {
                    self.join_unless_lately(now);
                }
            }
        }
    }

    fn follow_host(&mut self, host: User) {
        let Some(room) = &mut self.room else { return };
        let before = room.host.replace(host.clone());
        if before.as_ref().is_some_and(|before| before.user_id == host.user_id) {
            return;
        }
        room.host_presence = HostPresence::Unknown;
        if let Some(before) = before {
            self.effects.output(Output::Unwatch(before.user_id));
        }
        self.effects.output(Output::Watch(host.user_id));
    }

    fn live_seen(&mut self, now: Instant, restarted: bool) {
        let Some(room) = &mut self.room else { return };
        match room.place {
            Place::Waiting => {
                room.place = Place::Joining;
                if !room.tickets.is_empty() {
                    self.effects.set_timer(now + ANSWER, Timer::JoinLive);
                }
                self.join_anew(now);
            }
            Place::Joining | Place::HostLost | Place::Inside if restarted => self.join_anew(now),
            Place::Joining | Place::HostLost => self.join_for_news(now),
            Place::Inside if room.join.is_some() => self.join_for_news(now),
            Place::Inside => {}
        }
        if restarted {
            self.host_lost_its_peers(now);
        }
    }

    pub(super) fn host_status(&mut self, now: Instant, user_id: &UserId, presence: Presence) {
        let Some(room) = self.room.as_mut().filter(|room| room.host_is(user_id)) else { return };
        let before = std::mem::replace(&mut room.host_presence, HostPresence::Known(presence));
        match (presence, room.place) {
            (Presence::Offline, Place::Inside) => self.lose_host(now),
            (Presence::Offline, Place::Waiting | Place::Joining | Place::HostLost) => {}
            (Presence::Online, Place::HostLost) => self.join_anew(now),
            (Presence::Online, Place::Joining) => {
                if before == HostPresence::Known(Presence::Offline) || !room.joined_lately(now) {
                    self.join_anew(now);
                }
            }
            (Presence::Online, Place::Waiting | Place::Inside) => {}
        }
    }

    fn lose_host(&mut self, now: Instant) {
        let Some(room) = &mut self.room else { return };
        room.place = Place::HostLost;
        room.join = None;
        self.effects.cancel_timer(&Timer::Join);
        self.effects.say(Event::HostLost {});
        self.give_up_requests();
        self.hold(now);
    }

    /// The hold is over: the seat is left, the wish to be inside stays.
    pub(super) fn host_gone(&mut self, now: Instant) {
        self.leave_stay(now, UnseatReason::HostLost, None, Vec::new());
    }

    /// The room is no longer this guest's; nobody is told.
    pub(super) fn forget_room(&mut self) {
        let Some(room) = self.room.take() else { return };
        if let Some(host) = room.host {
            self.effects.output(Output::Unwatch(host.user_id));
        }
        self.effects.output(Output::Exit(room.live_id));
        self.effects.cancel_timers(&[Timer::Join, Timer::JoinLive, Timer::HostHold, Timer::Application]);
        for invited in room.invited {
            self.effects.cancel_timer(&Timer::Invitation(invited.invitation.invitation_id));
        }
    }

    /// The live is over: requests end, then the seat, then it is said.
    pub(super) fn live_over(&mut self, now: Instant) {
        self.settle_requests(|| Refusal::new(Code::NotInRoom, "the live has ended"));
        self.end_application(NoResponse::LiveEnded);
        self.end_invitations(NoResponse::LiveEnded);
        self.effects.cancel_timers(&[Timer::Join, Timer::HostHold]);
        let stands = self.room.as_ref().is_some_and(|room| room.wish == Wish::Standing);
        if let Some(room) = self.room.as_mut().filter(|_| stands) {
            room.place = Place::Waiting;
            room.join = None;
            room.consent = None;
            room.banned.clear();
            room.join_pause = JOIN_PAUSE;
        }
        let by = self.room.as_ref().and_then(|room| room.host.clone()).map(Into::into);
        self.leave_stay(
            now,
            UnseatReason::LiveEnded,
            by,
            vec![super::seat::Word::Event(Event::LiveEnded {})],
        );
        if !stands {
            self.forget_room();
        }
    }

    /// Whether the stage of this grant is the host itself.
    pub(super) fn stage_is_host(&self, grant: &Grant) -> bool {
        match grant {
            Grant::Mqtt { stage } => self.room.as_ref().is_some_and(|room| room.host_is(stage)),
            Grant::Whip { .. } => false,
        }
    }
}
