//! What Home Assistant is told and what it asks for, beside the protocol.
//!
//! ```text
//! off ──► on: entities announced, their state kept, events repeated with their name in them
//!  ▲      │
//!  └──────┴─ what was announced is taken away again, also what an earlier run of the program left at the broker
//! ```
//! Invariant: no picture is at the broker while the guest is on no seat. Not here: what the entities are (`mqtt::discovery`).

use serde_json::Value;

use super::mqtt_port::{EventAudience, MqttPort};
use crate::config::{Role, Settings};
use crate::model::User;
use crate::model::command::{Command, DeviceCommand};
use crate::model::media::Picture;
use crate::model::volume::Loudness;
use crate::mqtt::connection::{Message, Retain, SubscribeOptions};
use crate::mqtt::discovery::{self, DeviceRole, DiscoveryFacts};

/// What a message means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HomeAssistantRequest {
    /// It is none of this.
    Foreign,
    /// It is done with.
    Taken,
    /// A switch was turned: this command.
    Command(&'static str),
}

/// Whether a picture is at the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShownState {
    Nothing,
    Picture,
}

/// Home Assistant's side of a daemon.
#[derive(Debug)]
pub(super) struct HomeAssistantPort {
    /// The prefix it looks below; `None` while it is switched off.
    prefix: Option<String>,
    user: User,
    role: Role,
    live_id: Option<String>,
    stats_expire: u64,
    /// What may be chosen beside what is plugged in.
    choice: String,
    cameras: Vec<String>,
    output_volume: Loudness,
    snapshot: Option<Value>,
    shown: ShownState,
    /// A topic below which this device was announced by earlier versions, and another may be.
    shared: Option<String>,
}

