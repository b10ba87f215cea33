//! How a picture is to be turned, as its EXIF data say: a telephone stores every photo as its sensor lies.

use std::io::Read;

use resvg::tiny_skia::Transform;

use super::jpeg::Layout;

/// The tag in its first directory.
const ORIENTATION: u16 = 0x0112;
/// A directory of more entries is none.
const MOST_ENTRIES: usize = 1000;

/// The orientation that a JPEG, a PNG or a WebP says that it has: from 1 to 8 (EXIF 2.3, 4.6.4). Of any other file the head is read
/// only, of these at most `most` bytes.
pub fn exif_orientation(mut file: impl Read, most: u64) -> Option<u16> {
    let mut picture = vec![0; 12];
    file.read_exact(&mut picture).ok()?;
    PictureFile::of(&picture)?;
    file.take(most).read_to_end(&mut picture).ok()?;
    exif(&picture).and_then(orientation)
}

/// A file that may hold EXIF data.
enum PictureFile {
    Jpeg,
    Png,
    WebP,
}

impl PictureFile {
    /// What begins so.
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xd8, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }
}

/// What turns the square of this side upright that was cut from the middle of `file`.
pub(super) fn upright(file: &[u8], side: f32) -> Transform {
    let [a, b, c, d, e, f] = match exif(file).and_then(orientation).unwrap_or(1) {
        2 => [-1.0, 0.0, 0.0, 1.0, side, 0.0],
        3 => [-1.0, 0.0, 0.0, -1.0, side, side],
        4 => [1.0, 0.0, 0.0, -1.0, 0.0, side],
        5 => [0.0, 1.0, 1.0, 0.0, 0.0, 0.0],
        6 => [0.0, 1.0, -1.0, 0.0, side, 0.0],
        7 => [0.0, -1.0, -1.0, 0.0, side, side],
        8 => [0.0, -1.0, 1.0, 0.0, 0.0, side],
        _ => [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
    };
    Transform::from_row(a, b, c, d, e, f)
}

/// The EXIF data of a JPEG, a PNG or a WebP, as TIFF.
fn exif(file: &[u8]) -> Option<&[u8]> {
    match PictureFile::of(file)? {
        PictureFile::Jpeg => Layout::read(file).exif,
        PictureFile::Png => {
            let mut rest = file.get(8..)?;
            loop {
                let length = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
                let end = length.checked_add(8)?;
                match rest.get(4..8)? {
                    b"eXIf" => return rest.get(8..end),
                    // A checksum follows.
                    _ => rest = rest.get(end.checked_add(4)?..)?,
                }
            }
        }
        PictureFile::WebP => {
            let mut rest = file.get(12..)?;
            loop {
                let length = usize::try_from(u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?)).ok()?;
                let end = length.checked_add(8)?;
                match rest.get(..4)? {
                    b"EXIF" => {
                        return rest.get(8..end).map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
                    }
                    _ => rest = rest.get(end.checked_add(length % 2)?..)?,
                }
            }
        }
    }
}

/// From 1 to 8.
fn orientation(tiff: &[u8]) -> Option<u16> {
    let big = match tiff.get(..2)? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes: [u8; 4] = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }).ok()
    };
    let directory = long(4)?;
    let entries = usize::from(short(directory)?).min(MOST_ENTRIES);
    let entry = |index: usize| directory.checked_add(2 + index * 12);
    let found = (0..entries).filter_map(entry).find(|at| short(*at) == Some(ORIENTATION))?;
    short(found.checked_add(8)?)
}

#[cfg(test)]
mod tests {
    use resvg::tiny_skia::Point;

    use super::*;

    #[test]
    fn a_corner_goes_where_exif_says() {
        // The place in a square of 4 of what is stored at (1, 0).
        let places = [(1, 0), (3, 0), (3, 4), (1, 4), (0, 1), (4, 1), (4, 3), (0, 3)];
        for (orientation, (x, y)) in (1u8..).zip(places) {
            let tiff = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation], &[0; 3]]
                .concat();
            let png = [b"\x89PNG\r\n\x1a\n\0\0\0\x16eXIf".as_slice(), &tiff, &[0; 4]].concat();
            let mut point = Point::from_xy(1.0, 0.0);
            upright(&png, 4.0).map_point(&mut point);
            assert_eq!((point.x as i32, point.y as i32), (x, y), "orientation {orientation}");
        }
    }
}
