//! What systemd is told: ready, status, still alive, stopping (sd_notify(3)).
//!
//! Invariant: nothing here fails or waits. Without `$NOTIFY_SOCKET` all of it does nothing; a socket that does not take
//! messages is mentioned once in the log and then left alone.
//!
//! Not here: when the daemon is ready, and what proves that it is alive.

use std::cell::Cell;
use std::time::Duration;

use sd_notify::NotifyState;

/// Longest status that is sent, in bytes; systemd shows one line.
const MAX_STATUS: usize = 512;

/// Whether the first failure was logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Complaint {
    Due,
    Made,
}

/// The line to systemd.
#[derive(Debug)]
pub struct Systemd {
    complaint: Cell<Complaint>,
}

impl Default for Systemd {
    fn default() -> Self {
        Self::new()
    }
}

impl Systemd {
    /// The line named by `$NOTIFY_SOCKET`, if there is one.
    pub fn new() -> Self {
        Self { complaint: Cell::new(Complaint::Due) }
    }

    /// Start-up is complete (`READY=1`).
    pub fn ready(&self) {
        self.send(NotifyState::Ready);
    }

    /// The configuration is being read again (`RELOADING=1`); [`Systemd::ready`] ends it.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send_all(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!("the clock gives no time: {error}"),
        }
    }

    /// One sentence for `systemctl status` (`STATUS=`); a line end in it becomes a space.
    pub fn status(&self, sentence: &str) {
        let mut line = sentence.replace(|c: char| c.is_control(), " ");
        line.truncate(line.floor_char_boundary(MAX_STATUS));
        self.send(NotifyState::Status(&line));
    }

    /// Shutdown begins (`STOPPING=1`).
    pub fn stopping(&self) {
        self.send(NotifyState::Stopping);
    }

    /// A sign of life (`WATCHDOG=1`).
    pub fn alive(&self) {
        self.send(NotifyState::Watchdog);
    }

    /// How often a sign of life is due: a quarter of what the unit's `WatchdogSec=` allows, so that one that is held back and
    /// made good is no reason to be killed; `None` when nobody watches this process.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|allowed| allowed / 4)
    }

    fn send(&self, state: NotifyState<'_>) {
        self.send_all(&[state]);
    }

    fn send_all(&self, states: &[NotifyState<'_>]) {
        let Err(error) = sd_notify::notify(states) else { return };
        if self.complaint.replace(Complaint::Made) == Complaint::Due {
            tracing::warn!("systemd does not take notifications, going on without: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
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
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout above zero");

        let said = run_speaker(&[("NOTIFY_SOCKET", path.as_os_str()), ("WATCHDOG_USEC", "3000000".as_ref())]);
        assert!(said.contains("interval Some(750ms)"), "{said}");
        for expected in ["READY=1\n", "STATUS=in lobby READY=0\n", "WATCHDOG=1\n", "STOPPING=1\n"] {
            let mut buffer = [0; 1024];
            let length = socket.recv(&mut buffer).expect("a notification");
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            assert_eq!(text.trim_end(), expected.trim_end());
        }
        let said = run_speaker(&[]);
        assert!(said.contains("interval None"), "{said}");
        let nobody = directory.path().join("nobody");
        run_speaker(&[("NOTIFY_SOCKET", nobody.as_os_str())]);
    }

    fn speak() {
        let systemd = Systemd::new();
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
