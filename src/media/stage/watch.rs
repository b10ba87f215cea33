//! What is watched of a peer: errors, levels, statistics.
//!
//! Invariant: callbacks hold a [`Tell`] or the meter, never an element.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

use super::events::{Event, Tell, Told};
use super::interval::Link;
use super::meter::Meter;
use super::probes::Sent;
use crate::media::packets::Packets;
use crate::model::Code;
use crate::model::media::Fault;

/// The question to webrtcbin what its transport knows: not again before it has answered.
#[derive(Debug, Default)]
pub(super) struct LinkQuestion {
    is_asked: Arc<AtomicBool>,
}

impl LinkQuestion {
    /// Asks; the answer comes as [`Told::Link`].
    pub(super) fn ask(&self, webrtc: &gst::Element, tell: &Tell) {
        if self.is_asked.swap(true, Relaxed) {
            return;
        }
        let (tell, is_asked) = (tell.clone(), Arc::clone(&self.is_asked));
        let promise = gst::Promise::with_change_func(move |reply| {
            is_asked.store(false, Relaxed);
            if let Ok(Some(stats)) = reply {
                tell.say(Told::Link(read_link(stats)));
            }
        });
        webrtc.emit_by_name::<()>("get-stats", &[&None::<gst::Pad>, &promise]);
    }
}

/// Levels go into the meter, errors to the stage's thread, everything else nowhere: nobody else reads this bus.
pub(super) fn listen_to_bus(pipeline: &gst::Pipeline, tell: &Tell, meter: &Arc<Meter>) {
    let Some(bus) = pipeline.bus() else { return };
    let (tell, meter) = (tell.clone(), Arc::clone(meter));
    bus.set_sync_handler(move |_, message| {
        match message.view() {
            gst::MessageView::Element(element) => {
                if let Some(level) = element.structure().filter(|s| s.name() == "level").and_then(loudest) {
                    meter.heard(Instant::now(), level);
                }
            }
            gst::MessageView::Error(error) => {
                let place = error.src().map(|src| src.path_string().to_string()).unwrap_or_default();
                tell.say(Told::Broken(Fault::new(
                    stage_of(&place),
                    Code::HostUnreachable,
                    error.error().to_string(),
                )));
            }
            // Everything else is of no use to a monitor.
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
}

/// RMS of the loudest channel.
fn loudest(level: &gst::StructureRef) -> Option<f64> {
    let channels = level.get::<glib::ValueArray>("rms").ok()?;
    channels.iter().filter_map(|value| value.get::<f64>().ok()).reduce(f64::max)
}

fn stage_of(place: &str) -> &'static str {
    [("dtls", "dtls"), ("nice", "ice"), ("dec", "decoder"), ("parse", "decoder")]
        .iter()
        .find(|(part, _)| place.contains(part))
        .map_or("transport", |(_, stage)| stage)
}

/// What webrtcbin's statistics say of the way to the guest.
fn read_link(stats: &gst::StructureRef) -> Link {
    let mut link = Link::default();
    for (_, value) in stats.iter() {
        let Ok(entry) = value.get::<gst::Structure>() else { continue };
        match entry.get::<gst_webrtc::WebRTCStatsType>("type") {
            Ok(gst_webrtc::WebRTCStatsType::InboundRtp) => {
                link.packets = link.packets + Packets::read(&entry);
            }
            Ok(gst_webrtc::WebRTCStatsType::RemoteInboundRtp) => {
                if let Ok(seconds) = entry.get::<f64>("round-trip-time")
                    && seconds > 0.0
                {
                    link.round_trip_ms = Some(seconds * 1000.0);
                }
            }
            // The rest says nothing about loss or delay.
            Ok(_) | Err(_) => {}
        }
    }
    link
}

impl Tell {
    /// Says it to the stage's thread, if there is room.
    pub fn say(&self, told: Told) -> Sent {
        match self.desk.try_send(Event::Peer { peer: self.peer, told }) {
            Ok(()) => Sent::Yes,
            Err(_) => Sent::No,
        }
    }
}
