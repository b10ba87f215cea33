//! HTTP as WHIP needs it (RFC 9725): an offer is posted, a session is deleted.
//!
//! Invariants: a response is read up to [`BODY`]; redirects are followed by hand, so that the method and the body stay, and that no
//! request goes where the [`Endpoint`] may not lead. Of an address only its origin is told. Blocks: for threads that may.

use std::time::Duration;

use jiff::fmt::rfc2822;
use ureq::http::{Request, Response};
use ureq::{AsSendBody, Body};

use super::agent::{Agents, LocalAddress};
use crate::model::server::{Again, Endpoint, ServerUrl};
use crate::model::{Code, Refusal};

/// Longest answer that is read: the SDP of a session with two sections has some 3 KiB.
const BODY: u64 = 64 * 1024;

/// Redirects that are followed.
const HOPS: usize = 3;

/// The longest pause that a server may ask for; after that a person has to look.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why nothing came of a request, and whether it is worth another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) refusal: Refusal,
    pub(super) again: Again,
}

/// What a server made of an offer.
pub(super) struct Created {
    /// Where the session is ended.
    pub(super) session: ServerUrl,
    response: Response<Body>,
}

/// Posts an offer. Returns with the head of the answer, so that a session is known before its answer is read.
pub(super) fn post(agents: &Agents, endpoint: &Endpoint, offer: &str) -> Result<Created, Failure> {
    let request = Request::post("/").header("Content-Type", "application/sdp");
    let (at, response) = follow(agents, endpoint, &endpoint.url, request, offer)?;
    match response.status().as_u16() {
        201 => Ok(Created { session: location(endpoint, &at, &response)?, response }),
        _ => Err(refused(&at, &response)),
    }
}

impl Created {
    /// The answer: as many sections as the offer has (RFC 3264), or it is of no use.
    pub(super) fn read(mut self, offer: &str) -> Result<String, Failure> {
        let at = &self.session;
        let body = self.response.body_mut().with_config().limit(BODY).read_to_string();
        let sdp = body.map_err(|error| unreadable(at, &error))?;
        let sections = |sdp: &str| sdp.lines().filter(|line| line.starts_with("m=")).count();
        if sdp.starts_with("v=0") && sections(&sdp) == sections(offer) {
            Ok(sdp)
        } else {
            let why = format!("{at}: 201, but what came with it is no answer to the offer");
            Err(Failure { refusal: Refusal::new(Code::HostUnreachable, why), again: Again::Never })
        }
    }
}

/// Ends a session; a server that does not know it any more has ended it too.
pub(super) fn delete(agents: &Agents, endpoint: &Endpoint, session: &ServerUrl) -> Result<(), Failure> {
    let (at, response) = follow(agents, endpoint, session, Request::delete("/"), ())?;
    match response.status().as_u16() {
        200..=299 | 404 | 410 => Ok(()),
        _ => Err(refused(&at, &response)),
    }
}

/// Asks, and asks where that leads to: where the answer came from, and the answer.
fn follow(
    agents: &Agents,
    endpoint: &Endpoint,
    url: &ServerUrl,
    request: ureq::http::request::Builder,
    body: impl AsSendBody + Copy,
) -> Result<(ServerUrl, Response<Body>), Failure> {
    let mut at = url.clone();
    let headers = request.headers_ref().cloned().unwrap_or_default();
    let method = request.method_ref().cloned().unwrap_or_default();
    for _ in 0..=HOPS {
        let mut request = Request::builder().method(&method).uri(at.as_str());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        if let Some(token) = &endpoint.token {
            request = request.header("Authorization", format!("Bearer {}", token.0));
        }
        let request = request.body(body).map_err(|error| unreachable(&at, &ureq::Error::Http(error)))?;
        let agent = if endpoint.may_be_local(&at) { agents.anywhere() } else { agents.on_the_network() };
        let response = agent.run(request).map_err(|error| unreachable(&at, &error))?;
        match response.status().as_u16() {
            307 | 308 => at = location(endpoint, &at, &response)?,
            _ => return Ok((at, response)),
        }
    }
    let refusal = Refusal::new(Code::HostUnreachable, format!("{url}: more than {HOPS} redirects"));
    Err(Failure { refusal, again: Again::Never })
}

/// Where an answer leads to, if that may be followed.
fn location(endpoint: &Endpoint, at: &ServerUrl, response: &Response<Body>) -> Result<ServerUrl, Failure> {
    let status = response.status().as_u16();
    let never = |code, why| Failure { refusal: Refusal::new(code, why), again: Again::Never };
    let header = response.headers().get("Location").and_then(|value| value.to_str().ok());
    let led = header
        .ok_or("is missing")
        .and_then(|reference| at.join(reference))
        .map_err(|why| never(Code::HostUnreachable, format!("{at}: {status}, but its Location {why}")))?;
    if endpoint.may_lead_to(&led) {
        return Ok(led);
    }
    let remedy = "name it in room.trusted_origins to allow that";
    Err(never(Code::OriginNotAllowed, format!("{at}: {status} leads to {led}, another origin: {remedy}")))
}

fn refused(at: &ServerUrl, response: &Response<Body>) -> Failure {
    let status = response.status().as_u16();
    let (code, why) = match status {
        300..=399 => (Code::HostUnreachable, "a redirect that loses the offer is not followed"),
        401 | 403 => (Code::PermissionDenied, "the server refuses the token: check room.token_file"),
        404 | 405 | 410 => (Code::RoomNotFound, "there is no WHIP endpoint: check room.publish_url"),
        406 | 415 | 422 | 400 => (Code::InvalidParameter, "the server does not take the offer"),
        429 | 503 => (Code::RateLimited, "the server takes no more publishers now"),
        _ => (Code::HostUnreachable, "the server failed"),
    };
    let again = match status {
        408 | 409 | 425 | 429 | 500..=599 => pause(response).map_or(Again::Soon, Again::After),
        _ => Again::Never,
    };
    Failure { refusal: Refusal::new(code, format!("{at}: {status}, {why}")), again }
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3).
fn pause(response: &Response<Body>) -> Option<Duration> {
    let text = response.headers().get("Retry-After")?.to_str().ok()?.trim();
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(date.duration_since(jiff::Timestamp::now())).unwrap_or_default()
        }
    };
    Some(pause.min(LONGEST_PAUSE))
}

fn unreachable(at: &ServerUrl, error: &ureq::Error) -> Failure {
    if let ureq::Error::Other(other) = error
        && let Some(local) = other.downcast_ref::<LocalAddress>()
    {
        let refusal = Refusal::new(Code::OriginNotAllowed, format!("{at}: {local}"));
        return Failure { refusal, again: Again::Never };
    }
    let refusal = Refusal::new(Code::HostUnreachable, format!("{at}: {error}"));
    Failure { refusal, again: Again::Soon }
}

fn unreadable(at: &ServerUrl, error: &ureq::Error) -> Failure {
    let failure = unreachable(at, error);
    match error {
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Failure { again: Again::Never, ..failure }
        }
        // It would be as slow, or as broken, for a moment only.
        ureq::Error::Timeout(_) | ureq::Error::Io(_) => failure,
        _ => Failure { again: Again::Never, ..failure },
    }
}
