//! Secrets: read from files, never shown.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::files;

/// A secret's file is a line, not a document; also the most one is read of.
const MAX_SECRET_BYTES: u64 = 4096;

/// A password or token. Debug and Display say `[redacted]`; [`expose`](Self::expose) is the one way to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the hand that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Who can read a secret's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exposure {
    /// Its owner and perhaps a group.
    Private,
    /// Everybody.
    Public,
}

/// The secret in `file`: its one line, without the byte order mark that some editors put in front, and without blanks and line ends
/// behind it.
///
/// # Errors
/// In words: a file that cannot be read, is empty, too long or not one line of UTF-8.
pub(super) fn read(file: &Path) -> Result<(Secret, Exposure), String> {
    let shown = file.display();
    let bytes =
        files::read(file, MAX_SECRET_BYTES).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes[..] {
        return Err(format!("{shown} is UTF-16 text (by its byte order mark): save it as UTF-8"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8 text"))?;
    let line = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_end();
    if line.is_empty() {
        return Err(format!("{shown} is empty"));
    }
    if line.contains(char::is_control) {
        return Err(format!("{shown} must hold one line of text"));
    }
    Ok((Secret::new(line), exposure(file)))
}

/// Who can read `file`; a file that is not there is read by nobody.
pub(super) fn exposure(file: &Path) -> Exposure {
    match fs::metadata(file) {
        Ok(metadata) if metadata.permissions().mode() & 0o004 != 0 => Exposure::Public,
        Ok(_) | Err(_) => Exposure::Private,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(bytes: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("secret");
        fs::write(&file, bytes).expect("writable");
        read(&file)
            .map(|(secret, _)| secret.expose().to_owned())
            .map_err(|why| why.replace(&file.display().to_string(), "FILE"))
    }

    #[test]
    fn what_an_editor_adds_is_no_part_of_a_secret() {
        for bytes in [
            "pass word",
            "pass word\n",
            "pass word\r\n",
            "pass word \t\n\n",
            "\u{feff}pass word\n",
            "\u{feff}pass word  \r\n\r\n",
        ] {
            assert_eq!(read_back(bytes.as_bytes()).as_deref(), Ok("pass word"), "{bytes:?}");
        }
        assert_eq!(read_back(b" pass").as_deref(), Ok(" pass"));
    }

    #[test]
    fn what_is_no_secret_is_named() {
        let wide =
            |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        for (bytes, expected) in [
            (wide("\u{feff}secret\r\n", u16::to_le_bytes), "FILE is UTF-16 text"),
            (wide("\u{feff}secret\r\n", u16::to_be_bytes), "FILE is UTF-16 text"),
            (wide("secret", u16::to_le_bytes), "FILE must hold one line of text"),
            (b"\xef\xbb\xbf\n".to_vec(), "FILE is empty"),
            (b" \n".to_vec(), "FILE is empty"),
            (b"one\ntwo\n".to_vec(), "FILE must hold one line of text"),
            (b"\xff".to_vec(), "FILE is not UTF-8 text"),
            (vec![b'a'; 5000], "cannot read FILE: it has more than 4 KiB"),
        ] {
            let said = read_back(&bytes).expect_err(expected);
            assert!(said.starts_with(expected), "{expected:?}: {said}");
        }
    }
}
