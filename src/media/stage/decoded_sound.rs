//! Decoded sound on its way into the ring of a mix, by the clock that all pipelines and the mix share.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::media::mix::{Input, RATE};

/// What is decoded and encoded, in the byte order of the machine.
pub const FORMAT: &str = if cfg!(target_endian = "little") { "S16LE" } else { "S16BE" };

/// From now on `input` hears what leaves `decoder`, a pad with decoded sound.
pub fn tap(decoder: &gst::Pad, input: Arc<Mutex<Input>>) {
    let channels = Mutex::new(None);
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    decoder.add_probe(kinds, move |decoder, info| {
        let mut channels = channels.lock().unwrap_or_else(PoisonError::into_inner);
        match &info.data {
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view() {
                    *channels = channels_of(caps.caps());
                }
            }
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let base = decoder.parent_element().and_then(|decoder| decoder.base_time());
                if let (Some(channels), Some(base), Some(pts)) = (*channels, base, buffer.pts()) {
                    let samples = mono(buffer, channels);
                    let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
                    input.write(now(), samples_at(base + pts), &samples);
                }
            }
            // Queries and what later versions add carry no sound.
            Some(_) | None => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// The clock of every pipeline here, and of the mix, in samples.
pub fn now() -> i64 {
    samples_at(gst::SystemClock::obtain().time())
}

/// The time of a sample of the mix.
pub fn time_of(at: i64) -> gst::ClockTime {
    gst::ClockTime::from_nseconds((i128::from(at) * 125_000 / 6) as u64)
}

/// Nanoseconds into samples: 48,000 of 10⁹ is 6 of 125,000.
fn samples_at(time: gst::ClockTime) -> i64 {
    (u128::from(time.nseconds()) * 6 / 125_000) as i64
}

/// Of 16 bit at the rate of the mix, as Opus is decoded; `None` for anything else.
fn channels_of(caps: &gst::CapsRef) -> Option<usize> {
    let sound = caps.structure(0)?;
    let fits = sound.get::<&str>("format") == Ok(FORMAT) && sound.get::<i32>("rate") == Ok(RATE as i32);
    let channels = sound.get::<i32>("channels").ok().filter(|_| fits)?;
    usize::try_from(channels).ok().filter(|channels| *channels > 0)
}

fn mono(buffer: &gst::BufferRef, channels: usize) -> Vec<i16> {
    let Ok(map) = buffer.map_readable() else { return Vec::new() };
    let sample = |bytes: &[u8; 2]| i32::from(i16::from_ne_bytes(*bytes));
    let frames = map.as_chunks::<2>().0.chunks_exact(channels);
    frames.map(|frame| (frame.iter().map(sample).sum::<i32>() / channels as i32) as i16).collect()
}
