//! What the stage sends back, on the speaker. A stage that sends nothing costs nothing; a speaker that fails costs only itself.
//!
//! Invariant: a speaker is found, opened and closed on threads of its own; the publisher's thread only puts it in and takes it out.

use std::sync::mpsc::SyncSender;
use std::thread;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use super::events::{Event, PeerTold};
use super::knob::{Card, Knob};
use super::profile::{self, Fragment};
use super::voice::{self, Care};
use super::{LocateSpeaker, TurnMixer};
use crate::model::Volume;
use crate::model::volume::Side;

/// The name of the bin, by which its errors are told from the peer's.
pub(super) const NAME: &str = "playback";

/// Where the speaker is.
pub(super) enum Speaker {
    /// There is none: nothing is decoded.
    None,
    /// The profile's element, and the care that hears what it plays.
    Is(Fragment, Find, Care),
}

/// How it is found.
pub(super) enum Find {
    /// The element takes no address.
    Not,
    /// This choice, which may block, like the mixer of its card.
    By { locate: LocateSpeaker, mixer: TurnMixer, choice: String },
}

/// A stream of the stage, held until something takes it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) pad: glib::WeakRef<gst::Pad>,
    pub(super) block: gst::PadProbeId,
}

/// What plays a stream of Opus in RTP, or throws it away; ready, and stopped when nobody takes it.
#[derive(Debug)]
pub(super) struct Playback {
    bin: gst::Bin,
    /// By what its volume is turned; taken out with the bin.
    knob: Option<Knob>,
}

impl Drop for Playback {
    fn drop(&mut self) {
        if self.bin.parent().is_none() && self.bin.set_state(gst::State::Null).is_err() {
            tracing::debug!("the speaker did not stop cleanly");
        }
    }
}

/// Opens the speaker for a stream on a thread of its own; it comes back as an event of the peer.
pub(super) fn open(
    speaker: Speaker,
    volume: Volume,
    stream: Stream,
    (desk, peer): (&SyncSender<Event>, u64),
) -> std::io::Result<()> {
    let desk = desk.clone();
    thread::Builder::new().name("speaker".into()).spawn(move || {
        let playback = make(speaker, volume).map_err(|error| error.message.to_string());
        let told = PeerTold::Speaker { stream, playback };
        // Nobody takes it when the publisher has ended; then it is closed here.
        desk.send(Event::Peer { peer, told }).unwrap_or_default();
    })?;
    Ok(())
}

/// Turns the mixer of the speaker's card on a thread of its own; its answer comes back as an event of the peer.
pub(super) fn turn(
    card: Card,
    volume: Volume,
    (desk, peer): (&SyncSender<Event>, u64),
) -> std::io::Result<()> {
    let desk = desk.clone();
    thread::Builder::new().name("speaker-volume".into()).spawn(move || {
        let told = PeerTold::Turned { volume, taken: card.turn(volume) };
        desk.send(Event::Peer { peer, told }).unwrap_or_default();
    })?;
    Ok(())
}

fn make(speaker: Speaker, volume: Volume) -> Result<Playback, glib::BoolError> {
    let (bin, knob) = match speaker {
        Speaker::None => (drain()?, Knob::Pipeline),
        Speaker::Is(fragment, Find::Not, care) => {
            (sound(&fragment, None, Knob::Pipeline.gain(volume), &care)?, Knob::Pipeline)
        }
        Speaker::Is(fragment, Find::By { locate, mixer, choice }, care) => match locate(&choice) {
            Some(address) => {
                let knob = Card::new(Side::Playback, &address, &mixer).fit(volume);
                (sound(&fragment, Some(&address), knob.gain(volume), &care)?, knob)
            }
            None => (drain()?, Knob::Pipeline),
        },
    };
    let playback = Playback { bin, knob: Some(knob) };
    playback.bin.set_state(gst::State::Ready).map_err(|_| glib::bool_error!("the speaker does not open"))?;
    Ok(playback)
}

