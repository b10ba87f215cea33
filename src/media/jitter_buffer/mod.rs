//! The stage's jitter buffer: puts the packets of one RTP stream in order, asks for lost ones, and gives them the time at which they
//! were sent.
//!
//! ```text
//! rtpssrcdemux ─► Order (by number: waits for what is missing, gives it up) ─► rtpptdemux
//!                   ▲ Timeline (RTP time → time of the pipeline)
//! ```
//! GStreamer's own has two threads for each stream, and a host has two streams for each guest. This one has none: it does everything
//! when a packet comes, which is every 20 or 33 ms, and never plays anything by the clock: the pictures are shown to nobody, and the
//! mix has its own delay. Invariants: without a gap a packet passes at once; what waits is bounded in time and in number. Not here: the
//! guest's side, where sound is played by the clock.

mod element;
mod order;
mod timeline;

use gstreamer as gst;
use gstreamer::prelude::*;

use self::element::JitterBuffer;

/// Every stream that this webrtcbin receives goes through a buffer of this kind.
pub fn install(webrtc: &gst::Element) {
    let Some(rtpbin) = webrtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin")) else {
        return;
    };
    rtpbin.connect("request-jitterbuffer", false, |_| Some(JitterBuffer::new().to_value()));
}

/// One by itself.
#[cfg(test)]
pub fn make() -> gst::Element {
    JitterBuffer::new().upcast()
}

#[cfg(test)]
mod tests {
    use gstreamer_app::AppSrc;

    use super::*;

    #[test]
    fn the_wait_of_a_webrtcbin_is_that_of_its_rtpbin() {
        gst::init().expect("GStreamer starts");
        let webrtc = gst::ElementFactory::make("webrtcbin").build().expect("it is installed");
        webrtc.set_property("latency", 333u32);
        let rtpbin = webrtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin"));
        assert_eq!(rtpbin.expect("in every webrtcbin").property::<u32>("latency"), 333);
    }

    #[test]
    fn a_buffer_that_is_there_already_takes_another_wait() {
        gst::init().expect("GStreamer starts");
        let launch = "appsrc name=source is-live=true do-timestamp=true format=time \
                      caps=application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload=111 \
                      ! .recv_rtp_sink_0 rtpbin name=rtpbin latency=120";
        let pipeline = gst::parse::launch(launch).expect("usual elements");
        install(&pipeline);
        let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
        let rtpbin = pipeline.by_name("rtpbin").expect("named above");
        let (made, makes) = std::sync::mpsc::channel();
        rtpbin.connect("new-jitterbuffer", false, move |values| {
            made.send(values.get(1).and_then(|value| value.get::<gst::Element>().ok())).unwrap_or_default();
            None
        });
        let source = pipeline.by_name("source").and_then(|source| source.downcast::<AppSrc>().ok());
        let source = source.expect("named above");
        pipeline.set_state(gst::State::Playing).expect("it plays");
        for number in 0..5 {
            let packet = [0x80, 111, 0, number, 0, 0, 3 * number, 0, 0, 0, 0, 7, 0xf8];
            source.push_buffer(gst::Buffer::from_slice(packet)).expect("it is taken");
        }
        let buffer = makes.recv_timeout(std::time::Duration::from_secs(30)).expect("a stream is there");
        let buffer = buffer.expect("an element");
        assert!(buffer.is::<JitterBuffer>());
        assert_eq!(buffer.property::<u32>("latency"), 120);
        rtpbin.set_property("latency", 400u32);
        assert_eq!(buffer.property::<u32>("latency"), 400);
        pipeline.set_state(gst::State::Null).expect("it stops");
    }
}
