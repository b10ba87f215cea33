//! The real program reads its configuration: what it refuses and how, what goes over what, what it never prints.

#[path = "config/start.rs"]
mod start;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SECRET: &str = "correct-horse-battery";

/// A mistake, and what the line about it holds.
const MISTAKES: &[(&str, &str)] = &[
    ("[room]\nlive = \"x\"", "config.toml:2: unknown key `room.live` (did you mean `room.live_id`?)"),
    ("\n[mqt]\nurl = 1", "config.toml:2: unknown key `mqt` (did you mean `mqtt`?)"),
    ("rooom.live_id = 'x'", "config.toml:1: unknown key `rooom` (did you mean `room`?)"),
    ("\"user.id\" = 'x'", "config.toml:1: unknown key `user.id`"),
    ("role = \"boss\"", "config.toml:1: `role` must be \"guest\" or \"host\" (is \"boss\")"),
    ("mqtt = 3", "config.toml:1: `mqtt` must be a section"),
    ("[host]\nseats = 33", "config.toml:2: `host.seats` must be a whole number from 1 to 32 (is 33)"),
    ("[host]\nseats = 2.5", "config.toml:2: `host.seats` must be a whole number from 1 to 32 (is 2.5)"),
    ("[host]\nhold = \"15\"", "config.toml:2: `host.hold` must be 0 to 86400 seconds (is \"15\")"),
    ("[host]\nhold = nan", "config.toml:2: `host.hold` must be 0 to 86400 seconds"),
    ("[user]\nid = \"a b\"", "config.toml:2: `user.id` must be \"auto\", \"auto:hostname\""),
    ("[user]\nname = 2026-01-01", "config.toml:2: `user.name` must be text in quotes"),
    ("[room]\nlive_id = \".\"", "config.toml:2: `room.live_id` must be 1 to 64 characters"),
    ("[user]\nid = \"..\"", "config.toml:2: `user.id` must be"),
    ("[room]\ntrusted_origins = [\"https://a/b\"]", "`room.trusted_origins` must be an origin"),
    ("[room]\ntrusted_origins = [\"*\"]", "`room.trusted_origins` must be an origin"),
    ("[room]\nca_file = \"nowhere.pem\"", "`room.ca_file` "),
    ("[room]\nlive_id = \"ö\"", "config.toml:2: `room.live_id` must be 1 to 64 characters"),
    ("[media]\nquality = \"4k\"", "config.toml:2: `media.quality` must be \"360p\" or \"540p\""),
    ("[media]\nmirror = 1", "config.toml:2: `media.mirror` must be true or false (is 1)"),
    ("[user.name]\nfirst = 1", "config.toml:2: `user.name` must be text in quotes"),
    (
        "[mqtt]\nurl = \"mqtt://[fe80::1]\"",
        "config.toml:2: `mqtt.url` is an address of a link: write the interface",
    ),
    ("[media]\ncontrols = 1", "config.toml:2: `media.controls` must be tables"),
    (
        "[media.controls]\ngain = 1",
        "config.toml:2: `media.controls.\"gain\"` must be a table with the camera's id",
    ),
    (
        "[media.controls.\"*\"]\ngain = 1.5",
        "config.toml:2: `media.controls.\"*\".gain` must be a whole number",
    ),
    (
        "[media]\nprofile = \"../x\"",
        "config.toml:2: `media.profile` must be \"auto\" or the name of a profile",
    ),
    (
        "[media]\nprofile = \"file\"",
        "config.toml:2: `media.profile` is \"file\": name the media file in `media.file`",
    ),
    (
        "[guest]\naccept_invitations = \"never\"",
        "config.toml:2: `guest.accept_invitations` must be \"manual\"",
    ),
    (
        "[guest]\naccept_invitations = [\n\"host-1\",\n\"a b\"]",
        "config.toml:4: `guest.accept_invitations` must list",
    ),
    ("[webrtc]\nstun = [\"stun.example\"]", "config.toml:2: `webrtc.stun` must be stun:HOST[:PORT]"),
    ("[webrtc]\npolicy = \"relay\"", "config.toml:2: `webrtc.policy` is \"relay\": name a TURN server"),
    ("[webrtc]\nturn = [{ url = \"turn:a\", user = \"b\" }]", "(did you mean `webrtc.turn.username`?)"),
    ("[mqtt]\nurl = \"broker\"", "config.toml:2: `mqtt.url` must begin with mqtt:// or mqtts://"),
    ("[mqtt]\nprefix = \"a/#\"", "config.toml:2: `mqtt.prefix` must be a topic"),
    ("[mqtt]\nca_file = \"/ca.pem\"", "config.toml:2: `mqtt.ca_file` needs an encrypted connection"),
    ("[mqtt]\nurl='mqtts://b'\nca_file='no.pem'", "config.toml:3: `mqtt.ca_file` cannot read"),
    ("[mqtt]\npassword_file = \"/no/such\"", "`mqtt.password_file` cannot read /no/such: No such file"),
    ("[mqtt]\npassword_file = \"credential:pw\"", "add LoadCredential=pw:FILE to the unit"),
    ("role = \"guest\nx", "config.toml:1: "),
    ("role = 'guest'\nrole = 'host'", "config.toml:2: duplicate key"),
];

