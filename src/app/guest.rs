//! The guest role: the pure [`Guest`], its media, and what they say on the room plane.

mod publishing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, channel};

use super::mqtt_port::MqttPort;
use super::reload::Changes;
use super::role::{BrokerPresence, Effect, Goodbye, PublishedState, RoleAdapter};
use super::{Error, ice, profile_directories, seed};
use crate::config::{self, AcceptInvitations, Settings, Transport};
use crate::devices;
use crate::guest::{self, Guest, Input, Output};
use crate::media::layers;
use crate::media::profile::{self, Picked, Profile};
use crate::media::publisher::{self, Located, Publisher};
use crate::model::capture::Drawing;
use crate::model::command::{Command, DeviceCommand, SetMirror, SetVideoQuality, SetVolume, Settled};
use crate::model::controls::{ControlSettings, settings_for};
use crate::model::event::Event;
use crate::model::hotplug::Notice;
use crate::model::media::{Ask, Report};
use crate::model::message::{DeviceKind, Token};
use crate::model::settings::VideoCodec;
use crate::model::state::{GuestState, LayersState, RoomMembership};
use crate::model::volume::Loudness;
use crate::model::{Presence, Refusal, User};
use crate::mqtt::connection::{Message, Publish, Retain, SubscribeOptions};
use crate::mqtt::topics::Topic;
use crate::mqtt::wire::command::CommandRole;
use crate::mqtt::wire::device;
use crate::mqtt::wire::room::{self, RetainedRoom};
use crate::signal::Whip;

/// Room for what media report and the shell has not taken yet.
const REPORTS: usize = 256;

/// How long a WHIP server may take, once media have ended, to answer what it was asked before and to be told the end. What stands before it
/// takes 2.5 s at most, and the program 5 s.
const SERVER_CAP: Duration = Duration::from_millis(2400);

/// The role.
pub(super) struct GuestRole {
    guest: Guest,
    settings: guest::Settings,
    publisher: Publisher,
    whip: Whip,
    reports: Receiver<Report>,
    shown: Option<GuestState>,
    /// Why media encode no more in this process.
    failed: Option<String>,
}

impl GuestRole {
    pub(super) fn open(settings: &Settings) -> Result<(Self, Profile), Error> {
        let Picked { profile, why } = load_profile(settings)?;
        tracing::info!("profile {}, {}: {why}", profile.name(), profile.description());
        let (sender, reports) = channel(REPORTS);
        let whip = Whip::new(sender.clone(), settings.room.ca.clone());
        let publisher = Publisher::open(publisher_settings(settings, profile.clone()), sender)?;
        let settings = guest_settings(settings);
        let guest = Guest::new(settings.clone());
        Ok((Self { guest, settings, publisher, whip, reports, shown: None, failed: None }, profile))
    }

    fn ask(&self, ask: Ask) {
        if let Err(error) = self.publisher.ask(ask) {
            tracing::error!("media are asked for more than they can do: {error}");
        }
    }

    fn route(&mut self, now: Instant, port: &MqttPort, output: Output) -> Option<Effect> {
        let topics = &port.topics;
        match output {
            Output::Settled { ticket, settled } => return Some(Effect::Settled(ticket, settled)),
            Output::Stopped => return Some(Effect::Stopped),
            Output::Enter(live_id) => {
                port.link.subscribe(topics.own_to_guest(&live_id), SubscribeOptions::REQUESTS);
                port.link.subscribe(topics.room(&live_id), SubscribeOptions::LEVELS);
            }
            Output::Exit(live_id) => {
                port.link.unsubscribe(&topics.own_to_guest(&live_id));
                port.link.unsubscribe(&topics.room(&live_id));
            }
            Output::Watch(user_id) => port.watch(&user_id),
            Output::Unwatch(user_id) => port.unwatch(&user_id),
            Output::ToHost { live_id, request_id, message } => {
                self.tell_host(now, port, live_id, request_id, &message);
            }
            Output::ToStage { live_id, signal } => self.tell_stage(now, port, &live_id, signal),
            Output::ProbeBroker => port.link.probe(),
            Output::ToServer(ask) => self.whip.ask(ask),
            Output::Event(event) => {
                tracing::debug!(event = event.name(), "said");
                if let Event::MediaFailed { why } = &event {
                    tracing::warn!("media failed, the seat is left: {why}");
                }
                port.event(&event);
            }
            Output::Media(ask) => self.ask(ask),
            Output::Stats { seat_index, stats } => {
                let mut value = json!(stats);
                value["seat_index"] = json!(seat_index);
                port.publish(Publish::new(topics.stats(), value.to_string()).at_most_once());
            }
        }
        None
    }
}

impl RoleAdapter for GuestRole {
    type Report = Report;
    const PLANE: CommandRole = CommandRole::Guest;

    fn reports(&mut self) -> &mut Receiver<Report> {
        &mut self.reports
    }

    fn report(&mut self, now: Instant, report: Report) {
        if let Report::MediaFailed { why, .. } = &report {
            self.failed = Some(why.clone());
        }
        self.guest.handle_input(now, Input::Media(report));
    }

