//! What libnice asks the router of this machine for, left to itself.

use gstreamer as gst;
use gstreamer::prelude::*;

/// No ports (UPnP).
pub fn ask_nothing(rtc: &gst::Element) {
    let agent = rtc.property::<gst::glib::Object>("ice-agent").property::<gst::glib::Object>("agent");
    if agent.find_property("upnp").is_some() {
        agent.set_property("upnp", false);
    }
}
