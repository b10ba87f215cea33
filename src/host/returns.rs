//! Who hears whom: what the stage is told of each seat's sound.
//!
//! Invariant: the stage is told when it differs, and first of all when somebody is to be silent.

use super::live::Peer;
use super::{DONE, Host};
use crate::model::command::{SetReturn, Settled};
use crate::model::sound::{Audible, Return};
use crate::model::stage::{StageAsk, StagePeer};
use crate::model::{DeviceSwitch, UserId};

impl Host {
    pub(super) fn set_return(&mut self, wish: &SetReturn) -> Settled {
        self.seated(&wish.user_id)?;
        if let Some((_, occupant)) = self.live.as_mut().and_then(|live| live.occupant(&wish.user_id)) {
            occupant.returned = Some(wish.returned);
        }
        self.follow_sound(&wish.user_id);
        DONE
    }

    /// What holds for all without a word of their own has changed.
    pub(super) fn set_returns(&mut self, returned: Return) {
        self.settings.returned = returned;
        let Some(live) = &self.live else { return };
        let seated = live.seats.iter().filter_map(|slot| slot.occupant.as_ref());
        for guest in seated.map(|occupant| occupant.user_id.clone()).collect::<Vec<_>>() {
            self.follow_sound(&guest);
        }
    }

    /// Tells the stage what holds for this guest, if that is news to its peer.
    pub(super) fn follow_sound(&mut self, guest: &UserId) {
        let all = self.settings.returned;
        let Some(live) = &mut self.live else { return };
        let Some((_, occupant)) = live.occupant(guest) else { return };
        let audible = match occupant.microphone {
            DeviceSwitch::On => Audible::Yes,
            DeviceSwitch::Off | DeviceSwitch::ClosedByAdmin => Audible::No,
        };
        let sound = (audible, occupant.returned.unwrap_or(all));
        let Some(Peer { peer, sound: said, .. }) =
            live.members.get_mut(guest).and_then(|member| member.peer.as_mut())
        else {
            return;
        };
        if said.replace(sound) != Some(sound) {
            let peer = StagePeer { guest: guest.clone(), peer: *peer };
            let (audible, returned) = sound;
            self.effects.ask(StageAsk::Sound { peer, audible, returned });
        }
    }
}
