//! Volumes at a real mixer of ALSA's: that of a sound server which has no hardware, and is asked what it was told.
//!
//! ALSA's configuration, which a process reads once, makes every card that server; so the test runs itself in a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use coguestd::devices::{self, Level, Setting, Sound};
use coguestd::model::Volume;
use coguestd::model::volume::{Loudness, Side, Taken};

/// Generous: the machine may have other work.
const PATIENCE: Duration = Duration::from_secs(30);
/// Set in the process that asks the mixer: the folder of the server's socket.
const INSIDE: &str = "COGUEST_TEST_MIXER";
/// A card; which one makes no difference to that server.
const CARD: &str = "hw:CARD=Desk,DEV=0";

/// A sound server of its own, and its folder.
struct Server {
    process: Child,
    folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let socket = format!("socket={} auth-anonymous=1", socket(folder.path()));
        let process = Command::new("pulseaudio")
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"])
            .args(["-L", "module-null-sink sink_name=hall"])
            .args(["-L", &format!("module-native-protocol-unix {socket}")])
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("apt install pulseaudio pulseaudio-utils libasound2-plugins");
        let server = Self { process, folder };
        let deadline = Instant::now() + PATIENCE;
        while !ask(server.folder.path(), &["get-sink-volume", "hall"]).contains('%') {
            assert!(Instant::now() < deadline, "the sound server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("it ends");
    }
}

fn socket(folder: &Path) -> String {
    folder.join("native").display().to_string()
}

/// What the server itself says.
fn ask(folder: &Path, what: &[&str]) -> String {
    let output = Command::new("pactl")
        .args(["-s", &format!("unix:{}", socket(folder))])
        .args(what)
        .env("HOME", folder)
        .output()
        .expect("apt install pulseaudio-utils");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_volume_is_turned_at_the_mixer_and_its_switch_with_it() {
    if let Some(folder) = std::env::var_os(INSIDE) {
        turn_and_look(Path::new(&folder));
        return;
    }
    let server = Server::start();
    let folder = server.folder.path();
    let configuration = folder.join("asound.conf");
    let card = format!(
        "</usr/share/alsa/alsa.conf>\nctl.!hw {{ @args [ CARD ] @args.CARD {{ type string default \"x\" }} type pulse \
         server \"unix:{}\" }}\n",
        socket(folder)
    );
    fs::write(&configuration, card).expect("a writable directory");
    let status = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", "a_volume_is_turned_at_the_mixer_and_its_switch_with_it", "--nocapture"])
        .env(INSIDE, folder)
        .env("ALSA_CONFIG_PATH", configuration)
        .env("HOME", folder)
        .status()
        .expect("it starts");
    assert!(status.success(), "it failed in the process of its own; apt install libasound2-plugins?");
}

fn turn_and_look(folder: &Path) {
    let sound = Sound { id: CARD.to_owned(), name: "Desk".to_owned(), node: "/dev/snd/pcmC0D0c".into() };
    let percent = |percent: i64| Volume::try_from(percent).expect("0 to 100");
    let setting =
        |control: &str, level| Setting { card: "Desk".to_owned(), control: control.to_owned(), level };
    for (volume, level, muted) in [
        (30, Level::Open(30), "Mute: no"),
        (0, Level::Muted, "Mute: yes"),
        // A card that was muted plays nothing at any volume.
        (75, Level::Open(75), "Mute: no"),
        (100, Level::Open(100), "Mute: no"),
    ] {
        let words = format!("{volume}%");
        let taken = devices::set_volume(Side::Playback, CARD, Loudness::Set(percent(volume)));
        assert_eq!(taken, Taken::Mixer("Master".to_owned()));
        assert_eq!(devices::playback_level(&sound), Some(setting("Master", level)));
        let said = ask(folder, &["get-sink-volume", "hall"]);
        assert!(said.contains(&words), "{volume}: {said}");
        let said = ask(folder, &["get-sink-mute", "hall"]);
        assert!(said.contains(muted), "{volume}: {said}");
        let taken = devices::set_volume(Side::Capture, CARD, Loudness::Set(percent(volume)));
        assert_eq!(taken, Taken::Mixer("Capture".to_owned()));
        assert_eq!(devices::capture_level(&sound), Some(setting("Capture", level)));
        let said = ask(folder, &["get-source-volume", "hall.monitor"]);
        assert!(said.contains(&words), "{volume}: {said}");
        let said = ask(folder, &["get-source-mute", "hall.monitor"]);
        assert!(said.contains(muted), "{volume}: {said}");
        for (side, control) in [(Side::Playback, "Master"), (Side::Capture, "Capture")] {
            let left = devices::set_volume(side, CARD, Loudness::AsItIs);
            assert_eq!(left, Taken::Left(control.to_owned(), percent(volume)), "it is looked at");
        }
        let said = ask(folder, &["get-source-volume", "hall.monitor"]);
        assert!(said.contains(&words), "and left as it is: {volume}: {said}");
    }
}
