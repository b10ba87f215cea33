//! This process, looked at from outside: what it has open, and a test alone in one.

use std::process::Command;
use std::time::{Duration, Instant};

/// Whether this process runs this test only; if not, such a process was run, and its failure is this one's.
pub fn alone(test: &str) -> bool {
    if std::env::var_os("COGUEST_TEST_ALONE").is_some() {
        return true;
    }
    let status = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", test, "--nocapture"])
        .env("COGUEST_TEST_ALONE", "1")
        .status()
        .expect("it starts");
    assert!(status.success(), "{test}, run alone, failed");
    false
}

pub fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}

pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux").count()
}

/// Sockets of this process that wait for somebody, of TCP and UDP.
pub fn sockets() -> usize {
    let links = std::fs::read_dir("/proc/self/fd").expect("Linux").flatten();
    links
        .filter(|entry| {
            std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
        })
        .count()
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    pub files: usize,
    pub sockets: usize,
    pub threads: usize,
}

impl Holds {
    pub fn now() -> Self {
        Self { files: open_files(), sockets: sockets(), threads: threads() }
    }

    /// Whether there is nothing more than in `other`.
    pub fn is_within(self, other: Self) -> bool {
        self.files <= other.files && self.sockets <= other.sockets && self.threads <= other.threads
    }
}

/// What it holds once that stays the same for a while: what ends, ends on threads of its own.
pub fn settled() -> Holds {
    let mut before = Holds::now();
    for _ in 0..40 {
        std::thread::sleep(Duration::from_millis(500));
        let now = Holds::now();
        if now == before {
            break;
        }
        before = now;
    }
    before
}

/// What it holds once that is no more than before, or after a while.
pub fn back_to(before: Holds) -> Holds {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !Holds::now().is_within(before) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
    }
    Holds::now()
}

/// The length of stay number `n`: 0 to 200 ms, in no order; every seventh has none at all.
pub fn short_time(n: u64) -> Duration {
    let spread = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    Duration::from_millis(if n.is_multiple_of(7) { 0 } else { spread % 201 })
}
