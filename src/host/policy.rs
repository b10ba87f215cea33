//! What may change while the host lives: who configured it has changed their mind.

use std::time::Duration;

use super::{AcceptApplications, Host};
use crate::model::SeatMode;
use crate::model::command::SeatCount;
use crate::model::sound::Return;

/// The rules that may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Seats of the next live.
    pub seats: SeatCount,
    /// Mode of the next live.
    pub seat_mode: SeatMode,
    /// Who decides applications to come.
    pub accept_applications: AcceptApplications,
    /// How long guests lost from now on keep their place.
    pub hold: Duration,
    /// What guests hear who were told nothing else for their stay.
    pub returned: Return,
    /// Guests the room takes; who is inside stays.
    pub capacity: usize,
}

impl Host {
    /// From now on; nothing that is under way changes.
    pub fn set_policy(&mut self, policy: Policy) {
        self.settings.seats = policy.seats;
        self.settings.seat_mode = policy.seat_mode;
        self.settings.accept_applications = policy.accept_applications;
        self.settings.hold = policy.hold;
        self.settings.capacity = policy.capacity;
        self.set_returns(policy.returned);
    }
}
