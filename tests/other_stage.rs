//! A guest whose host and stage share nothing with this program: Python, paho-mqtt and aiortc.

#[path = "support/network.rs"]
mod network;
mod support;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::broker::{Broker, Listener};
use support::eventually;
use tempfile::TempDir;

const GUEST: &str = "kiosk-7";

/// The slate, with its icon and a name, has two thirds of this contrast, the test picture twice as much.
const PLAIN: f64 = 30.0;

/// The profile `test`, but with a key frame only where somebody asks for one.
const WITHOUT_KEY_FRAMES: [(&str, &str); 2] =
    [("key-int-max=60", "key-int-max=100000"), ("keyframe-max-dist=60", "keyframe-max-dist=100000")];

/// A broker, the guest, and the other stage.
struct House {
    folder: TempDir,
    broker: Broker,
    heard: Listener,
    stage: Child,
    guest: Child,
}

/// Who the stage is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Debian's aiortc.
    Debian,
    /// The same, and it only hears.
    Hearer,
    /// The newest of PyPI, which takes nothing but ECDSA.
    Newest,
    /// The same, and its answers name a certificate that it does not have.
    Forged,
    /// Debian's, that loses packets and has them sent again.
    Lossy,
}

impl Stage {
    /// What it is told beside its place.
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Debian | Self::Newest => None,
            Self::Hearer => Some("audio"),
            Self::Forged => Some("forged"),
            Self::Lossy => Some("lossy"),
        }
    }

    /// Its Python, and how to get it.
    fn python(self) -> (PathBuf, &'static str) {
        match self {
            // Debian's own Python has Debian's aiortc, whatever other Python stands before it in PATH.
            Self::Debian | Self::Hearer | Self::Lossy => (
                "/usr/bin/python3".into(),
                "sudo apt-get install python3-aiortc python3-paho-mqtt python3-numpy",
            ),
            Self::Newest | Self::Forged => (
                Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join("bin/python"),
                "make peers",
            ),
        }
    }
}

impl House {
    fn open(codec: &str) -> Self {
        Self::with(codec, Stage::Debian)
    }

