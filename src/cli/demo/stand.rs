//! The stand of the demonstration: a private broker and the program's own processes.
//!
//! Invariant: everything ends with the stand; what a process logged is kept in its folder until then.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::sound::Sound;
use crate::cli::complain;

/// How long a process may take to end when it is asked to.
const GOODBYE: Duration = Duration::from_secs(6);

/// How often the processes are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How many lines of a log are shown when something goes wrong.
const TAIL: usize = 15;

/// One process.
struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// The stand.
pub(super) struct Stand {
    folder: PathBuf,
    pub(super) port: u16,
    /// Where browsers find the console.
    pub(super) console: Option<u16>,
    processes: Vec<Process>,
}

impl Stand {
    /// A broker on a free loopback port; with the folder of a console it serves that on another.
    pub(super) fn open(page: Option<&Path>) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("coguestd-demo-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let port = free_port()?;
        let conf = folder.join("mosquitto.conf");
        let mut lines = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nlog_dest stderr\n"
        );
        let console = page.map(|page| console_at(page, &mut lines)).transpose()?;
        fs::write(&conf, lines)?;
        let mut stand = Self { folder, port, console, processes: Vec::new() };
        let mut broker = Command::new(mosquitto()?);
        broker.arg("-c").arg(&conf);
        stand.start("mosquitto", broker)?;
        Ok(stand)
    }

    /// A host.
    pub(super) fn host(&mut self, user_id: &str, name: &str) -> anyhow::Result<()> {
        self.run(user_id, name, "host", "profile = \"test\"\nspeaker = \"none\"")
    }

    /// A guest that says a tone of this frequency.
    pub(super) fn guest(&mut self, user_id: &str, name: &str, hertz: u32) -> anyhow::Result<Sound> {
        let folder = self.folder.join(user_id);
        let sound = Sound::new(&folder, hertz)?;
        let media = format!("profile = \"tone\"\nprofile_directory = {:?}", folder.display().to_string());
        self.run(user_id, name, "guest", &media)?;
        Ok(sound)
    }

    /// This program in a role.
    fn run(&mut self, user_id: &str, name: &str, role: &str, media: &str) -> anyhow::Result<()> {
        let file = self.folder.join(format!("{user_id}.toml"));
        let text = format!(
            "role = \"{role}\"\n[user]\nid = \"{user_id}\"\nname = \"{name}\"\n\
             [mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n[media]\n{media}\nstats_interval = 0.5\n",
            self.port
        );
        fs::write(&file, text)?;
        let mut program = Command::new(std::env::current_exe()?);
        program.arg("run").arg("--config").arg(&file);
        for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("COGUESTD__"))
        {
            program.env_remove(key);
        }
        self.start(user_id, program)
    }

    fn start(&mut self, name: &str, mut command: Command) -> anyhow::Result<()> {
        let log = self.folder.join(format!("{name}.log"));
        let out = File::create(&log)?;
        let child = command
            // Ctrl-C is the stand's: it ends the processes in their order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        self.processes.push(Process { name: name.to_owned(), child, log });
        Ok(())
    }

    /// Returns when a process has ended by itself: with which, and what it said last.
    pub(super) async fn broken(&mut self) -> anyhow::Error {
        loop {
            if let Err(error) = self.check() {
                return error;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn check(&mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            if let Some(status) = process.child.try_wait()? {
                let last = last_line(&process.log);
                bail!("{} ended by itself ({status}): {last}", process.name);
            }
        }
        Ok(())
    }

    /// The last lines of every log, for somebody who asks why.
    pub(super) fn logs(&self) -> String {
        let shown = |process: &Process| format!("--- {}\n{}", process.name, tail(&process.log));
        self.processes.iter().map(shown).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Stand {
    /// The program's own processes first, so that they can say goodbye to the broker.
    fn drop(&mut self) {
        let mut processes = std::mem::take(&mut self.processes);
        let broker = if processes.is_empty() { None } else { Some(processes.remove(0)) };
        processes.iter().for_each(|process| terminate(&process.child));
        let deadline = Instant::now() + GOODBYE;
        processes.into_iter().chain(broker).for_each(|process| end(process, deadline));
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            complain(format_args!("{} was not removed: {error}", self.folder.display()));
        }
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Adds a listener for browsers to the broker's configuration, and says its port.
fn console_at(page: &Path, lines: &mut String) -> anyhow::Result<u16> {
    let page = page.canonicalize().with_context(|| format!("cannot read {}", page.display()))?;
    ensure!(page.join("index.html").is_file(), "{} has no index.html: make console", page.display());
    let port = free_port()?;
    writeln!(lines, "listener {port} 127.0.0.1\nprotocol websockets\nhttp_dir {}", page.display())?;
    Ok(port)
}

/// SIGTERM; there is no call for it in the standard library.
fn terminate(child: &Child) {
    let sent = Command::new("kill").arg(child.id().to_string()).status();
    if let Err(error) = sent {
        complain(format_args!("kill: {error}"));
    }
}

fn end(mut process: Process, deadline: Instant) {
    if process.name == "mosquitto" {
        terminate(&process.child);
    }
    while let Ok(None) = process.child.try_wait() {
        if Instant::now() > deadline {
            complain(format_args!("{} does not end: it is killed", process.name));
            process.child.kill().unwrap_or_default();
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    if let Err(error) = process.child.wait() {
        complain(format_args!("{}: {error}", process.name));
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("it said nothing").to_owned()
}

/// Debian puts it where only root looks.
fn mosquitto() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join("mosquitto"))
        .find(|file| file.is_file())
        .context("the demonstration needs a broker: sudo apt-get install mosquitto")
}
