//! The way of this guest into a room: the broker, the room, and the request `join`.
//!
//! Invariant: `join` is sent to a room that is live, while there is a broker, and after the goodbye to the room before.

use std::time::{Duration, Instant};

use super::contract::{Settings, Timer};
use super::effects::{DONE, Effects};
use super::join::{FirstJoin, JoinRequest, LOOK};
use super::requests::ANSWER;
use super::room::{HostBefore, Room, RoomIntent, RoomOutcome, RoomPhase, shows_lost};
use super::seat::SeatStatus;
use super::situation::Reach;
use super::stay::Receiver;
use crate::model::command::{SetUserInfo, Settled};
use crate::model::event::Event;
use crate::model::media::Ask;
use crate::model::message::ToHost;
use crate::model::{Code, LiveId, Presence, Refusal, RequestId, RoomState, User, UserId};

/// When something happens, and where the guest sits then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    pub(super) seat: SeatStatus,
}

/// What news of the room mean beyond the way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum EntryOutcome {
    Nothing,
    /// The host no longer has anything of this guest: the place was given away while it was gone.
    PlaceLost,
    /// The room is no longer this guest's.
    RoomLeft,
    HostLost,
    HostRestarted,
    LiveEnded,
}

/// The way into a room.
#[derive(Debug)]
pub(super) struct RoomEntry {
    user: User,
    /// The room to be in whenever it is live.
    standing_room: Option<LiveId>,
    broker: Presence,
    room: Room,
    join: JoinRequest,
}

impl RoomEntry {
    /// `session` is the random id of this start of the program.
    pub(super) fn new(session: String, settings: &Settings) -> Self {
        Self {
            user: settings.user.clone(),
            standing_room: settings.standing_room.clone(),
            broker: Presence::Offline,
            room: Room::Outside,
            join: JoinRequest::new(session),
        }
    }

    pub(super) fn user(&self) -> &User {
        &self.user
    }

