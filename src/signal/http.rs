//! HTTP as WHIP needs it (RFC 9725): an offer is posted, a session is deleted.
//!
//! Invariants: a response is read up to [`BODY`]; redirects are followed by hand, so that the method and the body stay and a
//! token never goes from https to http. Blocks: for threads that may.

use std::sync::OnceLock;
use std::time::Duration;

use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use crate::model::message::Token;
use crate::model::{Code, Refusal};

/// Longest answer that is read: the SDP of a session with two sections has some 3 KiB.
const BODY: u64 = 64 * 1024;

/// How long one request may take in all; an attempt at a connection has 10 s, and ICE comes after this.
const REQUEST: Duration = Duration::from_secs(6);

/// Redirects that are followed.
const HOPS: usize = 3;

/// What a server made of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Created {
    /// Where the session is ended.
    pub(super) session: String,
    /// The answer.
    pub(super) sdp: String,
}

/// Posts an offer.
pub(super) fn post(url: &str, token: Option<&Token>, offer: &str) -> Result<Created, Refusal> {
    let mut at = url.to_owned();
    for _ in 0..=HOPS {
        let mut request = agent().post(&at).header("Content-Type", "application/sdp");
        if let Some(token) = token.filter(|_| keeps_secret(url, &at)) {
            request = request.header("Authorization", format!("Bearer {}", token.0));
        }
        let mut response = request.send(offer).map_err(|error| unreachable(&at, &error))?;
        match response.status().as_u16() {
            307 | 308 => at = location(&at, &response)?,
            201 => {
                let session = location(&at, &response)?;
                let body = response.body_mut().with_config().limit(BODY).read_to_string();
                let sdp = body.map_err(|error| unreachable(&at, &error))?;
                return Ok(Created { session, sdp });
            }
            status => return Err(refused(&at, status)),
        }
    }
    Err(Refusal::new(Code::HostUnreachable, format!("{}: it redirects in circles", shown(url))))
}

/// Ends a session; a server that does not know it any more has ended it too.
pub(super) fn delete(url: &str, session: &str, token: Option<&Token>) -> Result<(), Refusal> {
    let mut request = agent().delete(session);
    if let Some(token) = token.filter(|_| keeps_secret(url, session)) {
        request = request.header("Authorization", format!("Bearer {}", token.0));
    }
    let response = request.call().map_err(|error| unreachable(session, &error))?;
    match response.status().as_u16() {
        200..=299 | 404 | 410 => Ok(()),
        status => Err(refused(session, status)),
    }
}

/// One agent for the life of the program: it reads the system's authorities once.
fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let roots = rustls_native_certs::load_native_certs().certs.into_iter();
        let roots = roots.map(|root| ureq::tls::Certificate::from_der(&root).to_owned());
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::new_with_certs(&roots.collect::<Vec<_>>()))
            .unversioned_rustls_crypto_provider(rustls::crypto::ring::default_provider().into())
            .build();
        Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(REQUEST))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("coguestd/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent()
    })
}

/// Whether what was meant for `from` may go to `to`.
fn keeps_secret(from: &str, to: &str) -> bool {
    from.starts_with("http://") || to.starts_with("https://")
}

fn location(at: &str, response: &Response<Body>) -> Result<String, Refusal> {
    let header = response.headers().get("Location").and_then(|value| value.to_str().ok());
    header.and_then(|header| resolve(at, header)).ok_or_else(|| {
        let status = response.status();
        let why = format!("{}: {status} without a Location that can be followed", shown(at));
        Refusal::new(Code::HostUnreachable, why)
    })
}

/// A reference against the address it stands at (RFC 3986, as far as servers use it: absolute, `//host`, `/path`, `path`).
fn resolve(at: &str, reference: &str) -> Option<String> {
    let base: Uri = at.parse().ok()?;
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let full = if reference.contains("://") {
        reference.to_owned()
    } else if let Some(rest) = reference.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{authority}{reference}")
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{reference}")
    };
    let uri: Uri = full.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then_some(full)
}

/// An address as it may be told: a query can hold a secret.
pub(super) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

fn refused(at: &str, status: u16) -> Refusal {
    let (code, why) = match status {
        401 | 403 => (Code::PermissionDenied, "the server refuses the token: check room.token_file"),
        404 | 405 | 410 => (Code::RoomNotFound, "there is no WHIP endpoint: check room.publish_url"),
        406 | 415 | 422 | 400 => (Code::InvalidParameter, "the server does not take the offer"),
        429 | 503 => (Code::RateLimited, "the server takes no more publishers now"),
        _ => (Code::HostUnreachable, "the server failed"),
    };
    Refusal::new(code, format!("{}: {status}, {why}", shown(at)))
}

fn unreachable(at: &str, error: &ureq::Error) -> Refusal {
    Refusal::new(Code::HostUnreachable, format!("{}: {error}", shown(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_found_from_where_it_stands() {
        let at = "https://sfu.example:8443/rooms/whip?room=a";
        for (reference, full) in [
            ("https://other.example/s/1", "https://other.example/s/1"),
            ("//other.example/s/1", "https://other.example/s/1"),
            ("/s/1?x=y", "https://sfu.example:8443/s/1?x=y"),
            ("s/1", "https://sfu.example:8443/rooms/s/1"),
        ] {
            assert_eq!(resolve(at, reference).as_deref(), Some(full), "{reference}");
        }
        for wrong in ["ftp://a/b", "https://", "http://a b/", "file:///etc/passwd"] {
            assert_eq!(resolve(at, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_never_goes_from_https_to_http() {
        assert!(keeps_secret("https://a/", "https://b/"));
        assert!(keeps_secret("http://a/", "http://b/"));
        assert!(!keeps_secret("https://a/", "http://a/"));
    }

    #[test]
    fn a_refusal_names_the_place_without_its_query_and_the_remedy() {
        let refusal = refused("https://a/whip?key=hunter2", 401);
        assert_eq!(refusal.code, Code::PermissionDenied);
        assert!(refusal.message.starts_with("https://a/whip: 401"), "{}", refusal.message);
        assert!(refusal.message.contains("room.token_file") && !refusal.message.contains("hunter2"));
    }
}
