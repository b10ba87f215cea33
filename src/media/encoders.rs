//! Which video encoders this machine's GStreamer has.

use gstreamer as gst;

/// Encoders that profiles may use, the board's own first.
const KNOWN: [&str; 7] =
    ["v4l2h264enc", "mpph264enc", "nvv4l2h264enc", "vah264enc", "x264enc", "openh264enc", "vp8enc"];

/// Those of them that are there. Whether they work is known only by trying.
pub fn available() -> Vec<String> {
    if gst::init().is_err() {
        return Vec::new();
    }
    KNOWN.iter().filter(|name| gst::ElementFactory::find(name).is_some()).map(ToString::to_string).collect()
}
