//! For tests: a voice in packets of Opus, some of which are lost, and how much of what they held is heard.

use std::f64::consts::TAU;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

/// Samples a second.
const RATE: usize = 48_000;
/// Samples in a packet, 20 ms.
const PACKET: usize = 960;
/// Of so many packets one is lost.
const EVERY: usize = 6;

/// What a packet with this number is stamped with.
pub fn time(number: usize) -> gst::ClockTime {
    gst::ClockTime::from_mseconds(20) * number as u64
}

/// Whether the network loses it; not the first, by which a decoder begins.
pub fn is_lost(number: usize) -> bool {
    number % EVERY == EVERY - 1
}

/// An encoder that repeats each packet in the next.
pub fn encoder() -> gst::Element {
    let encoder = gst::ElementFactory::make("opusenc")
        .property("bitrate", 32_000)
        .property_from_str("audio-type", "voice")
        .property("inband-fec", true)
        .property("packet-loss-percentage", 10);
    encoder.build().expect("apt-get install gstreamer1.0-plugins-base")
}

/// The packets of RTP that this encoder makes of a voice of so many seconds.
pub fn packets(encoder: &gst::Element, seconds: usize) -> Vec<gst::Buffer> {
    let caps = "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved";
    let source = gst_app::AppSrc::builder().format(gst::Format::Time).max_bytes(0).build();
    source.set_caps(Some(&caps.parse().expect("caps")));
    let payloader = gst::ElementFactory::make("rtpopuspay").property("pt", 111u32).build().expect("usual");
    let sink = gst_app::AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    let steps = [source.upcast_ref(), encoder, &payloader, sink.upcast_ref()];
    pipeline.add_many(steps).expect("an empty pipeline");
    gst::Element::link_many(steps).expect("they fit");
    pipeline.set_state(gst::State::Playing).expect("it plays");
    for (number, samples) in voice(seconds).chunks(PACKET).enumerate() {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        buffer.get_mut().expect("nobody else has it").set_pts(time(number));
        source.push_buffer(buffer).expect("it is taken");
    }
    source.end_of_stream().expect("it ends");
    let packets = std::iter::from_fn(|| sink.pull_sample().ok()?.buffer_owned()).collect();
    pipeline.set_state(gst::State::Null).expect("it stops");
    packets
}

/// Whether a packet holds the one before it once more (RFC 6716, section 4.2.4: a bit of each frame of SILK, here of one of 20 ms).
pub fn repeats(packet: &gst::Buffer) -> bool {
    let packet = packet.map_readable().expect("memory");
    let [kind, first, ..] = packet[12..] else { return false };
    kind >> 3 < 16 && first & 0x40 != 0
}

/// Collects the left samples of what leaves this pad, of 16 bit.
pub fn collect(pad: &gst::Pad) -> Arc<Mutex<Vec<i16>>> {
    let heard = Arc::<Mutex<Vec<i16>>>::default();
    let into = Arc::clone(&heard);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let caps = pad.current_caps().expect("sound has caps");
        let channels = caps.structure(0).and_then(|sound| sound.get::<i32>("channels").ok()).expect("some");
        let map = info.buffer().expect("asked for").map_readable().expect("memory");
        let samples = map.as_chunks::<2>().0.iter().step_by(usize::try_from(channels).expect("few"));
        let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
        into.extend(samples.map(|sample| i16::from_le_bytes(*sample)));
        gst::PadProbeReturn::Ok
    });
    heard
}

/// How much louder in dB what is heard `whole` is than what it differs by with the losses, where packets are lost.
pub fn kept(whole: &[i16], lossy: &[i16]) -> f64 {
    let (mut sound, mut error) = (0.0, 1e-9);
    for number in (0..whole.len().min(lossy.len()) / PACKET).filter(|number| is_lost(*number)) {
        let piece = number * PACKET..(number + 1) * PACKET;
        for (whole, lossy) in whole[piece.clone()].iter().zip(&lossy[piece]) {
            sound += f64::from(*whole).powi(2);
            error += (f64::from(*whole) - f64::from(*lossy)).powi(2);
        }
    }
    10.0 * f64::log10(sound / error)
}

/// Five syllables a second, each of another pitch that glides.
fn voice(seconds: usize) -> Vec<i16> {
    const SYLLABLE: usize = RATE / 5;
    let mut phase = 0.0;
    (0..seconds * RATE)
        .map(|at| {
            let (syllable, within) = (at / SYLLABLE, (at % SYLLABLE) as f64 / SYLLABLE as f64);
            let pitch = 110.0 + (syllable * 37 % 90) as f64 + 40.0 * within;
            phase += pitch / RATE as f64 * TAU;
            let loud = (within / 0.05).min(1.0) * (1.0 - within).powf(0.7);
            let tract = |harmonic: f64| {
                let formant =
                    |centre: f64, width: f64| (1.0 + ((harmonic * pitch - centre) / width).powi(2)).recip();
                formant(400.0 + (syllable * 211 % 500) as f64, 120.0) + 0.5 * formant(1_400.0, 200.0)
            };
            let sound: f64 = (1..=20).map(f64::from).map(|h| tract(h) * (h * phase).sin()).sum();
            (sound * loud * 5_000.0) as i16
        })
        .collect()
}
