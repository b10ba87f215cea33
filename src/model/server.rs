//! What a guest asks of the server that takes its media in place of a peer on the room plane (WHIP, RFC 9725), and where it may be
//! led. The server's answer comes back as [`super::media::Report::Answer`], its refusal as [`super::media::Report::ServerRefused`].
//!
//! Invariant: an address that is told to anybody is told by its origin only: its path and its query may hold a key.

use std::fmt;
use std::time::Duration;

use url::{Host, Url};

use super::media::{IceCandidate, Session};
use super::message::Token;
use super::{Code, Refusal};

/// Longest address, in bytes.
const MAX_URL: usize = 2048;

/// Scheme, host and port of an address (RFC 6454): what a token is meant for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// Reads `https://HOST[:PORT]` or `http://HOST[:PORT]`.
    ///
    /// # Errors
    /// In words: no such address, or more than an origin.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let wrong = "must be an origin: https://HOST[:PORT] or http://HOST[:PORT], nothing behind it";
        let url = ServerUrl::own(text).map_err(|_| wrong)?;
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let bare = !rest.contains(['?', '#', '\\', '@']) && !rest.trim_end_matches('/').contains('/');
        if bare && url.0.path() == "/" { Ok(url.origin()) } else { Err(wrong) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// An `https://` or `http://` address without login and fragment. It is shown by its origin.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// One that this device's own configuration names: any server.
    ///
    /// # Errors
    /// In words, without the address.
    pub fn own(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_URL {
            return Err("must be at most 2048 bytes");
        }
        let url = Url::parse(text).map_err(|_| "must be https://HOST[:PORT]/…")?;
        Self::of(url)
    }

    /// One that somebody else names (the grant of a host): a server on the network, and nobody listens on the way; or one whose
    /// origin this device's own configuration trusts.
    ///
    /// # Errors
    /// `origin_not_allowed`, or `invalid_parameter` where it is no address.
    pub fn granted(text: &str, trusted: &[Origin]) -> Result<Self, Refusal> {
        let invalid = |why| Refusal::new(Code::InvalidParameter, format!("the grant's publish_url {why}"));
        let url = Self::own(text).map_err(invalid)?;
        if trusted.contains(&url.origin()) {
            return Ok(url);
        }
        let refuse = |why: &str| {
            let remedy = "name it in this device's room.trusted_origins to allow that";
            Refusal::new(Code::OriginNotAllowed, format!("the grant leads to {url}, {why}: {remedy}"))
        };
        if url.0.scheme() != "https" {
            return Err(refuse("which is not encrypted"));
        }
        if url.is_local() {
            return Err(refuse("which is this device or its own link"));
        }
        Ok(url)
    }

    /// The reference of a `Location` against this address (RFC 3986, section 5.2).
    ///
    /// # Errors
    /// In words, without the reference.
    pub fn join(&self, reference: &str) -> Result<Self, &'static str> {
        if reference.len() > MAX_URL {
            return Err("must be at most 2048 bytes");
        }
        self.0.join(reference).map_err(|_| "must be a reference").and_then(Self::of)
    }

    fn of(mut url: Url) -> Result<Self, &'static str> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err("must begin with https:// or http://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a login");
        }
        // Of what is behind it nothing is ever sent.
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The address itself, for who asks there.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What a token for it is meant for.
    pub fn origin(&self) -> Origin {
        Origin(self.0.origin().ascii_serialization())
    }

    /// Whether its host, however it is spelt, is this machine, this link, or nobody.
    fn is_local(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => is_local(address.into()),
            Some(Host::Ipv6(address)) => is_local(address.into()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name.is_empty() || name == "localhost" || name.ends_with(".localhost")
            }
            None => true,
        }
    }
}

/// Whether an address is of this machine, of its own link, of many, or of nobody; however it is wrapped into IPv6.
pub fn is_local(address: core::net::IpAddr) -> bool {
    use core::net::{IpAddr, Ipv4Addr};
    match address {
        IpAddr::V4(address) => {
            address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.octets()[0] == 0
        }
        IpAddr::V6(address) => {
            let segments = address.segments();
            let [.., a, b, c, d] = address.octets();
            let inner = Ipv4Addr::new(a, b, c, d);
            let wrapped = match segments {
                // Mapped (RFC 4291, 2.5.5.2), compatible (2.5.5.1; `::` and `::1` among them), translated (RFC 6052, RFC 2765).
                [0, 0, 0, 0, 0, 0xffff | 0, ..]
                | [0x64, 0xff9b, 0, 0, 0, 0, ..]
                | [0, 0, 0, 0, 0xffff, 0, ..] => is_local(inner.into()),
                // 6to4 (RFC 3056).
                [0x2002, high, low, ..] => {
                    let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
                    is_local(Ipv4Addr::new(a, b, c, d).into())
                }
                _ => false,
            };
            wrapped || address.is_multicast() || address.is_unicast_link_local()
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.origin(), f)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

/// Who names an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// This device's own configuration.
    Own,
    /// The host, in its grant.
    Grant,
}

/// A WHIP endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it is.
    pub url: ServerUrl,
    /// Who says so.
    pub named_by: NamedBy,
    /// Shown to it as a bearer.
    pub token: Option<Token>,
    /// Where it may lead beside its own origin; the token goes there, too.
    pub trusted: Vec<Origin>,
}

impl Endpoint {
    /// Whether a request may go there, and the token with it.
    pub fn may_lead_to(&self, url: &ServerUrl) -> bool {
        let origin = url.origin();
        origin == self.url.origin() || self.trusted.contains(&origin)
    }

