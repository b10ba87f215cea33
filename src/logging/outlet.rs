//! stderr, without waiting for whoever reads it: a pipe that nobody empties, a terminal that was stopped. A line that is not taken at
//! once is lost, and the next one that is taken comes with the number of those.
//!
//! It is asked first (`poll(2)`), because the descriptor is shared: `O_NONBLOCK` on it would be set for the shell, too. Between asking
//! and writing another process may take the room; then the line waits for that one reader.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing_subscriber::fmt::MakeWriter;

/// What a pipe that is ready takes at once (`PIPE_BUF` of Linux).
const AT_ONCE: usize = 4096;

/// How long the last words on stderr may wait for their reader.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Lines that were not taken since the last one that was.
#[derive(Debug, Default)]
pub(super) struct Lost(AtomicU64);

impl Lost {
    pub(super) fn add(&self, lines: u64) {
        self.0.fetch_add(lines, Ordering::Relaxed);
    }

    /// How many there are; they count as told.
    pub(super) fn take(&self) -> Option<u64> {
        Some(self.0.swap(0, Ordering::Relaxed)).filter(|lost| *lost > 0)
    }

    /// What is said about so many.
    pub(super) fn words(lost: u64) -> String {
        match lost {
            1 => "one line of the log was lost: nobody read it".to_owned(),
            lost => format!("{lost} lines of the log were lost: nobody read them"),
        }
    }
}

/// stderr, for the log.
#[derive(Debug, Default)]
pub(super) struct Stderr(Lost);

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Stderr {
    /// One line; there is no error that somebody could do something about.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut stderr = io::stderr().lock();
        if is_ready(stderr.as_fd(), Duration::ZERO) {
            if let Some(lost) = self.0.take() {
                put(&mut stderr, format!("{}\n", Lost::words(lost)).as_bytes(), Duration::ZERO);
            }
            put(&mut stderr, line, Duration::ZERO);
        } else {
            self.0.add(1);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line on stderr that is worth a moment's patience: what the program ends with.
pub(super) fn last_words(line: &str) {
    put(&mut io::stderr().lock(), format!("{line}\n").as_bytes(), LAST_WORDS);
}

/// In pieces that are taken whole. What is left when nobody takes any more is lost, as is all of it when nobody is there.
fn put(stderr: &mut io::StderrLock<'_>, bytes: &[u8], patience: Duration) {
    for piece in bytes.chunks(AT_ONCE) {
        if !is_ready(stderr.as_fd(), patience) || stderr.write_all(piece).is_err() {
            return;
        }
    }
}

/// Whether this takes something now, or within `patience`. A descriptor that has no reader any more does: the writer hears of it.
fn is_ready(descriptor: BorrowedFd<'_>, patience: Duration) -> bool {
    let mut asked = [PollFd::from_borrowed_fd(descriptor, PollFlags::OUT)];
    let patience =
        Timespec { tv_sec: patience.as_secs().cast_signed(), tv_nsec: patience.subsec_nanos().into() };
    match poll(&mut asked, Some(&patience)) {
        Ok(ready) => ready > 0,
        // Nothing better is known than to try.
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_nobody_empties_is_not_ready() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let mut written = 0;
        while is_ready(writer.as_fd(), Duration::ZERO) {
            written += writer.write(&[b'x'; AT_ONCE]).expect("it was ready");
            assert!(written < 16 << 20, "it takes for ever");
        }
        drop(reader);
        assert!(is_ready(writer.as_fd(), Duration::ZERO), "the writer hears that the reader has gone");
    }

    #[test]
    fn what_was_lost_is_said_once() {
        let lost = Lost::default();
        assert_eq!(lost.take(), None);
        lost.add(1);
        assert_eq!(
            lost.take().map(Lost::words).as_deref(),
            Some("one line of the log was lost: nobody read it")
        );
        lost.add(1);
        lost.add(1);
        assert_eq!(
            lost.take().map(Lost::words).as_deref(),
            Some("2 lines of the log were lost: nobody read them")
        );
        assert_eq!(lost.take(), None);
    }
}
