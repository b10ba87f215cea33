//! Which cameras and microphones the host keeps closed: as long as the guest is inside, on whatever seat, or until it is lifted.

use std::collections::BTreeMap;

use crate::model::message::DeviceKind;
use crate::model::{Banned, By, DeviceSwitch, UserId};

/// The bans of a room, and who said each.
#[derive(Debug, Default)]
pub(super) struct Bans(BTreeMap<UserId, BTreeMap<DeviceKind, By>>);

impl Bans {
    /// `false` if there was one already, which stays.
    pub(super) fn add(&mut self, guest: &UserId, device: DeviceKind, by: By) -> bool {
        let of_guest = self.0.entry(guest.clone()).or_default();
        let is_new = !of_guest.contains_key(&device);
        of_guest.entry(device).or_insert(by);
        is_new
    }

    /// `false` if there was none.
    pub(super) fn lift(&mut self, guest: &UserId, device: DeviceKind) -> bool {
        let Some(of_guest) = self.0.get_mut(guest) else { return false };
        let was = of_guest.remove(&device).is_some();
        self.0.retain(|_, devices| !devices.is_empty());
        was
    }

    /// Lifts all bans of a guest; `false` if there were none.
    pub(super) fn forget(&mut self, guest: &UserId) -> bool {
        self.0.remove(guest).is_some()
    }

    /// The banned devices of a guest, and who banned them.
    pub(super) fn of(&self, guest: &UserId) -> impl Iterator<Item = (DeviceKind, &By)> {
        self.0.get(guest).into_iter().flatten().map(|(device, by)| (*device, by))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Banned> {
        self.0.iter().map(|(guest, devices)| Banned {
            user_id: guest.clone(),
            devices: devices.keys().copied().collect(),
        })
    }

    /// What a device of this guest is when it sits down.
    pub(super) fn switch(&self, guest: &UserId, device: DeviceKind) -> DeviceSwitch {
        let banned = self.of(guest).any(|(banned, _)| banned == device);
        if banned { DeviceSwitch::ClosedByAdmin } else { DeviceSwitch::Off }
    }
}
