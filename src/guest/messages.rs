//! What the host says.

use std::time::Instant;

use super::room::Consent;
use super::seat::Given;
use super::{Guest, requests::Purpose};
use crate::model::event::Event;
use crate::model::message::{Grant, NoResponse, Outcome, ToGuest, ToHost, UnseatReason};
use crate::model::{By, DeviceSwitch, LiveId, Media, RequestId};

impl Guest {
    pub(super) fn message(&mut self, now: Instant, live_id: &LiveId, message: ToGuest) {
        let Some(room) = self.room.as_ref().filter(|room| room.live_id == *live_id) else { return };
        if let ToGuest::Result { request_id, outcome } = message {
            return self.result(now, &request_id, outcome);
        }
        if !room.is_inside() {
            return;
        }
        let taken_for_gone = matches!(
            message,
            ToGuest::ApplicationNoResponse { reason: NoResponse::Offline }
                | ToGuest::InvitationNoResponse { reason: NoResponse::Offline, .. }
                | ToGuest::Unseated { reason: UnseatReason::Offline, .. }
        );
        match message {
            ToGuest::Result { .. } => {}
            ToGuest::ApplicationAccepted { seat_index, media, by } => {
                self.application_accepted(now, seat_index, media, by);
            }
            ToGuest::ApplicationRejected { by } => {
                if self.take_application().is_some() {
                    self.effects.say(Event::ApplicationRejected { by });
                }
            }
            ToGuest::ApplicationNoResponse { reason } => self.end_application(reason),
            ToGuest::Invitation(invitation) => self.invited(now, invitation),
            ToGuest::InvitationCancelled { invitation_id, by } => {
                self.invitation_cancelled(&invitation_id, by);
            }
            ToGuest::InvitationNoResponse { invitation_id, reason } => {
                self.end_invitation(&invitation_id, reason);
            }
            ToGuest::Seated { seat_index, media, grant } => self.seated(now, seat_index, media, grant),
            ToGuest::Unseated { seat_index, reason, by } => self.unseated(now, seat_index, reason, by),
            ToGuest::Moved { from, to, by } => self.moved(from, to, by),
            ToGuest::DeviceControl { device, action, by } => self.device_control(now, device, action, by),
            ToGuest::LiveEnded {} => self.live_over(now),
            ToGuest::Signal(signal) => self.signal_in(now, signal),
        }
        if taken_for_gone {
            self.join_unless_lately(now);
        }
    }

    fn result(&mut self, now: Instant, request_id: &RequestId, outcome: Outcome) {
        if self.room.as_ref().is_some_and(|room| room.join.as_ref() == Some(request_id)) {
            return self.join_answered(now, outcome);
        }
        if let Some(request) = self.take_pending(request_id) {
            self.answered(now, request, outcome);
        } else {
            self.answered_late(now, request_id, &outcome);
        }
    }

    fn application_accepted(&mut self, now: Instant, seat_index: u32, media: Media, by: By) {
        let Some(asked) = self.take_asked_media() else { return };
        self.effects.say(Event::ApplicationAccepted { seat_index, by });
        if let Some(room) = &mut self.room {
            room.consent = Some(Consent { media: least(asked, media), at: now });
        }
    }

    /// What the application asked for: of the pending one, or of one that is still on its way.
    fn take_asked_media(&mut self) -> Option<Media> {
        if let Some(applied) = self.take_application() {
            return Some(applied.application.media);
        }
        self.requests.iter().find_map(|request| match &request.purpose {
            Purpose::Apply(application) => Some(application.media),
            Purpose::Cancel
            | Purpose::Accept { .. }
            | Purpose::Reject(_)
            | Purpose::LeaveSeat
            | Purpose::Devices => None,
        })
    }

    /// What this guest agreed to, if it did (rule 18).
    fn take_consent(&mut self, now: Instant) -> Option<Consent> {
        if let Some(consent) = self.room.as_mut().and_then(|room| room.consent.take()) {
            return Some(consent);
        }
        let accepted = self.requests.iter().find_map(|request| match &request.purpose {
            Purpose::Accept { invitation_id, at } => Some((invitation_id.clone(), (*at)?)),
            Purpose::Apply(_)
            | Purpose::Cancel
            | Purpose::Reject(_)
            | Purpose::LeaveSeat
            | Purpose::Devices => None,
        });
        if let Some((id, at)) = accepted {
            let media = self.take_invitation(&id).map(|invited| invited.invitation.media)?;
            return Some(Consent { media, at });
        }
        self.take_asked_media().map(|media| Consent { media, at: now })
    }

    fn seated(&mut self, now: Instant, seat_index: u32, media: Media, grant: Grant) {
        if self.stay.is_some() {
            return;
        }
        let Some(consent) = self.take_consent(now) else {
            self.request(now, Purpose::LeaveSeat, ToHost::LeaveSeat, None);
            return;
        };
        self.begin_stay(
            now,
            Given {
                seat_index,
                media: least(consent.media, media),
                grant,
                accepted: consent.at,
                camera: DeviceSwitch::On,
                microphone: DeviceSwitch::On,
            },
        );
        self.end_other_requests();
    }

    fn unseated(&mut self, now: Instant, seat_index: u32, reason: UnseatReason, by: Option<By>) {
        if self.stay.as_ref().is_some_and(|stay| stay.seat_index == seat_index) {
            self.leave_stay(now, reason, by, Vec::new());
        }
    }

    fn moved(&mut self, from: u32, to: u32, by: By) {
        let Some(stay) = self.stay.as_mut().filter(|stay| stay.seat_index == from) else { return };
        stay.seat_index = to;
        self.effects.say(Event::SeatMoved { from, to, by });
    }
}

/// The less of what was agreed to and what is given.
pub(super) fn least(agreed: Media, given: Media) -> Media {
    match (agreed, given) {
        (Media::Video, Media::Video) => Media::Video,
        (Media::Audio, _) | (_, Media::Audio) => Media::Audio,
    }
}

/// What a device of a seat that was just agreed to does: it opens, unless the host keeps it closed.
pub(super) fn open_unless_banned(switch: DeviceSwitch) -> DeviceSwitch {
    match switch {
        DeviceSwitch::ClosedByAdmin => DeviceSwitch::ClosedByAdmin,
        DeviceSwitch::On | DeviceSwitch::Off => DeviceSwitch::On,
    }
}
