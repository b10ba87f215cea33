//! Addresses in the configuration: the broker's, ICE servers', and WHIP endpoints with places for ids.

use std::fmt;
use std::net::IpAddr;

use crate::model::server::ServerUrl;
use crate::model::{LiveId, UserId};

/// Longest address, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// Longest name of an interface (`IFNAMSIZ` of if.h, without its end).
const MAX_ZONE: usize = 15;

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broker {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encrypted: bool,
}

/// `mqtt://host[:port]` or `mqtts://host[:port]`.
///
/// # Errors
/// In words, without the address: it may hold a password.
pub(super) fn broker(url: &str) -> Result<Broker, String> {
    let (encrypted, rest) = if let Some(rest) = url.strip_prefix("mqtts://") {
        (true, rest)
    } else if let Some(rest) = url.strip_prefix("mqtt://") {
        (false, rest)
    } else {
        return Err("must begin with mqtt:// or mqtts://".into());
    };
    if rest.contains('@') {
        return Err("must not hold a login; use `mqtt.username` and `mqtt.password_file`".into());
    }
    let rest = plain_zone(rest);
    let shape = "must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT], an IPv6 address in brackets";
    let (host, port) = server(Some(rest.strip_suffix('/').unwrap_or(&rest)), shape)?;
    Ok(Broker { host, port: port.unwrap_or(if encrypted { 8883 } else { 1883 }), encrypted })
}

/// Whether `host` is this machine, so that nobody listens on the way.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Checks `stun:host[:port]`.
///
/// # Errors
/// In words.
pub(super) fn check_stun(url: &str) -> Result<(), String> {
    let shape = "must be stun:HOST[:PORT], such as \"stun:stun.example.org:3478\"";
    server(url.strip_prefix("stun:"), shape).map(|_| ())
}

/// Checks `turn:host[:port][?transport=udp|tcp]` or `turns:host[:port][?transport=tcp]`: TLS is over TCP.
///
/// # Errors
/// In words, without the address: it may hold a password.
pub(super) fn check_turn(url: &str) -> Result<(), String> {
    if url.contains('@') {
        return Err("must not hold a login; use `username` and `password_file`".into());
    }
    let rest = url.strip_prefix("turn:").or_else(|| url.strip_prefix("turns:"));
    let place = rest.and_then(|rest| {
        let (place, query) = rest.split_once('?').unwrap_or((rest, "transport=udp"));
        matches!(query, "transport=udp" | "transport=tcp").then_some(place)
    });
    let place = place.filter(|_| !(url.starts_with("turns:") && url.ends_with("?transport=udp")));
    let shape = "must be turn:HOST[:PORT][?transport=udp|tcp] or turns:HOST[:PORT][?transport=tcp]";
    server(place, shape).map(|_| ())
}

/// An address without the escape of its zone (RFC 6874), as those who connect read it: `[fe80::1%eth0]` for `[fe80::1%25eth0]`.
pub(super) fn plain_zone(url: &str) -> String {
    match url.split_once("%25") {
        // A zone may be named "25" something; an escape has something behind it.
        Some((address, zone)) if !zone.starts_with(']') => format!("{address}%{zone}"),
        Some(_) | None => url.to_owned(),
    }
}

/// What is said of an address of a link that names none: the kernel connects to no such address.
const ZONE: &str = "is an address of a link: write the interface behind it, as in [fe80::1%eth0]";

/// The host and the port of a server at `place`; `shape` is how its address is written.
fn server(place: Option<&str>, shape: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = place.and_then(host_and_port).ok_or(shape)?;
    if lacks_zone(&host) { Err(ZONE.into()) } else { Ok((host, port)) }
}

fn lacks_zone(host: &str) -> bool {
    host.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.is_unicast_link_local())
}

/// Whether it is `fe80::1%eth0` or the like: only an address of a link needs its zone (RFC 4007), the name or number of an interface.
fn is_zoned(address: &str) -> bool {
    let Some((address, zone)) = address.split_once('%') else { return false };
    let named = (1..=MAX_ZONE).contains(&zone.len())
        && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    named && address.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.is_unicast_link_local())
}

/// `host`, `host:port`, `[address]` or `[address]:port`; the host without brackets, an address of a link with its zone.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, rest) = if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']')?;
        if address.parse::<std::net::Ipv6Addr>().is_err() && !is_zoned(address) {
            return None;
        }
        (address, rest)
    } else {
        let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if host.is_empty() || host.len() > 253 || !host.bytes().all(fits) {
            return None;
        }
        (host, rest)
    };
    let port = match rest.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
        None if rest.is_empty() => None,
        None => return None,
    };
    Some((host.to_owned(), port))
}

/// An `http://` or `https://` address that may hold `{live_id}` and `{user_id}`.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlTemplate(String);

