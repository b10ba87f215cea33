//! The DTLS certificate of this process, made before it is needed.
//!
//! GStreamer makes one default certificate (an RSA key: 0.1–0.7 s here, seconds on a Pi) with the first DTLS element, and keeps it as
//! long as one such element is alive. So one is made at start-up, on a thread of its own, and kept.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use gstreamer as gst;

static KEPT: OnceLock<Option<gst::Element>> = OnceLock::new();

/// The thread that makes it.
static MAKER: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);

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
        Err(error) => tracing::warn!("the DTLS certificate is made with the first peer only: {error}"),
    }
}

/// Ends the process here and now if the certificate is just being made; nothing that is registered for the exit is run then.
///
/// At an ordinary exit OpenSSL is taken apart, and a thread that is in the midst of a key crashes. A key takes seconds on a small
/// board, so it is not waited for.
#[allow(unsafe_code, reason = "the standard library has only the ordinary exit")]
pub fn end_if_being_made(status: u8) {
    let maker = MAKER.lock().unwrap_or_else(PoisonError::into_inner);
    if maker.as_ref().is_some_and(|maker| !maker.is_finished()) {
        // SAFETY: it takes an integer and hands the process to the kernel.
        unsafe { libc::_exit(status.into()) };
    }
}
