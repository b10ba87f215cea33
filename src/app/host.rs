//! The host role: the pure [`Host`], its stage, and what they say on the room plane.

mod publishing;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, channel};
use tracing::field::display;

use super::mqtt_port::MqttPort;
use super::reload::Changes;
use super::role::{BrokerPresence, Effect, Goodbye, PublishedState, RoleAdapter};
use super::{Error, ice, seed};
use crate::config::{AcceptApplications, Settings, Transport};
use crate::host::{self, Grants, Host, HostPolicy, Input, Output};
use crate::media::stage::{self, Stage};
use crate::model::command::{Answer, Command, HostCommand, Settled};
use crate::model::event::Event;
use crate::model::hotplug::Notice;
use crate::model::message::{Token, UnseatReason};
use crate::model::stage::{SeatStats, StageReport};
use crate::model::state::HostState;
use crate::model::{LiveId, Operator, Presence, RoomStatus, User, UserId};
use crate::mqtt::connection::{Message, Publish, Retain, SubscribeOptions};
use crate::mqtt::topics::Topic;
use crate::mqtt::wire::command::CommandRole;
use crate::mqtt::wire::device;
use crate::mqtt::wire::room::{self, FromGuest, RetainedRoom};
pub(super) use publishing::check_room;
use publishing::{room_fits, tell};

/// Room for what the stage reports and the shell has not taken yet.
const REPORTS: usize = 1024;

/// The role.
pub(super) struct HostRole {
    host: Host,
    settings: host::Settings,
    stage: Stage,
    reports: Receiver<StageReport>,
    user: User,
    shown: Option<HostState>,
    inbox: StageInbox,
    /// The live that was to be started and runs: its room is published once more, for where somebody has emptied it.
    said_again: Option<LiveId>,
}

/// Whether the stage took the last command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StageInbox {
    Taking,
    Full,
}

impl HostRole {
    pub(super) fn open(settings: &Settings) -> Result<Self, Error> {
        let (sender, reports) = channel(REPORTS);
        let stage_settings =
            stage::Settings { ice: ice(settings), stats_interval: settings.media.stats_interval };
        let stage = Stage::open(stage_settings, sender)?;
        let settings = host_settings(settings);
        Ok(Self {
            host: Host::new(settings.clone()),
            user: settings.user.clone(),
            settings,
            stage,
            reports,
            shown: None,
            inbox: StageInbox::Taking,
            said_again: None,
        })
    }

    fn ask(&mut self, ask: crate::model::stage::StageAsk) {
        match (self.stage.ask(ask), self.inbox) {
            (Ok(()), _) => self.inbox = StageInbox::Taking,
            (Err(error), StageInbox::Taking) => {
                tracing::error!("the stage is asked for more than it can do: {error}");
                self.inbox = StageInbox::Full;
            }
            (Err(_), StageInbox::Full) => {}
        }
    }

    fn route(&mut self, port: &MqttPort, output: Output) -> Option<Effect> {
        let topics = &port.topics;
        match output {
            Output::Settled { ticket, settled } => return Some(Effect::Settled(ticket, settled)),
            Output::Stopped => return Some(Effect::Stopped),
            Output::Enter(live_id) => {
                port.link.subscribe(topics.every_to_host(&live_id), SubscribeOptions::REQUESTS);
                port.link.subscribe(topics.every_to_stage(&live_id), SubscribeOptions::REQUESTS);
                self.stage.prepare();
            }
            Output::Exit(live_id) => {
                port.link.unsubscribe(&topics.every_to_host(&live_id));
                port.link.unsubscribe(&topics.every_to_stage(&live_id));
            }
            Output::WatchRoom(live_id) => {
                port.link.subscribe(topics.room(&live_id), SubscribeOptions::LEVELS);
            }
            Output::UnwatchRoom(live_id) => port.link.unsubscribe(&topics.room(&live_id)),
            Output::Watch(user_id) => port.watch(&user_id),
            Output::Unwatch(user_id) => port.unwatch(&user_id),
            Output::ToGuest { live_id, to, message } => tell(port, &topics.to_guest(&live_id, &to), message),
            Output::Room(state) => {
                let topic = topics.room(&state.live_id);
                port.link.keep(&topic, room::write_room(&state));
                if state.status == RoomStatus::Ended {
                    // The topic is anybody's then.
                    port.link.release(&topic);
                }
            }
            Output::Event(event) => {
                self.log_event(&event);
                port.event(&event);
            }
            Output::Stage(ask) => self.ask(ask),
            Output::Stats(seats) => {
                let payload = stats(&seats).to_string();
                port.publish(Publish::new(topics.stats(), payload).at_most_once());
            }
        }
        None
    }
}

