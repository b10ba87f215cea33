//! What systemd is told: ready, status, still alive, stopping (sd_notify(3)).
//!
//! Invariant: nothing here fails or waits. What cannot be told at once, because whoever reads the socket is behind, is kept and told
//! later: of several statuses the last, of several signs of life one, and the rest in its order. Without `$NOTIFY_SOCKET` all of it
//! does nothing.
//!
//! Not here: when the daemon is ready, and what proves that it is alive.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::foreign;

/// Longest status that is sent, in bytes; systemd shows one line.
const MAX_STATUS: usize = 512;

/// When a reader that is behind is tried again: a fraction of the shortest `WatchdogSec=` that makes sense (1 s).
const AGAIN_FULL: Duration = Duration::from_millis(200);

/// When a socket that takes nothing at all is tried again: it may come back (a manager that is executed anew).
const AGAIN_BROKEN: Duration = Duration::from_secs(5);

/// Whether the first failure was logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Complaint {
    Due,
    Made,
}

/// A step in the life of a service, as systemd is told it; each has its place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Ready,
    /// With the time, which systemd compares with that of its own request.
    Reloading(String),
    Stopping,
}

/// What was not told yet. Bounded: at most ready, a reload with its end, and stopping.
#[derive(Debug, Default)]
struct Untold {
    steps: VecDeque<Step>,
    status: Option<String>,
    sign_of_life: Option<SignOfLife>,
}

/// One is due.
#[derive(Debug)]
struct SignOfLife;

/// The line to systemd.
#[derive(Debug)]
pub struct Systemd {
    line: Option<(UnixDatagram, SocketAddr)>,
    untold: Untold,
    again: Option<Instant>,
    complaint: Complaint,
}

impl Default for Systemd {
    fn default() -> Self {
        Self::new()
    }
}

impl Systemd {
    /// The line named by `$NOTIFY_SOCKET`, if there is one.
    pub fn new() -> Self {
        Self::to(std::env::var_os("NOTIFY_SOCKET"))
    }

    fn to(name: Option<OsString>) -> Self {
        let line = name.filter(|name| !name.is_empty()).and_then(|name| {
            open(&name)
                .inspect_err(|error| {
                    tracing::warn!(
                        "systemd is not told anything, NOTIFY_SOCKET names no usable socket: {error}"
                    );
                })
                .ok()
        });
        Self { line, untold: Untold::default(), again: None, complaint: Complaint::Due }
    }

    /// Start-up is complete (`READY=1`).
    pub fn ready(&mut self) {
        self.untold.step(Step::Ready);
        self.tell();
    }

    /// The configuration is being read again (`RELOADING=1`); [`Systemd::ready`] ends it.
    pub fn reloading(&mut self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.untold.step(Step::Reloading(now.to_string())),
            Err(error) => tracing::warn!("the clock gives no time: {error}"),
        }
        self.tell();
    }

    /// One sentence for `systemctl status` (`STATUS=`), and one line, whatever is in it.
    pub fn status(&mut self, sentence: &str) {
        let mut line = foreign::escape(sentence).into_owned();
        line.truncate(line.floor_char_boundary(MAX_STATUS));
        self.untold.status = Some(line);
        self.tell();
    }

    /// Shutdown begins (`STOPPING=1`).
    pub fn stopping(&mut self) {
        self.untold.step(Step::Stopping);
        self.tell();
    }

    /// A sign of life (`WATCHDOG=1`).
    pub fn alive(&mut self) {
        self.untold.sign_of_life = Some(SignOfLife);
        self.tell();
    }

    /// How often a sign of life is due: a quarter of what the unit's `WatchdogSec=` allows, so that one that is held back and
    /// made good is no reason to be killed; `None` when nobody watches this process.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|allowed| allowed / 4)
    }

    /// When [`Systemd::tell`] is worth a try; `None` when nothing is left to be told.
    pub fn deadline(&self) -> Option<Instant> {
        self.again
    }

    /// Tells what was not told yet, as far as it is taken now.
    pub fn tell(&mut self) {
        self.again = None;
        let Some((socket, manager)) = &self.line else {
            self.untold = Untold::default();
            return;
        };
        while let Some(words) = self.untold.first() {
            match socket.send_to_addr(words.as_bytes(), manager) {
                Ok(_) => self.untold.told(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_full(&error) => {
                    self.again = Some(Instant::now() + AGAIN_FULL);
                    return;
                }
                Err(error) => {
                    self.again = Some(Instant::now() + AGAIN_BROKEN);
                    if std::mem::replace(&mut self.complaint, Complaint::Made) == Complaint::Due {
                        tracing::warn!("systemd takes no notifications, trying again now and then: {error}");
                    }
                    return;
                }
            }
        }
    }
}

impl Untold {
    fn step(&mut self, step: Step) {
        match step {
            // Of several reloads the last one counts, and how it ends.
            Step::Reloading(_) => {
                let earlier = self.steps.iter().position(|step| matches!(step, Step::Reloading(_)));
                self.steps.truncate(earlier.unwrap_or(self.steps.len()));
            }
            Step::Ready | Step::Stopping => {}
        }
        if self.steps.back() != Some(&step) {
            self.steps.push_back(step);
        }
    }

