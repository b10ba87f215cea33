//! A broker, daemons, and the program as a person calls it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::broker::{Broker, Setup, password_of};
use crate::support::{eventually, run, tool};

pub const HOST: &str = "lobby-host";
pub const KIOSK: &str = "kiosk-7";
const USERS: [&str; 4] = [KIOSK, "kiosk-8", HOST, "operator"];

/// The program, without what the test's own surroundings say to it.
pub fn coguestd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coguestd"));
    for variable in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "COGUESTD_LOG"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// What a program that ended has said.
pub fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A broker with the shipped access list, and files.
pub struct Bench {
    pub broker: Broker,
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Setup::new())
    }

    /// With a broker of its own kind.
    pub fn with(setup: Setup) -> Self {
        let broker = Broker::with(setup.users(&USERS).witness("witness").shipped_acl());
        Self { broker, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file with a user's password.
    pub fn password(&self, user: &str) -> PathBuf {
        secret(&self.path(&format!("{user}.password")), &password_of(user))
    }

    /// The configuration of a daemon with the test profile, as its user.
    pub fn config(&self, role: &str, user_id: &str) -> String {
        format!(
            "role = \"{role}\"\n[user]\nid = \"{user_id}\"\n\
             [mqtt]\nurl = \"{}\"\nusername = \"{user_id}\"\npassword_file = \"{}\"\n\
             [media]\nprofile = \"test\"\nspeaker = \"none\"\nquality = \"360p\"\nstats_interval = 0.5\n",
            self.broker.url(),
            self.password(user_id).display()
        )
    }

    /// Writes a configuration into a folder of its own.
    pub fn write_config(&self, user_id: &str, text: &str) -> PathBuf {
        let file = self.path(user_id).join("config.toml");
        fs::create_dir_all(file.parent().expect("in a folder")).expect("writable");
        fs::write(&file, text).expect("writable");
        file
    }

    /// A daemon that is online; `more` stands at the end of its configuration.
    pub fn daemon(&self, role: &str, user_id: &str, more: &str) -> Daemon {
        let online =
            self.broker.listen_as("witness", &["-t", &format!("coguest/v1/device/{user_id}/status")]);
        let config = self.write_config(user_id, &(self.config(role, user_id) + more));
        let daemon = Daemon::start(user_id, &config, &[]);
        online.wait_for("online");
        daemon
    }

    /// The program with a broker's flags for a user, behind these arguments.
    pub fn tool_as(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = coguestd();
        command.args(arguments).args(["--url", &self.broker.url(), "-u", user, "--password-file"]);
        command.arg(self.password(user));
        command
    }

    /// `ctl` as the operator.
    pub fn ctl(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let arguments: Vec<&str> = std::iter::once("ctl").chain(arguments.iter().copied()).collect();
        said(&self.tool_as("operator", &arguments).output().expect("the program runs"))
    }

    /// A `ctl` that has to work; its result.
    pub fn obeyed(&self, arguments: &[&str]) -> serde_json::Value {
        let (status, out, wrong) = self.ctl(arguments);
        assert_eq!(status, Some(0), "{arguments:?}: {out}{wrong}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

/// Writes a file that only its owner can read.
pub fn secret(file: &Path, text: &str) -> PathBuf {
    fs::write(file, text).expect("writable");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("our own file");
    file.to_owned()
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    user_id: String,
    log: PathBuf,
    child: Child,
}

impl Daemon {
    pub fn start(user_id: &str, config: &Path, environment: &[(&str, &OsStr)]) -> Self {
        let mut command = coguestd();
        command.args(["-v", "run", "--config"]).arg(config).envs(environment.iter().copied());
        Self::spawn(user_id, config, command)
    }

    /// One that logs what it is configured to log.
    pub fn start_quiet(user_id: &str, config: &Path) -> Self {
        let mut command = coguestd();
        command.args(["run", "--config"]).arg(config);
        Self::spawn(user_id, config, command)
    }

    fn spawn(user_id: &str, config: &Path, mut command: Command) -> Self {
        let log = config.with_file_name("log");
        let file = File::options().create(true).append(true).open(&log).expect("writable");
        let out = file.try_clone().expect("a descriptor");
        let child = command.stdout(out).stderr(file).spawn().expect("the program starts");
        Self { user_id: user_id.to_owned(), log, child }
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for a line of the log that contains `part`.
    pub fn logged(&self, part: &str) -> String {
        eventually(&format!("{part:?} in the log of {}", self.user_id), || {
            self.log().lines().find(|line| line.contains(part)).map(str::to_owned)
        })
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    pub fn signal(&self, name: &str) {
        run(tool("kill", "procps").arg(format!("-{name}")).arg(self.child.id().to_string()));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the log of {}:\n{}", self.user_id, lines[lines.len().saturating_sub(40)..].join("\n"));
        }
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
