//! Home Assistant: the daemon as a device with entities, found by MQTT discovery.
//!
//! Two retained topics make it: the discovery payload below Home Assistant's own prefix, which names the entities, and one flat
//! `home_assistant/state` below ours, made from the daemon's snapshot, which every entity reads with a template of one word.
//! Buttons, numbers and selects speak to the ordinary command topics, in JSON; only the two switches, whose on and off are
//! different commands here, have topics of their own (`home_assistant/set/…`).
//!
//! Invariant: every key in a payload is one Home Assistant knows (it drops others silently), and nothing but the discovery
//! payload is published below its prefix.
//!
//! Not here: when what is published (`app`).

use serde_json::{Map, Value, json};

use super::schema::{GUEST_EVENTS, HOST_EVENTS, names_of};
use super::topics::Topics;
use super::wire::sound_object;
use crate::model::media::Quality;
use crate::model::sound::SpeakerStatus;
use crate::model::volume::Loudness;
use crate::model::{Phase, RequestTimeout, User, UserId};

/// What the entities are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscoveryFacts {
    /// Who the device is.
    pub user: User,
    /// Guest or host.
    pub kind: DeviceRole,
    /// After how many seconds without statistics bitrate and round trip are unknown.
    pub stats_expire: u64,
}

/// What the entities of a role need to know.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceRole {
    /// A guest, with the cameras that may be chosen.
    Guest {
        /// Ids, in the order they are offered.
        cameras: Vec<String>,
    },
    /// A host, with the room that its button opens.
    Host {
        /// Its configured room.
        live_id: Option<String>,
    },
}

/// Where the discovery payload of this user goes. Home Assistant allows no dot there: an id that has one is spelt out below a
/// node of its own (`lobby.1` is `coguestd/lobby_-1`), so that two ids never have one topic.
pub fn config_topic(discovery_prefix: &str, user_id: &UserId) -> String {
    format!("{discovery_prefix}/device/{}/config", place(user_id))
}

/// Whether `topic` can have been this user's [`config_topic`] below any prefix.
pub fn is_config_topic(topic: &str, user_id: &UserId) -> bool {
    is_below_a_prefix(topic, &place(user_id))
}

/// Where an id with a dot was announced by earlier versions, below the same prefix: another device may have that topic.
pub fn shared_config_topic(discovery_prefix: &str, user_id: &UserId) -> Option<String> {
    let shared = shared_place(user_id)?;
    Some(format!("{discovery_prefix}/device/{shared}/config"))
}

/// Whether `topic` can have been this user's [`shared_config_topic`] below any prefix.
pub fn is_shared_config_topic(topic: &str, user_id: &UserId) -> bool {
    shared_place(user_id).is_some_and(|shared| is_below_a_prefix(topic, &shared))
}

/// Whether this is a discovery payload of this user, and not of another device with the same topic.
pub fn announces(payload: &[u8], user_id: &UserId) -> bool {
    let device = sound_object(payload).and_then(|mut payload| payload.remove("device"));
    device.is_some_and(|device| device["identifiers"] == json!([identifier(user_id)]))
}

/// Where the run that kept this state of the entities had announced them.
pub fn announced(state: &[u8]) -> Option<String> {
    sound_object(state)?.get("discovery")?.as_str().map(ToOwned::to_owned)
}

fn is_below_a_prefix(topic: &str, place: &str) -> bool {
    let end = format!("/device/{place}/config");
    topic
        .strip_suffix(end.as_str())
        .is_some_and(|prefix| !prefix.is_empty() && !prefix.contains(['+', '#', '$']))
}

fn identifier(user_id: &UserId) -> String {
    format!("coguestd_{user_id}")
}

/// Where Home Assistant says that it has started.
pub fn birth_topic(discovery_prefix: &str) -> String {
    format!("{discovery_prefix}/status")
}

/// What Home Assistant says there.
pub const BIRTH: &[u8] = b"online";

