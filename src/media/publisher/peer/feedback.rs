//! Transport-wide feedback: what the far side says of each packet, as GStreamer's session hands it up, kept until the loop looks.
//!
//! Invariant: callbacks hold this, never an element; what waits is bounded. What it means is `rate`'s to say.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use crate::media::publisher::branches::{PICTURES_PAYLOAD, SOUND_PAYLOAD};
use crate::media::rate::{PacketKind, ReportedPacket};

/// What a packet has around its payload, in bytes: the headers of IP and UDP (28) and RTP (12), the number of transport-wide feedback (8),
/// SRTP's tag (10).
const HEADERS: u32 = 28 + 12 + 8 + 10;
/// So many packets may wait: those of a second at 10 Mbit/s. More are not looked at.
const WAITING: usize = 1_024;

/// What came since the loop looked last.
#[derive(Debug, Default)]
pub struct TransportFeedback(Mutex<Vec<ReportedPacket>>);

impl TransportFeedback {
    /// Takes what the session of this webrtcbin is told from now on.
    pub fn watch(self: &Arc<Self>, webrtc: &gst::Element) {
        let Some(bin) = webrtc.downcast_ref::<gst::Bin>() else { return };
        let feedback = Arc::clone(self);
        bin.connect_deep_element_added(move |_, _, element| {
            if element.factory().is_none_or(|factory| factory.name() != "rtpsession") {
                return;
            }
            let feedback = Arc::clone(&feedback);
            element.connect_pad_added(move |_, pad| {
                if pad.name().starts_with("send_rtp_sink") {
                    feedback.listen(pad);
                }
            });
        });
    }

    fn listen(self: &Arc<Self>, pad: &gst::Pad) {
        let feedback = Arc::clone(self);
        pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            let told = info.event().and_then(|event| event.structure());
            let told = told.filter(|told| told.name() == "RTPTWCCPackets");
            if let Some(packets) = told.and_then(|told| told.get::<glib::ValueArray>("packets").ok()) {
                feedback.take(&packets);
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn take(&self, packets: &[glib::Value]) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = WAITING.saturating_sub(waiting.len());
        let packets = packets.iter().filter_map(|packet| packet.get::<gst::Structure>().ok());
        waiting.extend(packets.filter_map(|packet| read(&packet)).take(room));
    }

    /// What came since this was last asked.
    pub fn drain(&self) -> Vec<ReportedPacket> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Now, by the clock that the session stamps packets with.
pub fn clock() -> Duration {
    gst::SystemClock::obtain().time().into()
}

fn read(packet: &gst::StructureRef) -> Option<ReportedPacket> {
    let lost = packet.get::<bool>("lost").ok()?;
    let sent = Duration::from_nanos(packet.get::<u64>("local-ts").ok()?);
    let arrived = packet.get::<u64>("remote-ts").ok().filter(|at| !lost && *at != u64::MAX);
    let payload = packet.get::<u8>("payload-type").map(u32::from);
    let first = payload.is_ok_and(|payload| [SOUND_PAYLOAD, PICTURES_PAYLOAD].contains(&payload));
    Some(ReportedPacket {
        sent,
        arrived: arrived.map(Duration::from_nanos),
        size: packet.get::<u32>("size").ok()?.saturating_add(HEADERS),
        kind: if first { PacketKind::Media } else { PacketKind::Again },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u32, payload: u8, remote: u64, lost: bool) -> gst::Structure {
        gst::Structure::builder("RTPTWCCPacket")
            .field("seqnum", number)
            .field("local-ts", 5_000_000u64)
            .field("remote-ts", remote)
            .field("payload-type", payload)
            .field("size", 1_000u32)
            .field("lost", lost)
            .build()
    }

    fn told(packets: impl IntoIterator<Item = gst::Structure>) -> Vec<glib::Value> {
        packets.into_iter().map(|packet| packet.to_value()).collect()
    }

    #[test]
    fn what_a_session_is_told_is_read() {
        gst::init().expect("GStreamer starts");
        let feedback = TransportFeedback::default();
        feedback.take(&told([
            packet(1, 96, 9_000_000, false),
            packet(2, 97, u64::MAX, true),
            gst::Structure::new_empty("RTPTWCCPacket"),
        ]));
        let at = Duration::from_millis(5);
        assert_eq!(
            feedback.drain(),
            [
                ReportedPacket {
                    sent: at,
                    arrived: Some(Duration::from_millis(9)),
                    size: 1_058,
                    kind: PacketKind::Media
                },
                ReportedPacket { sent: at, arrived: None, size: 1_058, kind: PacketKind::Again },
            ]
        );
        assert_eq!(feedback.drain(), []);
    }

    #[test]
    fn what_waits_is_bounded() {
        gst::init().expect("GStreamer starts");
        let feedback = TransportFeedback::default();
        for _ in 0..3 {
            feedback.take(&told((0..1_000).map(|number| packet(number, 96, 1, false))));
        }
        assert_eq!(feedback.drain().len(), WAITING);
    }
}