    /// The most pressing of it: a sign of life that comes late costs the process its life.
    fn first(&self) -> Option<String> {
        let alive = self.sign_of_life.as_ref().map(|SignOfLife| NotifyState::Watchdog.to_string());
        let step = || {
            self.steps.front().map(|step| match step {
                Step::Ready => NotifyState::Ready.to_string(),
                Step::Reloading(time) => format!("{}\n{time}", NotifyState::Reloading),
                Step::Stopping => NotifyState::Stopping.to_string(),
            })
        };
        let status = || self.status.as_deref().map(|status| NotifyState::Status(status).to_string());
        alive.or_else(step).or_else(status)
    }

    /// What [`Untold::first`] gave was told.
    fn told(&mut self) {
        if self.sign_of_life.take().is_none() && self.steps.pop_front().is_none() {
            self.status = None;
        }
    }
}

/// A socket that never waits, and where it sends: a path, or a name of Linux's own (`@…`).
fn open(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let manager = match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => return Err(io::Error::new(ErrorKind::Unsupported, "neither a path nor an abstract socket")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, manager))
}

/// Whether the reader is behind.
fn is_full(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Set in the copy of this program that speaks; a process must not change its own environment beside other threads.
    const SPEAKER: &str = "COGUESTD_TEST_SPEAKER";

    #[test]
    fn every_word_arrives() {
        if std::env::var_os(SPEAKER).is_some() {
            return speak();
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("notify");
        let socket = manager(&SocketAddr::from_pathname(&path).expect("a short path"));

        let said = run_speaker(&[("NOTIFY_SOCKET", path.as_os_str()), ("WATCHDOG_USEC", "3000000".as_ref())]);
        assert!(said.contains("interval Some(750ms)"), "{said}");
        for expected in ["READY=1", "STATUS=in lobby\\nREADY=0", "WATCHDOG=1", "STOPPING=1"] {
            assert_eq!(heard(&socket), expected);
        }
        let said = run_speaker(&[]);
        assert!(said.contains("interval None"), "{said}");
        for unusable in [directory.path().join("nobody").as_os_str(), "vsock:2:1".as_ref(), "@".as_ref()] {
            run_speaker(&[("NOTIFY_SOCKET", unusable)]);
        }
    }

    #[test]
    fn a_reader_that_is_behind_is_not_waited_for_and_told_later() {
        let name = format!("coguestd-test-{}", uuid::Uuid::new_v4());
        let socket = manager(&SocketAddr::from_abstract_name(&name).expect("a short name"));
        let mut systemd = Systemd::to(Some(format!("@{name}").into()));
        // Far more than any queue of datagrams takes (net.unix.max_dgram_qlen, 10 to 512).
        let most = 5_000;
        for number in 0..most {
            systemd.status(&format!("{number}"));
        }
        assert!(systemd.deadline().is_some(), "it is to be tried again");
        systemd.ready();
        systemd.reloading();
        systemd.ready();
        systemd.reloading();
        systemd.alive();
        systemd.alive();
        systemd.ready();
        systemd.stopping();
        systemd.stopping();
        systemd.status("the last");

        let last = |words: &String| words == "STATUS=the last";
        let mut told = Vec::new();
        while !told.last().is_some_and(last) {
            told.push(heard(&socket));
            systemd.tell();
        }
        let late: Vec<&str> = told
            .iter()
            .filter(|words| !words.starts_with("STATUS="))
            .map(|words| words.lines().next().expect("a line"))
            .collect();
        assert_eq!(late, ["WATCHDOG=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]);
        assert!(told.len() < most, "only the last status was kept");
        assert!(systemd.deadline().is_none(), "nothing is left");
    }

    #[test]
    fn a_manager_that_comes_back_hears_what_it_missed() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("notify");
        let address = SocketAddr::from_pathname(&path).expect("a short path");
        let mut systemd = Systemd::to(Some(path.clone().into_os_string()));
        systemd.ready();
        assert!(systemd.deadline().is_some());
        let socket = manager(&address);
        systemd.tell();
        assert_eq!(heard(&socket), "READY=1");
        drop(socket);
        std::fs::remove_file(&path).expect("it was bound there");
        systemd.status("alone");
        let socket = manager(&address);
        systemd.tell();
        assert_eq!(heard(&socket), "STATUS=alone");
    }

    fn manager(address: &SocketAddr) -> UnixDatagram {
        let socket = UnixDatagram::bind_addr(address).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout above zero");
        socket
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).expect("a notification");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    fn speak() {
        let mut systemd = Systemd::new();
        systemd.ready();
        systemd.status("in lobby\nREADY=0");
        systemd.alive();
        systemd.stopping();
        println!("interval {:?}", systemd.watchdog_interval());
    }
    fn run_speaker(environment: &[(&str, &std::ffi::OsStr)]) -> String {
        let output = Command::new(std::env::current_exe().expect("this program has a path"))
            .args(["--exact", "systemd::tests::every_word_arrives", "--nocapture"])
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            .env(SPEAKER, "1")
            .envs(environment.iter().copied())
            .output()
            .expect("this program runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }
}
