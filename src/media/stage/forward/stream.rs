//! One stream of a guest on its way to its viewers: each packet is copied once, for all of them.
//!
//! Invariant: the pad of the guest's webrtcbin has a probe only while somebody watches, and the probe waits for nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::packet;
use crate::media::codec::Codec;

/// One stream, whoever watches.
#[derive(Debug, Default)]
pub struct ForwardedStream {
    /// Its source in all offers.
    ssrc: u32,
    source: Mutex<StreamSource>,
    outputs: Arc<Mutex<Vec<(u64, gst_app::AppSrc)>>>,
    key_frames: Arc<Mutex<ForwardedKeyFrames>>,
}

/// What its viewers have of its key frames.
#[derive(Debug, Default)]
struct ForwardedKeyFrames {
    /// Whether a viewer lacks one.
    is_lacked: bool,
    /// When the last one was handed out.
    passed: Option<Instant>,
}

/// A viewer that asks so soon after a key frame was handed out has not seen it yet.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

/// Where the packets come from.
#[derive(Debug, Default)]
struct StreamSource {
    pad: Option<glib::WeakRef<gst::Pad>>,
    codec: Option<Codec>,
    probe: Option<gst::PadProbeId>,
}

/// The payload type of a codec in the offers to viewers.
pub fn payload_of(codec: Codec) -> u8 {
    match codec {
        Codec::Opus => 111,
        Codec::H264 | Codec::Vp8 => 96,
    }
}

impl ForwardedStream {
    /// Nothing comes yet, and nobody watches.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { ssrc: rand::random(), ..Self::default() })
    }

    /// Its source in all offers.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Its packets come out of this pad.
    pub fn comes_from(&self, pad: &gst::Pad, codec: Codec) {
        let mut source = lock(&self.source);
        source.pad = Some(pad.downgrade());
        source.codec = Some(codec);
        self.update(&mut source);
    }

    /// From now on it goes to this viewer, too, which lacks a key frame.
    pub fn add(&self, viewer: u64, output: gst_app::AppSrc) {
        lock(&self.outputs).push((viewer, output));
        lock(&self.key_frames).is_lacked = true;
        self.update(&mut lock(&self.source));
    }

    /// And no longer.
    pub fn remove(&self, viewer: u64) {
        let mut outputs = lock(&self.outputs);
        outputs.retain(|(other, _)| *other != viewer);
        if outputs.is_empty() {
            lock(&self.key_frames).is_lacked = false;
        }
        drop(outputs);
        self.update(&mut lock(&self.source));
    }

    /// A viewer asks for a key frame. Whether that is news.
    pub fn lack_key_frame(&self, now: Instant) -> bool {
        let mut key_frames = lock(&self.key_frames);
        let since = key_frames.passed.map(|passed| now.saturating_duration_since(passed));
        let is_news = !key_frames.is_lacked && since.is_none_or(|since| since >= ON_ITS_WAY);
        key_frames.is_lacked |= is_news;
        is_news
    }

    /// The guest is asked for one.
    pub fn take_lack(&self) {
        lock(&self.key_frames).is_lacked = false;
    }

    /// Whether a viewer lacks one.
    pub fn lacks(&self) -> bool {
        lock(&self.key_frames).is_lacked
    }

    fn update(&self, source: &mut StreamSource) {
        let pad = source.pad.as_ref().and_then(glib::WeakRef::upgrade);
        let is_watched = !lock(&self.outputs).is_empty();
        match (source.probe.take(), pad.zip(source.codec), is_watched) {
            (Some(probe), Some((pad, _)), false) => pad.remove_probe(probe),
            (None, Some((pad, codec)), true) => source.probe = self.watch(&pad, codec),
            (probe, _, _) => source.probe = probe,
        }
    }

    fn watch(&self, pad: &gst::Pad, codec: Codec) -> Option<gst::PadProbeId> {
        let (outputs, key_frames) = (Arc::clone(&self.outputs), Arc::clone(&self.key_frames));
        let (payload, ssrc) = (payload_of(codec), self.ssrc);
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |pad, info| {
            let base = pad.parent_element().and_then(|webrtc| webrtc.base_time());
            let forward = |packet: &gst::BufferRef| {
                let bytes = packet.map_readable().ok();
                if let Some(copy) = bytes.and_then(|bytes| packet::readdressed(&bytes, payload, ssrc)) {
                    if packet::begins_key_frame(codec, &copy) {
                        *lock(&key_frames) =
                            ForwardedKeyFrames { is_lacked: false, passed: Some(Instant::now()) };
                    }
                    hand_out(&lock(&outputs), copy, base.zip(packet.pts()).map(|(base, pts)| base + pts));
                }
            };
            match &info.data {
                Some(gst::PadProbeData::Buffer(packet)) => forward(packet),
                Some(gst::PadProbeData::BufferList(packets)) => packets.iter().for_each(forward),
                Some(_) | None => {}
            }
            gst::PadProbeReturn::Ok
        })
    }
}

/// `time` is that of the clock; each pipeline counts from a time of its own.
fn hand_out(outputs: &[(u64, gst_app::AppSrc)], packet: Vec<u8>, time: Option<gst::ClockTime>) {
    let packet = gst::Buffer::from_slice(packet);
    for (_, output) in outputs {
        let mut packet = packet.copy();
        let pts = time.zip(output.base_time()).and_then(|(time, base)| time.checked_sub(base));
        if let Some(packet) = packet.get_mut() {
            packet.set_pts(pts);
        }
        if let Err(error) = output.push_buffer(packet) {
            // It is being stopped, or failed and says so on its bus.
            tracing::trace!("a viewer takes nothing: {error}");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
