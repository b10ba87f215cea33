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
use super::jitter_wait::JitterWait;
use super::meter::Meter;
use super::probes::Sent;
use crate::media::packets::Packets;
use crate::model::Code;
use crate::model::media::Fault;

/// What webrtcbin says of its transport, and what follows from it. Invariant: it is not asked again before it has answered.
#[derive(Debug, Default)]
pub(super) struct LinkWatch {
    is_asked: Arc<AtomicBool>,
    known: Link,
    wait: JitterWait,
}

impl LinkWatch {
    /// What is known by now.
    pub(super) fn known(&self) -> Link {
        self.known
    }

    /// Takes an answer. A packet is waited for as long as it takes to get it again.
    pub(super) fn take(&mut self, link: Link, webrtc: &gst::Element) {
        self.known = link.or(self.known);
        if let Some(wait) = link.round_trip_ms.and_then(|round_trip| self.wait.follow(round_trip)) {
            tracing::debug!("a missing packet is waited for {wait} ms");
            webrtc.set_property("latency", wait);
        }
    }

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
                let jitter = entry.get::<f64>("jitter").ok().filter(|seconds| *seconds > 0.0);
                // The packets of a picture are sent one after the other and have one time: the steadier stream shows the path.
                let least = [link.jitter_ms, jitter.map(|seconds| seconds * 1000.0)].into_iter().flatten();
                link.jitter_ms = least.reduce(f64::min);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_follows_what_is_said_of_the_path() {
        gst::init().expect("GStreamer starts");
        let webrtc = gst::ElementFactory::make("webrtcbin").build().expect("it is installed");
        let mut link = LinkWatch::default();
        let mut waits = |round_trip_ms| {
            link.take(Link { round_trip_ms, ..Link::default() }, &webrtc);
            (webrtc.property::<u32>("latency"), link.known().round_trip_ms)
        };
        assert_eq!(waits(Some(200.0)), (320, Some(200.0)));
        assert_eq!(waits(None), (320, Some(200.0)), "not known again is no change");
        assert_eq!(waits(Some(2_000.0)), (450, Some(2_000.0)));
        assert_eq!(waits(Some(1.0)), (120, Some(1.0)));
    }
}
