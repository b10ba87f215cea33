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

/// Open files and threads once they stay the same for a while: what ends, ends on threads of its own.
pub fn settled() -> (usize, usize) {
    let mut before = (open_files(), threads());
    for _ in 0..40 {
        std::thread::sleep(Duration::from_millis(500));
        let now = (open_files(), threads());
        if now == before {
            break;
        }
        before = now;
    }
    before
}

/// Whether there is more than before, also after a while.
pub fn is_left_behind(before: (usize, usize)) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    let more = || open_files() > before.0 || threads() > before.1;
    while more() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
    }
    more()
}
