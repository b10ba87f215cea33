//! An interface other than loopback: libnice offers no candidates on `lo`.

use std::process::Command;

/// Makes sure there is one, with a dummy interface where the machine has none.
pub fn ensure_interface() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if !has_interface() {
            ip(&["link", "add", "coguest0", "type", "dummy"]);
            ip(&["addr", "add", "192.0.2.77/24", "dev", "coguest0"]);
            ip(&["link", "set", "coguest0", "up"]);
        }
        assert!(
            has_interface(),
            "no network interface but loopback: ip link add coguest0 type dummy && \
             ip addr add 192.0.2.77/24 dev coguest0 && ip link set coguest0 up"
        );
    });
}

fn has_interface() -> bool {
    let shown = ip(&["-o", "-4", "addr", "show", "up", "scope", "global"]);
    shown.lines().any(|line| !line.contains(" lo "))
}

fn ip(arguments: &[&str]) -> String {
    let out = Command::new("ip").args(arguments).output().expect("ip: apt-get install iproute2");
    String::from_utf8_lossy(&out.stdout).into_owned()
}
