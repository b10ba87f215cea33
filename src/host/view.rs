//! What others see: the public room, the host's own snapshot, and what a guest is told of itself. Pure functions.

use std::collections::BTreeSet;
use std::time::Instant;

use super::contract::{Grants, Settings};
use super::live::Live;
use super::queue::{Pending, RequestQueue};
use super::seats::{Lock, SeatSlot};
use super::starting::Starting;
use crate::model::message::{Application, Invitation, Membership, OwnSeat};
use crate::model::state::{Connected, Cut, HostState, LIST_MAX, PendingRequest, RoomMembership};
use crate::model::{By, LiveId, Presence, Refusal, RoomState, RoomStatus, Seat, UserId};

/// Longest summary in characters.
const SUMMARY_MAX: usize = 120;

/// The room as it is published.
pub(super) fn room(live: &Live, settings: &Settings, session: &str, revision: u64) -> RoomState {
    RoomState {
        live_id: live.live_id().clone(),
        status: RoomStatus::Live,
        host: settings.user.clone(),
        session: session.to_owned(),
        seat_mode: live.seat_mode(),
        stage: match &settings.grant {
            Grants::Stage(stage) => Some(stage.clone()),
            Grants::Whip { .. } => None,
        },
        revision,
        seats: live.stays().seats().iter().map(|(index, slot)| seat(live, index, slot)).collect(),
        banned: live.stays().seats().banned_in_audience(),
    }
}

/// The same room once the live is over.
pub(super) fn ended(room: RoomState) -> RoomState {
    let seats = room.seats.iter().map(|seat| Seat::empty(seat.index)).collect();
    RoomState { status: RoomStatus::Ended, stage: None, seats, banned: Vec::new(), ..room }
}

fn seat(live: &Live, index: u32, slot: &SeatSlot) -> Seat {
    let mut seat = Seat::empty(index);
    seat.locked = slot.lock == Lock::Locked;
    if let Some(occupant) = &slot.occupant {
        seat.user = Some(occupant.user.clone());
        seat.media = Some(occupant.media);
        seat.microphone = occupant.microphone;
        seat.camera = occupant.camera;
        seat.connection = live.stays().media().connection(&occupant.user.user_id);
    }
    seat
}

/// The snapshot without a live.
pub(super) fn idle(last_error: Option<&Refusal>) -> HostState {
    nobody(None, RoomMembership::Outside, last_error, "not live, waiting for start_live".to_owned())
}

/// The snapshot while a live is being started.
pub(super) fn starting(starting: &Starting, last_error: Option<&Refusal>) -> HostState {
    let live_id = starting.live_id();
    let summary = format!("starting {live_id}, waiting for the broker to say what is there");
    nobody(Some(live_id), RoomMembership::Joining, last_error, summary)
}

fn nobody(
    live_id: Option<&LiveId>,
    membership: RoomMembership,
    last_error: Option<&Refusal>,
    summary: String,
) -> HostState {
    HostState {
        live_id: live_id.cloned(),
        membership,
        applicants: Cut { shown: Vec::new(), total: 0 },
        invitees: Cut { shown: Vec::new(), total: 0 },
        connected: Vec::new(),
        candidates: Cut { shown: Vec::new(), total: 0 },
        speaking: Vec::new(),
        watching: Cut { shown: Vec::new(), total: 0 },
        last_error: last_error.cloned(),
        summary: summary.chars().take(SUMMARY_MAX).collect(),
    }
}

/// The snapshot of a live; its cost does not grow with the audience.
pub(super) fn live(live: &Live, broker: Presence, last_error: Option<&Refusal>) -> HostState {
    let (seats, media) = (live.stays().seats(), live.stays().media());
    let connected: Vec<Connected> = seats
        .occupants()
        .filter_map(|(seat_index, occupant)| {
            let connection = media.connection(&occupant.user.user_id)?;
            Some(Connected { user: occupant.user.clone(), seat_index, connection })
        })
        .collect();
    let seated: BTreeSet<&UserId> = seats.guests().collect();
    let candidates = live.audience().iter().filter(|user| !seated.contains(&user.user_id));
    let candidates = Cut {
        shown: candidates.take(LIST_MAX).cloned().collect(),
        total: live.audience().len() - seated.len(),
    };
    HostState {
        applicants: cut(live, live.requests().applications(), |()| None),
        invitees: cut(live, live.requests().invitations(), |invited| Some(invited.by.clone())),
        connected,
        candidates,
        speaking: media.speaking().cloned().collect(),
        watching: media.viewers().shown(),
        ..nobody(
            Some(live.live_id()),
            RoomMembership::Inside,
            last_error,
            summary(live, seated.len(), broker),
        )
    }
}

fn cut<D>(live: &Live, queue: &RequestQueue<D>, by: impl Fn(&D) -> Option<By>) -> Cut<PendingRequest> {
    let request = |(guest, pending): (&UserId, &Pending<D>)| {
        Some(PendingRequest {
            user: live.audience().user(guest)?.clone(),
            seat_index: pending.seat_index,
            media: pending.media,
            expires: pending.expires,
            extra_info: pending.extra_info.clone(),
            by: by(&pending.detail),
        })
    };
    Cut { shown: queue.iter().take(LIST_MAX).filter_map(request).collect(), total: queue.len() }
}

fn summary(live: &Live, seated: usize, broker: Presence) -> String {
    let away = match broker {
        Presence::Online => "",
        Presence::Offline => ", waiting for the broker",
    };
    let waiting = match live.requests().applications().len() {
        0 => String::new(),
        1 => ", 1 application waits for an operator".to_owned(),
        many => format!(", {many} applications wait for an operator"),
    };
    let seats = live.stays().seats().len();
    format!("live in {}, {seated} of {seats} seats taken{waiting}{away}", live.live_id())
}

/// What the host has of a guest, for the answer to its `join`.
pub(super) fn membership(live: &Live, guest: &UserId, settings: &Settings, now: Instant) -> Membership {
    let seats = live.stays().seats();
    let seat = seats.occupant(guest).map(|(seat_index, occupant)| OwnSeat {
        seat_index,
        media: occupant.media,
        grant: settings.grant.of(live.live_id(), guest),
        camera: occupant.camera,
        microphone: occupant.microphone,
    });
    let application = live.requests().applications().get(guest).map(|pending| Application {
        seat_index: pending.seat_index,
        timeout: pending.left(now),
        media: pending.media,
        extra_info: pending.extra_info.clone(),
    });
    let invitation = live.requests().invitations().get(guest).map(|pending| Invitation {
        invitation_id: pending.detail.invitation_id.clone(),
        seat_index: pending.seat_index,
        media: pending.media,
        timeout: pending.left(now),
        extra_info: pending.extra_info.clone(),
        by: pending.detail.by.clone(),
    });
    let banned = Some(seats.bans_of(guest).map(|(device, _)| device).collect());
    Membership { seat, application, invitations: invitation.into_iter().collect(), banned }
}
