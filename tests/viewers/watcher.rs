//! A viewer of the world outside, and what the host has to do with it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::eventually;
use crate::support::stand::{HOST, Stand};
use crate::tones::{Piece, RATE};

/// The bars of the test picture, from the left, in red, green and blue.
const BARS: [[i64; 3]; 7] =
    [[255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0], [0, 0, 255]];

pub struct Watcher {
    folder: TempDir,
    child: Child,
    pub session: String,
}

impl Watcher {
    /// Starts it; it says a tone of `hertz`, and is told `words`.
    pub fn start(hertz: u32, words: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command =
            Command::new(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join("bin/python"));
        command.arg(here.join("tests/peers/viewer.py")).arg(folder.path().join("sound.raw"));
        command.arg(hertz.to_string()).args(words);
        let log = File::create(folder.path().join("log")).expect("writable");
        let error = log.try_clone().expect("a descriptor");
        let child = command.stdin(Stdio::piped()).stdout(log).stderr(error).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}: make peers"));
        let watcher = Self { folder, child, session: String::new() };
        watcher.wait("ready", |_| true);
        watcher
    }

    /// Watches this guest, and is connected.
    pub fn watching(stand: &Stand, guest: &str, operator: &str, hertz: u32) -> Self {
        let mut watcher = Self::start(hertz, &[]);
        let answer = watcher.answer(stand, guest, operator);
        stand.ok(HOST, "watch_answer", watcher.described(&answer));
        watcher.wait("connection", |said| said["state"] == "connected");
        watcher
    }

    /// Takes the host's offer; its answer.
    pub fn answer(&mut self, stand: &Stand, guest: &str, operator: &str) -> String {
        let watch = json!({"user_id": guest, "operator": operator});
        let offered = stand.ok(HOST, "watch", watch);
        assert_eq!(offered["transport"], "mqtt");
        assert_eq!(offered["description"]["type"], "offer");
        let sdp = offered["description"]["sdp"].as_str().expect("a text");
        // Browsers take no Opus that names one channel (RFC 7587, section 7), and each codec has what it needs.
        assert!(sdp.contains("a=rtpmap:111 OPUS/48000/2\r\n"), "{sdp}");
        assert!(sdp.contains("\r\na=candidate:") && sdp.contains("a=sendrecv"), "{sdp}");
        self.session = offered["session"].as_str().expect("a name").to_owned();
        self.tell(&json!({"offer": offered["description"]["sdp"]}));
        self.wait("answer", |_| true)["sdp"].as_str().expect("a text").to_owned()
    }

    /// The parameters of `watch_answer`.
    pub fn described(&self, sdp: &str) -> Value {
        json!({"session": self.session, "description": {"type": "answer", "sdp": sdp}})
    }

    pub fn talk(&self, on: bool) -> Value {
        json!({"session": self.session, "talk": on})
    }

    pub fn tell(&mut self, line: &Value) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{line}").expect("it reads");
    }

    pub fn wait(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || self.said(what).into_iter().find(&wanted))
    }

    pub fn said(&self, what: &str) -> Vec<Value> {
        let log = fs::read_to_string(self.file("log")).unwrap_or_default();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|value| value["what"] == json!(what)).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Pictures that it has decoded so far.
    pub fn pictures(&self) -> u64 {
        self.said("video").last().and_then(|said| said["frames"].as_u64()).unwrap_or(0)
    }

    /// Waits until what it sees is the test picture of a guest, and for some more.
    pub fn sees_bars(&self) {
        let is_near = |(seen, wanted): (&Value, i64)| (seen.as_i64().unwrap_or(-99) - wanted).abs() < 40;
        self.wait("video", |said| {
            let bars = said["bars"].as_array().expect("seven bars");
            bars.iter()
                .zip(BARS)
                .all(|(seen, wanted)| seen.as_array().expect("three parts").iter().zip(wanted).all(is_near))
        });
        self.goes_on();
    }

    /// Waits until it has decoded some more pictures.
    pub fn goes_on(&self) {
        let before = self.pictures();
        eventually("more pictures", || (self.pictures() > before + 20).then_some(()));
    }

    /// Waits until it hears this tone, of those that are listened for.
    pub fn hears(&self, hertz: u32) {
        eventually(&format!("a viewer to hear {hertz} Hz"), || {
            let bytes = fs::read(self.file("sound.raw")).unwrap_or_default();
            let samples: Vec<i16> =
                bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
            let last = Piece::new(samples.len().checked_sub(RATE).map(|from| &samples[from..])?);
            (last.level(hertz) > -40.0).then_some(())
        });
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- viewer\n{}", fs::read_to_string(self.file("log")).unwrap_or_default());
        }
    }
}
