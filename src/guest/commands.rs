//! What operators ask for.

use std::time::{Duration, Instant};

use super::devices::closed_by_admin;
use super::requests::Purpose;
use super::seat::Word;
use super::{DONE, Guest, Timer, not_in_room};
use crate::model::command::{Answer, DeviceCommand, GuestCommand, SetUserInfo, Settled};
use crate::model::media::Ask;
use crate::model::message::{Application, DeviceKind, Invitation, ToHost, UnseatReason};
use crate::model::volume::Loudness;
use crate::model::{Code, DeviceSwitch, Refusal, User, UserId};

/// How long the camera may take for a picture.
const PICTURE: Duration = Duration::from_secs(3);

/// Most pictures that are waited for at once.
const PICTURES_MAX: usize = 16;

impl Guest {
    pub(super) fn guest_command(&mut self, now: Instant, command: GuestCommand) -> Settled {
        match command {
            GuestCommand::JoinLive(wish) => self.join_live(now, wish.live_id),
            GuestCommand::LeaveLive => self.leave_live(now),
            GuestCommand::Disconnect => self.disconnect(now),
            GuestCommand::ApplyForSeat(_)
            | GuestCommand::CancelApplication
            | GuestCommand::AcceptInvitation(_)
            | GuestCommand::RejectInvitation(_)
                if !self.room.as_ref().is_some_and(super::room::Room::is_inside) =>
            {
                Err(not_in_room())
            }
            GuestCommand::ApplyForSeat(wish) => self.apply_for_seat(now, wish),
            GuestCommand::CancelApplication => self.cancel_application(now),
            GuestCommand::AcceptInvitation(wish) => {
                let invitation_id = self.invitation_of(wish.inviter_id.as_ref())?.invitation_id.clone();
                let purpose = Purpose::Accept { invitation_id: invitation_id.clone(), at: Some(now) };
                self.command_request(now, purpose, ToHost::AcceptInvitation { invitation_id })
            }
            GuestCommand::RejectInvitation(wish) => {
                let invitation_id = self.invitation_of(wish.inviter_id.as_ref())?.invitation_id.clone();
                let purpose = Purpose::Reject(invitation_id.clone());
                self.command_request(now, purpose, ToHost::RejectInvitation { invitation_id })
            }
        }
    }

    /// Done here, whether or not there is a host to tell: the seat first, then the room.
    fn leave_live(&mut self, now: Instant) -> Settled {
        let Some(room) = &self.room else { return Err(not_in_room()) };
        let live_id = room.live_id.clone();
        self.settings.standing_room = None;
        self.settle_requests(|| Refusal::new(Code::NotInRoom, "the room was left"));
        let ticket = self.effects.ticket();
        let mut words = Vec::new();
        if self.stay.is_some() {
            words.push(Word::ToHost(live_id.clone(), ToHost::LeaveSeat));
        }
        // Also where the room was not seen yet: the host may know this guest from before.
        words.push(Word::ToHost(live_id, ToHost::Leave));
        words.push(Word::Done(ticket));
        self.leave_stay(now, UnseatReason::Left, None, words);
        self.forget_room();
        Ok(Answer::Pending(ticket))
    }

    fn disconnect(&mut self, now: Instant) -> Settled {
        let (Some(room), Some(_)) = (&self.room, &self.stay) else {
            return Err(Refusal::new(Code::UserNotInSeat, "the guest is on no seat"));
        };
        let live_id = room.live_id.clone();
        let ticket = self.effects.ticket();
        let words = vec![Word::ToHost(live_id, ToHost::LeaveSeat), Word::Done(ticket)];
        self.leave_stay(now, UnseatReason::Left, None, words);
        Ok(Answer::Pending(ticket))
    }

    fn apply_for_seat(&mut self, now: Instant, wish: Application) -> Settled {
        if let Some(stay) = &self.stay {
            let why = format!("the guest is on seat {}", stay.seat_index);
            return Err(Refusal::new(Code::AlreadyInSeat, why));
        }
        // One that is on its way counts: were it given up, its cancellation would end whichever the host has.
        if self.room.as_ref().is_some_and(|room| room.applied.is_some())
            || self.waits_for(|purpose| matches!(purpose, Purpose::Apply(_)))
        {
            return Err(Refusal::new(Code::AlreadyOnSeatQueue, "an application is pending already"));
        }
        let applied = self.command_request(now, Purpose::Apply(wish.clone()), ToHost::Apply(wish))?;
        self.effects.ask(Ask::Prepare);
        Ok(applied)
    }

