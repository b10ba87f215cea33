//! How a device is to be opened.

use gstreamer as gst;

use crate::model::capture::Drawing;
use crate::model::media::{Mirror, Quality};
use crate::model::volume::Loudness;

/// What decides how a device is opened.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptureRequest {
    /// Which device: a stable id, `auto`, or a name.
    pub choice: String,
    /// The size that is wanted.
    pub quality: Quality,
    /// What is to cross the bridge.
    pub caps: gst::Caps,
    pub mirror: Mirror,
    /// Whether its pictures must be pixels.
    pub drawing: Drawing,
    pub volume: Loudness,
}

/// What is played of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playing {
    File,
    /// The file has no sound.
    Silence,
}

/// Whether a file that has ended begins again at the next tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEnd {
    Ahead,
    Reached,
}