    fn noticed(&mut self, notice: Notice) {
        if let Err(error) = self.publisher.notice(notice) {
            tracing::error!("media are told more of devices than they can hear: {error}");
        }
    }

    fn command(&mut self, now: Instant, command: Command, _house: &MqttPort) -> Settled {
        self.guest.handle_command(now, command)
    }

    fn broker(&mut self, now: Instant, broker: BrokerPresence) {
        let input = match broker {
            BrokerPresence::Online => Input::Online,
            BrokerPresence::Offline => Input::Offline,
            BrokerPresence::OwnOffline => Input::OwnOffline,
        };
        self.guest.handle_input(now, input);
    }

    fn message(&mut self, now: Instant, topic: Topic<'_>, message: &Message) {
        let input = match topic {
            Topic::ToGuest(live_id, _) if message.retain == Retain::No => {
                let Some(message) = room::read_to_guest(&message.payload) else {
                    tracing::debug!(room = %live_id, "something from the host cannot be read");
                    return;
                };
                Input::Message { live_id, message }
            }
            Topic::Room(live_id) => match room::read_room(&message.payload) {
                RetainedRoom::Nothing => Input::Room { live_id, state: None },
                RetainedRoom::Room(state) if state.live_id == live_id => {
                    Input::Room { live_id, state: Some(state) }
                }
                RetainedRoom::Room(_) | RetainedRoom::Unreadable => {
                    tracing::warn!(room = %live_id, "the state of {live_id} cannot be read");
                    return;
                }
            },
            Topic::Status(user_id) => {
                let online = message.payload == device::ONLINE.as_bytes();
                let presence = if online { Presence::Online } else { Presence::Offline };
                Input::HostStatus { user_id, presence }
            }
            Topic::ToGuest(..)
            | Topic::Command(_)
            | Topic::Info(_)
            | Topic::ToHost(..)
            | Topic::ToStage(..) => return,
        };
        self.guest.handle_input(now, input);
    }

    fn subscribed(&mut self, _now: Instant, _filter: &str, _house: &MqttPort) {}

    fn timeout(&mut self, now: Instant) {
        self.guest.handle_timeout(now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.guest.poll_timeout().map(|(at, _)| at)
    }

    fn configure(&mut self, now: Instant, written: &Settings, changes: &Changes) {
        let fresh = guest_settings(written);
        self.settings =
            guest::Settings { standing_room: self.settings.standing_room.clone(), ..fresh.clone() };
        self.guest.set_policy(fresh.accept_invitations, fresh.host_hold);
        let quality = SetVideoQuality { quality: fresh.quality };
        // What is not configured any more stays as it is.
        let set = |wanted| match wanted {
            Loudness::AsItIs => None,
            Loudness::Set(volume) => Some(SetVolume { volume }),
        };
        let (capture, output) = (set(fresh.capture_volume), set(fresh.output_volume));
        let commands = [
            ("media.quality", Some(DeviceCommand::SetVideoQuality(quality))),
            ("media.capture_volume", capture.map(DeviceCommand::SetCaptureVolume)),
            ("media.output_volume", output.map(DeviceCommand::SetOutputVolume)),
            ("media.mirror", Some(DeviceCommand::SetMirror(SetMirror { mirror: fresh.mirror }))),
        ];
        let wanted = commands.into_iter().filter(|(key, _)| changes.has(key)).filter_map(|(_, wish)| wish);
        for command in wanted.chain(changes.user(written)) {
            // None of these can be refused: they hold at any time.
            self.guest.handle_command(now, Command::Device(command)).map(|_| ()).unwrap_or_default();
        }
    }

    fn stop(&mut self, now: Instant) {
        self.guest.handle_input(now, Input::Stop);
    }

    fn retire(&mut self, now: Instant) {
        self.guest.handle_input(now, Input::Stop);
        while let Some(output) = self.guest.poll_output() {
            if let Output::Media(ask) = output {
                self.ask(ask);
            }
        }
        self.whip.end();
        let settings =
            guest::Settings { seed: seed(), user: self.guest.user().clone(), ..self.settings.clone() };
        self.guest = Guest::new(settings);
    }

    fn drain(&mut self, now: Instant, port: &MqttPort) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(output) = self.guest.poll_output() {
            effects.extend(self.route(now, port, output));
        }
        effects
    }

    fn has_news(&self) -> bool {
        self.shown.as_ref() != Some(&self.guest.snapshot())
    }

    fn news(&mut self, now: Instant) -> PublishedState {
        let state = self.guest.snapshot();
        let shown = PublishedState { state: state.json(now), summary: state.summary.clone() };
        self.shown = Some(state);
        shown
    }

    fn state(&self, now: Instant) -> Value {
        self.guest.snapshot().json(now)
    }

    fn user(&self) -> &User {
        self.guest.user()
    }

    fn log(&self, summary: &str) {
        let state = self.guest.snapshot();
        let user_id = &self.guest.user().user_id;
        match (state.live_id, state.seat, self.guest.epoch()) {
            (Some(room), Some(seat), Some(epoch)) => {
                tracing::info!(%room, %user_id, seat = seat.index, epoch, "{summary}");
            }
            (Some(room), _, _) if state.membership != RoomMembership::Outside => {
                tracing::info!(%room, %user_id, "{summary}");
            }
            (Some(_) | None, _, _) => tracing::info!(%user_id, "{summary}"),
        }
    }

