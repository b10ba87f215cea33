//! A network behind a router, in namespaces of their own: what is sent from inside passes a way that can be made narrow.
//!
//! ```text
//! this namespace ── veth ── router ── veth ── inside
//!                        ▲ tbf: rate and queue
//! ```
//! Gone when dropped.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::{run, tool};

const PACKAGE: &str = "iproute2";

/// The network.
pub struct RoutedNetwork {
    router: String,
    inside: String,
    /// This end's interface.
    near: String,
    subnet: u8,
}

impl RoutedNetwork {
    /// Made anew; why not, where this process may not.
    pub fn open() -> Result<Self, String> {
        if fs::metadata("/proc/self").expect("Linux has it").uid() != 0 {
            return Err("only root makes network namespaces".to_owned());
        }
        let id = std::process::id();
        let network = Self {
            router: format!("coguest-r{id}"),
            inside: format!("coguest-i{id}"),
            near: format!("cgn{id}"),
            subnet: u8::try_from(id % 120).expect("small") * 2,
        };
        let made = Command::new("ip").args(["netns", "add", &network.router]).output();
        let made = made.map_err(|error| format!("ip: {error}: apt-get install {PACKAGE}"))?;
        if !made.status.success() {
            return Err(format!("this machine has no namespaces: {}", String::from_utf8_lossy(&made.stderr)));
        }
        network.connect();
        Ok(network)
    }

    fn connect(&self) {
        let Self { router, inside, near, subnet } = self;
        let (here, there) = (format!("10.213.{subnet}"), format!("10.213.{}", subnet + 1));
        ip(&["netns", "add", inside]);
        ip(&["link", "add", near, "type", "veth", "peer", "name", "out", "netns", router]);
        ip(&["-n", router, "link", "add", "in", "type", "veth", "peer", "name", "out", "netns", inside]);
        ip(&["addr", "add", &format!("{here}.1/24"), "dev", near]);
        ip(&["-n", router, "addr", "add", &format!("{here}.2/24"), "dev", "out"]);
        ip(&["-n", router, "addr", "add", &format!("{there}.1/24"), "dev", "in"]);
        ip(&["-n", inside, "addr", "add", &format!("{there}.2/24"), "dev", "out"]);
        ip(&["link", "set", near, "up"]);
        for (namespace, device) in [(router, "out"), (router, "in"), (inside, "out"), (inside, "lo")] {
            ip(&["-n", namespace, "link", "set", device, "up"]);
        }
        ip(&["-n", inside, "route", "add", "default", "via", &format!("{there}.1")]);
        ip(&["route", "add", &format!("{there}.0/24"), "via", &format!("{here}.2")]);
        run(self.at_router().args(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]));
    }

    /// What this end is called from inside.
    pub fn address(&self) -> String {
        format!("10.213.{}.1", self.subnet)
    }

    /// The beginning of a command that runs inside.
    pub fn inside(&self) -> Command {
        self.at(&self.inside)
    }

    fn at_router(&self) -> Command {
        self.at(&self.router)
    }

    fn at(&self, namespace: &str) -> Command {
        let mut command = tool("ip", PACKAGE);
        command.args(["netns", "exec", namespace]);
        command
    }

    /// From inside no more than this passes, and what waits longer in the router's queue is lost.
    pub fn narrow(&self, kilobits: u32, queue_ms: u32) {
        let (rate, queue) = (format!("{kilobits}kbit"), format!("{queue_ms}ms"));
        run(self
            .at_router()
            .args(["tc", "qdisc", "replace", "dev", "out", "root", "tbf"])
            .args(["rate", &rate, "burst", "4kb", "latency", &queue]));
    }

    /// Everything passes.
    pub fn widen(&self) {
        run(self.at_router().args(["tc", "qdisc", "del", "dev", "out", "root"]));
    }

    /// Bytes that have passed the router from inside.
    pub fn passed(&self) -> u64 {
        let counter = self.at_router().args(["cat", "/sys/class/net/out/statistics/tx_bytes"]).output();
        let text = String::from_utf8(counter.expect("cat is everywhere").stdout).expect("a number");
        text.trim().parse().expect("a number")
    }
}

impl Drop for RoutedNetwork {
    fn drop(&mut self) {
        for namespace in [&self.inside, &self.router] {
            // The pair of interfaces goes with it. Nobody can be told that it did not.
            if let Err(error) = Command::new("ip").args(["netns", "del", namespace]).status() {
                eprintln!("the namespace {namespace} stays: {error}");
            }
        }
    }
}

fn ip(arguments: &[&str]) {
    run(tool("ip", PACKAGE).args(arguments));
}
