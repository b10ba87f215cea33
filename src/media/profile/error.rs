//! Why a profile cannot be used, in one line for a person.

use std::path::PathBuf;

use gstreamer as gst;

use crate::files;
use crate::media::elements::MissingElement;

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none of that name.
    #[error("media.profile: there is no profile {name:?}; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// The file cannot be read.
    #[error("{}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: files::Error,
    },
    /// The file is no profile.
    #[error("{place}: {message}")]
    Syntax {
        /// File and line.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// A launch fragment is wrong.
    #[error("{place}: {table}: {message}")]
    Launch {
        /// The file.
        place: String,
        /// Which table.
        table: &'static str,
        /// What is wrong.
        message: String,
    },
    /// Something is not installed.
    #[error("{place}: {missing}")]
    Missing {
        /// The file.
        place: String,
        /// What.
        missing: MissingElement,
    },
    /// GStreamer does not start.
    #[error("GStreamer does not start: {0}")]
    Init(#[from] gst::glib::Error),
}
