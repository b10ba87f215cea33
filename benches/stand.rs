//! A private broker, and daemons: the real program, each in a process of its own.
//!
//! Invariant: every process ends with its value, and the folder goes with the stand.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::console::Console;
use super::process::Process;

/// The room of every measurement.
pub const ROOM: &str = "bench";
pub const HOST: &str = "bench-host";
pub const GUEST: &str = "bench-kiosk";

/// How long a process may take to end when it is asked to.
const GOODBYE: Duration = Duration::from_secs(6);

/// How many lines of a log are shown when something goes wrong.
const TAIL: usize = 15;

/// A running process; killed when dropped, if it was not ended.
pub struct Running {
    child: Child,
    pub process: Process,
    log: PathBuf,
}

impl Running {
    /// Starts a command; what it says goes to `log`.
    pub fn start(mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let out = File::create(&log)?;
        let child = command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn();
        let child = child.with_context(|| format!("{command:?}"))?;
        Ok(Self { process: Process(child.id()), child, log })
    }

    /// Whether it still runs; an error shows what it said.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{status}:\n{}", self.said()),
        }
    }

    /// The end of its log.
    pub fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    /// SIGTERM, and its end.
    pub fn end(mut self) -> anyhow::Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status().context("kill (procps)")?;
        let deadline = Instant::now() + GOODBYE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("a process did not end when it was asked to:\n{}", self.said());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(|_| ()).unwrap_or_default();
    }
}

/// The stand.
pub struct Stand {
    folder: TempDir,
    pub port: u16,
    program: PathBuf,
    _broker: Running,
}

/// How the broker is set up. Without `set_tcp_nodelay` the kernel holds a message back behind an acknowledgement on the same
/// connection, for up to 40 ms; every broker but mosquitto has it from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// With `set_tcp_nodelay true`.
    Tuned,
    /// As distributions ship mosquitto.
    AsShipped,
}

impl Stand {
    /// A broker on a free loopback port that hands messages on at once.
    pub fn open() -> anyhow::Result<Self> {
        Self::with(Broker::Tuned)
    }

    /// A broker on a free loopback port.
    pub fn with(tuning: Broker) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let conf = folder.path().join("mosquitto.conf");
        let mut lines =
            format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stderr\n");
        match tuning {
            Broker::Tuned => lines.push_str("set_tcp_nodelay true\n"),
            Broker::AsShipped => {}
        }
        // Started by root, it would else change to a user who cannot read the folder.
        if fs::metadata(folder.path())?.uid() == 0 {
            lines.push_str("user root\n");
        }
        fs::write(&conf, lines)?;
        let mut command = Command::new(mosquitto()?);
        command.arg("-c").arg(&conf);
        let broker = Running::start(command, folder.path().join("mosquitto.log"))?;
        Ok(Self { program: program()?, folder, port, _broker: broker })
    }

    /// A console that hears everything.
    pub fn console(&self) -> anyhow::Result<Console> {
        Console::open(self.port, "#")
    }

    /// A daemon with the profile `test`; `more` is TOML in front of everything, `media` in the table of media.
    pub fn daemon(&self, user_id: &str, more: &str, media: &str) -> anyhow::Result<Running> {
        self.daemon_with(user_id, more, media, &[])
    }

    /// … with these keys of the configuration, `table.key=value`, in place of what it has.
    pub fn daemon_with(
        &self,
        user_id: &str,
        more: &str,
        media: &str,
        keys: &[&str],
    ) -> anyhow::Result<Running> {
        let file = self.folder.path().join(format!("{user_id}.toml"));
        let text = format!(
            "{more}\n[user]\nid = \"{user_id}\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n[room]\nlive_id = \"{ROOM}\"\n\
             [media]\nprofile = \"test\"\nspeaker = \"none\"\n{media}\n",
            self.port
        );
        fs::write(&file, text)?;
        let mut command = self.program();
        command.arg("run").arg("--config").arg(&file);
        for key in keys {
            command.args(["--set", key]);
        }
        Running::start(command, self.folder.path().join(format!("{user_id}.log")))
    }

    /// The program, without what the surroundings say to it.
    pub fn program(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("COGUESTD__"))
        {
            command.env_remove(key);
        }
        command
    }

    /// A host with its room, and a guest in it.
    pub fn house(&self, console: &mut Console) -> anyhow::Result<House> {
        self.house_with(console, "")
    }

    /// … whose guest has these settings of media.
    pub fn house_with(&self, console: &mut Console, media: &str) -> anyhow::Result<House> {
        let mark = console.mark();
        let host = self.daemon(HOST, "role = \"host\"", "")?;
        let guest = self.daemon(GUEST, "role = \"guest\"", media)?;
        let house = House { host, guest };
        console.online(HOST, mark).with_context(|| house.host.said())?;
        console.online(GUEST, mark).with_context(|| house.guest.said())?;
        let inside = |state: &serde_json::Value| state["room"]["membership"] == "inside";
        console.state(GUEST, mark, inside).with_context(|| house.guest.said())?;
        Ok(house)
    }

    /// Where the logs are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A host and a guest.
pub struct House {
    pub host: Running,
    pub guest: Running,
}

impl House {
    /// The guest first, so that it can say goodbye.
    pub fn end(self) -> anyhow::Result<()> {
        self.guest.end()?;
        self.host.end()
    }
}

/// The program that lies beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.ancestors().skip(1).map(|folder| folder.join("coguestd")).find(|file| file.is_file());
    beside.context("there is no coguestd beside this program: cargo build --release")
}

/// Debian puts it where only root looks.
fn mosquitto() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join("mosquitto"))
        .find(|file| file.is_file())
        .context("measuring needs a broker: sudo apt-get install mosquitto")
}
