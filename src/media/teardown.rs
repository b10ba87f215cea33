//! The end of peer connections, on a thread of its own: it takes its time.
//!
//! Invariants: nobody waits for it, and who hands peers over bounds how many are at it ([`Teardown::under_way`]); webrtcbin is stopped only when it has done everything it was told. What it has not begun by then it forgets without an
//! answer, and what it is in the midst of (a transport that it adds, with the sockets of ICE) it leaves behind.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::streams::Streams;
use super::webrtc::Settling;
use crate::memory;

/// How long webrtcbin may take for what it was told. Its slowest step is the making of a description: some 10 ms, 4 s on a small board
/// that has no certificate yet.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);

/// What is left of a peer that is over: its pipeline, which still runs.
#[derive(Debug)]
pub struct Remains {
    /// It.
    pub pipeline: gst::Pipeline,
    /// The webrtcbin in it.
    pub webrtc: gst::Element,
    /// What is held back in it.
    pub streams: Streams,
}

impl Remains {
    /// Lets go what is held back, and has webrtcbin say when it is through with what it was told.
    fn settle(self) -> Ending {
        self.streams.let_go();
        let settling = Settling::begin(&self.webrtc, SETTLES_WITHIN);
        Ending { pipeline: self.pipeline, webrtc: self.webrtc, settling }
    }
}

/// A peer that is being stopped.
#[derive(Debug)]
struct Ending {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    settling: Settling,
}

impl Ending {
    fn stop(self) {
        let Self { pipeline, webrtc, settling } = self;
        let question = settling.wait();
        if pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("the pipeline of a peer did not stop cleanly");
        }
        if let Some(bus) = pipeline.bus() {
            bus.unset_sync_handler();
        }
        drop((pipeline, webrtc));
        // Only now: one that nobody answered is complained about when it is forgotten.
        question.interrupt();
        memory::give_back();
    }
}

/// The thread.
#[derive(Debug)]
pub struct Teardown {
    queue: Sender<(u64, Ending)>,
    done: Receiver<u64>,
    under_way: usize,
    thread: JoinHandle<()>,
}

impl Teardown {
    /// Starts the thread `name`, which calls `wake` when a peer is gone.
    pub fn start(name: &str, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (queue, pieces) = mpsc::channel::<(u64, Ending)>();
        let (gone, done) = mpsc::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            for (peer, ending) in pieces {
                ending.stop();
                // Nobody asks any more when it is finished.
                gone.send(peer).unwrap_or_default();
                wake();
            }
        })?;
        Ok(Self { queue, done, under_way: 0, thread })
    }

    /// Stops the peer of this number. Its time to settle begins now, beside those that are stopped before it: one that does not settle
    /// costs the others nothing but its own stop.
    pub fn take(&mut self, peer: u64, remains: Remains) {
        self.under_way += 1;
        if self.queue.send((peer, remains.settle())).is_err() {
            tracing::error!("the thread that ends peers is gone");
        }
    }

    /// How many are not stopped yet.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// One that was stopped since the last time.
    pub fn stopped(&mut self) -> Option<u64> {
        let peer = self.done.try_recv().ok()?;
        self.under_way -= 1;
        Some(peer)
    }

    /// Waits until all are stopped.
    pub fn finish(self) {
        drop(self.queue);
        if self.thread.join().is_err() {
            tracing::error!("the thread that ends peers panicked");
        }
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

    /// A webrtcbin that was told nothing.
    fn idle() -> gst::Element {
        gst::ElementFactory::make("webrtcbin").build().expect("apt-get install gstreamer1.0-plugins-bad")
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
        Remains { webrtc: idle(), pipeline, streams }.settle().stop();
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
        let mut teardown = Teardown::start("teardown", || ()).expect("a thread");
        teardown.take(1, Remains { webrtc: idle(), pipeline, streams });
        std::thread::spawn(move || {
            teardown.finish();
            done.send(()).unwrap_or_default();
        });
        let stream = was_shown.recv_timeout(PATIENCE).expect("it is shown");
        ended.recv_timeout(PATIENCE).expect("it ends");
        assert!(stream.is_none(), "what comes too late is held back");
    }
}
