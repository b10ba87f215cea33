//! The state of this guest as it is published, and the one sentence in it.

use super::capture::StayCapture;
use super::consent::Consent;
use super::farewell::Farewell;
use super::member::RoomMember;
use super::preferences::DevicePreferences;
use super::room::{Room, RoomPhase};
use super::seat::GuestSeat;
use super::stay::Stay;
use crate::model::message::{ANY_SEAT, DeviceKind};
use crate::model::sound::SpeakerStatus;
use crate::model::state::{
    CameraState, DeviceStatus, GuestState, MicrophoneState, Network, RoomMembership, SeatState,
};
use crate::model::{DeviceSwitch, LiveId, Media, Phase, Presence, Refusal};

/// Longest summary in characters.
const SUMMARY_MAX: usize = 120;

/// The parts of a guest that others see.
pub(super) struct GuestParts<'a> {
    pub(super) member: &'a RoomMember,
    pub(super) seat: &'a GuestSeat,
    pub(super) preferences: &'a DevicePreferences,
    pub(super) last_error: Option<&'a Refusal>,
}

/// The state of this daemon.
pub(super) fn state(parts: &GuestParts<'_>) -> GuestState {
    let GuestParts { member, seat, preferences, .. } = *parts;
    let (room, consent) = (member.room(), member.consent());
    let stay = seat.stay();
    GuestState {
        live_id: room.live_id().cloned(),
        membership: match room.phase() {
            None => RoomMembership::Outside,
            Some(RoomPhase::Waiting | RoomPhase::Joining) => RoomMembership::Joining,
            Some(RoomPhase::Inside) => RoomMembership::Inside,
            Some(RoomPhase::HostLost) => RoomMembership::HostLost,
        },
        application: consent.application(),
        invitations: consent.invitations(),
        seat: seat_state(seat),
        camera: CameraState {
            status: device_status(DeviceKind::Camera, stay, preferences),
            device: preferences.id(DeviceKind::Camera).to_owned(),
            quality: preferences.quality(),
            sent: stay.and_then(|stay| stay.connection().sent()).map(|sent| sent.picture),
        },
        microphone: MicrophoneState {
            status: device_status(DeviceKind::Microphone, stay, preferences),
            device: preferences.id(DeviceKind::Microphone).to_owned(),
            volume: preferences.capture_volume(),
        },
        speaker: stay.map_or(SpeakerStatus::Off, |stay| stay.connection().speaker()),
        layers: preferences.layers(),
        network: stay.map_or(Network::UNKNOWN, Stay::network),
        last_error: parts.last_error.cloned(),
        summary: summary(parts),
    }
}

fn seat_state(seat: &GuestSeat) -> Option<SeatState> {
    match seat {
        GuestSeat::Standing => None,
        GuestSeat::Taken(stay) => Some(SeatState {
            index: stay.seat_index(),
            phase: stay.connection().phase(),
            media: stay.capture().media(),
        }),
        GuestSeat::Leaving(farewell) => {
            Some(SeatState { index: farewell.seat_index(), phase: Phase::Leaving, media: farewell.media() })
        }
    }
}

/// A device off the seat is off, or banned.
fn device_status(device: DeviceKind, stay: Option<&Stay>, preferences: &DevicePreferences) -> DeviceStatus {
    match stay {
        Some(stay) => stay.capture().status(device),
        None if preferences.is_banned(device) => DeviceStatus::ClosedByAdmin,
        None => DeviceStatus::Off,
    }
}

fn summary(parts: &GuestParts<'_>) -> String {
    let mut sentence = match (parts.seat, parts.member.room().live_id()) {
        (GuestSeat::Taken(stay), _) => seated(stay, parts.member.room()),
        (GuestSeat::Leaving(farewell), _) => leaving(farewell),
        (GuestSeat::Standing, Some(live_id)) => {
            format!("{}{}", in_room(live_id, parts.member), next_seat(parts.preferences))
        }
        (GuestSeat::Standing, None) => {
            format!("in no room, waiting for join_live{}", next_seat(parts.preferences))
        }
    };
    if parts.member.entry().broker() == Presence::Offline {
        sentence.push_str(", waiting for the broker");
    }
    sentence.chars().take(SUMMARY_MAX).collect()
}

