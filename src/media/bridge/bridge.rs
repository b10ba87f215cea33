//! The bridge from what is captured to what is sent: the one place where a device's buffers change pipelines.
//!
//! Invariant: a device whose turn it is not gets nothing across; so a device is cut off before it is closed. What crosses carries
//! one kind of caps whatever it came from, so that camera, slate and silence renegotiate nothing. Only cameras that encode, or whose
//! memory is read by the encoder itself, are of other kinds: their pictures go to a target for them alone, of what is encoded from a
//! key frame on. Nothing that crosses is kept but the last key frame: who wants to see pixels waits for the next picture.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer_app as gst_app;

use super::pace::FramePace;
use crate::media::core::discard::ignore;
use crate::media::core::event_sender::EventSender;
use crate::media::layers::Label;
use crate::model::media::Ticket;

/// Buffers that may wait for an encoder.
const WAITING: u64 = 3;

/// So many may wait for the same picture.
const VIEWERS: usize = 8;

/// Whose buffers cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActiveInput {
    /// Slate or silence.
    Fallback,
    /// The device of this generation.
    Device(u64),
}

/// The kind of what crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Pixels, or samples.
    Raw,
    /// Pixels in the camera's own memory, laid out as the camera does.
    Shared,
    /// What a camera has encoded.
    Encoded,
}

#[derive(Debug)]
struct Inner {
    active: ActiveInput,
    target: Option<(gst_app::AppSrc, FrameKind)>,
    /// Which pictures cross, where they are pixels.
    pace: FramePace,
    /// What was encoded begins with a key frame.
    begun: bool,
    /// The caps that the target was given last.
    given: Option<gst::Caps>,
    /// The last key frame of what is encoded: the next may be far.
    last: Option<gst::Sample>,
    /// Who waits for the device's next picture.
    viewers: Vec<Viewer>,
    /// How many came from the device.
    count: u64,
    /// What is drawn over the device's pictures.
    label: Option<Arc<Label>>,
    /// How many were handed on, whoever they came from.
    pushed: u64,
}

/// Too many wait already; nothing will be told.
#[derive(Debug)]
pub struct Full;

/// The device's next picture, for whoever asked for it; `None` when the device was closed before it gave one.
#[derive(Debug)]
pub struct PictureSeen {
    pub ticket: Ticket,
    pub picture: Option<gst::Sample>,
}

/// Somebody who wants to see a picture. If there was none, it says so when it is dropped.
#[derive(Debug)]
struct Viewer {
    ticket: Ticket,
    events: EventSender<PictureSeen>,
    seen: Option<gst::Sample>,
}

impl Viewer {
    fn see(mut self, picture: gst::Sample) {
        self.seen = Some(picture);
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let seen = PictureSeen { ticket: self.ticket, picture: self.seen.take() };
        if self.events.try_send(seen).is_err() {
            tracing::error!("a picture was dropped: the publisher is overloaded");
        }
    }
}

/// One bridge: of pictures, or of sound.
#[derive(Debug)]
pub struct Bridge(Mutex<Inner>);

impl Bridge {
    pub fn new() -> Self {
        let inner = Inner {
            active: ActiveInput::Fallback,
            target: None,
            pace: FramePace::default(),
            begun: false,
            given: None,
            last: None,
            viewers: Vec::new(),
            count: 0,
            label: None,
            pushed: 0,
        };
        Self(Mutex::new(inner))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whose buffers cross from now on. What the device before left behind is forgotten.
    pub fn select(&self, active: ActiveInput) {
        self.with(|inner| {
            if inner.active != active {
                inner.active = active;
                inner.begun = false;
                inner.last = None;
                inner.viewers.clear();
                inner.count = 0;
            }
        });
    }

    /// Where they go, and of what kind they must be; `None`: nowhere.
    pub fn set_target(&self, target: Option<(gst_app::AppSrc, FrameKind)>) {
        self.with(|inner| {
            inner.target = target;
            inner.begun = false;
            inner.given = None;
        });
    }

    /// The time between two pictures that cross, where they are pixels; `None`: all do.
    pub fn set_pace(&self, interval: Option<Duration>) {
        self.with(|inner| {
            if inner.pace.interval() != interval {
                inner.pace.set(interval);
                inner.given = None;
            }
        });
    }

    /// A device's buffer; whether it was its first.
    pub fn push(&self, generation: u64, mut buffer: gst::Buffer, caps: &gst::Caps, kind: FrameKind) -> First {
        self.with(|inner| {
            if inner.active != ActiveInput::Device(generation) {
                return First::No;
            }
            inner.count += 1;
            unstamp(&mut buffer);
            inner.show(&buffer, caps, kind);
            inner.forward(buffer, caps, kind);
            if inner.count == 1 { First::Yes } else { First::No }
        })
    }

    /// Slate or silence, while no device delivers.
    pub fn fill(&self, mut buffer: gst::Buffer, caps: &gst::Caps) {
        self.with(|inner| {
            if inner.active == ActiveInput::Fallback || inner.count == 0 {
                unstamp(&mut buffer);
                inner.forward(buffer, caps, FrameKind::Raw);
            }
        });
    }

    /// Shows a picture of the device whose turn it is as soon as there is one: told for this ticket, exactly once.
    pub fn view(&self, ticket: Ticket, events: &EventSender<PictureSeen>) -> Result<(), Full> {
        self.with(|inner| {
            if inner.viewers.len() >= VIEWERS {
                return Err(Full);
            }
            let viewer = Viewer { ticket, events: events.clone(), seen: None };
            match &inner.last {
                Some(key) => viewer.see(key.clone()),
                None => inner.viewers.push(viewer),
            }
            Ok(())
        })
    }

    /// What is drawn over the device's pictures from now on.
    pub fn cover(&self, label: Option<Arc<Label>>) {
        self.with(|inner| inner.label = label);
    }

    /// What is drawn over the device's pictures.
    pub fn label(&self) -> Option<Arc<Label>> {
        self.with(|inner| inner.label.clone())
    }

    /// How many buffers were handed on, slate and silence included.
    pub fn pushed(&self) -> u64 {
        self.with(|inner| inner.pushed)
    }

    /// How many buffers the device has delivered.
    pub fn count(&self) -> u64 {
        self.with(|inner| inner.count)
    }
}

/// Whether a buffer was the first of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    Yes,
    No,
}

