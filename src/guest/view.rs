//! What others see of this guest: its snapshot, and the one sentence in it.

use super::Guest;
use super::room::{Place, Room};
use super::stay::{Device, Health, Stay};
use crate::model::media::GuestStats;
use crate::model::message::{ANY_SEAT, DeviceKind};
use crate::model::sound::SpeakerStatus;
use crate::model::state::{
    CameraState, DeviceStatus, GuestState, MicrophoneState, Network, NetworkQuality, PendingInvitation,
    RoomMembership, SeatState,
};
use crate::model::volume::Loudness;
use crate::model::{DeviceSwitch, Media, Phase, Presence};

/// Longest summary in characters.
const SUMMARY_MAX: usize = 120;

impl Guest {
    /// The state of this daemon.
    pub fn snapshot(&self) -> GuestState {
        let room = self.room.as_ref();
        let membership = room.map_or(RoomMembership::Outside, |room| match room.place {
            Place::Waiting | Place::Joining => RoomMembership::Joining,
            Place::Inside => RoomMembership::Inside,
            Place::HostLost => RoomMembership::HostLost,
        });
        let stay = self.stay.as_ref();
        let leaving = self.farewell.as_ref().map(|farewell| SeatState {
            index: farewell.seat_index,
            phase: Phase::Leaving,
            media: farewell.media,
        });
        let seat =
            stay.map(|stay| SeatState { index: stay.seat_index, phase: stay.phase, media: stay.media });
        GuestState {
            live_id: room.map(|room| room.live_id.clone()),
            membership,
            application: room
                .and_then(|room| room.applied.as_ref())
                .map(|applied| (applied.application.seat_index, applied.expires)),
            invitations: room.map(invitations).unwrap_or_default(),
            seat: seat.or(leaving),
            camera: CameraState {
                status: self.status(DeviceKind::Camera, stay.map(|stay| &stay.camera)),
                device: self.device.camera.clone(),
                quality: self.device.quality,
            },
            microphone: MicrophoneState {
                status: self.status(DeviceKind::Microphone, stay.map(|stay| &stay.microphone)),
                device: self.device.microphone.clone(),
                volume: match self.device.capture_volume {
                    Loudness::AsItIs => self.device.own_volume,
                    Loudness::Set(volume) => volume,
                },
            },
            speaker: stay.and_then(|stay| stay.peer.as_ref()).map_or(SpeakerStatus::Off, |peer| peer.speaker),
            network: self.network(),
            last_error: self.effects.last_error().cloned(),
            summary: self.summary(),
        }
    }

    /// A device off the seat is off, or banned.
    fn status(&self, kind: DeviceKind, device: Option<&Device>) -> DeviceStatus {
        match device {
            None if self.is_banned(kind) => DeviceStatus::ClosedByAdmin,
            None => DeviceStatus::Off,
            Some(device) => status(device),
        }
    }

    /// What will stay closed when a seat is taken.
    fn next_seat(&self) -> &'static str {
        let closed = |device| self.allowed(device, DeviceSwitch::On) != DeviceSwitch::On;
        match (closed(DeviceKind::Camera), closed(DeviceKind::Microphone)) {
            (false, false) => "",
            (true, false) => "; camera stays closed",
            (false, true) => "; microphone stays closed",
            (true, true) => "; camera and microphone stay closed",
        }
    }

    fn network(&self) -> Network {
        match self.stay.as_ref().map(|stay| stay.phase) {
            Some(Phase::Recovering) => Network { quality: NetworkQuality::Down, ..self.network.clone() },
            Some(
                Phase::Preparing | Phase::Negotiating | Phase::Connecting | Phase::Live | Phase::Leaving,
            )
            | None => self.network.clone(),
        }
    }

    fn summary(&self) -> String {
        let mut sentence = match (&self.room, &self.stay, &self.farewell) {
            (Some(room), Some(stay), _) => self.seated_summary(room, stay),
            (_, None, Some(farewell)) => {
                format!("leaving seat {}, closing camera and microphone", farewell.seat_index)
            }
            (Some(room), None, None) => format!("{}{}", room_summary(room), self.next_seat()),
            (None, _, _) => format!("in no room, waiting for join_live{}", self.next_seat()),
        };
        if self.broker == Presence::Offline {
            sentence.push_str(", waiting for the broker");
        }
        sentence.chars().take(SUMMARY_MAX).collect()
    }

    fn seated_summary(&self, room: &Room, stay: &Stay) -> String {
        let seat = stay.seat_index;
        let stage = stay.far_side();
        let media = match stay.phase {
            Phase::Preparing => format!("on seat {seat}, opening camera and microphone"),
            Phase::Negotiating => format!("on seat {seat}, waiting for {stage} to answer the offer"),
            Phase::Connecting => format!("on seat {seat}, connecting to {stage}"),
            Phase::Live => format!("live on seat {seat}"),
            Phase::Recovering => {
                format!("on seat {seat}, media lost: attempt {} of 3: {}", stay.attempt, stay.why)
            }
            Phase::Leaving => format!("leaving seat {seat}"),
        };
        let gone = match room.place {
            Place::HostLost => format!(", waiting for {} to come back", host(room)),
            Place::Waiting | Place::Joining | Place::Inside => String::new(),
        };
        let camera =
            if stay.media == Media::Video { device("camera", &stay.camera, "slate") } else { String::new() };
        let microphone = device("microphone", &stay.microphone, "silence");
        format!("{media}{gone}{camera}{microphone}")
    }
}

