//! What makes a voice fit to be sent: echo, noise and level, by WebRTC's audio processing.
//!
//! ```text
//! microphone ─ … ─ webrtcdsp ─ …              (pipeline of the device)
//!                      ▲ by the probe's name
//!               webrtcechoprobe ◄─ delay line
//!                                      ▲ copy
//! stage ─ … ─ volume ──────────────────┴─ speaker     (pipeline of the peer)
//! ```
//! The probe stands in no pipeline, so that microphone and speaker come and go in any order; `delay` says when it is given what.
//!
//! Invariants: nothing is copied while no microphone listens; settings never change while a processor runs, for it takes them only
//! when it starts; a processor that fails is not used again, and the microphone is plain then.

mod delay;
mod likeness;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use self::delay::{Line, Piece};
use crate::media::elements;
use crate::model::voice::Voice;

/// What the speaker is given and the canceller hears: 16 bit, 48,000 samples a second, as what crosses the bridge of sound.
pub(super) const FORMAT: &str = "audio/x-raw,format=S16LE,rate=48000,layout=interleaved";

/// The processor's name, by which its errors are told from the device's.
const NAME: &str = "voice";

/// What it is made of.
const ELEMENTS: [&str; 2] = ["webrtcdsp", "webrtcechoprobe"];

/// What is done to what a microphone hears.
#[derive(Debug, Clone)]
pub(super) struct Care {
    voice: Voice,
    /// Made by the first who needs it, on a thread of its own: until then nothing of it is loaded.
    ear: Arc<OnceLock<Option<Arc<Ear>>>>,
    /// A processor has failed.
    failed: Arc<AtomicBool>,
}

impl Care {
    /// As it is configured, and as far as it is installed. Without a speaker there is no echo.
    pub(super) fn new(voice: Voice, speaker: &str) -> Self {
        if voice == Voice::UNTOUCHED || !installed() {
            return Self::none();
        }
        let voice = Voice { echo_cancellation: voice.echo_cancellation && speaker != "none", ..voice };
        Self { voice, ..Self::none() }
    }

    /// Nothing.
    pub(super) fn none() -> Self {
        Self { voice: Voice::UNTOUCHED, ear: Arc::default(), failed: Arc::default() }
    }

