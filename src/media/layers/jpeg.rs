//! JPEG files that people give: whole ones only, in every colour space that cameras and printers write.
//!
//! Invariant: a file that was cut short, or is damaged on the way, is refused, where decoders commonly fill up with grey.

use resvg::tiny_skia::{IntSize, Pixmap};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// What stands before and after the pixels.
#[derive(Debug, Default)]
pub(super) struct Layout<'a> {
    /// The EXIF segment, as TIFF.
    pub(super) exif: Option<&'a [u8]>,
    /// Adobe's programs write CMYK upside down, and say that it is theirs.
    adobe: bool,
    /// There is an end of image behind the pixels.
    whole: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn read(file: &'a [u8]) -> Self {
        let mut layout = Self::default();
        let mut rest = file.get(2..).unwrap_or_default();
        loop {
            match rest {
                [0xff, 0xff, ..] => rest = &rest[1..],
                // Start of scan: from here on every 0xff of the pixels is followed by 0, or by a marker.
                [0xff, 0xda, pixels @ ..] => {
                    layout.whole = pixels.windows(2).any(|pair| pair == [0xff, 0xd9]);
                    return layout;
                }
                [0xff, 0x01 | 0xd0..=0xd8, ..] => rest = &rest[2..],
                [0xff, marker, high, low, ..] => {
                    let end = 2 + usize::from(u16::from_be_bytes([*high, *low]));
                    let Some(segment) = rest.get(4..end) else { return layout };
                    match marker {
                        0xe1 => layout.exif = layout.exif.or(segment.strip_prefix(b"Exif\0\0")),
                        0xee => layout.adobe |= segment.starts_with(b"Adobe"),
                        _ => {}
                    }
                    rest = &rest[end..];
                }
                _ => return layout,
            }
        }
    }
}

/// Decodes it, unless it has more pixels than these.
pub(super) fn decode(file: &[u8], most_pixels: usize) -> Result<Pixmap, String> {
    let broken =
        || "it is damaged or cut short, or no common JPEG (baseline or progressive, 8 bits)".to_owned();
    let layout = Layout::read(file);
    if !layout.whole {
        return Err("it is cut short".to_owned());
    }
    let opened = |colors: ColorSpace| {
        let options = DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(colors);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
        // What it converts with is chosen before it reads the head.
        decoder.decode_headers().map_err(|_| broken()).map(|()| decoder)
    };
    let mut decoder = opened(ColorSpace::RGB)?;
    let inks = decoder.input_colorspace() == Some(ColorSpace::CMYK)
        && decoder.info().is_some_and(|info| info.components == 4);
    if inks {
        decoder = opened(ColorSpace::CMYK)?;
    }
    let (width, height) = decoder.dimensions().ok_or_else(broken)?;
    if !(1..=most_pixels).contains(&width.saturating_mul(height)) {
        return Err(broken());
    }
    let pixels = decoder.decode().map_err(|_| broken())?;
    let pixels = if inks {
        from_cmyk(pixels, layout.adobe)
    } else {
        pixels.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 0xff]).collect()
    };
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or_default();
    let size = IntSize::from_wh(side(width), side(height)).ok_or_else(broken)?;
    Pixmap::from_vec(pixels, size).ok_or_else(broken)
}

/// As screens do without a profile of the printer.
fn from_cmyk(mut pixels: Vec<u8>, adobe: bool) -> Vec<u8> {
    let light = |ink: u8| u16::from(if adobe { ink } else { 255 - ink });
    for pixel in pixels.chunks_exact_mut(4) {
        let black = light(pixel[3]);
        for ink in &mut pixel[..3] {
            *ink = u8::try_from(light(*ink) * black / 255).unwrap_or(u8::MAX);
        }
        pixel[3] = 0xff;
    }
    pixels
}
