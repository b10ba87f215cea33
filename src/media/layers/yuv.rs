//! From painted pixels (premultiplied RGBA, sRGB) to the planes of I420 (limited range).

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use resvg::tiny_skia::{Pixmap, PremultipliedColorU8};

use super::template::Drawing;
use crate::model::media::Quality;

/// Pictures of more lines than this are read as BT.709, others as BT.601: so GStreamer does where caps say nothing.
const LINES_OF_601: u32 = 576;

/// Shares of red and blue in brightness.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix {
    red: f32,
    blue: f32,
}

impl Matrix {
    pub(super) fn of(quality: Quality) -> Self {
        let (_, lines) = quality.size();
        if lines > LINES_OF_601 {
            Self { red: 0.2126, blue: 0.0722 }
        } else {
            Self { red: 0.299, blue: 0.114 }
        }
    }

    /// Y, U and V, each times the pixel's opacity, and the opacity, 0–1.
    pub(super) fn apply(self, pixel: PremultipliedColorU8) -> [f32; 4] {
        let part = |value: u8| f32::from(value) / 255.0;
        let (red, green, blue, opacity) =
            (part(pixel.red()), part(pixel.green()), part(pixel.blue()), part(pixel.alpha()));
        let bright = self.red * red + (1.0 - self.red - self.blue) * green + self.blue * blue;
        [
            16.0 * opacity + 219.0 * bright,
            128.0 * opacity + 112.0 * (blue - bright) / (1.0 - self.blue),
            128.0 * opacity + 112.0 * (red - bright) / (1.0 - self.red),
            opacity,
        ]
    }
}

/// A pixel of a painting; nothing outside of it.
pub(super) fn pixel(painted: &Pixmap, x: u32, y: u32) -> PremultipliedColorU8 {
    painted.pixel(x, y).unwrap_or(PremultipliedColorU8::TRANSPARENT)
}

/// The mean over the four pixels that share one value of colour.
pub(super) fn quad(painted: &Pixmap, matrix: Matrix, x: u32, y: u32) -> [f32; 4] {
    let mut sum = [0.0; 4];
    for (x, y) in [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)] {
        for (sum, value) in sum.iter_mut().zip(matrix.apply(pixel(painted, x, y))) {
            *sum += value / 4.0;
        }
    }
    sum
}

/// A value of a plane: rounded, and within a byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded and clamped to a byte")]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// A drawing as a whole picture; what it leaves open is black.
pub(super) fn opaque(drawing: &Drawing) -> Option<gst::Buffer> {
    let (width, height) = drawing.quality.size();
    let matrix = Matrix::of(drawing.quality);
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height).build().ok()?;
    let buffer = gst::Buffer::with_size(info.size()).ok()?;
    let mut frame = gst_video::VideoFrame::from_buffer_writable(buffer, &info).ok()?;
    for band in drawing.bands() {
        let painted = drawing.paint(band)?;
        let brightness = |row: u32, x: u32| {
            let [value, _, _, opacity] = matrix.apply(pixel(&painted, x, row));
            byte(value + 16.0 * (1.0 - opacity))
        };
        let colour = |which: usize| {
            let painted = &painted;
            move |row: u32, x: u32| {
                let values = quad(painted, matrix, 2 * x, 2 * row);
                byte(values[which] + 128.0 * (1.0 - values[3]))
            }
        };
        write(&mut frame, 0, (band.y, band.height, width), brightness)?;
        write(&mut frame, 1, (band.y / 2, band.height / 2, width / 2), colour(1))?;
        write(&mut frame, 2, (band.y / 2, band.height / 2, width / 2), colour(2))?;
    }
    Some(frame.into_buffer())
}

/// Writes values of a plane, row by row: from which row on, how many rows, and how wide they are.
fn write(
    frame: &mut gst_video::VideoFrame<gst_video::video_frame::Writable>,
    plane: u32,
    (from, rows, wide): (u32, u32, u32),
    value: impl Fn(u32, u32) -> u8,
) -> Option<()> {
    let stride = usize::try_from(*frame.plane_stride().get(plane as usize)?).ok()?;
    let data = frame.plane_data_mut(plane).ok()?.chunks_mut(stride).skip(from as usize);
    for (row, data) in (0..rows).zip(data) {
        for (x, place) in (0..wide).zip(data) {
            *place = value(row, x);
        }
    }
    Some(())
}
