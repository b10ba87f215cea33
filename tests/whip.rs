//! A guest that publishes by WHIP, to a server that is not GStreamer (aiortc).

#[path = "support/network.rs"]
mod network;
mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::broker::{Broker, Listener, free_port};
use support::eventually;
use tempfile::TempDir;

/// What systemd's unit gives the program to end, and what the document promises.
const CAP: Duration = Duration::from_secs(5);

const TOKEN: &str = "a-token-nobody-guesses";

/// A broker, a host that grants WHIP seats to whoever asks, a guest, and a server.
struct House {
    folder: TempDir,
    broker: Broker,
    heard: Listener,
    processes: Vec<Child>,
}

impl House {
    /// The host grants `path` at the server, which the guest trusts; the server is told `token`.
    fn open(path: &str, token: &str) -> Self {
        Self::open_with(path, token, "trusted_origins = [\"http://127.0.0.1:PORT\"]")
    }

    /// The same, with these lines in the guest's `[room]`.
    fn open_with(path: &str, token: &str, guest: &str) -> Self {
        network::ensure_interface();
        let broker = Broker::start();
        let heard = broker.listen(&["-t", "coguest/v1/#"]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut house = Self { folder, broker, heard, processes: Vec::new() };
        let port = free_port();
        house.start_server(port, token);
        fs::write(house.file("token"), TOKEN).expect("writable");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(house.file("token"), mode).expect("ours");
        let host = format!(
            "role = \"host\"\n[room]\nlive_id = \"lobby\"\ntransport = \"whip\"\n\
             publish_url = \"http://127.0.0.1:{port}/{path}/{{user_id}}\"\ntoken_file = \"{}\"\n\
             [host]\nseat_mode = \"free\"\n",
            house.file("token").display()
        );
        house.start_daemon("host-1", &host);
        let guest = format!("role = \"guest\"\n[room]\nlive_id = \"lobby\"\n{guest}\n");
        house.start_daemon("kiosk-7", &guest.replace("PORT", &port.to_string()));
        house.heard.wait_for("event/guest_joined");
        house
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_server(&mut self, port: u16, token: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/whip_server.py");
        // Debian's own Python has Debian's aiortc, whatever other Python stands before it in PATH.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(script).args([&port.to_string(), token]);
        self.start("server", command);
        eventually("the server (apt-get install python3-aiortc python3-aiohttp)", || {
            (!self.said("ready").is_empty()).then_some(())
        });
    }

    fn start_daemon(&mut self, user_id: &str, more: &str) {
        let text = format!(
            "{more}\n[user]\nid = \"{user_id}\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n\
             [media]\nprofile = \"test\"\nquality = \"360p\"\nspeaker = \"none\"\n",
            self.broker.port()
        );
        let file = self.file(&format!("{user_id}.toml"));
        fs::write(&file, text).expect("writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_coguestd"));
        // A proxy of the environment is asked for nothing.
        command.env("ALL_PROXY", "http://127.0.0.1:9").env("http_proxy", "http://127.0.0.1:9");
        command.args(["-vv", "run", "--config"]).arg(file);
        self.start(user_id, command);
    }

    fn start(&mut self, name: &str, mut command: Command) {
        let log = File::create(self.file(&format!("{name}.log"))).expect("writable");
        let error = log.try_clone().expect("a descriptor");
        let child = command.stdin(Stdio::null()).stdout(log).stderr(error).spawn();
        self.processes.push(child.expect("it starts"));
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.file(&format!("{name}.log"))).unwrap_or_default()
    }

