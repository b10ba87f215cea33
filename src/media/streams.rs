//! What the other end sends, from webrtcbin's pad to who takes it.
//!
//! Only the thread that owns a pipeline builds in it: a new stream is held back until that thread has put something behind it.
//! Invariant: nothing is held back in a pipeline that is being stopped, for that waits for the thread that is held.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

/// The streams of one peer connection.
#[derive(Debug, Clone, Default)]
pub struct Streams(Arc<Mutex<Gate>>);

#[derive(Debug)]
enum Gate {
    /// New ones are held back, like these.
    Shut(Vec<Held>),
    /// None is.
    Open,
}

impl Default for Gate {
    fn default() -> Self {
        Self::Shut(Vec::new())
    }
}

#[derive(Debug)]
struct Held {
    pad: glib::WeakRef<gst::Pad>,
    block: gst::PadProbeId,
}

impl Held {
    fn let_go(self) {
        if let Some(pad) = self.pad.upgrade() {
            pad.remove_probe(self.block);
        }
    }
}

/// One stream that is held back; it goes on when this is dropped, by whoever took it or did not.
#[derive(Debug)]
pub struct Stream {
    pad: glib::WeakRef<gst::Pad>,
    streams: Streams,
}

impl Stream {
    /// The pad it comes out of, if that is still there.
    pub fn pad(&self) -> Option<gst::Pad> {
        self.pad.upgrade()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let pad = self.pad();
        let held = self.streams.at(|gate| match gate {
            Gate::Shut(all) => {
                all.iter().position(|held| held.pad.upgrade() == pad).map(|place| all.swap_remove(place))
            }
            Gate::Open => None,
        });
        held.into_iter().for_each(Held::let_go);
    }
}

impl Streams {
    /// Holds back what comes out of this pad; `None` once they are let go.
    pub fn hold(&self, pad: &gst::Pad) -> Option<Stream> {
        self.at(|gate| {
            let Gate::Shut(all) = gate else { return None };
            let block = pad.add_probe(gst::PadProbeType::BLOCK_DOWNSTREAM, |_, _| gst::PadProbeReturn::Ok)?;
            all.push(Held { pad: pad.downgrade(), block });
            Some(Stream { pad: pad.downgrade(), streams: self.clone() })
        })
    }

    /// Lets all go, and whatever comes from now on.
    pub fn let_go(&self) {
        if let Gate::Shut(all) = self.at(|gate| std::mem::replace(gate, Gate::Open)) {
            all.into_iter().for_each(Held::let_go);
        }
    }

    fn at<T>(&self, look: impl FnOnce(&mut Gate) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
