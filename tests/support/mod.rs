//! What the integration tests share: real programs on loopback, started and stopped by the tests themselves.
//!
//! Invariant: everything here ends with its value: processes are killed, folders removed, ports free.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod broker;
pub mod certificates;
pub mod client;
pub mod daemon;
pub mod hands;
pub mod namespace;
pub mod peer;
pub mod relay;
pub mod routed_network;
pub mod schema;
pub mod stand;
pub mod two_networks;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a test waits for something that should happen at once. Only a failing test waits that long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A command that a test cannot do without; when it is missing, the test fails with the way to get it.
pub fn tool(name: &str, package: &str) -> Command {
    let found = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    match found {
        Some(file) => Command::new(file),
        None => panic!("this test needs {name}: sudo apt-get install {package}"),
    }
}

/// Runs a command to its end; a failure shows what it said.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{said}{wrong}", output.status);
    said
}

/// Looks again and again until `look` has an answer.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