/// `[node_id/]object_id` of a discovery topic. Only ids with a dot have the node, and there `_` begins a pair: `__` or `_-`.
fn place(user_id: &UserId) -> String {
    let id = user_id.as_str();
    if id.contains('.') {
        format!("coguestd/{}", id.replace('_', "__").replace('.', "_-"))
    } else {
        id.to_owned()
    }
}

fn shared_place(user_id: &UserId) -> Option<String> {
    let id = user_id.as_str();
    id.contains('.').then(|| id.replace('.', "_"))
}

/// The discovery payload.
pub fn config(facts: &DiscoveryFacts, topics: &Topics) -> Value {
    let builder = DiscoveryBuilder { id: facts.user.user_id.as_str(), topics, components: Map::new() };
    let (model, components) = match &facts.kind {
        DeviceRole::Guest { cameras } => ("guest", builder.guest(cameras, facts.stats_expire)),
        DeviceRole::Host { live_id } => ("host", builder.host(live_id.as_deref())),
    };
    json!({
        "device": {
            "identifiers": [identifier(&facts.user.user_id)],
            "name": facts.user.user_name,
            "manufacturer": "coguestd",
            "model": model,
            "sw_version": env!("CARGO_PKG_VERSION"),
        },
        "origin": {"name": "coguestd", "sw_version": env!("CARGO_PKG_VERSION")},
        "availability": [{
            "topic": topics.status(),
            "payload_available": super::wire::device::ONLINE,
            "payload_not_available": super::wire::device::OFFLINE,
        }],
        "components": components,
    })
}

struct DiscoveryBuilder<'a> {
    id: &'a str,
    topics: &'a Topics,
    components: Map<String, Value>,
}

