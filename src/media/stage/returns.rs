//! The returns: one thread mixes what the decoders give, and feeds the encoder of each guest that listens.
//!
//! ```text
//! opusdec ─ probe ─► Input ─┐                         ┌─► appsrc (leaky) ─ opusenc ─ rtpopuspay ─ webrtcbin
//! opusdec ─ probe ─► Input ─┼─ mixing thread, 20 ms ──┼─► appsrc (leaky) ─ …
//! ```
//! Invariant: the mixing thread waits for nothing but its clock. What a guest does not take is thrown away in front of its encoder,
//! and an encoder runs on a thread of its own, so that one that is held up holds up nobody. Without a listener the thread sleeps.
//! Not here: the arithmetic (`mix`), and who may hear whom, which is the host's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::decoded_sound::{self, FORMAT, now, time_of};
use super::meter::Meter;
use crate::media::mix::{BLOCK, Block, Content, Input, Listener, RATE, Sum, Talker};
use crate::model::sound::{Audible, Return};

/// 20 ms.
const TICK: Duration = Duration::from_millis(20);
/// A thread that was held up for longer than this, in samples (200 ms), leaves out what it missed.
const MOST_BEHIND: i64 = 9_600;
/// Blocks that wait for an encoder; older ones are thrown away.
const MOST_WAITING: u64 = 5;
/// Bits a second of a return: a voice in full band, with room for in-band FEC.
const BIT_RATE: i32 = 32_000;
/// Of 0 to 10. 3 costs a fifth less than 5 and half of 10 (`make bench`, `returns_9_cpu_percent`); what a voice loses by it is not heard.
const COMPLEXITY: i32 = 3;

/// Silent blocks after which nothing more is sent (200 ms).
const PAUSE: u32 = 10;

/// The mixing thread, as the stage's thread sees it.
#[derive(Debug)]
pub struct Mixer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    room: Mutex<Room>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Room {
    seats: BTreeMap<u64, Seat>,
    is_closing: bool,
}

/// One guest in the mix.
#[derive(Debug)]
struct Seat {
    input: Arc<Mutex<Input>>,
    audible: Audible,
    returned: Return,
    source: Option<gst_app::AppSrc>,
    listener: Listener,
    talker: Talker,
    meter: Arc<Meter>,
}

/// A guest's place in the mix; it is out of it when this is dropped.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    peer: u64,
    input: Arc<Mutex<Input>>,
}

/// Where one guest can be talked to, as long as it is in the mix.
#[derive(Debug, Clone)]
pub struct Ear {
    shared: Arc<Shared>,
    peer: u64,
}

impl Ear {
    /// This guest, and nobody else, hears what is written into `input`.
    pub fn listen(&self, input: &Arc<Mutex<Input>>) {
        if let Some(seat) = self.shared.room().seats.get_mut(&self.peer) {
            seat.talker.begin(Arc::clone(input));
        }
    }

    /// And no longer.
    pub fn ignore(&self, input: &Arc<Mutex<Input>>) {
        if let Some(seat) = self.shared.room().seats.get_mut(&self.peer) {
            seat.talker.end(input);
        }
    }
}

impl Mixer {
    /// Starts the thread, with nobody to mix.
    pub fn start() -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let work = Arc::clone(&shared);
        let thread = thread::Builder::new().name("stage-mix".into()).spawn(move || work.run())?;
        Ok(Self { shared, thread })
    }

    /// Takes a peer in: silent, and hearing nothing, until it is said otherwise.
    pub fn place(&self, peer: u64, meter: &Arc<Meter>) -> Place {
        let input = Arc::<Mutex<Input>>::default();
        let seat = Seat {
            input: Arc::clone(&input),
            audible: Audible::No,
            returned: Return::None,
            source: None,
            listener: Listener::default(),
            talker: Talker::default(),
            meter: Arc::clone(meter),
        };
        self.shared.room().seats.insert(peer, seat);
        Place { shared: Arc::clone(&self.shared), peer, input }
    }

    /// Ends the thread and waits for it: a tick at most.
    pub fn finish(self) {
        self.shared.room().is_closing = true;
        self.shared.wake.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the mixing thread panicked");
        }
    }
}

