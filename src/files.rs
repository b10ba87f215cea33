//! Files that a person has named: configuration, secrets, certificates, profiles, pictures.
//!
//! Invariant: only a regular file is opened, and reading one takes bounded time and memory. Anything else that a name may lead to can
//! wait for ever (a FIFO that nobody writes to), never end (`/dev/zero`) or do something by being opened (a watchdog, a serial line).
//!
//! Not here: files of the kernel and of the system, which nobody chooses; which words name the key.

use std::fmt;
use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Why a file is not read. Its words go behind the file's name: `/etc/a.toml: ` or `cannot read /etc/a.toml: `.
#[derive(Debug)]
pub enum Error {
    /// The system refuses.
    System(io::Error),
    /// It is something else than a regular file.
    Kind(&'static str),
    /// It has more bytes than may be.
    TooLarge(u64),
    /// Text was wanted, and its bytes are no UTF-8 from this line on.
    NotText {
        /// Counted from 1.
        line: usize,
    },
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => {
                let words = error.to_string();
                // Rust puts the number behind the words.
                f.write_str(words.split(" (os error").next().unwrap_or(&words))
            }
            Self::Kind(kind) => write!(f, "it is a {kind}, and only a regular file is read"),
            Self::TooLarge(most) if most % (1 << 20) == 0 => {
                write!(f, "it has more than {} MiB", most >> 20)
            }
            Self::TooLarge(most) if most % (1 << 10) == 0 => {
                write!(f, "it has more than {} KiB", most >> 10)
            }
            Self::TooLarge(most) => write!(f, "it has more than {most} bytes"),
            Self::NotText { .. } => f.write_str("it is not UTF-8 text"),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// The regular file of this name, for reading; what it turns out to be is never waited for.
///
/// # Errors
/// [`Error::System`], [`Error::Kind`].
pub fn open(file: &Path) -> Result<File, Error> {
    // Looked at first, because a device may act when it is opened; and again after, because the name may lead elsewhere by then.
    let is_regular = |kind: FileType| match kind_of(kind) {
        None => Ok(()),
        Some(kind) => Err(Error::Kind(kind)),
    };
    is_regular(std::fs::metadata(file)?.file_type())?;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let opened = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(file)?;
    is_regular(opened.metadata()?.file_type())?;
    Ok(opened)
}

/// All of a regular file of at most `most` bytes.
///
/// # Errors
/// [`Error::System`], [`Error::Kind`], [`Error::TooLarge`].
pub fn read(file: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    // One more than may be: so a file that grows meanwhile, or that does not know its size, is seen too.
    open(file)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::TooLarge(most));
    }
    Ok(bytes)
}

/// The same as text; a byte order mark (U+FEFF), which some editors put in front, is none of it.
///
/// # Errors
/// As [`read`], and [`Error::NotText`].
pub fn read_text(file: &Path, most: u64) -> Result<String, Error> {
    let text = String::from_utf8(read(file, most)?).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Error::NotText { line: 1 + good.iter().filter(|byte| **byte == b'\n').count() }
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// What it is, if it is no regular file.
fn kind_of(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("folder")
    } else if kind.is_fifo() {
        Some("FIFO")
    } else if kind.is_socket() {
        Some("socket")
    } else {
        Some("device")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn said<T>(read: Result<T, Error>) -> String {
        read.err().expect("it is not read").to_string()
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).expect("a FIFO");
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&fifo, &link).expect("a link");
        for (path, kind) in [
            (fifo.as_path(), "a FIFO"),
            (&link, "a FIFO"),
            (&socket, "a socket"),
            (folder.path(), "a folder"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            let words = said(read(path, 10));
            assert_eq!(words, format!("it is {kind}, and only a regular file is read"), "{}", path.display());
            assert_eq!(said(open(path)), words);
        }
        assert_eq!(said(read(&folder.path().join("none"), 10)), "No such file or directory");
    }

    #[test]
    fn no_more_is_read_than_may_be() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        std::fs::write(&file, [b'a'; 11]).expect("writable");
        assert_eq!(read(&file, 11).expect("it fits").len(), 11);
        assert_eq!(said(read(&file, 10)), "it has more than 10 bytes");
        assert_eq!(Error::TooLarge(4096).to_string(), "it has more than 4 KiB");
        assert_eq!(Error::TooLarge(8 << 20).to_string(), "it has more than 8 MiB");
        // Its size is said to be zero.
        assert!(!read(Path::new("/proc/self/status"), 1 << 20).expect("it is read").is_empty());
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "\u{feff}a\u{feff}\n").expect("writable");
        assert_eq!(read_text(&file, 100).expect("text"), "a\u{feff}\n");
        std::fs::write(&file, b"good\nb\xff").expect("writable");
        assert!(matches!(read_text(&file, 100), Err(Error::NotText { line: 2 })));
    }
}