impl DiscoveryBuilder<'_> {
    fn guest_state(&mut self) {
        let phases: Vec<Value> =
            std::iter::once(json!(OFF)).chain(PHASES.map(|phase| json!(phase))).collect();
        self.reads("phase", "sensor", "Phase", json!({"device_class": "enum", "options": phases}));
        self.reads("room", "sensor", "Room", json!({}));
        self.reads("seat", "sensor", "Seat", json!({}));
        self.reads("on_air", "binary_sensor", "On air", json!({"icon": "mdi:broadcast"}));
        let speaker = [SpeakerStatus::Off, SpeakerStatus::Silent, SpeakerStatus::Playing];
        let speaker = json!({"device_class": "enum", "options": speaker.map(SpeakerStatus::as_str)});
        self.reads("speaker", "sensor", "Speaker", speaker);
    }

    fn guest(mut self, cameras: &[String], stats_expire: u64) -> Map<String, Value> {
        self.guest_state();
        self.common();
        self.measures(
            "bitrate",
            "Video bitrate",
            "{{ (value_json.video or {}).bitrate_kbps }}",
            stats_expire,
            json!({"unit_of_measurement": "kbit/s", "device_class": "data_rate"}),
        );
        self.measures(
            "network_rate",
            "What the network carries",
            "{{ value_json.target_kbps }}",
            stats_expire,
            json!({"unit_of_measurement": "kbit/s", "device_class": "data_rate"}),
        );
        self.measures(
            "round_trip",
            "Round trip",
            "{{ value_json.round_trip_ms }}",
            stats_expire,
            json!({"unit_of_measurement": "ms", "device_class": "duration"}),
        );
        for (id, name, command) in [
            ("apply", "Apply for a seat", "apply_for_seat"),
            ("cancel", "Cancel the application", "cancel_application"),
            ("accept", "Accept the invitation", "accept_invitation"),
            ("reject", "Reject the invitation", "reject_invitation"),
            ("leave", "Leave the seat", "disconnect"),
            ("snapshot", "Take a snapshot", "take_snapshot"),
        ] {
            self.presses(id, name, command, "{}");
        }
        for (id, name) in [("camera", "Camera"), ("microphone", "Microphone")] {
            let command_topic = self.topics.home_assistant(&format!("set/{id}"));
            self.reads(id, "switch", name, json!({"command_topic": command_topic}));
        }
        for (id, name, command) in [
            ("capture_volume", "Microphone volume", "set_capture_volume"),
            ("output_volume", "Speaker volume", "set_output_volume"),
        ] {
            self.commands(
                id,
                "number",
                name,
                command,
                json!({"command_template": "{\"volume\": {{ value | int }}}",
                "min": 0, "max": 100, "step": 1, "unit_of_measurement": "%", "entity_category": "config"}),
            );
        }
        let qualities = [Quality::P360, Quality::P540, Quality::P720, Quality::P1080].map(Quality::as_str);
        self.commands("quality", "select", "Quality", "set_video_quality",
            json!({"command_template": "{\"quality\": {{ value | to_json }}}", "options": qualities, "entity_category": "config"}));
        self.commands("camera_device", "select", "Camera in use", "switch_camera",
            json!({"command_template": "{\"camera\": {{ value | to_json }}}", "options": cameras, "entity_category": "config"}));
        let picture =
            json!({"image_topic": self.topics.home_assistant("image"), "content_type": "image/jpeg"});
        self.put("picture", "image", "Last snapshot", picture);
        self.event(names_of(GUEST_EVENTS));
        self.components
    }

    fn host(mut self, live_id: Option<&str>) -> Map<String, Value> {
        self.reads("room", "sensor", "Room", json!({}));
        self.reads("seated", "sensor", "Seated guests", json!({"state_class": "measurement"}));
        self.reads("applicants", "sensor", "Applicants", json!({"state_class": "measurement"}));
        self.reads("on_air", "binary_sensor", "Live", json!({"icon": "mdi:broadcast"}));
        self.common();
        if let Some(live_id) = live_id {
            self.presses("start", "Start the live", "start_live", &json!({"live_id": live_id}).to_string());
        }
        self.presses("end", "End the live", "end_live", "{}");
        self.event(names_of(HOST_EVENTS));
        self.components
    }

    fn common(&mut self) {
        self.reads("last_error", "sensor", "Last error", json!({"entity_category": "diagnostic"}));
        self.reads("summary", "sensor", "Summary", json!({"entity_category": "diagnostic"}));
    }

    /// An entity whose value is the field of its name in the flat state.
    fn reads(&mut self, id: &str, platform: &str, name: &str, mut more: Value) {
        more["state_topic"] = json!(self.topics.home_assistant("state"));
        more["value_template"] = json!(format!("{{{{ value_json.{id} }}}}"));
        self.put(id, platform, name, more);
    }

    /// The same, and it can be set by a command.
    fn commands(&mut self, id: &str, platform: &str, name: &str, command: &str, mut more: Value) {
        more["command_topic"] = json!(self.topics.command(command));
        self.reads(id, platform, name, more);
    }

    /// A number of the statistics.
    fn measures(&mut self, id: &str, name: &str, template: &str, expire: u64, mut more: Value) {
        more["state_topic"] = json!(self.topics.stats());
        more["value_template"] = json!(template);
        more["expire_after"] = json!(expire);
        more["state_class"] = json!("measurement");
        more["entity_category"] = json!("diagnostic");
        self.put(id, "sensor", name, more);
    }

    fn presses(&mut self, id: &str, name: &str, command: &str, payload: &str) {
        let topic = self.topics.command(command);
        self.put(id, "button", name, json!({"command_topic": topic, "payload_press": payload}));
    }

    fn event(&mut self, types: impl Iterator<Item = &'static str>) {
        let types: Vec<&str> = types.collect();
        let topic = self.topics.home_assistant("event");
        self.put("event", "event", "Event", json!({"state_topic": topic, "event_types": types}));
    }

    fn put(&mut self, id: &str, platform: &str, name: &str, mut more: Value) {
        more["platform"] = json!(platform);
        more["name"] = json!(name);
        more["unique_id"] = json!(format!("coguestd_{}_{id}", self.id));
        // A command never travels with less than QoS 1, and never retained, which is the default.
        if more.get("command_topic").is_some() {
            more["qos"] = json!(1);
        }
        self.components.insert(id.to_owned(), more);
    }
}