fn leaving(farewell: &Farewell) -> String {
    format!("leaving seat {}, closing camera and microphone", farewell.seat_index())
}

fn seated(stay: &Stay, room: &Room) -> String {
    let (seat, stage) = (stay.seat_index(), stay.connection().far_side());
    let media = match (stay.connection().phase(), stay.connection().recovery()) {
        (_, Some((attempt, why))) => format!("on seat {seat}, media lost: attempt {attempt} of 3: {why}"),
        (Phase::Negotiating, None) => format!("on seat {seat}, waiting for {stage} to answer the offer"),
        (Phase::Connecting, None) => format!("on seat {seat}, connecting to {stage}"),
        (Phase::Live, None) => format!("live on seat {seat}"),
        (Phase::Preparing | Phase::Recovering | Phase::Leaving, None) => {
            format!("on seat {seat}, opening camera and microphone")
        }
    };
    let gone = match room.phase() {
        Some(RoomPhase::HostLost) => format!(", waiting for {} to come back", host(room)),
        Some(RoomPhase::Waiting | RoomPhase::Joining | RoomPhase::Inside) | None => String::new(),
    };
    let capture = stay.capture();
    let camera = match capture.media() {
        Media::Video => device(capture, DeviceKind::Camera, "camera", "slate"),
        Media::Audio => String::new(),
    };
    let microphone = device(capture, DeviceKind::Microphone, "microphone", "silence");
    let sent = stay.connection().sent().filter(|_| capture.media() == Media::Video);
    let reduced = sent.and_then(|sent| sent.reduced()).map(|why| format!(", {why}")).unwrap_or_default();
    format!("{media}{gone}{camera}{microphone}{reduced}")
}

/// What is worth saying of a device.
fn device(capture: &StayCapture, device: DeviceKind, name: &str, instead: &str) -> String {
    match capture.status(device) {
        DeviceStatus::On => String::new(),
        DeviceStatus::Lost => format!(", {name} lost: sending {instead}"),
        DeviceStatus::Off => format!(", {name} off: sending {instead}"),
        DeviceStatus::ClosedByAdmin => format!(", {name} closed by the host: sending {instead}"),
    }
}

/// What will stay closed when a seat is taken.
fn next_seat(preferences: &DevicePreferences) -> &'static str {
    let closed = |device| preferences.allowed(device, DeviceSwitch::On) != DeviceSwitch::On;
    match (closed(DeviceKind::Camera), closed(DeviceKind::Microphone)) {
        (false, false) => "",
        (true, false) => "; camera stays closed",
        (false, true) => "; microphone stays closed",
        (true, true) => "; camera and microphone stay closed",
    }
}

fn host(room: &Room) -> &str {
    room.host().map_or("the host", |host| host.user_id.as_str())
}

fn in_room(live_id: &LiveId, member: &RoomMember) -> String {
    let host = host(member.room());
    match (member.room().phase(), member.entry().refusal()) {
        (None | Some(RoomPhase::Waiting), _) => format!("waiting for {live_id} to be live"),
        (Some(RoomPhase::Joining), Some(refused)) => {
            format!("not let into {live_id} ({}), asking again", refused.code)
        }
        (Some(RoomPhase::Joining), None) => format!("joining {live_id}, waiting for {host}"),
        (Some(RoomPhase::HostLost), _) => format!("in {live_id}, waiting for {host} to come back"),
        (Some(RoomPhase::Inside), _) => inside(live_id, host, member.consent()),
    }
}

fn inside(live_id: &LiveId, host: &str, consent: &Consent) -> String {
    match (consent.application(), consent.invitations().first()) {
        (Some((ANY_SEAT, _)), _) => format!("in {live_id}, applied for any seat, waiting for {host}"),
        (Some((seat, _)), _) => format!("in {live_id}, applied for seat {seat}, waiting for {host}"),
        (None, Some(invited)) => {
            format!("in {live_id}, invited by {}, waiting for accept_invitation", invited.by.user.user_id)
        }
        (None, None) => format!("in {live_id}, not seated"),
    }
}
