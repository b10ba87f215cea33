//! What can be wrong with a configuration. Every error is one line that names the place, the key and the remedy; none
//! shows the value of a secret.

use std::fmt;
use std::path::PathBuf;

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("{}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A file that is not TOML, or an override that is not `key=value`.
    #[error("{place}: {message}")]
    Syntax {
        /// `file:line`, variable or flag.
        place: String,
        /// What the parser says.
        message: String,
    },
    /// A key nobody reads.
    #[error("{place}: unknown key `{key}`{remedy}")]
    UnknownKey {
        /// `file:line`, variable or flag.
        place: String,
        /// The key as written.
        key: String,
        /// The way out, such as ` (did you mean …?)`.
        remedy: String,
    },
    /// A value of the wrong type or outside its range, or one that contradicts another.
    #[error("{place}: `{key}` {problem}")]
    Invalid {
        /// `file:line`, variable or flag.
        place: String,
        /// The key.
        key: String,
        /// What it must be.
        problem: String,
    },
}

/// Something a person should know, though the daemon can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// No file at the default place: defaults, environment and flags only.
    NoFile(PathBuf),
    /// A secret that everybody on the machine can read.
    ReadableByOthers {
        /// The key that names the file.
        key: String,
        /// The file.
        file: PathBuf,
    },
    /// A secret that travels unencrypted to another machine.
    SecretInClear {
        /// The key that holds the address.
        key: String,
        /// The scheme that encrypts.
        scheme: &'static str,
    },
    /// A file that can be done without, but cannot be read.
    Missing {
        /// The key that names the file.
        key: String,
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A key that is set, but has no effect beside the others.
    Unused {
        /// The key.
        key: String,
        /// What it would need.
        needs: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile(file) => write!(f, "{}: no such file, using defaults", file.display()),
            Self::ReadableByOthers { key, file } => {
                let file = file.display();
                write!(f, "`{key}`: everybody can read {file}; chmod o-rwx {file}")
            }
            Self::SecretInClear { key, scheme } => {
                write!(f, "`{key}`: a secret travels unencrypted to another machine; use {scheme}://")
            }
            Self::Missing { key, file, reason } => {
                write!(f, "`{key}`: cannot read {}: {reason}", file.display())
            }
            Self::Unused { key, needs } => write!(f, "`{key}` has no effect without {needs}"),
        }
    }
}
