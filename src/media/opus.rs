//! What a description of our own says of Opus (RFC 7587), and the decoder of both ends.

mod framing;
#[cfg(test)]
pub mod talk;

use gstreamer as gst;
use gstreamer::prelude::*;

/// Says that what is lost is taken from the packet after it: without that, browsers spare the bits for it (section 6.1).
const IN_BAND_FEC: &str = "useinbandfec=1";

/// The description with in-band FEC wanted in each section of Opus, whatever it said of that before.
pub fn with_in_band_fec(sdp: &str) -> String {
    let lines: Vec<&str> = sdp.lines().collect();
    let sections = lines.chunk_by(|_, next| !next.starts_with("m="));
    sections.flat_map(in_section).flat_map(|line| [line, "\r\n".to_owned()]).collect()
}

/// The decoder. What is lost is taken from the packet after it, or made up; what is no packet of Opus does not reach it.
pub fn decoder() -> Result<gst::Element, gst::glib::BoolError> {
    let decoder = gst::ElementFactory::make("opusdec")
        .property("use-inband-fec", true)
        .property("plc", true)
        .build()?;
    let entry = decoder.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("opusdec takes nothing"))?;
    entry.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        let packet = info.buffer().and_then(|packet| packet.map_readable().ok());
        let good = packet.is_some_and(|packet| framing::is_well_formed(&packet));
        // Not `Drop`, as in `encoder::frames`: GStreamer would drop it a second time.
        if good { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Handled }
    });
    Ok(decoder)
}

fn in_section(lines: &[&str]) -> Vec<String> {
    let payload = lines.iter().find_map(|line| {
        let (payload, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.split('/').next().filter(|name| name.eq_ignore_ascii_case("opus")).map(|_| payload)
    });
    let Some(payload) = payload else { return lines.iter().map(|line| (*line).to_owned()).collect() };
    let (name, says) = (format!("a=rtpmap:{payload} "), format!("a=fmtp:{payload} "));
    let said = lines.iter().find_map(|line| line.strip_prefix(&says)).unwrap_or_default();
    let others = said.split(';').map(str::trim).filter(|parameter| !parameter.is_empty());
    let others = others.filter(|parameter| !parameter.starts_with("useinbandfec="));
    let all: Vec<&str> = others.chain([IN_BAND_FEC]).collect();
    let kept = lines.iter().filter(|line| !line.starts_with(&says));
    kept.flat_map(|line| {
        let ours = line.starts_with(&name).then(|| says.clone() + &all.join(";"));
        std::iter::once((*line).to_owned()).chain(ours)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: &str = "m=video 9 X 111\r\na=rtpmap:111 VP8/90000\r\na=fmtp:111 x=1\r\n";

    fn audio(fmtp: &str) -> String {
        format!("v=0\r\nm=audio 9 X 111\r\na=rtpmap:111 OPUS/48000/2\r\n{fmtp}a=sendrecv\r\n{VIDEO}")
    }

    #[test]
    fn it_is_said_once_beside_what_else_is_said() {
        for (said, says) in [
            ("", "a=fmtp:111 useinbandfec=1\r\n"),
            ("a=fmtp:111 useinbandfec=1\r\n", "a=fmtp:111 useinbandfec=1\r\n"),
            (
                "a=fmtp:111 minptime=10; useinbandfec=0;stereo=1\r\n",
                "a=fmtp:111 minptime=10;stereo=1;useinbandfec=1\r\n",
            ),
        ] {
            assert_eq!(with_in_band_fec(&audio(said)), audio(says));
        }
        assert_eq!(with_in_band_fec(VIDEO), VIDEO);
    }
}
