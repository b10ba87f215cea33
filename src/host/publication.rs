//! The room as it is retained by the broker.
//!
//! Invariant: the revision grows with every publication, also over a restart of the program that finds its room retained.

use super::contract::{Output, Settings};
use super::effects::Effects;
use super::live::Live;
use super::view;
use crate::model::{Presence, RoomState};

#[derive(Debug)]
pub(super) struct Publication {
    /// Random id of this start of the program.
    session: String,
    revision: u64,
    /// An ended room that waits for the broker.
    ended: Option<RoomState>,
}

impl Publication {
    pub(super) fn new(session: String) -> Self {
        Self { session, revision: 0, ended: None }
    }

    /// Goes on after a revision that is retained.
    pub(super) fn continue_after(&mut self, revision: u64) {
        self.revision = self.revision.max(revision);
    }

    /// The room as it would be published now.
    pub(super) fn draft(&self, live: &Live, settings: &Settings) -> RoomState {
        view::room(live, settings, &self.session, self.revision)
    }

    pub(super) fn publish(&mut self, live: &Live, settings: &Settings, effects: &mut Effects) {
        let room = self.draft(live, settings);
        self.push(room, effects);
    }

    /// Publishes that the live is over, or does so when the broker is there again.
    pub(super) fn end(&mut self, live: &Live, settings: &Settings, broker: Presence, effects: &mut Effects) {
        let room = view::ended(self.draft(live, settings));
        match broker {
            Presence::Online => self.push(room, effects),
            Presence::Offline => self.ended = Some(room),
        }
    }

    pub(super) fn online(&mut self, effects: &mut Effects) {
        if let Some(room) = self.ended.take() {
            self.push(room, effects);
        }
    }

    fn push(&mut self, room: RoomState, effects: &mut Effects) {
        self.revision += 1;
        effects.push(Output::Room(RoomState { revision: self.revision, ..room }));
    }
}
