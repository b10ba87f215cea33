//! Cameras: V4L2 nodes that deliver pictures.
//!
//! Left out are metadata and output nodes, codecs, and the raw sensors of boards whose pictures need an image processor
//! first: those are reached through libcamera.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use v4l::capability::Flags;

use super::v4l2::{Node, text};
use super::{Named, choose, formats, listing};
use crate::model::capture::Offer;
use crate::model::{Code, Refusal};

/// Drivers of bare sensors (Raspberry Pi): they say "capture", but deliver Bayer patterns.
const SENSORS: &[&str] = &["unicam", "rp1-cfe"];

/// Drivers of image processors (Raspberry Pi): they say "capture", but wait for somebody to feed them.
const PROCESSORS: &[&str] = &["bcm2835-isp", "pispbe"];

/// `V4L2_CAP_IO_MC` of videodev2.h: the node works only after somebody set up its media graph, as a sensor's does.
const NEEDS_MEDIA_GRAPH: u32 = 0x2000_0000;

/// A camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Its name in `/dev/v4l/by-id`; else in `/dev/v4l/by-path`; else its node.
    pub id: String,
    /// What its driver calls it.
    pub name: String,
    /// Its node, such as `/dev/video0`; may be another after the next plug.
    pub path: PathBuf,
    /// Its kernel driver, such as `uvcvideo`.
    pub driver: String,
    /// Where it is plugged in, as its driver says: `usb-0000:01:00.0-1.2`.
    pub bus: String,
}

impl Named for Camera {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

/// All cameras that this program may open, in the order of their nodes. May block.
pub fn cameras() -> Vec<Camera> {
    scan(Path::new("/dev")).usable
}

/// Nodes that may be cameras, but which this program may not open. May block.
pub fn forbidden_cameras() -> Vec<PathBuf> {
    scan(Path::new("/dev")).forbidden
}

/// The camera that `choice` means: `auto` (the first), an id, a path, or a part of a name. May block.
///
/// # Errors
/// `camera_not_authorized` when the node is there but may not be opened, `camera_device_empty` when none fits.
pub fn resolve_camera(choice: &str) -> Result<Camera, Refusal> {
    resolve(choice, scan(Path::new("/dev")))
}

/// The nodes of one directory.
#[derive(Debug, Default)]
struct Scan {
    usable: Vec<Camera>,
    forbidden: Vec<PathBuf>,
    /// Nodes that deliver what only libcamera makes pictures of.
    sensors: Vec<PathBuf>,
}

fn resolve(choice: &str, scan: Scan) -> Result<Camera, Refusal> {
    if choice == "none" {
        return Err(Refusal::new(Code::CameraDeviceEmpty, "the camera is configured as \"none\""));
    }
    let path = choice.starts_with('/').then(|| fs::canonicalize(choice).unwrap_or_else(|_| choice.into()));
    let found = match &path {
        Some(path) => scan.usable.iter().find(|camera| camera.path == *path),
        None => choose(choice, &scan.usable),
    };
    if let Some(camera) = found {
        return Ok(camera.clone());
    }
    let forbidden = match &path {
        Some(path) => scan.forbidden.iter().find(|node| *node == path),
        None => scan.forbidden.first(),
    };
    if let Some(node) = forbidden {
        let message =
            format!("{} may not be opened: add the daemon's user to the group video", node.display());
        return Err(Refusal::new(Code::CameraNotAuthorized, message));
    }
    let message = match (choice, scan.sensors.first()) {
        ("auto", None) => "there is no camera".to_owned(),
        ("auto", Some(sensor)) => format!(
            "there is no camera but the sensor at {}, which needs media.profile = \"csi\" and the package \
             gstreamer1.0-libcamera",
            sensor.display()
        ),
        (choice, _) => format!("no camera is called {choice:?}{}", listing(&scan.usable)),
    };
    Err(Refusal::new(Code::CameraDeviceEmpty, message))
}

fn scan(dev: &Path) -> Scan {
    let by_id = links(&dev.join("v4l/by-id"));
    let by_path = links(&dev.join("v4l/by-path"));
    let mut scan = Scan::default();
    for path in nodes(dev) {
        match probe(&path) {
            Ok(Delivers::Pictures([name, driver, bus])) => {
                let stable = by_id.get(&path).or_else(|| by_path.get(&path)).cloned();
                let id = stable.unwrap_or_else(|| path.display().to_string());
                scan.usable.push(Camera { id, name, path, driver, bus });
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => scan.forbidden.push(path),
            Ok(Delivers::RawData) => scan.sensors.push(path),
            // Not a camera, or gone between the listing and now.
            Ok(Delivers::Nothing) | Err(_) => {}
        }
    }
    scan
}

/// `video0`, `video1`, … in the order of their numbers.
fn nodes(dev: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dev) else { return Vec::new() };
    let mut nodes: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix("video")?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    nodes.sort_unstable();
    nodes.into_iter().map(|(_, path)| path).collect()
}

/// What the symbolic links of a directory point at, with their names; of several the first by name.
fn links(directory: &Path) -> BTreeMap<PathBuf, String> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeMap::new() };
    let mut found: Vec<(String, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().into_string().ok()?, fs::canonicalize(entry.path()).ok()?))
        })
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(name, target)| (target, name)).collect()
}

/// What a node delivers.
#[derive(Debug, PartialEq, Eq)]
enum Delivers {
    /// Pictures; name, driver and bus of the camera.
    Pictures([String; 3]),
    /// What a sensor sees.
    RawData,
    Nothing,
}