    /// What is to be loaded for it.
    pub(super) fn elements(&self) -> &'static [&'static str] {
        if self.voice == Voice::UNTOUCHED { &[] } else { &ELEMENTS }
    }

    fn ear(&self) -> Option<&Arc<Ear>> {
        let make = || {
            let ear = self.voice.echo_cancellation.then(Ear::make)?;
            ear.map(Arc::new).map_err(|error| tracing::warn!("no echo is cancelled: {}", error.message)).ok()
        };
        self.ear.get_or_init(make).as_ref()
    }

    /// The processor of a microphone; `None` where nothing is to be done.
    pub(super) fn processor(&self) -> Result<Option<Processor>, glib::BoolError> {
        let ear = self.ear();
        let Voice { noise_suppression, auto_gain_control, echo_cancellation: _ } = self.voice;
        let is_wanted = noise_suppression || auto_gain_control || ear.is_some();
        if !is_wanted || self.failed.load(Relaxed) {
            return Ok(None);
        }
        let element = gst::ElementFactory::make("webrtcdsp")
            .name(NAME)
            .property("echo-cancel", ear.is_some())
            .property_from_str("echo-suppression-level", "high")
            // Not by time stamps: what was played is compared with what is heard now.
            .property("delay-agnostic", true)
            .property("noise-suppression", noise_suppression)
            .property("gain-control", auto_gain_control)
            .build()?;
        let listening = ear.map(|ear| Ear::heard_by(ear, &element));
        Ok(Some(Processor { element, listening }))
    }

    /// Hears what passes this pad of a speaker.
    pub(super) fn listen_at(&self, pad: &gst::Pad) {
        let Some(ear) = self.ear().cloned() else { return };
        // How long the elements behind take is said to those before them.
        let latency = AtomicU64::new(0);
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_UPSTREAM;
        pad.add_probe(kinds, move |pad, info| {
            if let Some(gst::EventView::Latency(event)) = info.event().map(|event| event.view()) {
                latency.store(event.latency().nseconds(), Relaxed);
            }
            if let Some(buffer) = info.buffer() {
                ear.played(pad, buffer, gst::ClockTime::from_nseconds(latency.load(Relaxed)));
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// What an error at this place of a microphone's pipeline means: where it is the processor's, there is none from now on.
    pub(super) fn blame(&self, place: &str, why: &str) {
        if place.rsplit(['/', ':']).next() == Some(NAME) && !self.failed.swap(true, Relaxed) {
            tracing::warn!("voices are sent as they are from now on: {why}");
        }
    }
}

/// A processor for a microphone's pipeline.
#[derive(Debug)]
pub(super) struct Processor {
    pub(super) element: gst::Element,
    /// What is played is heard for it until this is dropped.
    pub(super) listening: Option<Listening>,
}

/// A microphone for which what is played is heard.
#[derive(Debug)]
pub(super) struct Listening(Arc<Ear>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.listening.fetch_sub(1, Relaxed);
    }
}

/// The place where what is played is heard.
#[derive(Debug)]
struct Ear {
    probe: gst::Element,
    drain: gst::Element,
    /// Microphones that listen: 0 or 1, but for a moment of change.
    listening: AtomicU64,
    line: Mutex<Line<(gst::Caps, gst::Buffer)>>,
}

impl Ear {
    fn make() -> Result<Self, glib::BoolError> {
        let probe = gst::ElementFactory::make("webrtcechoprobe").build()?;
        let drain =
            gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build()?;
        probe.link(&drain)?;
        for element in [&drain, &probe] {
            let changed = element.set_state(gst::State::Playing);
            changed.map_err(|_| glib::bool_error!("the echo probe does not start"))?;
        }
        let (Some(source), Some(entry)) = (probe.static_pad("src"), probe.static_pad("sink")) else {
            return Err(glib::bool_error!("the echo probe has no pads"));
        };
        // It gives nothing before it was told a latency; without time stamps the number means nothing.
        source.send_event(gst::event::Latency::new(gst::ClockTime::ZERO));
        entry.send_event(gst::event::StreamStart::new("played"));
        Ok(Self { probe, drain, listening: AtomicU64::new(0), line: Mutex::default() })
    }

    fn line(&self) -> MutexGuard<'_, Line<(gst::Caps, gst::Buffer)>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The processor hears by this ear from now on.
    fn heard_by(ear: &Arc<Self>, processor: &gst::Element) -> Listening {
        processor.set_property("probe", ear.probe.name().as_str());
        *ear.line() = Line::default();
        if let Some(pad) = processor.static_pad("sink") {
            let ear = Arc::clone(ear);
            pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
                if let Some(buffer) = info.buffer() {
                    ear.heard(pad, buffer);
                }
                gst::PadProbeReturn::Ok
            });
        }
        ear.listening.fetch_add(1, Relaxed);
        Listening(Arc::clone(ear))
    }

    /// The speaker is given this, on its own thread.
    fn played(&self, pad: &gst::Pad, buffer: &gst::BufferRef, latency: gst::ClockTime) {
        if self.listening.load(Relaxed) == 0 {
            return;
        }
        let Some(caps) = pad.current_caps() else { return };
        let until = time_of(pad, buffer).map(|(now, then)| (then + latency).saturating_sub(now));
        let piece = Piece {
            off: until.map(Duration::from),
            stamp: buffer.pts().map(Duration::from),
            ..measure(&caps, buffer)
        };
        self.line().played((caps, buffer.copy()), &piece);
    }

    /// The microphone gives this, on its own thread: what is due is compared with it.
    fn heard(&self, pad: &gst::Pad, buffer: &gst::BufferRef) {
        let Some(caps) = pad.current_caps() else { return };
        let since = time_of(pad, buffer).map(|(now, then)| now.saturating_sub(then));
        let due = self.line().heard(&Piece { off: since.map(Duration::from), ..measure(&caps, buffer) });
        let Some(entry) = self.probe.static_pad("sink") else { return };
        for (caps, buffer) in due {
            if entry.current_caps().as_ref() != Some(&caps) {
                entry.send_event(gst::event::Caps::new(&caps));
                let segment = gst::FormattedSegment::<gst::ClockTime>::new();
                entry.send_event(gst::event::Segment::new(&segment));
            }
            // Its drain takes everything; one that is being stopped takes nothing.
            entry.chain(buffer).map(|_| ()).unwrap_or_default();
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        for element in [&self.probe, &self.drain] {
            // Neither waits for anything.
            element.set_state(gst::State::Null).map(|_| ()).unwrap_or_default();
        }
    }
}

/// How much it is, and how loud.
fn measure(caps: &gst::Caps, buffer: &gst::BufferRef) -> Piece {
    let channels = caps.structure(0).and_then(|caps| caps.get::<i32>("channels").ok()).unwrap_or(1);
    let channels = usize::try_from(channels).unwrap_or(1).max(1);
    let power = buffer.map_readable().map(|map| likeness::power(&map, channels)).unwrap_or_default();
    Piece { samples: buffer.size() / (2 * channels), power, ..Piece::default() }
}

/// The time of the pipeline's clock, and the one that the buffer is stamped with.
fn time_of(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<(gst::ClockTime, gst::ClockTime)> {
    let element = pad.parent_element()?;
    let (now, base) = (element.clock()?.time(), element.base_time()?);
    let segment = pad.sticky_event::<gst::event::Segment>(0)?;
    let segment = segment.segment().downcast_ref::<gst::ClockTime>()?;
    Some((now, base + segment.to_running_time(buffer.pts()?)?))
}

fn installed() -> bool {
    static SAID: Once = Once::new();
    let missing = ELEMENTS.iter().find_map(|name| elements::require(name).err());
    let Some(missing) = missing else { return true };
    SAID.call_once(|| tracing::warn!("voices are sent as they are: {missing}"));
    false
}

#[cfg(test)]
mod tests;
