//! The guest's side of WHIP: one exchange with a server for each peer connection.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout, timeout_at};

use super::http::{self, Created};
use crate::model::Refusal;
use crate::model::media::{Fault, IceCandidate, Report, Session};
use crate::model::server::{Endpoint, ServerAsk};

/// How long candidates are gathered before the offer goes out with those there are: local ones come within milliseconds, those of a
/// TURN server after some round trips.
const GATHER: Duration = Duration::from_secs(1);

/// Candidates that wait for the exchange's task.
const WAITING: usize = 64;

/// The exchanges with servers.
pub struct Whip {
    reports: Sender<Report>,
    exchanges: HashMap<u64, Sender<Word>>,
    /// Held by every exchange as long as it lives.
    alive: Sender<()>,
    ended: Receiver<()>,
}

/// What an exchange is told.
enum Word {
    Candidate(Option<IceCandidate>),
    End,
}

impl Whip {
    /// None yet; what they learn goes to `reports`.
    pub fn new(reports: Sender<Report>) -> Self {
        let (alive, ended) = mpsc::channel(1);
        Self { reports, exchanges: HashMap::new(), alive, ended }
    }

    /// Takes a wish. Never waits.
    pub fn ask(&mut self, ask: ServerAsk) {
        self.exchanges.retain(|_, exchange| !exchange.is_closed());
        match ask {
            ServerAsk::Publish { session, endpoint, sdp } => {
                let (sender, words) = mpsc::channel(WAITING);
                self.exchanges.insert(session.peer, sender);
                let exchange = Exchange { session, endpoint, words, reports: self.reports.clone() };
                let alive = self.alive.clone();
                tokio::spawn(async move {
                    exchange.run(Offer::new(sdp)).await;
                    drop(alive);
                });
            }
            ServerAsk::Candidate { session, candidate } => {
                if let Some(exchange) = self.exchanges.get(&session.peer) {
                    // Beyond what fits, and after the offer went out, candidates have no way to the server.
                    exchange.try_send(Word::Candidate(candidate)).unwrap_or_default();
                }
            }
            ServerAsk::End { session } => {
                if let Some(exchange) = self.exchanges.remove(&session.peer) {
                    // When it is full, the closed channel says the same.
                    exchange.try_send(Word::End).unwrap_or_default();
                }
            }
        }
    }

    /// Ends every session, without waiting.
    pub fn end(&mut self) {
        self.exchanges.clear();
    }

    /// Ends every session and waits for it at most `cap`.
    pub async fn close(self, cap: Duration) {
        let Self { exchanges, alive, mut ended, .. } = self;
        drop(exchanges);
        drop(alive);
        if timeout(cap, ended.recv()).await.is_err() {
            tracing::warn!("a WHIP server was not told the end in time");
        }
    }
}

/// One exchange.
struct Exchange {
    session: Session,
    endpoint: Endpoint,
    words: Receiver<Word>,
    reports: Sender<Report>,
}

/// Whether the peer of an exchange is still wanted.
#[derive(PartialEq, Eq)]
enum Wanted {
    Yes,
    No,
}

impl Exchange {
    async fn run(mut self, mut offer: Offer) {
        if self.gather(&mut offer).await == Wanted::No {
            return;
        }
        let url = self.endpoint.url.clone();
        tracing::debug!(url = http::shown(&url), "publishing");
        let Endpoint { url, token } = self.endpoint.clone();
        let posted = blocking(move || http::post(&url, token.as_ref(), &offer.complete())).await;
        match posted {
            Ok(Created { session, sdp }) => {
                self.report(Report::Answer { session: self.session, sdp }).await;
                while let Some(Word::Candidate(_)) = self.words.recv().await {}
                self.delete(session).await;
            }
            Err(Refusal { code, message, .. }) => {
                let fault = Fault { stage: Fault::SERVER, code, detail: message };
                self.report(Report::PeerFailed { session: self.session, fault }).await;
            }
        }
    }