    fn with(codec: &str, which: Stage) -> Self {
        network::ensure_interface();
        let broker = Broker::start();
        let heard = broker.listen(&["-t", "coguest/v1/#"]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let test = fs::read_to_string(here.join("pipelines/test.toml")).expect("it is in the tree");
        let rare = WITHOUT_KEY_FRAMES.iter().fold(test, |text, (often, rarely)| {
            assert!(text.contains(often), "the profile has {often}");
            text.replace(often, rarely)
        });
        fs::write(folder.path().join("rare.toml"), rare).expect("writable");
        let text = format!(
            "role = \"guest\"\n[user]\nid = \"{GUEST}\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n\
             [room]\nlive_id = \"lobby\"\n[guest]\naccept_invitations = \"always\"\n\
             [media]\nprofile = \"rare\"\nprofile_directory = \"{}\"\nquality = \"360p\"\nspeaker = \"none\"\ncodec = \"{codec}\"\n",
            broker.port(),
            folder.path().display(),
        );
        let file = folder.path().join("guest.toml");
        fs::write(&file, text).expect("writable");
        let (python, install) = which.python();
        let mut stage = Command::new(python);
        stage.arg(here.join("tests/peers/stage.py")).args([&broker.port().to_string(), GUEST]);
        stage.args(which.word());
        let stage = start(&folder.path().join("stage.log"), &mut stage);
        let mut guest = Command::new(env!("CARGO_BIN_EXE_coguestd"));
        let guest = start(&folder.path().join("guest.log"), guest.args(["-vv", "run", "--config"]).arg(file));
        let mut house = Self { folder, broker, heard, stage, guest };
        eventually("the stage", || {
            let ended = house.stage.try_wait().expect("it is our child").is_some();
            assert!(!ended, "the stage: {install}");
            house.said("ready").pop()
        });
        house
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// What the stage said of this kind.
    fn said(&self, what: &str) -> Vec<Value> {
        let log = self.log("stage.log");
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|value| value["what"] == json!(what)).collect()
    }

    /// The next of this kind that is as wanted.
    fn next(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let before = self.said(what).len();
        eventually(what, || self.said(what).into_iter().skip(before).find(&wanted))
    }

    fn tell_stage(&mut self, line: &str) {
        let stdin = self.stage.stdin.as_mut().expect("piped");
        writeln!(stdin, "{line}").expect("the stage reads");
    }

    fn command(&self, command: &str, parameters: Value) {
        let topic = format!("coguest/v1/device/{GUEST}/command/{command}");
        self.broker.publish(&["-t", &topic, "-m", &parameters.to_string()]);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for child in [&mut self.guest, &mut self.stage] {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for name in ["stage.log", "guest.log"] {
                eprintln!("--- {name}\n{}", self.log(name));
            }
        }
    }
}

fn start(log: &PathBuf, command: &mut Command) -> Child {
    let out = File::create(log).expect("writable");
    let error = out.try_clone().expect("a descriptor");
    let child = command.stdin(Stdio::piped()).stdout(out).stderr(error).spawn();
    child.unwrap_or_else(|error| panic!("{command:?}: {error}: sudo apt-get install python3, make peers"))
}

fn number(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or_else(|| panic!("{field} of {value}"))
}

#[test]
fn it_sees_hears_and_is_obeyed_in_h264() {
    let mut house = House::open("h264");
    let offer = eventually("the offer", || house.said("offer").pop());
    assert_eq!(offer["directions"], json!(["sendrecv", "sendonly"]), "the room's sound may come back");
    let formats = offer["formats"].to_string();
    assert!(formats.contains("H264/90000") && formats.contains("profile-level-id=42"), "{formats}");
    assert!(formats.contains("opus/48000/2") || formats.contains("OPUS/48000/2"), "{formats}");
    is_seen_and_heard(&house);
    // RFC 6184, 8.1: constrained baseline is profile 66 with the second constraint set.
    let sps = house.said("sps").pop().expect("frames were decoded");
    assert_eq!(
        (&sps["profile"], sps["constraints"].as_u64().map(|bits| bits & 0x40)),
        (&json!(66), Some(0x40))
    );
    obeys(&mut house);
    without_renegotiation(&house);
    ends(&mut house);
}

#[test]
fn it_sees_hears_and_is_obeyed_in_vp8() {
    let mut house = House::open("vp8");
    let offer = eventually("the offer", || house.said("offer").pop());
    assert!(offer["formats"].to_string().contains("VP8/90000"), "{offer}");
    is_seen_and_heard(&house);
    obeys(&mut house);
    ends(&mut house);
}

#[test]
fn who_takes_ecdsa_only_sees_and_hears_it() {
    let mut house = House::with("vp8", Stage::Newest);
    is_seen_and_heard(&house);
    ends(&mut house);
}

#[test]
fn a_stage_with_another_certificate_than_its_answer_names_gets_nothing_and_the_seat_is_left() {
    let house = House::with("h264", Stage::Forged);
    let failed = house.heard.wait_for(&format!("device/{GUEST}/event/media_failed"));
    assert!(failed.contains("certificate"), "{failed}");
    house.heard.wait_for(&format!("device/{GUEST}/event/unseated"));
    eventually("the host to hear of it", || {
        house.said("heard").into_iter().find(|heard| heard["type"] == json!("leave_seat"))
    });
    assert_eq!(house.said("offer").len(), 1, "nothing is tried again");
    let connected = json!("connected");
    assert!(
        !house.said("connection").iter().any(|said| said["state"] == connected),
        "{}",
        house.log("stage.log")
    );
    for what in ["video", "audio"] {
        assert_eq!(house.said(what), Vec::<Value>::new(), "no packet came through");
    }
    let told = house.heard.wait_for("peer_not_trusted");
    assert!(told.contains(&format!("device/{GUEST}/state")) && told.contains("certificate"), "{told}");
}

#[test]
fn every_packet_fits_the_narrowest_path_also_what_is_sent_again() {
    for codec in ["h264", "vp8"] {
        let house = House::with(codec, Stage::Lossy);
        house.heard.wait_for(&format!("device/{GUEST}/event/media_live"));
        house.command("set_video_quality", json!({"quality": "1080p"}));
        let longest = |video: &Value, which: &str| number(&video["longest"], which);
        let both = ["first", "again"];
        let video = house.next("video", |video| both.iter().all(|which| longest(video, which) > 1100.0));
        assert!(both.iter().all(|which| longest(&video, which) <= 1200.0), "{codec}: {video}");
    }
}

#[test]
fn a_stage_that_stands_still_is_noticed_and_left_in_the_end() {
    let house = House::open("vp8");
    is_seen_and_heard(&house);
    signal(&house.stage, "STOP");
    let recovering = house.heard.wait_for(&format!("device/{GUEST}/event/media_recovering"));
    assert!(
        recovering.contains("\"cause\":\"path_silent\"") && recovering.contains("host-1"),
        "{recovering}"
    );
    for attempt in [2, 3] {
        house.heard.wait_for(&format!("\"attempt\":{attempt},\"cause\":\"stage_gone\""));
    }
    house.heard.wait_for(&format!("device/{GUEST}/event/media_failed"));
    house.heard.wait_for("\"reason\":\"media_failed\"");
}

#[test]
fn a_stage_that_only_hears_and_reports_every_seven_seconds_is_there() {
    let mut house = House::with("vp8", Stage::Hearer);
    house.heard.wait_for(&format!("device/{GUEST}/event/media_live"));
    house.next("audio", |audio| number(audio, "loudest") > 3000.0);
    house.tell_stage("slow");
    for _ in 0..4 {
        house.next("reported", |_| true);
    }
    let lost = |message: &String| message.contains("event/media_recovering");
    assert!(!house.heard.heard().iter().any(lost), "{:?}", house.heard.heard());
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    support::run(support::tool("kill", "procps").args([&format!("-{name}"), &pid]));
}

fn is_seen_and_heard(house: &House) {
    let video = house.next("video", |video| number(video, "frames") >= 30.0 && number(video, "moved") > 0.01);
    assert_eq!((&video["width"], &video["height"]), (&json!(640), &json!(360)));
    assert!(number(&video, "contrast") > PLAIN, "the test picture: {video}");
    house.next("audio", |audio| number(audio, "loudest") > 3000.0);
    house.heard.wait_for(&format!("device/{GUEST}/event/media_live"));
}

/// A key frame comes when one is asked for, and otherwise does not.
fn obeys(house: &mut House) {
    let settled = house.next("video", |_| true);
    let frames = number(&settled, "frames");
    let later = house.next("video", |video| number(video, "frames") >= frames + 90.0);
    assert_eq!(later["keys"], settled["keys"], "nobody asked");
    house.tell_stage("key");
    house.next("video", |video| number(video, "keys") > number(&later, "keys"));
}

/// Camera, microphone and quality change within one peer connection and one exchange.
fn without_renegotiation(house: &House) {
    house.command("close_local_camera", json!({}));
    house.next("video", |video| number(video, "contrast") < PLAIN);
    eventually("the host to know", || {
        house.said("devices").into_iter().find(|devices| devices["camera"] == json!("off"))
    });
    house.command("close_local_microphone", json!({}));
    house.next("audio", |audio| number(audio, "loudest") < 20.0);
    house.command("set_video_quality", json!({"quality": "540p"}));
    house.next("video", |video| video["width"] == json!(960) && video["height"] == json!(540));
    house.command("open_local_camera", json!({}));
    house.next("video", |video| video["width"] == json!(960) && number(video, "contrast") > PLAIN);
    house.command("open_local_microphone", json!({}));
    house.next("audio", |audio| number(audio, "loudest") > 3000.0);
    assert_eq!(house.said("offer").len(), 1, "nothing was renegotiated");
}

/// A `bye` of the stage: the guest comes again with another session.
fn ends(house: &mut House) {
    house.tell_stage("bye");
    house.next("offer", |offer| offer["exchange"] == json!(1));
    house.heard.wait_for(&format!("device/{GUEST}/event/media_recovering"));
    house.next("video", |video| number(video, "frames") >= 10.0);
    house.broker.publish(&["-t", &format!("coguest/v1/device/{GUEST}/command/disconnect"), "-n"]);
    house.next("bye", |_| true);
}
