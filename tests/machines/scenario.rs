//! A step of a scenario: what happens, everything that is said of it, in order, and what is due next.
//!
//! Values are compared, never sentences. A line is one output: `event unseated reason=kicked seat_index=1`.

use std::time::Instant;

use coguestd::guest;
use coguestd::host;
use coguestd::model::command::{Answer, Settled};
use coguestd::model::event::Event;
use coguestd::model::media::{Ask, AudioPlan, Plan, VideoPlan};
use coguestd::model::message::{Outcome, Signal, SignalBody, ToGuest, ToHost};
use coguestd::model::server::ServerAsk;
use coguestd::model::stage::{StageAsk, ViewerAsk};
use serde_json::Value;

/// What a step led to.
pub struct Step {
    said: Vec<String>,
    due: String,
}

impl Step {
    pub fn of_guest(said: Vec<String>, stand: &super::guest_stand::GuestStand) -> Self {
        Self { said, due: due(stand.now, stand.guest.poll_timeout()) }
    }

    pub fn of_host(said: Vec<String>, stand: &super::host_stand::HostStand) -> Self {
        Self { said, due: due(stand.now, stand.host.poll_timeout()) }
    }

    /// How a command was taken comes before what it led to.
    pub fn after(mut self, settled: String) -> Self {
        self.said.insert(0, settled);
        self
    }

    /// All of it, and no more.
    #[track_caller]
    pub fn is(self, said: &[&str], due: &str) {
        assert_eq!((self.said.iter().map(String::as_str).collect(), self.due.as_str()), (said.to_vec(), due));
    }
}

/// `Stop in 1000 ms`; `nothing`. The pauses between two `join` are scattered.
fn due(now: Instant, next: Option<(Instant, impl std::fmt::Debug)>) -> String {
    next.map_or_else(
        || "nothing".to_owned(),
        |(at, timer)| {
            let name = format!("{timer:?}");
            let name = name.split(['(', ' ']).next().unwrap_or_default();
            if name == "Join" {
                return name.to_owned();
            }
            format!("{name} in {} ms", at.saturating_duration_since(now).as_millis())
        },
    )
}

pub fn settled(settled: &Settled) -> String {
    match settled {
        Ok(Answer::Pending(_)) => "pending".to_owned(),
        Ok(_) => "ok".to_owned(),
        Err(refusal) => format!("refused {}", refusal.code.as_str()),
    }
}

pub fn guest_says(output: &guest::Output) -> String {
    use guest::Output;
    match output {
        Output::Settled { settled: how, .. } => format!("settled {}", settled(how)),
        Output::Enter(live_id) => format!("enter {live_id}"),
        Output::Exit(live_id) => format!("exit {live_id}"),
        Output::Watch(user_id) => format!("watch {user_id}"),
        Output::Unwatch(user_id) => format!("unwatch {user_id}"),
        Output::ToHost { message, .. } => format!("to_host {}", to_host(message)),
        Output::ToStage { signal, .. } => format!("to_stage {}", signal_says(signal)),
        Output::ProbeBroker => "probe broker".to_owned(),
        Output::ToServer(ask) => format!("to_server {}", server(ask)),
        Output::Event(event) => format!("event {}", event_says(event)),
        Output::Media(ask) => format!("media {}", media(ask)),
        Output::Stats { seat_index, .. } => format!("stats of seat {seat_index}"),
        Output::Stopped => "stopped".to_owned(),
    }
}

pub fn host_says(output: &host::Output) -> String {
    use host::Output;
    match output {
        Output::Settled { settled: how, .. } => format!("settled {}", settled(how)),
        Output::Enter(live_id) => format!("enter {live_id}"),
        Output::Exit(live_id) => format!("exit {live_id}"),
        Output::WatchRoom(live_id) => format!("watch_room {live_id}"),
        Output::UnwatchRoom(live_id) => format!("unwatch_room {live_id}"),
        Output::Watch(user_id) => format!("watch {user_id}"),
        Output::Unwatch(user_id) => format!("unwatch {user_id}"),
        Output::ToGuest { to, message, .. } => format!("to {to} {}", to_guest(message)),
        Output::Room(room) => {
            let seats: Vec<String> = room.seats.iter().map(seat).collect();
            format!("room {} {}", word(&room.status), seats.join(" "))
        }
        Output::Event(event) => format!("event {}", event_says(event)),
        Output::Stage(ask) => format!("stage {}", stage(ask)),
        Output::Stats(seats) => format!("stats of {} seats", seats.len()),
        Output::Stopped => "stopped".to_owned(),
    }
}

/// `-` for a free one, `x` for a locked one, else who sits there and how: `ada:connected`.
fn seat(seat: &coguestd::model::Seat) -> String {
    match (&seat.user, seat.locked) {
        (None, false) => "-".to_owned(),
        (None, true) => "x".to_owned(),
        (Some(user), _) => {
            let mut text =
                format!("{}:{}", user.user_id, seat.connection.as_ref().map_or_else(String::new, word));
            for (name, device) in [("camera", seat.camera), ("microphone", seat.microphone)] {
                let device = word(&device);
                if device == "closed_by_admin" {
                    text.push_str(&format!(",{name}={device}"));
                }
            }
            text
        }
    }
}

fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        other => panic!("no word: {other:?}"),
    }
}

fn to_host(message: &ToHost) -> String {
    match message {
        ToHost::Join { .. } => "join".to_owned(),
        ToHost::Leave => "leave".to_owned(),
        ToHost::Apply(wish) => format!("apply seat_index={} media={}", wish.seat_index, word(&wish.media)),
        ToHost::CancelApplication => "cancel_application".to_owned(),
        ToHost::AcceptInvitation { .. } => "accept_invitation".to_owned(),
        ToHost::RejectInvitation { .. } => "reject_invitation".to_owned(),
        ToHost::LeaveSeat => "leave_seat".to_owned(),
        ToHost::Devices(devices) => {
            format!("devices camera={} microphone={}", word(&devices.camera), word(&devices.microphone))
        }
    }
}

