//! What is watched of a peer: errors, and the first packet that leaves.
//!
//! Invariant: callbacks hold senders or the meter, never an element.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::event::{Event, PeerSenders};
use crate::media::core::event_sender::EventSender;
use crate::media::encoder;
use crate::media::publisher::playback;
use crate::media::publisher::send_meter::{SendMeter, TransportStats};
use crate::model::Code;
use crate::model::media::Fault;

/// Counts the RTP packets that are handed to the network, after encryption, and says the first.
pub fn packets(webrtc: &gst::Element, meter: &Arc<SendMeter>, events: &EventSender<Event>) {
    let Some(bin) = webrtc.downcast_ref::<gst::Bin>() else { return };
    let (events, meter) = (events.clone(), Arc::clone(meter));
    let said = Arc::new(AtomicBool::new(false));
    bin.connect_deep_element_added(move |_, _, element| {
        let is_sink = element.factory().is_some_and(|factory| factory.name() == "nicesink");
        let Some(pad) = element.static_pad("sink").filter(|_| is_sink) else { return };
        let (events, meter, said) = (events.clone(), Arc::clone(&meter), Arc::clone(&said));
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
        pad.add_probe(kinds, move |_, info| {
            let (rtp, bytes) = match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => (is_rtp(buffer), on_the_wire(buffer)),
                Some(gst::PadProbeData::BufferList(list)) => {
                    (list.get(0).is_some_and(is_rtp), list.iter().map(on_the_wire).sum())
                }
                Some(_) | None => (false, 0),
            };
            if rtp {
                meter.packet(bytes);
                if !said.swap(true, Relaxed) {
                    events.notify(Event::FirstPacket);
                }
            }
            gst::PadProbeReturn::Ok
        });
    });
}

/// With the headers of IP and UDP.
fn on_the_wire(buffer: &gst::BufferRef) -> usize {
    buffer.size() + 28
}

/// Asks webrtcbin what its transport knows.
pub fn ask_transport(webrtc: &gst::Element, events: &EventSender<Event>) {
    let events = events.clone();
    let promise = gst::Promise::with_change_func(move |reply| {
        if let Ok(Some(stats)) = reply {
            events.notify(Event::Stats(TransportStats::read(stats)));
        }
    });
    webrtc.emit_by_name::<()>("get-stats", &[&None::<gst::Pad>, &promise]);
}

/// RFC 7983: RTP and RTCP begin with 128 … 191; RFC 5761: RTCP has 192 … 223 in its second byte.
fn is_rtp(buffer: &gst::BufferRef) -> bool {
    let mut head = [0; 2];
    buffer.size() >= 2
        && buffer.copy_to_slice(0, &mut head).is_ok()
        && (128..192).contains(&head[0])
        && !(192..224).contains(&head[1])
}

/// Errors of the pipeline, and news of its latency; nobody else reads this bus.
pub fn listen_to_bus(pipeline: &gst::Pipeline, events: &PeerSenders) {
    let Some(bus) = pipeline.bus() else { return };
    let events = events.clone();
    let broken = AtomicBool::new(false);
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Latency(_) = message.view() {
            events.peer.notify(Event::Latency);
        }
        if let gst::MessageView::Error(error) = message.view() {
            let place = error.src().map(|src| src.path_string().to_string()).unwrap_or_default();
            let why = error.error().message().to_owned();
            if let Some(number) = encoder::number_in(&place) {
                events.encoder.notify(encoder::Event::Broke { number, why });
                return gst::BusSyncReply::Drop;
            }
            if place.contains(playback::NAME) {
                events.playback.notify(playback::Event::Failed(why));
            } else if !broken.swap(true, Relaxed) {
                let fault = Fault::new(stage_of(&place), Code::HostUnreachable, why);
                events.peer.notify(Event::Broken(fault));
            }
        }
        gst::BusSyncReply::Drop
    });
}

fn stage_of(place: &str) -> &'static str {
    [("dtls", "dtls"), ("nice", "ice"), ("enc", "encoder"), ("pay", "encoder")]
        .iter()
        .find(|(part, _)| place.contains(part))
        .map_or("transport", |(_, stage)| stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_is_told_from_rtcp_dtls_and_stun() {
        gst::init().expect("GStreamer starts");
        for (bytes, rtp) in [
            ([0x80, 0x60], true),
            ([0x90, 0xef], true),
            ([0x80, 0xc8], false),
            ([0x16, 0xfe], false),
            ([0, 1], false),
        ] {
            assert_eq!(is_rtp(&gst::Buffer::from_slice(bytes)), rtp, "{bytes:?}");
        }
        assert!(!is_rtp(&gst::Buffer::from_slice([0x80])));
    }
}
