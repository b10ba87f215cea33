//! Home Assistant, by the effects: what an entity reads is really published and of a kind it takes, what it commands is obeyed,
//! and nothing is left when it is switched off. Its templates are evaluated by a real engine.

use std::collections::BTreeMap;

use minijinja::{Environment, context};
use serde_json::{Value, json};

use super::bench::{Bench, Daemon, HOST, KIOSK};
use crate::support::broker::Listener;
use crate::support::eventually;

const CONFIG: &str = "homeassistant/device/kiosk-7/config";
const ON: &str = "[home_assistant]\nenabled = true\n";

/// The keys Home Assistant knows of each platform, as far as they are used here: it drops others silently.
fn known_keys(platform: &str) -> Vec<&'static str> {
    let mut keys = vec!["platform", "name", "unique_id", "icon", "entity_category", "qos"];
    keys.extend(match platform {
        "sensor" => &[
            "state_topic",
            "value_template",
            "device_class",
            "options",
            "unit_of_measurement",
            "state_class",
            "expire_after",
        ][..],
        "binary_sensor" => &["state_topic", "value_template", "device_class"],
        "button" => &["command_topic", "payload_press"],
        "switch" => &["state_topic", "value_template", "command_topic"],
        "number" => &[
            "state_topic",
            "value_template",
            "command_topic",
            "command_template",
            "min",
            "max",
            "step",
            "unit_of_measurement",
        ],
        "select" => &["state_topic", "value_template", "command_topic", "command_template", "options"],
        "image" => &["image_topic", "content_type"],
        "event" => &["state_topic", "event_types"],
        other => panic!("no platform is called {other}"),
    });
    keys
}

fn render(template: &str, value: &Value, raw: &str) -> String {
    let mut engine = Environment::new();
    engine.add_filter("to_json", |value: minijinja::Value| serde_json::to_string(&value).expect("a value"));
    engine
        .render_str(template, context! { value => raw, value_json => minijinja::value::Serde(value) })
        .expect("a template")
}

/// Home Assistant, as far as it is needed here.
struct Home {
    ears: Listener,
}

impl Home {
    fn open(bench: &Bench) -> Self {
        let filters = ["-t", "homeassistant/#", "-t", "coguest/v1/device/#"];
        Self { ears: bench.broker.listen_as("witness", &filters) }
    }

    /// The last payload on a topic.
    fn last(&self, topic: &str) -> Option<String> {
        let of = format!("{topic} ");
        self.ears.heard().iter().rev().find_map(|line| line.strip_prefix(&of).map(str::to_owned))
    }

    fn config(&self, topic: &str) -> Value {
        let text = eventually("the discovery payload", || self.last(topic).filter(|text| !text.is_empty()));
        serde_json::from_str(&text).expect("JSON")
    }

    /// What an entity shows now.
    fn shows(&self, entity: &Value) -> Option<String> {
        let text = self.last(entity["state_topic"].as_str()?)?;
        let value = serde_json::from_str(&text).expect("JSON");
        Some(render(entity["value_template"].as_str()?, &value, &text))
    }

    fn until(&self, entity: &Value, wanted: &str) {
        eventually(&format!("{wanted} of {entity}, now {:?}", self.shows(entity)), || {
            (self.shows(entity).as_deref() == Some(wanted)).then_some(())
        });
    }
}

fn seated(bench: &Bench) -> (Daemon, Daemon, Home) {
    let host =
        bench.daemon("host", HOST, "[room]\nlive_id = \"lobby\"\n[host]\naccept_applications = \"always\"\n");
    let home = Home::open(bench);
    let kiosk = bench.daemon("guest", KIOSK, &format!("[room]\nlive_id = \"lobby\"\n{ON}"));
    let entities = home.config(CONFIG)["components"].clone();
    home.until(&entities["room"], "lobby");
    eventually("the room to be entered", || {
        bench.obeyed(&[KIOSK, "get_state"])["room"]["membership"].eq("inside").then_some(())
    });
    press(bench, &entities["apply"], None);
    home.until(&entities["phase"], "live");
    (host, kiosk, home)
}

/// What Home Assistant publishes when somebody uses an entity.
fn press(bench: &Bench, entity: &Value, value: Option<&str>) {
    let payload = match (entity["payload_press"].as_str(), entity["command_template"].as_str(), value) {
        (Some(payload), _, _) => payload.to_owned(),
        (None, Some(template), Some(value)) => render(template, &Value::Null, value),
        (None, None, Some(value)) => value.to_owned(),
        (None, _, None) => panic!("nothing to say to {entity}"),
    };
    let topic = entity["command_topic"].as_str().expect("it can be commanded");
    bench.broker.publish_as("witness", &["-t", topic, "-m", &payload]);
}

