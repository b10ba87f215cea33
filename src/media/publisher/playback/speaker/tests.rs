use std::thread;

use gstreamer_app as gst_app;

use super::*;
use crate::media::opus::talk;
use crate::media::testing;

/// What the speaker is given of these packets, but for those that are lost; they come one each 20 ms. With or without the help of those
/// after them.
fn played(packets: &[gst::Buffer], fec: bool, is_lost: impl Fn(usize) -> bool) -> Vec<i16> {
    let pipeline = gst::Pipeline::new();
    let caps = "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload=111";
    let source = gst_app::AppSrc::builder().format(gst::Format::Time).is_live(true).build();
    source.set_caps(Some(&caps.parse().expect("caps")));
    // As in webrtcbin.
    let buffer = gst::ElementFactory::make("rtpjitterbuffer").property("do-lost", true);
    let buffer = buffer.property("faststart-min-packets", 1u32).property("rtx-next-seqnum", false);
    let buffer = buffer.build().expect("apt-get install gstreamer1.0-plugins-good");
    let speaker = "fakesink name=speaker sync=false";
    let fragment = Fragment { launch: speaker.to_owned(), address: None };
    let bin = sound(&fragment, None, 1.0, &AudioProcessing::none(), &AudibleSound::default())
        .expect("usual elements");
    let decoders = bin.iterate_elements().into_iter().flatten();
    let mut decoders = decoders.filter(|element| element.factory().is_some_and(|it| it.name() == "opusdec"));
    let decoder = decoders.next().expect("it decodes");
    assert!(decoder.property::<bool>("use-inband-fec"));
    decoder.set_property("use-inband-fec", fec);
    pipeline.add_many([source.upcast_ref(), &buffer, bin.upcast_ref()]).expect("an empty pipeline");
    gst::Element::link_many([source.upcast_ref(), &buffer, bin.upcast_ref()]).expect("they fit");
    let end = bin.by_name("output-volume").and_then(|volume| volume.static_pad("src")).expect("named above");
    let heard = talk::collect(&end);
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let began = Instant::now();
    for (number, packet) in packets.iter().enumerate() {
        let due = began + Duration::from(talk::time(number));
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if !is_lost(number) {
            let mut packet = packet.copy();
            packet.get_mut().expect("a copy of our own").set_pts(talk::time(number));
            source.push_buffer(packet).expect("it is taken");
        }
    }
    source.end_of_stream().expect("it ends");
    testing::end(&pipeline);
    std::mem::take(&mut *heard.lock().expect("nothing panicked"))
}

#[test]
fn what_is_lost_of_the_room_is_played_by_the_packet_after_it() {
    gst::init().expect("GStreamer starts");
    let packets = talk::packets(&talk::encoder(), 4);
    let kept = [true, false].map(|fec| {
        let whole = played(&packets, fec, |_| false);
        let lossy = played(&packets, fec, talk::is_lost);
        // The last of them may be cut off by the end.
        assert!(whole.len().abs_diff(lossy.len()) <= 3 * 960, "{} and {}", whole.len(), lossy.len());
        talk::kept(&whole, &lossy)
    });
    eprintln!("{kept:.1?} dB with and without");
    assert!(kept[0] > kept[1] + 3.0, "{kept:?} dB with and without");
}

#[test]
fn a_decoder_that_waits_for_one_packet_delays_by_no_more() {
    gst::init().expect("GStreamer starts");
    let launch = "audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! opusenc name=end";
    let pipeline =
        gst::parse::launch(launch).expect("usual elements").downcast::<gst::Pipeline>().expect("one");
    let sink = gst::ElementFactory::make("fakesink").property("sync", true).build().expect("usual");
    let decoder = decoder().expect("usual elements");
    pipeline.add_many([&decoder, &sink]).expect("nothing of that name");
    gst::Element::link_many([&pipeline.by_name("end").expect("named above"), &decoder, &sink])
        .expect("they fit");
    pipeline.set_state(gst::State::Playing).expect("it plays");
    // What it says comes with the first sound.
    let came = talk::collect(&decoder.static_pad("src").expect("it has one"));
    let deadline = Instant::now() + Duration::from_secs(60);
    while came.lock().expect("nothing panicked").len() < 4_800 {
        assert!(Instant::now() < deadline, "nothing is decoded");
        thread::sleep(Duration::from_millis(10));
    }
    let mut query = gst::query::Latency::new();
    assert!(sink.query(&mut query));
    let (_, least, _) = query.result();
    pipeline.set_state(gst::State::Null).expect("it stops");
    assert!(least < gst::ClockTime::from_mseconds(100), "{least}");
}
