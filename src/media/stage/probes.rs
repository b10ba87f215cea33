//! What looks at the media of a peer on their way: counts for its [`Meter`], and what a decoder is not given.
//!
//! Invariant: a frame is left out before the decoder, never after; pictures that would be decoded without their key frame are not
//! decoded, and none is that claims to be larger than `frame_size` allows. A picture is kept before it is announced, so that who hears
//! of it can see it. Probes hold the meter, what is kept and a wake-up, never an element.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::budget::{Reservation, Short};
use super::frame_size::{self, FrameSize, Unfit, VP8_HEADER};
use super::governor::Decoding;
use super::meter::Meter;
use crate::limits::Limits;
use crate::media::codec::Codec;
use crate::model::Code;
use crate::model::media::Fault;

/// So much may come without a frame: a key frame of 1080p has a quarter of it at most. A depayloader would keep it all.
const FRAME_BYTES: usize = 4 << 20;
/// A reduced stream shows a new picture at most so often. It is asked for one less often than that.
const KEY_FRAME_EVERY: Duration = Duration::from_secs(1);

/// The last decoded picture.
#[derive(Debug, Clone, Default)]
pub struct Last(Arc<Mutex<Option<gst::Sample>>>);

impl Last {
    /// It, if there was one.
    pub fn picture(&self) -> Option<gst::Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, buffer: &gst::Buffer, caps: Option<&gst::Caps>) {
        let sample = gst::Sample::builder().buffer(buffer);
        let sample = caps.into_iter().fold(sample, |sample, caps| sample.caps(caps)).build();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sample);
    }
}

/// Says that the first picture or sound was decoded.
pub type Announce = Arc<dyn Fn() -> Sent + Send + Sync>;

/// Why nothing more of a stream is decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDecoded {
    /// By what it is.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// By what else is decoded.
    #[error("{0}")]
    Short(Short),
}

impl NotDecoded {
    /// What the peer ends with.
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::Unfit(_) => Code::InvalidParameter,
            Self::Short(_) => Code::RoomFull,
        };
        Fault::new("decoder", code, self.to_string())
    }
}

/// Says why nothing more of this stream is decoded.
pub type Refuse = Arc<dyn Fn(NotDecoded) -> Sent + Send + Sync>;

/// Whether a wake-up found room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It did.
    Yes,
    /// It did not: say it again later.
    No,
}