    pub(super) fn broker(&self) -> Presence {
        self.broker
    }

    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    /// Why the host does not let the guest in.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.join.refusal()
    }

    /// Whether a stage at the far side is the host of this room.
    pub(super) fn receiver(&self, stage: Option<&UserId>) -> Receiver {
        match stage {
            Some(stage) if self.room.host_is(stage) => Receiver::Host,
            Some(_) | None => Receiver::Other,
        }
    }

    /// Whether the far side can be signalled to: a server always, a stage through the broker.
    pub(super) fn reach(&self, stage: Option<&UserId>, hold: Duration) -> Reach {
        let answers = match self.receiver(stage) {
            Receiver::Host => self.room.phase() == Some(RoomPhase::Inside),
            Receiver::Other => true,
        };
        if stage.is_none() || answers && self.broker == Presence::Online {
            Reach::Reachable
        } else {
            Reach::Alone { hold, broker: self.broker }
        }
    }

    /// Whether there is no host, or no broker to reach it.
    pub(super) fn is_alone(&self) -> bool {
        self.broker == Presence::Offline || self.room.phase() == Some(RoomPhase::HostLost)
    }

    pub(super) fn online(&mut self, at: Moment, effects: &mut Effects) {
        self.broker = Presence::Online;
        match (self.room.phase(), self.standing_room.clone()) {
            (None, Some(live_id)) => self.room.enter(live_id, RoomIntent::Standing, effects),
            (None, None) | (Some(RoomPhase::Waiting), _) => {}
            (Some(RoomPhase::Joining | RoomPhase::Inside | RoomPhase::HostLost), _) => {
                self.send_join(at, effects);
            }
        }
    }

    pub(super) fn offline(&mut self, effects: &mut Effects) {
        self.broker = Presence::Offline;
        effects.cancel_timer(&Timer::Join);
    }

    /// An operator enters a room.
    ///
    /// # Errors
    /// The guest is in another, or too many wait.
    pub(super) fn join_live(&mut self, now: Instant, live_id: LiveId, effects: &mut Effects) -> Settled {
        match self.room.live_id() {
            Some(present) if *present != live_id => {
                let why = format!("the guest is in {present} or waits for it: leave_live comes first");
                return Err(Refusal::new(Code::AlreadyInOtherRoom, why));
            }
            Some(_) if self.room.is_inside() => return DONE,
            Some(_) => {}
            None => self.room.enter(live_id, RoomIntent::Command, effects),
        }
        let patience = if self.room.phase() == Some(RoomPhase::Waiting) { LOOK } else { ANSWER };
        self.join.wait(now, patience, effects)
    }

    /// Takes a new name or picture, and says `join` with it.
    ///
    /// # Errors
    /// The picture's address is none.
    pub(super) fn set_user_info(&mut self, at: Moment, info: SetUserInfo, effects: &mut Effects) -> Settled {
        let name = info.user_name.or_else(|| Some(self.user.user_name.clone()));
        let avatar = info.avatar_url.or_else(|| Some(self.user.avatar_url.clone()));
        let user = User::new(self.user.user_id.clone(), name, avatar)
            .map_err(|why| Refusal::invalid("avatar_url", why))?;
        if user != self.user {
            self.user = user.clone();
            effects.ask(Ask::Label(user));
            self.join_again(at, effects);
        }
        DONE
    }

    /// The room's retained state.
    pub(super) fn room_state(
        &mut self,
        at: Moment,
        (live_id, state): (&LiveId, RoomState),
        effects: &mut Effects,
    ) -> EntryOutcome {
        let lost = shows_lost(&state, &self.user.user_id);
        let news = self.room.state(live_id, state, effects);
        let outcome = self.follow_room(at, news, effects);
        if lost && news != RoomOutcome::Nothing && at.seat == SeatStatus::Taken {
            self.join_unless_lately(at, effects);
        }
        outcome
    }

    /// A host's `status`.
    pub(super) fn host_status(
        &mut self,
        at: Moment,
        (user_id, presence): (&UserId, Presence),
        effects: &mut Effects,
    ) -> EntryOutcome {
        let news = self.room.host_status(user_id, presence, effects);
        self.follow_room(at, news, effects)
    }

    fn follow_room(&mut self, at: Moment, news: RoomOutcome, effects: &mut Effects) -> EntryOutcome {
        match news {
            RoomOutcome::Nothing => {}
            RoomOutcome::BecameLive => {
                self.join.wait_for_host(at.now, effects);
                self.join_anew(at, effects);
            }
            RoomOutcome::HostRestarted => {
                self.join_anew(at, effects);
                return EntryOutcome::HostRestarted;
            }
            RoomOutcome::HostHeard => {
                let is_awaited = self.room.phase() != Some(RoomPhase::Inside) || self.join.is_pending();
                if is_awaited && self.join.is_due_for_news(at.now, effects) {
                    self.join_anew(at, effects);
                }
            }
            RoomOutcome::EndedBeforeJoin => self.join.interrupt(effects),
            RoomOutcome::LiveEnded => return EntryOutcome::LiveEnded,
            RoomOutcome::HostLost => {
                self.join.interrupt(effects);
                return EntryOutcome::HostLost;
            }
            RoomOutcome::HostOnline(HostBefore::Unknown) if self.join.was_sent_lately(at.now) => {}
            RoomOutcome::HostOnline(HostBefore::Gone | HostBefore::Unknown) => {
                self.join_anew(at, effects);
            }
        }
        EntryOutcome::Nothing
    }

    /// Sends `join`, if there is a broker; what is still to be said to a room that was left comes first.
    pub(super) fn send_join(&mut self, at: Moment, effects: &mut Effects) {
        let Some(live_id) = self.room.live_id().cloned() else { return };
        if self.broker == Presence::Offline {
            return;
        }
        match at.seat {
            SeatStatus::Leaving => self.join.postpone(at.now, effects),
            SeatStatus::Standing | SeatStatus::Taken => {
                self.join.send(at.now, live_id, self.user.clone(), effects);
            }
        }
    }

    /// Sends `join` at.now, and begins with the short pauses again.
    fn join_anew(&mut self, at: Moment, effects: &mut Effects) {
        self.join.restart_pauses();
        self.send_join(at, effects);
    }

    /// The host has to hear of this guest again.
    pub(super) fn join_again(&mut self, at: Moment, effects: &mut Effects) {
        if self.room.phase().is_some_and(|phase| phase != RoomPhase::Waiting) {
            self.join_anew(at, effects);
        }
    }

    /// The host seems to take this guest for gone.
    pub(super) fn join_unless_lately(&mut self, at: Moment, effects: &mut Effects) {
        if self.room.phase() == Some(RoomPhase::Inside) && !self.join.was_sent_lately(at.now) {
            self.join_anew(at, effects);
        }
    }

    /// The commands `join_live` have waited for long enough.
    pub(super) fn join_live_in_vain(&mut self, effects: &mut Effects) -> EntryOutcome {
        let tickets = self.join.take_tickets();
        let (Some(live_id), false) = (self.room.live_id().cloned(), tickets.is_empty()) else {
            return EntryOutcome::Nothing;
        };
        let phase = self.room.phase();
        let refusal = if phase == Some(RoomPhase::Waiting) {
            Refusal::new(Code::RoomNotFound, format!("no room {live_id} is live"))
        } else {
            Refusal::new(Code::HostUnreachable, "the host of the room did not answer within 5 s")
        };
        let mut outcome = EntryOutcome::Nothing;
        if self.room.intent() == Some(RoomIntent::Command) {
            if phase == Some(RoomPhase::Joining) {
                effects.send(live_id, ToHost::Leave);
            }
            self.forget_room(effects);
            outcome = EntryOutcome::RoomLeft;
        }
        for ticket in tickets {
            effects.settle(ticket, Err(refusal.clone()));
        }
        outcome
    }

    /// The room is no longer this guest's; its host is not told.
    fn forget_room(&mut self, effects: &mut Effects) {
        self.room.leave(effects);
        self.join.clear(effects);
    }

    /// An operator leaves the room: it is no longer wanted, even if configured.
    pub(super) fn leave(&mut self, effects: &mut Effects) {
        self.standing_room = None;
        self.forget_room(effects);
    }

    /// The live session has ended: waits for the next one, if the room is configured.
    pub(super) fn live_ended(&mut self, effects: &mut Effects) {
        match self.room.intent() {
            Some(RoomIntent::Standing) => {
                self.room.set_phase(RoomPhase::Waiting);
                self.join.restart_pauses();
            }
            Some(RoomIntent::Command) | None => self.forget_room(effects),
        }
    }

    /// The live session ends: `join` is not sent again in it.
    pub(super) fn interrupt_join(&mut self, effects: &mut Effects) {
        self.join.interrupt(effects);
    }

    /// Settles the commands `join_live` that wait.
    pub(super) fn refuse_commands(&mut self, refusal: &Refusal, effects: &mut Effects) {
        self.join.settle(&Err(refusal.clone()), effects);
    }

    pub(super) fn is_join(&self, request_id: &RequestId) -> bool {
        self.join.is(request_id)
    }

    /// How many messages had been sent to hosts when `join` was: the host answers in order.
    pub(super) fn join_order(&self) -> u64 {
        self.join.order()
    }

    /// The host lets the guest in; whether it is the first time since the program was started.
    pub(super) fn accepted(&mut self, effects: &mut Effects) -> FirstJoin {
        let before = self.room.set_phase(RoomPhase::Inside);
        let first_join = self.join.accepted(effects);
        if before == Some(RoomPhase::HostLost) {
            effects.say(Event::HostBack {});
        }
        first_join
    }

    /// The host does not let the guest in, or no longer.
    pub(super) fn refused(&mut self, refusal: Refusal, effects: &mut Effects) -> EntryOutcome {
        let inside = self.room.is_inside();
        if inside && refusal.code == Code::RateLimited {
            self.join.rate_limited();
            return EntryOutcome::Nothing;
        }
        self.join.refused(refusal, effects);
        if inside {
            self.room.set_phase(RoomPhase::Joining);
            EntryOutcome::PlaceLost
        } else if self.room.intent() == Some(RoomIntent::Command) {
            self.forget_room(effects);
            EntryOutcome::RoomLeft
        } else {
            EntryOutcome::Nothing
        }
    }
}
