//! What operators ask for.

use std::time::Instant;

use super::live::{Kind, Lock, Pending, locked};
use super::requests::no_application;
use super::{Course, DONE, Host, Timer, not_in_room};
use crate::model::command::{
    Answer, Command, DeviceCommand, HostCommand, InviteToSeat, MovePolicy, MoveUserToSeat, SetUserInfo,
    Settled,
};
use crate::model::event::Event;
use crate::model::message::{ANY_SEAT, DeviceKind, Invitation, ToGuest, UnseatReason};
use crate::model::state::Deadline;
use crate::model::{By, Code, Operator, Refusal, User, UserId};

impl Host {
    pub(super) fn command(&mut self, now: Instant, command: Command) -> Settled {
        if let Command::Guest(_) = command {
            return Err(Refusal::new(
                Code::PermissionDenied,
                "this daemon is a host: it takes no guest's commands",
            ));
        }
        if self.course == Course::Stopping {
            return Err(Refusal::new(Code::ShuttingDown, "the host is about to stop"));
        }
        match command {
            Command::Guest(_) => Err(Refusal::new(Code::PermissionDenied, "this daemon is a host")),
            Command::Device(command) => self.device_command(command),
            Command::Host { command: HostCommand::StartLive(wish), .. } => self.start_live(now, wish),
            Command::Host { .. } if self.live.is_none() => Err(not_in_room()),
            Command::Host { operator, command } => self.host_command(now, operator, command),
        }
    }

    fn host_command(&mut self, now: Instant, operator: Option<Operator>, command: HostCommand) -> Settled {
        let by = self.by(operator.clone());
        match command {
            HostCommand::StartLive(wish) => self.start_live(now, wish),
            HostCommand::EndLive => self.end_live(),
            HostCommand::AcceptApplication(who) => self.accept_application(&who.user_id, operator),
            HostCommand::RejectApplication(who) => self.reject_application(&who.user_id, by),
            HostCommand::InviteToSeat(wish) => self.invite(now, wish, by),
            HostCommand::CancelInvitation(who) => self.cancel_invitation(&who.invitee_id, by),
            HostCommand::KickUserOutOfSeat(who) => {
                self.seated(&who.user_id)?;
                self.unseat(&who.user_id, UnseatReason::Kicked, Some(by));
                DONE
            }
            HostCommand::TakeSeatSnapshot(who) => self.take_seat_snapshot(now, &who.user_id),
            HostCommand::SetReturn(wish) => self.set_return(&wish),
            HostCommand::MoveUserToSeat(wish) => self.move_user(&wish, &by),
            HostCommand::LockSeat(seat) => self.lock(seat.seat_index, &by),
            HostCommand::UnlockSeat(seat) => self.unlock(seat.seat_index),
            HostCommand::CloseRemoteCamera(who) => self.ban(&who.user_id, DeviceKind::Camera, by),
            HostCommand::CloseRemoteMicrophone(who) => self.ban(&who.user_id, DeviceKind::Microphone, by),
            HostCommand::OpenRemoteCamera(who) => self.lift(&who.user_id, DeviceKind::Camera, by),
            HostCommand::OpenRemoteMicrophone(who) => self.lift(&who.user_id, DeviceKind::Microphone, by),
        }
    }

    /// A host has no devices of its own: what would open or change one is refused, what closes one is done already.
    fn device_command(&mut self, command: DeviceCommand) -> Settled {
        let no_seat =
            || Err(Refusal::new(Code::UserNotInSeat, "a host has no camera and microphone of its own"));
        match command {
            DeviceCommand::GetState => Ok(Answer::State),
            DeviceCommand::SetUserInfo(info) => self.set_user_info(info),
            DeviceCommand::OpenLocalCamera | DeviceCommand::OpenLocalMicrophone => no_seat(),
            DeviceCommand::TakeSnapshot => Err(Refusal::new(
                Code::PermissionDenied,
                "a host has no camera; take_seat_snapshot shows a guest's",
            )),
            DeviceCommand::CloseLocalCamera
            | DeviceCommand::CloseLocalMicrophone
            | DeviceCommand::SwitchCamera(_)
            | DeviceCommand::SetCaptureVolume(_)
            | DeviceCommand::SetOutputVolume(_)
            | DeviceCommand::SetVideoQuality(_)
            | DeviceCommand::SetMirror(_)
            | DeviceCommand::ListDevices
            | DeviceCommand::GetCameraControls(_)
            | DeviceCommand::SetCameraControl(_) => DONE,
        }
    }

    fn set_user_info(&mut self, info: SetUserInfo) -> Settled {
        let own = &self.settings.user;
        let name = info.user_name.or_else(|| Some(own.user_name.clone()));
        let avatar = info.avatar_url.or_else(|| Some(own.avatar_url.clone()));
        let user = User::new(own.user_id.clone(), name, avatar)
            .map_err(|why| Refusal::invalid("avatar_url", why))?;
        if user != self.settings.user {
            self.settings.user = user;
            self.effects.change_room();
        }
        DONE
    }

    fn accept_application(&mut self, guest: &UserId, operator: Option<Operator>) -> Settled {
        let live = self.live.as_ref().ok_or_else(not_in_room)?;
        let pending = live.applications.get(guest).ok_or_else(no_application)?;
        let (seat_index, media) = (live.free_seat(pending.seat_index)?, pending.media);
        self.take_request(Kind::Application, guest);
        self.accepted(guest, seat_index, media, operator);
        DONE
    }