    /// Until every candidate is known, or it has taken long enough.
    async fn gather(&mut self, offer: &mut Offer) -> Wanted {
        let until = Instant::now() + GATHER;
        loop {
            match timeout_at(until, self.words.recv()).await {
                Ok(Some(Word::Candidate(Some(candidate)))) => offer.add(&candidate),
                Ok(Some(Word::Candidate(None))) | Err(_) => return Wanted::Yes,
                Ok(Some(Word::End) | None) => return Wanted::No,
            }
        }
    }

    async fn delete(&self, session: String) {
        let Endpoint { url, token } = self.endpoint.clone();
        match blocking(move || http::delete(&url, &session, token.as_ref())).await {
            Ok(()) => tracing::debug!("the server has ended the session"),
            Err(refusal) => tracing::warn!("the session was not ended: {}", refusal.message),
        }
    }

    /// Nobody listens once the program ends.
    async fn report(&self, report: Report) {
        self.reports.send(report).await.unwrap_or_default();
    }
}

async fn blocking<T: Send + 'static>(
    request: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(request).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Refusal::new(crate::model::Code::HostUnreachable, error.to_string())),
    }
}

/// An offer that waits for its candidates.
struct Offer {
    sdp: String,
    candidates: Vec<(usize, String)>,
}

impl Offer {
    fn new(sdp: String) -> Self {
        Self { sdp, candidates: Vec::new() }
    }

    fn add(&mut self, candidate: &IceCandidate) {
        let section = candidate.sdp_m_line_index.and_then(|index| usize::try_from(index).ok());
        let text = candidate.candidate.trim();
        if text.starts_with("candidate:") {
            self.candidates.push((section.unwrap_or_default(), text.to_owned()));
        }
    }

    /// The offer with all of them, each at the end of its section, and the end of candidates (RFC 8840).
    fn complete(&self) -> String {
        let mut out = String::with_capacity(self.sdp.len() + self.candidates.len() * 100);
        let mut section = None;
        for line in self.sdp.lines() {
            if line.starts_with("m=") {
                self.close_section(section, &mut out);
                section = Some(section.map_or(0, |section| section + 1));
            }
            out.push_str(line);
            out.push_str("\r\n");
        }
        self.close_section(section, &mut out);
        out
    }

    fn close_section(&self, section: Option<usize>, out: &mut String) {
        let Some(section) = section else { return };
        let of_section = self.candidates.iter().filter(|(index, _)| *index == section);
        let mut found = false;
        for (_, candidate) in of_section {
            found = true;
            out.push_str(&format!("a={candidate}\r\n"));
        }
        if found {
            out.push_str("a=end-of-candidates\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(line: u32, text: &str) -> IceCandidate {
        IceCandidate {
            candidate: text.to_owned(),
            sdp_mid: None,
            sdp_m_line_index: Some(line),
            username_fragment: None,
        }
    }

    #[test]
    fn candidates_stand_at_the_end_of_their_section() {
        let mut offer = Offer::new("v=0\r\nm=audio 9\r\na=mid:0\r\nm=video 9\r\na=mid:1\r\n".to_owned());
        offer.add(&candidate(1, "candidate:2 1 UDP 1 ::1 9 typ host"));
        offer.add(&candidate(0, "candidate:1 1 UDP 1 127.0.0.1 9 typ host"));
        offer.add(&candidate(0, ""));
        offer.add(&candidate(7, "candidate:3 1 UDP 1 127.0.0.1 9 typ host"));
        assert_eq!(
            offer.complete(),
            "v=0\r\nm=audio 9\r\na=mid:0\r\na=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n\
             m=video 9\r\na=mid:1\r\na=candidate:2 1 UDP 1 ::1 9 typ host\r\na=end-of-candidates\r\n"
        );
    }

    #[test]
    fn an_offer_without_candidates_stays_as_it_is() {
        let sdp = "v=0\r\nm=audio 9\r\n";
        assert_eq!(Offer::new(sdp.to_owned()).complete(), sdp);
    }
}
