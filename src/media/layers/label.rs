//! The label: the painted part of the foreground, blended into each picture.
//!
//! Invariant: what a picture costs depends on the label's own size alone; nothing is allocated for it.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use resvg::tiny_skia::Pixmap;

use super::template::{Drawing, Part};
use super::yuv::{self, Matrix};

/// A rectangle that is drawn over pictures of one size, at even places.
#[derive(Debug)]
pub struct Label {
    info: gst_video::VideoInfo,
    planes: [Plane; 3],
}

/// One plane of the rectangle.
#[derive(Debug)]
struct Plane {
    x: usize,
    y: usize,
    width: usize,
    /// How much of what is there stays, of 255.
    keep: Vec<u8>,
    /// What is laid over it, times its opacity of 255, with a half for rounding.
    over: Vec<u16>,
}

impl Label {
    /// Paints what there is of a drawing; `None` when it is empty.
    pub(super) fn new(drawing: &Drawing) -> Option<Self> {
        let (width, height) = drawing.quality.size();
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height).build().ok()?;
        let inked = drawing.bands().filter_map(|band| inked(&drawing.paint(band)?, band.y));
        let (left, top, right, bottom) = inked.reduce(|(l, t, r, b), (left, top, right, bottom)| {
            (l.min(left), t.min(top), r.max(right), b.max(bottom))
        })?;
        // Even, so that it covers whole values of colour.
        let (left, top) = (left / 2 * 2, top / 2 * 2);
        let (right, bottom) = (right.div_ceil(2) * 2, bottom.div_ceil(2) * 2);
        let part = Part { x: left, y: top, width: right - left, height: bottom - top };
        let painted = &drawing.paint(part)?;
        let matrix = Matrix::of(drawing.quality);
        let plane = |step: u32, which: usize| {
            let places = (0..part.height)
                .step_by(step as usize)
                .flat_map(|y| (0..part.width).step_by(step as usize).map(move |x| (x, y)));
            let mut plane = Plane {
                x: (left / step) as usize,
                y: (top / step) as usize,
                width: (part.width / step) as usize,
                keep: Vec::new(),
                over: Vec::new(),
            };
            for (x, y) in places {
                let values = match step {
                    1 => matrix.apply(yuv::pixel(painted, x, y)),
                    _ => yuv::quad(painted, matrix, x, y),
                };
                let (keep, over) = weights(values[which], values[3]);
                plane.keep.push(keep);
                plane.over.push(over);
            }
            plane
        };
        Some(Self { info, planes: [plane(1, 0), plane(2, 1), plane(2, 2)] })
    }

    /// Draws it over a picture; over one of another size or kind, nothing.
    pub fn blend(&self, picture: &mut gst::BufferRef, caps: &gst::CapsRef) {
        if self.fits(caps) {
            self.draw(picture);
        }
    }

    /// Draws it over a picture that is known to be of its size.
    pub(super) fn draw(&self, picture: &mut gst::BufferRef) {
        let Ok(mut frame) = gst_video::VideoFrameRef::from_buffer_ref_writable(picture, &self.info) else {
            return;
        };
        for (index, plane) in (0u32..).zip(&self.planes) {
            let stride = frame.plane_stride().get(index as usize).and_then(|s| usize::try_from(*s).ok());
            if let (Some(stride), Ok(data)) = (stride, frame.plane_data_mut(index)) {
                plane.blend(data, stride);
            }
        }
    }

    fn fits(&self, caps: &gst::CapsRef) -> bool {
        let Some(structure) = caps.structure(0) else { return false };
        let is = |name, pixels: u32| {
            structure.get::<i32>(name).is_ok_and(|value| u32::try_from(value) == Ok(pixels))
        };
        structure.name() == "video/x-raw"
            && structure.get::<&str>("format") == Ok("I420")
            && is("width", self.info.width())
            && is("height", self.info.height())
    }
}

impl Plane {
    fn blend(&self, data: &mut [u8], stride: usize) {
        let rows = data.chunks_mut(stride).skip(self.y);
        let ours = self.keep.chunks(self.width).zip(self.over.chunks(self.width));
        for (row, (keep, over)) in rows.zip(ours) {
            let Some(row) = row.get_mut(self.x..self.x + self.width) else { return };
            for ((value, keep), over) in row.iter_mut().zip(keep).zip(over) {
                *value = mixed(*value, *keep, *over);
            }
        }
    }
}

/// (value · keep + over) / 255, rounded; the half for that is in `over`.
fn mixed(value: u8, keep: u8, over: u16) -> u8 {
    let sum = u16::from(value) * u16::from(keep) + over;
    let [high, _] = (sum + (sum >> 8)).to_be_bytes();
    high
}

/// How much stays, and what is added, of a value that is already times its opacity.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded and clamped")]
fn weights(value: f32, opacity: f32) -> (u8, u16) {
    let opacity = (opacity * 255.0).round().clamp(0.0, 255.0);
    let over = (value * 255.0).round().clamp(0.0, opacity * 255.0);
    (255 - opacity as u8, over as u16 + 128)
}

/// Left, top, and behind right and bottom, of what is not empty in a band that begins at `from`.
fn inked(painted: &Pixmap, from: u32) -> Option<(u32, u32, u32, u32)> {
    let mut found: Option<(u32, u32, u32, u32)> = None;
    for (y, row) in (from..).zip(painted.pixels().chunks(painted.width() as usize)) {
        for (x, _) in (0u32..).zip(row).filter(|(_, pixel)| pixel.alpha() > 0) {
            let (left, top, right, bottom) = found.unwrap_or((x, y, x, y));
            found = Some((left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_is_exact_to_the_nearest_value() {
        for value in 0..=255u8 {
            for opacity in 0..=255u8 {
                for colour in [0u8, 16, 128, 235, 255] {
                    let (part, whole) = (f32::from(opacity) / 255.0, f32::from(colour));
                    let (keep, over) = weights(whole * part, part);
                    let right = f32::from(value) * (1.0 - part) + whole * part;
                    let got = f32::from(mixed(value, keep, over));
                    assert!((got - right).abs() <= 1.0, "{value} {opacity} {colour}: {got} {right}");
                }
            }
        }
        assert_eq!((mixed(200, 255, 128), mixed(0, 0, 235 * 255 + 128)), (200, 235));
    }
}