#[test]
fn each_mistake_is_one_line_with_place_key_and_remedy() {
    for (text, expected) in MISTAKES {
        let bench = Bench::new(text);
        let output = bench.check(&[], &[]);
        assert_refused(&output, expected, text);
    }
}

#[test]
fn controls_are_named_by_camera_whatever_is_in_its_id() {
    let id = "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.1:1.0-video-index0";
    let bench = Bench::new(&format!(
        "[media.controls.\"{id}\"]\nBrightness = 3\n[media.controls.'*']\nfocus_auto = false"
    ));
    let text = assert_accepted(&bench.check(&[], &[]));
    let line = text.lines().find(|line| line.starts_with("controls")).unwrap_or_else(|| panic!("{text}"));
    assert!(
        line.contains(id) && line.contains("Brightness = 3") && line.contains("focus_auto = false"),
        "{line}"
    );
}

#[test]
fn mistakes_in_variables_and_flags_name_them() {
    let bench = Bench::new("");
    let refused = |variables: &[(&str, &str)], flags: &[&str], expected| {
        assert_refused(&bench.check(variables, flags), expected, expected);
    };
    refused(
        &[("COGUESTD__ROOM__LIVE", "x")],
        &[],
        "environment variable COGUESTD__ROOM__LIVE: unknown key `room.live` (did you mean `room.live_id`?)",
    );
    refused(
        &[("COGUESTD__HOST__SEATS", "many")],
        &[],
        "environment variable COGUESTD__HOST__SEATS: `host.seats` must be a whole number from 1 to 32 (is \"many\")",
    );
    refused(
        &[],
        &["--set", "host.seats=0"],
        "--set host.seats: `host.seats` must be a whole number from 1 to 32",
    );
    refused(&[], &["--set", "host.seats"], "--set: expected section.key=value");
    refused(&[], &["--set", "seats=3"], "--set seats: unknown key `seats` (did you mean `host.seats`?)");
}

