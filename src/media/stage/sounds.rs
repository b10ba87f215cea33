//! What holds for the sound of each guest's newest peer, from when the host says it: the peer may still wait to be opened.

use std::collections::BTreeMap;

use crate::model::UserId;
use crate::model::sound::{Audible, Return};
use crate::model::stage::StagePeer;

/// One entry a guest.
#[derive(Debug, Default)]
pub struct Sounds(BTreeMap<UserId, Sound>);

#[derive(Debug)]
struct Sound {
    peer: u64,
    audible: Audible,
    returned: Return,
}

impl Sounds {
    /// The host says so.
    pub fn set(&mut self, peer: StagePeer, audible: Audible, returned: Return) {
        self.0.insert(peer.guest, Sound { peer: peer.peer, audible, returned });
    }

    /// What was said for this peer.
    pub fn of(&self, peer: &StagePeer) -> Option<(Audible, Return)> {
        let sound = self.0.get(&peer.guest).filter(|sound| sound.peer == peer.peer)?;
        Some((sound.audible, sound.returned))
    }

    /// The peer is over.
    pub fn forget(&mut self, peer: &StagePeer) {
        if self.of(peer).is_some() {
            self.0.remove(&peer.guest);
        }
    }
}
