//! What each section of a peer's offer is to carry.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

use crate::media::codec::Codec;
use crate::media::description::{Description, Direction, Kind, Section};
use crate::media::rtp_session;
use crate::model::Media;

/// The section that takes the return, if one does.
pub fn with_return(offer: &Description) -> Option<&Section> {
    offer.first(Kind::Audio).filter(|section| section.direction.receives())
}

/// A new pad of webrtcbin for the return. webrtcbin 1.22 finds no transceiver for a new pad (it compares the codecs the wrong way
/// round), so that the pad comes before any transceiver, and brings its own.
pub fn return_pad(webrtc: &gst::Element, section: &Section) -> Result<gst::Pad, glib::BoolError> {
    let template = webrtc.pad_template("sink_%u");
    let caps = caps_of(section.codec).build();
    let sink = template.and_then(|template| webrtc.request_pad(&template, None, Some(&caps)));
    sink.ok_or_else(|| glib::bool_error!("webrtcbin takes nothing"))
}

/// The first section of each kind is received, if the seat has that kind, and the return is sent where the guest takes it; the rest is
/// nothing. In the first round webrtcbin is given transceivers to match with the offer's sections, beside that of the return; later
/// they are there.
pub fn direct(
    webrtc: &gst::Element,
    offer: &Description,
    media: Media,
    exchange: u32,
    mut returned: Option<gst_webrtc::WebRTCRTPTransceiver>,
) {
    for (index, section) in (0i32..).zip(&offer.sections) {
        let direction = direction_of(offer, section, media);
        let caps = answered(section);
        let own = returned.take_if(|_| section.kind == Kind::Audio);
        let transceiver =
            if own.is_some() {
                own
            } else if exchange == 1 {
                Some(webrtc.emit_by_name::<gst_webrtc::WebRTCRTPTransceiver>(
                    "add-transceiver",
                    &[&direction, &caps],
                ))
            } else {
                webrtc.emit_by_name("get-transceiver", &[&index])
            };
        if let Some(transceiver) = transceiver {
            transceiver.set_direction(direction);
            transceiver.set_codec_preferences(Some(&caps));
            transceiver.set_property("do-nack", section.kind == Kind::Video);
        }
    }
}

fn direction_of(
    offer: &Description,
    section: &Section,
    media: Media,
) -> gst_webrtc::WebRTCRTPTransceiverDirection {
    use gst_webrtc::WebRTCRTPTransceiverDirection::{Inactive, Recvonly, Sendonly, Sendrecv};
    let first = offer.first(section.kind).is_some_and(|first| first.mid == section.mid);
    match (section.kind, section.direction) {
        (Kind::Audio, Direction::SendRecv) if first => Sendrecv,
        (Kind::Audio, Direction::RecvOnly) if first => Sendonly,
        (Kind::Audio, Direction::SendOnly) if first => Recvonly,
        (Kind::Video, _) if first && media == Media::Video => Recvonly,
        (Kind::Audio | Kind::Video, _) => Inactive,
    }
}

/// What webrtcbin is to answer to this section. Version 1.22 drops transport-wide feedback from the answer where this does not have it.
fn answered(section: &Section) -> gst::Caps {
    let caps = caps_of(section.codec);
    match section.transport_cc {
        Some(id) => rtp_session::with_transport_cc(caps, id).build(),
        None => caps.build(),
    }
}

fn caps_of(codec: Codec) -> gst::caps::Builder<gst::caps::NoFeature> {
    let (media, clock_rate) = match codec {
        Codec::Opus => ("audio", 48_000),
        Codec::H264 | Codec::Vp8 => ("video", 90_000),
    };
    gst::Caps::builder("application/x-rtp")
        .field("media", media)
        .field("encoding-name", codec.encoding_name())
        .field("clock-rate", clock_rate)
}
