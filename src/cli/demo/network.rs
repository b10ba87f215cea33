//! Whether peers of this machine can find each other: ICE offers no way over loopback.

use std::fs;
use std::net::Ipv4Addr;

use anyhow::bail;

/// Fails when no interface but loopback has an address.
pub(super) fn check() -> anyhow::Result<()> {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    if has_ipv4(&read("/proc/net/fib_trie")) || has_ipv6(&read("/proc/net/if_inet6")) {
        return Ok(());
    }
    bail!(
        "no network interface but loopback has an address, and WebRTC finds no way over loopback: connect a network, or \
         sudo ip link add demo0 type veth peer name demo1 && sudo ip addr add 192.0.2.77/24 dev demo0 && \
         sudo ip link set demo0 up && sudo ip link set demo1 up"
    );
}

/// A local address stands above its `/32 host LOCAL`.
fn has_ipv4(trie: &str) -> bool {
    let lines: Vec<&str> = trie.lines().map(str::trim).collect();
    let local = lines.windows(2).filter(|pair| pair[1] == "/32 host LOCAL");
    let mut addresses = local.filter_map(|pair| pair[0].strip_prefix("|-- ")?.parse::<Ipv4Addr>().ok());
    addresses.any(|address| !address.is_loopback())
}

/// Address, index, prefix, scope (00: global), flags, name.
fn has_ipv6(table: &str) -> bool {
    let mut fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.any(|fields| matches!(fields.as_slice(), [_, _, _, "00", _, name] if *name != "lo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_alone_is_no_network() {
        let lo = "Local:\n  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 127.255.255.255\n        /32 link BROADCAST\n";
        assert!(!has_ipv4(lo) && !has_ipv4(""));
        assert!(has_ipv4(&format!("{lo}     |-- 192.0.2.2\n        /32 host LOCAL\n")));
        let lo = "00000000000000000000000000000001 01 80 10 80       lo\n";
        assert!(!has_ipv6(lo) && !has_ipv6(""));
        assert!(has_ipv6(&format!("{lo}fd000000000000000000000000000002 04 40 00 80     eth0\n")));
    }
}
