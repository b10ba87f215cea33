//! The publisher: a guest's camera and microphone, sent to a stage.
//!
//! ```text
//! camera ───── source ─┐                    ┌─ encoder ─ payloader ─┐
//!   (or slate) ────────┴─ bridge (pictures) ┘                       webrtcbin ─► stage
//! microphone ─ source ─┐                    ┌─ opusenc ─ payloader ─┘     │
//!   (or silence) ──────┴─ bridge (sound) ───┘                             └─► speaker
//! ```
//! Sources and peer are pipelines of their own: a camera that dies cannot take the call with it, and a new peer does not reopen
//! the camera. One OS thread (`event_loop`) decides; devices are opened and closed, encoders made and stopped, on threads of their
//! own. Each part sends events of its own type; only the loop knows them all.
//!
//! Invariants: a device is open only while the plan of the present stay wants it; nothing of a device crosses the bridge after the
//! plan said so; what can block never runs on the loop's thread. Not here: when to recover, who is told, which device a name means.

mod branches;
mod capture;
mod event;
mod event_loop;
mod inputs;
mod peer;
mod playback;
mod processing;
mod selected_pair;
mod send_meter;
mod settings;
mod snapshots;
mod stay;
mod transmit_watchdog;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use gstreamer as gst;
use tokio::sync::mpsc::Sender;

pub use self::capture::choose;
pub use self::settings::{Explain, Locate, LocateSpeaker, Located, Settings, TurnMixer, drawing};

use self::event::Event;
use self::event_loop::PublisherLoop;
use super::certificate;
use super::elements::{self, MissingElement};
use super::picture_size;
use super::profile::{self, Profile};
use super::thread::{CloseTimeout, Overflow, Thread};
use crate::files;
use crate::model::hotplug::Notice;
use crate::model::media::{Ask, Report};

/// Events that may wait for the loop.
const EVENTS: usize = 1024;

/// What every publisher needs beside its profile.
const ELEMENTS: [&str; 17] = [
    "webrtcbin",
    "nicesink",
    "rtpbin",
    "srtpenc",
    "appsrc",
    "appsink",
    "capsfilter",
    "videoflip",
    "videoscale",
    "h264parse",
    "audioconvert",
    "audioresample",
    "volume",
    "level",
    "rtpopuspay",
    "errorignore",
    "queue",
];

/// Why there is no publisher.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// GStreamer does not start.
    #[error("GStreamer does not start: {0}")]
    Init(#[from] gst::glib::Error),
    /// Something is not installed.
    #[error(transparent)]
    Missing(#[from] MissingElement),
    /// The profile plays a file, and none is configured.
    #[error("media.file: the profile {0:?} plays a media file: set media.file to its path")]
    NoFile(String),
    /// The media file is a picture that would take more memory than there is.
    #[error("media.file: {}: {why}", file.display())]
    Picture {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is nothing to show in DTLS.
    #[error("{0}")]
    Certificate(String),
    /// The system gives no thread.
    #[error("the publisher's thread does not start: {0}")]
    Thread(#[from] std::io::Error),
}

/// A running publisher. Dropping it ends it without waiting.
#[derive(Debug)]
pub struct Publisher(Thread<Event>);

/// Whether what every guest needs is installed, whatever its profile.
///
/// # Errors
/// What is missing, with its package.
pub fn check() -> Result<(), OpenError> {
    gst::init()?;
    ELEMENTS.iter().try_for_each(|name| elements::require(name))?;
    Ok(())
}

/// Whether a publisher can work with this profile, `file` being the media file.
///
/// # Errors
/// What is missing; a picture that is too large.
pub fn check_profile(profile: &Profile, file: Option<&Path>) -> Result<(), OpenError> {
    check()?;
    let plays_file = profile.cameras.iter().any(|capture| capture.from == profile::From::File);
    match file {
        None if plays_file => Err(OpenError::NoFile(profile.name().to_owned())),
        Some(file) if plays_file => {
            // What cannot be opened is told when it is to be played.
            let checked = files::open(file).map_or(Ok(()), picture_size::check_file);
            checked.map_err(|why| OpenError::Picture { file: file.to_owned(), why })
        }
        Some(_) | None => Ok(()),
    }
}

impl Publisher {
    /// Starts a publisher without a stay: every device is closed. What it has to say goes to `reports`; when that is full, it keeps a
    /// bounded number back.
    ///
    /// # Errors
    /// What is not installed, with its package.
    pub fn open(settings: Settings, reports: Sender<Report>) -> Result<Self, OpenError> {
        check_profile(&settings.profile, settings.file.as_deref())?;
        certificate::warm_up().map_err(OpenError::Certificate)?;
        let (events, inbox) = mpsc::sync_channel(EVENTS);
        let publisher = PublisherLoop::new(settings, events.clone(), reports, &ELEMENTS)?;
        Ok(Self(Thread::start("publisher", events, move |listener| publisher.run(&inbox, listener))?))
    }

    /// Hands over a wish. Never waits.
    ///
    /// # Errors
    /// [`Overflow`]: the thread is behind by more than any working one would be.
    pub fn ask(&self, ask: Ask) -> Result<(), Overflow> {
        self.0.send(Event::Ask(ask))
    }

    /// Says that the node of a device came or went. Never waits.
    ///
    /// # Errors
    /// As of [`Publisher::ask`].
    pub fn notice(&self, notice: Notice) -> Result<(), Overflow> {
        self.0.send(Event::Notice(notice))
    }

    /// Whether the thread has answered since the last time this was asked and, where a stay is on air, something was really
    /// sent in between; asks again.
    pub fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// Closes everything and waits for it at most `cap`.
    ///
    /// # Errors
    /// [`CloseTimeout`]: a driver holds on to its device.
    pub fn close(self, cap: Duration) -> Result<(), CloseTimeout> {
        self.0.close(cap)
    }
}
