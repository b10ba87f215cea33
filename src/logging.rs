//! Where log lines go: to the journal, with fields, when systemd runs the daemon; else readable lines to stderr.
//!
//! In the journal the fields of an event and of the spans around it are journal fields of the same name in capitals:
//! `room` → `ROOM=`, `user_id` → `USER_ID=`, `seat` → `SEAT=`, `epoch` → `EPOCH=`. So ids are logged with `%`, not `?`:
//! `tracing::info!(room = %live_id, seat = 2, "{user_id} seated on 2")`.
//!
//! People see the message alone (`journalctl` shows no fields): it is whole without them. Fields are for finding lines.
//!
//! Invariant: one line per event; the libraries below speak only from `warn` on. Not here: what is logged. Secrets are
//! never (their type shows `[redacted]`), SDP and tokens not above `trace`.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

/// The variable with a filter of its own, in `tracing`'s syntax: `coguestd::mqtt=trace,warn`.
pub const FILTER_VARIABLE: &str = "COGUESTD_LOG";

/// What the journal calls this program, whatever its file is named.
const IDENTIFIER: &str = "coguestd";

/// Changes the filter of the running program; there is none to change where `-v` or [`FILTER_VARIABLE`] has decided.
static CHANGE: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// From now on, as far as nobody has said otherwise on the command line or in the environment.
pub fn set_level(level: Verbosity) {
    let Some(handle) = CHANGE.get() else { return };
    if let Err(error) = handle.reload(EnvFilter::new(level.filter())) {
        tracing::warn!("log.level is not applied: {error}");
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// Changes of state, warnings and errors.
    #[default]
    Normal,
    /// Every event too (`-v`).
    Debug,
    /// Everything (`-vv`).
    Trace,
}

impl Verbosity {
    /// For so many `-v`.
    pub fn of_count(count: u8) -> Self {
        match count {
            0 => Self::Normal,
            1 => Self::Debug,
            _ => Self::Trace,
        }
    }

    fn filter(self) -> &'static str {
        match self {
            Self::Quiet => "warn",
            Self::Normal => "warn,coguestd=info",
            Self::Debug => "warn,coguestd=debug",
            Self::Trace => "warn,coguestd=trace",
        }
    }
}

/// Sends the log where it belongs, once per process; a second call changes nothing.
pub fn init(verbosity: Verbosity) {
    let asked = std::env::var_os(FILTER_VARIABLE);
    let decided = verbosity != Verbosity::Normal || asked.as_ref().is_some_and(|text| !text.is_empty());
    let (filter, mistake) = filter(verbosity, asked);
    let (filter, handle) = reload::Layer::new(filter);
    let (journal, unreachable) = match journal_wanted().then(tracing_journald::layer) {
        None => (None, None),
        Some(Ok(layer)) => {
            (Some(layer.with_field_prefix(None).with_syslog_identifier(IDENTIFIER.into())), None)
        }
        Some(Err(error)) => (None, Some(error)),
    };
    let lines = journal.is_none().then(|| {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        fmt::layer().with_writer(io::stderr).with_ansi(colour).with_target(false)
    });
    let started = tracing_subscriber::registry().with(filter).with(journal).with(lines).try_init();
    if started.is_err() {
        return;
    }
    if !decided {
        // Set once: a second call has returned above.
        CHANGE.set(handle).unwrap_or_default();
    }
    if let Some(error) = unreachable {
        tracing::warn!("the journal cannot be reached, logging to stderr: {error}");
    }
    if let Some(mistake) = mistake {
        tracing::warn!("{FILTER_VARIABLE} is not used: {mistake}");
    }
}

/// The filter, and what is wrong with the one somebody asked for.
fn filter(verbosity: Verbosity, asked: Option<OsString>) -> (EnvFilter, Option<String>) {
    let usual = || EnvFilter::new(verbosity.filter());
    match asked {
        None => (usual(), None),
        Some(text) if text.is_empty() => (usual(), None),
        Some(text) => match EnvFilter::try_new(text.to_string_lossy()) {
            Ok(filter) => (filter, None),
            Err(error) => (usual(), Some(error.to_string())),
        },
    }
}

/// Whether stderr goes to the journal: `$JOURNAL_STREAM` names its device and inode (systemd.exec(5)). A variable merely
/// inherited, by a shell within a service for example, does not count.
fn journal_wanted() -> bool {
    let Some(stream) = std::env::var_os("JOURNAL_STREAM") else { return false };
    fs::metadata("/proc/self/fd/2")
        .is_ok_and(|stderr| *stream == *format!("{}:{}", stderr.dev(), stderr.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_named_and_not_used() {
        let (filter_used, mistake) = filter(Verbosity::of_count(1), Some("coguestd=loud".into()));
        assert_eq!(filter_used.to_string(), filter(Verbosity::Debug, None).0.to_string());
        assert!(mistake.is_some());
        let (filter_used, mistake) = filter(Verbosity::Normal, Some("coguestd=trace".into()));
        assert_eq!((filter_used.to_string().as_str(), mistake), ("coguestd=trace", None));
    }
}
