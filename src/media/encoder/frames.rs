//! What leaves an encoder, counted on its streaming thread.
//!
//! Invariant: callbacks hold counters, never an element.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

/// A key frame is forced at most so often: storms of requests have hung encoders.
const KEY_FRAME_PAUSE: Duration = Duration::from_millis(500);

/// Counters of encoded pictures since the last [`EncodedFrames::reset`].
#[derive(Debug, Default)]
pub struct EncodedFrames {
    frames: AtomicU64,
    bytes: AtomicU64,
    /// Width in the upper half, height in the lower; 0 while unknown.
    size: AtomicU64,
}

impl EncodedFrames {
    pub fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Width and height in pixels, each once it is known.
    pub fn size(&self) -> (Option<u32>, Option<u32>) {
        let size = self.size.load(Relaxed);
        let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).ok().filter(|pixels| *pixels > 0);
        (half(size >> 32), half(size))
    }

    pub fn reset(&self) {
        for counter in [&self.frames, &self.bytes, &self.size] {
            counter.store(0, Relaxed);
        }
    }

    pub fn frame(&self, bytes: usize) {
        self.frames.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub fn set_size(&self, width: u32, height: u32) {
        self.size.store(u64::from(width) << 32 | u64::from(height), Relaxed);
    }

    /// Counts what leaves this encoder from now on.
    pub(super) fn watch(self: &Arc<Self>, encoder: &gst::Bin) {
        let counter = Arc::clone(self);
        count_bytes(encoder, move |bytes| counter.frame(bytes));
        let Some(pad) = encoder.static_pad("src") else { return };
        let sizes = Arc::clone(self);
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) {
                let structure = caps.caps().structure(0);
                let field = |name| structure.and_then(|s| u32::try_from(s.get::<i32>(name).ok()?).ok());
                if let (Some(width), Some(height)) = (field("width"), field("height")) {
                    sizes.set_size(width, height);
                }
            }
            gst::PadProbeReturn::Ok
        });
    }
}

/// Reports the size in bytes of every buffer that leaves an encoder.
pub fn count_bytes(encoder: &gst::Bin, counted: impl Fn(usize) + Send + Sync + 'static) {
    let Some(pad) = encoder.static_pad("src") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer() {
            counted(buffer.size());
        }
        gst::PadProbeReturn::Ok
    });
}

/// Drops key frame requests that come too soon after the last one.
pub(super) fn limit_key_frame_requests(encoder: &gst::Bin) {
    let Some(pad) = encoder.static_pad("src") else { return };
    let last: Mutex<Option<Instant>> = Mutex::new(None);
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
        if gst_video::UpstreamForceKeyUnitEvent::parse(event).is_err() {
            return gst::PadProbeReturn::Ok;
        }
        let now = Instant::now();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.saturating_duration_since(last) < KEY_FRAME_PAUSE) {
            // Not `Drop`: the binding has taken the event, and GStreamer would drop it a second time.
            return gst::PadProbeReturn::Handled;
        }
        *last = Some(now);
        gst::PadProbeReturn::Ok
    });
}
