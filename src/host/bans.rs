//! Whose camera or microphone the host keeps closed: as long as somebody is inside, on whatever seat, or until it is lifted.
//!
//! Invariant: an occupant's switch says `closed_by_admin` exactly where there is a ban of it here.

use std::collections::BTreeMap;

use super::live::Live;
use super::{DONE, Host};
use crate::model::command::Settled;
use crate::model::message::{DeviceAction, DeviceKind, ToGuest};
use crate::model::{Banned, By, Code, DeviceSwitch, Refusal, UserId};

/// Most of those without a seat that the room's state names: beside the largest seats there is room for so many.
const SHOWN_MAX: usize = 128;

/// The bans of a room, and who said each.
#[derive(Debug, Default)]
pub(super) struct Bans(BTreeMap<UserId, BTreeMap<DeviceKind, By>>);

impl Bans {
    /// Whether there was none before.
    pub(super) fn add(&mut self, guest: &UserId, device: DeviceKind, by: By) -> bool {
        let of_guest = self.0.entry(guest.clone()).or_default();
        let is_new = !of_guest.contains_key(&device);
        of_guest.entry(device).or_insert(by);
        is_new
    }

    /// Whether there was one.
    fn lift(&mut self, guest: &UserId, device: DeviceKind) -> bool {
        let Some(of_guest) = self.0.get_mut(guest) else { return false };
        let was = of_guest.remove(&device).is_some();
        self.0.retain(|_, devices| !devices.is_empty());
        was
    }

    /// Somebody is gone; whether there was any.
    pub(super) fn forget(&mut self, guest: &UserId) -> bool {
        self.0.remove(guest).is_some()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The banned devices of a guest, and who banned them.
    pub(super) fn of(&self, guest: &UserId) -> impl Iterator<Item = (DeviceKind, &By)> {
        self.0.get(guest).into_iter().flatten().map(|(device, by)| (*device, by))
    }

    /// What a device of this guest is when it sits down.
    pub(super) fn switch(&self, guest: &UserId, device: DeviceKind) -> DeviceSwitch {
        let banned = self.of(guest).any(|(banned, _)| banned == device);
        if banned { DeviceSwitch::ClosedByAdmin } else { DeviceSwitch::Off }
    }
}

/// Who has no seat and a ban, for the room's state.
pub(super) fn unseated(live: &Live) -> Vec<Banned> {
    let has_no_seat = |user_id: &UserId| live.member(user_id).is_some_and(|member| member.seat.is_none());
    let unseated = live.bans.0.iter().filter(|(user_id, _)| has_no_seat(user_id)).take(SHOWN_MAX);
    let banned = |(user_id, devices): (&UserId, &BTreeMap<DeviceKind, By>)| Banned {
        user_id: user_id.clone(),
        devices: devices.keys().copied().collect(),
    };
    unseated.map(banned).collect()
}

impl Host {
    pub(super) fn ban(&mut self, guest: &UserId, device: DeviceKind, by: By) -> Settled {
        self.seated(guest)?;
        if let Some(live) = self.live.as_mut()
            && live.bans.add(guest, device, by.clone())
        {
            self.switch(guest, device, DeviceSwitch::ClosedByAdmin);
            self.effects.tell(guest, ToGuest::DeviceControl { device, action: DeviceAction::Close, by });
        }
        DONE
    }

    /// Also off the seat: a ban lasts there.
    pub(super) fn lift(&mut self, guest: &UserId, device: DeviceKind, by: By) -> Settled {
        if let Some(live) = self.live.as_mut()
            && live.bans.lift(guest, device)
        {
            self.switch(guest, device, DeviceSwitch::Off);
            self.effects.tell(guest, ToGuest::DeviceControl { device, action: DeviceAction::Unlock, by });
            return DONE;
        }
        match self.seated(guest) {
            Ok(_) => DONE,
            Err(refusal) => {
                let message = format!("{}, and nothing of it is banned", refusal.message);
                Err(Refusal::new(Code::UserNotInSeat, message))
            }
        }
    }

    fn switch(&mut self, guest: &UserId, device: DeviceKind, to: DeviceSwitch) {
        self.effects.change_room();
        let Some((_, occupant)) = self.live.as_mut().and_then(|live| live.occupant(guest)) else { return };
        match device {
            DeviceKind::Camera => occupant.camera = to,
            DeviceKind::Microphone => occupant.microphone = to,
        }
        self.follow_sound(guest);
    }

    /// Says what is banned to who has just been seated: its program may have been started since.
    pub(super) fn say_bans(&mut self, guest: &UserId) {
        let Some(live) = &self.live else { return };
        let bans: Vec<(DeviceKind, By)> =
            live.bans.of(guest).map(|(device, by)| (device, by.clone())).collect();
        for (device, by) in bans {
            self.effects.tell(guest, ToGuest::DeviceControl { device, action: DeviceAction::Close, by });
        }
    }
}