/// Counts what arrives at `source`, a pad of webrtcbin, and notes what was lost on the way.
pub fn watch_arrivals(source: &gst::Pad, codec: Codec, meter: &Arc<Meter>) {
    let meter = Arc::clone(meter);
    let kinds =
        gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST | gst::PadProbeType::EVENT_DOWNSTREAM;
    source.add_probe(kinds, move |_, info| {
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => arrived(&meter, codec, buffer),
            Some(gst::PadProbeData::BufferList(list)) => {
                list.make_mut().foreach_mut(|mut buffer, _| {
                    arrived(&meter, codec, &mut buffer);
                    ControlFlow::Continue(Some(buffer))
                });
            }
            Some(gst::PadProbeData::Event(event)) => {
                if event.structure().is_some_and(|s| s.name() == "GstRTPPacketLost") && codec != Codec::Opus {
                    meter.want_key_frame();
                }
            }
            // Queries and what later versions add carry no media.
            Some(_) | None => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// From here on a packet of pictures has the time of its arrival: by its own one its sender could claim any lag. FrameSize are shown
/// when they are decoded, so nobody misses it.
fn arrived(meter: &Meter, codec: Codec, buffer: &mut gst::Buffer) {
    match codec {
        Codec::Opus => meter.audio_packet(Instant::now(), buffer.size()),
        Codec::H264 | Codec::Vp8 => {
            let moment = meter.video_packet(Instant::now(), buffer.size());
            let buffer = buffer.make_mut();
            buffer.set_pts(gst::ClockTime::from_nseconds(moment));
            buffer.set_dts(gst::ClockTime::NONE);
        }
    }
}

/// Keeps from a decoder what it must not be given; after the first such thing, everything.
pub struct Guard {
    codec: Codec,
    /// Bytes that came since the last frame.
    waiting: AtomicUsize,
    refused: AtomicBool,
    told: AtomicBool,
    refuse: Refuse,
    reservation: Arc<Reservation>,
}

impl Guard {
    /// For one stream of the peer that has this reservation.
    pub fn new(codec: Codec, reservation: Arc<Reservation>, refuse: Refuse) -> Self {
        Self {
            codec,
            waiting: AtomicUsize::new(0),
            refused: AtomicBool::new(false),
            told: AtomicBool::new(false),
            refuse,
            reservation,
        }
    }

    /// Of the stream.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// A packet is about to become part of a frame.
    fn packet(&self, bytes: usize) -> Result<(), NotDecoded> {
        let waiting = self.waiting.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if waiting > FRAME_BYTES { Err(Unfit::Endless(FRAME_BYTES).into()) } else { Ok(()) }
    }

    /// A frame is about to be decoded.
    fn frame(&self, frame: &gst::BufferRef) -> Result<(), NotDecoded> {
        self.waiting.store(0, Relaxed);
        match self.read(frame)? {
            Some(pictures) => self.reservation.show(pictures, Limits::read).map_err(NotDecoded::Short),
            None => Ok(()),
        }
    }

    /// What the header of a frame says of the pictures from now on.
    fn read(&self, frame: &gst::BufferRef) -> Result<Option<FrameSize>, Unfit> {
        match self.codec {
            Codec::Opus => Ok(None),
            Codec::H264 => {
                let frame = frame.map_readable().map_err(|_| Unfit::Unreadable)?;
                frame_size::check_h264(&frame)
            }
            Codec::Vp8 => {
                let mut head = [0; VP8_HEADER];
                let length = frame.size().min(VP8_HEADER);
                frame.copy_to_slice(0, &mut head[..length]).map_err(|_| Unfit::Unreadable)?;
                frame_size::check_vp8(&head[..length])
            }
        }
    }

    /// What the depayloader or the parser has read of the stream.
    fn caps(&self, caps: &gst::CapsRef) -> Result<(), NotDecoded> {
        let pixels =
            |name| caps.structure(0).and_then(|caps| u32::try_from(caps.get::<i32>(name).ok()?).ok());
        pixels("width")
            .zip(pixels("height"))
            .map_or(Ok(()), |(width, height)| Ok(frame_size::check_size(width, height)?))
    }

    /// Whether it goes on, by what was found. Says once why not.
    fn judge(&self, found: Result<(), NotDecoded>) -> gst::PadProbeReturn {
        if let Err(why) = found {
            self.refused.store(true, Relaxed);
            if !self.told.load(Relaxed) && (self.refuse)(why) == Sent::Yes {
                self.told.store(true, Relaxed);
            }
        }
        if self.refused.load(Relaxed) { gst::PadProbeReturn::Handled } else { gst::PadProbeReturn::Ok }
    }
}

/// Bounds what a depayloader collects for one frame, and notes whose turn it is.
pub fn take_up_packets(depayloader_sink: &gst::Pad, meter: &Arc<Meter>, guard: &Arc<Guard>) {
    let (meter, guard) = (Arc::clone(meter), Arc::clone(guard));
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    let take_up = move |packet: &gst::BufferRef| {
        if let Some(moment) = packet.pts() {
            meter.taken_up(moment.nseconds());
        }
    };
    depayloader_sink.add_probe(kinds, move |_, info| match &info.data {
        Some(gst::PadProbeData::Buffer(packet)) => {
            take_up(packet);
            guard.judge(guard.packet(packet.size()))
        }
        Some(gst::PadProbeData::BufferList(list)) => {
            list.iter().for_each(&take_up);
            guard.judge(guard.packet(list.calculate_size()))
        }
        // Nothing else was asked for.
        Some(_) | None => gst::PadProbeReturn::Ok,
    });
}

/// When the last key frame was decoded.
#[derive(Default)]
struct KeyFrames(Mutex<Option<Instant>>);

impl KeyFrames {
    /// Whether this one is decoded: a stream that consists of them would be no smaller for being reduced.
    fn fits(&self, now: Instant, decoding: Decoding) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let early = last.is_some_and(|last| now.saturating_duration_since(last) < KEY_FRAME_EVERY);
        if early && decoding == Decoding::KeyFrames {
            return false;
        }
        *last = Some(now);
        true
    }
}

/// Leaves out what cannot or shall not be decoded: what does not fit, all before a key frame, and, when reduced, all but key frames.
pub fn gate_frames(decoder_sink: &gst::Pad, meter: &Arc<Meter>, guard: Arc<Guard>) {
    let meter = Arc::clone(meter);
    let whole = AtomicBool::new(false);
    let key_frames = KeyFrames::default();
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    decoder_sink.add_probe(kinds, move |_, info| {
        let buffer = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => buffer,
            Some(gst::PadProbeData::Event(event)) => {
                let gst::EventView::Caps(caps) = event.view() else { return gst::PadProbeReturn::Ok };
                return guard.judge(guard.caps(caps.caps()));
            }
            // Queries and what later versions add carry no media.
            Some(_) | None => return gst::PadProbeReturn::Ok,
        };
        // Not `Drop`: the binding has taken the buffer, and GStreamer would drop it a second time.
        if guard.judge(guard.frame(buffer)) == gst::PadProbeReturn::Handled {
            return gst::PadProbeReturn::Handled;
        }
        if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            let fits = key_frames.fits(Instant::now(), meter.decoding());
            whole.store(fits, Relaxed);
            return if fits { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Handled };
        }
        match meter.decoding() {
            Decoding::KeyFrames => whole.store(false, Relaxed),
            Decoding::All if whole.load(Relaxed) => return gst::PadProbeReturn::Ok,
            Decoding::All => meter.want_key_frame(),
        }
        gst::PadProbeReturn::Handled
    });
}

/// Counts decoded pictures, notes their size, keeps the last, announces the first.
pub fn watch_pictures(
    decoder_source: &gst::Pad,
    meter: &Arc<Meter>,
    last: &Last,
    announce: Option<Announce>,
) {
    let (meter, last) = (Arc::clone(meter), last.clone());
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    decoder_source.add_probe(kinds, move |decoder_source, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(picture)) => {
                meter.decoded(Instant::now());
                last.keep(picture, decoder_source.current_caps().as_ref());
                tell(&meter, announce.as_ref());
            }
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view()
                    && let Ok(picture) = gst_video::VideoInfo::from_caps(caps.caps())
                {
                    meter.resized(picture.width(), picture.height());
                }
            }
            // Queries and what later versions add carry no pictures.
            Some(_) | None => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// Announces the first sound. Its level comes by the bus.
pub fn watch_sound(decoder_source: &gst::Pad, meter: &Arc<Meter>, announce: Option<Announce>) {
    let meter = Arc::clone(meter);
    decoder_source.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        tell(&meter, announce.as_ref());
        gst::PadProbeReturn::Ok
    });
}

fn tell(meter: &Meter, announce: Option<&Announce>) {
    if let Some(announce) = announce
        && meter.take_announcement()
        && announce() == Sent::No
    {
        meter.announce_next();
    }
}
