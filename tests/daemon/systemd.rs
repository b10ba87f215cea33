//! What systemd is told over its notify socket, and what the exit status says.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::json;
use tempfile::TempDir;

use crate::support::PATIENCE;
use crate::support::daemon::Daemon;
use crate::support::stand::{HOST, ROOM, Stand};
use crate::termination::CAP as TERMINATION_CAP;

/// The service manager's end of the socket.
struct Notified {
    folder: TempDir,
    words: Receiver<String>,
}

impl Notified {
    fn listen() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        let (sender, words) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = socket.recv(&mut buffer) {
                for line in String::from_utf8_lossy(&buffer[..length]).lines() {
                    if sender.send(line.to_owned()).is_err() {
                        return;
                    }
                }
            }
        });
        Self { folder, words }
    }

    fn start(&self, stand: &Stand, role: &str, user_id: &str, keys: &[&str]) -> Daemon {
        let path = self.folder.path().join("notify");
        let path = path.to_str().expect("a plain path");
        let start = stand.start(role, user_id).set(keys).env("NOTIFY_SOCKET", path);
        start.env("WATCHDOG_USEC", "1000000").go()
    }

    /// Waits for a word that begins so; what came before it is returned too.
    fn until(&self, beginning: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let word = self.words.recv_timeout(PATIENCE);
            let word = word.unwrap_or_else(|_| panic!("waited for {beginning:?}; heard {before:?}"));
            let found = word.starts_with(beginning);
            before.push(word);
            if found {
                return before;
            }
        }
    }
}

#[test]
fn ready_status_watchdog_and_stopping() {
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let notified = Notified::listen();
    let mut guest = notified.start(&stand, "guest", "ada", &[&format!("room.live_id={ROOM}")]);
    assert_eq!(notified.until("READY=1").last().map(String::as_str), Some("READY=1"));
    notified.until(&format!("STATUS=in {ROOM}, not seated"));
    notified.until("WATCHDOG=1");
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 2, "media": "audio"}));
    notified.until("STATUS=live on seat 2");
    // The same words as in the state.
    assert_eq!(stand.state("ada")["summary"], "live on seat 2");
    notified.until("WATCHDOG=1");
    guest.signal("TERM");
    notified.until("STOPPING=1");
    let status = crate::support::eventually("the end", || guest.ended());
    assert_eq!(status.code(), Some(0));
    let _ = HOST;
}

#[test]
fn it_is_ready_without_a_broker_and_says_what_is_missing() {
    let mut stand = Stand::open();
    stand.broker.stop();
    let notified = Notified::listen();
    let _guest = notified.start(&stand, "guest", "ada", &[]);
    notified.until("READY=1");
    let status = notified.until("STATUS=").pop().expect("a status");
    assert!(status.contains("127.0.0.1"), "{status}");
    notified.until("WATCHDOG=1");
    stand.broker.start_again();
    notified.until("STATUS=in no room, waiting for join_live");
}

#[test]
fn it_is_stopped_while_a_broker_lets_it_wait() {
    let stand = Stand::open();
    // It takes connections, and says nothing.
    stand.broker.freeze();
    let notified = Notified::listen();
    let mut guest = notified.start(&stand, "guest", "ada", &[]);
    notified.until("READY=1");
    let (status, took) = guest.terminate();
    stand.broker.thaw();
    notified.until("STOPPING=1");
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(took < TERMINATION_CAP, "it took {took:?}");
}

#[test]
fn a_broker_that_goes_away_is_said_once_with_the_reason() {
    let mut stand = Stand::open();
    let _host = stand.host(&[]);
    let notified = Notified::listen();
    let guest = notified.start(&stand, "guest", "ada", &[&format!("room.live_id={ROOM}")]);
    let inside = format!("STATUS=in {ROOM}, not seated");
    notified.until(&inside);
    stand.broker.kill();
    notified.until("STATUS=broker 127.0.0.1");
    // A turn of the loop later than the state could have been gathered.
    notified.until("WATCHDOG=1");
    notified.until("WATCHDOG=1");
    stand.broker.start_again();
    let meanwhile = notified.until(&inside);
    for said in meanwhile.iter().map(String::as_str).chain(guest.log().lines()) {
        assert!(!said.contains("waiting for the broker"), "{said}");
    }
}

#[test]
fn a_wrong_configuration_is_one_line_and_status_78() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "role = \"guest\"\n[room]\nlive = \"lobby\"\n").expect("writable");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_coguestd")).args(arguments).output().expect("the program starts")
    };
    let path = file.to_str().expect("a plain path");
    for (arguments, part) in [
        (vec!["run", "--config", path], "config.toml:3"),
        (vec!["run", "--config", "/no/such/file.toml"], "/no/such/file.toml"),
        (vec!["run", "--config", path, "--set", "room.live="], "room.live"),
    ] {
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(part), "{said}");
    }
    std::fs::write(&file, "[media]\nprofile = \"no-such-board\"\n").expect("writable");
    let output = run(&["run", "--config", path]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("no-such-board"), "{said}");
}
