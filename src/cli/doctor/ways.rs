//! The ways of media: whether STUN, TURN and WHIP servers can be reached from here. Whether they accept a login is seen only when
//! media are sent.

use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::finding::Finding;
use crate::config::{Settings, Transport};

/// When a lost request is sent again: its waits (RFC 8489, 6.2.1, cut short).
const WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// How long a server may take to take a connection.
const CONNECT: Duration = Duration::from_secs(4);

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Udp,
    Tcp,
}

/// A server that was configured.
struct Server {
    what: &'static str,
    shown: String,
    key: &'static str,
    host: String,
    port: u16,
    way: Way,
}

/// Looks at every configured server.
pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in servers(settings) {
        findings.push(server.check().await);
    }
    findings
}

fn servers(settings: &Settings) -> Vec<Server> {
    let stun = settings.webrtc.stun.iter().map(|url| ("STUN", url, "webrtc.stun"));
    let turn = settings.webrtc.turn.iter().map(|turn| ("TURN", &turn.url, "webrtc.turn"));
    let ice = stun.chain(turn).filter_map(|(what, url, key)| {
        let (scheme, rest) = url.split_once(':')?;
        let (server, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (secure, tcp) = (scheme == "turns", query == "transport=tcp");
        let (host, port) = host_and_port(server, if secure { 5349 } else { 3478 })?;
        let way = if tcp || secure { Way::Tcp } else { Way::Udp };
        Some(Server { what, shown: url.clone(), key, host, port, way })
    });
    let whip = match &settings.room.transport {
        Transport::Whip(whip) => whip.publish_url.as_ref(),
        Transport::Mqtt => None,
    };
    let whip = whip.and_then(|url| {
        let (scheme, rest) = url.as_str().split_once("://")?;
        let server = rest.split(['/', '?', '#']).next()?;
        // A server named by a room or a guest is known only with them.
        let (host, port) = host_and_port(server, if scheme == "https" { 443 } else { 80 })
            .filter(|(host, _)| !host.contains('{'))?;
        let shown = format!("{scheme}://{server}");
        Some(Server { what: "WHIP", shown, key: "room.publish_url", host, port, way: Way::Tcp })
    });
    ice.chain(whip).collect()
}

fn host_and_port(server: &str, default: u16) -> Option<(String, u16)> {
    if let Some((address, rest)) = server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some((
            address.to_owned(),
            rest.strip_prefix(':').map_or(Some(default), |port| port.parse().ok())?,
        ));
    }
    match server.split_once(':') {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((server.to_owned(), default)),
    }
}

impl Server {
    async fn check(&self) -> Finding {
        let reached = match self.way {
            Way::Udp => self.ask().await,
            Way::Tcp => self.connect().await,
        };
        match reached {
            Ok(()) => Finding::good(self.what, format!("{} answers", self.shown)),
            Err(why) => Finding::wrong(
                self.what,
                format!(
                    "{} cannot be reached ({why}): check {}, the server and the firewalls between",
                    self.shown, self.key
                ),
            ),
        }
    }

    async fn connect(&self) -> Result<(), String> {
        match timeout(CONNECT, TcpStream::connect((self.host.as_str(), self.port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(words(&error)),
            Err(_) => Err("no answer".to_owned()),
        }
    }

    /// A STUN binding request (RFC 8489); a TURN server answers it too.
    async fn ask(&self) -> Result<(), String> {
        let own = if self.host.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(own).await.map_err(|error| words(&error))?;
        socket.connect((self.host.as_str(), self.port)).await.map_err(|error| words(&error))?;
        let mut request = [0; 20];
        request[..8].copy_from_slice(&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42]);
        request[8..].copy_from_slice(&rand::random::<[u8; 12]>());
        for wait in WAITS {
            socket.send(&request).await.map_err(|error| words(&error))?;
            let mut answer = [0; 1500];
            match timeout(wait, socket.recv(&mut answer)).await {
                Ok(Ok(length)) if length >= 20 && answer[8..20] == request[8..] => return Ok(()),
                Ok(Ok(_)) => return Err("it does not speak STUN".to_owned()),
                Ok(Err(error)) => return Err(words(&error)),
                Err(_) => {}
            }
        }
        Err("no answer".to_owned())
    }
}

/// The system's words, without their number.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_with_and_without_ports() {
        assert_eq!(host_and_port("a", 3478), Some(("a".into(), 3478)));
        assert_eq!(host_and_port("a:1", 3478), Some(("a".into(), 1)));
        assert_eq!(host_and_port("[::1]", 3478), Some(("::1".into(), 3478)));
        assert_eq!(host_and_port("[::1]:5", 3478), Some(("::1".into(), 5)));
        assert_eq!(host_and_port("a:x", 3478), None);
    }
}
