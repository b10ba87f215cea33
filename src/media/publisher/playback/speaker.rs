//! A speaker behind a stream of the stage: found, opened, put in, taken out.
//!
//! Invariants: a speaker is found, opened and closed on threads of its own, and the publisher's thread only puts it in and takes it out; one
//! that fails costs only itself. Not here: when that is done (`player`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use crate::media::core::job;
use crate::media::opus;
use crate::media::profile::{self, Fragment};
use crate::media::publisher::capture::{Card, VolumeControl};
use crate::media::publisher::processing::{self, AudioProcessing};
use crate::media::publisher::settings::{LocateSpeaker, Settings, TurnMixer};
use crate::media::streams::Stream;
use crate::model::volume::{Loudness, Side};

/// The name of the bin, by which its errors are told from the peer's.
pub const NAME: &str = "playback";

/// Where the speaker is.
#[derive(Clone)]
pub enum Speaker {
    /// There is none: nothing is decoded.
    None,
    /// The profile's element, and the processing that hears what it plays.
    Is(Fragment, Find, AudioProcessing),
}

/// How it is found.
#[derive(Clone)]
pub enum Find {
    /// The element takes no address.
    Not,
    /// This choice, which may block, like the mixer of its card.
    By { locate: LocateSpeaker, mixer: TurnMixer, choice: String },
}

impl Speaker {
    /// The speaker of the settings; `processing` hears what it plays.
    pub fn new(settings: &Settings, processing: &AudioProcessing) -> Self {
        let choice = settings.speaker.as_str();
        if choice == "none" {
            return Self::None;
        }
        let fragment = settings.profile.speaker.clone();
        let find = match &fragment.address {
            None => Find::Not,
            Some(_) => Find::By {
                locate: Arc::clone(&settings.locate_speaker),
                mixer: Arc::clone(&settings.mixer),
                choice: choice.to_owned(),
            },
        };
        Self::Is(fragment, find, processing.clone())
    }
}

/// What plays a stream of Opus in RTP; ready, and stopped when nobody takes it.
#[derive(Debug)]
pub struct Playback {
    bin: gst::Bin,
    /// What controls its volume; taken out with the bin.
    volume: Option<VolumeControl>,
    /// What is played of it.
    heard: AudibleSound,
    /// The speaker, in words.
    name: String,
}

/// Quieter than this nobody hears it, 1/1000 of full scale (−60 dBFS).
const LOUD: u16 = 33;
/// Pauses between words are no silence.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether something is played that can be heard; written by the streaming thread.
#[derive(Debug, Clone, Default)]
pub struct AudibleSound(Arc<Mutex<Option<Instant>>>);

impl AudibleSound {
    /// Whether something was, a moment ago.
    pub fn is_loud(&self, now: Instant) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE)
    }

    fn listen_at(&self, pad: &gst::Pad) {
        let heard = self.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let map = info.buffer().and_then(|buffer| buffer.map_readable().ok());
            let is_loud = |bytes: &[u8; 2]| i16::from_le_bytes(*bytes).unsigned_abs() > LOUD;
            if map.is_some_and(|map| map.as_chunks::<2>().0.iter().any(is_loud)) {
                *heard.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            }
            gst::PadProbeReturn::Ok
        });
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        if self.bin.parent().is_none() && self.bin.set_state(gst::State::Null).is_err() {
            tracing::debug!("the speaker did not stop cleanly");
        }
    }
}