fn to_guest(message: &ToGuest) -> String {
    match message {
        ToGuest::Result { outcome: Outcome::Ok(membership), .. } => {
            let with = membership.as_ref().map_or_else(String::new, |membership| {
                let mut with = String::new();
                with.push_str(if membership.seat.is_some() { " seat" } else { "" });
                with.push_str(if membership.application.is_some() { " application" } else { "" });
                with.push_str(if membership.invitations.is_empty() { "" } else { " invitations" });
                with
            });
            format!("result ok{with}")
        }
        ToGuest::Result { outcome: Outcome::Refused(refusal), .. } => {
            format!("result {}", refusal.code.as_str())
        }
        ToGuest::ApplicationAccepted { seat_index, .. } => {
            format!("application_accepted seat_index={seat_index}")
        }
        ToGuest::ApplicationRejected { .. } => "application_rejected".to_owned(),
        ToGuest::ApplicationNoResponse { reason } => format!("application_no_response {}", word(reason)),
        ToGuest::Invitation(invitation) => format!("invitation seat_index={}", invitation.seat_index),
        ToGuest::InvitationCancelled { .. } => "invitation_cancelled".to_owned(),
        ToGuest::InvitationNoResponse { reason, .. } => format!("invitation_no_response {}", word(reason)),
        ToGuest::Seated { seat_index, media, .. } => {
            format!("seated seat_index={seat_index} media={}", word(media))
        }
        ToGuest::Unseated { seat_index, reason, .. } => {
            format!("unseated seat_index={seat_index} {}", word(reason))
        }
        ToGuest::Moved { from, to, .. } => format!("moved from={from} to={to}"),
        ToGuest::DeviceControl { device, action, .. } => {
            format!("device_control {} {}", word(device), word(action))
        }
        ToGuest::LiveEnded {} => "live_ended".to_owned(),
        ToGuest::Signal(signal) => signal_says(signal),
    }
}

fn signal_says(signal: &Signal) -> String {
    match &signal.body {
        SignalBody::Description(description) => word(&description.kind),
        SignalBody::Candidate(_) => "candidate".to_owned(),
        SignalBody::Bye(_) => "bye".to_owned(),
    }
}

fn server(ask: &ServerAsk) -> String {
    format!("{ask:?}").split([' ', '(']).next().unwrap_or_default().to_lowercase()
}

fn plan(plan: &Plan) -> String {
    let video = match plan.video {
        VideoPlan::Off => "no picture",
        VideoPlan::Slate => "slate",
        VideoPlan::Camera => "camera",
    };
    let audio = match plan.audio {
        AudioPlan::Off => "no sound",
        AudioPlan::Silence => "silence",
        AudioPlan::Microphone => "microphone",
    };
    format!("{video}+{audio}")
}

fn media(ask: &Ask) -> String {
    match ask {
        Ask::Prepare => "prepare".to_owned(),
        Ask::Start { plan: wish, media, .. } => format!("start {} {}", word(media), plan(wish)),
        Ask::Plan { plan: wish, .. } => format!("plan {}", plan(wish)),
        Ask::Answer { .. } => "answer".to_owned(),
        Ask::Candidate { .. } => "candidate".to_owned(),
        Ask::EndPeer { .. } => "end_peer".to_owned(),
        Ask::Stop { .. } => "stop".to_owned(),
        Ask::Quality(_) => "quality".to_owned(),
        Ask::Camera(camera) => format!("camera {camera}"),
        Ask::Mirror(_) => "mirror".to_owned(),
        Ask::CaptureVolume(_) => "capture_volume".to_owned(),
        Ask::OutputVolume(_) => "output_volume".to_owned(),
        Ask::Label(user) => format!("label {}", user.user_id),
        Ask::Snapshot { .. } => "snapshot".to_owned(),
    }
}

fn stage(ask: &StageAsk) -> String {
    match ask {
        StageAsk::Offer { peer, media, .. } => format!("offer {} {}", peer.guest, word(media)),
        StageAsk::Candidate { peer, .. } => format!("candidate {}", peer.guest),
        StageAsk::Sound { peer, audible, returned } => {
            format!("sound {} {audible:?} hears {}", peer.guest, word(returned)).to_lowercase()
        }
        StageAsk::Close { peer } => format!("close {}", peer.guest),
        StageAsk::Snapshot { peer, .. } => format!("snapshot {}", peer.guest),
        StageAsk::Viewer { viewer, ask } => match ask {
            ViewerAsk::Open { peer } => format!("viewer {viewer} sees {}", peer.guest),
            ViewerAsk::Answer { .. } => format!("viewer {viewer} answer"),
            ViewerAsk::Talk(talk) => format!("viewer {viewer} talk {talk:?}").to_lowercase(),
            ViewerAsk::Close => format!("viewer {viewer} close"),
        },
    }
}

/// Its name and its values; sentences and measured times are left out, a user is its id.
fn event_says(event: &Event) -> String {
    let mut text = event.name().to_owned();
    let fields = serde_json::to_value(event).expect("an event is JSON");
    for (key, value) in fields.as_object().into_iter().flatten() {
        let value = match value {
            Value::Null => continue,
            Value::Object(user) => user["user_id"].as_str().unwrap_or_default().to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if !["why", "session", "accept_to_first_packet_ms"].contains(&key.as_str()) {
            text.push_str(&format!(" {key}={value}"));
        }
    }
    text
}
