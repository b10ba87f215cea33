//! Which way the media of a seat go: to a peer that is signalled to over the room plane, or to a server over HTTP (WHIP).
//!
//! Invariant: a peer connection that a server was asked to take is ended there too, whatever ends it here.

use super::seat::Word;
use super::stay::{Peer, Stay};
use super::{Guest, Output, Server};
use crate::model::media::{Ask, SdpKind, Session, SessionDescription, Sound};
use crate::model::message::{Grant, Signal, SignalBody, Token};
use crate::model::server::{Endpoint, NamedBy, ServerAsk, ServerUrl};
use crate::model::{Code, Refusal};

/// Which ways the sound goes.
pub(super) fn sound(grant: &Grant) -> Sound {
    match grant {
        Grant::Mqtt { .. } => Sound::BothWays,
        Grant::Whip { .. } => Sound::Outgoing,
    }
}

/// A token goes to the server that it was given for: the own one to the own address only, the host's to the one that the host names
/// or that it leaves open.
fn by_server(server: &Server, fill: impl Fn(&str) -> String, granted: Grant) -> Grant {
    let (url, bearer, playback_url) = match granted {
        Grant::Mqtt { .. } => (None, None, None),
        Grant::Whip { publish_url, token, playback_url } => (publish_url, token, playback_url),
    };
    let Some(own) = server.publish_url.as_deref().map(fill) else {
        return Grant::Whip { publish_url: url, token: bearer, playback_url };
    };
    let origin = |url: &str| ServerUrl::own(url).ok().map(|url| url.origin());
    let meant = url.is_none_or(|url| origin(&url).is_some_and(|granted| origin(&own) == Some(granted)));
    let token = server.token.clone().or(bearer.filter(|_| meant));
    Grant::Whip { publish_url: Some(own), token, playback_url }
}

impl Guest {
    /// Where the media of a seat go: what is configured here comes before the host's word.
    pub(super) fn way(&self, granted: Grant) -> Grant {
        let Some(server) = &self.settings.server else { return granted };
        let Some(live_id) = self.room.as_ref().map(|room| &room.live_id) else { return granted };
        let fill = |url: &str| {
            url.replace("{live_id}", live_id.as_str()).replace("{user_id}", self.user.user_id.as_str())
        };
        by_server(server, fill, granted)
    }

    /// Why nothing can be sent that way.
    pub(super) fn obstacle(&self, grant: &Grant) -> Option<Refusal> {
        match grant {
            Grant::Mqtt { .. } => None,
            Grant::Whip { publish_url, token, .. } => {
                self.endpoint(publish_url.as_deref(), token.as_ref()).err()
            }
        }
    }

    fn endpoint(&self, url: Option<&str>, token: Option<&Token>) -> Result<Endpoint, Refusal> {
        let Some(url) = url else {
            let why = "neither the host's grant nor room.publish_url names a WHIP endpoint";
            return Err(Refusal::new(Code::HostUnreachable, why));
        };
        let trusted = self.settings.trusted_origins.clone();
        let own = self.settings.server.as_ref().is_some_and(|server| server.publish_url.is_some());
        let (url, named_by) = if own {
            (ServerUrl::own(url).map_err(|why| Refusal::invalid("room.publish_url", why))?, NamedBy::Own)
        } else {
            (ServerUrl::granted(url, &trusted)?, NamedBy::Grant)
        };
        Ok(Endpoint { url, named_by, token: token.cloned(), trusted })
    }

    /// Whether this is the exchange that is going on.
    pub(super) fn is_present(&self, session: Session) -> bool {
        let peer = self.stay.as_ref().and_then(|stay| stay.peer.as_ref());
        peer.is_some_and(|peer| peer.session == session)
    }

    /// Says something of the present exchange; what is of an older one is dropped.
    pub(super) fn signal_out(&mut self, session: Session, body: SignalBody) {
        if !self.is_present(session) {
            return;
        }
        let said = self.stay.as_ref().and_then(|stay| self.word(stay, body));
        match said {
            Some(Word::Signal(live_id, signal)) => self.effects.output(Output::ToStage { live_id, signal }),
            Some(Word::ToServer(ask)) => self.effects.output(Output::ToServer(ask)),
            Some(Word::ToHost(..) | Word::Event(_) | Word::Done(_) | Word::Stopped) | None => {}
        }
    }

    /// The end of a stay's peer connection, as it is told at the far side.
    pub(super) fn bye(&self, stay: &Stay) -> Option<Word> {
        self.word(stay, SignalBody::Bye(None))
    }

    fn word(&self, stay: &Stay, body: SignalBody) -> Option<Word> {
        let peer = stay.peer.as_ref()?;
        let session = peer.session;
        match &stay.grant {
            Grant::Mqtt { .. } => {
                let live_id = self.room.as_ref().map(|room| room.live_id.clone())?;
                let signal = Signal { session: peer.name.clone(), exchange: session.exchange, body };
                Some(Word::Signal(live_id, signal))
            }
            Grant::Whip { publish_url, token, .. } => {
                let ask = match body {
                    SignalBody::Description(SessionDescription { kind: SdpKind::Offer, sdp }) => {
                        // What cannot be one was refused when the stay began.
                        let endpoint = self.endpoint(publish_url.as_deref(), token.as_ref()).ok()?;
                        ServerAsk::Publish { session, endpoint, sdp }
                    }
                    SignalBody::Description(SessionDescription { kind: SdpKind::Answer, .. }) => return None,
                    SignalBody::Candidate(candidate) => ServerAsk::Candidate { session, candidate },
                    SignalBody::Bye(_) => ServerAsk::End { session },
                };
                Some(Word::ToServer(ask))
            }
        }
    }

    /// A peer connection is given up; the stay goes on. A server is told, a stage learns it from the next one.
    pub(super) fn end_peer(&mut self, peer: &Peer) {
        let session = peer.session;
        self.effects.ask(Ask::EndPeer { peer: session.peer });
        if self.stay.as_ref().is_some_and(|stay| matches!(stay.grant, Grant::Whip { .. })) {
            self.effects.output(Output::ToServer(ServerAsk::End { session }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where media go, and with whose token.
    fn way(own: (Option<&str>, Option<&str>), granted: (Option<&str>, Option<&str>)) -> (String, String) {
        let token = |token: Option<&str>| token.map(|token| Token(token.to_owned()));
        let server = Server { publish_url: own.0.map(str::to_owned), token: token(own.1) };
        let url = granted.0.map(str::to_owned);
        let granted = Grant::Whip { publish_url: url, token: token(granted.1), playback_url: None };
        match by_server(&server, str::to_owned, granted) {
            Grant::Whip { publish_url, token, .. } => {
                (publish_url.unwrap_or_default(), token.map_or_else(String::new, |token| token.0))
            }
            Grant::Mqtt { .. } => panic!("a server is configured"),
        }
    }

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
            assert_eq!(way(kiosk, granted), (url.into(), token.into()), "{kiosk:?} {granted:?}");
        }
    }
}