    /// What the server said of this kind.
    fn said(&self, what: &str) -> Vec<Value> {
        let log = self.log("server");
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|value| value["what"] == json!(what)).collect()
    }

    fn wait_said(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || self.said(what).into_iter().find(&wanted))
    }

    /// Asks the guest to end, as systemd does, and waits until it has.
    fn terminate_guest(&mut self) {
        let guest = self.processes.last_mut().expect("it was started last");
        support::run(support::tool("kill", "procps").arg(guest.id().to_string()));
        let asked = Instant::now();
        let status = guest.wait().expect("it is our child");
        let took = asked.elapsed();
        assert!(status.success() && took < CAP, "{status} after {took:?}\n{}", self.log("kiosk-7"));
    }

    fn command(&self, device: &str, command: &str, parameters: Value) {
        let topic = format!("coguest/v1/device/{device}/command/{command}");
        self.broker.publish(&["-t", &topic, "-m", &parameters.to_string()]);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for name in ["server", "host-1", "kiosk-7"] {
                eprintln!("--- {name}\n{}", self.log(name));
            }
        }
    }
}

#[test]
fn a_whip_server_decodes_both_and_is_told_the_end() {
    let house = House::open("moved", TOKEN);
    house.command("kiosk-7", "apply_for_seat", json!({"seat_index": 2}));
    let offer = house.wait_said("offer", |_| true);
    assert_eq!(offer["directions"], json!(["sendonly", "sendonly"]), "RFC 9725: nothing comes back");
    assert!(offer["candidates"].as_u64().is_some_and(|count| count > 0), "{offer}");
    assert_eq!(house.said("moved").len(), 1, "the redirect was followed");
    let video = house.wait_said("video", |video| video["frames"].as_u64() > Some(30));
    assert_eq!((&video["width"], &video["height"]), (&json!(640), &json!(360)));
    house.wait_said("audio", |audio| audio["loudest"].as_u64() > Some(3000));
    house.heard.wait_for("device/kiosk-7/event/media_live");
    // The host hears of it from the guest's `devices`.
    house.heard.wait_for("device/host-1/event/media_live");
    let state = house.heard.wait_for("\"connection\":\"connected\"");
    assert!(!state.contains(TOKEN));

    house.command("host-1", "kick_user_out_of_seat", json!({"user_id": "kiosk-7"}));
    house.wait_said("deleted", |deleted| deleted["session"] == json!("kiosk-7-0"));
    let log = house.log("kiosk-7");
    for secret in [TOKEN, "a=ice-pwd", "a=fingerprint"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn a_server_that_refuses_the_token_fails_the_seat_with_a_sentence_that_says_so() {
    let house = House::open("whip", "another token");
    house.command("kiosk-7", "apply_for_seat", json!({}));
    let failed = house.heard.wait_for("device/kiosk-7/event/media_failed");
    assert!(failed.contains("401") && failed.contains("room.token_file"), "{failed}");
    house.heard.wait_for("\"reason\":\"media_failed\"");
    assert_eq!(house.said("no token").len(), 1, "a wrong token is not shown again and again");
    assert!(house.said("offer").is_empty());
}

#[test]
fn a_full_server_is_asked_again_and_then_given_up() {
    let house = House::open("busy", TOKEN);
    house.command("kiosk-7", "apply_for_seat", json!({}));
    let recovering = house.heard.wait_for("device/kiosk-7/event/media_recovering");
    assert!(recovering.contains("503"), "{recovering}");
    house.heard.wait_for("device/kiosk-7/event/media_failed");
}

#[test]
fn an_answer_of_no_use_ends_the_session_and_the_stay() {
    for kind in ["garbage", "noise", "bare"] {
        let house = House::open(kind, TOKEN);
        house.command("kiosk-7", "apply_for_seat", json!({}));
        house.wait_said("deleted", |deleted| deleted["session"] == json!(kind));
        house.heard.wait_for("device/kiosk-7/event/media_failed");
        assert_eq!(house.said(kind).len(), 1, "once is enough");
    }
}

#[test]
fn a_grant_that_leads_to_this_machine_or_in_clear_is_not_followed() {
    let house = House::open_with("whip", TOKEN, "");
    house.command("kiosk-7", "apply_for_seat", json!({}));
    let failed = house.heard.wait_for("device/kiosk-7/event/media_failed");
    assert!(failed.contains("room.trusted_origins") && !failed.contains("/whip/"), "{failed}");
    house.heard.wait_for("origin_not_allowed");
    for what in ["offer", "no token"] {
        assert!(house.said(what).is_empty(), "{what}");
    }
    let log = house.log("kiosk-7");
    assert!(!log.contains("/whip/kiosk-7") && !log.contains(TOKEN), "{log}");
}

#[test]
fn the_own_token_goes_to_no_address_that_a_host_names() {
    let own = "trusted_origins = [\"http://127.0.0.1:PORT\"]\ntransport = \"whip\"\ntoken_file = \"TOKEN\"";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("token");
    fs::write(&file, "the kiosk's own").expect("writable");
    let house = House::open_with("whip", TOKEN, &own.replace("TOKEN", &file.to_string_lossy()));
    house.command("kiosk-7", "apply_for_seat", json!({}));
    // The host's token came with the host's address.
    house.wait_said("offer", |_| true);
    assert!(house.said("no token").is_empty());
}

#[test]
fn a_server_that_dies_without_a_word_or_never_answers_again_is_left() {
    for (signal, cause) in [("KILL", "server"), ("STOP", "server")] {
        let house = House::open("whip", TOKEN);
        house.command("kiosk-7", "apply_for_seat", json!({}));
        house.heard.wait_for("device/kiosk-7/event/media_live");
        house.wait_said("video", |video| video["frames"].as_u64() > Some(30));
        let server = house.processes.first().expect("it was started first").id().to_string();
        support::run(support::tool("kill", "procps").args([&format!("-{signal}"), &server]));
        let recovering = house.heard.wait_for("device/kiosk-7/event/media_recovering");
        assert!(recovering.contains("\"cause\":\"path_silent\""), "{signal}: {recovering}");
        assert!(recovering.contains("nothing was heard of the server for 6 s"), "{signal}: {recovering}");
        for attempt in [2, 3] {
            house.heard.wait_for(&format!("\"attempt\":{attempt},\"cause\":\"{cause}\""));
        }
        house.heard.wait_for("device/kiosk-7/event/media_failed");
        house.heard.wait_for("\"reason\":\"media_failed\"");
    }
}

#[test]
fn a_session_made_after_the_guest_left_is_ended_all_the_same() {
    let house = House::open("slow", TOKEN);
    house.command("kiosk-7", "apply_for_seat", json!({}));
    house.wait_said("offer", |_| true);
    house.command("kiosk-7", "disconnect", json!({}));
    house.heard.wait_for("device/kiosk-7/event/unseated");
    assert!(house.said("deleted").is_empty(), "the server still thinks");
    house.wait_said("deleted", |_| true);
}

#[test]
fn a_guest_that_is_stopped_ends_in_time_whatever_its_server_does() {
    // Neither the offer nor the goodbye is answered; or the answer comes while it ends.
    for (path, heard) in [("mute", "offer"), ("kept", "video"), ("soon", "offer")] {
        let mut house = House::open(path, TOKEN);
        house.command("kiosk-7", "apply_for_seat", json!({}));
        house.wait_said(heard, |_| true);
        house.terminate_guest();
        match path {
            "mute" => {}
            "kept" => drop(house.wait_said("kept", |_| true)),
            _ => drop(house.wait_said("deleted", |_| true)),
        }
    }
}

#[test]
fn every_packet_to_a_server_fits_the_narrowest_path() {
    let house = House::open("whip", TOKEN);
    house.command("kiosk-7", "apply_for_seat", json!({}));
    house.heard.wait_for("device/kiosk-7/event/media_live");
    house.command("kiosk-7", "set_video_quality", json!({"quality": "1080p"}));
    let video = house.wait_said("video", |video| video["longest"].as_u64() > Some(1100));
    assert!(video["longest"].as_u64() <= Some(1200), "{video}");
}
