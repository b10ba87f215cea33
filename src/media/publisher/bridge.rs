//! The bridge from what is captured to what is sent: the one place where a device's buffers change pipelines.
//!
//! Invariant: a device whose turn it is not gets nothing across; so a device is cut off before it is closed. What crosses carries
//! one kind of caps whatever it came from, so that camera, slate and silence renegotiate nothing. Only a camera that encodes is of
//! another kind: its pictures go to a target for them alone, from a key frame on.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::media::layers::Label;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Slate or silence.
    Filler,
    /// The device of this generation.
    Device(u64),
}

/// What crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pixels, or samples.
    Raw,
    /// What a camera has encoded.
    Encoded,
}

#[derive(Debug)]
struct Inner {
    turn: Turn,
    target: Option<(gst_app::AppSrc, Kind)>,
    /// What was encoded begins with a key frame.
    begun: bool,
    /// The caps that the target was given last.
    given: Option<gst::Caps>,
    /// The last picture or sound of the device, of what is encoded the last key frame. Not the sample it came in: appsink uses that again.
    last: Option<(gst::Buffer, Option<gst::Caps>)>,
    /// How many came from the device.
    count: u64,
    /// What is drawn over the device's pictures.
    label: Option<Arc<Label>>,
    /// How many were handed on, whoever they came from.
    pushed: u64,
}

/// One bridge: of pictures, or of sound.
#[derive(Debug)]
pub(super) struct Bridge(Mutex<Inner>);

impl Bridge {
    pub(super) fn new() -> Self {
        let inner = Inner {
            turn: Turn::Filler,
            target: None,
            begun: false,
            given: None,
            last: None,
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
    pub(super) fn give_turn(&self, turn: Turn) {
        self.with(|inner| {
            if inner.turn != turn {
                inner.turn = turn;
                inner.begun = false;
                inner.last = None;
                inner.count = 0;
            }
        });
    }

    /// Where they go, and of what kind they must be; `None`: nowhere.
    pub(super) fn lead_to(&self, target: Option<(gst_app::AppSrc, Kind)>) {
        self.with(|inner| {
            inner.target = target;
            inner.begun = false;
            inner.given = None;
        });
    }

    /// A device's buffer; whether it was its first.
    pub(super) fn cross(&self, generation: u64, sample: &gst::Sample, caps: &gst::Caps, kind: Kind) -> First {
        self.with(|inner| {
            if inner.turn != Turn::Device(generation) {
                return First::No;
            }
            inner.count += 1;
            if let Some(buffer) = sample.buffer_owned() {
                if kind == Kind::Raw || is_key(&buffer) {
                    inner.last = Some((buffer.clone(), sample.caps_owned()));
                }
                inner.push(buffer, caps, kind);
            }
            if inner.count == 1 { First::Yes } else { First::No }
        })
    }

    /// Slate or silence, while no device delivers.
    pub(super) fn fill(&self, buffer: gst::Buffer, caps: &gst::Caps) {
        self.with(|inner| {
            if inner.turn == Turn::Filler || inner.count == 0 {
                inner.push(buffer, caps, Kind::Raw);
            }
        });
    }

    /// The last picture of the device whose turn it is.
    pub(super) fn last(&self) -> Option<gst::Sample> {
        let (buffer, caps) = self.with(|inner| inner.last.clone())?;
        let sample = gst::Sample::builder().buffer(&buffer);
        Some(caps.iter().fold(sample, |sample, caps| sample.caps(caps)).build())
    }

    /// What is drawn over the device's pictures from now on.
    pub(super) fn cover(&self, label: Option<Arc<Label>>) {
        self.with(|inner| inner.label = label);
    }

    /// What is drawn over the device's pictures.
    pub(super) fn label(&self) -> Option<Arc<Label>> {
        self.with(|inner| inner.label.clone())
    }

    /// How many buffers were handed on, slate and silence included.
    pub(super) fn pushed(&self) -> u64 {
        self.with(|inner| inner.pushed)
    }

    /// How many buffers the device has delivered.
    pub(super) fn count(&self) -> u64 {
        self.with(|inner| inner.count)
    }
}

/// Whether a buffer was the first of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Yes,
    No,
}

fn is_key(buffer: &gst::Buffer) -> bool {
    !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)
}

impl Inner {
    fn push(&mut self, mut buffer: gst::Buffer, caps: &gst::Caps, kind: Kind) {
        let Some((target, takes)) = &self.target else { return };
        self.begun |= kind == Kind::Raw || is_key(&buffer);
        if *takes != kind || !self.begun {
            return;
        }
        self.pushed += 1;
        if self.given.as_ref() != Some(caps) {
            target.set_caps(Some(caps));
            self.given = Some(caps.clone());
        }
        // The target stamps them by its own clock; a reference of its own, so nothing is copied.
        {
            let buffer = buffer.make_mut();
            buffer.set_pts(gst::ClockTime::NONE);
            buffer.set_dts(gst::ClockTime::NONE);
        }
        // It leaks when it is full, and refuses only while it is being stopped.
        target.push_buffer(buffer).map(|_| ()).unwrap_or_default();
    }
}
