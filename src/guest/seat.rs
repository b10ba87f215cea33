//! The seat of this guest: none, a stay on one, or one that is being left.
//!
//! Invariant: media are asked to stop first; everybody is told when they have, or after [`STOP`] (`docs/protocol.md`, *Privacy*).

use std::time::{Duration, Instant};

use super::contract::{Output, Timer};
use super::effects::Effects;
use super::farewell::{Farewell, GoodbyeStep};
use super::stay::{SeatGrant, Stay, StayOutcome, Surroundings};
use crate::model::event::Event;
use crate::model::media::Report;
use crate::model::message::UnseatReason;
use crate::model::{By, Volume};

/// How long media may take to stop; the camera is closed within a second.
const STOP: Duration = Duration::from_secs(1);

/// Why a seat is left.
#[derive(Debug)]
pub(super) enum LeaveReason {
    Unseated {
        reason: UnseatReason,
        by: Option<By>,
    },
    /// The program ends: the host is not told, its hold decides.
    Shutdown,
}

/// Where this guest sits, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeatStatus {
    Standing,
    Taken,
    Leaving,
}

/// What a report of media means to the rest of the guest.
#[must_use]
pub(super) enum SeatOutcome {
    Stay(StayOutcome),
    /// The volume of the microphone's card.
    CardVolume(Volume),
    /// Media have stopped: what is said now.
    Stopped(Vec<GoodbyeStep>),
}

/// Where this guest sits.
#[derive(Debug)]
pub(super) enum GuestSeat {
    Standing,
    Taken(Box<Stay>),
    Leaving(Farewell),
}

impl GuestSeat {
    pub(super) fn take(&mut self, now: Instant, grant: SeatGrant, effects: &mut Effects) {
        *self = Self::Taken(Box::new(Stay::begin(now, grant, effects)));
    }

    pub(super) fn stay(&self) -> Option<&Stay> {
        match self {
            Self::Taken(stay) => Some(stay),
            Self::Standing | Self::Leaving(_) => None,
        }
    }

    pub(super) fn stay_mut(&mut self) -> Option<&mut Stay> {
        match self {
            Self::Taken(stay) => Some(stay),
            Self::Standing | Self::Leaving(_) => None,
        }
    }

    pub(super) fn status(&self) -> SeatStatus {
        match self {
            Self::Standing => SeatStatus::Standing,
            Self::Taken(_) => SeatStatus::Taken,
            Self::Leaving(_) => SeatStatus::Leaving,
        }
    }

    pub(super) fn epoch(&self) -> Option<u64> {
        match self {
            Self::Standing => None,
            Self::Taken(stay) => Some(stay.epoch()),
            Self::Leaving(farewell) => Some(farewell.epoch()),
        }
    }

    /// A report of media; one of another stay, or off the seat, means nothing.
    pub(super) fn media(
        &mut self,
        report: Report,
        around: &Surroundings<'_>,
        effects: &mut Effects,
    ) -> SeatOutcome {
        match (self, report) {
            (_, Report::CaptureVolume(volume)) => SeatOutcome::CardVolume(volume),
            (seat, Report::Stopped { epoch }) if seat.is_leaving(epoch) => {
                SeatOutcome::Stopped(seat.finish_farewell(effects))
            }
            (Self::Taken(stay), report) => SeatOutcome::Stay(stay.media(report, around, effects)),
            (Self::Standing | Self::Leaving(_), _) => SeatOutcome::Stay(StayOutcome::Nothing),
        }
    }

    fn is_leaving(&self, epoch: u64) -> bool {
        self.status() == SeatStatus::Leaving && self.epoch() == Some(epoch)
    }

    /// Asks media to stop; when they have, the far side is told, then why, then `after`. Returns what can be said now: `after`, if
    /// there is nothing to stop.
    pub(super) fn leave(
        &mut self,
        now: Instant,
        reason: LeaveReason,
        mut after: Vec<GoodbyeStep>,
        effects: &mut Effects,
    ) -> Vec<GoodbyeStep> {
        match std::mem::replace(self, Self::Standing) {
            Self::Standing => after,
            Self::Leaving(mut farewell) => {
                farewell.append(after);
                *self = Self::Leaving(farewell);
                Vec::new()
            }
            Self::Taken(stay) => {
                let (epoch, seat_index, media) = (stay.epoch(), stay.seat_index(), stay.capture().media());
                let mut steps: Vec<GoodbyeStep> =
                    stay.end(effects).map(GoodbyeStep::Say).into_iter().collect();
                steps.extend(events(seat_index, reason).map(Output::Event).map(GoodbyeStep::Say));
                steps.append(&mut after);
                effects.set_timer(now + STOP, Timer::Stop);
                *self = Self::Leaving(Farewell::new(epoch, seat_index, media, steps));
                Vec::new()
            }
        }
    }

    /// Media have stopped, take too long, or the next stay begins: what is said now.
    pub(super) fn finish_farewell(&mut self, effects: &mut Effects) -> Vec<GoodbyeStep> {
        effects.cancel_timer(&Timer::Stop);
        match std::mem::replace(self, Self::Standing) {
            Self::Standing => Vec::new(),
            Self::Leaving(farewell) => farewell.finish(),
            Self::Taken(stay) => {
                *self = Self::Taken(stay);
                Vec::new()
            }
        }
    }
}

fn events(seat_index: u32, reason: LeaveReason) -> impl Iterator<Item = Event> {
    let events = match reason {
        LeaveReason::Shutdown => [None, None],
        LeaveReason::Unseated { reason, by } => {
            let by_whom = by.clone().filter(|_| reason == UnseatReason::Kicked);
            let kicked = by_whom.map(|by| Event::KickedOffSeat { seat_index, by });
            [kicked, Some(Event::Unseated { seat_index, reason, by })]
        }
    };
    events.into_iter().flatten()
}
