//! How a seat's media are signalled: to a stage over the room's topics, or to a server over WHIP (RFC 9725).
//!
//! Invariant: a bearer token goes to the server that it was given for.

use super::contract::{Output, PublishServer, Settings};
use crate::model::media::{SdpKind, Session, SessionDescription, Sound};
use crate::model::message::{Grant, Signal, SignalBody, Token};
use crate::model::server::{Endpoint, NamedBy, Origin, ServerAsk, ServerUrl};
use crate::model::{Code, LiveId, Refusal, UserId};

/// Who takes the media of a seat.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SignallingRoute {
    Mqtt {
        live_id: LiveId,
        stage: UserId,
    },
    Whip(Endpoint),
    /// A server that cannot be asked, and why.
    Unusable(Refusal),
}

impl SignallingRoute {
    /// The stage, if it is no server.
    pub(super) fn stage(&self) -> Option<&UserId> {
        match self {
            Self::Mqtt { stage, .. } => Some(stage),
            Self::Whip(_) | Self::Unusable(_) => None,
        }
    }

    /// Which ways the audio goes: a WHIP server sends none.
    pub(super) fn sound(&self) -> Sound {
        match self {
            Self::Mqtt { .. } => Sound::BothWays,
            Self::Whip(_) | Self::Unusable(_) => Sound::Outgoing,
        }
    }

    /// Why nothing can be sent this way.
    pub(super) fn obstacle(&self) -> Option<&Refusal> {
        match self {
            Self::Mqtt { .. } | Self::Whip(_) => None,
            Self::Unusable(refusal) => Some(refusal),
        }
    }

    /// A signal of this exchange; `name` names the peer connection on the room's topics.
    pub(super) fn signal(&self, session: Session, name: &str, body: SignalBody) -> Option<Output> {
        match self {
            Self::Mqtt { live_id, .. } => {
                let signal = Signal { session: name.to_owned(), exchange: session.exchange, body };
                Some(Output::ToStage { live_id: live_id.clone(), signal })
            }
            Self::Whip(endpoint) => {
                let ask = match body {
                    SignalBody::Description(SessionDescription { kind: SdpKind::Offer, sdp }) => {
                        ServerAsk::Publish { session, endpoint: endpoint.clone(), sdp }
                    }
                    SignalBody::Description(SessionDescription { kind: SdpKind::Answer, .. }) => return None,
                    SignalBody::Candidate(candidate) => ServerAsk::Candidate { session, candidate },
                    SignalBody::Bye(_) => ServerAsk::End { session },
                };
                Some(Output::ToServer(ask))
            }
            Self::Unusable(_) => None,
        }
    }

    /// The end of a peer connection whose stay goes on. A server is told; a stage learns of it from the next offer.
    pub(super) fn end(&self, session: Session) -> Option<Output> {
        match self {
            Self::Mqtt { .. } | Self::Unusable(_) => None,
            Self::Whip(_) => Some(Output::ToServer(ServerAsk::End { session })),
        }
    }
}

/// What the configuration says of routes.
#[derive(Debug)]
pub(super) struct RouteSettings {
    server: Option<PublishServer>,
    trusted: Vec<Origin>,
}

impl RouteSettings {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { server: settings.server.clone(), trusted: settings.trusted_origins.clone() }
    }

    /// The route of a seat: what is configured here comes before the host's grant.
    pub(super) fn route(&self, live_id: &LiveId, user_id: &UserId, granted: Grant) -> SignallingRoute {
        let fill =
            |url: &str| url.replace("{live_id}", live_id.as_str()).replace("{user_id}", user_id.as_str());
        let own = self.server.as_ref().and_then(|server| server.publish_url.as_deref()).map(fill);
        let named_by = if own.is_some() { NamedBy::Own } else { NamedBy::Grant };
        let (granted_url, granted_token) = match granted {
            Grant::Mqtt { stage } if self.server.is_none() => {
                return SignallingRoute::Mqtt { live_id: live_id.clone(), stage };
            }
            Grant::Mqtt { .. } => (None, None),
            Grant::Whip { publish_url, token, .. } => (publish_url, token),
        };
        let own_token = self.server.as_ref().and_then(|server| server.token.clone());
        let (url, token) = by_server(own, own_token, granted_url, granted_token);
        match self.endpoint(url.as_deref(), token, named_by) {
            Ok(endpoint) => SignallingRoute::Whip(endpoint),
            Err(refusal) => SignallingRoute::Unusable(refusal),
        }
    }

    fn endpoint(
        &self,
        url: Option<&str>,
        token: Option<Token>,
        named_by: NamedBy,
    ) -> Result<Endpoint, Refusal> {
        let Some(url) = url else {
            let why = "neither the host's grant nor room.publish_url names a WHIP endpoint";
            return Err(Refusal::new(Code::HostUnreachable, why));
        };
        let trusted = self.trusted.clone();
        let url = match named_by {
            NamedBy::Own => ServerUrl::own(url).map_err(|why| Refusal::invalid("room.publish_url", why))?,
            NamedBy::Grant => ServerUrl::granted(url, &trusted)?,
        };
        Ok(Endpoint { url, named_by, token, trusted })
    }
}

/// The own URL and token come first. The host's token goes to the host's server, or to the own one if the host names none or the
/// same.
fn by_server(
    own_url: Option<String>,
    own_token: Option<Token>,
    granted_url: Option<String>,
    granted_token: Option<Token>,
) -> (Option<String>, Option<Token>) {
    let Some(own_url) = own_url else { return (granted_url, granted_token) };
    let origin = |url: &str| ServerUrl::own(url).ok().map(|url| url.origin());
    let meant =
        granted_url.is_none_or(|url| origin(&url).is_some_and(|granted| origin(&own_url) == Some(granted)));
    (Some(own_url), own_token.or(granted_token.filter(|_| meant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_the_server_it_was_given_for() {
        let (own, host) = ("https://own.example/whip", "https://host.example/whip");
        for (kiosk, granted, (url, token)) in [
            ((Some(own), Some("mine")), (Some(host), Some("its")), (own, "mine")),
            ((None, Some("mine")), (Some(host), Some("its")), (host, "its")),
            ((None, Some("mine")), (Some(host), None), (host, "")),
            ((Some(own), None), (Some(host), Some("its")), (own, "")),
            ((Some(own), None), (None, Some("its")), (own, "its")),
            ((Some(own), None), (Some("https://own.example:443/x"), Some("its")), (own, "its")),
            ((Some(own), None), (Some("http://own.example/whip"), Some("its")), (own, "")),
        ] {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let secret = |token: Option<&str>| token.map(|token| Token(token.to_owned()));
            let taken = by_server(text(kiosk.0), secret(kiosk.1), text(granted.0), secret(granted.1));
            assert_eq!(taken, (text(Some(url)), secret(Some(token).filter(|token| !token.is_empty()))));
        }
    }
}
