//! What makes a voice fit to be sent: echo, noise and level, by WebRTC's audio processing.
//!
//! ```text
//! microphone ─ … ─ webrtcdsp ─ …              (pipeline of the device)
//!                      ▲ by the probe's name
//!               webrtcechoprobe ◄─ delay line
//!                                      ▲ copy
//! stage ─ … ─ volume ──────────────────┴─ speaker     (pipeline of the peer)
//! ```
//! The probe stands in no pipeline, so that microphone and speaker come and go in any order; `delay` says what it is given, as much as
//! the microphone gives and stamped alike, for by amounts and stamps the processor keeps both in step.
//!
//! Invariants: nothing is copied while no microphone listens; settings never change while a processor runs, for it takes them only
//! when it starts; a processor that fails is not used again, and the microphone is plain then.

mod delay_estimator;
mod delay_line;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use self::delay_line::{AudioBlock, DelayLine};
use crate::media::core::discard::ignore;
use crate::media::elements;
use crate::model::voice::Voice;

/// What the speaker is given and the canceller hears: 16 bit, 48,000 samples a second, as what crosses the bridge of sound.
pub const FORMAT: &str = "audio/x-raw,format=S16LE,rate=48000,layout=interleaved";

/// The processor's name, by which its errors are told from the device's.
const NAME: &str = "voice";

/// What it is made of.
const ELEMENTS: [&str; 2] = ["webrtcdsp", "webrtcechoprobe"];

/// What is done to what a microphone hears.
#[derive(Debug, Clone)]
pub struct AudioProcessing {
    voice: Voice,
    /// By which what is played is heard, where echo is cancelled.
    ear: Option<Arc<FarEndTap>>,
    /// A processor has failed.
    failed: Arc<AtomicBool>,
}

impl AudioProcessing {
    /// As it is configured, and as far as it is installed. Without a speaker there is no echo.
    pub fn new(voice: Voice, speaker: &str) -> Self {
        if voice == Voice::UNTOUCHED || !installed() {
            return Self::none();
        }
        let ear = (voice.echo_cancellation && speaker != "none").then(Arc::default);
        Self { voice: Voice { echo_cancellation: ear.is_some(), ..voice }, ear, ..Self::none() }
    }

    /// None at all.
    pub fn none() -> Self {
        Self { voice: Voice::UNTOUCHED, ear: None, failed: Arc::default() }
    }

    /// What is to be loaded for it.
    pub fn elements(&self) -> &'static [&'static str] {
        if self.voice == Voice::UNTOUCHED { &[] } else { &ELEMENTS }
    }

    /// The processor of a microphone; `None` where nothing is to be done.
    pub fn processor(&self) -> Result<Option<Processor>, glib::BoolError> {
        let Voice { noise_suppression, auto_gain_control, echo_cancellation } = self.voice;
        let is_wanted = noise_suppression || auto_gain_control || echo_cancellation;
        if !is_wanted || self.failed.load(Relaxed) {
            return Ok(None);
        }
        let element = gst::ElementFactory::make("webrtcdsp")
            .name(NAME)
            .property("echo-cancel", echo_cancellation)
            .property_from_str("echo-suppression-level", "high")
            .property("noise-suppression", noise_suppression)
            .property("gain-control", auto_gain_control)
            .build()?;
        let listening = self.ear.as_ref().map(|ear| ear.heard_by(&element)).transpose()?;
        Ok(Some(Processor { element, listening }))
    }

    /// Hears what passes this pad of a speaker.
    pub fn listen_at(&self, pad: &gst::Pad) {
        let Some(ear) = self.ear.clone() else { return };
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
    pub fn blame(&self, place: &str, why: &str) {
        if place.rsplit(['/', ':']).next() == Some(NAME) && !self.failed.swap(true, Relaxed) {
            tracing::warn!("voices are sent as they are from now on: {why}");
        }
    }
}

/// A processor for a microphone's pipeline.
#[derive(Debug)]
pub struct Processor {
    pub element: gst::Element,
    /// What is played is heard for it until this is dropped.
    pub listening: Option<Listening>,
}

/// A microphone for which what is played is heard.
#[derive(Debug)]
pub struct Listening(Arc<FarEndTap>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.listening.fetch_sub(1, Relaxed);
    }
}

/// The place where what is played is heard.
#[derive(Debug, Default)]
struct FarEndTap {
    /// Microphones that listen: 0 or 1, but for a moment of change.
    listening: AtomicU64,
    line: Mutex<DelayLine>,
}