    /// Only once the seat is left, and that was said.
    fn gives_up(&self) -> Option<&str> {
        self.failed.as_deref().filter(|_| self.guest.epoch().is_none())
    }

    fn is_alive(&mut self) -> bool {
        self.publisher.is_alive()
    }

    fn close(mut self, cap: Duration) -> Goodbye {
        // While media end, servers are told already.
        self.whip.end();
        if let Err(error) = self.publisher.close(cap) {
            tracing::warn!("{error}, going on without it");
        }
        Box::pin(self.whip.close(SERVER_CAP))
    }
}

fn codec(media: &config::Media) -> VideoCodec {
    match media.codec {
        config::Codec::H264 => VideoCodec::H264,
        config::Codec::Vp8 => VideoCodec::Vp8,
    }
}

fn foreground(settings: &Settings) -> layers::Foreground {
    match settings.layers.foreground {
        config::Foreground::None => layers::Foreground::None,
        config::Foreground::Name => layers::Foreground::Name,
    }
}

/// Whether something has to be drawn into the camera's pictures, as configured.
pub(super) fn drawing(settings: &Settings, profile: &Profile) -> Drawing {
    let media = &settings.media;
    publisher::drawing(profile, codec(media), media.mirror, foreground(settings))
}

/// The configured profile, or the one for this board.
pub(super) fn load_profile(settings: &Settings) -> Result<Picked, Error> {
    let (name, board) = (&settings.media.profile, devices::board());
    Ok(profile::pick(name, &profile_directories(&settings.media), &board)?)
}

fn guest_settings(settings: &Settings) -> guest::Settings {
    guest::Settings {
        user: settings.user.public.clone(),
        standing_room: settings.room.live_id.clone(),
        server: match &settings.room.transport {
            Transport::Mqtt => None,
            Transport::Whip(whip) => Some(guest::PublishServer {
                publish_url: whip.publish_url.as_ref().map(|url| url.as_str().to_owned()),
                token: whip.token.as_ref().map(|token| Token(token.expose().to_owned())),
            }),
        },
        trusted_origins: settings.room.trusted_origins.clone(),
        accept_invitations: match &settings.guest.accept_invitations {
            AcceptInvitations::Manual => guest::AcceptInvitations::Manual,
            AcceptInvitations::Always => guest::AcceptInvitations::Always,
            AcceptInvitations::From(hosts) => guest::AcceptInvitations::From(hosts.clone()),
        },
        host_hold: settings.guest.host_hold,
        camera: settings.media.camera.clone(),
        microphone: settings.media.microphone.clone(),
        quality: settings.media.quality,
        layers: LayersState { foreground: foreground(settings) == layers::Foreground::Name },
        mirror: settings.media.mirror,
        capture_volume: settings.media.capture_volume,
        output_volume: settings.media.output_volume,
        seed: seed(),
    }
}

/// Where a camera or a microphone is; may block.
fn locate(controls: &ControlSettings, device: DeviceKind, choice: &str) -> Result<Located, Refusal> {
    match device {
        DeviceKind::Camera => {
            let camera = devices::resolve_camera(choice)?;
            devices::set_controls(&camera, &settings_for(controls, &camera.id));
            let offers = devices::offers(&camera);
            let address = camera.path.to_string_lossy().into_owned();
            Ok(Located { id: camera.id, address, offers, node: camera.path })
        }
        DeviceKind::Microphone => {
            let sound = devices::resolve_microphone(choice)?;
            Ok(Located { address: sound.id.clone(), id: sound.id, offers: Vec::new(), node: sound.node })
        }
    }
}

fn publisher_settings(settings: &Settings, profile: Profile) -> publisher::Settings {
    let media = &settings.media;
    let controls = media.controls.clone();
    publisher::Settings {
        profile,
        locate: Arc::new(move |device, choice| locate(&controls, device, choice)),
        explain: Arc::new(|device, located, refusal| {
            devices::cause(device, &located.id, &located.node, refusal)
        }),
        locate_speaker: Arc::new(|choice| devices::resolve_speaker(choice).ok().map(|sound| sound.id)),
        mixer: Arc::new(devices::set_volume),
        camera: media.camera.clone(),
        microphone: media.microphone.clone(),
        speaker: media.speaker.clone(),
        quality: media.quality,
        mirror: media.mirror,
        voice: media.voice,
        capture_volume: media.capture_volume,
        output_volume: media.output_volume,
        codec: codec(media),
        file: media.file.clone(),
        ice: ice(settings),
        rate: super::rate_limits(settings),
        stats_interval: media.stats_interval,
        name: settings.user.public.user_name.as_str().to_owned(),
        layers: layers::Settings {
            foreground: foreground(settings),
            foreground_template: settings.layers.foreground_template.clone(),
            background_template: settings.layers.background_template.clone(),
            avatar: settings.user.avatar.clone(),
        },
    }
}
