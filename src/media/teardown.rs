//! The end of peer connections, on a thread of its own: it takes its time.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::streams::Streams;
use super::worker::Worker;
use crate::memory;

/// What is left of a peer that is over: its pipeline, which still runs.
#[derive(Debug)]
pub struct Remains {
    /// It.
    pub pipeline: gst::Pipeline,
    /// What is held back in it.
    pub streams: Streams,
}

impl Remains {
    fn stop(self) {
        let Self { pipeline, streams } = self;
        streams.let_go();
        if pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("the pipeline of a peer did not stop cleanly");
        }
        if let Some(bus) = pipeline.bus() {
            bus.unset_sync_handler();
        }
        drop(pipeline);
        memory::give_back();
    }
}

/// The thread.
#[derive(Debug)]
pub struct Teardown(Worker<Remains>);

impl Teardown {
    /// Starts the thread `name`; at most `room` peers wait for it.
    pub fn start(name: &str, room: usize) -> std::io::Result<Self> {
        Worker::start(name, room, Remains::stop).map(Self)
    }

    /// Stops a peer; here and now when too many wait.
    pub fn take(&self, remains: Remains) {
        if let Err(remains) = self.0.give(remains) {
            tracing::warn!("peers end slower than they come");
            remains.stop();
        }
    }

    /// Waits until all are stopped.
    pub fn finish(self) {
        self.0.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    use super::*;

    /// Generous: the machine may have other work.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn wait(what: &str, is: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A peer made of `inside`, which sends something out of the pad that is returned.
    fn peer(inside: &str) -> (gst::Pipeline, gst::Bin, gst::Pad) {
        gst::init().expect("GStreamer starts");
        let bin = gst::parse::bin_from_description(inside, false).expect("usual elements");
        let end = bin.by_name("end").and_then(|end| end.static_pad("src")).expect("an end");
        let pad = show(&bin, &end);
        let pipeline = gst::Pipeline::new();
        let outside = gst::Bin::new();
        outside.add(&bin).expect("an empty bin");
        pipeline.add(&outside).expect("an empty pipeline");
        (pipeline, outside, pad)
    }

    fn show(bin: &gst::Bin, target: &gst::Pad) -> gst::Pad {
        let pad = gst::GhostPad::with_target(target).expect("a pad").upcast::<gst::Pad>();
        pad.set_active(true).expect("a pad that goes");
        bin.add_pad(&pad).expect("a new pad");
        pad
    }

    #[test]
    fn a_stream_that_nobody_takes_goes_on() {
        let (pipeline, outside, pad) = peer("audiotestsrc is-live=true ! identity name=end");
        let streams = Streams::default();
        let pad = show(&outside, &pad);
        let stream = streams.hold(&pad).expect("nothing was let go");
        pipeline.set_state(gst::State::Playing).expect("it plays");
        wait("nothing comes", || pad.is_blocking());
        drop(stream);
        wait("it is still held back", || !pad.is_blocked());
        Remains { pipeline, streams }.stop();
    }

    /// webrtcbin may show a pad after its own were closed, and before what feeds them is.
    #[test]
    fn a_peer_that_shows_a_stream_while_it_is_stopped_comes_to_its_end() {
        let (pipeline, outside, inner) = peer(
            "audiotestsrc ! identity sleep-time=1000 ! errorignore name=end ignore-notlinked=true convert-to=ok",
        );
        let first = gst::ElementFactory::make("fakesink").property("async", false).build().expect("a sink");
        outside.add(&first).expect("a new element");
        let streams = Streams::default();
        let (bus, held) = (pipeline.bus().expect("a bus"), streams.clone());
        let (shown, was_shown) = channel();
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::StateChanged(change) = message.view()
                && message.src() == Some(first.upcast_ref())
                && (change.old(), change.current()) == (gst::State::Paused, gst::State::Ready)
            {
                let late = show(&outside, &inner);
                let stream = held.hold(&late);
                wait("nothing comes", || stream.is_none() || late.is_blocking());
                shown.send(stream).unwrap_or_default();
            }
            gst::BusSyncReply::Drop
        });
        pipeline.set_state(gst::State::Playing).expect("it plays");
        let (done, ended) = channel();
        let teardown = Teardown::start("teardown", 1).expect("a thread");
        teardown.take(Remains { pipeline, streams });
        std::thread::spawn(move || {
            teardown.finish();
            done.send(()).unwrap_or_default();
        });
        let stream = was_shown.recv_timeout(PATIENCE).expect("it is shown");
        ended.recv_timeout(PATIENCE).expect("it ends");
        assert!(stream.is_none(), "what comes too late is held back");
    }
}
