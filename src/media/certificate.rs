//! The DTLS certificate of this process, made before it is needed.
//!
//! GStreamer makes one default certificate (an RSA key: 0.1–0.7 s here, seconds on a Pi) with the first DTLS element, and keeps it as
//! long as one such element is alive. So one is made at start-up, on a thread of its own, and kept.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use gstreamer as gst;

static KEPT: OnceLock<Option<gst::Element>> = OnceLock::new();

/// The thread that makes it.
static MAKER: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);

/// How often a thread at work is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Begins to make the certificate, if it was not made; does not wait for it. A peer that needs it sooner waits inside GStreamer.
pub fn warm_up() {
    if KEPT.get().is_some() {
        return;
    }
    let made = thread::Builder::new().name("certificate".into()).spawn(|| {
        KEPT.get_or_init(|| gst::ElementFactory::make("dtlsdec").build().ok());
    });
    match made {
        Ok(maker) => *MAKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(maker),
        Err(error) => tracing::warn!(%error, "the DTLS certificate is made with the first peer only"),
    }
}

/// Waits until nothing is being made any more, but not longer than `cap`: at its exit the program takes OpenSSL apart, and a
/// thread that is in the midst of a key would crash it.
pub fn settle(cap: Duration) {
    let Some(maker) = MAKER.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let until = Instant::now() + cap;
    while !maker.is_finished() && Instant::now() < until {
        thread::sleep(LOOK);
    }
}
