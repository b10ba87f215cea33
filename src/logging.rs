//! Where log lines go: to the journal, with fields, when systemd runs the daemon; else readable lines to stderr.
//!
//! In the journal the fields of an event and of the spans around it are journal fields of the same name in capitals:
//! `room` → `ROOM=`, `user_id` → `USER_ID=`, `seat` → `SEAT=`, `epoch` → `EPOCH=`. So ids are logged with `%`, not `?`:
//! `tracing::info!(room = %live_id, seat = 2, "{user_id} seated on 2")`.
//!
//! People see the message alone (`journalctl` shows no fields): it is whole without them. Fields are for finding lines.
//!
//! Invariant: one line per event, and no text from elsewhere in it as it is ([`foreign`]); saying it never waits for a reader: what is
//! lost for that is counted and said. The libraries below speak only from `warn` on. Not here: what is logged. Secrets are
//! never (their type shows `[redacted]`), SDP and tokens not above `trace`.

mod journal;
mod outlet;

use std::ffi::OsString;
use std::fmt::{Debug, Display};
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

use self::journal::Journal;
use crate::foreign;

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
    let journal = || Journal::open(Path::new(journal::SOCKET), IDENTIFIER);
    let (journal, unreachable) = match journal_wanted().then(journal) {
        None => (None, None),
        Some(Ok(journal)) => (Some(journal), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let lines = journal.is_none().then(|| {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        fmt::layer()
            .fmt_fields(fmt::format::debug_fn(field).delimited(" "))
            .with_writer(outlet::Stderr::default())
            .with_ansi(colour)
            .with_target(false)
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

/// Says a line on stderr, beside the log: why the program ends, or what a tool has to say. A reader that is slow is given a moment; one
/// that has gone is no error.
pub fn complain(line: impl Display) {
    outlet::last_words(&foreign::escape(&line.to_string()));
}

/// A field of a line: the sentence alone, everything else with its name.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    let value = format!("{value:?}");
    let value = foreign::escape(&value);
    if field.name() == "message" { write!(writer, "{value}") } else { write!(writer, "{field}={value}") }
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
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::foreign::tests::{HARMLESS, HOSTILE};

    /// What was written, for all who hold it.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics with it").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_foreign_reaches_a_line_as_it_is() {
        let written = Written::default();
        let writer = written.clone();
        let lines = fmt::layer()
            .fmt_fields(fmt::format::debug_fn(field).delimited(" "))
            .with_ansi(false)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let _inside = tracing::info_span!("stay", room = %HOSTILE).entered();
            tracing::info!(user_id = %HOSTILE, "heard {HOSTILE}");
        });
        let text = String::from_utf8(written.0.lock().expect("nobody panics with it").clone()).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in [format!("heard {HARMLESS}"), format!("room={HARMLESS}"), format!("user_id={HARMLESS}")] {
            assert!(text.contains(&part), "{part} is not in {text}");
        }
        assert_eq!(foreign::escape_lines(&text), text);
    }

    #[test]
    fn a_wrong_filter_is_named_and_not_used() {
        let (filter_used, mistake) = filter(Verbosity::of_count(1), Some("coguestd=loud".into()));
        assert_eq!(filter_used.to_string(), filter(Verbosity::Debug, None).0.to_string());
        assert!(mistake.is_some());
        let (filter_used, mistake) = filter(Verbosity::Normal, Some("coguestd=trace".into()));
        assert_eq!((filter_used.to_string().as_str(), mistake), ("coguestd=trace", None));
    }
}
