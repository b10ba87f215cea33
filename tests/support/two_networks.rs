//! A test in a network of its own, with another one behind a cable: broker and host are here, a guest is there.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{eventually, tool};

/// The address of this side of the cable.
pub const HERE: &str = "10.77.0.1";

/// Set in the process that has a network of its own.
const APART: &str = "COGUEST_TEST_APART";

/// Runs `test` in a network of its own: this program is started again for the test named `name`, its whole path.
pub fn apart(name: &str, test: impl FnOnce(&Cable)) {
    if env::var_os(APART).is_some() {
        return test(&Cable::lay());
    }
    let root = fs::metadata("/proc/self").expect("Linux has it").uid() == 0;
    let status = tool("unshare", "util-linux")
        // Only who is not root outside needs a user namespace to be root inside.
        .args([if root { "-n" } else { "-rn" }, "--"])
        .arg(env::current_exe().expect("this program has a path"))
        .args(["--exact", name, "--nocapture"])
        .env(APART, "1")
        .status()
        .expect("unshare starts");
    assert!(status.success(), "{name} in a network of its own");
}

/// The cable between this network and the other.
pub struct Cable {
    /// A process whose network is the other one.
    there: Child,
}

impl Cable {
    fn lay() -> Self {
        let there = tool("unshare", "util-linux")
            .args(["-n", "sleep", "infinity"])
            .stdin(Stdio::null())
            .spawn()
            .expect("unshare starts");
        let cable = Self { there };
        let own = network_of("self");
        eventually("the other network", || {
            Some(network_of(&cable.there.id().to_string())).filter(|it| *it != own)
        });
        here("link set lo up");
        here(&format!("link add here type veth peer name there netns {}", cable.there.id()));
        here(&format!("addr add {HERE}/24 dev here"));
        here("link set here up");
        cable.there("link set lo up");
        cable.there("link set there up");
        cable
    }

    /// Changes something here, in words of ip(8).
    pub fn here(&self, change: &str) {
        here(change);
    }

    /// Changes something there.
    pub fn there(&self, change: &str) {
        let mut command = self.inside();
        succeed(command.arg("ip").args(change.split(' ')), change);
    }

    /// Runs what is appended in the other network.
    pub fn inside(&self) -> Command {
        let mut command = tool("nsenter", "util-linux");
        command.args([&format!("--net=/proc/{}/ns/net", self.there.id()), "--"]);
        command
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        let _ = self.there.kill();
        let _ = self.there.wait();
    }
}

fn network_of(process: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/net")).ok()
}

fn here(change: &str) {
    succeed(tool("ip", "iproute2").args(change.split(' ')), change);
}

fn succeed(command: &mut Command, change: &str) {
    assert!(command.status().expect("it starts").success(), "ip {change}");
}
