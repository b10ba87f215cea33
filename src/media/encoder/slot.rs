//! The one owner of the encoder: makes it, puts it in, watches it, and does about a failure what [`super::escalation`] says.
//!
//! ```text
//! empty ─ start ─► making ─ made ─► running ─ release, stop ─► empty
//!                    ▲ │ not made      │ stuck, broken
//!                    │ └───────┬───────┘
//!                    └─ escalation ─► failed
//! ```
//! Invariant: whatever becomes of an encoder, its target and the camera stay; only the last step of the escalation gives up. It knows
//! no peer, and no camera but by [`EncoderConditions`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::choice::EncoderChoice;
use super::contract::{EncoderConditions, EncoderOutcome, EncoderTask, Replacement};
use super::escalation::{EncoderTrouble, EscalationStep, FlowCounts};
use super::event::Event;
use super::frames::EncodedFrames;
use super::parked::{ParkedEncoder, ParkedMatch};
use super::running::{EncoderTarget, Predecessor, RunningEncoder};
use super::state::SlotState;
use crate::media::bridge::{Bridge, FrameKind};
use crate::media::core::event_sender::EventSender;
use crate::media::core::job;
use crate::media::profile::{Hardware, Profile};
use crate::model::settings::VideoCodec;

/// How long an encoder may take to be made, stopping its predecessor included.
const MADE: Duration = Duration::from_secs(4);

/// The place of the encoder.
#[derive(Debug)]
pub struct EncoderSlot {
    choice: EncoderChoice,
    bridge: Arc<Bridge>,
    frames: Arc<EncodedFrames>,
    events: EventSender<Event>,
    target: Option<EncoderTarget>,
    state: SlotState,
    parked: ParkedEncoder,
    /// The number of the last one that was to be made.
    last: u64,
    /// What the present encoder was told to do.
    task: Option<EncoderTask>,
    /// The first encoder that failed since one was attached, and why.
    failed: Option<(String, String)>,
}

impl EncoderSlot {
    pub fn new(
        profile: &Profile,
        codec: VideoCodec,
        bridge: Arc<Bridge>,
        frames: Arc<EncodedFrames>,
        events: EventSender<Event>,
    ) -> Self {
        Self {
            choice: EncoderChoice::new(profile, codec),
            bridge,
            frames,
            events,
            target: None,
            state: SlotState::Empty,
            parked: ParkedEncoder::Empty,
            last: 0,
            task: None,
            failed: None,
        }
    }

    /// The codec that the next peer is to offer.
    pub fn codec(&self) -> VideoCodec {
        self.choice.codec()
    }

    /// The next peer is to offer this codec, or the other where the profile has no encoder for it.
    pub fn set_codec(&mut self, codec: VideoCodec) {
        self.choice.set_codec(codec);
    }

    /// A new stay begins with the best encoder that is still trusted.
    pub fn begin_stay(&mut self) {
        self.choice.escalation().begin();
        self.failed = None;
    }

    /// Encodes for this target from now on; `None`: no pictures are sent.
    pub fn start(
        &mut self,
        now: Instant,
        target: Option<EncoderTarget>,
        conditions: EncoderConditions,
    ) -> EncoderOutcome {
        self.target = target;
        self.state = SlotState::Empty;
        self.make(now, None, conditions)
    }

    /// The call is over. A hardware encoder without trouble is parked; any other stays in its pipeline, whose teardown stops it.
    pub fn release(&mut self) {
        self.bridge.set_target(None);
        self.park();
        self.choice.escalation().stop_watching();
        self.state = SlotState::Empty;
        self.target = None;
    }

    /// The call goes on without pictures.
    pub fn stop(&mut self) {
        self.discard();
        self.target = None;
    }

    /// Takes what happened outside the loop's thread.
    pub fn event(&mut self, now: Instant, event: Event, conditions: EncoderConditions) -> EncoderOutcome {
        match event {
            Event::Made { number, made } => self.made(now, number, made, conditions),
            Event::Parked(encoder) => {
                self.parked =
                    encoder.map_or(ParkedEncoder::Empty, |encoder| ParkedEncoder::ready(encoder, now));
                if !matches!(self.state, SlotState::AwaitingParked { .. }) {
                    return EncoderOutcome::Nothing;
                }
                self.make(now, None, conditions)
            }
            // Of one that is out already.
            Event::Broke { number, .. }
                if self.state.running().map(RunningEncoder::number) != Some(number) =>
            {
                EncoderOutcome::Nothing
            }
            Event::Broke { why, .. } => self.fail(now, &EncoderTrouble::Broke(why), conditions),
        }
    }