#[test]
fn every_entity_reads_what_is_really_published() {
    let bench = Bench::new();
    let (_host, _kiosk, home) = seated(&bench);
    let config = home.config(CONFIG);
    assert_eq!(config["device"]["identifiers"], json!(["coguestd_kiosk-7"]));
    assert_eq!(config["origin"]["name"], "coguestd");
    let availability = &config["availability"][0];
    assert_eq!(
        home.last(availability["topic"].as_str().expect("a topic")).as_deref(),
        availability["payload_available"].as_str()
    );
    let entities: BTreeMap<String, Value> =
        serde_json::from_value(config["components"].clone()).expect("an object");
    for platform in ["sensor", "binary_sensor", "button", "switch", "number", "select", "image", "event"] {
        assert!(entities.values().any(|entity| entity["platform"] == platform), "no {platform}");
    }
    home.ears.wait_for("device/kiosk-7/stats {");
    for (id, entity) in &entities {
        let platform = entity["platform"].as_str().expect("a platform");
        for key in entity.as_object().expect("an object").keys() {
            assert!(known_keys(platform).contains(&key.as_str()), "{id}: Home Assistant drops {key}");
        }
        assert_eq!(entity["unique_id"], format!("coguestd_kiosk-7_{id}"));
        assert_eq!(entity.get("retain"), None, "{id}");
        if entity["value_template"].is_null() {
            continue;
        }
        let shown = home.shows(entity).unwrap_or_else(|| panic!("{id}: nothing is published"));
        let is_one_of = |words: &Value| words.as_array().expect("a list").contains(&json!(shown));
        match platform {
            "sensor" if entity["options"].is_array() => {
                assert!(is_one_of(&entity["options"]), "{id}: {shown}")
            }
            "select" => assert!(is_one_of(&entity["options"]), "{id}: {shown}"),
            "switch" | "binary_sensor" => assert!(["ON", "OFF"].contains(&shown.as_str()), "{id}: {shown}"),
            // What no one has set, and no state tells, is unknown.
            "number" if id == "output_volume" => assert_eq!(shown, "None"),
            "number" => assert!(shown.parse::<u8>().is_ok_and(|number| number <= 100), "{id}: {shown}"),
            "sensor" if entity["unit_of_measurement"].is_string() => {
                eventually(&format!("{id} as a number"), || home.shows(entity)?.parse::<f64>().ok());
            }
            "sensor" => assert!(
                !shown.is_empty() && shown.len() < 256 && shown != "none" || id == "last_error",
                "{id}: {shown}"
            ),
            other => panic!("{id}: a {other} reads nothing"),
        }
    }
    assert_eq!(home.shows(&entities["on_air"]).as_deref(), Some("ON"));
}

#[test]
fn every_entity_is_obeyed() {
    let bench = Bench::new();
    let (_host, _kiosk, home) = seated(&bench);
    let entities = home.config(CONFIG)["components"].clone();
    for device in ["camera", "microphone"] {
        for value in ["OFF", "ON"] {
            press(&bench, &entities[device], Some(value));
            home.until(&entities[device], value);
        }
    }
    for (id, value) in
        [("capture_volume", "40"), ("output_volume", "30"), ("quality", "540p"), ("camera_device", "auto")]
    {
        press(&bench, &entities[id], Some(value));
        if id != "camera_device" {
            home.until(&entities[id], value);
        }
    }
    home.ears.wait_for("reply/switch_camera {\"ok\":true");
    press(&bench, &entities["leave"], None);
    home.until(&entities["phase"], "off");
    // What has nothing to answer is refused by the protocol, not lost on the way.
    for (id, command) in
        [("cancel", "cancel_application"), ("accept", "accept_invitation"), ("reject", "reject_invitation")]
    {
        press(&bench, &entities[id], None);
        let reply = home.ears.wait_for(&format!("reply/{command} "));
        assert!(reply.contains("not_on_seat_queue") || reply.contains("no_such_invitation"), "{reply}");
    }
    // A switch that cannot be turned stays as it is, and a retained word turns nothing.
    let switch = entities["camera"]["command_topic"].as_str().expect("a topic");
    bench.broker.publish_as("witness", &["-t", switch, "-m", "ON", "-r"]);
    let reply = home.ears.wait_for("reply/open_local_camera {\"error\"");
    assert!(reply.contains("retained_command"), "{reply}");
    assert_eq!(home.shows(&entities["camera"]).as_deref(), Some("OFF"));
    bench.broker.publish_as("witness", &["-t", switch, "-n", "-r"]);
    // Every button names a command that exists.
    for entity in
        entities.as_object().expect("an object").values().filter(|entity| entity["platform"] == "button")
    {
        press(&bench, entity, None);
    }
    home.ears.wait_for("reply/take_snapshot ");
    assert!(
        !home
            .ears
            .heard()
            .iter()
            .any(|line| line.contains("unknown_command") || line.contains("invalid_parameter"))
    );
}