    /// Whether the name of `url` may stand for an address of this machine or its own link.
    pub fn may_be_local(&self, url: &ServerUrl) -> bool {
        self.named_by == NamedBy::Own || self.trusted.contains(&url.origin())
    }
}

/// Whether a server that refused is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It would refuse the same again.
    Never,
    /// After the usual pause.
    Soon,
    /// Not before that has passed.
    After(Duration),
}

/// What is asked of a server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerAsk {
    /// Take this peer connection.
    Publish {
        /// Which.
        session: Session,
        /// By whom.
        endpoint: Endpoint,
        /// The offer, without candidates.
        sdp: String,
    },
    /// A candidate of the offer; `None` for the end of candidates.
    Candidate {
        /// Of which peer connection.
        session: Session,
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// The peer connection is over.
    End {
        /// Which.
        session: Session,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(text: &str) -> Result<ServerUrl, Code> {
        ServerUrl::granted(text, &[]).map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_grant_leads_to_an_encrypted_server_on_the_network() {
        for right in ["https://sfu.example/whip/a?k=1#x", "https://192.168.1.9:8443/w", "https://[fd00::1]/"]
        {
            assert!(granted(right).is_ok(), "{right}");
        }
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "017700000001",
            "0x7f.1",
            "0.0.0.0",
            "0",
            "169.254.169.254",
            "0xa9fea9fe",
            "255.255.255.255",
            "224.0.0.1",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "a.b.localhost.",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[::ffff:169.254.0.1]",
            "[64:ff9b::7f00:1]",
            "[::ffff:0:127.0.0.1]",
            "[2002:7f00:1::]",
            "[fe80::1]",
            "[febf::1]",
            "[ff02::1]",
            "%6c%6fcalhost",
            "①②⑦.0.0.1",
        ] {
            let code = granted(&format!("https://{host}/whip")).expect_err(host);
            assert!(matches!(code, Code::OriginNotAllowed | Code::InvalidParameter), "{host}: {code}");
        }
        assert_eq!(granted("http://sfu.example/"), Err(Code::OriginNotAllowed));
        for wrong in ["", "sfu", "https://", "ftp://sfu.example/", "https://u@a/", "https://u:p@a/", "/whip"]
        {
            assert_eq!(granted(wrong), Err(Code::InvalidParameter), "{wrong}");
        }
    }

    #[test]
    fn the_own_configuration_may_allow_more() {
        let trusted = [Origin::new("http://127.0.0.1:8000").expect("an origin")];
        let allowed = |text| ServerUrl::granted(text, &trusted).is_ok();
        assert!(allowed("http://127.0.0.1:8000/whip/a") && allowed("http://127.1:8000/"));
        for other in ["http://127.0.0.1/", "https://127.0.0.1:8000/", "http://localhost:8000/"] {
            assert!(!allowed(other), "{other}");
        }
        assert!(!allowed("http://me:secret@127.0.0.1:8000/"), "no login");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        for (text, is) in [
            ("https://edge.example.org", "https://edge.example.org"),
            ("https://EDGE.example.org:443/", "https://edge.example.org"),
            ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ] {
            assert_eq!(Origin::new(text).map(|origin| origin.to_string()), Ok(is.to_owned()), "{text}");
        }
        for wrong in
            ["", "*", "edge", "https://", "https://a/b", "https://a?x", "https://a#", "https://u@a", "ws://a"]
        {
            assert!(Origin::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_reference_is_resolved_as_rfc_3986_says() {
        let at = ServerUrl::own("https://sfu.example:8443/rooms/a/whip?room=a#top").expect("right");
        let root = "https://sfu.example:8443";
        for (reference, path) in [
            ("/s/1?x=y", "/s/1?x=y"),
            ("s/1", "/rooms/a/s/1"),
            ("./s/1", "/rooms/a/s/1"),
            ("../s/1", "/rooms/s/1"),
            ("../../../s/./1", "/s/1"),
            ("/a/../s/1", "/s/1"),
            ("..", "/rooms/"),
            (".", "/rooms/a/"),
            ("?x", "/rooms/a/whip?x"),
            ("", "/rooms/a/whip?room=a"),
            ("#part", "/rooms/a/whip?room=a"),
            ("s/1#part", "/rooms/a/s/1"),
            ("s;v=1?q#f", "/rooms/a/s;v=1?q"),
            ("//sfu.example:8443/s/1", "/s/1"),
            ("HTTPS://SFU.example:8443/s/1", "/s/1"),
        ] {
            let found = at.join(reference).expect(reference);
            assert_eq!(found.as_str(), format!("{root}{path}"), "{reference}");
        }
        for wrong in
            ["ftp://a/b", "https://", "http://a b/", "file:///etc/passwd", "//u:p@sfu.example/", "mailto:a"]
        {
            assert!(at.join(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let url = ServerUrl::own("https://sfu.example/whip/hunter2?key=hunter2").expect("right");
        assert_eq!(
            (url.to_string(), format!("{url:?}")),
            ("https://sfu.example".into(), "ServerUrl(https://sfu.example)".into())
        );
        let refusal = ServerUrl::granted("http://sfu.example/hunter2?hunter2", &[]).expect_err("in clear");
        assert!(refusal.message.contains("http://sfu.example,") && !refusal.message.contains("hunter2"));
        let refusal = ServerUrl::granted("https://hunter2:hunter2@sfu.example/", &[]).expect_err("a login");
        assert!(!refusal.message.contains("hunter2"), "{}", refusal.message);
    }
}
