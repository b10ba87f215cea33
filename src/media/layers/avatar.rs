//! The avatar: a picture file of the configuration, made small once.
//!
//! Invariant: a picture is decoded only after its file and its sides were found small enough, so that it costs bounded time and
//! memory; whatever is wrong with it, half of it missing included, is said in one line, and the person icon stands in its place.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use resvg::tiny_skia::{FilterQuality, Pixmap, PixmapPaint, Transform};
use resvg::usvg::{ImageHrefResolver, ImageKind, Options, Tree};

use super::{jpeg, orientation};
use crate::files;
use crate::media::picture_size::{self, MOST_PIXELS};

/// A photo of a telephone has 3 to 6 MB.
const MOST_BYTES: u64 = 8 << 20;
/// Side of the square that is kept: what a slate of 1080p shows of it, and some more for a template that shows it larger.
const SIDE: u32 = 512;

/// What stands in the middle of the slate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Avatar {
    /// The person icon.
    None,
    /// A square PNG, as a `data:` address.
    Picture(String),
}

impl Avatar {
    pub(super) fn load(file: Option<&Path>) -> Self {
        let Some(file) = file else { return Self::None };
        let read = files::read(file, MOST_BYTES).map_err(|error| error.to_string());
        match read.and_then(|bytes| shrink(&bytes)) {
            Ok(png) => Self::Picture(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png))),
            Err(why) => {
                tracing::warn!("user.avatar: {}: {why}; the slate shows the person icon", file.display());
                Self::None
            }
        }
    }
}

/// A square PNG of [`SIDE`], the middle of the picture, upright.
fn shrink(bytes: &[u8]) -> Result<Vec<u8>, String> {
    check(bytes)?;
    let mut square = Pixmap::new(SIDE, SIDE).ok_or_else(|| "there is no memory for it".to_owned())?;
    let upright = orientation::upright(bytes, SIDE as f32);
    match imagesize::image_type(bytes) {
        Ok(imagesize::ImageType::Jpeg) => draw(&jpeg::decode(bytes, MOST_PIXELS)?, upright, &mut square),
        Ok(_) | Err(_) => render(bytes, upright, &mut square)?,
    }
    // A picture that cannot be decoded is drawn as nothing.
    if square.pixels().iter().all(|pixel| pixel.alpha() == 0) {
        return Err("it is damaged, or no picture: give a PNG or a JPEG".to_owned());
    }
    square.encode_png().map_err(|error| error.to_string())
}

/// The middle of `picture` fills the square.
fn draw(picture: &Pixmap, upright: Transform, square: &mut Pixmap) {
    let (side, width, height) = (SIDE as f32, picture.width() as f32, picture.height() as f32);
    let scale = side / width.min(height);
    let middle = Transform::from_scale(scale, scale)
        .post_translate((side - width * scale) / 2.0, (side - height * scale) / 2.0);
    let paint = PixmapPaint { quality: FilterQuality::Bilinear, ..PixmapPaint::default() };
    square.draw_pixmap(0, 0, picture.as_ref(), &paint, middle.post_concat(upright), None);
}

/// As [`draw`], of what an SVG can have in it.
fn render(bytes: &[u8], upright: Transform, square: &mut Pixmap) -> Result<(), String> {
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{SIDE}\" height=\"{SIDE}\">\
         <image width=\"{SIDE}\" height=\"{SIDE}\" preserveAspectRatio=\"xMidYMid slice\" xlink:href=\"data:image/png;base64,{}\"/></svg>",
        BASE64_STANDARD.encode(bytes)
    );
    let options = Options { image_href_resolver: pictures(), ..Options::default() };
    let tree = Tree::from_str(&svg, &options).map_err(|error| error.to_string())?;
    resvg::render(&tree, upright, &mut square.as_mut());
    Ok(())
}

/// Whether a picture may be decoded, by what its head says.
fn check(bytes: &[u8]) -> Result<(), String> {
    let size =
        imagesize::blob_size(bytes).map_err(|_| "it is no picture: give a PNG or a JPEG".to_owned())?;
    picture_size::check(size)?;
    if is_cut(bytes) { Err("it is cut short".to_owned()) } else { Ok(()) }
}

/// Whether a WebP is shorter than it says, or a GIF has no end: their decoders take what is there.
fn is_cut(bytes: &[u8]) -> bool {
    match bytes {
        [b'R', b'I', b'F', b'F', a, b, c, d, ..] => {
            usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).is_ok_and(|length| bytes.len() < length)
        }
        [b'G', b'I', b'F', ..] => bytes.iter().rev().find(|byte| **byte != 0) != Some(&0x3b),
        _ => false,
    }
}

/// Pictures within an SVG: only those that it carries itself, and only small ones. Files and addresses are left out.
pub(super) fn pictures<'a>() -> ImageHrefResolver<'a> {
    ImageHrefResolver {
        resolve_data: Box::new(|_, data: Arc<Vec<u8>>, _| {
            check(&data).ok()?;
            match imagesize::image_type(&data).ok()? {
                imagesize::ImageType::Png => Some(ImageKind::PNG(data)),
                // Decoded here, for what is cut short or made for printers.
                imagesize::ImageType::Jpeg => {
                    Some(ImageKind::PNG(Arc::new(jpeg::decode(&data, MOST_PIXELS).ok()?.encode_png().ok()?)))
                }
                imagesize::ImageType::Gif => Some(ImageKind::GIF(data)),
                imagesize::ImageType::Webp => Some(ImageKind::WEBP(data)),
                // What is not decoded here.
                _ => None,
            }
        }),
        resolve_string: Box::new(|_, _| None),
    }
}

#[cfg(test)]
mod tests;
