//! A real mosquitto on a free loopback port.
//!
//! ```ignore
//! let broker = Broker::start();                                   // open to everybody
//! let broker = Broker::with(Setup::new().users(&["kiosk-7", "operator"]).shipped_acl());
//! broker.publish(&["-t", "some/topic", "-m", "text"]);            // mosquitto_pub, MQTT 5
//! let heard = broker.listen(&["-t", "some/#"]);                   // mosquitto_sub, heard.wait_for("…")
//! ```

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::certificates::Identity;
use super::{eventually, run, tool};

const PACKAGE: &str = "mosquitto";
const CLIENTS: &str = "mosquitto-clients";

/// The password of every user a [`Setup`] names.
pub fn password_of(user: &str) -> String {
    format!("password of {user}")
}

/// Whether clients have to show a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    Ignored,
    Required,
}

/// How a broker is to be.
#[derive(Default)]
pub struct Setup {
    users: Vec<String>,
    witness: Option<String>,
    acl: Option<PathBuf>,
    tls: Vec<String>,
    lines: Vec<String>,
    persistence: bool,
}

impl Setup {
    /// Open to everybody, on plain TCP, forgetting everything at its end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only these users, each with [`password_of`].
    pub fn users(mut self, users: &[&str]) -> Self {
        self.users.extend(users.iter().map(|user| (*user).to_owned()));
        self
    }

    /// The access list the project ships.
    pub fn shipped_acl(mut self) -> Self {
        self.acl = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/mosquitto-acl.example"));
        self
    }

    /// One more user, who may say and hear everything beside what the access list grants to others.
    pub fn witness(mut self, user: &str) -> Self {
        self.witness = Some(user.to_owned());
        self.users(&[user])
    }

    /// TLS with this certificate.
    pub fn tls(mut self, authority: &Path, server: &Identity, clients: ClientCertificates) -> Self {
        self.tls = vec![
            format!("cafile {}", authority.display()),
            format!("certfile {}", server.certificate.display()),
            format!("keyfile {}", server.key.display()),
            format!("require_certificate {}", clients == ClientCertificates::Required),
        ];
        self
    }

    /// Remembers sessions and retained messages over a clean restart.
    pub fn persistence(mut self) -> Self {
        self.persistence = true;
        self
    }

    /// One more line of mosquitto.conf.
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    fn write(&self, folder: &Path, port: u16) {
        // Started by root, mosquitto would else change to a user who cannot read a test's folder.
        let mut conf =
            vec![format!("listener {port} 127.0.0.1"), "log_dest stderr".into(), "log_type all".into()];
        if fs::metadata(folder).expect("the folder is there").uid() == 0 {
            conf.push("user root".into());
        }
        conf.push(format!("persistence {}", self.persistence));
        conf.push(format!("persistence_location {}/", folder.display()));
        conf.push(format!("allow_anonymous {}", self.users.is_empty()));
        if !self.users.is_empty() {
            let passwords = folder.join("passwords");
            let lines = self.users.iter().map(|user| format!("{user}:{}\n", password_of(user)));
            fs::write(&passwords, lines.collect::<String>()).expect("the folder is writable");
            run(tool("mosquitto_passwd", PACKAGE).arg("-U").arg(&passwords));
            conf.push(format!("password_file {}", passwords.display()));
        }
        if let Some(file) = &self.acl {
            let mut acl = fs::read_to_string(file).expect("the project ships it");
            acl.extend(self.witness.iter().map(|user| format!("\nuser {user}\ntopic readwrite #\n")));
            fs::write(folder.join("acl"), acl).expect("the folder is writable");
            conf.push(format!("acl_file {}", folder.join("acl").display()));
        }
        conf.extend(self.tls.iter().chain(&self.lines).cloned());
        fs::write(folder.join("mosquitto.conf"), conf.join("\n") + "\n").expect("the folder is writable");
    }
}

/// A running broker; killed when dropped.
pub struct Broker {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
    users: bool,
}

impl Broker {
    /// Open to everybody.
    pub fn start() -> Self {
        Self::with(Setup::new())
    }

