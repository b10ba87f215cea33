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

/// The secret in `file`, without its line end.
///
/// # Errors
/// In words: a file that cannot be read, is empty, too long or not one line of UTF-8.
pub(super) fn read(file: &Path) -> Result<(Secret, Exposure), String> {
    let shown = file.display();
    let bytes =
        files::read(file, MAX_SECRET_BYTES).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8 text"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
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
