//! What the stage sends back, on the speaker. A stage that sends nothing costs nothing; a speaker that fails costs only itself.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use super::profile::{self, Fragment};
use crate::model::Volume;

/// The name of the bin, by which its errors are told from the peer's.
pub(super) const NAME: &str = "playback";

/// Where the speaker is.
#[derive(Debug, Clone)]
pub(super) enum Speaker {
    /// There is none: nothing is decoded.
    None,
    /// The profile's element, with this address where it takes one.
    Is(Fragment, Option<String>),
}

/// Adds what plays a stream of Opus in RTP; its open end.
pub(super) fn add(
    pipeline: &gst::Pipeline,
    speaker: &Speaker,
    volume: Volume,
) -> Result<gst::Pad, glib::BoolError> {
    let bin = match speaker {
        Speaker::None => drain()?,
        Speaker::Is(fragment, address) => sound(fragment, address.as_deref(), volume)?,
    };
    pipeline.add(&bin)?;
    bin.sync_state_with_parent()?;
    bin.static_pad("sink").ok_or_else(|| glib::bool_error!("the speaker has no open end"))
}

/// Takes the speaker's place when it fails.
pub(super) fn replace_by_drain(pipeline: &gst::Pipeline) -> Result<(), glib::BoolError> {
    let Some(bin) = pipeline.by_name(NAME) else { return Ok(()) };
    let peer = bin.static_pad("sink").and_then(|pad| pad.peer());
    if let Some(pad) = &peer
        && let Some(sink) = bin.static_pad("sink")
    {
        pad.unlink(&sink)?;
    }
    // Stopping a speaker that failed is all that can be asked of it.
    bin.set_state(gst::State::Null).map(|_| ()).unwrap_or_default();
    pipeline.remove(&bin)?;
    if let Some(pad) = peer {
        let entry = add(pipeline, &Speaker::None, Volume::FULL)?;
        pad.link(&entry).map_err(|error| glib::bool_error!("{error}"))?;
    }
    Ok(())
}

pub(super) fn set_volume(pipeline: &gst::Pipeline, volume: Volume) {
    if let Some(element) = pipeline.by_name("output-volume") {
        element.set_property("volume", f64::from(volume.percent()) / 100.0);
    }
}

fn drain() -> Result<gst::Bin, glib::BoolError> {
    let sink =
        gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build()?;
    let bin = gst::Bin::with_name(NAME);
    bin.add(&sink)?;
    ghost(&bin, &sink)?;
    Ok(bin)
}

fn sound(fragment: &Fragment, address: Option<&str>, volume: Volume) -> Result<gst::Bin, glib::BoolError> {
    let bin = gst::Bin::with_name(NAME);
    let speaker =
        profile::parse(&fragment.launch).map_err(|error| glib::bool_error!("{}", error.to_string()))?;
    if let (Some(property), Some(address), Some(element)) =
        (&fragment.address, address, speaker.by_name("speaker"))
    {
        element.set_property(property, address);
    }
    let steps = [
        gst::ElementFactory::make("queue").build()?,
        gst::ElementFactory::make("rtpopusdepay").build()?,
        gst::ElementFactory::make("opusdec").build()?,
        gst::ElementFactory::make("audioconvert").build()?,
        gst::ElementFactory::make("audioresample").build()?,
        gst::ElementFactory::make("volume")
            .name("output-volume")
            .property("volume", f64::from(volume.percent()) / 100.0)
            .build()?,
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