#[test]
fn a_named_file_must_be_there() {
    let bench = Bench::new("");
    let missing = bench.path("missing.toml");
    let output =
        coguestd().args(["check-config", "--config"]).arg(&missing).output().expect("the program runs");
    assert_refused(&output, &format!("{}: No such file or directory", missing.display()), "a missing file");
    let output = coguestd().args(["check-config", "--nonsense"]).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn the_order_is_file_then_conf_d_then_environment_then_flags() {
    let bench =
        Bench::new("[room]\nlive_id = \"file\"\n[user]\nid = \"file\"\nname = \"file\"\n[host]\nseats = 3");
    bench.write("conf.d/20-late.toml", "room.live_id = 'late'\nuser.id = 'late'\n");
    bench.write("conf.d/10-early.toml", "room.live_id = 'early'\nuser.id = 'early'\nhost.seats = 4\n");
    bench.write("conf.d/.hidden.toml", "nonsense");
    bench.write("conf.d/30-off.toml.bak", "nonsense");
    let output = bench.check(
        &[("COGUESTD__ROOM__LIVE_ID", "variable"), ("COGUESTD__GUEST__ACCEPT_INVITATIONS", "host-1,host-2")],
        &["--set", "room.live_id=flag", "--set", "webrtc.stun=[\"stun:a\"]"],
    );
    let text = assert_accepted(&output);
    let line = |key: &str| {
        let found = text.lines().find(|line| line.starts_with(&format!("{key} = ")));
        found.unwrap_or_else(|| panic!("no {key} in\n{text}")).to_owned()
    };
    assert!(
        line("live_id").starts_with("live_id = \"flag\" ")
            && line("live_id").ends_with("# --set room.live_id")
    );
    assert!(line("id").starts_with("id = \"late\" ") && line("id").ends_with("conf.d/20-late.toml:2"));
    assert!(line("name").starts_with("name = \"file\" ") && line("name").ends_with("config.toml:5"));
    assert!(line("seats").starts_with("seats = 4 ") && line("seats").ends_with("conf.d/10-early.toml:3"));
    assert!(line("accept_invitations").starts_with("accept_invitations = [\"host-1\", \"host-2\"] "));
    assert!(line("stun").starts_with("stun = [\"stun:a\"] "));
    assert!(line("quality").starts_with("quality = \"720p\" ") && line("quality").ends_with("# default"));

    let output = bench.check(&[("COGUESTD__ROOM__LIVE_ID", "")], &["--set", "host.seats="]);
    let text = assert_accepted(&output);
    assert!(text.contains("# live_id is not set"), "{text}");
    assert!(text.contains("\nseats = 8 "), "{text}");
}

#[test]
fn the_shipped_example_is_right_and_says_the_defaults() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/coguestd.toml");
    let values = |arguments: &[&str]| {
        let output = coguestd().arg("check-config").args(arguments).output().expect("the program runs");
        let text = assert_accepted(&output);
        let value = |line: &str| line.split(" # ").next().unwrap_or(line).trim_end().to_owned();
        text.lines().map(value).collect::<Vec<_>>()
    };
    let bench = Bench::new("");
    let empty = bench.path("config.toml");
    assert_eq!(values(&["--config", example]), values(&["--config", empty.to_str().expect("a UTF-8 path")]));

    // Every key is explained: with each example line made real, nothing is left unset.
    let text = fs::read_to_string(example).expect("the example is there");
    for line in values(&["--config", example]).iter().filter_map(|line| line.strip_prefix("# ")) {
        let key = line.split(' ').next().expect("a key");
        assert!(text.contains(&format!("\n# {key} = ")), "the example does not mention {key}");
    }
}

#[test]
fn secrets_come_from_files_and_are_never_printed() {
    let bench = Bench::new("");
    let file = bench.secret("broker", 0o600);
    let turn = bench.secret("turn", 0o600);
    let text = format!(
        "[mqtt]\npassword_file = {file:?}\n[room]\ntransport = 'whip'\npublish_url = 'https://a/?key={SECRET}'\n\
         token_file = 'broker'\n[webrtc]\nturn = [{{ url = 'turn:a', username = 'b', password_file = {turn:?} }}]\n"
    );
    bench.write("config.toml", &text);
    let credentials = bench.directory.path().to_str().expect("a UTF-8 path").to_owned();
    let output = bench.check(&[("CREDENTIALS_DIRECTORY", &credentials)], &["-vv"]);
    let text = assert_accepted(&output);
    assert!(text.contains("password_file = ") && text.contains("token_file = \"broker\""), "{text}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("an own file");
    let output = bench.check(&[("CREDENTIALS_DIRECTORY", &credentials)], &[]);
    assert_accepted(&output);
    let warning = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        warning.contains("`mqtt.password_file`: everybody can read ") && warning.contains("chmod o-rwx"),
        "{warning}"
    );

    for text in [
        format!("[mqtt]\npassword = \"{SECRET}\""),
        format!("[room]\ntoken = \"{SECRET}\""),
        format!("[mqtt]\nurl = \"mqtt://me:{SECRET}@broker\""),
        format!("[webrtc]\nturn = [{{ url = \"turn:a\", username = \"b\", password = \"{SECRET}\" }}]"),
        format!("[webrtc]\nturn = [{{ url = \"turn:b:{SECRET}@a\" }}]"),
    ] {
        assert_refused(&Bench::new(&text).check(&[], &[]), "_file`", &text);
    }
    let flag = format!("mqtt.password={SECRET}");
    assert_refused(&bench.check(&[], &["--set", &flag]), "name it in `mqtt.password_file`", "a flag");
    assert_refused(
        &bench.check(&[("COGUESTD__MQTT__PASSWORD", SECRET)], &[]),
        "`mqtt.password_file`",
        "a variable",
    );

    fs::write(&file, "\n").expect("an own file");
    assert_refused(
        &bench.check(&[("CREDENTIALS_DIRECTORY", &credentials)], &[]),
        "is empty",
        "an empty secret",
    );
}

