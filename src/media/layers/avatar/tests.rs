use std::fs;
use std::path::Path;

use super::*;

/// The files all show a red band at the top, a yellow triangle in the middle and blue at the bottom.
fn file(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name);
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn square(bytes: &[u8]) -> Pixmap {
    Pixmap::decode_png(&shrink(bytes).expect("a picture")).expect("a PNG")
}

/// In the middle of the upper, right, lower and left edge.
fn edges(square: &Pixmap) -> [[u8; 3]; 4] {
    [(256, 16), (496, 256), (256, 500), (16, 256)].map(|(x, y)| {
        let pixel = square.pixel(x, y).expect("within the square").demultiply();
        [pixel.red(), pixel.green(), pixel.blue()]
    })
}

fn is(pixel: [u8; 3], wanted: [u8; 3]) -> bool {
    pixel.iter().zip(wanted).all(|(is, wanted)| is.abs_diff(wanted) < 24)
}

const RED: [u8; 3] = [220, 40, 40];
const BLUE: [u8; 3] = [30, 120, 200];

/// `rgb.jpg` with an EXIF segment.
fn turned(orientation: u8) -> Vec<u8> {
    let tiff =
        [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation], &[0; 6]].concat();
    let segment = [b"Exif\0\0".as_slice(), &tiff].concat();
    let length = u16::try_from(segment.len() + 2).expect("short").to_be_bytes();
    let plain = file("rgb.jpg");
    [&plain[..2], &[0xff, 0xe1], &length, &segment, &plain[2..]].concat()
}

#[test]
fn every_colour_space_is_shown_as_it_is() {
    for name in [
        "rgb.jpg",
        "progressive.jpg",
        "uncoded.jpg",
        "cmyk.jpg",
        "ycck.jpg",
        "palette.png",
        "rgb-16-bit.png",
        "palette.gif",
        "lossy.webp",
    ] {
        let [above, _, below, _] = edges(&square(&file(name)));
        assert!(is(above, RED) && is(below, BLUE), "{name}: {above:?} above {below:?}");
    }
    for name in ["grey.jpg", "grey-16-bit.png", "grey-alpha.png"] {
        let [above, right, below, left] = edges(&square(&file(name)));
        for pixel in [above, right, below, left] {
            assert!(pixel[0] == pixel[1] && pixel[1] == pixel[2], "{name}: {pixel:?}");
        }
    }
    // The same without the mark of Adobe is ink, not light.
    let mut ink = file("cmyk.jpg");
    let mark = ink.windows(5).position(|bytes| bytes == b"Adobe").expect("it has one");
    ink[mark] = b'_';
    let [above, ..] = edges(&square(&ink));
    assert!(is(above, [0, 0, 0]), "{above:?}");
}

#[test]
fn every_orientation_is_shown_upright() {
    // Where the band comes out that is stored at the top.
    for (orientation, edge) in
        [(1, 0), (2, 0), (3, 2), (4, 2), (5, 3), (6, 1), (7, 1), (8, 3), (0, 0), (9, 0)]
    {
        let edges = edges(&square(&turned(orientation)));
        for (at, pixel) in edges.iter().enumerate() {
            assert_eq!(is(*pixel, RED), at == edge, "orientation {orientation}, edge {at}: {pixel:?}");
        }
    }
    for name in ["exif6.png", "exif6.webp"] {
        let [_, right, _, left] = edges(&square(&file(name)));
        assert!(is(right, RED) && is(left, BLUE), "{name}: {right:?} {left:?}");
    }
}

#[test]
fn what_is_cut_short_or_damaged_is_refused() {
    let names = [
        "rgb.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "grey.jpg",
        "palette.png",
        "palette.gif",
        "lossy.webp",
        "exif6.webp",
    ];
    for name in names {
        let whole = file(name);
        for eighths in 1..8 {
            let cut = &whole[..whole.len() * eighths / 8];
            assert!(shrink(cut).is_err(), "{name}: {eighths} of 8");
        }
    }
}

#[test]
fn an_orientation_of_any_bytes_is_read() {
    let whole = turned(6);
    for at in 0..60 {
        for byte in [0, 0x7f, 0xff] {
            let mut broken = whole.clone();
            broken[at] = byte;
            let upright = orientation::upright(&broken, 1.0);
            assert!(upright.is_valid(), "{at} {byte}");
        }
    }
}