/// What is worth saying of a device.
fn device(name: &str, device: &Device, instead: &str) -> String {
    match (device.switch, device.health) {
        (DeviceSwitch::On, Health::Lost) => format!(", {name} lost: sending {instead}"),
        (DeviceSwitch::On, Health::Delivers | Health::Unknown) => String::new(),
        (DeviceSwitch::Off, _) => format!(", {name} off: sending {instead}"),
        (DeviceSwitch::ClosedByAdmin, _) => format!(", {name} closed by the host: sending {instead}"),
    }
}

fn host(room: &Room) -> &str {
    room.host.as_ref().map_or("the host", |host| host.user_id.as_str())
}

fn room_summary(room: &Room) -> String {
    let live_id = &room.live_id;
    match (room.place, &room.refused) {
        (Place::Waiting, _) => format!("waiting for {live_id} to be live"),
        (Place::Joining, Some(refused)) => format!("not let into {live_id} ({}), asking again", refused.code),
        (Place::Joining, None) => format!("joining {live_id}, waiting for {}", host(room)),
        (Place::HostLost, _) => format!("in {live_id}, waiting for {} to come back", host(room)),
        (Place::Inside, _) => match (&room.applied, room.invited.first()) {
            (Some(applied), _) if applied.application.seat_index == ANY_SEAT => {
                format!("in {live_id}, applied for any seat, waiting for {}", host(room))
            }
            (Some(applied), _) => {
                let seat = applied.application.seat_index;
                format!("in {live_id}, applied for seat {seat}, waiting for {}", host(room))
            }
            (None, Some(invited)) => {
                let by = &invited.invitation.by.user.user_id;
                format!("in {live_id}, invited by {by}, waiting for accept_invitation")
            }
            (None, None) => format!("in {live_id}, not seated"),
        },
    }
}

fn invitations(room: &Room) -> Vec<PendingInvitation> {
    let pending = |invited: &super::room::Invited| PendingInvitation {
        by: invited.invitation.by.clone(),
        seat_index: invited.invitation.seat_index,
        expires: invited.expires,
    };
    room.invited.iter().map(pending).collect()
}

fn status(device: &Device) -> DeviceStatus {
    match (device.switch, device.health) {
        (DeviceSwitch::Off, _) => DeviceStatus::Off,
        (DeviceSwitch::ClosedByAdmin, _) => DeviceStatus::ClosedByAdmin,
        (DeviceSwitch::On, Health::Lost) => DeviceStatus::Lost,
        (DeviceSwitch::On, Health::Delivers | Health::Unknown) => DeviceStatus::On,
    }
}

/// The judgement of the network, on the SDK's scale, by the worse of delay and loss.
pub(super) fn quality(stats: &GuestStats) -> NetworkQuality {
    let (Some(delay), loss) = (stats.round_trip_ms, stats.loss.unwrap_or(0.0)) else {
        return NetworkQuality::Unknown;
    };
    let steps = [
        (NetworkQuality::Excellent, 100.0, 0.01),
        (NetworkQuality::Good, 200.0, 0.03),
        (NetworkQuality::Poor, 400.0, 0.08),
        (NetworkQuality::Bad, 800.0, 0.2),
    ];
    let fits =
        |(_, most_delay, most_loss): &&(NetworkQuality, f64, f64)| delay <= *most_delay && loss <= *most_loss;
    steps.iter().find(fits).map_or(NetworkQuality::VeryBad, |(quality, ..)| *quality)
}
