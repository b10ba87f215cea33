//! Commands that see other mounts than the rest of the machine.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::tool;

/// A shell script with mounts of its own; `$0` is `argument`, and `$@` the program that is appended to the command.
pub fn own_mounts(script: &str, argument: &str) -> Command {
    let root = fs::metadata("/proc/self").expect("Linux has it").uid() == 0;
    let mut command = tool("unshare", "util-linux");
    // Only who is not root outside needs a user namespace to be root inside.
    command.args([if root { "-m" } else { "-rm" }, "sh", "-c", script, argument]);
    command
}