/// Puts it behind the stream, which goes on then; by what its volume is turned.
pub(super) fn put_in(
    pipeline: &gst::Pipeline,
    stream: Stream,
    playback: Result<Playback, String>,
) -> Result<Knob, String> {
    let (playback, outcome) = match playback {
        Ok(playback) => (Ok(playback), Ok(())),
        Err(why) => (drain().map(|bin| Playback { bin, knob: None }), Err(why)),
    };
    let Some(pad) = stream.pad.upgrade() else { return Ok(Knob::Pipeline) };
    let linked = playback.and_then(|mut playback| {
        attach(pipeline, &pad, &playback.bin)?;
        Ok(playback.knob.take().unwrap_or(Knob::Pipeline))
    });
    pad.remove_probe(stream.block);
    outcome.and(linked.map_err(|error| error.message.to_string()))
}

/// Takes the speaker's place when it fails.
pub(super) fn replace_by_drain(pipeline: &gst::Pipeline) -> Result<(), glib::BoolError> {
    let Some(bin) = pipeline.by_name(NAME) else { return Ok(()) };
    let sink = bin.static_pad("sink");
    let stream = sink.as_ref().and_then(gst::Pad::peer);
    if let (Some(stream), Some(sink)) = (&stream, &sink) {
        stream.unlink(sink)?;
    }
    pipeline.remove(&bin)?;
    // Stopping a speaker that failed is all that can be asked of it, and may take its time.
    let stop = move || bin.set_state(gst::State::Null).map(|_| ()).unwrap_or_default();
    if thread::Builder::new().name("speaker-end".into()).spawn(stop).is_err() {
        tracing::error!("a speaker is left running");
    }
    if let Some(stream) = stream {
        attach(pipeline, &stream, &drain()?)?;
    }
    Ok(())
}

/// Adds a bin to the pipeline, behind the stream.
fn attach(pipeline: &gst::Pipeline, stream: &gst::Pad, bin: &gst::Bin) -> Result<(), glib::BoolError> {
    pipeline.add(bin)?;
    let entry = bin.static_pad("sink").ok_or_else(|| glib::bool_error!("the speaker has no open end"))?;
    stream.link(&entry).map_err(|error| glib::bool_error!("{error}"))?;
    bin.sync_state_with_parent()
}

pub(super) fn set_gain(pipeline: &gst::Pipeline, gain: f64) {
    if let Some(element) = pipeline.by_name("output-volume") {
        element.set_property("volume", gain);
    }
}

fn drain() -> Result<gst::Bin, glib::BoolError> {
    let sink =
        gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build()?;
    let bin = gst::Bin::new();
    bin.add(&sink)?;
    ghost(&bin, &sink)?;
    Ok(bin)
}

fn sound(
    fragment: &Fragment,
    address: Option<&str>,
    gain: f64,
    care: &Care,
) -> Result<gst::Bin, glib::BoolError> {
    let bin = gst::Bin::with_name(NAME);
    let speaker =
        profile::parse(&fragment.launch).map_err(|error| glib::bool_error!("{}", error.to_string()))?;
    if let (Some(property), Some(address), Some(element)) =
        (&fragment.address, address, speaker.by_name("speaker"))
    {
        element.set_property(property, address);
    }
    let caps = voice::FORMAT.parse::<gst::Caps>()?;
    let volume =
        gst::ElementFactory::make("volume").name("output-volume").property("volume", gain).build()?;
    if let Some(pad) = volume.static_pad("src") {
        care.listen_at(&pad);
    }
    // What is played is listened to as late as can be: behind is only what the speaker itself holds.
    let steps = [
        gst::ElementFactory::make("queue").build()?,
        gst::ElementFactory::make("rtpopusdepay").build()?,
        gst::ElementFactory::make("opusdec").build()?,
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

fn ghost(bin: &gst::Bin, first: &gst::Element) -> Result<(), glib::BoolError> {
    let target = first.static_pad("sink").ok_or_else(|| glib::bool_error!("no sink pad"))?;
    bin.add_pad(&gst::GhostPad::with_target(&target)?)
}

#[cfg(test)]
mod tests;