    fn cancel_application(&mut self, now: Instant) -> Settled {
        let pending = self.room.as_ref().is_some_and(|room| room.applied.is_some());
        if !pending && !self.waits_for(|purpose| matches!(purpose, Purpose::Apply(_))) {
            return Err(Refusal::new(Code::NotOnSeatQueue, "no application is pending"));
        }
        self.command_request(now, Purpose::Cancel, ToHost::CancelApplication)
    }

    fn invitation_of(&self, inviter: Option<&UserId>) -> Result<&Invitation, Refusal> {
        let invited = self.room.as_ref().map(|room| room.invited.as_slice()).unwrap_or_default();
        let mut of_inviter = invited
            .iter()
            .map(|invited| &invited.invitation)
            .filter(|invitation| inviter.is_none_or(|inviter| invitation.by.user.user_id == *inviter));
        let Some(first) = of_inviter.next() else {
            return Err(Refusal::new(Code::NoSuchInvitation, "no such invitation is pending"));
        };
        match (inviter, of_inviter.next()) {
            (None, Some(_)) => {
                Err(Refusal::invalid("inviter_id", "several invitations are pending: name the inviter"))
            }
            (Some(_), _) | (None, None) => Ok(first),
        }
    }

    pub(super) fn device_command(&mut self, now: Instant, command: DeviceCommand) -> Settled {
        match command {
            DeviceCommand::OpenLocalCamera => return self.open(now, DeviceKind::Camera),
            DeviceCommand::OpenLocalMicrophone => return self.open(now, DeviceKind::Microphone),
            DeviceCommand::CloseLocalCamera => return self.close(now, DeviceKind::Camera),
            DeviceCommand::CloseLocalMicrophone => return self.close(now, DeviceKind::Microphone),
            DeviceCommand::SwitchCamera(wish) => {
                self.device.camera.clone_from(&wish.camera);
                self.effects.ask(Ask::Camera(wish.camera));
            }
            DeviceCommand::SetCaptureVolume(wish) => {
                self.device.capture_volume = Loudness::Set(wish.volume);
                self.effects.ask(Ask::CaptureVolume(wish.volume));
            }
            DeviceCommand::SetOutputVolume(wish) => {
                self.device.output_volume = Loudness::Set(wish.volume);
                self.effects.ask(Ask::OutputVolume(wish.volume));
            }
            DeviceCommand::SetVideoQuality(wish) => {
                self.device.quality = wish.quality;
                self.effects.ask(Ask::Quality(wish.quality));
            }
            DeviceCommand::SetMirror(wish) => {
                self.device.mirror = wish.mirror;
                self.effects.ask(Ask::Mirror(wish.mirror));
            }
            DeviceCommand::SetUserInfo(info) => return self.set_user_info(now, info),
            DeviceCommand::TakeSnapshot => return self.take_snapshot(now),
            DeviceCommand::GetState => return Ok(Answer::State),
            // Answered by the shell, which knows the devices.
            DeviceCommand::ListDevices
            | DeviceCommand::GetCameraControls(_)
            | DeviceCommand::SetCameraControl(_) => {}
        }
        DONE
    }

    fn set_user_info(&mut self, now: Instant, info: SetUserInfo) -> Settled {
        let name = info.user_name.or_else(|| Some(self.user.user_name.clone()));
        let avatar = info.avatar_url.or_else(|| Some(self.user.avatar_url.clone()));
        let user = User::new(self.user.user_id.clone(), name, avatar)
            .map_err(|why| Refusal::invalid("avatar_url", why))?;
        if user != self.user {
            self.user = user.clone();
            self.effects.ask(Ask::Label(user));
            self.join_if_inside(now);
        }
        DONE
    }

    fn take_snapshot(&mut self, now: Instant) -> Settled {
        let closed = || Refusal::new(Code::PermissionDenied, "the camera is closed");
        let stay = self.stay.as_mut().ok_or_else(closed)?;
        match stay.camera.switch {
            DeviceSwitch::ClosedByAdmin => return Err(closed_by_admin(DeviceKind::Camera)),
            DeviceSwitch::Off => return Err(closed()),
            DeviceSwitch::On => {}
        }
        if stay.pictures.len() >= PICTURES_MAX {
            return Err(Refusal::new(Code::RateLimited, "too many pictures are being taken"));
        }
        let ticket = self.effects.ticket();
        stay.pictures.push(ticket);
        self.effects.set_timer(now + PICTURE, Timer::Snapshot(ticket));
        self.effects.ask(Ask::Snapshot { ticket });
        Ok(Answer::Pending(ticket))
    }
}
