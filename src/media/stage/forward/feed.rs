//! The sections of an offer to a viewer, and what feeds them.

use std::sync::Arc;
use std::time::Instant;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_webrtc as gst_webrtc;

use super::offer::SentStream;
use super::stream::{ForwardedStream, payload_of};
use crate::media::codec::Codec;
use crate::media::description::Kind;
use crate::media::stage::connection::StageConnection;

/// Packets that wait for a viewer: those of a large key frame. Older ones are thrown away.
const MOST_WAITING: u64 = 512;

/// A stream of the guest, and where it goes in.
#[derive(Debug)]
pub struct Feed {
    /// Whether it is sound or pictures.
    pub kind: Kind,
    /// Where it comes from.
    pub stream: Arc<ForwardedStream>,
    /// Where it goes in.
    pub source: gst_app::AppSrc,
}

/// Into webrtcbin goes what this guest sends of one kind, and out of its section comes sound. `lacks` is called when the viewer lacks a key frame,
/// once until the guest is asked.
pub fn feed(
    connection: &StageConnection,
    sent: &SentStream,
    stream: Arc<ForwardedStream>,
    lacks: impl Fn() + Send + Sync + 'static,
) -> Result<Feed, glib::BoolError> {
    use gst_webrtc::WebRTCRTPTransceiverDirection::{Sendonly, Sendrecv};
    let StageConnection { pipeline, webrtc, .. } = connection;
    let caps = rtp_caps(sent, stream.ssrc());
    let source = gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        .is_live(true)
        .max_buffers(MOST_WAITING)
        .max_bytes(0)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build();
    pipeline.add(&source)?;
    let template = webrtc.pad_template("sink_%u");
    let sink = template.and_then(|template| webrtc.request_pad(&template, None, Some(&caps)));
    let sink = sink.ok_or_else(|| glib::bool_error!("webrtcbin takes nothing"))?;
    // webrtcbin takes a stream up with its caps, and those of the source come with the first packet.
    sink.send_event(gst::event::StreamStart::new("forwarded"));
    sink.send_event(gst::event::Caps::new(&caps));
    let end = source.static_pad("src").ok_or_else(|| glib::bool_error!("a source has no end"))?;
    end.link(&sink).map_err(|error| glib::bool_error!("{error}"))?;
    let transceiver: gst_webrtc::WebRTCRTPTransceiver = sink.property("transceiver");
    let (direction, again) = match sent.codec {
        Codec::Opus => (Sendrecv, false),
        Codec::H264 | Codec::Vp8 => (Sendonly, true),
    };
    transceiver.set_direction(direction);
    transceiver.set_codec_preferences(Some(&caps));
    transceiver.set_property("do-nack", again);
    let lacking = Arc::clone(&stream);
    end.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let asks = |event: &gst::Event| gst_video::UpstreamForceKeyUnitEvent::parse(event).is_ok();
        if info.event().is_some_and(asks) && lacking.lack_key_frame(Instant::now()) {
            lacks();
        }
        gst::PadProbeReturn::Ok
    });
    let kind = if sent.codec == Codec::Opus { Kind::Audio } else { Kind::Video };
    Ok(Feed { kind, stream, source })
}

/// A guest that says nothing can be talked to all the same.
pub fn take_voice(webrtc: &gst::Element) {
    let direction = gst_webrtc::WebRTCRTPTransceiverDirection::Recvonly;
    let caps = gst::Caps::builder("application/x-rtp")
        .field("media", "audio")
        .field("encoding-name", "OPUS")
        .field("clock-rate", 48_000)
        .field("encoding-params", "2")
        .field("payload", i32::from(payload_of(Codec::Opus)))
        .build();
    webrtc.emit_by_name::<gst_webrtc::WebRTCRTPTransceiver>("add-transceiver", &[&direction, &caps]);
}

fn rtp_caps(sent: &SentStream, ssrc: u32) -> gst::Caps {
    let (media, rate) = match sent.codec {
        Codec::Opus => ("audio", 48_000),
        Codec::H264 | Codec::Vp8 => ("video", 90_000),
    };
    let caps = gst::Caps::builder("application/x-rtp")
        .field("media", media)
        .field("encoding-name", sent.codec.encoding_name())
        .field("clock-rate", rate)
        .field("payload", i32::from(payload_of(sent.codec)))
        .field("ssrc", ssrc);
    match sent.codec {
        Codec::H264 => caps
            .field("level-asymmetry-allowed", "1")
            .field("packetization-mode", "1")
            .field("profile-level-id", sent.profile.as_str())
            .build(),
        // Both channels are named, also for one that is used (RFC 7587, section 7).
        Codec::Opus => caps.field("encoding-params", "2").build(),
        Codec::Vp8 => caps.build(),
    }
}
