//! From painted pixels (premultiplied RGBA, sRGB) to the planes of I420 (limited range).

use gstreamer as gst;
use gstreamer_video as gst_video;
use resvg::tiny_skia::{Pixmap, PremultipliedColorU8};

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

/// A painting as a whole picture; what it leaves open is black.
pub(super) fn opaque(painted: &Pixmap, quality: Quality) -> Option<gst::Buffer> {
    let (width, height) = quality.size();
    let matrix = Matrix::of(quality);
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height).build().ok()?;
    let buffer = gst::Buffer::with_size(info.size()).ok()?;
    let mut frame = gst_video::VideoFrame::from_buffer_writable(buffer, &info).ok()?;
    let values = || Vec::with_capacity((width * height) as usize);
    let (mut bright, mut blue, mut red) = (values(), values(), values());
    for y in (0..height).step_by(2) {
        for row in [y, y + 1] {
            bright.extend((0..width).map(|x| {
                let [value, _, _, opacity] = matrix.apply(pixel(painted, x, row));
                byte(value + 16.0 * (1.0 - opacity))
            }));
        }
        for x in (0..width).step_by(2) {
            let [_, u, v, opacity] = quad(painted, matrix, x, y);
            blue.push(byte(u + 128.0 * (1.0 - opacity)));
            red.push(byte(v + 128.0 * (1.0 - opacity)));
        }
    }
    for (plane, (values, wide)) in (0u32..).zip([(bright, width), (blue, width / 2), (red, width / 2)]) {
        let stride = usize::try_from(*info.stride().get(plane as usize)?).ok()?;
        let rows = frame.plane_data_mut(plane).ok()?.chunks_mut(stride);
        for (row, values) in rows.zip(values.chunks_exact(wide as usize)) {
            row.get_mut(..values.len())?.copy_from_slice(values);
        }
    }
    Some(frame.into_buffer())
}
