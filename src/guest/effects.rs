//! What a part of the guest may cause by itself, because it concerns no other part: outputs, timers, ids, and what failed last.
//!
//! Invariant: what concerns another part is never caused here, it is returned; only `mod.rs` routes it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::contract::{Output, Timer};
use crate::model::command::{Answer, Settled};
use crate::model::event::Event;
use crate::model::media::{Ask, Ticket};
use crate::model::message::{DeviceKind, ToHost};
use crate::model::{IdSource, LiveId, Refusal, RequestId, Timers};

/// Where the last error came from: it is cleared when that works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorSource {
    Device(DeviceKind),
    Media,
}

/// What a command without an answer of its own returns.
pub(super) const DONE: Settled = Ok(Answer::Done);

/// The sink that every part is given.
#[derive(Debug)]
pub(super) struct Effects {
    outputs: VecDeque<Output>,
    timers: Timers<Timer>,
    ids: IdSource,
    messages_sent: u64,
    next_ticket: Ticket,
    next_epoch: u64,
    next_peer: u64,
    last_error: Option<(ErrorSource, Refusal)>,
}

impl Effects {
    pub(super) fn new(ids: IdSource) -> Self {
        Self {
            outputs: VecDeque::new(),
            timers: Timers::default(),
            ids,
            messages_sent: 0,
            next_ticket: 1,
            next_epoch: 1,
            next_peer: 1,
            last_error: None,
        }
    }

    pub(super) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn say(&mut self, event: Event) {
        self.output(Output::Event(event));
    }

    pub(super) fn ask(&mut self, ask: Ask) {
        self.output(Output::Media(ask));
    }

    pub(super) fn settle(&mut self, ticket: Ticket, settled: Settled) {
        self.output(Output::Settled { ticket, settled });
    }

    /// Sends a message to the host of this room under a new request id.
    pub(super) fn send(&mut self, live_id: LiveId, message: ToHost) -> RequestId {
        let request_id = self.ids.request();
        self.messages_sent += 1;
        self.output(Output::ToHost { live_id, request_id: request_id.clone(), message });
        request_id
    }

    /// How many messages were sent to hosts since the program was started.
    pub(super) fn messages_sent(&self) -> u64 {
        self.messages_sent
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Starts a timer, or sets a running one anew.
    pub(super) fn set_timer(&mut self, at: Instant, timer: Timer) {
        self.timers.set(at, timer);
    }

    pub(super) fn cancel_timer(&mut self, timer: &Timer) {
        self.timers.cancel(timer);
    }

    pub(super) fn cancel_timers(&mut self, timers: &[Timer]) {
        for timer in timers {
            self.timers.cancel(timer);
        }
    }

    /// Cancels every timer but this one.
    pub(super) fn cancel_all_timers_but(&mut self, kept: Timer) {
        let due = self.timers.due_at(&kept);
        self.timers.clear();
        if let Some(at) = due {
            self.timers.set(at, kept);
        }
    }

    /// When this timer is due; `None` if it does not run.
    pub(super) fn due_at(&self, timer: &Timer) -> Option<Instant> {
        self.timers.due_at(timer)
    }

    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        self.timers.next()
    }

    pub(super) fn take_due_timer(&mut self, now: Instant) -> Option<Timer> {
        self.timers.take_due(now)
    }

    /// A ticket for a command that is answered later.
    pub(super) fn ticket(&mut self) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        ticket
    }

    pub(super) fn epoch(&mut self) -> u64 {
        let epoch = self.next_epoch;
        self.next_epoch += 1;
        epoch
    }

    pub(super) fn peer(&mut self) -> u64 {
        let peer = self.next_peer;
        self.next_peer += 1;
        peer
    }

    pub(super) fn uuid(&mut self) -> String {
        self.ids.uuid()
    }

    /// A random pause of at most this length, so that many guests do not come back at once.
    pub(super) fn pause(&mut self, most: Duration) -> Duration {
        self.ids.pause(most)
    }

    pub(super) fn note_error(&mut self, source: ErrorSource, refusal: Refusal) {
        self.last_error = Some((source, refusal));
    }

    pub(super) fn clear_error(&mut self, source: ErrorSource) {
        self.last_error.take_if(|(last, _)| *last == source);
    }

    pub(super) fn last_error(&self) -> Option<&Refusal> {
        self.last_error.as_ref().map(|(_, refusal)| refusal)
    }

    /// The last error, if it came from there.
    pub(super) fn last_error_of(&self, source: ErrorSource) -> Option<&Refusal> {
        self.last_error.as_ref().filter(|(last, _)| *last == source).map(|(_, refusal)| refusal)
    }
}
