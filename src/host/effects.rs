//! What a mutation leads to beside the state of the part that makes it: outputs, timers, ids.
//!
//! Every part is given `&mut Effects`. What concerns another part is not said here but returned to the caller.

use std::collections::VecDeque;
use std::time::Instant;

use super::contract::{Output, Timer};
use crate::model::command::Settled;
use crate::model::event::Event;
use crate::model::media::Ticket;
use crate::model::message::ToGuest;
use crate::model::stage::StageAsk;
use crate::model::{IdSource, InvitationId, LiveId, Refusal, SessionId, Timers, UserId};

/// Whether the room differs from what was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dirty {
    No,
    Yes,
}

#[derive(Debug)]
pub(super) struct Effects {
    outputs: VecDeque<Output>,
    timers: Timers<Timer>,
    ids: IdSource,
    next_ticket: Ticket,
    next_peer: u64,
    /// The room that is listened to; messages to guests go there.
    entered: Option<LiveId>,
    room: Dirty,
    last_error: Option<Refusal>,
}

impl Effects {
    pub(super) fn new(ids: IdSource) -> Self {
        Self {
            outputs: VecDeque::new(),
            timers: Timers::default(),
            ids,
            next_ticket: 1,
            next_peer: 1,
            entered: None,
            room: Dirty::No,
            last_error: None,
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn say(&mut self, event: Event) {
        self.push(Output::Event(event));
    }

    pub(super) fn ask(&mut self, ask: StageAsk) {
        self.push(Output::Stage(ask));
    }

    pub(super) fn settle(&mut self, ticket: Ticket, settled: Settled) {
        self.push(Output::Settled { ticket, settled });
    }

    pub(super) fn watch(&mut self, user_id: UserId) {
        self.push(Output::Watch(user_id));
    }

    pub(super) fn unwatch(&mut self, user_id: UserId) {
        self.push(Output::Unwatch(user_id));
    }

    pub(super) fn enter(&mut self, live_id: LiveId) {
        self.push(Output::Enter(live_id.clone()));
        self.entered = Some(live_id);
    }

    pub(super) fn exit(&mut self) {
        if let Some(live_id) = self.entered.take() {
            self.push(Output::Exit(live_id));
        }
    }

    /// Nothing outside of a room.
    pub(super) fn tell(&mut self, to: &UserId, message: ToGuest) {
        self.tell_before(self.outputs.len(), to, message);
    }

    /// The place of the next output, for [`Effects::tell_before`].
    pub(super) fn place(&self) -> usize {
        self.outputs.len()
    }

    /// Tells a guest something before what was said since `place` was taken.
    pub(super) fn tell_before(&mut self, place: usize, to: &UserId, message: ToGuest) {
        if let Some(live_id) = self.entered.clone() {
            self.outputs.insert(place, Output::ToGuest { live_id, to: to.clone(), message });
        }
    }

    pub(super) fn set_timer(&mut self, at: Instant, timer: Timer) {
        self.timers.set(at, timer);
    }

    pub(super) fn cancel_timer(&mut self, timer: &Timer) {
        self.timers.cancel(timer);
    }

    pub(super) fn cancel_timers(&mut self) {
        self.timers.clear();
    }

    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        self.timers.next()
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        self.timers.take_due(now)
    }

    /// A ticket that was never given before.
    pub(super) fn ticket(&mut self) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        ticket
    }

    /// The number of a peer connection, unique in this process.
    pub(super) fn peer(&mut self) -> u64 {
        let peer = self.next_peer;
        self.next_peer += 1;
        peer
    }

    pub(super) fn invitation_id(&mut self) -> InvitationId {
        self.ids.invitation()
    }

    pub(super) fn session_id(&mut self, kind: &str) -> SessionId {
        self.ids.session(kind)
    }

    /// The room is to be published once everything else was said.
    pub(super) fn change_room(&mut self) {
        self.room = Dirty::Yes;
    }

    /// Whether the room was changed since this was asked last.
    pub(super) fn take_room_change(&mut self) -> Dirty {
        std::mem::replace(&mut self.room, Dirty::No)
    }

    /// What the snapshot shows as `last_error`, until [`Effects::recover`].
    pub(super) fn fail(&mut self, refusal: Refusal) {
        self.last_error = Some(refusal);
    }

    pub(super) fn recover(&mut self) {
        self.last_error = None;
    }

    pub(super) fn last_error(&self) -> Option<&Refusal> {
        self.last_error.as_ref()
    }
}