/// What stands for no phase, no room, no seat, no error: a text sensor has no null.
const OFF: &str = "off";
const NONE: &str = "none";

const PHASES: [Phase; 6] =
    [Phase::Preparing, Phase::Negotiating, Phase::Connecting, Phase::Live, Phase::Recovering, Phase::Leaving];

/// The flat state from a daemon's snapshot, as it travels. `discovery` says where the discovery payload is, for a later start
/// that has to take it away.
pub fn state(snapshot: &Value, output_volume: Loudness, discovery: &str) -> Value {
    let or = |value: &Value, none: &str| if value.is_null() { json!(none) } else { value.clone() };
    let on = |yes: bool| if yes { "ON" } else { "OFF" };
    let mut flat = json!({
        "room": or(&snapshot["room"]["live_id"], NONE),
        "last_error": or(&snapshot["last_error"]["code"], NONE),
        "summary": snapshot["summary"],
        "discovery": discovery,
    });
    if snapshot["role"] == "host" {
        let count = |list: &str| snapshot[list].as_array().map_or(0, Vec::len);
        flat["on_air"] = json!(on(snapshot["room"]["membership"] == "inside"));
        flat["seated"] = json!(count("connected"));
        flat["applicants"] = snapshot["applicants_total"].clone();
        return flat;
    }
    let open = |device: &str| on(matches!(snapshot[device]["status"].as_str(), Some("on" | "lost")));
    flat["phase"] = or(&snapshot["seat"]["phase"], OFF);
    flat["seat"] = or(&snapshot["seat"]["index"], NONE);
    flat["on_air"] = json!(on(snapshot["seat"]["phase"] == "live"));
    flat["camera"] = json!(open("camera"));
    flat["microphone"] = json!(open("microphone"));
    flat["speaker"] = snapshot["speaker"].clone();
    flat["capture_volume"] = snapshot["microphone"]["volume"].clone();
    flat["output_volume"] = match output_volume {
        // Unknown, to Home Assistant.
        Loudness::AsItIs => Value::Null,
        Loudness::Set(volume) => json!(volume.percent()),
    };
    flat["quality"] = snapshot["camera"]["quality"].clone();
    flat["camera_device"] = snapshot["camera"]["device"].clone();
    flat
}

/// An event's payload with its name in it.
pub fn event(name: &str, payload: &[u8]) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(payload).unwrap_or_else(|_| json!({}));
    value["event_type"] = json!(name);
    value.to_string().into_bytes()
}

/// The command that a word on a topic below `home_assistant/set` stands for.
pub fn order(switch: &str, word: &[u8]) -> Option<&'static str> {
    match (switch, word) {
        ("camera", b"ON") => Some("open_local_camera"),
        ("camera", b"OFF") => Some("close_local_camera"),
        ("microphone", b"ON") => Some("open_local_microphone"),
        ("microphone", b"OFF") => Some("close_local_microphone"),
        _ => None,
    }
}

