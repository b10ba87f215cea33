//! The avatar: a picture file of the configuration, made small once.
//!
//! Invariant: a picture is decoded only after its file and its sides were found small enough, so that it costs bounded time and
//! memory; whatever is wrong with it is said in one line, and the person icon stands in its place.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, ImageKind, Options, Tree};

use crate::files;

/// A photo of a telephone has 3 to 6 MB.
const MOST_BYTES: u64 = 8 << 20;
/// Decoded, 64 MB for a moment: what a board can spare. Telephones take 12 megapixels.
const MOST_PIXELS: usize = 16_000_000;
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

/// A square PNG of [`SIDE`], the middle of the picture.
fn shrink(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let none = || "it is no picture: give a PNG or a JPEG".to_owned();
    check(bytes)?;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{SIDE}\" height=\"{SIDE}\">\
         <image width=\"{SIDE}\" height=\"{SIDE}\" preserveAspectRatio=\"xMidYMid slice\" xlink:href=\"data:image/png;base64,{}\"/></svg>",
        BASE64_STANDARD.encode(bytes)
    );
    let options = Options { image_href_resolver: pictures(), ..Options::default() };
    let tree = Tree::from_str(&svg, &options).map_err(|_| none())?;
    let mut square = Pixmap::new(SIDE, SIDE).ok_or_else(|| "there is no memory for it".to_owned())?;
    resvg::render(&tree, Transform::identity(), &mut square.as_mut());
    // A picture that cannot be decoded is drawn as nothing.
    if square.pixels().iter().all(|pixel| pixel.alpha() == 0) {
        return Err(none());
    }
    square.encode_png().map_err(|error| error.to_string())
}

/// Whether a picture may be decoded, by what its head says.
fn check(bytes: &[u8]) -> Result<(), String> {
    let size =
        imagesize::blob_size(bytes).map_err(|_| "it is no picture: give a PNG or a JPEG".to_owned())?;
    match size.width.checked_mul(size.height) {
        Some(1..=MOST_PIXELS) => Ok(()),
        Some(_) | None => Err(format!(
            "it has {} x {} pixels, and at most {} megapixels are taken: make it smaller",
            size.width,
            size.height,
            MOST_PIXELS / 1_000_000
        )),
    }
}

/// Pictures within an SVG: only those that it carries itself, and only small ones. Files and addresses are left out.
pub(super) fn pictures<'a>() -> ImageHrefResolver<'a> {
    ImageHrefResolver {
        resolve_data: Box::new(|_, data: Arc<Vec<u8>>, _| {
            check(&data).ok()?;
            match imagesize::image_type(&data).ok()? {
                imagesize::ImageType::Png => Some(ImageKind::PNG(data)),
                imagesize::ImageType::Jpeg => Some(ImageKind::JPEG(data)),
                imagesize::ImageType::Gif => Some(ImageKind::GIF(data)),
                imagesize::ImageType::Webp => Some(ImageKind::WEBP(data)),
                // What is not decoded here.
                _ => None,
            }
        }),
        resolve_string: Box::new(|_, _| None),
    }
}