impl UrlTemplate {
    /// The template itself, with its placeholders.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a template.
    ///
    /// # Errors
    /// In words: a wrong scheme, no host, a login, white space, or a place for something else.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"))
            .ok_or("must begin with https:// or http://")?;
        if url.len() > MAX_URL_BYTES || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(format!("must be at most {MAX_URL_BYTES} bytes without white space"));
        }
        let server = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        if server.contains('@') {
            return Err("must not hold a login; use `room.token_file`".into());
        }
        if !server.contains('{') && host_and_port(server).is_none() {
            return Err("must be https://HOST[:PORT]/…, an IPv6 address in brackets".into());
        }
        if url.replace("{live_id}", "").replace("{user_id}", "").contains(['{', '}']) {
            return Err("may hold {live_id} and {user_id}, no other braces".into());
        }
        let filled = url.replace("{live_id}", "a").replace("{user_id}", "a");
        ServerUrl::own(&filled)?;
        Ok(Self(url.to_owned()))
    }

    /// The address for one guest of one room. Both ids consist of characters that a URL takes as they are.
    pub fn fill(&self, live_id: &LiveId, user_id: &UserId) -> String {
        self.0.replace("{live_id}", live_id.as_str()).replace("{user_id}", user_id.as_str())
    }

    /// Whether what is sent there can be read on the way by others.
    pub(super) fn in_clear(&self) -> bool {
        self.0.strip_prefix("http://").is_some_and(|rest| {
            let server = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            host_and_port(server).is_none_or(|(host, _)| !is_loopback(&host))
        })
    }
}

impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers() {
        let at = |host: &str, port, encrypted| Ok(Broker { host: host.into(), port, encrypted });
        assert_eq!(broker("mqtt://127.0.0.1"), at("127.0.0.1", 1883, false));
        assert_eq!(broker("mqtts://broker.example/"), at("broker.example", 8883, true));
        assert_eq!(broker("mqtt://[::1]:1999"), at("::1", 1999, false));
        for zoned in ["mqtt://[fe80::1%eth0]", "mqtt://[fe80::1%25eth0]/"] {
            assert_eq!(broker(zoned), at("fe80::1%eth0", 1883, false), "{zoned}");
        }
        assert_eq!(broker("mqtt://[fe80::1%25]"), at("fe80::1%25", 1883, false), "by its number");
        assert_eq!(broker("mqtts://[fe80::1%wlan0.7]:99"), at("fe80::1%wlan0.7", 99, true));
        for wrong in [
            "",
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://a:b",
            "mqtt://a:0",
            "mqtt://a:70000",
            "mqtt://::1",
            "mqtt://[x]",
            "mqtt://a/b",
            "mqtt://a b",
            "mqtt://[::1]9",
            "mqtt://a:+1",
            "mqtt://[fe80::1%]",
            "mqtt://[fe80::1%a/b]",
            "mqtt://[2001:db8::1%eth0]",
            "mqtt://[::1%lo]",
            "mqtt://[fe80::1%eth0%eth0]",
            "mqtt://[fe80::1%abcdefghijklmnop]",
            "mqtt://192.168.1.1%eth0",
        ] {
            assert!(broker(wrong).is_err(), "{wrong}");
        }
        let refused = broker("mqtt://me:hunter2@broker").expect_err("a login");
        assert!(!refused.contains("hunter2") && refused.contains("mqtt.password_file"));
    }

    #[test]
    fn ice_servers() {
        for link in [
            broker("mqtts://[fe80::1]:99").map(|_| ()),
            check_stun("stun:[febf::1]"),
            check_turn("turns:[fe80::1]:5349?transport=tcp"),
        ] {
            assert!(link.is_err_and(|why| why.contains("[fe80::1%eth0]")));
        }
        for right in ["stun:stun.example.org:3478", "stun:[2001:db8::1]", "stun:[fe80::1%eth0]:3478"] {
            assert_eq!(check_stun(right), Ok(()), "{right}");
        }
        for right in
            ["turn:a", "turn:a:3478?transport=udp", "turns:a:5349?transport=tcp", "turn:[fe80::1%eth0]"]
        {
            assert_eq!(check_turn(right), Ok(()), "{right}");
        }
        for wrong in ["", "stun://a", "stun:", "stun:a:b", "turn:a", "a:1"] {
            assert!(check_stun(wrong).is_err(), "{wrong}");
        }
        for wrong in
            ["", "turn:", "turn:u:p@a", "turn:a?transport=sctp", "turns:a?transport=udp", "turn:a?", "stun:a"]
        {
            assert!(check_turn(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn templates() {
        let (live, user) = ("lobby".parse().expect("an id"), "kiosk-7".parse().expect("an id"));
        let template = UrlTemplate::new("https://sfu.example/{live_id}/whip?user={user_id}").expect("right");
        assert_eq!(template.fill(&live, &user), "https://sfu.example/lobby/whip?user=kiosk-7");
        assert!(!template.in_clear());
        assert!(UrlTemplate::new("http://sfu.example/").is_ok_and(|url| url.in_clear()));
        assert!(UrlTemplate::new("http://127.0.0.1:8000/").is_ok_and(|url| !url.in_clear()));
        for wrong in [
            "",
            "sfu",
            "ftp://a",
            "http://",
            "http://u:p@a/",
            "http://a/{room}",
            "http://a/ b",
            "http://a:x/",
        ] {
            assert!(UrlTemplate::new(wrong).is_err(), "{wrong}");
        }
    }
}
