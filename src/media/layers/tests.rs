use std::fs;
use std::path::Path;

use gstreamer as gst;
use gstreamer_video as gst_video;
use resvg::tiny_skia::{Color, Pixmap};

use super::*;

const Q: Quality = Quality::P360;

/// Brightness at a place in units of 1280 × 720.
fn luma(picture: &gst::Buffer, x: u32, y: u32) -> u8 {
    let (width, height) = Q.size();
    let info =
        gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height).build().expect("a size");
    let frame = gst_video::VideoFrame::from_buffer_readable(picture.clone(), &info).expect("a picture");
    let at = (y * height / 720) * u32::try_from(info.stride()[0]).expect("positive") + x * width / 1280;
    frame.plane_data(0).expect("brightness")[at as usize]
}

fn painter(settings: &Settings) -> Painter {
    gst::init().expect("GStreamer starts");
    Painter::new(settings)
}

fn with_label() -> Settings {
    Settings { foreground: Foreground::Name, ..Settings::default() }
}

/// A grey picture with the label on it.
fn labelled(name: &str) -> gst::Buffer {
    let layers = painter(&with_label()).paint(name, Q).expect("layers");
    let mut picture = grey();
    layers.label.expect("a label").blend(picture.make_mut(), &caps());
    picture
}

fn grey() -> gst::Buffer {
    let (width, height) = Q.size();
    gst::Buffer::from_mut_slice(vec![128u8; (width * height * 3 / 2) as usize])
}

fn caps() -> gst::Caps {
    let (width, height) = Q.size();
    let pixels = |pixels: u32| i32::try_from(pixels).expect("small");
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", pixels(width))
        .field("height", pixels(height))
        .build()
}

/// How far the label reaches to the right, in pixels.
fn reach(picture: &gst::Buffer) -> usize {
    let (width, height) = Q.size();
    let map = picture.map_readable().expect("memory");
    let rows = map.as_slice()[..(width * height) as usize].chunks(width as usize);
    rows.filter_map(|row| row.iter().rposition(|value| *value != 128)).max().unwrap_or(0)
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut pixmap = Pixmap::new(width, height).expect("a size");
    pixmap.fill(Color::from_rgba8(250, 250, 250, 255));
    pixmap.encode_png().expect("a PNG")
}

fn slate_with(avatar: &Path) -> gst::Buffer {
    let settings = Settings { avatar: Some(avatar.to_owned()), ..Settings::default() };
    painter(&settings).paint("Lobby", Q).expect("layers").slate.picture().expect("memory")
}

#[test]
fn the_label_is_bottom_left_and_leaves_the_rest_alone() {
    let picture = labelled("Lobby kiosk");
    assert!(luma(&picture, 40, 645) < 100, "translucent black");
    assert!(luma(&picture, 40, 645) > 40, "but not opaque");
    assert_eq!((luma(&picture, 640, 300), luma(&picture, 1270, 668)), (128, 128));
}

#[test]
fn the_label_is_as_wide_as_its_name_and_no_wider_than_it_may_be() {
    let (short, long) = (reach(&labelled("Al")), reach(&labelled("Lobby kiosk, first floor")));
    assert!(short < 90 && long > 150, "{short} {long}");
    let longest = reach(&labelled(&"W".repeat(128)));
    assert!((380..=440).contains(&longest), "{longest}");
    assert!(reach(&labelled(&"大".repeat(42))) <= 440);
}

#[test]
fn markup_in_a_name_changes_nothing_but_the_text() {
    let plain = reach(&labelled("xxxxxxxxxxxxxx"));
    let evil = labelled("</text><rect width='1280' height='720'/><text>{name_width}{avatar}");
    assert_eq!(luma(&evil, 640, 300), 128);
    assert!(reach(&evil) > plain);
    for name in ["\u{0}\u{1b}[2J", "\u{202e}gnp.exe", "&amp;&bogus;", "a\u{300}\u{300}\u{300}", "]]>"] {
        assert_eq!(luma(&labelled(name), 640, 300), 128, "{name:?}");
    }
}

#[test]
fn a_picture_of_another_size_is_left_alone() {
    let layers = painter(&with_label()).paint("Lobby", Quality::P720).expect("layers");
    let mut picture = grey();
    layers.label.expect("a label").blend(picture.make_mut(), &caps());
    assert_eq!(reach(&picture), 0);
}