/// Finds and opens the speaker. May take seconds.
///
/// # Errors
/// Why nothing is played, in words.
pub fn open(speaker: &Speaker, wanted: Loudness) -> Result<Playback, String> {
    let (fragment, address, volume, processing) = match speaker {
        Speaker::None => return Err("no speaker is wanted".to_owned()),
        Speaker::Is(fragment, Find::Not, processing) => (fragment, None, VolumeControl::Pipeline, processing),
        Speaker::Is(fragment, Find::By { locate, mixer, choice }, processing) => {
            let address = locate(choice).ok_or_else(|| match choice.as_str() {
                "auto" => "there is no speaker, and media.speaker is not \"none\"".to_owned(),
                choice => format!("no speaker is called {choice:?}"),
            })?;
            let volume = Card::new(Side::Playback, &address, mixer).fit(wanted);
            (fragment, Some(address), volume, processing)
        }
    };
    let heard = AudibleSound::default();
    let bin = sound(fragment, address.as_deref(), volume.gain(wanted), processing, &heard)
        .map_err(|error| error.message.to_string())?;
    let name = address.clone().unwrap_or_else(|| "of the profile".to_owned());
    let playback = Playback { bin, volume: Some(volume), heard, name };
    let opened = playback.bin.set_state(gst::State::Ready);
    opened.map_err(|_| match address {
        Some(address) => format!("the speaker {address} does not open"),
        None => "the speaker does not open".to_owned(),
    })?;
    Ok(playback)
}

/// A speaker that plays.
pub struct PutIn {
    /// What controls its volume.
    pub volume: VolumeControl,
    /// What is played of it.
    pub heard: AudibleSound,
    /// It, in words.
    pub name: String,
}

/// How late packets come, against what they are stamped with; written by the streaming thread.
#[derive(Debug, Clone, Default)]
struct Lateness(Arc<Mutex<Option<Duration>>>);

impl Lateness {
    /// That of the latest packet since this was asked last, if any came.
    fn take(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn watch(&self, pad: &gst::Pad) {
        let latest = self.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let late = info.buffer().and_then(|packet| lateness(pad, packet));
            let mut latest = latest.0.lock().unwrap_or_else(PoisonError::into_inner);
            *latest = (*latest).max(late);
            gst::PadProbeReturn::Ok
        });
    }
}

fn lateness(pad: &gst::Pad, packet: &gst::BufferRef) -> Option<Duration> {
    let element = pad.parent_element()?;
    let due = element.base_time()? + processing::running_time(pad, packet)?;
    Some(element.clock()?.time().saturating_sub(due).into())
}

/// The end of a stream: what is behind it comes, fails and goes, and the stream goes on.
#[derive(Debug)]
pub struct SpeakerSink {
    end: gst::Element,
    lateness: Lateness,
}

impl SpeakerSink {
    /// Takes a stream, which goes on then, to nowhere yet.
    pub fn take(pipeline: &gst::Pipeline, stream: Stream) -> Result<Self, glib::BoolError> {
        // With nothing behind, or with what fails, everything is taken: an error would stop the stream for good.
        let end = gst::ElementFactory::make("errorignore")
            .property("ignore-error", true)
            .property("ignore-notlinked", true)
            .property("ignore-notnegotiated", true)
            .property("ignore-eos", true)
            .property_from_str("convert-to", "ok")
            .build()?;
        pipeline.add(&end)?;
        end.sync_state_with_parent()?;
        let entry = end.static_pad("sink").ok_or_else(|| glib::bool_error!("it takes nothing"))?;
        let lateness = Lateness::default();
        lateness.watch(&entry);
        if let Some(pad) = stream.pad() {
            pad.link(&entry).map_err(|error| glib::bool_error!("{error}"))?;
        }
        Ok(Self { end, lateness })
    }

    /// How late the latest packet came since this was asked last, if any did.
    pub fn lateness(&self) -> Option<Duration> {
        self.lateness.take()
    }

    /// Puts a speaker behind it.
    pub fn put_in(
        &self,
        pipeline: &gst::Pipeline,
        playback: &mut Playback,
    ) -> Result<PutIn, glib::BoolError> {
        pipeline.add(&playback.bin)?;
        let volume = playback.volume.take().unwrap_or(VolumeControl::Pipeline);
        // Linked only when it takes something: until then what comes would be flushed, which stops the stream for good.
        playback.bin.sync_state_with_parent()?;
        self.end.link(&playback.bin)?;
        let Playback { heard, name, .. } = playback;
        Ok(PutIn { volume, heard: heard.clone(), name: std::mem::take(name) })
    }

