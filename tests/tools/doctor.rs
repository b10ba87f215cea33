//! `coguestd doctor`: each fault that can be staged here gets its own right sentence. Faults of devices this machine need not have
//! are staged with facts, beside the judgements.

use std::collections::BTreeSet;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::bench::{Bench, HOST, KIOSK, coguestd, said, secret};
use crate::support::broker::{Broker, ClientCertificates, Setup, free_port, password_of};
use crate::support::certificates::{Authority, Validity};
use crate::support::tool;

/// What the doctor says: its status, and its lines.
struct Visit {
    status: Option<i32>,
    lines: Vec<String>,
    wrong: String,
}

impl Visit {
    /// With this text as the configuration.
    fn of(bench: &Bench, text: &str, environment: &[(&str, &str)], more: &[&str]) -> Self {
        let file = bench.write_config("doctor", text);
        let mut command = coguestd();
        command.args(["doctor", "--config"]).arg(file).args(more).envs(environment.iter().copied());
        Self::by(command)
    }

    /// On a machine whose clock says this.
    fn at(time: &str, bench: &Bench, text: &str) -> Self {
        let file = bench.write_config("doctor", text);
        let mut command = tool("faketime", "faketime");
        command.arg(time).args([env!("CARGO_BIN_EXE_coguestd"), "doctor", "--config"]).arg(file);
        // What measures how long things take is not the clock.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Self::by(command)
    }

    fn by(mut command: Command) -> Self {
        let (status, out, wrong) = said(&command.output().expect("the program runs"));
        Self { status, lines: out.lines().map(str::to_owned).collect(), wrong }
    }

    /// The one line that is marked so.
    fn one(&self, mark: &str) -> &str {
        let marked: Vec<&String> = self.lines.iter().filter(|line| line.starts_with(mark)).collect();
        assert_eq!(marked.len(), 1, "{mark}: {:#?}", self.lines);
        marked[0]
    }

    fn has(&self, parts: &[&str]) {
        let fits = |line: &String| parts.iter().all(|part| line.contains(part));
        assert!(self.lines.iter().any(fits), "{parts:?} in {:#?} {}", self.lines, self.wrong);
    }
}

/// Every fault's sentence must differ from every other's.
#[derive(Default)]
struct Sentences(BTreeSet<String>);

impl Sentences {
    fn expect(&mut self, bench: &Bench, text: &str, parts: &[&str]) {
        let visit = Visit::of(bench, text, &[], &[]);
        let line = visit.one("WRONG").to_owned();
        assert!(parts.iter().all(|part| line.contains(part)), "{parts:?} in {line}");
        assert_eq!((visit.status, visit.wrong.as_str()), (Some(1), "coguestd: one thing is wrong"), "{line}");
        assert!(self.0.insert(line.clone()), "said before: {line}");
    }
}

#[test]
fn beside_a_running_daemon_all_is_well() {
    let bench = Bench::new();
    let kiosk = bench.daemon("guest", KIOSK, "");
    let visit = Visit::of(&bench, &bench.config("guest", KIOSK), &[], &[]);
    assert_eq!((visit.status, visit.wrong.as_str()), (Some(0), ""), "{:#?}", visit.lines);
    visit.has(&["ok", "broker", "connected as kiosk-7"]);
    visit.has(&["ok", "access", "speaks and hears on its own topics"]);
    visit.has(&["ok", "identity", "kiosk-7; its daemon is online"]);
    visit.has(&["ok", "profile", "test"]);
    assert!(!kiosk.log().contains("WARN") && !kiosk.log().contains("ERROR"), "{}", kiosk.log());
    assert_eq!(bench.ctl(&[KIOSK, "get_state"]).0, Some(0), "the daemon is still there");
}

