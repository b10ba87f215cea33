//! What GStreamer is to be told by its environment alone.
//!
//! Invariant: of a camera that is closed no descriptor is left in this process once its last picture is encoded.

/// Sets it. To be called before there is a second thread.
#[allow(unsafe_code, reason = "GStreamer asks for it nowhere else")]
pub fn settle() {
    // From a driver that allows it `v4l2src` (seen in 1.22) walks away with its buffers still out, and then neither frees them nor
    // closes the descriptor that belongs to them, not even when the last has come back: one more after each stay. Told to drain, it
    // leaves that to the last that comes back, which is as soon as it is encoded.
    // SAFETY: nothing else runs yet.
    unsafe { std::env::set_var("GST_V4L2_FORCE_DRAIN", "1") };
}
