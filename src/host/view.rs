//! What others see: the public room, and the host's own snapshot.

use super::live::{Live, Lock, Pending};
use super::{Grants, Host};
use crate::model::state::{Connected, Cut, HostState, LIST_MAX, PendingRequest, RoomMembership};
use crate::model::{RoomState, RoomStatus, Seat, UserId};

/// Longest summary in characters.
const SUMMARY_MAX: usize = 120;

impl Host {
    /// The room as it is published.
    pub(super) fn room(&self, live: &Live) -> RoomState {
        RoomState {
            live_id: live.live_id.clone(),
            status: RoomStatus::Live,
            host: self.settings.user.clone(),
            session: self.session.clone(),
            seat_mode: live.seat_mode,
            stage: match &self.settings.grant {
                Grants::Stage(stage) => Some(stage.clone()),
                Grants::Whip { .. } => None,
            },
            revision: self.revision,
            seats: (0..).zip(&live.seats).map(|(index, slot)| seat(live, index, slot)).collect(),
            banned: super::bans::unseated(live),
        }
    }

    /// The state of this daemon; its cost does not grow with the audience.
    pub fn snapshot(&self) -> HostState {
        let membership = match (&self.live, &self.starting) {
            (Some(_), _) => RoomMembership::Inside,
            (None, Some(_)) => RoomMembership::Joining,
            (None, None) => RoomMembership::Outside,
        };
        let mut state = HostState {
            live_id: self.live.as_ref().map(|live| live.live_id.clone()),
            membership,
            applicants: Cut { shown: Vec::new(), total: 0 },
            invitees: Cut { shown: Vec::new(), total: 0 },
            connected: Vec::new(),
            candidates: Cut { shown: Vec::new(), total: 0 },
            speaking: Vec::new(),
            last_error: self.effects.last_error().cloned(),
            summary: self.summary(),
        };
        if state.live_id.is_none() {
            state.live_id = self.starting.as_ref().map(|starting| starting.live_id.clone());
        }
        if let Some(live) = &self.live {
            fill(&mut state, live);
        }
        state
    }

    fn summary(&self) -> String {
        let sentence = match (&self.live, &self.starting) {
            (Some(live), _) => {
                let seated = live.seats.iter().filter(|slot| slot.occupant.is_some()).count();
                let away = if self.broker_is_there() { "" } else { ", waiting for the broker" };
                let waiting = match live.applications.len() {
                    0 => String::new(),
                    1 => ", 1 application waits for an operator".to_owned(),
                    many => format!(", {many} applications wait for an operator"),
                };
                format!(
                    "live in {}, {seated} of {} seats taken{waiting}{away}",
                    live.live_id,
                    live.seats.len()
                )
            }
            (None, Some(starting)) => {
                format!("starting {}, waiting for the broker to say what is there", starting.live_id)
            }
            (None, None) => "not live, waiting for start_live".to_owned(),
        };
        sentence.chars().take(SUMMARY_MAX).collect()
    }
}

fn fill(state: &mut HostState, live: &Live) {
    let request = |(guest, pending): (&UserId, &Pending)| {
        Some(PendingRequest {
            user: live.member(guest)?.user.clone(),
            seat_index: pending.seat_index,
            media: pending.media,
            expires: pending.expires,
            by: pending.invitation.as_ref().map(|(_, by)| by.clone()),
        })
    };
    state.applicants = Cut {
        shown: live.applications.iter().take(LIST_MAX).filter_map(request).collect(),
        total: live.applications.len(),
    };
    state.invitees = Cut {
        shown: live.invitations.iter().take(LIST_MAX).filter_map(request).collect(),
        total: live.invitations.len(),
    };
    let user = |guest: &UserId| live.member(guest).map(|member| member.user.clone());
    state.candidates = Cut {
        shown: live.candidates.values().take(LIST_MAX).filter_map(user).collect(),
        total: live.candidates.len(),
    };
    state.connected = (0..)
        .zip(&live.seats)
        .filter_map(|(seat_index, slot)| {
            let occupant = slot.occupant.as_ref()?;
            Some(Connected { user: user(&occupant.user_id)?, seat_index, connection: occupant.connection })
        })
        .collect();
    let seated = |who: &&UserId| live.member(who).is_some_and(|member| member.seat.is_some());
    state.speaking = live.speaking.iter().filter(seated).cloned().collect();
}

fn seat(live: &Live, index: u32, slot: &super::live::Slot) -> Seat {
    let mut seat = Seat::empty(index);
    seat.locked = slot.lock == Lock::Locked;
    if let Some(occupant) = &slot.occupant {
        seat.user = live.member(&occupant.user_id).map(|member| member.user.clone());
        seat.media = Some(occupant.media);
        seat.microphone = occupant.microphone;
        seat.camera = occupant.camera;
        seat.connection = Some(occupant.connection);
    }
    seat
}