#[test]
fn each_fault_of_the_configuration_has_its_own_sentence() {
    let bench = Bench::new();
    let right = bench.config("guest", KIOSK);
    let mut sentences = Sentences::default();
    let with = |more: &str| right.clone() + more;
    let missing = bench.path("nowhere").display().to_string();
    let password = bench.password(KIOSK).display().to_string();
    sentences.expect(
        &bench,
        &with("[room]\nlive = \"x\"\n"),
        &["config.toml:", "unknown key `room.live`", "room.live_id"],
    );
    sentences.expect(
        &bench,
        &with("[room]\nlive_id = \"a b\"\n"),
        &["`room.live_id` must be 1 to 64 characters"],
    );
    sentences.expect(
        &bench,
        &right.replace("mqtt://", "tcp://"),
        &["`mqtt.url` must begin with mqtt:// or mqtts://"],
    );
    sentences.expect(&bench, &right.replace("360p", "480p"), &["`media.quality` must be \"360p\""]);
    sentences.expect(
        &bench,
        &right.replace(&password, &missing),
        &["`mqtt.password_file` cannot read", "No such file"],
    );
    sentences.expect(&bench, &right[..right.len() - 9], &["config.toml:12: "]);
    let half = right
        .replace("mqtt://", "mqtts://")
        .replace("[media]", "client_certificate_file = \"config.toml\"\n[media]");
    sentences.expect(&bench, &half, &["`mqtt.client_certificate_file` needs `mqtt.client_key_file` too"]);
    let open = right.replace("[media]", "password = \"hunter2\"\n[media]");
    sentences.expect(&bench, &open, &["`mqtt.password` is refused: write the secret to a file of its own"]);
    let strange = right.replace("\"test\"", "\"tset\"\ncamera = \"none\"\nmicrophone = \"none\"");
    sentences.expect(&bench, &strange, &["there is no profile \"tset\"; there are "]);
    sentences.expect(
        &bench,
        &with("[webrtc]\npolicy = \"relay\"\n"),
        &["`webrtc.policy` is \"relay\": name a TURN server"],
    );
    assert!(sentences.0.iter().all(|line| !line.contains(&password_of(KIOSK))));

    let open = bench.path("open.password");
    fs::write(&open, password_of(KIOSK)).expect("writable");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).expect("our own file");
    let visit = Visit::of(&bench, &right.replace(&password, &open.display().to_string()), &[], &[]);
    assert_eq!(visit.status, Some(0), "{:#?}", visit.lines);
    assert!(
        visit.one("warning").contains("everybody can read") && visit.one("warning").contains("chmod o-rwx")
    );
}

#[test]
fn each_fault_of_the_broker_has_its_own_sentence() {
    let bench = Bench::new();
    let right = bench.config("guest", KIOSK);
    let mut sentences = Sentences::default();
    let at = |url: &str| right.replace(&bench.broker.url(), url);
    sentences.expect(
        &bench,
        &at(&format!("mqtt://127.0.0.1:{}", free_port())),
        &["broker", "does not listen"],
    );
    sentences.expect(
        &bench,
        &at("mqtt://nowhere.invalid"),
        &["the name nowhere.invalid does not resolve", "DNS"],
    );
    let wrong = secret(&bench.path("wrong.password"), "wrong");
    let password = bench.password(KIOSK).display().to_string();
    sentences.expect(
        &bench,
        &right.replace(&password, &wrong.display().to_string()),
        &["refused the password of user kiosk-7"],
    );
    let nameless: String = right
        .lines()
        .filter(|line| !line.contains("username") && !line.contains("password"))
        .map(|line| format!("{line}\n"))
        .collect();
    sentences.expect(&bench, &nameless, &["wants a user name"]);
    // Another user's login: the access list lets nobody speak for kiosk-7 with it.
    let other = right
        .replace("username = \"kiosk-7\"", "username = \"kiosk-8\"")
        .replace(&password, &bench.password("kiosk-8").display().to_string());
    sentences.expect(
        &bench,
        &other,
        &["access", "does not let user kiosk-8 publish to coguest/v1/device/kiosk-7/reply/"],
    );
    let url = bench.broker.url();
    sentences.expect(&bench, &at(&url.replace("mqtt://", "mqtts://")), &["TLS"]);
}

#[test]
fn what_a_broker_grants_too_little_of_is_named() {
    let bench = Bench::new();
    let text = |setup: Setup, role: &str, id: &str| {
        let broker = Broker::with(setup.users(&[KIOSK, HOST]));
        let text = bench.config(role, id).replace(&bench.broker.url(), &broker.url());
        (broker, text)
    };
    for (line, expected) in [
        ("max_packet_size 512", "it takes packets of at most 512 bytes"),
        ("retain_available false", "it remembers no retained messages"),
        ("max_qos 0", "it offers QoS 0 only"),
    ] {
        let (_broker, text) = text(Setup::new().line(line), "guest", KIOSK);
        let visit = Visit::of(&bench, &text, &[], &[]);
        visit.has(&["broker", expected, "mosquitto.conf"]);
    }
    let (_broker, text) = text(Setup::new().line("max_packet_size 512"), "host", HOST);
    let visit = Visit::of(&bench, &text, &[], &[]);
    visit.has(&["WRONG", "broker", "a room of 8 seats has", "the broker takes 512"]);
}

/// A broker with TLS and the tests' users, and the configuration of a kiosk that trusts this file.
fn secured(bench: &Bench, setup: Setup, trusted: &str) -> (Broker, String) {
    let broker = Broker::with(setup.users(&[KIOSK]));
    let url = format!("mqtts://127.0.0.1:{}", broker.port());
    let ca = format!("ca_file = \"{trusted}\"\n[media]");
    let text = bench.config("guest", KIOSK).replace(&bench.broker.url(), &url).replace("[media]", &ca);
    (broker, text)
}

