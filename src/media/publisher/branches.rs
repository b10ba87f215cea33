//! The ways from the bridges to webrtcbin, and what the offer says of them.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_webrtc as gst_webrtc;

use super::send_meter::SendMeter;
use crate::media::bridge;
use crate::media::encoder::count_bytes;
use crate::media::profile::{self, Profile};
use crate::media::rtp_session;
use crate::model::Media;
use crate::model::media::Sound;
use crate::model::settings::VideoCodec;

/// The longest packet of RTP, so that it is 1200 bytes of UDP at most, as in the field: what every path carries (IPv6's least, 1280, with room for
/// a tunnel or a relay). Off go SRTP's tag (10 bytes), the number of what is sent again (2, RFC 4588), and room for header extensions (20).
const LONGEST_PACKET: u32 = 1200 - 10 - 2 - 20;

/// The number of the header extension for transport-wide feedback.
const TRANSPORT_CC_ID: u8 = 1;

/// Payload types of what is sent.
pub(super) const SOUND_PAYLOAD: u32 = 111;
pub(super) const PICTURES_PAYLOAD: u32 = 96;

/// Says in the offer which H.264 this is (RFC 6184): constrained baseline, as every browser takes it.
pub(super) fn with_profile(sdp: &str) -> String {
    let h264 = sdp.lines().find_map(|line| {
        let (payload, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.starts_with("H264/").then(|| payload.to_owned())
    });
    let Some(payload) = h264 else { return sdp.to_owned() };
    let ours = format!("a=fmtp:{payload} ");
    let mut out = String::with_capacity(sdp.len() + 100);
    for line in sdp.lines().filter(|line| !line.starts_with(&ours)) {
        out.push_str(line);
        out.push_str("\r\n");
        if line.starts_with(&format!("a=rtpmap:{payload} ")) {
            out.push_str(&ours);
            out.push_str("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n");
        }
    }
    out
}

/// What leaves a payloader: all that an offer says, so that webrtcbin can make it before the first packet is there. The payloader
/// takes its SSRC from here, and numbers its packets for transport-wide feedback, for these caps say so.
fn rtp(media: &str, name: &str, payload: u32, rate: i32) -> gst::caps::Builder<gst::caps::NoFeature> {
    let caps = gst::Caps::builder("application/x-rtp")
        .field("media", media)
        .field("encoding-name", name)
        .field("payload", i32::try_from(payload).unwrap_or_default())
        .field("clock-rate", rate)
        .field("ssrc", rand::random::<u32>());
    rtp_session::with_transport_cc(caps, TRANSPORT_CC_ID)
}

/// From the bridge of sound to webrtcbin; the end that is fed.
pub(super) fn add_sound(
    pipeline: &gst::Pipeline,
    webrtc: &gst::Element,
    profile: &Profile,
    meter: &Arc<SendMeter>,
) -> Result<gst_app::AppSrc, glib::BoolError> {
    let source = bridge::target("sound");
    let encoder = parse(&profile.audio_encoder.launch)?;
    let meter = Arc::clone(meter);
    count_bytes(&encoder, move |bytes| meter.sound(bytes));
    let payloader = gst::ElementFactory::make("rtpopuspay")
        .property("pt", SOUND_PAYLOAD)
        .property("mtu", LONGEST_PACKET)
        // What the encoder leaves out while nothing is heard is not sent.
        .property("dtx", true)
        .build()?;
    let filter = gst::ElementFactory::make("capsfilter")
        // Two channels, whatever is sent: RFC 7587 §7.
        .property("caps", rtp("audio", "OPUS", SOUND_PAYLOAD, 48_000).field("encoding-params", "2").build())
        .build()?;
    let steps = [source.upcast_ref(), encoder.upcast_ref(), &payloader, &filter];
    pipeline.add_many(steps)?;
    gst::Element::link_many(steps)?;
    filter.link(webrtc)?;
    Ok(source)
}

/// From an encoder to webrtcbin; the open end where one is put.
pub(super) fn add_pictures(
    pipeline: &gst::Pipeline,
    webrtc: &gst::Element,
    codec: VideoCodec,
) -> Result<gst::Pad, glib::BoolError> {
    let (parser, payloader, name) = match codec {
        VideoCodec::H264 => {
            // The parser puts the parameter sets in front of a key frame. The payloader would put them in front of each of its
            // slices, and whoever takes it apart would see as many frames, each of them with a part of the picture.
            let parser = gst::ElementFactory::make("h264parse").property("config-interval", -1i32).build()?;
            let payloader =
                gst::ElementFactory::make("rtph264pay").property("config-interval", 0i32).build()?;
            payloader.set_property_from_str("aggregate-mode", "zero-latency");
            (Some(parser), payloader, "H264")
        }
        VideoCodec::Vp8 => {
            let payloader = gst::ElementFactory::make("rtpvp8pay").build()?;
            payloader.set_property_from_str("picture-id-mode", "15-bit");
            (None, payloader, "VP8")
        }
    };
    payloader.set_property("pt", PICTURES_PAYLOAD);
    payloader.set_property("mtu", LONGEST_PACKET);
    let filter = gst::ElementFactory::make("capsfilter")
        .property("caps", rtp("video", name, PICTURES_PAYLOAD, 90_000).build())
        .build()?;
    let steps: Vec<&gst::Element> = parser.iter().chain([&payloader, &filter]).collect();
    pipeline.add_many(&steps)?;
    gst::Element::link_many(&steps)?;
    filter.link(webrtc)?;
    steps[0].static_pad("sink").ok_or_else(|| glib::bool_error!("there is no entry for pictures"))
}

fn parse(launch: &str) -> Result<gst::Bin, glib::BoolError> {
    profile::parse(launch).map_err(|error| glib::bool_error!("{}", error.to_string()))
}

/// Sound goes both ways, pictures to the stage only; what is lost of them is sent again.
pub(super) fn direct(webrtc: &gst::Element, media: Media, sound: Sound) {
    use gst_webrtc::WebRTCRTPTransceiverDirection::{Sendonly, Sendrecv};
    let sound = match sound {
        Sound::BothWays => Sendrecv,
        Sound::Outgoing => Sendonly,
    };
    let sections = match media {
        Media::Audio => vec![(sound, false)],
        Media::Video => vec![(sound, false), (Sendonly, true)],
    };
    for (index, (direction, again)) in (0i32..).zip(sections) {
        let transceiver: Option<gst_webrtc::WebRTCRTPTransceiver> =
            webrtc.emit_by_name("get-transceiver", &[&index]);
        if let Some(transceiver) = transceiver {
            transceiver.set_direction(direction);
            transceiver.set_property("do-nack", again);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing;

    #[test]
    fn the_offer_says_which_h264_it_is() {
        let sdp = "m=video 9 X 96 97\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";
        let said = with_profile(sdp);
        assert_eq!(said.matches("a=fmtp:96 ").count(), 1, "{said}");
        assert!(said.contains(
            "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
        ));
        assert!(said.contains("a=fmtp:97 apt=96\r\n"));
        let vp8 = "m=video 9 X 96\r\na=rtpmap:96 VP8/90000\r\n";
        assert_eq!(with_profile(vp8), vp8);
    }

    /// Kinds of the NAL units that an RTP packet begins or holds (RFC 6184 §5.2).
    fn kinds(packet: &[u8]) -> Vec<u8> {
        // Behind the header comes its extension (RFC 3550 §5.3.1).
        assert_eq!(packet[0] & 0x1f, 0x10, "each is numbered for transport-wide feedback");
        let words = usize::from(u16::from_be_bytes([packet[14], packet[15]]));
        let payload = &packet[16 + 4 * words..];
        match payload[0] & 0x1f {
            24 => {
                let (mut rest, mut kinds) = (&payload[1..], Vec::new());
                while let [high, low, unit @ ..] = rest {
                    kinds.push(unit[0] & 0x1f);
                    rest = &unit[usize::from(u16::from_be_bytes([*high, *low]))..];
                }
                kinds
            }
            28 if payload[1] & 0x80 == 0 => Vec::new(),
            28 => vec![payload[1] & 0x1f],
            kind => vec![kind],
        }
    }

    #[test]
    fn a_key_frame_of_several_slices_has_its_parameter_sets_once() {
        gst::init().expect("GStreamer starts");
        let launch = "videotestsrc num-buffers=1 pattern=snow ! video/x-raw,width=320,height=240 \
                      ! x264enc name=encoder tune=zerolatency speed-preset=ultrafast threads=4 sliced-threads=true \
                      fakesink name=far";
        let pipeline = gst::parse::launch(launch).expect("usual elements").downcast::<gst::Pipeline>();
        let pipeline = pipeline.expect("a pipeline");
        let [encoder, far] = ["encoder", "far"].map(|name| pipeline.by_name(name).expect("named above"));
        let entry = add_pictures(&pipeline, &far, VideoCodec::H264).expect("usual elements");
        encoder.static_pad("src").expect("it has one").link(&entry).expect("it fits");
        let (say, said) = std::sync::mpsc::channel();
        let packets = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
        far.static_pad("sink").expect("it has one").add_probe(packets, move |_, info| {
            let all: Vec<gst::Buffer> = match &info.data {
                Some(gst::PadProbeData::Buffer(packet)) => vec![packet.clone()],
                Some(gst::PadProbeData::BufferList(list)) => list.iter_owned().collect(),
                Some(_) | None => Vec::new(),
            };
            for packet in all {
                say.send(kinds(&packet.map_readable().expect("memory"))).unwrap_or_default();
            }
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing).expect("it plays");
        testing::end(&pipeline);
        let kinds: Vec<u8> = said.try_iter().flatten().collect();
        let count = |kind: u8| kinds.iter().filter(|other| **other == kind).count();
        assert!(count(5) > 1, "several slices: {kinds:?}");
        assert_eq!((count(7), count(8)), (1, 1), "{kinds:?}");
    }
}