    /// Looks after it.
    pub fn tick(&mut self, now: Instant, conditions: EncoderConditions) -> EncoderOutcome {
        self.parked.expire(now);
        if let SlotState::AwaitingParked { due } = self.state
            && due <= now
        {
            // Nobody waits for it again.
            self.parked = ParkedEncoder::Empty;
        }
        if self.state.is_overdue(now) {
            return self.fail(now, &EncoderTrouble::Unmade("its driver hangs".to_owned()), conditions);
        }
        let counts = self.counts(conditions);
        match self.choice.escalation().check(now, counts) {
            Some(trouble) => self.fail(now, &trouble, conditions),
            None => self.follow_rate(conditions),
        }
    }

    /// Does what the path carries. What passes through as the camera made it can not be made smaller: it is to cross as pixels.
    pub fn follow_rate(&mut self, conditions: EncoderConditions) -> EncoderOutcome {
        let (task, kind) = (conditions.task(), self.choice.kind());
        let Some(encoder) = self.state.running() else { return EncoderOutcome::Nothing };
        if task.is_reduced() && kind != FrameKind::Raw {
            tracing::info!("the network carries less than the camera gives: its pictures are encoded anew");
            return match kind {
                FrameKind::Shared => EncoderOutcome::StopSharing,
                FrameKind::Encoded | FrameKind::Raw => EncoderOutcome::DecodeInstead,
            };
        }
        let Some(before) = self.task.replace(task).filter(|before| *before != task) else {
            return EncoderOutcome::Nothing;
        };
        self.bridge.set_pace(task.pictures.interval());
        encoder.set_task(&task);
        if (before.size, before.pictures) != (task.size, task.pictures) {
            encoder.force_key_frame();
        }
        EncoderOutcome::Nothing
    }

    /// Follows the kind of what crosses: a camera that encodes needs no encoder while it is open, one that shares its memory a
    /// different one; the slate needs the ordinary one.
    pub fn follow(&mut self, now: Instant, conditions: EncoderConditions) -> EncoderOutcome {
        let failed = matches!(self.state, SlotState::Failed);
        if self.target.is_none() || failed || self.choice.kind() == conditions.kind {
            return EncoderOutcome::Nothing;
        }
        self.bridge.set_target(None);
        self.park();
        self.discard();
        self.make(now, None, conditions)
    }

    /// The transport takes packets from now on: a first frame is not enough any more.
    pub fn connected(&mut self, now: Instant, conditions: EncoderConditions) {
        if self.state.running().is_some() {
            let counts = self.counts(conditions);
            self.choice.escalation().watch(now, counts, conditions.expected);
        }
    }

    pub fn force_key_frame(&self) {
        if let Some(encoder) = self.state.running() {
            encoder.force_key_frame();
        }
    }

    /// Whether nothing is kept that a tick would have to look after.
    pub fn is_empty(&self) -> bool {
        self.target.is_none() && self.parked.is_empty()
    }

    /// Has one made; `after` is stopped before.
    fn make(
        &mut self,
        now: Instant,
        after: Option<RunningEncoder>,
        conditions: EncoderConditions,
    ) -> EncoderOutcome {
        if self.target.is_none() {
            return EncoderOutcome::Nothing;
        }
        self.choice.set_kind(conditions.kind);
        self.state = SlotState::Empty;
        let Some(spec) = self.choice.present() else { return EncoderOutcome::Nothing };
        let due = now + MADE;
        let before = match (after, self.parked.take(&spec)) {
            (None, ParkedMatch::Soon) => {
                self.state = SlotState::AwaitingParked { due };
                return EncoderOutcome::Nothing;
            }
            (None, ParkedMatch::This(parked)) => Predecessor::Reuse(parked),
            (None, ParkedMatch::Nothing) => Predecessor::Nothing,
            (Some(after), ParkedMatch::Nothing | ParkedMatch::Soon | ParkedMatch::This(_)) => {
                Predecessor::Stop(after)
            }
        };
        self.last += 1;
        let (number, task, frames) = (self.last, conditions.task(), Arc::clone(&self.frames));
        self.state = SlotState::Making { number, due };
        let make = move || {
            let made = RunningEncoder::make(number, spec, &task, before, &frames);
            Event::Made { number, made: made.map(Box::new) }
        };
        match job::spawn_job("encoder", &self.events, make) {
            Ok(()) => EncoderOutcome::Nothing,
            Err(error) => self.fail(now, &EncoderTrouble::Unmade(error.to_string()), conditions),
        }
    }