impl HostRole {
    /// The story of a room in the log; who comes and goes in the audience is for the curious.
    fn log_event(&self, event: &Event) {
        // At the end of a live there is none any more; it was shown a moment ago.
        let shown = self.shown.as_ref().and_then(|state| state.live_id.as_ref());
        let room = self.host.live_id().or(shown).map(display);
        match event {
            Event::GuestSeated { user, seat_index: seat } => {
                tracing::info!(room, user_id = %user.user_id, seat, "{} seated on {seat}", user.user_id);
            }
            Event::GuestUnseated { user, seat_index: seat, reason } => {
                tracing::info!(room, user_id = %user.user_id, seat, "{} unseated from {seat}: {}", user.user_id, words(*reason));
            }
            Event::GuestMoved { user, from, to } => {
                tracing::info!(room, user_id = %user.user_id, seat = to, "{} moved from seat {from} to {to}", user.user_id);
            }
            Event::HostMediaLive { user } => {
                tracing::info!(room, user_id = %user.user_id, "media of {} live", user.user_id);
            }
            Event::MediaLost { user } => {
                tracing::info!(room, user_id = %user.user_id, "media of {} lost", user.user_id);
            }
            Event::TalkStarted { user, operator } => {
                let who = operator.as_ref().map_or("somebody", Operator::as_str);
                tracing::info!(room, user_id = %user.user_id, "{who} talks to {}", user.user_id);
            }
            other => tracing::debug!(event = other.name(), "said"),
        }
    }
}

fn words(reason: UnseatReason) -> &'static str {
    match reason {
        UnseatReason::Left => "it left",
        UnseatReason::Kicked => "kicked",
        UnseatReason::SeatLocked => "the seat was locked",
        UnseatReason::Replaced => "another took its place",
        UnseatReason::Offline => "gone longer than host.hold",
        UnseatReason::LiveEnded => "the live is over",
        UnseatReason::HostLost => "it gave the host up",
        UnseatReason::MediaFailed => "its media failed",
    }
}

impl RoleAdapter for HostRole {
    type Report = StageReport;
    const PLANE: CommandRole = CommandRole::Host;

    fn reports(&mut self) -> &mut Receiver<StageReport> {
        &mut self.reports
    }

    fn report(&mut self, now: Instant, report: StageReport) {
        self.host.handle_input(now, Input::Stage(report));
    }

    /// A host has no camera of its own.
    fn noticed(&mut self, _notice: Notice) {}

    fn command(&mut self, now: Instant, command: Command, port: &MqttPort) -> Settled {
        let starts = match &command {
            Command::Host { command: HostCommand::StartLive(wish), .. } => {
                // A room that nobody can see is none.
                room_fits(&self.host, wish, &port.topics, &port.link.granted())?;
                true
            }
            Command::Host { .. } | Command::Guest(_) | Command::Device(_) => false,
        };
        let settled = self.host.handle_command(now, command);
        if starts && settled == Ok(Answer::Done) {
            self.said_again = self.host.live_id().cloned();
        }
        settled
    }

    fn broker(&mut self, now: Instant, broker: BrokerPresence) {
        let input = match broker {
            BrokerPresence::Online => Input::Online,
            BrokerPresence::Offline => Input::Offline,
            BrokerPresence::OwnOffline => Input::OwnOffline,
        };
        self.host.handle_input(now, input);
    }

    fn message(&mut self, now: Instant, topic: Topic<'_>, message: &Message) {
        let retained = message.retain == Retain::Yes;
        let input = match topic {
            Topic::ToHost(live_id, from) => match room::read_to_host(&message.payload) {
                FromGuest::Request(request_id, request) if !retained => {
                    Input::Request { live_id, from, request_id, request }
                }
                FromGuest::Request(..) | FromGuest::Noise => Input::Noise { from },
            },
            Topic::ToStage(live_id, from) => match room::read_to_stage(&message.payload) {
                Some(signal) if !retained => Input::Signal { live_id, from, signal },
                Some(_) | None => Input::SignalNoise { from },
            },
            Topic::Room(live_id) => {
                let state = match room::read_room(&message.payload) {
                    RetainedRoom::Room(state) if state.live_id == live_id => Some(state),
                    RetainedRoom::Room(_) | RetainedRoom::Unreadable => {
                        tracing::warn!(room = %live_id, "what is retained of {live_id} cannot be read: starting afresh");
                        None
                    }
                    RetainedRoom::Nothing => None,
                };
                Input::Room { live_id, state }
            }
            Topic::Status(user_id) => {
                let online = message.payload == device::ONLINE.as_bytes();
                let presence = if online { Presence::Online } else { Presence::Offline };
                Input::UserStatus { user_id, presence }
            }
            Topic::Command(_) | Topic::Info(_) | Topic::ToGuest(..) => return,
        };
        self.host.handle_input(now, input);
    }