#[test]
fn each_fault_of_a_certificate_has_its_own_sentence() {
    let bench = Bench::new();
    let authority = Authority::new();
    let trusted = authority.file_pem().display().to_string();
    let mut sentences = Sentences::default();
    let good = authority.server("IP:127.0.0.1", Validity::Now);
    let with = |server, clients| Setup::new().tls(&authority.file_pem(), server, clients);

    let (_broker, text) = secured(&bench, with(&good, ClientCertificates::Ignored), &trusted);
    let visit = Visit::of(&bench, &text, &[], &[]);
    assert_eq!(visit.status, Some(0), "{:#?}", visit.lines);
    visit.has(&["ok", "broker", "connected over TLS as kiosk-7"]);
    let stranger = Authority::new().file_pem();
    let unknown = text.replace(&trusted, &stranger.display().to_string());
    // The other authority's folder is gone with it.
    sentences.expect(&bench, &unknown, &["`mqtt.ca_file` cannot read"]);
    let stranger = Authority::new();
    let unknown = text.replace(&trusted, &stranger.file_pem().display().to_string());
    sentences.expect(&bench, &unknown, &["certificate from an unknown authority", "mqtt.ca_file"]);

    let other = authority.server("DNS:broker.example.org", Validity::Now);
    let (_broker, text) = secured(&bench, with(&other, ClientCertificates::Ignored), &trusted);
    sentences.expect(&bench, &text, &["a certificate for another name than 127.0.0.1"]);
    let expired = authority.server("IP:127.0.0.1", Validity::Past);
    let (_broker, text) = secured(&bench, with(&expired, ClientCertificates::Ignored), &trusted);
    sentences.expect(&bench, &text, &["an expired certificate", "clock"]);
    let good = authority.server("IP:127.0.0.1", Validity::Now);
    let (_broker, text) = secured(&bench, with(&good, ClientCertificates::Required), &trusted);
    sentences.expect(&bench, &text, &["client certificate"]);
}

#[test]
fn a_wrong_clock_is_named_for_itself_and_for_the_certificate() {
    let bench = Bench::new();
    let authority = Authority::new();
    let trusted = authority.file_pem().display().to_string();
    let server = authority.server("IP:127.0.0.1", Validity::Now);
    let setup = Setup::new().tls(&authority.file_pem(), &server, ClientCertificates::Ignored);
    let (_broker, text) = secured(&bench, setup, &trusted);
    let past = Visit::at("1999-12-31 12:00:00 UTC", &bench, &text);
    past.has(&["WRONG", "broker", "a certificate that is not valid yet: set this machine's clock"]);
    past.has(&["WRONG", "clock", "the clock says 1999-12-31T12:00", "timedatectl set-ntp true"]);
    assert_eq!((past.status, past.wrong.as_str()), (Some(1), "coguestd: 2 things are wrong"));
    let future = Visit::at("2099-12-31 12:00:00 UTC", &bench, &text);
    assert!(future.one("WRONG").contains("an expired certificate: renew it, or set this machine's clock"));
}

#[test]
fn another_machine_of_the_same_name_is_seen() {
    let bench = Bench::new();
    let info = "{\"machine\":\"0123abcd\"}";
    bench.broker.publish_as("witness", &["-r", "-t", "coguest/v1/device/kiosk-7/info", "-m", info]);
    bench.broker.publish_as("witness", &["-r", "-t", "coguest/v1/device/kiosk-7/status", "-m", "online"]);
    let mut sentences = Sentences::default();
    let parts = ["identity", "another machine (0123abcd) is kiosk-7", "another user.id"];
    sentences.expect(&bench, &bench.config("guest", KIOSK), &parts);
}

#[test]
fn each_server_of_media_that_cannot_be_reached_is_named() {
    let bench = Bench::new();
    let password = secret(&bench.path("turn.password"), "x");
    let right = bench.config("guest", KIOSK);
    let mut sentences = Sentences::default();
    // Bound, and silent.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let stun = format!("{right}[webrtc]\nstun = [\"stun:127.0.0.1:{port}\"]\n");
    sentences.expect(
        &bench,
        &stun,
        &["STUN", &format!("stun:127.0.0.1:{port} cannot be reached (no answer)"), "webrtc.stun"],
    );
    let turn = |url: &str| {
        format!(
            "{right}[webrtc]\nturn = [{{ url = \"{url}\", username = \"k\", password_file = \"{}\" }}]\n",
            password.display()
        )
    };
    let tcp = format!("turn:127.0.0.1:{}?transport=tcp", free_port());
    sentences.expect(&bench, &turn(&tcp), &["TURN", &tcp, "connection refused", "webrtc.turn"]);
    let udp = format!("turn:127.0.0.1:{}", free_port());
    sentences.expect(&bench, &turn(&udp), &["TURN", &udp, "connection refused"]);
    let whip = format!(
        "{right}[room]\ntransport = \"whip\"\npublish_url = \"http://127.0.0.1:{}/{{live_id}}\"\n",
        free_port()
    );
    sentences.expect(&bench, &whip, &["WHIP", "cannot be reached (connection refused)", "room.publish_url"]);
}