    /// As wanted.
    pub fn with(setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for _ in 0..20 {
            let port = free_port();
            setup.write(folder.path(), port);
            if let Some(child) = launch(folder.path()) {
                return Self { folder, port, child: Some(child), users: !setup.users.is_empty() };
            }
        }
        panic!("mosquitto does not start:\n{}", log(folder.path()));
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// For `mqtt.url`.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Everything it has logged since its first start.
    pub fn log(&self) -> String {
        log(self.folder.path())
    }

    /// Ends it as a power cut would: nothing is saved.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
        }
    }

    /// Ends it in good order.
    pub fn stop(&mut self) {
        self.signal("TERM");
        if let Some(mut child) = self.child.take() {
            child.wait().expect("it is our child");
        }
    }

    /// Starts it again on its port.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "it is running");
        let folder = self.folder.path();
        self.child = Some(eventually("mosquitto to get its port back", || launch(folder)));
    }

    /// Leaves its sockets open but silent, like a broker behind a pulled cable.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it is running");
        run(tool("kill", "procps").arg(format!("-{name}")).arg(child.id().to_string()));
    }

    /// `mosquitto_pub`, MQTT 5, QoS 1, with these arguments; anonymously.
    pub fn publish(&self, arguments: &[&str]) {
        assert!(!self.users, "say as whom");
        run(self.client("mosquitto_pub").args(["-V", "mqttv5", "-q", "1"]).args(arguments));
    }

    /// The same as a user.
    pub fn publish_as(&self, user: &str, arguments: &[&str]) {
        run(self
            .client("mosquitto_pub")
            .args(["-V", "mqttv5", "-q", "1", "-u", user, "-P", &password_of(user)])
            .args(arguments));
    }

    /// `mosquitto_sub`, MQTT 5, QoS 1, with these arguments; anonymously. It is subscribed when this returns.
    pub fn listen(&self, arguments: &[&str]) -> Listener {
        assert!(!self.users, "say as whom");
        self.listener(&[], arguments)
    }

    /// The same as a user.
    pub fn listen_as(&self, user: &str, arguments: &[&str]) -> Listener {
        self.listener(&["-u", user, "-P", &password_of(user)], arguments)
    }

    fn client(&self, name: &str) -> Command {
        let mut command = tool(name, CLIENTS);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command
    }

    fn listener(&self, login: &[&str], arguments: &[&str]) -> Listener {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("heard");
        // Into a file, mosquitto_sub would keep what it hears to itself until it has a page of it.
        let mut command = tool("stdbuf", "coreutils");
        let client = self.client("mosquitto_sub");
        command.arg("-oL").arg(client.get_program()).args(client.get_args());
        // -d says when the subscription is answered.
        command.args(["-V", "mqttv5", "-q", "1", "-d", "-F", "MESSAGE %t %p"]).args(login).args(arguments);
        let out = File::create(&file).expect("the folder is writable");
        let error = out.try_clone().expect("a descriptor");
        let child = command.stdout(out).stderr(error).spawn().expect("found just now");
        let listener = Listener { folder, child };
        listener.wait_for_line("the subscription", |line| line.starts_with("Subscribed"));
        listener
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the broker's log:\n{}", self.log());
        }
    }
}

/// A running `mosquitto_sub`; killed when dropped. Without a `-F` of its own it writes a message as `topic payload`.
pub struct Listener {
    folder: TempDir,
    child: Child,
}

impl Listener {
    /// All messages heard so far.
    pub fn heard(&self) -> Vec<String> {
        self.lines().iter().filter_map(|line| line.strip_prefix("MESSAGE ").map(str::to_owned)).collect()
    }

    /// Waits for a message that contains `part`, and returns it.
    pub fn wait_for(&self, part: &str) -> String {
        let line = self.wait_for_line(part, |line| line.starts_with("MESSAGE ") && line.contains(part));
        line["MESSAGE ".len()..].to_owned()
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read(self.folder.path().join("heard")).expect("made at the start");
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    fn wait_for_line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        eventually(what, || self.lines().into_iter().find(|line| wanted(line)))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("heard: {:#?}", self.heard());
        }
    }
}

/// A port nobody listens on, outside the range the kernel takes for outgoing connections: so it stays free while a
/// broker is down.
pub fn free_port() -> u16 {
    eventually("a free port", || {
        let port = rand::random_range(20_000..32_000);
        std::net::TcpListener::bind(("127.0.0.1", port)).ok().map(|_| port)
    })
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Starts it and waits until it listens; `None` when it gave up, its port being taken.
fn launch(folder: &Path) -> Option<Child> {
    const LISTENING: &str = "running";
    let before = log(folder).matches(LISTENING).count();
    let file = File::options().create(true).append(true).open(folder.join("log")).expect("writable");
    let mut command = tool("mosquitto", PACKAGE);
    command.arg("-c").arg(folder.join("mosquitto.conf"));
    let out = file.try_clone().expect("a descriptor");
    let mut child = command.stdin(Stdio::null()).stdout(out).stderr(file).spawn().expect("found just now");
    let listens = eventually("mosquitto to listen", || {
        if child.try_wait().expect("it is our child").is_some() {
            return Some(false);
        }
        (log(folder).matches(LISTENING).count() > before).then_some(true)
    });
    listens.then_some(child)
}