impl Place {
    /// Whether it may be heard, and what it hears, from the next tick on.
    pub fn set(&self, audible: Audible, returned: Return) {
        if let Some(seat) = self.shared.room().seats.get_mut(&self.peer) {
            (seat.audible, seat.returned) = (audible, returned);
        }
    }

    /// Hears what leaves `decoder`, a pad with decoded sound.
    pub fn tap(&self, decoder: &gst::Pad) {
        decoded_sound::tap(decoder, Arc::clone(&self.input));
    }

    /// Where this guest can be talked to.
    pub fn ear(&self) -> Ear {
        Ear { shared: Arc::clone(&self.shared), peer: self.peer }
    }

    /// Builds what sends the return with this payload type into `pipeline`, and feeds it from now on. `sink` is a pad of webrtcbin.
    pub fn send(
        &self,
        pipeline: &gst::Pipeline,
        sink: &gst::Pad,
        payload: u8,
    ) -> Result<(), glib::BoolError> {
        let source = source();
        let encoder = encoder()?;
        let ssrc: u32 = rand::random();
        let payloader = gst::ElementFactory::make("rtpopuspay")
            .property("pt", u32::from(payload))
            .property("ssrc", ssrc)
            // What the encoder leaves out while nothing is heard is not sent.
            .property("dtx", true)
            .build()?;
        let steps = [source.upcast_ref(), &encoder, &payloader];
        pipeline.add_many(steps)?;
        gst::Element::link_many(steps)?;
        let end = |element: &gst::Element| {
            element.static_pad("src").ok_or_else(|| glib::bool_error!("{} has no end", element.name()))
        };
        // webrtcbin takes a stream up with its caps, and those of the payloader come with the first packet.
        sink.send_event(gst::event::StreamStart::new("return"));
        sink.send_event(gst::event::Caps::new(&rtp_caps(payload, ssrc)));
        end(&payloader)?.link(sink).map_err(|error| glib::bool_error!("{error}"))?;
        let mut room = self.shared.room();
        if let Some(seat) = room.seats.get_mut(&self.peer) {
            let meter = Arc::clone(&seat.meter);
            end(&payloader)?.add_probe(
                gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST,
                move |_, info| {
                    match &info.data {
                        Some(gst::PadProbeData::Buffer(packet)) => meter.return_packet(packet.size()),
                        Some(gst::PadProbeData::BufferList(packets)) => {
                            meter.return_packet(packets.calculate_size())
                        }
                        Some(_) | None => {}
                    }
                    gst::PadProbeReturn::Ok
                },
            );
            seat.source = Some(source.clone());
        }
        drop(room);
        steps.iter().rev().try_for_each(|element| element.sync_state_with_parent())?;
        self.shared.wake.notify_one();
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.room().seats.remove(&self.peer);
    }
}

