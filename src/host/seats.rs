//! The seats of a room: which are locked, who sits where, and whose devices are kept closed.
//!
//! Invariants: a guest has at most one seat, and a seat at most one guest; an occupant's switch says `closed_by_admin` exactly where
//! that device of it is banned.

use super::bans::Bans;
use crate::model::command::SeatCount;
use crate::model::message::{ANY_SEAT, DeviceKind, Devices, OnOff};
use crate::model::sound::Audible;
use crate::model::{Banned, By, Code, DeviceSwitch, Media, Refusal, Seat, User, UserId};

/// Most of those without a seat that the room's state names: beside the largest seats there is room for so many.
const BANNED_SHOWN_MAX: usize = 128;

/// Whether a seat may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lock {
    #[default]
    Open,
    Locked,
}

/// Who sits on a seat.
#[derive(Debug)]
pub(super) struct Occupant {
    pub(super) user: User,
    pub(super) media: Media,
    pub(super) microphone: DeviceSwitch,
    pub(super) camera: DeviceSwitch,
}

impl Occupant {
    /// Whether others may hear it.
    pub(super) fn audible(&self) -> Audible {
        match self.microphone {
            DeviceSwitch::On => Audible::Yes,
            DeviceSwitch::Off | DeviceSwitch::ClosedByAdmin => Audible::No,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct SeatSlot {
    pub(super) lock: Lock,
    pub(super) occupant: Option<Occupant>,
}

/// Where a guest that sits may be moved.
#[derive(Debug)]
pub(super) enum Target {
    /// It sits there already.
    Own,
    Free(u32),
    Occupied(u32, UserId),
}

#[derive(Debug)]
pub(super) struct Seats {
    slots: Vec<SeatSlot>,
    bans: Bans,
}

impl Seats {
    pub(super) fn new(count: SeatCount) -> Self {
        Self { slots: (0..count.get()).map(|_| SeatSlot::default()).collect(), bans: Bans::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &SeatSlot)> {
        (0..).zip(&self.slots)
    }

    /// Seat by seat.
    pub(super) fn occupants(&self) -> impl Iterator<Item = (u32, &Occupant)> {
        self.iter().filter_map(|(index, slot)| Some((index, slot.occupant.as_ref()?)))
    }

    /// Seat by seat.
    pub(super) fn guests(&self) -> impl Iterator<Item = &UserId> {
        self.occupants().map(|(_, occupant)| &occupant.user.user_id)
    }

    pub(super) fn occupant(&self, guest: &UserId) -> Option<(u32, &Occupant)> {
        self.occupants().find(|(_, occupant)| occupant.user.user_id == *guest)
    }

    fn occupant_mut(&mut self, guest: &UserId) -> Option<&mut Occupant> {
        let occupants = self.slots.iter_mut().filter_map(|slot| slot.occupant.as_mut());
        occupants.into_iter().find(|occupant| occupant.user.user_id == *guest)
    }

    /// # Errors
    /// `user_not_in_seat`
    pub(super) fn seat_of(&self, guest: &UserId) -> Result<u32, Refusal> {
        self.occupant(guest)
            .map(|(index, _)| index)
            .ok_or_else(|| Refusal::new(Code::UserNotInSeat, format!("{guest} has no seat")))
    }

    /// # Errors
    /// `seat_index_not_exist`
    pub(super) fn slot(&self, seat_index: i64) -> Result<(u32, &SeatSlot), Refusal> {
        self.iter().find(|(index, _)| i64::from(*index) == seat_index).ok_or_else(|| {
            let last = self.slots.len() - 1;
            let why = format!("there is no seat {seat_index}; the room has seats 0 to {last}");
            Refusal::new(Code::SeatIndexNotExist, why)
        })
    }

    /// The seat that a request for `seat_index` leads to.
    ///
    /// # Errors
    /// In the order of the protocol: `seat_index_not_exist`, `seat_locked`, `seat_occupied`; for any seat `all_seats_occupied`.
    pub(super) fn free(&self, seat_index: i64) -> Result<u32, Refusal> {
        if seat_index == ANY_SEAT {
            let mut free = self.iter().filter(|(_, slot)| slot.lock == Lock::Open && slot.occupant.is_none());
            return free
                .next()
                .map(|(index, _)| index)
                .ok_or_else(|| Refusal::new(Code::AllSeatsOccupied, "no seat is free and unlocked"));
        }
        let (index, slot) = self.slot(seat_index)?;
        match (slot.lock, &slot.occupant) {
            (Lock::Locked, _) => Err(locked(index)),
            (Lock::Open, Some(occupant)) => Err(occupied(index, &occupant.user.user_id)),
            (Lock::Open, None) => Ok(index),
        }
    }

    /// Where a move of the guest on seat `from` to `seat_index` leads.
    ///
    /// # Errors
    /// As for [`Seats::free`], but for a seat that is taken.
    pub(super) fn target(&self, from: u32, seat_index: i64) -> Result<Target, Refusal> {
        if seat_index == ANY_SEAT {
            return self.free(ANY_SEAT).map(Target::Free);
        }
        let (to, slot) = self.slot(seat_index)?;
        match (slot.lock, &slot.occupant) {
            _ if to == from => Ok(Target::Own),
            (Lock::Locked, _) => Err(locked(to)),
            (Lock::Open, Some(occupant)) => Ok(Target::Occupied(to, occupant.user.user_id.clone())),
            (Lock::Open, None) => Ok(Target::Free(to)),
        }
    }

    /// On a free seat. The devices are off, but for those that are banned.
    pub(super) fn sit(&mut self, index: u32, user: User, media: Media) {
        let guest = &user.user_id;
        let occupant = Occupant {
            media,
            microphone: self.bans.switch(guest, DeviceKind::Microphone),
            camera: self.bans.switch(guest, DeviceKind::Camera),
            user,
        };
        self.put(index, occupant);
    }

    /// The seat that was left, and who sat there; `None` for a guest without a seat.
    pub(super) fn stand(&mut self, guest: &UserId) -> Option<(u32, User)> {
        self.take(guest).map(|(index, occupant)| (index, occupant.user))
    }

    /// Renews what is shown of a guest; `false` if it has no seat, or is shown so already.
    pub(super) fn rename(&mut self, user: &User) -> bool {
        let occupant = self.occupant_mut(&user.user_id).filter(|occupant| occupant.user != *user);
        let renamed = occupant.is_some();
        if let Some(occupant) = occupant {
            occupant.user = user.clone();
        }
        renamed
    }

    /// To a free seat.
    pub(super) fn relocate(&mut self, guest: &UserId, to: u32) {
        if let Some((_, occupant)) = self.take(guest) {
            self.put(to, occupant);
        }
    }

    /// Two that sit change places.
    pub(super) fn swap(&mut self, one: &UserId, other: &UserId) {
        if let (Some((a, first)), Some((b, second))) = (self.take(one), self.take(other)) {
            self.put(b, first);
            self.put(a, second);
        }
    }

    fn put(&mut self, index: u32, occupant: Occupant) {
        if let Some(slot) = usize::try_from(index).ok().and_then(|index| self.slots.get_mut(index)) {
            slot.occupant = Some(occupant);
        }
    }

    fn take(&mut self, guest: &UserId) -> Option<(u32, Occupant)> {
        (0..).zip(&mut self.slots).find_map(|(index, slot)| {
            Some((index, slot.occupant.take_if(|occupant| occupant.user.user_id == *guest)?))
        })
    }

    pub(super) fn set_lock(&mut self, index: u32, lock: Lock) {
        if let Some(slot) = usize::try_from(index).ok().and_then(|index| self.slots.get_mut(index)) {
            slot.lock = lock;
        }
    }

    /// Takes over an occupant of the room as it was before a restart; what was banned of it is banned by `by`.
    pub(super) fn restore(&mut self, user: User, seat: &Seat, by: &By) {
        let switches = [(DeviceKind::Camera, seat.camera), (DeviceKind::Microphone, seat.microphone)];
        for (device, _) in switches.iter().filter(|(_, switch)| *switch == DeviceSwitch::ClosedByAdmin) {
            self.bans.add(&user.user_id, *device, by.clone());
        }
        let (media, microphone, camera) = (seat.media.unwrap_or_default(), seat.microphone, seat.camera);
        self.put(seat.index, Occupant { user, media, microphone, camera });
    }

    /// Keeps a device closed, also when the guest has no seat; `false` where it was kept closed already.
    pub(super) fn ban(&mut self, guest: &UserId, device: DeviceKind, by: By) -> bool {
        let is_new = self.bans.add(guest, device, by);
        if is_new {
            self.switch(guest, device, DeviceSwitch::ClosedByAdmin);
        }
        is_new
    }

    /// `false` where nothing was banned. The device stays closed.
    pub(super) fn lift(&mut self, guest: &UserId, device: DeviceKind) -> bool {
        let was = self.bans.lift(guest, device);
        if was {
            self.switch(guest, device, DeviceSwitch::Off);
        }
        was
    }

    fn switch(&mut self, guest: &UserId, device: DeviceKind, to: DeviceSwitch) {
        if let Some(occupant) = self.occupant_mut(guest) {
            match device {
                DeviceKind::Camera => occupant.camera = to,
                DeviceKind::Microphone => occupant.microphone = to,
            }
        }
    }

    /// What is banned of a guest, and by whom.
    pub(super) fn bans_of(&self, guest: &UserId) -> impl Iterator<Item = (DeviceKind, &By)> {
        self.bans.of(guest)
    }

    /// Ends the bans of who has left the room; `false` if there were none.
    pub(super) fn forget(&mut self, guest: &UserId) -> bool {
        self.bans.forget(guest)
    }

    /// Who is banned and has no seat, at most 128.
    pub(super) fn banned_in_audience(&self) -> Vec<Banned> {
        let unseated = self.bans.iter().filter(|banned| self.occupant(&banned.user_id).is_none());
        unseated.take(BANNED_SHOWN_MAX).collect()
    }

    /// What a guest says of its devices; `false` where it is so already.
    ///
    /// # Errors
    /// `user_not_in_seat`, `permission_denied` for the camera of an audio seat, `camera_closed_by_admin`,
    /// `microphone_closed_by_admin`.
    pub(super) fn set_devices(&mut self, guest: &UserId, wish: &Devices) -> Result<bool, Refusal> {
        self.seat_of(guest)?;
        let Some(occupant) = self.occupant_mut(guest) else { return Ok(false) };
        if wish.camera == OnOff::On && occupant.media == Media::Audio {
            return Err(Refusal::new(Code::PermissionDenied, "an audio seat has no camera"));
        }
        let camera = switched(occupant.camera, wish.camera, Code::CameraClosedByAdmin)?;
        let microphone = switched(occupant.microphone, wish.microphone, Code::MicrophoneClosedByAdmin)?;
        let changed = (occupant.camera, occupant.microphone) != (camera, microphone);
        (occupant.camera, occupant.microphone) = (camera, microphone);
        Ok(changed)
    }
}

/// What a device is after a wish: a banned one stays closed (docs/protocol.md, *Consent*).
fn switched(is: DeviceSwitch, wish: OnOff, banned: Code) -> Result<DeviceSwitch, Refusal> {
    match (is, wish) {
        (DeviceSwitch::ClosedByAdmin, OnOff::On) => Err(Refusal::new(
            banned,
            "the host keeps it closed: it is lifted with open_remote_camera or open_remote_microphone",
        )),
        (DeviceSwitch::ClosedByAdmin, OnOff::Off) => Ok(DeviceSwitch::ClosedByAdmin),
        (DeviceSwitch::On | DeviceSwitch::Off, wish) => Ok(wish.into()),
    }
}

fn locked(index: u32) -> Refusal {
    Refusal::new(Code::SeatLocked, format!("seat {index} is locked"))
}

/// The refusal `seat_occupied`.
pub(super) fn occupied(index: u32, guest: &UserId) -> Refusal {
    Refusal::new(Code::SeatOccupied, format!("seat {index} is taken by {guest}"))
}
