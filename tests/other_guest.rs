//! A host whose guest shares nothing with this program: Python, paho-mqtt and the newest aiortc of PyPI, which takes nothing but ECDSA.

#[path = "support/network.rs"]
mod network;
mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::broker::{Broker, Listener};
use support::eventually;
use tempfile::TempDir;

const GUEST: &str = "other-1";
const HOST: &str = "host-1";

/// A broker, the host, and the other guest.
struct House {
    folder: TempDir,
    heard: Listener,
    _broker: Broker,
    processes: Vec<Child>,
    port: String,
}

impl House {
    /// The guest is told these words.
    fn open(words: &[&str]) -> Self {
        network::ensure_interface();
        let broker = Broker::start();
        let heard = broker.listen(&["-t", "coguest/v1/#"]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = format!(
            "role = \"host\"\n[user]\nid = \"{HOST}\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n\
             [room]\nlive_id = \"lobby\"\n[host]\nseat_mode = \"free\"\n",
            broker.port(),
        );
        let port = broker.port().to_string();
        let file = folder.path().join("host.toml");
        fs::write(&file, text).expect("writable");
        let mut house = Self { folder, heard, _broker: broker, processes: Vec::new(), port };
        let mut host = Command::new(env!("CARGO_BIN_EXE_coguestd"));
        host.args(["-vv", "run", "--config"]).arg(file);
        house.start("host", &mut host);
        house.heard.wait_for("\"status\":\"live\"");
        house.join("guest", GUEST, words);
        house
    }

    fn join(&mut self, name: &str, user_id: &str, words: &[&str]) {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut guest =
            Command::new(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join("bin/python"));
        guest.arg(here.join("tests/peers/guest.py")).args([&self.port, user_id, HOST]).args(words);
        self.start(name, &mut guest);
    }

    fn start(&mut self, name: &str, command: &mut Command) {
        let log = File::create(self.file(name)).expect("writable");
        let error = log.try_clone().expect("a descriptor");
        let child = command.stdin(Stdio::null()).stdout(log).stderr(error).spawn();
        self.processes.push(child.unwrap_or_else(|error| panic!("{command:?}: {error}: make peers")));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// What the guest said of this kind.
    fn said(&self, what: &str) -> Vec<Value> {
        self.said_by("guest", what)
    }

    fn said_by(&self, name: &str, what: &str) -> Vec<Value> {
        let log = self.log(name);
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|value| value["what"] == json!(what)).collect()
    }

    fn wait_said(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || self.said(what).into_iter().find(&wanted))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for name in ["host", "guest", "second"] {
                eprintln!("--- {name}\n{}", self.log(name));
            }
        }
    }
}

#[test]
fn it_is_seen_and_heard() {
    let house = House::open(&[]);
    let live = house.heard.wait_for(&format!("device/{HOST}/event/media_live"));
    assert!(live.contains(GUEST), "{live}");
    let topic = format!("coguest/v1/device/{HOST}/stats ");
    eventually("statistics of pictures and sound", || {
        let heard = house.heard.heard();
        let statistics = heard.iter().filter_map(|message| message.strip_prefix(&topic));
        let statistics = statistics.filter_map(|text| serde_json::from_str::<Value>(text).ok());
        statistics.map(|all| all["seats"][0].clone()).find(|seat| {
            let loud = seat["audio"]["level_dbfs"].as_f64() > Some(-40.0);
            seat["user_id"] == json!(GUEST) && loud && seat["video"]["frames"].as_u64() > Some(30)
        })
    });
}

#[test]
fn two_hear_each_other_and_never_themselves() {
    let mut house = House::open(&["hertz=500"]);
    house.join("second", "other-2", &["hertz=800"]);
    for (name, hertz) in [("guest", 800.0), ("second", 500.0)] {
        eventually(&format!("{name} to hear {hertz} Hz"), || {
            let heard = house.said_by(name, "hears");
            heard.into_iter().find(|heard| {
                let is_tone = heard["hertz"].as_f64().is_some_and(|heard| (heard - hertz).abs() < 20.0);
                is_tone && heard["level"].as_f64() > Some(-40.0)
            })
        });
    }
}

#[test]
fn one_that_only_sends_is_heard_by_one_that_only_receives() {
    let mut house = House::open(&["mute"]);
    house.join("second", "other-2", &["deaf", "hertz=800"]);
    for (name, way) in [("guest", "sendonly"), ("second", "recvonly")] {
        let answer = eventually("the answer", || house.said_by(name, "answer").pop());
        assert_eq!(answer["ways"][0], json!(way), "{answer}");
    }
    eventually("the one to hear the other", || {
        house.said_by("guest", "hears").into_iter().find(|heard| {
            let is_tone = heard["hertz"].as_f64().is_some_and(|heard| (heard - 800.0).abs() < 20.0);
            is_tone && heard["level"].as_f64() > Some(-40.0)
        })
    });
    assert_eq!(house.said_by("second", "hears"), Vec::<Value>::new());
}

#[test]
fn a_data_channel_beside_them_is_rejected_alone() {
    let house = House::open(&["data"]);
    let answer = house.wait_said("answer", |_| true);
    let sections: Vec<&str> =
        answer["sections"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let ports: Vec<Option<&str>> = sections.iter().map(|section| section.split(' ').nth(1)).collect();
    assert_eq!(ports, [Some("9"), Some("9"), Some("0")], "{sections:?}");
    house.heard.wait_for(&format!("device/{HOST}/event/media_live"));
}

#[test]
fn with_another_certificate_than_its_offer_names_it_gets_nothing_and_is_told() {
    let house = House::open(&["forged"]);
    house.wait_said("heard", |heard| heard["type"] == json!("signal") && heard["bye"] == json!(true));
    let log = eventually("the host's sentence", || {
        Some(house.log("host")).filter(|log| log.contains("certificate that its description does not name"))
    });
    assert!(log.contains(GUEST), "{log}");
    let live = |message: &String| message.contains("event/media_live");
    assert!(!house.heard.heard().iter().any(live), "{:?}", house.heard.heard());
    let packets = house.said("connection").iter().filter_map(|said| said["packets"].as_u64()).max();
    assert!(packets.unwrap_or(0) == 0, "{}", house.log("guest"));
}
