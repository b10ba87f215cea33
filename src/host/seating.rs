//! Ways onto a seat and off it.

use super::live::{Attendance, Kind, Occupant, Seen};
use super::{Grants, Host, Output, Page};
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
            Attendance::Gone(_) => Connection::Lost,
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
        self.page = Page::Changed;
        self.tell(guest, ToGuest::Seated { seat_index, media, grant });
        self.say_bans(guest);
        self.say(Event::GuestSeated { user, seat_index });
        self.end_request(Kind::Application, guest, NoResponse::AlreadySeated);
        self.end_request(Kind::Invitation, guest, NoResponse::AlreadySeated);
    }

    /// Takes a guest off its seat: media first, then the word.
    pub(super) fn unseat(&mut self, guest: &UserId, reason: UnseatReason, by: Option<By>) {
        self.close_peer(guest);
        self.media_lost(guest);
        let Some((seat_index, _)) = self.live.as_mut().and_then(|live| live.stand(guest)) else { return };
        self.page = Page::Changed;
        self.tell(guest, ToGuest::Unseated { seat_index, reason, by });
        if let Some(user) = self.user_of(guest) {
            self.say(Event::GuestUnseated { user, seat_index, reason });
        }
    }

    /// Ends a pending request without an answer, on both sides; nothing if there is none.
    pub(super) fn end_request(&mut self, kind: Kind, guest: &UserId, reason: NoResponse) {
        let Some(pending) = self.take_request(kind, guest) else { return };
        let Some(user) = self.user_of(guest) else { return };
        match (kind, pending.invitation) {
            (Kind::Application, _) => {
                self.tell(guest, ToGuest::ApplicationNoResponse { reason });
                self.say(Event::HostApplicationNoResponse { user, reason });
            }
            (Kind::Invitation, invitation) => {
                if let Some((invitation_id, _)) = invitation {
                    self.tell(guest, ToGuest::InvitationNoResponse { invitation_id, reason });
                }
                self.say(Event::HostInvitationNoResponse { user, reason });
            }
        }
    }

    /// Somebody is no longer inside: it has no seat and no request any more.
    pub(super) fn forget(&mut self, guest: &UserId) {
        let Some(live) = &mut self.live else { return };
        let Some(member) = live.members.remove(guest) else { return };
        live.candidates.remove(&member.order);
        if live.bans.forget(guest) {
            self.page = Page::Changed;
        }
        if let Attendance::Gone(until) = member.attendance {
            self.timers.cancel(until, super::Timer::Hold(guest.clone()));
        }
        self.outputs.push_back(Output::Unwatch(guest.clone()));
        self.say(Event::GuestLeft { user: member.user });
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
        self.page = Page::Changed;
        if let Some(user) = self.user_of(guest) {
            self.say(Event::GuestConnection { user, connection });
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
