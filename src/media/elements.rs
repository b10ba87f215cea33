//! Making elements, and saying which Debian package brings one that is missing; and the pads of those that are written here.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::core::job;

/// Prefixes of element names, longest match first, and the package that brings them.
const PACKAGES: [(&str, &str); 36] = [
    ("alsa", "gstreamer1.0-alsa"),
    ("app", "gstreamer1.0-plugins-base"),
    ("audio", "gstreamer1.0-plugins-base"),
    ("avdec_", "gstreamer1.0-libav"),
    ("capsfilter", "libgstreamer1.0-0"),
    ("decodebin", "gstreamer1.0-plugins-base"),
    ("dtls", "gstreamer1.0-plugins-bad"),
    ("errorignore", "gstreamer1.0-plugins-bad"),
    ("fakes", "libgstreamer1.0-0"),
    ("filesrc", "libgstreamer1.0-0"),
    ("gdkpixbuf", "gstreamer1.0-gtk3"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("identity", "libgstreamer1.0-0"),
    ("jpeg", "gstreamer1.0-plugins-good"),
    ("level", "gstreamer1.0-plugins-good"),
    ("libcamera", "gstreamer1.0-libcamera"),
    ("nice", "gstreamer1.0-nice"),
    ("openh264", "gstreamer1.0-plugins-bad"),
    ("opus", "gstreamer1.0-plugins-base"),
    ("queue", "libgstreamer1.0-0"),
    ("rsvg", "gstreamer1.0-plugins-bad"),
    ("rtp", "gstreamer1.0-plugins-good"),
    ("srtp", "gstreamer1.0-plugins-bad"),
    ("tee", "libgstreamer1.0-0"),
    ("textoverlay", "gstreamer1.0-x"),
    ("timeoverlay", "gstreamer1.0-x"),
    ("v4l2", "gstreamer1.0-plugins-good"),
    ("va", "gstreamer1.0-plugins-bad"),
    ("videobox", "gstreamer1.0-plugins-good"),
    ("videocrop", "gstreamer1.0-plugins-good"),
    ("videoflip", "gstreamer1.0-plugins-good"),
    ("video", "gstreamer1.0-plugins-base"),
    ("volume", "gstreamer1.0-plugins-base"),
    ("vp8", "gstreamer1.0-plugins-good"),
    ("webrtc", "gstreamer1.0-plugins-bad"),
    ("x264", "gstreamer1.0-plugins-ugly"),
];

/// An element that is not installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the GStreamer element {element} is missing{}", remedy(*.package))]
pub struct MissingElement {
    /// Its name.
    pub element: String,
    /// The Debian package that brings it, where known.
    pub package: Option<&'static str>,
}

fn remedy(package: Option<&str>) -> String {
    package.map_or_else(String::new, |package| format!(": apt-get install {package}"))
}

/// Whether an element of this name can be made.
pub fn require(name: &str) -> Result<(), MissingElement> {
    if gst::ElementFactory::find(name).is_some() { Ok(()) } else { Err(missing(name)) }
}

/// The first of these that can be made.
pub fn first(names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| require(name).is_ok())
}

/// Loads the plugin that brings an element, if it is there. May take its time.
fn load(name: &str) {
    if let Some(Err(error)) = gst::ElementFactory::find(name).map(|factory| factory.load()) {
        tracing::debug!(%error, "{name} cannot be loaded");
    }
}

/// Loads the plugins of these elements on a thread of its own: from a slow card that takes its time, which there is before a seat is
/// granted.
pub fn load_ahead(names: Vec<String>) {
    let work = move || names.iter().for_each(|name| load(name));
    if let Err(error) = job::spawn("loader", work) {
        tracing::debug!(%error, "plugins are loaded when they are needed");
    }
}

/// The elements that a fragment names, as a shipped profile writes it: each step of a chain begins with one.
pub fn named_in(launch: &str) -> Vec<&str> {
    let mut quoted = false;
    let steps = launch.split(|letter| {
        quoted ^= letter == '"';
        letter == '!' && !quoted
    });
    steps.filter_map(|step| step.split_whitespace().next().filter(|word| !word.contains('='))).collect()
}

/// The error for an element that is not there.
pub fn missing(name: &str) -> MissingElement {
    let package =
        PACKAGES.iter().filter(|(prefix, _)| name.starts_with(prefix)).max_by_key(|(prefix, _)| prefix.len());
    MissingElement { element: name.to_owned(), package: package.map(|(_, package)| *package) }
}

/// The pads of an element that is written here: name, direction, presence, and what passes.
pub fn pad_templates<const N: usize>(
    pads: [(&str, gst::PadDirection, gst::PadPresence, &gst::Caps); N],
) -> Vec<gst::PadTemplate> {
    pads.into_iter()
        .filter_map(|(name, direction, presence, caps)| {
            gst::PadTemplate::new(name, direction, presence, caps).ok()
        })
        .collect()
}

/// Gives such an element, which is new, its pads.
pub fn add_pads<const N: usize>(element: &impl IsA<gst::Element>, pads: [&gst::Pad; N]) {
    for pad in pads {
        element.add_pad(pad).expect("it is new, and has no pads yet");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_of_a_fragment() {
        let launch =
            "videocrop name=fit ! enc a=\"b ! c\" name=encoder ! capsfilter caps=\"video/x-raw(memory:X)\"";
        assert_eq!(named_in(launch), ["videocrop", "enc", "capsfilter"]);
        assert_eq!(named_in("name=encoder"), Vec::<&str>::new());
    }

    #[test]
    fn a_missing_element_names_its_package() {
        gst::init().expect("GStreamer starts");
        assert_eq!(
            require("avdec_nothing").unwrap_err().to_string(),
            "the GStreamer element avdec_nothing is missing: apt-get install gstreamer1.0-libav"
        );
        assert_eq!(require("nothing").unwrap_err().to_string(), "the GStreamer element nothing is missing");
        assert_eq!(missing("videoflip2").package, Some("gstreamer1.0-plugins-good"));
        require("fakesink").expect("a core element");
    }
}
