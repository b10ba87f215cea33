//! How large a picture is, by its head, before it is decoded.
//!
//! Invariant: what is let through costs bounded memory; a picture of a few kB may say that it has a thousand million pixels.

use std::fs::File;
use std::io::BufReader;

use imagesize::ImageSize;

/// Decoded, 64 MB for a moment: what a board can spare. Telephones take 12 megapixels.
pub(super) const MOST_PIXELS: usize = 16_000_000;

/// Whether a picture of this size may be decoded.
///
/// # Errors
/// In words.
pub(super) fn check(size: ImageSize) -> Result<(), String> {
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

/// The same of a file, which may be no picture.
///
/// # Errors
/// In words.
pub(super) fn check_file(file: File) -> Result<(), String> {
    imagesize::reader_size(BufReader::new(file)).map_or(Ok(()), check)
}