#[test]
fn without_a_foreground_or_a_name_there_is_no_label() {
    assert!(painter(&Settings::default()).paint("Lobby", Q).expect("layers").label.is_none());
    for name in ["", " ", "\u{202e}"] {
        assert!(painter(&with_label()).paint(name, Q).expect("layers").label.is_none(), "{name:?}");
    }
}

#[test]
fn names_in_any_script_differ_on_label_and_slate() {
    let painter = painter(&with_label());
    let names = [
        "Lobby kiosk",
        "\u{645}\u{631}\u{62d}\u{628}\u{627}",
        "\u{5927}\u{5802}",
        "\u{1f389}",
        "\u{e25}\u{e47}",
    ];
    let mut seen: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for name in names {
        let layers = painter.paint(name, Q).expect("layers");
        let slate = without_label(&layers.slate.picture().expect("memory"));
        let mut label = grey();
        layers.label.expect("a label").blend(label.make_mut(), &caps());
        let label = label.map_readable().expect("memory").to_vec();
        assert!(seen.iter().all(|other| other.0 != slate && other.1 != label), "{name}");
        seen.push((slate, label));
    }
}

/// The brightness of the slate down to where its own name ends.
fn without_label(slate: &gst::Buffer) -> Vec<u8> {
    let (width, height) = Q.size();
    slate.map_readable().expect("memory")[..(width * height * 3 / 4) as usize].to_vec()
}

#[test]
fn the_slate_has_the_avatar_or_the_icon() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str, bytes: &[u8]| {
        let file = directory.path().join(name);
        fs::write(&file, bytes).expect("a writable directory");
        file
    };
    let white = slate_with(&file("white.png", &png(300, 200)));
    assert!(luma(&white, 640, 300) > 220, "the avatar");
    assert!(luma(&white, 530, 185) < 60, "in a circle");
    let icon =
        painter(&Settings::default()).paint("Lobby", Q).expect("layers").slate.picture().expect("memory");
    let shoulder = luma(&icon, 640, 400);
    assert!((120..200).contains(&shoulder), "{shoulder}");
    let huge = png(10_000, 5_000);
    let broken = &png(300, 200)[..60];
    for (name, bytes) in [("text", &b"no picture"[..]), ("empty", &[]), ("huge", &huge), ("broken", broken)] {
        let slate = slate_with(&file(name, bytes));
        assert_eq!(luma(&slate, 640, 400), shoulder, "{name}");
    }
    assert_eq!(luma(&slate_with(&directory.path().join("absent")), 640, 400), shoulder);
    assert_eq!(luma(&slate_with(directory.path()), 640, 400), shoulder);
}

#[test]
fn a_template_of_ones_own_is_used_and_a_wrong_one_is_not() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let slate = |text: &str| {
        let file = directory.path().join("slate.svg");
        fs::write(&file, text).expect("a writable directory");
        let settings = Settings { background_template: Some(file), ..Settings::default() };
        painter(&settings).paint("Lobby", Q).expect("layers").slate.picture().expect("memory")
    };
    let own = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 9'><rect width='16' height='9' fill='#fff'/></svg>";
    assert_eq!(luma(&slate(own), 10, 10), 235);
    let built_in = luma(
        &painter(&Settings::default()).paint("Lobby", Q).expect("layers").slate.picture().expect("memory"),
        10,
        10,
    );
    let declared = format!("<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\">{own}");
    assert_eq!(luma(&slate(&declared), 10, 10), 235, "as drawing programs write it");
    let entity = format!("<!DOCTYPE svg [<!ENTITY a \"aaa\">]>{own}");
    let nested = format!("{}{}", own.trim_end_matches("</svg>"), "<g>".repeat(100_000));
    for wrong in [
        &entity,
        &nested,
        "",
        "<svg",
        "<html/>",
        "<svg xmlns='http://www.w3.org/2000/svg' width='0' height='0'/>",
    ] {
        assert_eq!(luma(&slate(wrong), 10, 10), built_in, "{wrong}");
    }
}

#[test]
fn every_quality_has_its_layers() {
    let painter = painter(&with_label());
    for quality in [Quality::P360, Quality::P540, Quality::P720, Quality::P1080] {
        let (width, height) = quality.size();
        let layers = painter.paint("Lobby", quality).expect("layers");
        assert!(layers.label.is_some());
        assert!(layers.slate.picture().expect("memory").size() >= (width * height * 3 / 2) as usize);
    }
}