fn probe(path: &Path) -> io::Result<Delivers> {
    let capability = Node::open(path)?.capability()?;
    let said = Flags::from_bits_truncate(capability.capabilities);
    // The flags of this very node, where the driver tells them apart from those of the whole device.
    let bits =
        if said.contains(Flags::DEVICE_CAPS) { capability.device_caps } else { capability.capabilities };
    Ok(delivers(bits, [text(&capability.card), text(&capability.driver), text(&capability.bus_info)]))
}

/// What a node with these flags does, of a camera with this name, driver and bus.
fn delivers(bits: u32, names: [String; 3]) -> Delivers {
    let (flags, driver) = (Flags::from_bits_truncate(bits), names[1].as_str());
    // A codec has both ends in one node.
    let codec = flags.intersects(Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE);
    let captures = flags.intersects(Flags::VIDEO_CAPTURE | Flags::VIDEO_CAPTURE_MPLANE);
    if !captures || codec || PROCESSORS.contains(&driver) {
        Delivers::Nothing
    } else if bits & NEEDS_MEDIA_GRAPH != 0 || SENSORS.contains(&driver) {
        Delivers::RawData
    } else {
        Delivers::Pictures(names)
    }
}

/// What the camera offers; nothing when it cannot be asked. Opens its node for a moment and starts nothing. May block.
pub fn offers(camera: &Camera) -> Vec<Offer> {
    Node::open(&camera.path).map(|node| formats::offers(&node)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn front() -> Camera {
        Camera {
            id: "usb-Front-video-index0".into(),
            name: "Front".into(),
            path: "/dev/video0".into(),
            driver: "uvcvideo".into(),
            bus: "usb-1".into(),
        }
    }

    #[test]
    fn a_machine_without_cameras() {
        let dev = tempfile::tempdir().expect("a temporary directory");
        assert!(scan(dev.path()).usable.is_empty());
        let code = |choice| resolve(choice, Scan::default()).map_err(|refusal| refusal.code);
        for choice in ["auto", "none", "front", "/dev/video77"] {
            assert_eq!(code(choice), Err(Code::CameraDeviceEmpty), "{choice}");
        }
    }

    #[test]
    fn a_node_that_is_no_camera_is_left_out() {
        let dev = tempfile::tempdir().expect("a temporary directory");
        fs::write(dev.path().join("video3"), "no device").expect("a writable directory");
        fs::write(dev.path().join("videos"), "no node").expect("a writable directory");
        assert_eq!(nodes(dev.path()), [dev.path().join("video3")]);
        let scan = scan(dev.path());
        assert!(scan.usable.is_empty() && scan.forbidden.is_empty(), "{scan:?}");
    }

    #[test]
    fn a_bare_sensor_is_no_camera_and_is_told_with_what_it_needs() {
        let capture = Flags::VIDEO_CAPTURE.bits();
        let node = |bits, driver: &str| delivers(bits, ["A".into(), driver.into(), "platform".into()]);
        assert!(matches!(node(capture, "uvcvideo"), Delivers::Pictures(_)));
        assert_eq!(node(capture, "unicam"), Delivers::RawData);
        assert_eq!(node(capture | NEEDS_MEDIA_GRAPH, "rkisp1"), Delivers::RawData);
        for (bits, driver) in [
            (capture | NEEDS_MEDIA_GRAPH, "pispbe"),
            (capture, "bcm2835-isp"),
            (Flags::VIDEO_M2M_MPLANE.bits(), "bcm2835-codec"),
            (Flags::VIDEO_OUTPUT.bits(), "v4l2 loopback"),
        ] {
            assert_eq!(node(bits, driver), Delivers::Nothing, "{driver}");
        }
        let scan = Scan { sensors: vec!["/dev/video0".into()], ..Scan::default() };
        let refusal = resolve("auto", scan).expect_err("none that can be opened");
        assert_eq!(refusal.code, Code::CameraDeviceEmpty);
        assert!(refusal.message.contains("/dev/video0, which needs media.profile = \"csi\""), "{refusal}");
    }

    #[test]
    fn stable_names_come_from_the_links() {
        let dev = tempfile::tempdir().expect("a temporary directory");
        let dev = fs::canonicalize(dev.path()).expect("a directory");
        fs::create_dir(dev.join("by-id")).expect("a writable directory");
        fs::write(dev.join("video0"), "").expect("a writable directory");
        for name in ["usb-b", "usb-a"] {
            symlink("../video0", dev.join("by-id").join(name)).expect("a writable directory");
        }
        let links = links(&dev.join("by-id"));
        assert_eq!(links.get(&dev.join("video0")).map(String::as_str), Some("usb-a"));
    }

    #[test]
    fn who_may_not_open_it_is_told_so() {
        let denied = || Scan { forbidden: vec!["/dev/video9".into()], ..Scan::default() };
        for choice in ["auto", "/dev/video9"] {
            let refusal = resolve(choice, denied()).expect_err("nothing to open");
            assert_eq!(refusal.code, Code::CameraNotAuthorized);
            assert!(refusal.message.contains("group video"), "{refusal}");
        }
        let both = || Scan { usable: vec![front()], ..denied() };
        for choice in ["auto", "front", "/dev/video0"] {
            assert_eq!(resolve(choice, both()), Ok(front()), "{choice}");
        }
    }
}