#[test]
fn elements_and_encoders_that_are_missing_are_named_with_their_packages() {
    let bench = Bench::new();
    let empty = bench.path("plugins");
    fs::create_dir(&empty).expect("writable");
    let registry = bench.path("registry");
    let (empty, registry) = (empty.display().to_string(), registry.display().to_string());
    // A GStreamer without any plugin.
    let environment = [
        ("GST_PLUGIN_SYSTEM_PATH_1_0", empty.as_str()),
        ("GST_PLUGIN_PATH_1_0", empty.as_str()),
        ("GST_REGISTRY_1_0", registry.as_str()),
    ];
    let visit = Visit::of(&bench, &bench.config("guest", KIOSK), &environment, &[]);
    visit.has(&["WRONG", "profile", "the GStreamer element", "is missing: apt-get install"]);
    visit.has(&["WRONG", "encoder", "there is no video encoder: apt-get install"]);
    assert_eq!((visit.status, visit.wrong.as_str()), (Some(1), "coguestd: 2 things are wrong"));
}

#[test]
fn a_machine_without_devices_is_told_so() {
    let bench = Bench::new();
    let nothing =
        "camera = \"no such camera\"\nmicrophone = \"no such microphone\"\nspeaker = \"no such speaker\"\n";
    let text = bench
        .config("guest", KIOSK)
        .replace("\"test\"", "\"generic\"")
        .replace("speaker = \"none\"\n", nothing);
    let visit = Visit::of(&bench, &text, &[], &[]);
    for what in ["camera", "microphone", "speaker"] {
        visit.has(&[
            "WRONG",
            what,
            &format!("no {what} is called \"no such {what}\""),
            &format!("media.{what} = \"none\""),
        ]);
    }
}

#[test]
fn the_bundle_holds_what_helps_and_no_secret() {
    let bench = Bench::new();
    let (token, turn) =
        (secret(&bench.path("token"), "tok\"en-4711"), secret(&bench.path("turn"), "turn-4711"));
    let text = format!(
        "{}[room]\ntransport = \"whip\"\npublish_url = \"http://127.0.0.1:9/x?key=url-4711\"\ntoken_file = \"{}\"\n\
         [webrtc]\nturn = [{{ url = \"turn:127.0.0.1:9\", username = \"k\", password_file = \"{}\" }}]\n",
        bench.config("guest", KIOSK),
        token.display(),
        turn.display()
    );
    let file: PathBuf = bench.path("bundle.json");
    fs::write(&file, "an older one").expect("writable");
    let visit = Visit::of(&bench, &text, &[], &["--bundle", file.to_str().expect("UTF-8")]);
    assert!(visit.wrong.contains("written: "), "{}", visit.wrong);
    let bundle = fs::read_to_string(&file).expect("it is written");
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    for secret in ["4711", &password_of(KIOSK)] {
        assert!(!bundle.contains(secret), "{secret} in {bundle}");
    }
    let bundle: serde_json::Value = serde_json::from_str(&bundle).expect("JSON");
    for part in ["coguestd", "at", "findings", "configuration", "machine", "devices", "journal"] {
        assert!(!bundle[part].is_null(), "no {part} in {bundle}");
    }
    assert!(bundle["configuration"].to_string().contains("kiosk-7"), "{bundle}");
    // As `probe --json` says it.
    assert_eq!(bundle["devices"]["profile"]["name"], "test");
    for part in ["board", "cameras", "microphones", "speakers", "encoders"] {
        assert!(!bundle["devices"][part].is_null(), "no {part} in {}", bundle["devices"]);
    }
    // Also when there is no configuration to speak of.
    let visit = Visit::of(&bench, "nonsense", &[], &["--bundle", file.to_str().expect("UTF-8"), "--json"]);
    assert_eq!(visit.status, Some(1));
    let findings: serde_json::Value = serde_json::from_str(&visit.lines.join("\n")).expect("JSON");
    assert_eq!(findings[0]["verdict"], "wrong");
    let bundle = fs::read_to_string(&file).expect("it is written anew");
    let bundle: serde_json::Value = serde_json::from_str(&bundle).expect("JSON");
    assert!(bundle["configuration"].is_null() && bundle["devices"]["encoders"].is_array(), "{bundle}");
}
