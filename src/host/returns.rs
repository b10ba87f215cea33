//! Who hears whom: what the stage is told of each seat's sound.
//!
//! Invariant: the stage is told when it differs, and of each new peer connection once.

use std::collections::BTreeMap;

use super::effects::Effects;
use crate::model::UserId;
use crate::model::sound::{Audible, Return};
use crate::model::stage::{StageAsk, StagePeer};

#[derive(Debug, Default)]
pub(super) struct Returns {
    /// What a guest hears in this stay, where that was set for it alone.
    of_stay: BTreeMap<UserId, Return>,
    /// What the stage was told last.
    told: BTreeMap<UserId, (StagePeer, Audible, Return)>,
}

impl Returns {
    /// Sets what a guest hears until its stay ends.
    pub(super) fn set(&mut self, guest: &UserId, returned: Return) {
        self.of_stay.insert(guest.clone(), returned);
    }

    /// The stay has ended.
    pub(super) fn forget(&mut self, guest: &UserId) {
        self.of_stay.remove(guest);
        self.told.remove(guest);
    }

    /// Tells the stage what holds for a peer connection, if that is news; `default` is what guests hear for whom nothing was set.
    pub(super) fn update(
        &mut self,
        peer: StagePeer,
        audible: Audible,
        default: Return,
        effects: &mut Effects,
    ) {
        let returned = self.of_stay.get(&peer.guest).copied().unwrap_or(default);
        let sound = (peer.clone(), audible, returned);
        if self.told.get(&peer.guest) != Some(&sound) {
            self.told.insert(peer.guest.clone(), sound);
            effects.ask(StageAsk::Sound { peer, audible, returned });
        }
    }
}
