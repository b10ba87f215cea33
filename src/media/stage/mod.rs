//! The stage: receives the guests' media, as a monitor.
//!
//! ```text
//! ask ─► [bounded] ─► desk (one OS thread, owns every pipeline) ─► reports [bounded]
//!                       ▲                    │
//!      webrtcbin, bus, probes: try_send      ├─► snapshots (one thread: JPEGs)
//!      decoded sound ─► mixer (one thread) ─► encoders of the returns
//!                                            └─► teardown (one thread: stops pipelines)
//! ```
//! Invariant: the desk never waits for a peer, so a peer that starts, ends or misbehaves does not hold up the others; what can
//! be slow (encoding a picture, stopping a pipeline) is handed to a thread of its own. Not here: who may sit, deadlines of the protocol, and
//! who is asked to restart: that is the host's.

mod admission;
pub mod budget;
mod connection;
mod decode;
mod decode_queue;
mod decoded_sound;
mod desk;
mod events;
mod forward;
mod frame_size;
mod freezes;
mod governor;
mod interval;
mod jitter_wait;
mod key_frames;
mod meter;
mod peer;
mod probes;
mod reservations;
mod returns;
mod schedule;
mod sections;
mod sounds;
mod speaking;
mod watch;

use std::sync::mpsc;
use std::time::Duration;

use gstreamer as gst;
use tokio::sync::mpsc::Sender;

use self::decode::Decoders;
use self::desk::Desk;
use self::events::Event;
use super::certificate;
use super::elements::{self, MissingElement};
use super::thread::{CloseTimeout, Overflow, Thread};
use super::webrtc::Ice;
use crate::model::stage::{StageAsk, StageReport};

/// Room for what is not worked off yet: ten peers starting at once bring some hundred events.
const EVENTS: usize = 4096;

/// How a stage works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How ways to the guests are looked for.
    pub ice: Ice,
    /// Statistics are reported so often.
    pub stats_interval: Duration,
}

/// Why there is no stage.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// GStreamer does not start.
    #[error("GStreamer does not start: {0}")]
    Init(#[from] gst::glib::Error),
    /// Something is not installed.
    #[error(transparent)]
    Missing(#[from] MissingElement),
    /// There is nothing to show in DTLS.
    #[error("{0}")]
    Certificate(String),
    /// The system gives no thread.
    #[error("the stage's thread does not start: {0}")]
    Thread(#[from] std::io::Error),
}

/// A running stage. Dropping it ends it without waiting.
#[derive(Debug)]
pub struct Stage {
    thread: Thread<Event>,
    decoders: Decoders,
}

/// Whether what a stage needs is installed.
///
/// # Errors
/// What is missing, with its package.
pub fn check() -> Result<(), OpenError> {
    gst::init()?;
    Decoders::find()?;
    Ok(())
}

impl Stage {
    /// Starts a stage without peers. What it has to say goes to `reports`; when that is full, it keeps a bounded number back.
    pub fn open(settings: Settings, reports: Sender<StageReport>) -> Result<Self, OpenError> {
        gst::init()?;
        let decoders = Decoders::find()?;
        certificate::warm_up().map_err(OpenError::Certificate)?;
        let (events, inbox) = mpsc::sync_channel(EVENTS);
        let desk = Desk::new(settings, decoders, events.clone(), reports)?;
        let thread = Thread::start("stage", events, move |listener| desk.run(&inbox, listener))?;
        Ok(Self { thread, decoders })
    }

    /// Peers are to come: loads what they need. A stage that nobody comes to has no decoders in its memory.
    pub fn prepare(&self) {
        elements::load_ahead(self.decoders.elements().map(str::to_owned).collect());
    }

    /// Hands over a wish. Never waits.
    pub fn ask(&self, ask: StageAsk) -> Result<(), Overflow> {
        self.thread.send(Event::Ask(ask))
    }

    /// Whether the thread has answered since the last time this was asked; asks again.
    pub fn is_alive(&self) -> bool {
        self.thread.is_alive()
    }

    /// Ends every peer and waits for it at most `cap`.
    pub fn close(self, cap: Duration) -> Result<(), CloseTimeout> {
        self.thread.close(cap)
    }
}