impl HomeAssistantPort {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            prefix: wish(settings),
            user: settings.user.public.clone(),
            role: settings.role,
            live_id: settings.room.live_id.as_ref().map(ToString::to_string),
            stats_expire: discovery::expire(settings.media.stats_interval),
            choice: settings.media.camera.clone(),
            cameras: Vec::new(),
            output_volume: settings.media.output_volume,
            snapshot: None,
            shown: ShownState::Nothing,
            shared: None,
        }
    }

    /// The daemon begins to speak.
    pub(super) fn begin(&mut self, port: &MqttPort) {
        let topics = &port.topics;
        // Retained there is what an earlier run has announced.
        port.link.subscribe(topics.home_assistant("state"), SubscribeOptions::LEVELS);
        let Some(prefix) = &self.prefix else { return };
        if let Some(shared) = discovery::shared_config_topic(prefix, &port.user_id) {
            self.look_at(port, shared);
        }
        let Some(prefix) = &self.prefix else { return };
        port.audience.set(EventAudience::HomeAssistantToo);
        port.link.subscribe(topics.home_assistant("set/+"), SubscribeOptions::REQUESTS);
        port.link.subscribe(discovery::birth_topic(prefix), SubscribeOptions::LEVELS);
        // A run that was cut off may have left one.
        port.link.keep(topics.home_assistant("image"), "");
        self.shown = ShownState::Nothing;
    }

    /// What earlier versions have left there is taken away if it is ours: another device may have that topic by right.
    fn look_at(&mut self, port: &MqttPort, topic: String) {
        port.link.subscribe(&topic, SubscribeOptions::LEVELS);
        if let Some(before) = self.shared.replace(topic).filter(|before| self.shared.as_ref() != Some(before))
        {
            port.link.unsubscribe(&before);
        }
    }

    fn look_over(&self, port: &MqttPort, topic: &str, payload: &[u8]) {
        if discovery::announces(payload, &port.user_id) {
            tracing::info!("what was announced to Home Assistant at {topic} is taken away");
            port.link.keep(topic, "");
            port.link.release(topic);
        }
    }

    /// Another machine speaks for this name.
    pub(super) fn stand_by(&mut self, port: &MqttPort) {
        self.unsubscribe(port);
        for topic in self.kept(port) {
            port.link.forget(&topic);
        }
    }

    fn unsubscribe(&self, port: &MqttPort) {
        port.audience.set(EventAudience::Protocol);
        port.link.unsubscribe(&port.topics.home_assistant("set/+"));
        if let Some(prefix) = &self.prefix {
            port.link.unsubscribe(&discovery::birth_topic(prefix));
        }
    }

    fn kept(&self, port: &MqttPort) -> Vec<String> {
        let config = self.prefix.as_ref().map(|prefix| discovery::config_topic(prefix, &port.user_id));
        let own = ["state", "image"].map(|level| port.topics.home_assistant(level));
        config.into_iter().chain(own).collect()
    }

    /// The configuration was read again.
    pub(super) fn configure(&mut self, port: &MqttPort, settings: &Settings) {
        let wish = wish(settings);
        self.stats_expire = discovery::expire(settings.media.stats_interval);
        if wish == self.prefix {
            return;
        }
        if self.prefix.is_some() {
            self.unsubscribe(port);
            for topic in self.kept(port) {
                port.link.keep(topic, "");
            }
        }
        self.prefix = wish;
        if self.prefix.is_some() {
            self.begin(port);
            self.tell(port);
        }
    }

    /// Takes note of what a snapshot does not say.
    pub(super) fn note(&mut self, command: &Command) {
        if let Command::Device(DeviceCommand::SetOutputVolume(wish)) = command {
            self.output_volume = Loudness::Set(wish.volume);
        }
    }

    /// The speaker's volume was configured anew; where it is not any more, it stays.
    pub(super) fn set_output_volume(&mut self, wanted: Loudness) {
        if let Loudness::Set(_) = wanted {
            self.output_volume = wanted;
        }
    }

    /// What is plugged in.
    pub(super) fn cameras(&mut self, port: &MqttPort, cameras: &[Value]) {
        self.cameras =
            cameras.iter().filter_map(|camera| camera["id"].as_str().map(ToOwned::to_owned)).collect();
        self.tell(port);
    }

    /// The daemon's state has changed, or is said for the first time.
    pub(super) fn show(&mut self, port: &MqttPort, snapshot: &Value, user: &User) {
        self.snapshot = Some(snapshot.clone());
        self.user = user.clone();
        if snapshot["seat"].is_null() && self.shown == ShownState::Picture {
            self.shown = ShownState::Nothing;
            port.link.keep(port.topics.home_assistant("image"), "");
        }
        self.tell(port);
    }

    fn tell(&self, port: &MqttPort) {
        let (Some(prefix), Some(snapshot)) = (&self.prefix, &self.snapshot) else { return };
        let config = discovery::config_topic(prefix, &port.user_id);
        let facts = DiscoveryFacts {
            user: self.user.clone(),
            kind: self.kind(snapshot),
            stats_expire: self.stats_expire,
        };
        let state = discovery::state(snapshot, self.output_volume, &config);
        port.link.keep(config, discovery::config(&facts, &port.topics).to_string());
        port.link.keep(port.topics.home_assistant("state"), state.to_string());
    }

    fn kind(&self, snapshot: &Value) -> DeviceRole {
        match self.role {
            Role::Host => DeviceRole::Host { live_id: self.live_id.clone() },
            Role::Guest => {
                let mut cameras = vec!["auto".to_owned()];
                let now = snapshot["camera"]["device"].as_str().map(ToOwned::to_owned);
                let others = self.cameras.iter().cloned().chain([self.choice.clone()]).chain(now);
                for camera in others {
                    if !cameras.contains(&camera) {
                        cameras.push(camera);
                    }
                }
                DeviceRole::Guest { cameras }
            }
        }
    }

    /// A picture was taken: it is the last one.
    pub(super) fn picture(&mut self, port: &MqttPort, picture: &Picture) {
        if self.prefix.is_some() && self.role == Role::Guest {
            self.shown = ShownState::Picture;
            port.link.keep(port.topics.home_assistant("image"), picture.jpeg.clone());
        }
    }

    /// Hears a message that may be for this.
    pub(super) fn hear(&mut self, port: &MqttPort, message: &Message) -> HomeAssistantRequest {
        if self.shared.as_ref() == Some(&message.topic) {
            self.look_over(port, &message.topic, &message.payload);
            return HomeAssistantRequest::Taken;
        }
        if self.prefix.as_ref().is_some_and(|prefix| message.topic == discovery::birth_topic(prefix)) {
            if message.payload == discovery::BIRTH {
                tracing::debug!("Home Assistant has started");
                self.kept(port).iter().for_each(|topic| port.link.renew(topic));
            }
            return HomeAssistantRequest::Taken;
        }
        let Some(level) = port.topics.own_home_assistant(&message.topic) else {
            return HomeAssistantRequest::Foreign;
        };
        match level.strip_prefix("set/") {
            Some(switch) if self.prefix.is_some() => match discovery::order(switch, &message.payload) {
                Some(command) => return HomeAssistantRequest::Command(command),
                None => tracing::debug!(switch, "Home Assistant asks for something that is not ON or OFF"),
            },
            Some(_) => {}
            None if level == "state" && message.retain == Retain::Yes => self.left_over(port, message),
            None => {}
        }
        HomeAssistantRequest::Taken
    }

    /// Takes away what an earlier run announced and this one does not.
    fn left_over(&mut self, port: &MqttPort, message: &Message) {
        let Some(announced) = discovery::announced(&message.payload) else { return };
        let present = self.prefix.as_ref().map(|prefix| discovery::config_topic(prefix, &port.user_id));
        if discovery::is_shared_config_topic(&announced, &port.user_id) {
            return self.look_at(port, announced);
        }
        let ours = discovery::is_config_topic(&announced, &port.user_id);
        if present.as_deref() == Some(announced.as_str()) || !ours {
            return;
        }
        tracing::info!("what was announced to Home Assistant at {announced} is taken away");
        port.link.keep(&announced, "");
        if self.prefix.is_none() {
            for topic in self.kept(port) {
                port.link.keep(topic, "");
            }
        }
    }

    /// Whether a filter that the broker refuses matters: while Home Assistant is off nobody misses it.
    pub(super) fn misses(&self, port: &MqttPort, filter: &str) -> bool {
        self.shared.as_deref() != Some(filter)
            && (self.prefix.is_some() || port.topics.own_home_assistant(filter).is_none())
    }
}

fn wish(settings: &Settings) -> Option<String> {
    let home = &settings.home_assistant;
    home.enabled.then(|| home.discovery_prefix.clone())
}