impl Shared {
    fn room(&self) -> MutexGuard<'_, Room> {
        lock(&self.room)
    }

    fn run(&self) {
        let mut room = self.room();
        let mut next = None;
        while !room.is_closing {
            if !room.has_listener() {
                next = None;
                room = self.wake.wait(room).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let time = now();
            let due = *next.get_or_insert(time);
            if time < due {
                let pause = Duration::from_micros((due - time) as u64 * 1_000_000 / u64::from(RATE));
                let waited = self.wake.wait_timeout(room, pause.min(TICK));
                room = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let due = if time - due > MOST_BEHIND { time } else { due };
            room.mix(due);
            next = Some(due + BLOCK as i64);
        }
    }
}

impl Room {
    fn has_listener(&self) -> bool {
        self.seats.values().any(|seat| seat.source.is_some())
    }

    /// One block for everybody.
    fn mix(&mut self, at: i64) {
        let mut sum = Sum::new();
        let own: Vec<Option<Block>> = self
            .seats
            .values()
            .map(|seat| lock(&seat.input).read(at, seat.audible).inspect(|block| sum.add(block)))
            .collect();
        let pts = time_of(at);
        for (seat, own) in self.seats.values_mut().zip(&own) {
            let talk = seat.talker.read(at);
            seat.feed(pts, sum.without(own.as_ref()), talk.as_ref());
        }
    }
}

impl Seat {
    fn feed(&mut self, time: gst::ClockTime, mut block: Block, talk: Option<&Block>) {
        let Some(source) = &self.source else { return };
        let (wanted, talk) = match self.returned {
            Return::Others => (Audible::Yes, talk),
            Return::Talk => (Audible::No, talk),
            Return::None => (Audible::No, None),
        };
        let content = self.listener.shape(&mut block, wanted, talk);
        self.meter.returned(Instant::now(), self.listener.level());
        if content == Content::Silence && self.returned == Return::None {
            return;
        }
        let Some(pts) = source.base_time().and_then(|base| time.checked_sub(base)) else { return };
        let bytes: Vec<u8> = block.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
            buffer.set_duration(gst::ClockTime::from_mseconds(20));
            if content == Content::Silence {
                buffer.set_flags(gst::BufferFlags::GAP);
            }
        }
        // It is being stopped, or failed and says so on its bus.
        source.push_buffer(buffer).map(|_| ()).unwrap_or_default();
    }
}

fn source() -> gst_app::AppSrc {
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", FORMAT)
        .field("layout", "interleaved")
        .field("rate", RATE as i32)
        .field("channels", 1)
        .build();
    gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        .is_live(true)
        .max_buffers(MOST_WAITING)
        .max_bytes(0)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build()
}

fn encoder() -> Result<gst::Element, glib::BoolError> {
    let encoder = gst::ElementFactory::make("opusenc")
        .property("bitrate", BIT_RATE)
        .property("complexity", COMPLEXITY)
        .property("inband-fec", true)
        .property("packet-loss-percentage", 10)
        .property_from_str("audio-type", "voice")
        .build()?;
    leave_out_silence(&encoder)?;
    Ok(encoder)
}

/// What Opus takes for silence is also a hum, music, or any steady tone: DTX is on only while nothing is there at all.
fn leave_out_silence(encoder: &gst::Element) -> Result<(), glib::BoolError> {
    let entry = encoder.static_pad("sink").ok_or_else(|| glib::bool_error!("an encoder has no entry"))?;
    let silent = AtomicU32::new(0);
    entry.add_probe(gst::PadProbeType::BUFFER, move |entry, info| {
        let is_silent = info.buffer().is_some_and(|buffer| buffer.flags().contains(gst::BufferFlags::GAP));
        let before = if is_silent { silent.fetch_add(1, Relaxed) } else { silent.swap(0, Relaxed) };
        let dtx = match (is_silent, before) {
            (true, PAUSE) => Some(true),
            (false, PAUSE..) => Some(false),
            (true | false, _) => None,
        };
        if let (Some(dtx), Some(encoder)) = (dtx, entry.parent_element()) {
            encoder.set_property("dtx", dtx);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn rtp_caps(payload: u8, ssrc: u32) -> gst::Caps {
    gst::Caps::builder("application/x-rtp")
        .field("media", "audio")
        .field("encoding-name", "OPUS")
        .field("clock-rate", RATE as i32)
        .field("payload", i32::from(payload))
        .field("ssrc", ssrc)
        .build()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::opus::talk;

    #[test]
    fn a_packet_holds_the_one_before_it_once_more() {
        gst::init().expect("GStreamer starts");
        let packets = talk::packets(&encoder().expect("usual elements"), 4);
        let repeating = packets.iter().filter(|packet| talk::repeats(packet)).count();
        assert!(repeating * 2 > packets.len(), "{repeating} of {}", packets.len());
    }
}