/// What a bridge feeds. It stamps by its own clock, and drops the oldest buffer when the encoder behind it is slow.
pub fn target(name: &str) -> gst_app::AppSrc {
    gst_app::AppSrc::builder()
        .name(name)
        .is_live(true)
        .do_timestamp(true)
        .format(gst::Format::Time)
        .block(false)
        .max_buffers(WAITING)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build()
}

/// The target stamps by its own clock.
fn unstamp(buffer: &mut gst::Buffer) {
    let buffer = buffer.make_mut();
    buffer.set_pts(gst::ClockTime::NONE);
    buffer.set_dts(gst::ClockTime::NONE);
}

fn is_key(buffer: &gst::Buffer) -> bool {
    !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)
}

impl Inner {
    /// Whoever waits sees it, unless it needs others to be seen.
    fn show(&mut self, buffer: &gst::Buffer, caps: &gst::Caps, kind: FrameKind) {
        let sample = || gst::Sample::builder().buffer(buffer).caps(caps).build();
        match kind {
            FrameKind::Raw | FrameKind::Shared => {}
            FrameKind::Encoded if is_key(buffer) => self.last = Some(sample()),
            FrameKind::Encoded => return,
        }
        self.viewers.drain(..).for_each(|viewer| viewer.see(sample()));
    }

    fn forward(&mut self, buffer: gst::Buffer, caps: &gst::Caps, kind: FrameKind) {
        let Some((target, takes)) = &self.target else { return };
        self.begun |= kind != FrameKind::Encoded || is_key(&buffer);
        if *takes != kind || !self.begun {
            return;
        }
        if kind == FrameKind::Raw && !self.pace.takes(Instant::now()) {
            return;
        }
        self.pushed += 1;
        if self.given.as_ref() != Some(caps) {
            target.set_caps(Some(&self.pace.caps(caps)));
            self.given = Some(caps.clone());
        }
        // It leaks when it is full, and refuses only while it is being stopped.
        ignore(target.push_buffer(buffer), "see above");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, sync_channel};

    use super::*;

    fn bridge() -> (Bridge, EventSender<PictureSeen>, Receiver<PictureSeen>) {
        gst::init().expect("GStreamer starts");
        let bridge = Bridge::new();
        bridge.select(ActiveInput::Device(1));
        let (sender, inbox) = sync_channel(2 * VIEWERS);
        (bridge, EventSender::new(&sender, |seen| seen), inbox)
    }

    fn give(bridge: &Bridge, kind: FrameKind, flags: gst::BufferFlags) {
        let mut buffer = gst::Buffer::from_slice([0]);
        buffer.get_mut().expect("nobody else has it").set_flags(flags);
        bridge.push(1, buffer, &gst::Caps::new_empty_simple("video/x-raw"), kind);
    }

    fn seen(inbox: &Receiver<PictureSeen>) -> Vec<(Ticket, bool)> {
        inbox.try_iter().map(|seen| (seen.ticket, seen.picture.is_some())).collect()
    }

    #[test]
    fn who_waits_is_shown_the_next_picture_once() {
        let (bridge, events, inbox) = bridge();
        for ticket in [7, 8] {
            bridge.view(ticket, &events).expect("few wait");
        }
        assert_eq!(seen(&inbox), [], "nothing came since");
        give(&bridge, FrameKind::Raw, gst::BufferFlags::empty());
        give(&bridge, FrameKind::Raw, gst::BufferFlags::empty());
        assert_eq!(seen(&inbox), [(7, true), (8, true)]);
    }

    #[test]
    fn of_what_is_encoded_the_last_key_frame_is_shown() {
        let (bridge, events, inbox) = bridge();
        bridge.view(1, &events).expect("few wait");
        give(&bridge, FrameKind::Encoded, gst::BufferFlags::DELTA_UNIT);
        assert_eq!(seen(&inbox), [], "it needs others to be seen");
        give(&bridge, FrameKind::Encoded, gst::BufferFlags::empty());
        assert_eq!(seen(&inbox), [(1, true)]);
        give(&bridge, FrameKind::Encoded, gst::BufferFlags::DELTA_UNIT);
        bridge.view(2, &events).expect("nobody waits");
        assert_eq!(seen(&inbox), [(2, true)], "at once");
    }

    #[test]
    fn who_waits_for_a_device_that_is_closed_is_told_so() {
        let (bridge, events, inbox) = bridge();
        bridge.view(3, &events).expect("few wait");
        bridge.select(ActiveInput::Fallback);
        assert_eq!(seen(&inbox), [(3, false)]);
    }

    #[test]
    fn only_so_many_wait_at_once() {
        let (bridge, events, inbox) = bridge();
        let taken = (0..20).filter(|ticket| bridge.view(*ticket, &events).is_ok()).count();
        assert_eq!(taken, VIEWERS);
        assert_eq!(seen(&inbox), [], "who was turned away is told by who asked");
    }
}
