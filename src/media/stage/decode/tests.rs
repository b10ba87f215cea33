use std::time::Instant;

use gstreamer_app as gst_app;

use super::super::budget::Budget;
use super::*;
use crate::limits::Limits;
use crate::media::jitter_buffer;
use crate::media::opus::talk;
use crate::media::testing;

/// What the stage hears of these packets, but for those that are lost; with or without the help of those after them.
fn heard(packets: &[gst::Buffer], fec: bool, is_lost: impl Fn(usize) -> bool) -> Vec<i16> {
    let pipeline = gst::Pipeline::new();
    let caps = "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload=111";
    let caps: gst::Caps = caps.parse().expect("caps");
    let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).max_bytes(0).build();
    let buffer = jitter_buffer::make();
    let of_it = caps.clone();
    buffer.connect("request-pt-map", false, move |_| Some(of_it.to_value()));
    buffer.set_property("latency", 120u32);
    let pool = Pool::start().expect("threads");
    let meter = Arc::new(Meter::new(Instant::now()));
    let decoders = Decoders::find().expect("apt-get install gstreamer1.0-plugins-base");
    let refuse: probes::Refuse = Arc::new(|why| panic!("{why}"));
    let reservation = Budget::new(Limits::default()).reserve(&Limits::default()).expect("no limits");
    let guard = Guard::new(Codec::Opus, Arc::new(reservation), refuse);
    let chain = chain(&pipeline, decoders, &pool, &meter, None, guard).expect("a chain");
    pipeline.add_many([source.upcast_ref(), &buffer]).expect("nothing of that name");
    source.link(&buffer).expect("they fit");
    pad(&buffer, "src")
        .and_then(|src| src.link(&chain.entry).map_err(|e| gst::glib::bool_error!("{e}")))
        .expect("they fit");
    // As rtpptdemux, which stands between them, says it.
    chain.entry.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |entry, info| {
        if info.event().is_some_and(|event| event.type_() == gst::EventType::Segment) {
            entry.send_event(gst::event::Caps::new(&caps));
        }
        gst::PadProbeReturn::Ok
    });
    let decoder = chain.decoded.parent_element().expect("a decoder");
    assert!(decoder.property::<bool>("use-inband-fec"));
    decoder.set_property("use-inband-fec", fec);
    let heard = talk::collect(&chain.decoded);
    pipeline.set_state(gst::State::Playing).expect("it plays");
    for (number, packet) in packets.iter().enumerate().filter(|(number, _)| !is_lost(*number)) {
        let mut packet = packet.copy();
        packet.get_mut().expect("a copy of our own").set_pts(talk::time(number));
        source.push_buffer(packet).expect("it is taken");
    }
    source.end_of_stream().expect("it ends");
    testing::end(&pipeline);
    pool.finish();
    std::mem::take(&mut *heard.lock().expect("nothing panicked"))
}

#[test]
fn what_is_lost_of_a_voice_is_heard_by_the_packet_after_it() {
    gst::init().expect("GStreamer starts");
    let packets = talk::packets(&talk::encoder(), 8);
    let kept = [true, false].map(|fec| {
        let whole = heard(&packets, fec, |_| false);
        let lossy = heard(&packets, fec, talk::is_lost);
        assert!(whole.len().abs_diff(lossy.len()) <= 960, "{} and {}", whole.len(), lossy.len());
        talk::kept(&whole, &lossy)
    });
    eprintln!("{kept:.1?} dB with and without");
    assert!(kept[0] > kept[1] + 3.0, "{kept:?} dB with and without");
}
