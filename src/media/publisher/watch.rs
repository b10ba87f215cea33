//! What is watched of a peer: errors, the encoder's output, the first packet that leaves.
//!
//! Invariant: callbacks hold a [`Tell`] or the meter, never an element.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::encoding;
use super::events::{PeerTold, Tell};
use super::playback;
use super::stats::Meter;
use crate::model::Code;
use crate::model::media::Fault;

/// A key frame is forced at most so often: storms of requests have hung encoders.
const KEY_FRAME_PAUSE: Duration = Duration::from_millis(500);

/// Counts the bytes of every buffer that leaves an encoder.
pub(super) fn count(encoder: &gst::Bin, counted: impl Fn(usize) + Send + Sync + 'static) {
    let Some(pad) = encoder.static_pad("src") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer() {
            counted(buffer.size());
        }
        gst::PadProbeReturn::Ok
    });
}

/// Counts frames and their size, and holds storms of key-frame requests back.
pub(super) fn pictures(encoder: &gst::Bin, meter: &Arc<Meter>) {
    let counter = Arc::clone(meter);
    count(encoder, move |bytes| counter.frame(bytes));
    let Some(pad) = encoder.static_pad("src") else { return };
    let sizes = Arc::clone(meter);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) {
            let structure = caps.caps().structure(0);
            let field = |name| structure.and_then(|s| u32::try_from(s.get::<i32>(name).ok()?).ok());
            if let (Some(width), Some(height)) = (field("width"), field("height")) {
                sizes.size(width, height);
            }
        }
        gst::PadProbeReturn::Ok
    });
    let last: Mutex<Option<Instant>> = Mutex::new(None);
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
        if gst_video::UpstreamForceKeyUnitEvent::parse(event).is_err() {
            return gst::PadProbeReturn::Ok;
        }
        let now = Instant::now();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.saturating_duration_since(last) < KEY_FRAME_PAUSE) {
            // Not `Drop`: the binding has taken the event, and GStreamer would drop it a second time.
            return gst::PadProbeReturn::Handled;
        }
        *last = Some(now);
        gst::PadProbeReturn::Ok
    });
}

/// Counts the RTP packets that are handed to the network, after encryption, and says the first.
pub(super) fn packets(webrtc: &gst::Element, meter: &Arc<Meter>, tell: &Tell) {
    let Some(bin) = webrtc.downcast_ref::<gst::Bin>() else { return };
    let (tell, meter) = (tell.clone(), Arc::clone(meter));
    let said = Arc::new(AtomicBool::new(false));
    bin.connect_deep_element_added(move |_, _, element| {
        let is_sink = element.factory().is_some_and(|factory| factory.name() == "nicesink");
        let Some(pad) = element.static_pad("sink").filter(|_| is_sink) else { return };
        let (tell, meter, said) = (tell.clone(), Arc::clone(&meter), Arc::clone(&said));
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
        pad.add_probe(kinds, move |_, info| {
            let rtp = match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => is_rtp(buffer),
                Some(gst::PadProbeData::BufferList(list)) => list.get(0).is_some_and(is_rtp),
                Some(_) | None => false,
            };
            if rtp {
                meter.packet();
                if !said.swap(true, Relaxed) {
                    tell.say(PeerTold::FirstPacket);
                }
            }
            gst::PadProbeReturn::Ok
        });
    });
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
pub(super) fn listen_to_bus(pipeline: &gst::Pipeline, tell: &Tell) {
    let Some(bus) = pipeline.bus() else { return };
    let tell = tell.clone();
    let broken = AtomicBool::new(false);
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Latency(_) = message.view() {
            tell.say(PeerTold::Latency);
        }
        if let gst::MessageView::Error(error) = message.view() {
            let place = error.src().map(|src| src.path_string().to_string()).unwrap_or_default();
            let why = error.error().message().to_owned();
            if let Some(number) = encoding::number_in(&place) {
                tell.say(PeerTold::EncoderBroke { number, why });
                return gst::BusSyncReply::Drop;
            }
            if place.contains(playback::NAME) {
                tell.say(PeerTold::Playback(why));
            } else if !broken.swap(true, Relaxed) {
                tell.say(PeerTold::Broken(Fault::new(stage_of(&place), Code::HostUnreachable, why)));
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