    fn reject_application(&mut self, guest: &UserId, by: By) -> Settled {
        self.take_request(Kind::Application, guest).ok_or_else(no_application)?;
        self.effects.tell(guest, ToGuest::ApplicationRejected { by: by.clone() });
        if let Some(user) = self.user_of(guest) {
            self.effects.say(Event::ApplicationProcessed { user, accepted: false, by });
        }
        DONE
    }

    fn invite(&mut self, now: Instant, wish: InviteToSeat, by: By) -> Settled {
        let guest = wish.invitee_id;
        let invitation_id = self.effects.invitation_id();
        let live = self.live.as_mut().ok_or_else(not_in_room)?;
        let Some(member) = live.member(&guest) else {
            return Err(Refusal::new(Code::UserNotInRoom, format!("{guest} is not inside the room")));
        };
        if let Some(seat) = member.seat {
            return Err(Refusal::new(Code::UserAlreadyOnSeat, format!("{guest} is on seat {seat}")));
        }
        if live.invitations.get(&guest).is_some() {
            return Err(Refusal::new(Code::RequestRepeated, format!("{guest} is invited already")));
        }
        live.free_seat(wish.seat_index)?;
        let expires = Deadline(wish.timeout.duration().map(|timeout| now + timeout));
        let pending = Pending {
            seat_index: wish.seat_index,
            media: wish.media,
            extra_info: wish.extra_info.clone(),
            expires,
            invitation: Some((invitation_id.clone(), by.clone())),
        };
        live.invitations.push(guest.clone(), pending);
        if let Some(at) = expires.0 {
            self.effects.set_timer(at, Timer::Invitation(guest.clone()));
        }
        let invitation = Invitation {
            invitation_id,
            seat_index: wish.seat_index,
            media: wish.media,
            timeout: wish.timeout,
            extra_info: wish.extra_info,
            by,
        };
        self.effects.tell(&guest, ToGuest::Invitation(invitation));
        DONE
    }

    fn cancel_invitation(&mut self, guest: &UserId, by: By) -> Settled {
        let pending = self
            .take_request(Kind::Invitation, guest)
            .ok_or_else(|| Refusal::new(Code::NoSuchInvitation, format!("{guest} is not invited")))?;
        if let Some((invitation_id, _)) = pending.invitation {
            self.effects.tell(guest, ToGuest::InvitationCancelled { invitation_id, by });
        }
        DONE
    }

    fn move_user(&mut self, wish: &MoveUserToSeat, by: &By) -> Settled {
        let from = self.seated(&wish.user_id)?;
        let live = self.live.as_ref().ok_or_else(not_in_room)?;
        let to = if wish.seat_index == ANY_SEAT {
            live.free_seat(ANY_SEAT)?
        } else {
            let (to, slot) = live.slot(wish.seat_index)?;
            if to == from {
                return DONE;
            }
            if slot.lock == Lock::Locked {
                return Err(locked(to));
            }
            let sitting = slot.occupant.as_ref().map(|occupant| occupant.user_id.clone());
            match (sitting, wish.policy) {
                (None, _) => {}
                (Some(_), MovePolicy::AbortWhenOccupied) => {
                    live.free_seat(wish.seat_index)?;
                }
                (Some(other), MovePolicy::SwapPosition) => {
                    self.swap(&wish.user_id, &other, by);
                    return DONE;
                }
                (Some(other), MovePolicy::ForceReplace) => {
                    self.unseat(&other, UnseatReason::Replaced, Some(by.clone()));
                }
            }
            to
        };
        let Some((_, occupant)) = self.live.as_mut().and_then(|live| live.stand(&wish.user_id)) else {
            return DONE;
        };
        if let Some(live) = &mut self.live {
            live.sit(to, occupant);
        }
        self.moved(&wish.user_id, from, to, by);
        DONE
    }

    fn swap(&mut self, one: &UserId, other: &UserId, by: &By) {
        let Some(live) = &mut self.live else { return };
        let (Some((a, first)), Some((b, second))) = (live.stand(one), live.stand(other)) else { return };
        live.sit(b, first);
        live.sit(a, second);
        self.moved(one, a, b, by);
        self.moved(other, b, a, by);
    }

    fn moved(&mut self, guest: &UserId, from: u32, to: u32, by: &By) {
        self.effects.change_room();
        self.effects.tell(guest, ToGuest::Moved { from, to, by: by.clone() });
        if let Some(user) = self.user_of(guest) {
            self.effects.say(Event::GuestMoved { user, from, to });
        }
    }

    fn lock(&mut self, seat_index: i64, by: &By) -> Settled {
        let (index, slot) = self.live.as_ref().ok_or_else(not_in_room)?.slot(seat_index)?;
        if slot.lock == Lock::Locked {
            return DONE;
        }
        if let Some(guest) = slot.occupant.as_ref().map(|occupant| occupant.user_id.clone()) {
            self.unseat(&guest, UnseatReason::SeatLocked, Some(by.clone()));
        }
        self.set_lock(index, Lock::Locked);
        DONE
    }

    fn unlock(&mut self, seat_index: i64) -> Settled {
        let (index, slot) = self.live.as_ref().ok_or_else(not_in_room)?.slot(seat_index)?;
        if slot.lock == Lock::Locked {
            self.set_lock(index, Lock::Open);
        }
        DONE
    }

    fn set_lock(&mut self, index: u32, lock: Lock) {
        let seats = self.live.as_mut().map(|live| &mut live.seats);
        let slot = seats.zip(usize::try_from(index).ok()).and_then(|(seats, index)| seats.get_mut(index));
        if let Some(slot) = slot {
            slot.lock = lock;
            self.effects.change_room();
        }
    }
}