#[test]
fn events_carry_their_type_and_are_not_retained() {
    let bench = Bench::new();
    let (_host, _kiosk, home) = seated(&bench);
    let config = home.config(CONFIG);
    let entity = &config["components"]["event"];
    let topic = entity["state_topic"].as_str().expect("a topic").to_owned();
    let types = entity["event_types"].as_array().expect("a list");
    let of = format!("{topic} ");
    let events: Vec<Value> = home
        .ears
        .heard()
        .iter()
        .filter_map(|line| serde_json::from_str(line.strip_prefix(&of)?).ok())
        .collect();
    let named: Vec<&Value> = events.iter().map(|event| &event["event_type"]).collect();
    assert!(
        named.contains(&&json!("application_accepted")) && named.contains(&&json!("seated")),
        "{named:?}"
    );
    assert!(named.iter().all(|name| types.contains(name)), "{named:?}");
    let late = bench.broker.listen_as("witness", &["-t", &topic, "-t", "mark"]);
    bench.broker.publish_as("witness", &["-t", "mark", "-m", "x"]);
    late.wait_for("mark x");
    assert_eq!(late.heard(), ["mark x"]);
}

#[test]
fn the_last_picture_is_kept_only_on_a_seat() {
    let bench = Bench::new();
    let (_host, _kiosk, home) = seated(&bench);
    let entities = home.config(CONFIG)["components"].clone();
    let topic = entities["picture"]["image_topic"].as_str().expect("a topic");
    let pictures =
        bench.broker.listen_as("witness", &["-t", topic, "-F", "MESSAGE length %l retained %r %x"]);
    press(&bench, &entities["snapshot"], None);
    // The first bytes of a JPEG file.
    let picture = pictures.wait_for(" ffd8ff");
    assert!(!picture.starts_with("length 0"), "{picture}");
    let late = bench.broker.listen_as("witness", &["-t", topic, "-F", "MESSAGE retained %r %x"]);
    late.wait_for("retained 1 ffd8ff");
    press(&bench, &entities["leave"], None);
    home.until(&entities["phase"], "off");
    pictures.wait_for("length 0 ");
}

#[test]
fn a_start_of_home_assistant_hears_it_all_again() {
    let bench = Bench::new();
    let home = Home::open(&bench);
    let _kiosk = bench.daemon("guest", KIOSK, ON);
    home.config(CONFIG);
    let state = "coguest/v1/device/kiosk-7/home_assistant/state";
    eventually("the state", || home.last(state));
    let count = |topic: &str| home.ears.heard().iter().filter(|line| line.starts_with(topic)).count();
    let (configs, states) = (count(CONFIG), count(state));
    bench.broker.publish_as("witness", &["-t", "homeassistant/status", "-m", "online"]);
    eventually("it all again", || (count(CONFIG) > configs && count(state) > states).then_some(()));
}

/// The retained topics of Home Assistant that hold something.
fn retained(bench: &Bench) -> Vec<String> {
    let filters = ["-t", "homeassistant/#", "-t", "coguest/v1/device/+/home_assistant/#", "-t", "mark"];
    let late = bench.broker.listen_as("witness", &filters);
    bench.broker.publish_as("witness", &["-t", "mark", "-m", "x"]);
    late.wait_for("mark x");
    late.heard()
        .iter()
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .filter(|topic| topic != "mark")
        .collect()
}

#[test]
fn switched_off_at_the_next_start_it_leaves_nothing() {
    let bench = Bench::new();
    let home = Home::open(&bench);
    let kiosk = bench.daemon("guest", KIOSK, ON);
    home.config(CONFIG);
    eventually("the state", || home.last("coguest/v1/device/kiosk-7/home_assistant/state"));
    drop(kiosk);
    assert_eq!(retained(&bench).len(), 2, "{:?}", retained(&bench));
    home.ears.wait_for("device/kiosk-7/status offline");
    let _kiosk = bench.daemon("guest", KIOSK, "");
    eventually("an end of it", || retained(&bench).is_empty().then_some(()));
    // Who never had it on publishes nothing of it.
    let other = bench.daemon("guest", "kiosk-8", "");
    assert!(retained(&bench).is_empty() && !other.log().contains("WARN"), "{}", other.log());
}

#[test]
fn a_host_is_a_device_too() {
    let bench = Bench::new();
    let home = Home::open(&bench);
    let _host = bench.daemon("host", HOST, &format!("[room]\nlive_id = \"lobby\"\n{ON}"));
    let entities = home.config("homeassistant/device/lobby-host/config")["components"].clone();
    home.until(&entities["on_air"], "ON");
    for (id, shown) in [("room", "lobby"), ("seated", "0"), ("applicants", "0"), ("last_error", "none")] {
        home.until(&entities[id], shown);
    }
    press(&bench, &entities["end"], None);
    home.until(&entities["on_air"], "OFF");
    press(&bench, &entities["start"], None);
    home.until(&entities["on_air"], "ON");
}
