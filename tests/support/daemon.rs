//! The real program, run as a process.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::broker::password_of;
use super::{eventually, run, tool};

/// How the program is to be started.
pub struct Start {
    user_id: String,
    folder: TempDir,
    command: Command,
}

impl Start {
    /// A daemon of this role and name, with the test profile, logging in under its own name.
    pub fn new(role: &str, user_id: &str, url: &str) -> Self {
        Self::with(Command::new(env!("CARGO_BIN_EXE_coguestd")), role, user_id, url)
    }

    /// The same with another command in front: it gets the program and its arguments.
    pub fn under(mut command: Command, role: &str, user_id: &str, url: &str) -> Self {
        command.arg(env!("CARGO_BIN_EXE_coguestd"));
        Self::with(command, role, user_id, url)
    }

    fn with(mut command: Command, role: &str, user_id: &str, url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let password = folder.path().join("password");
        fs::write(&password, password_of(user_id)).expect("writable");
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("our own file");
        let config = folder.path().join("config.toml");
        let text = format!(
            "role = \"{role}\"\n[user]\nid = \"{user_id}\"\nname = \"The {user_id}\"\n\
             [mqtt]\nurl = \"{url}\"\nusername = \"{user_id}\"\npassword_file = \"{}\"\n\
             [media]\nprofile = \"test\"\nspeaker = \"none\"\nquality = \"360p\"\nstats_interval = 0.5\n",
            password.display()
        );
        fs::write(&config, text).expect("writable");
        command.args(["-v", "run", "--config"]).arg(&config).stdin(Stdio::null());
        for variable in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "COGUESTD_LOG"] {
            command.env_remove(variable);
        }
        Self { user_id: user_id.to_owned(), folder, command }
    }

    /// Configuration keys, `section.key=value`.
    pub fn set(mut self, keys: &[&str]) -> Self {
        for key in keys {
            self.command.args(["--set", key]);
        }
        self
    }

    /// Everything is logged.
    pub fn loud(mut self) -> Self {
        self.command.arg("-v");
        self
    }

    /// An environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it.
    pub fn go(mut self) -> Daemon {
        let log = self.folder.path().join("log");
        let file = File::create(&log).expect("writable");
        let out = file.try_clone().expect("a descriptor");
        let child = self.command.stdout(out).stderr(file).spawn().expect("the program starts");
        Daemon { user_id: self.user_id, log, child: Some(child), _folder: self.folder }
    }
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    pub user_id: String,
    log: PathBuf,
    child: Option<Child>,
    _folder: TempDir,
}

impl Daemon {
    /// What it has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("made at the start")).into_owned()
    }

    /// Waits for a line of the log that contains `part`.
    pub fn logged(&self, part: &str) -> String {
        eventually(&format!("{part:?} in the log of {}", self.user_id), || {
            self.log().lines().find(|line| line.contains(part)).map(str::to_owned)
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().expect("it runs").try_wait().expect("it is our child")
    }

    /// A signal, by its name.
    pub fn signal(&self, name: &str) {
        run(tool("kill", "procps").arg(format!("-{name}")).arg(self.pid().to_string()));
    }

    /// As `kill -9` or a power cut.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM; how it ended, and how long that took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        self.signal("TERM");
        let began = Instant::now();
        let status = eventually("the end of the program", || self.ended());
        (status, began.elapsed())
    }

    /// Resident memory, in KiB.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says it");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(40)..];
            eprintln!("the log of {}:\n{}", self.user_id, tail.join("\n"));
        }
        self.end();
    }
}