#[test]
fn a_password_in_clear_to_another_machine_is_warned_of() {
    let bench = Bench::new("");
    let file = bench.secret("broker", 0o600);
    bench.write("config.toml", &format!("[mqtt]\nurl = 'mqtt://192.0.2.1'\npassword_file = {file:?}\n"));
    let output = bench.check(&[], &[]);
    assert_accepted(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("use mqtts://"));
}

#[test]
fn help_is_complete() {
    for (arguments, expected) in [
        (&["--help"][..], &["run", "check-config", "Exit status:", "78", "/etc/coguestd/config.toml"][..]),
        (
            &["run", "--help"],
            &["--config", "--set", "--verbose", "Exit status:", "COGUESTD_LOG", "Examples:"],
        ),
        (
            &["check-config", "--help"],
            &["--config", "--set", "Exit status:", "COGUESTD__SECTION__KEY", "Examples:"],
        ),
    ] {
        let output = coguestd().args(arguments).output().expect("the program runs");
        let text = assert_successful(&output);
        for word in expected {
            assert!(text.contains(word), "{arguments:?} does not mention {word}:\n{text}");
        }
    }
    let output = coguestd().arg("--version").output().expect("the program runs");
    assert!(assert_successful(&output).starts_with("coguestd 0."));
}

/// A directory with a configuration.
struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    fn new(text: &str) -> Self {
        let bench = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        bench.write("config.toml", text);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a writable directory");
        fs::write(path, text).expect("a writable directory");
    }

    fn secret(&self, name: &str, mode: u32) -> PathBuf {
        self.write(name, &format!("{SECRET}\n"));
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("an own file");
        self.path(name)
    }

    /// A FIFO that nobody writes to, in place of whatever had the name.
    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a writable directory");
        if path.exists() {
            fs::remove_file(&path).expect("an own file");
        }
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).expect("a FIFO");
        path
    }

    /// What the check says. What it refuses, a start refuses in the same words.
    fn check(&self, variables: &[(&str, &str)], flags: &[&str]) -> Output {
        let checked = self.told("check-config", variables, flags);
        if !checked.status.success() {
            let started = self.told("run", variables, flags);
            assert_eq!(
                (started.status.code(), last_line(&started)),
                (checked.status.code(), last_line(&checked))
            );
        }
        checked
    }

    fn told(&self, subcommand: &str, variables: &[(&str, &str)], flags: &[&str]) -> Output {
        let file = self.path("config.toml");
        coguestd()
            .args([subcommand, "--config"])
            .arg(file)
            .args(flags)
            .envs(variables.iter().copied())
            .output()
            .expect("the program runs")
    }
}

/// The program, in no environment but that of the test. A start that is not refused would go on for ever: it is ended (status 124).
fn coguestd() -> Command {
    let mut command = Command::new("/usr/bin/timeout");
    command.args(["60", env!("CARGO_BIN_EXE_coguestd")]).env_clear();
    command
}

fn last_line(output: &Output) -> Option<String> {
    String::from_utf8_lossy(&output.stderr).lines().last().map(str::to_owned)
}

fn assert_refused(output: &Output, expected: &str, what: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{what}: {stderr}");
    assert!(stderr.contains(expected), "{what}: {expected:?} is not in\n{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{what}: one line\n{stderr}");
    assert!(output.stdout.is_empty(), "{what}");
    assert!(!stderr.contains(SECRET), "{what} shows the secret");
}

fn assert_accepted(output: &Output) -> String {
    let text = assert_successful(output);
    assert!(text.ends_with("\nOK\n"), "{text}");
    assert!(!text.contains(SECRET), "a secret is shown");
    assert!(!String::from_utf8_lossy(&output.stderr).contains(SECRET), "a secret is shown");
    text
}

fn assert_successful(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