    /// Takes the speaker out, if there is one.
    pub fn take_out(&self, pipeline: &gst::Pipeline) {
        let Some(bin) = pipeline.by_name(NAME) else { return };
        // What is on its way into it would come back as flushed, which stops the stream for good: nothing is, meanwhile.
        let entry = self.end.static_pad("sink");
        let held = entry.as_ref().map(PadExtManual::stream_lock);
        self.end.unlink(&bin);
        drop(held);
        if let Err(error) = pipeline.remove(&bin) {
            tracing::debug!(%error, "the speaker could not be taken out");
        }
        // Stopping a speaker that failed is all that can be asked of it, and may take its time.
        let stop = move || {
            if bin.set_state(gst::State::Null).is_err() {
                tracing::debug!("a speaker that failed did not stop cleanly");
            }
        };
        if job::spawn("speaker-end", stop).is_err() {
            tracing::error!("a speaker is left running");
        }
    }
}

pub fn set_gain(pipeline: &gst::Pipeline, gain: f64) {
    if let Some(element) = pipeline.by_name("output-volume") {
        element.set_property("volume", gain);
    }
}

fn sound(
    fragment: &Fragment,
    address: Option<&str>,
    gain: f64,
    processing: &AudioProcessing,
    heard: &AudibleSound,
) -> Result<gst::Bin, glib::BoolError> {
    let bin = gst::Bin::with_name(NAME);
    let speaker =
        profile::parse(&fragment.launch).map_err(|error| glib::bool_error!("{}", error.to_string()))?;
    if let (Some(property), Some(address), Some(element)) =
        (&fragment.address, address, speaker.by_name("speaker"))
    {
        element.set_property(property, address);
    }
    // One that waits for its first buffer would take the whole call back to waiting.
    for element in speaker.iterate_sinks().into_iter().flatten() {
        if element.has_property("async") {
            element.set_property("async", false);
        }
    }
    let caps = processing::FORMAT.parse::<gst::Caps>()?;
    let volume =
        gst::ElementFactory::make("volume").name("output-volume").property("volume", gain).build()?;
    if let Some(pad) = volume.static_pad("src") {
        processing.listen_at(&pad);
        heard.listen_at(&pad);
    }
    // What is played is listened to as late as can be: behind is only what the speaker itself holds.
    let steps = [
        // A speaker that hangs holds up nobody.
        gst::ElementFactory::make("queue").property_from_str("leaky", "downstream").build()?,
        gst::ElementFactory::make("rtpopusdepay").build()?,
        decoder()?,
        gst::ElementFactory::make("capsfilter").property("caps", caps).build()?,
        volume,
        gst::ElementFactory::make("audioconvert").build()?,
        gst::ElementFactory::make("audioresample").build()?,
        speaker.upcast(),
    ];
    bin.add_many(&steps)?;
    gst::Element::link_many(&steps)?;
    ghost(&bin, &steps[0])?;
    Ok(bin)
}

/// For what is lost the decoder holds one packet, of 20 ms, for which `playout` has room; it says that it takes 120 ms, the longest
/// there could be, and all would be played that much later.
fn decoder() -> Result<gst::Element, glib::BoolError> {
    let decoder = opus::decoder()?;
    let ends = [decoder.static_pad("sink"), decoder.static_pad("src")];
    let [Some(entry), Some(exit)] = ends else { return Err(glib::bool_error!("a decoder has no pads")) };
    let entry = entry.downgrade();
    exit.add_probe(gst::PadProbeType::QUERY_UPSTREAM, move |_, info| {
        let (Some(query), Some(entry)) = (info.query_mut(), entry.upgrade()) else {
            return gst::PadProbeReturn::Ok;
        };
        let is_latency = matches!(query.view(), gst::QueryView::Latency(_));
        if is_latency && entry.peer_query(query) {
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
    Ok(decoder)
}

fn ghost(bin: &gst::Bin, first: &gst::Element) -> Result<(), glib::BoolError> {
    let target = first.static_pad("sink").ok_or_else(|| glib::bool_error!("no sink pad"))?;
    bin.add_pad(&gst::GhostPad::with_target(&target)?)
}

#[cfg(test)]
mod tests;
