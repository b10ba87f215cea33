//! The stage: receives the guests' media, as a monitor.
//!
//! ```text
//! ask ─► [bounded] ─► desk (one OS thread, owns every pipeline) ─► reports [bounded]
//!                       ▲                    │
//!      webrtcbin, bus, probes: try_send      ├─► darkroom (one thread: JPEGs)
//!                                            └─► teardown (one thread: stops pipelines)
//! ```
//! Invariant: the desk never waits for a peer, so a peer that starts, ends or misbehaves does not hold up the others; what can
//! be slow (encoding a picture, stopping a pipeline) is handed to a thread of its own. Not here: who may sit, deadlines of the protocol, and
//! who is asked to restart: that is the host's.

mod decode;
mod desk;
mod events;
mod governor;
mod meter;
mod peer;
mod speaking;
mod watch;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use gstreamer as gst;
use tokio::sync::mpsc::Sender;

use self::decode::Decoders;
use self::desk::Desk;
use self::events::Event;
use super::certificate;
use super::elements::MissingElement;
use super::heart::Heart;
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
    /// The system gives no thread.
    #[error("the stage's thread does not start: {0}")]
    Thread(#[from] std::io::Error),
}

/// The stage has more to do than it can hold, or is closed; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stage takes nothing more now")]
pub struct Overflow;

/// The stage was not closed within the given time; its thread goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stage did not end in time")]
pub struct CloseTimeout;

/// A running stage. Dropping it ends it without waiting.
#[derive(Debug)]
pub struct Stage {
    events: SyncSender<Event>,
    done: Receiver<()>,
    heart: Heart,
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
        certificate::warm_up();
        let (events, inbox) = mpsc::sync_channel(EVENTS);
        let (ended, done) = mpsc::sync_channel(1);
        let desk = Desk::new(settings, decoders, events.clone(), reports)?;
        thread::Builder::new().name("stage".into()).spawn(move || {
            desk.run(&inbox);
            // Nobody listens when the stage was dropped instead of closed.
            ended.try_send(()).unwrap_or_default();
        })?;
        Ok(Self { events, done, heart: Heart::default() })
    }

    /// Hands over a wish. Never waits.
    pub fn ask(&self, ask: StageAsk) -> Result<(), Overflow> {
        self.events.try_send(Event::Ask(ask)).map_err(|_| Overflow)
    }

    /// Whether the thread has answered since the last time this was asked; asks again.
    pub fn is_alive(&self) -> bool {
        // A full inbox loses the question: no answer comes.
        self.heart.beats(|beat| self.events.try_send(Event::Beat(beat)).unwrap_or_default())
    }

    /// Ends every peer and waits for it at most `cap`.
    pub fn close(self, cap: Duration) -> Result<(), CloseTimeout> {
        self.events.try_send(Event::Close).map_err(|_| CloseTimeout)?;
        match self.done.recv_timeout(cap) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => Err(CloseTimeout),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Full or closed already: a full one ends with its last event, because the desk looks for the end at every tick.
        self.events.try_send(Event::Close).unwrap_or_default();
    }
}
