//! The publisher: a guest's camera and microphone, sent to a stage.
//!
//! ```text
//! camera ───── source ─┐                    ┌─ encoder ─ payloader ─┐
//!   (or slate) ────────┴─ bridge (pictures) ┘                       webrtcbin ─► stage
//! microphone ─ source ─┐                    ┌─ opusenc ─ payloader ─┘     │
//!   (or silence) ──────┴─ bridge (sound) ───┘                             └─► speaker
//! ```
//! Sources and peer are pipelines of their own: a camera that dies cannot take the call with it, and a new peer does not reopen
//! the camera. One OS thread (the desk) decides; devices are opened and closed, encoders made and stopped, on threads of their own. An
//! encoder that fails is replaced within its peer (`ladder` says how, `recovery` does it).
//!
//! Invariants: a device is open only while the plan of the present stay wants it; nothing of a device crosses the bridge after the
//! plan said so; what can block never runs on the desk. Not here: when to recover, who is told, which device a name means.

mod arrivals;
mod asks;
mod branches;
mod bridge;
mod desk;
mod devices;
mod easel;
mod encoding;
mod events;
mod filler;
mod knob;
mod ladder;
mod opener;
mod path;
mod peer;
mod playback;
mod player;
mod playout;
pub mod profile;
mod pulse;
mod recovery;
mod refusals;
mod search;
mod source;
mod stats;
mod voice;
mod warmth;
mod watch;
mod ways;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use gstreamer as gst;
use tokio::sync::mpsc::Sender;

pub(super) use self::filler::picture_caps;

use self::desk::Desk;
use self::events::Event;
use self::profile::Profile;
use super::certificate;
use super::elements::{self, MissingElement};
use super::thread::{CloseTimeout, Overflow, Thread};
use super::webrtc::Ice;
use super::{layers, picture_size};
use crate::files;
use crate::model::Refusal;
use crate::model::capture::{Drawing, Offer};
use crate::model::hotplug::Notice;
use crate::model::media::{Ask, Mirror, Quality, Report};
use crate::model::message::DeviceKind;
use crate::model::voice::Voice;
use crate::model::volume::{Loudness, Side, Taken};

/// Room for what is not worked off yet.
const EVENTS: usize = 1024;

/// What every publisher needs beside its profile.
const ELEMENTS: [&str; 13] = [
    "webrtcbin",
    "nicesink",
    "appsrc",
    "appsink",
    "capsfilter",
    "videoflip",
    "audioconvert",
    "audioresample",
    "volume",
    "level",
    "rtpopuspay",
    "errorignore",
    "queue",
];

/// Which video codec is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codec {
    /// H.264, constrained baseline.
    #[default]
    H264,
    /// VP8.
    Vp8,
}

impl Codec {
    /// What is offered to whoever does not take this one.
    fn other(self) -> Self {
        match self {
            Self::H264 => Self::Vp8,
            Self::Vp8 => Self::H264,
        }
    }

    /// As people call it.
    fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::Vp8 => "VP8",
        }
    }
}

/// A device that a choice means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What it is called outside.
    pub id: String,
    /// What the profile's element is given.
    pub address: String,
    /// What a camera offers; empty when it does not say.
    pub offers: Vec<Offer>,
    /// Its node, by which notices name it.
    pub node: PathBuf,
}

/// Finds the device that a choice of the configuration or of `switch_camera` means; may block.
pub type Locate = Arc<dyn Fn(DeviceKind, &str) -> Result<Located, Refusal> + Send + Sync>;

/// Says of a refusal what the machine knows of its cause; may take a moment.
pub type Explain = Arc<dyn Fn(DeviceKind, &Located, Refusal) -> Refusal + Send + Sync>;

/// Finds the speaker; `None` for none.
pub type LocateSpeaker = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Turns the volume at the card of an address, or says what it is, where its mixer has one; may block.
pub type TurnMixer = Arc<dyn Fn(Side, &str, Loudness) -> Taken + Send + Sync>;

/// How a publisher works.
#[derive(Clone)]
pub struct Settings {
    /// Which elements.
    pub profile: Profile,
    /// Finds cameras and microphones.
    pub locate: Locate,
    /// Says why one fails.
    pub explain: Explain,
    /// Finds the speaker.
    pub locate_speaker: LocateSpeaker,
    /// Turns volumes at a card.
    pub mixer: TurnMixer,
    /// Which camera.
    pub camera: String,
    /// Which microphone.
    pub microphone: String,
    /// Which speaker; `none` for none.
    pub speaker: String,
    /// Picture size.
    pub quality: Quality,
    /// Mirrored or not.
    pub mirror: Mirror,
    /// What is done to the voice of a microphone that has an address.
    pub voice: Voice,
    /// Microphone volume.
    pub capture_volume: Loudness,
    /// Speaker volume.
    pub output_volume: Loudness,
    /// Which codec is offered.
    pub codec: Codec,
    /// The file of the profile `file`.
    pub file: Option<PathBuf>,
    /// How ways to the stage are looked for.
    pub ice: Ice,
    /// Statistics are reported so often.
    pub stats_interval: Duration,
    /// Whose name is in the layers.
    pub name: String,
    /// What the layers are painted from.
    pub layers: layers::Settings,
}

impl Settings {
    /// Whether what a camera encodes may go out as it is.
    fn drawing(&self) -> Drawing {
        drawing(&self.profile, self.codec, self.mirror, self.layers.foreground)
    }
}

/// Whether what a camera encodes may go out as it is: it is what is offered, and nothing is to be seen otherwise.
pub fn drawing(profile: &Profile, codec: Codec, mirror: Mirror, foreground: layers::Foreground) -> Drawing {
    let plain = mirror == Mirror::No && foreground == layers::Foreground::None;
    if plain && profile.offered(codec) == Codec::H264 { Drawing::No } else { Drawing::Needed }
}

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
        let desk = Desk::new(settings, events.clone(), reports)?;
        Ok(Self(Thread::start("publisher", events, move |listener| desk.run(&inbox, listener))?))
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
