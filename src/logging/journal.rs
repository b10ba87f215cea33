//! journald, in its own protocol (systemd's "Journal Native Protocol"): one datagram an entry.
//!
//! Invariant: an entry is never waited for. While journald is behind, entries are lost, and the first one that is taken again comes
//! with the number of those. Not here: what is logged, and where.

use std::fmt::Debug;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::outlet::Lost;
use crate::foreign;

/// Where journald hears of entries.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// Most of a value, in bytes: an entry fits the socket's buffer (208 KiB) then.
const MAX_VALUE: usize = 32 << 10;

/// Sends each event with its fields and those of the spans around it.
#[derive(Debug)]
pub(super) struct Journal {
    socket: UnixDatagram,
    journald: SocketAddr,
    identifier: &'static str,
    lost: Lost,
}

/// The fields of a span, as they go into each entry within it.
struct SpanFields(Entry);

impl Journal {
    /// Entries are this program's; `path` is [`SOCKET`].
    ///
    /// # Errors
    /// When nobody listens there.
    pub(super) fn open(path: &Path, identifier: &'static str) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let journal =
            Self { socket, journald: SocketAddr::from_pathname(path)?, identifier, lost: Lost::default() };
        // An empty one is no entry (so does systemd see whether somebody is there).
        journal.send(&Entry::default())?;
        Ok(journal)
    }

    fn send(&self, entry: &Entry) -> io::Result<()> {
        self.socket.send_to_addr(&entry.0, &self.journald).map(|_| ())
    }

    /// Sends an entry, or counts it; before it goes what was lost.
    fn put(&self, entry: &Entry) {
        if let Some(lost) = self.lost.take() {
            let mut told = Entry::default();
            told.put("PRIORITY", priority(Level::WARN));
            told.put("SYSLOG_IDENTIFIER", self.identifier);
            told.put("MESSAGE", &Lost::words(lost));
            if self.send(&told).is_err() {
                self.lost.add(lost + 1);
                return;
            }
        }
        if self.send(entry).is_err() {
            self.lost.add(1);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Journal {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut entry = Entry::default();
        attributes.record(&mut entry);
        span.extensions_mut().insert(SpanFields(entry));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(SpanFields(entry)) = span.extensions_mut().get_mut() {
            values.record(entry);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut entry = Entry::default();
        entry.describe(event.metadata(), self.identifier);
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(SpanFields(of_span)) = span.extensions().get() {
                entry.0.extend_from_slice(&of_span.0);
            }
        }
        event.record(&mut entry);
        self.put(&entry);
    }
}

/// Fields as they travel.
#[derive(Debug, Default)]
struct Entry(Vec<u8>);

impl Entry {
    fn describe(&mut self, metadata: &Metadata<'_>, identifier: &str) {
        self.put("PRIORITY", priority(*metadata.level()));
        self.put("SYSLOG_IDENTIFIER", identifier);
        self.put("TARGET", metadata.target());
        if let Some(file) = metadata.file() {
            self.put("CODE_FILE", file);
        }
        if let Some(line) = metadata.line() {
            self.put("CODE_LINE", &line.to_string());
        }
    }

    /// A name is made of capitals, digits and underscores; a value is anything, with its length in front.
    fn put(&mut self, name: &str, value: &str) {
        let value = foreign::escape(value);
        let value = &value[..value.floor_char_boundary(MAX_VALUE)];
        let capital = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_uppercase() } else { b'_' };
        self.0.extend(name.trim_start_matches('_').bytes().map(capital));
        self.0.push(b'\n');
        self.0.extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field.name(), &format!("{value:?}"));
    }
}

/// As syslog counts (RFC 5424 §6.2.1); docs/journal.md says what is what.
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "5",
        Level::DEBUG => "6",
        Level::TRACE => "7",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::foreign::tests::{HARMLESS, HOSTILE};

    /// Somebody who listens, and a subscriber that sends there.
    fn journalled() -> (UnixDatagram, impl Subscriber, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("socket");
        let journald = UnixDatagram::bind(&path).expect("a socket");
        journald.set_read_timeout(Some(Duration::from_secs(20))).expect("longer than nothing");
        let journal = Journal::open(&path, "test").expect("somebody listens");
        assert_eq!(journald.recv(&mut [0; 8]).expect("the empty one"), 0);
        (journald, tracing_subscriber::registry().with(journal), folder)
    }

    /// One entry, a field a line.
    fn entry(journald: &UnixDatagram) -> Vec<String> {
        let mut buffer = vec![0; 256 << 10];
        let length = journald.recv(&mut buffer).expect("an entry");
        let mut rest = &buffer[..length];
        let mut fields = Vec::new();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let size = rest[end + 1..end + 9].try_into().map(u64::from_le_bytes).expect("eight bytes");
            let to = end + 9 + usize::try_from(size).expect("a length");
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
            fields.push(format!("{}={}", text(&rest[..end]), text(&rest[end + 9..to])));
            rest = &rest[to + 1..];
        }
        fields
    }

    #[test]
    fn an_entry_has_its_fields_and_those_around_it_and_nothing_foreign_as_it_is() {
        let (journald, subscriber, _folder) = journalled();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("stay", room = "lobby", epoch = tracing::field::Empty);
            span.record("epoch", 3);
            let _inside = span.enter();
            tracing::warn!(seat = 2, user_id = %HOSTILE, "seated {HOSTILE}");
            tracing::info!("{}", "x".repeat(300 << 10));
        });
        let fields = entry(&journald);
        for expected in [
            "PRIORITY=4",
            "SYSLOG_IDENTIFIER=test",
            "ROOM=lobby",
            "EPOCH=3",
            "SEAT=2",
            &format!("USER_ID={HARMLESS}"),
            &format!("MESSAGE=seated {HARMLESS}"),
        ] {
            assert!(fields.iter().any(|field| field == expected), "{expected} is not in {fields:?}");
        }
        assert!(entry(&journald).iter().any(|field| field.len() == "MESSAGE=".len() + MAX_VALUE));
    }

    #[test]
    fn a_journal_that_is_behind_is_not_waited_for_and_told_what_it_missed() {
        let (journald, subscriber, _folder) = journalled();
        tracing::subscriber::with_default(subscriber, || {
            // Far more than any queue of datagrams takes (net.unix.max_dgram_qlen).
            for number in 0..5_000 {
                tracing::info!("line {number}");
            }
            journald.set_nonblocking(true).expect("an own socket");
            let mut taken: u64 = 0;
            while journald.recv(&mut [0; 4096]).is_ok() {
                taken += 1;
            }
            assert!(taken < 5_000);
            tracing::info!("again");
            let missed = format!("MESSAGE={}", Lost::words(5_000 - taken));
            assert!(entry(&journald).contains(&missed));
            assert!(entry(&journald).contains(&"MESSAGE=again".to_owned()));
        });
    }
}
