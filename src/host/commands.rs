//! What an operator asks for: one arm for each command. The rules are where the arms lead.

use std::time::Instant;

use super::contract::Settings;
use super::effects::Effects;
use super::live::Live;
use super::starting::other_room;
use crate::model::command::{Answer, DeviceCommand, HostCommand, SetUserInfo, Settled};
use crate::model::message::DeviceKind;
use crate::model::{Code, Operator, Refusal, User};

/// What came of a command.
#[derive(Debug)]
pub(super) enum CommandOutcome {
    Settled(Settled),
    /// Everything was said for the end of the live.
    LiveEnded,
}

/// A command while a live runs.
pub(super) fn carry_out(
    live: &mut Live,
    (operator, command): (Option<Operator>, HostCommand),
    now: Instant,
    settings: &Settings,
    effects: &mut Effects,
) -> CommandOutcome {
    let by = settings.by(operator.clone());
    CommandOutcome::Settled(match command {
        HostCommand::StartLive(wish) if wish.live_id == *live.live_id() => Ok(Answer::Done),
        HostCommand::StartLive(_) => Err(other_room(live.live_id())),
        HostCommand::EndLive => {
            live.end(&settings.by(None), effects);
            return CommandOutcome::LiveEnded;
        }
        HostCommand::AcceptApplication(who) => live.accept_application(&who.user_id, by, settings, effects),
        HostCommand::RejectApplication(who) => live.reject_application(&who.user_id, by, effects),
        HostCommand::InviteToSeat(wish) => live.invite(wish, by, now, effects),
        HostCommand::CancelInvitation(who) => live.cancel_invitation(&who.invitee_id, by, effects),
        HostCommand::KickUserOutOfSeat(who) => live.stays_mut().kick(&who.user_id, by, effects),
        HostCommand::TakeSeatSnapshot(who) => live.stays_mut().take_snapshot(&who.user_id, now, effects),
        HostCommand::SetReturn(wish) => live.stays_mut().set_return(&wish, settings, effects),
        HostCommand::Watch(who) => {
            let (live_id, stays) = live.watched();
            stays.watch((live_id, &who.user_id), operator, now, settings, effects)
        }
        HostCommand::WatchAnswer(wish) => live.stays_mut().viewers_mut().answer(wish, effects),
        HostCommand::Talk(wish) => live.stays_mut().viewers_mut().talk(&wish, effects),
        HostCommand::Unwatch(wish) => live.stays_mut().viewers_mut().unwatch(&wish.session, effects),
        HostCommand::MoveUserToSeat(wish) => live.stays_mut().relocate(&wish, &by, effects),
        HostCommand::LockSeat(seat) => live.stays_mut().lock(seat.seat_index, by, effects),
        HostCommand::UnlockSeat(seat) => live.stays_mut().unlock(seat.seat_index, effects),
        HostCommand::CloseRemoteCamera(who) => {
            live.stays_mut().ban(&who.user_id, DeviceKind::Camera, by, settings, effects)
        }
        HostCommand::CloseRemoteMicrophone(who) => {
            live.stays_mut().ban(&who.user_id, DeviceKind::Microphone, by, settings, effects)
        }
        HostCommand::OpenRemoteCamera(who) => {
            live.stays_mut().lift(&who.user_id, DeviceKind::Camera, by, effects)
        }
        HostCommand::OpenRemoteMicrophone(who) => {
            live.stays_mut().lift(&who.user_id, DeviceKind::Microphone, by, effects)
        }
    })
}

/// A host has no devices of its own: what would open or change one is refused, what closes one is done already.
pub(super) fn carry_out_on_device(
    command: DeviceCommand,
    settings: &mut Settings,
    effects: &mut Effects,
) -> Settled {
    match command {
        DeviceCommand::GetState => Ok(Answer::State),
        DeviceCommand::SetUserInfo(info) => set_user_info(info, &mut settings.user, effects),
        DeviceCommand::OpenLocalCamera | DeviceCommand::OpenLocalMicrophone => {
            Err(Refusal::new(Code::UserNotInSeat, "a host has no camera and microphone of its own"))
        }
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
        | DeviceCommand::SetCameraControl(_) => Ok(Answer::Done),
    }
}

fn set_user_info(info: SetUserInfo, own: &mut User, effects: &mut Effects) -> Settled {
    let name = info.user_name.or_else(|| Some(own.user_name.clone()));
    let avatar = info.avatar_url.or_else(|| Some(own.avatar_url.clone()));
    let user =
        User::new(own.user_id.clone(), name, avatar).map_err(|why| Refusal::invalid("avatar_url", why))?;
    if user != *own {
        *own = user;
        effects.change_room();
    }
    Ok(Answer::Done)
}