    /// One that comes too late is stopped again.
    fn made(
        &mut self,
        now: Instant,
        number: u64,
        made: Result<Box<RunningEncoder>, String>,
        conditions: EncoderConditions,
    ) -> EncoderOutcome {
        let expected = matches!(self.state, SlotState::Making { number: expected, .. } if expected == number);
        let target = self.target.as_ref().filter(|_| expected);
        let (encoder, target) = match (made, target) {
            (Ok(encoder), Some(target)) => (*encoder, target),
            (Ok(late), None) => {
                late.stop_aside();
                return EncoderOutcome::Nothing;
            }
            (Err(why), Some(_)) => return self.fail(now, &EncoderTrouble::Unmade(why), conditions),
            (Err(_), None) => return EncoderOutcome::Nothing,
        };
        let task = conditions.task();
        encoder.set_task(&task);
        self.bridge.set_pace(task.pictures.interval());
        self.task = Some(task);
        if let Err(error) = encoder.put_in(target) {
            encoder.take_out(target);
            encoder.stop_aside();
            return self.fail(now, &EncoderTrouble::Unmade(error.message.to_string()), conditions);
        }
        self.bridge.set_target(Some((encoder.source().clone(), self.choice.kind())));
        let to = encoder.element();
        self.state = SlotState::Running(encoder);
        let counts = self.counts(conditions);
        self.choice.escalation().watch(now, counts, conditions.expected);
        let replaced = self.failed.take().map(|(from, why)| {
            tracing::warn!("encoding with {to} instead of {from}: {why}");
            Replacement { from, to, why }
        });
        EncoderOutcome::Attached(replaced)
    }

    fn counts(&self, conditions: EncoderConditions) -> FlowCounts {
        FlowCounts { fed: self.bridge.pushed(), out: self.frames.frames(), packets: conditions.packets }
    }

    fn fail(
        &mut self,
        now: Instant,
        trouble: &EncoderTrouble,
        conditions: EncoderConditions,
    ) -> EncoderOutcome {
        let from = self.choice.present().map(|spec| spec.element()).unwrap_or_default();
        let why = trouble.of(&from);
        match self.choice.kind() {
            FrameKind::Raw => self.escalate(now, trouble, from, why, conditions),
            FrameKind::Shared => {
                tracing::warn!("{why}: the camera's memory is not shared any more, pictures are copied");
                self.discard();
                EncoderOutcome::StopSharing
            }
            FrameKind::Encoded => {
                tracing::warn!("{why}: what the camera encodes is not sent as it is, but decoded");
                self.discard();
                EncoderOutcome::DecodeInstead
            }
        }
    }

    fn escalate(
        &mut self,
        now: Instant,
        trouble: &EncoderTrouble,
        from: String,
        why: String,
        conditions: EncoderConditions,
    ) -> EncoderOutcome {
        match self.choice.escalation().escalate(now, trouble, conditions.source) {
            EscalationStep::KeyFrame => {
                tracing::warn!("{why}: a key frame is forced");
                self.force_key_frame();
                EncoderOutcome::Nothing
            }
            EscalationStep::Rebuild => {
                tracing::warn!("{why}: it is built anew");
                let old = self.take_out();
                self.make(now, old, conditions)
            }
            EscalationStep::ReopenCamera => {
                tracing::warn!("{why}: the camera is opened anew");
                let made = match trouble {
                    EncoderTrouble::Broke(_) => {
                        let old = self.take_out();
                        self.make(now, old, conditions)
                    }
                    EncoderTrouble::Stuck | EncoderTrouble::Unmade(_) => EncoderOutcome::Nothing,
                };
                if made == EncoderOutcome::Nothing { EncoderOutcome::ReopenCamera } else { made }
            }
            EscalationStep::Change(_) => {
                self.failed.get_or_insert((from, why));
                // Nobody waits for the one before: another does not need its hardware.
                self.discard();
                self.make(now, None, conditions)
            }
            EscalationStep::Leave => {
                tracing::error!("{why}, and there is no other encoder left");
                self.discard();
                self.state = SlotState::Failed;
                EncoderOutcome::GaveUp { why }
            }
        }
    }

    /// Keeps a hardware encoder that has given no reason for anything; what is parked already stays.
    fn park(&mut self) {
        let well = self.choice.escalation().is_calm() && self.parked.is_empty();
        let hardware = |encoder: &RunningEncoder| encoder.spec().hardware() == Hardware::Yes;
        if !well || !self.state.running().is_some_and(hardware) {
            return;
        }
        let Some(encoder) = self.take_out() else { return };
        self.parked = ParkedEncoder::Stopping(encoder.spec().clone());
        if let Err(error) =
            job::spawn_job("encoder-rest", &self.events, move || Event::Parked(encoder.park()))
        {
            tracing::debug!(%error, "the encoder is not kept");
            self.parked = ParkedEncoder::Empty;
        }
    }

    fn discard(&mut self) {
        if let Some(old) = self.take_out() {
            old.stop_aside();
        }
    }

    /// Cut off first, then taken out of its pipeline. One that is being made is not waited for any more.
    fn take_out(&mut self) -> Option<RunningEncoder> {
        self.bridge.set_target(None);
        self.choice.escalation().stop_watching();
        let SlotState::Running(encoder) = std::mem::replace(&mut self.state, SlotState::Empty) else {
            return None;
        };
        if let Some(target) = &self.target {
            encoder.take_out(target);
        }
        Some(encoder)
    }
}
