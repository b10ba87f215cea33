//! What is sent while no device delivers: the slate, plain until it is painted, and silence.

use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::bridge::Bridge;
use crate::media::core::caps::{SAMPLE_RATE, picture_caps, sound_caps};
use crate::media::layers::Slate;
use crate::model::media::Quality;

/// How often something is sent: ten times a second is little work, and soon enough for a change to be seen.
pub const EVERY: Duration = Duration::from_millis(100);

/// The slate does not move: it is sent every other time.
const SLATE_EVERY: Duration = Duration::from_millis(200);

/// Longest silence that is made up for at once: after a pause longer than this it begins anew.
const CATCH_UP: Duration = Duration::from_millis(400);

/// The slate's colour: the dark grey of the built-in template, in Y, U, V.
const SLATE: [u8; 3] = [52, 128, 128];

/// Makes slate and silence.
#[derive(Debug)]
pub struct Fallback {
    quality: Quality,
    picture_caps: gst::Caps,
    sound_caps: gst::Caps,
    painted: Option<Slate>,
    /// The slate as it is sent, while it is.
    shown: Option<gst::Buffer>,
    slate_due: Option<Instant>,
    /// Up to when silence was sent.
    silent_until: Option<Instant>,
}

impl Fallback {
    pub fn new(quality: Quality) -> Self {
        Self {
            quality,
            picture_caps: picture_caps(quality),
            sound_caps: sound_caps(),
            painted: None,
            shown: None,
            slate_due: None,
            silent_until: None,
        }
    }

    /// The painted slate, in place of the plain one; seen at once.
    pub fn show(&mut self, slate: Slate) {
        self.painted = Some(slate);
        self.put_away();
        self.slate_due = None;
    }

    /// Whether the slate is the next picture after others.
    pub fn appears(&self) -> bool {
        self.shown.is_none()
    }

    /// There are other pictures: the slate takes no more memory than it must.
    pub fn put_away(&mut self) {
        self.shown = None;
    }

    /// The slate, if it is time.
    pub fn picture(&mut self, now: Instant, bridge: &Bridge) {
        if self.slate_due.is_some_and(|due| now < due) {
            return;
        }
        self.slate_due = Some(now + SLATE_EVERY);
        if self.shown.is_none() {
            self.shown = self.painted.as_ref().and_then(Slate::picture).or_else(|| plain(self.quality));
        }
        if let Some(slate) = &self.shown {
            bridge.fill(slate.clone(), &self.picture_caps);
        }
    }

    /// As much silence as has passed.
    pub fn silence(&mut self, now: Instant, bridge: &Bridge) {
        let from =
            self.silent_until.filter(|until| now.saturating_duration_since(*until) < CATCH_UP).unwrap_or(now);
        let mut until = from;
        while until <= now {
            let samples = usize::try_from(SAMPLE_RATE / 10).unwrap_or_default();
            bridge.fill(gst::Buffer::from_mut_slice(vec![0u8; samples * 2]), &self.sound_caps);
            until += EVERY;
        }
        self.silent_until = Some(until);
    }

    /// Nothing is to be filled.
    pub fn rest(&mut self) {
        self.silent_until = None;
    }
}

/// One picture of the plain slate.
fn plain(quality: Quality) -> Option<gst::Buffer> {
    let (width, height) = quality.size();
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height).build().ok()?;
    let buffer = gst::Buffer::with_size(info.size()).ok()?;
    let mut frame = gst_video::VideoFrame::from_buffer_writable(buffer, &info).ok()?;
    for (plane, value) in (0u32..).zip(SLATE) {
        frame.plane_data_mut(plane).ok()?.fill(value);
    }
    Some(frame.into_buffer())
}