/// How long statistics hold: three of them may be missing.
pub fn expire(stats_interval: std::time::Duration) -> u64 {
    (3 * stats_interval.as_secs() + 3).min(u64::from(RequestTimeout::MAX) * 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: &str) -> UserId {
        id.parse().expect("an id")
    }

    #[test]
    fn topics_are_what_home_assistant_takes() {
        let plain = id("Kiosk_7-a");
        assert_eq!(config_topic("homeassistant", &plain), "homeassistant/device/Kiosk_7-a/config");
        assert_eq!(shared_config_topic("homeassistant", &plain), None);
        let dotted = id("kiosk.7_a");
        assert_eq!(
            config_topic("homeassistant", &dotted),
            "homeassistant/device/coguestd/kiosk_-7__a/config"
        );
        assert_eq!(
            shared_config_topic("homeassistant", &dotted).as_deref(),
            Some("homeassistant/device/kiosk_7_a/config")
        );
        assert!(is_config_topic("other/prefix/device/coguestd/kiosk_-7__a/config", &dotted));
        assert!(is_shared_config_topic("other/prefix/device/kiosk_7_a/config", &dotted));
        for wrong in [
            "homeassistant/device/kiosk-8/config",
            "/device/coguestd/kiosk_-7__a/config",
            "#/device/coguestd/kiosk_-7__a/config",
        ] {
            assert!(!is_config_topic(wrong, &dotted), "{wrong}");
        }
    }

    /// All ids of up to five characters of those that are special somewhere.
    fn ids() -> Vec<String> {
        let mut ids = vec![String::new()];
        for _ in 0..5 {
            let longer = ids.iter().flat_map(|id| ["a", "_", "-", "."].map(|next| format!("{id}{next}")));
            ids = longer.chain(ids.clone()).collect();
            ids.sort();
            ids.dedup();
        }
        // Names that mean something elsewhere may be no ids.
        ids.retain(|id| id.parse::<UserId>().is_ok());
        ids
    }

    #[test]
    fn two_ids_never_have_one_topic() {
        let ids = ids();
        assert!(ids.len() > 1_000);
        let topics: std::collections::BTreeSet<String> =
            ids.iter().map(|name| config_topic("homeassistant", &id(name))).collect();
        assert_eq!(topics.len(), ids.len());
        let taken = |level: &str| {
            !level.is_empty()
                && level.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        for topic in &topics {
            let levels: Vec<&str> = topic.split('/').collect();
            assert!(matches!(levels.len(), 4 | 5) && levels.iter().all(|level| taken(level)), "{topic}");
        }
    }

    #[test]
    fn two_ids_never_have_one_entity() {
        let topics = Topics::new("p", id("k"));
        let kinds =
            [DeviceRole::Guest { cameras: Vec::new() }, DeviceRole::Host { live_id: Some("lobby".into()) }];
        let entities: Vec<String> = kinds
            .into_iter()
            .flat_map(|kind| {
                let user = serde_json::from_value(json!({"user_id": "k"})).expect("a user");
                let config = config(&DiscoveryFacts { user, kind, stats_expire: 9 }, &topics);
                config["components"].as_object().expect("entities").keys().cloned().collect::<Vec<_>>()
            })
            .collect();
        // `coguestd_ID_ENTITY` names one of each as long as no entity is the end of another behind an underscore.
        for entity in &entities {
            assert!(!entities.iter().any(|other| entity.ends_with(&format!("_{other}"))), "{entity}");
        }
    }

    #[test]
    fn a_device_knows_its_own_announcement() {
        let user = serde_json::from_value(json!({"user_id": "lobby.1"})).expect("a user");
        let facts = DiscoveryFacts { user, kind: DeviceRole::Host { live_id: None }, stats_expire: 9 };
        let payload = config(&facts, &Topics::new("p", id("lobby.1"))).to_string();
        assert!(announces(payload.as_bytes(), &id("lobby.1")));
        assert!(!announces(payload.as_bytes(), &id("lobby_1")));
        assert!(!announces(b"", &id("lobby.1")));
        // Of two that contradict each other neither counts.
        let twice = payload.replacen('{', r#"{"device": {}, "#, 1);
        assert!(!announces(twice.as_bytes(), &id("lobby.1")));
        assert_eq!(announced(br#"{"discovery": "a/b"}"#).as_deref(), Some("a/b"));
        assert_eq!(announced(br#"{"discovery": "a/b", "discovery": "c/d"}"#), None);
    }

    #[test]
    fn the_phases_are_all_there_are() {
        let all = super::super::schema::document();
        let phases = &all["components"]["schemas"]["Stay"]["properties"]["phase"]["enum"];
        assert_eq!(json!(PHASES), *phases);
    }
}
