//! The DTLS certificate of this process, made before it is needed.
//!
//! GStreamer makes one default certificate (an RSA key: 0.1–0.7 s here, seconds on a Pi) with the first DTLS element, and keeps it as
//! long as one such element is alive. So one is made at start-up, on a thread of its own, and kept.

use std::sync::OnceLock;
use std::thread;

use gstreamer as gst;

static KEPT: OnceLock<Option<gst::Element>> = OnceLock::new();

/// Begins to make the certificate, if it was not made; does not wait for it. A peer that needs it sooner waits inside GStreamer.
pub fn warm_up() {
    if KEPT.get().is_some() {
        return;
    }
    let made = thread::Builder::new().name("certificate".into()).spawn(|| {
        KEPT.get_or_init(|| gst::ElementFactory::make("dtlsdec").build().ok());
    });
    if let Err(error) = made {
        tracing::warn!(%error, "the DTLS certificate is made with the first peer only");
    }
}