    fn subscribed(&mut self, now: Instant, filter: &str, port: &MqttPort) {
        if let Some(Topic::Room(live_id)) = port.topics.read(filter) {
            self.host.handle_input(now, Input::RoomSubscribed(live_id));
        }
    }

    fn timeout(&mut self, now: Instant) {
        self.host.handle_timeout(now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.host.poll_timeout().map(|(at, _)| at)
    }

    fn configure(&mut self, now: Instant, written: &Settings, changes: &Changes) {
        let fresh = host_settings(written);
        self.host.set_policy(fresh.policy);
        // A host of this name that begins anew is told the same, but for what needs a restart.
        let (standing_room, grant) = (self.settings.standing_room.clone(), self.settings.grant.clone());
        self.settings = host::Settings { standing_room, grant, ..fresh };
        if let Some(command) = changes.user(written) {
            // It cannot be refused: the configuration was checked.
            self.host.handle_command(now, Command::Device(command)).map(|_| ()).unwrap_or_default();
        }
    }

    fn stop(&mut self, now: Instant) {
        self.host.handle_input(now, Input::Stop);
    }

    fn retire(&mut self, now: Instant) {
        self.host.handle_input(now, Input::Stop);
        while let Some(output) = self.host.poll_output() {
            if let Output::Stage(ask) = output {
                self.ask(ask);
            }
        }
        let settings = host::Settings { seed: seed(), ..self.settings.clone() };
        self.host = Host::new(settings);
    }

    fn drain(&mut self, _now: Instant, port: &MqttPort) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(live_id) = self.said_again.take() {
            port.link.renew(&port.topics.room(&live_id));
        }
        while let Some(output) = self.host.poll_output() {
            effects.extend(self.route(port, output));
        }
        effects
    }

    fn has_news(&self) -> bool {
        self.shown.as_ref() != Some(&self.host.snapshot())
    }

    fn news(&mut self, now: Instant) -> PublishedState {
        let state = self.host.snapshot();
        let shown = PublishedState { state: state.json(now), summary: state.summary.clone() };
        self.shown = Some(state);
        shown
    }

    fn state(&self, now: Instant) -> Value {
        self.host.snapshot().json(now)
    }

    fn user(&self) -> &User {
        self.host.user()
    }

    fn log(&self, summary: &str) {
        let user_id = &self.user.user_id;
        match self.host.snapshot().live_id {
            Some(room) => tracing::info!(%room, %user_id, "{summary}"),
            None => tracing::info!(%user_id, "{summary}"),
        }
    }

    fn gives_up(&self) -> Option<&str> {
        None
    }

    fn is_alive(&mut self) -> bool {
        self.stage.is_alive()
    }

    fn close(self, cap: Duration) -> Goodbye {
        if let Err(error) = self.stage.close(cap) {
            tracing::warn!("{error}, going on without it");
        }
        Box::pin(std::future::ready(()))
    }
}

fn host_settings(settings: &Settings) -> host::Settings {
    let user = settings.user.public.clone();
    let grant = match &settings.room.transport {
        Transport::Mqtt => Grants::Stage(settings.room.stage.clone().unwrap_or_else(|| user.user_id.clone())),
        Transport::Whip(whip) => Grants::Whip {
            publish_url: whip.publish_url.as_ref().map(|url| url.as_str().to_owned()),
            token: whip.token.as_ref().map(|token| Token(token.expose().to_owned())),
            playback_url: whip.playback_url.as_ref().map(|url| url.as_str().to_owned()),
            watch_url: whip.watch_url.as_ref().map(|url| url.as_str().to_owned()),
        },
    };
    host::Settings {
        user,
        policy: HostPolicy {
            seats: settings.host.seats,
            seat_mode: settings.host.seat_mode,
            accept_applications: match settings.host.accept_applications {
                AcceptApplications::Manual => host::AcceptApplications::Manual,
                AcceptApplications::Always => host::AcceptApplications::Always,
            },
            hold: settings.host.hold,
            returned: settings.host.returned,
            capacity: settings.host.capacity,
            watching: settings.host.watching,
        },
        standing_room: settings.room.live_id.clone(),
        grant,
        seed: seed(),
    }
}

fn stats(seats: &[(UserId, u32, SeatStats)]) -> Value {
    let seat = |(user_id, seat_index, stats): &(UserId, u32, SeatStats)| {
        let mut value = json!(stats);
        value["user_id"] = json!(user_id);
        value["seat_index"] = json!(seat_index);
        value
    };
    json!({"seats": seats.iter().map(seat).collect::<Vec<_>>()})
}
