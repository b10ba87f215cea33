//! Ways onto a seat and off it.

use super::live::{Attendance, Kind, Occupant, Seen};
use super::{Grants, Host};
use crate::model::event::Event;
use crate::model::message::{DeviceKind, Grant, NoResponse, ToGuest, UnseatReason};
use crate::model::{By, Connection, LiveId, Media, User, UserId};

impl Host {
    /// Puts a guest of the audience on a free seat, ends what else it asked for, and says so.
    pub(super) fn seat(&mut self, guest: &UserId, seat_index: u32, media: Media) {
        let Some(live) = &mut self.live else { return };
        let Some(member) = live.members.get(guest) else { return };
        let user = member.user.clone();
        let connection = match member.attendance {
            Attendance::Here => Connection::Connecting,
            Attendance::Gone => Connection::Lost,
        };
        let occupant = Occupant {
            user_id: guest.clone(),
            media,
            microphone: live.bans.switch(guest, DeviceKind::Microphone),
            camera: live.bans.switch(guest, DeviceKind::Camera),
            returned: None,
            connection,
            seen: Seen::NotLive,
        };
        live.sit(seat_index, occupant);
        let grant = grant(&self.settings.grant, &live.live_id, guest);
        self.effects.change_room();
        self.effects.tell(guest, ToGuest::Seated { seat_index, media, grant });
        self.say_bans(guest);
        self.effects.say(Event::GuestSeated { user, seat_index });
        self.end_request(Kind::Application, guest, NoResponse::AlreadySeated);
        self.end_request(Kind::Invitation, guest, NoResponse::AlreadySeated);
    }

    /// Takes a guest off its seat: media first, then the word.
    pub(super) fn unseat(&mut self, guest: &UserId, reason: UnseatReason, by: Option<By>) {
        self.close_peer(guest);
        self.media_lost(guest);
        let Some((seat_index, _)) = self.live.as_mut().and_then(|live| live.stand(guest)) else { return };
        self.effects.change_room();
        self.effects.tell(guest, ToGuest::Unseated { seat_index, reason, by });
        if let Some(user) = self.user_of(guest) {
            self.effects.say(Event::GuestUnseated { user, seat_index, reason });
        }
    }

    /// Ends a pending request without an answer, on both sides; nothing if there is none.
    pub(super) fn end_request(&mut self, kind: Kind, guest: &UserId, reason: NoResponse) {
        let Some(pending) = self.take_request(kind, guest) else { return };
        let Some(user) = self.user_of(guest) else { return };
        match (kind, pending.invitation) {
            (Kind::Application, _) => {
                self.effects.tell(guest, ToGuest::ApplicationNoResponse { reason });
                self.effects.say(Event::HostApplicationNoResponse { user, reason });
            }
            (Kind::Invitation, invitation) => {
                if let Some((invitation_id, _)) = invitation {
                    self.effects.tell(guest, ToGuest::InvitationNoResponse { invitation_id, reason });
                }
                self.effects.say(Event::HostInvitationNoResponse { user, reason });
            }
        }
    }

    /// Somebody is no longer inside: it has no seat and no request any more.
    pub(super) fn forget(&mut self, guest: &UserId) {
        let Some(live) = &mut self.live else { return };
        let Some(member) = live.members.remove(guest) else { return };
        live.candidates.remove(&member.order);
        if live.bans.forget(guest) {
            self.effects.change_room();
        }
        self.effects.cancel_timer(&super::Timer::Hold(guest.clone()));
        self.effects.unwatch(guest.clone());
        self.effects.say(Event::GuestLeft { user: member.user });
    }

    pub(super) fn user_of(&self, guest: &UserId) -> Option<User> {
        self.live.as_ref()?.member(guest).map(|member| member.user.clone())
    }

    pub(super) fn set_connection(&mut self, guest: &UserId, connection: Connection) {
        let Some((_, occupant)) = self.live.as_mut().and_then(|live| live.occupant(guest)) else { return };
        if occupant.connection == connection {
            return;
        }
        occupant.connection = connection;
        self.effects.change_room();
        if let Some(user) = self.user_of(guest) {
            self.effects.say(Event::GuestConnection { user, connection });
        }
    }
}

/// Where the media of this guest go.
pub(super) fn grant(grants: &Grants, live_id: &LiveId, guest: &UserId) -> Grant {
    let fill = |url: &Option<String>| {
        url.as_ref()
            .map(|url| url.replace("{live_id}", live_id.as_str()).replace("{user_id}", guest.as_str()))
    };
    match grants {
        Grants::Stage(stage) => Grant::Mqtt { stage: stage.clone() },
        Grants::Whip { publish_url, token, playback_url } => Grant::Whip {
            publish_url: fill(publish_url),
            token: token.clone(),
            playback_url: fill(playback_url),
        },
    }
}