impl FarEndTap {
    fn line(&self) -> MutexGuard<'_, DelayLine> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The processor hears by this ear from now on.
    fn heard_by(self: &Arc<Self>, processor: &gst::Element) -> Result<Listening, glib::BoolError> {
        // A probe of its own: it has nothing left of another's time.
        let probe = EchoProbe::make()?;
        processor.set_property("probe", probe.0.name().as_str());
        *self.line() = DelayLine::default();
        let entry = processor.static_pad("sink").ok_or_else(|| glib::bool_error!("it hears nothing"))?;
        let ear = Arc::clone(self);
        entry.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer() {
                ear.heard(pad, buffer, &probe);
            }
            gst::PadProbeReturn::Ok
        });
        self.listening.fetch_add(1, Relaxed);
        Ok(Listening(Arc::clone(self)))
    }

    /// The speaker is given this, on its own thread.
    fn played(&self, pad: &gst::Pad, buffer: &gst::BufferRef, latency: gst::ClockTime) {
        if self.listening.load(Relaxed) == 0 {
            return;
        }
        let now = Instant::now();
        let (at, stamp) = (moment(now, pad, buffer, latency), buffer.pts().map(Duration::from));
        let piece = AudioBlock { sound: mixed(pad, buffer), at, stamp };
        self.line().played(now, &piece);
    }

    /// The microphone gives this, on its own thread; the canceller takes with it as much of what was played, under the same stamp.
    fn heard(&self, pad: &gst::Pad, buffer: &gst::BufferRef, probe: &EchoProbe) {
        let now = Instant::now();
        let at = moment(now, pad, buffer, gst::ClockTime::ZERO);
        let piece = AudioBlock { sound: mixed(pad, buffer), at, stamp: None };
        let played = self.line().heard(now, &piece);
        if !played.is_empty() {
            probe.give(&played, running_time(pad, buffer));
        }
    }
}

/// From where a processor takes what was played.
#[derive(Debug)]
struct EchoProbe(gst::Element, gst::Element);

impl EchoProbe {
    fn make() -> Result<Self, glib::BoolError> {
        let drain = gst::ElementFactory::make("fakesink").property("sync", false).property("async", false);
        let probe = Self(gst::ElementFactory::make("webrtcechoprobe").build()?, drain.build()?);
        probe.0.link(&probe.1)?;
        for element in [&probe.1, &probe.0] {
            let changed = element.set_state(gst::State::Playing);
            changed.map_err(|_| glib::bool_error!("the echo probe does not start"))?;
        }
        let (Some(source), Some(entry)) = (probe.0.static_pad("src"), probe.0.static_pad("sink")) else {
            return Err(glib::bool_error!("the echo probe has no pads"));
        };
        // It gives nothing before it was told a latency; what it is given is stamped for when it is to be compared.
        source.send_event(gst::event::Latency::new(gst::ClockTime::ZERO));
        entry.send_event(gst::event::StreamStart::new("played"));
        entry.send_event(gst::event::Caps::new(&format!("{FORMAT},channels=1").parse()?));
        entry.send_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        Ok(probe)
    }

    /// To be compared with what is heard under this stamp.
    fn give(&self, sound: &[i16], stamp: Option<gst::ClockTime>) {
        let bytes: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(stamp);
        }
        // Its drain takes everything; one that is being stopped takes nothing.
        if let Some(entry) = self.0.static_pad("sink") {
            ignore(entry.chain(buffer), "see above");
        }
    }
}

impl Drop for EchoProbe {
    fn drop(&mut self) {
        for element in [&self.0, &self.1] {
            // Neither waits for anything.
            ignore(element.set_state(gst::State::Null), "see above");
        }
    }
}

/// Its samples, of all channels together.
fn mixed(pad: &gst::Pad, buffer: &gst::BufferRef) -> Vec<i16> {
    let caps = pad.current_caps();
    let channels = caps.and_then(|caps| caps.structure(0)?.get::<i32>("channels").ok()).unwrap_or(1).max(1);
    let Ok(map) = buffer.map_readable() else { return Vec::new() };
    let samples = map.as_chunks::<2>().0;
    let together = |frame: &[[u8; 2]]| {
        let sum: i32 = frame.iter().map(|sample| i32::from(i16::from_le_bytes(*sample))).sum();
        i16::try_from(sum / channels).unwrap_or_default()
    };
    samples.chunks_exact(usize::try_from(channels).unwrap_or(1)).map(together).collect()
}

/// The moment it is stamped with, and so much later, by a clock that all pipelines have in common.
fn moment(now: Instant, pad: &gst::Pad, buffer: &gst::BufferRef, latency: gst::ClockTime) -> Option<Instant> {
    let element = pad.parent_element()?;
    let clock = element.clock()?.time();
    let at = element.base_time()? + running_time(pad, buffer)? + latency;
    let (ahead, late) = (at.saturating_sub(clock), clock.saturating_sub(at));
    now.checked_add(ahead.into())?.checked_sub(late.into())
}

/// The time of the pipeline that it is stamped with.
pub fn running_time(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    let segment = pad.sticky_event::<gst::event::Segment>(0)?;
    segment.segment().downcast_ref::<gst::ClockTime>()?.to_running_time(buffer.pts()?)
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
