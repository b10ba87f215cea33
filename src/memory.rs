//! How the C library hands out memory: GStreamer's, since Rust's own is little.
//!
//! A stay starts some twenty threads and ends them again, and moves pictures of a megabyte. By its defaults glibc gives each thread
//! an arena of its own, and after the first freed picture it takes large pieces from there too: over a hundred stays a process
//! grew by half, though nothing was kept. With one arena, and large pieces straight from the kernel and back, it stays as it is.

use libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, c_int};

/// One heap: nothing here allocates so fast that threads would wait for each other.
const ARENAS: c_int = 1;

/// Pieces from this size on are the kernel's, in bytes: pictures, not what is drawn into each of them (a mapping anew for
/// each costs some percent of CPU). Setting it also keeps glibc from raising it by itself.
const LARGE: c_int = 512 << 10;

/// So much may lie free at the end of the heap, in bytes.
const SPARE: c_int = 512 << 10;

/// Sets it. To be called before there is a second thread.
#[allow(unsafe_code, reason = "glibc has no other way to be told but its environment")]
pub fn settle() {
    for (what, value) in [(M_ARENA_MAX, ARENAS), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, SPARE)] {
        // SAFETY: mallopt takes two integers and refuses what it does not know; nothing else runs yet.
        if unsafe { libc::mallopt(what, value) } == 0 {
            tracing::debug!(what, value, "the C library does not take this");
        }
    }
}

/// Gives what lies free back to the kernel, also in the middle of the heap: at the end of a stay. Takes some milliseconds.
#[allow(unsafe_code, reason = "as above")]
pub fn give_back() {
    // SAFETY: malloc_trim may be called at any time by any thread.
    unsafe { libc::malloc_trim(0) };
}
