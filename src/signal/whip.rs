//! The guest's side of WHIP: one exchange with a server for each peer connection.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::agent::Agents;
use super::http::{self, Failure};
use crate::model::media::{IceCandidate, Report, Session};
use crate::model::server::{Again, Endpoint, ServerAsk, ServerUrl};
use crate::model::{Code, Refusal};

/// How long candidates are gathered before the offer goes out with those there are: local ones come within milliseconds, those of a
/// TURN server after some round trips.
const GATHER: Duration = Duration::from_secs(1);

/// Pauses after a request to end a session that a server did not take; as many as there are requests.
const DELETE_AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(0)];

/// Exchanges at once: one is going on, others are being ended. Each has a thread for as long as a request takes.
const EXCHANGES: usize = 8;

/// Candidates that wait for the exchange's task.
const WAITING: usize = 64;

/// The exchanges with servers.
pub struct Whip {
    reports: Sender<Report>,
    exchanges: HashMap<u64, Sender<Word>>,
    agents: Arc<Agents>,
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
    /// None yet; what they learn goes to `reports`. Servers are believed by the authorities of `ca`, or by the system's.
    pub fn new(reports: Sender<Report>, ca: Option<PathBuf>) -> Self {
        let (alive, ended) = mpsc::channel(1);
        let agents = Arc::new(Agents::new(ca));
        Self { reports, exchanges: HashMap::new(), agents, alive, ended }
    }

    /// Takes a wish. Never waits.
    pub fn ask(&mut self, ask: ServerAsk) {
        self.exchanges.retain(|_, exchange| !exchange.is_closed());
        match ask {
            ServerAsk::Publish { session, .. } if self.alive.strong_count() > EXCHANGES => {
                let why = "too many sessions at servers are not ended yet";
                let refusal = Refusal::new(Code::RateLimited, why);
                // When there is no room the deadline of the stay says the same.
                let refused = Report::ServerRefused { session, refusal, again: Again::Soon };
                self.reports.try_send(refused).unwrap_or_default();
            }
            ServerAsk::Publish { session, endpoint, sdp } => {
                let (sender, words) = mpsc::channel(WAITING);
                self.exchanges.insert(session.peer, sender);
                let exchange = Exchange {
                    session,
                    endpoint,
                    words,
                    reports: self.reports.clone(),
                    agents: Arc::clone(&self.agents),
                };
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
    agents: Arc<Agents>,
}

/// Whether the peer of an exchange is still wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Yes,
    No,
}

/// What becomes of an offer that was posted.
enum Step {
    /// There is a session.
    Created(ServerUrl),
    /// With this answer.
    Answered(String),
    Failed(Failure),
}

impl Exchange {
    async fn run(mut self, mut offer: Offer) {
        if self.gather(&mut offer).await == Wanted::No {
            return;
        }
        tracing::debug!("publishing at {}", self.endpoint.url);
        let mut steps = post(Arc::clone(&self.agents), self.endpoint.clone(), offer.complete());
        let mut wanted = Wanted::Yes;
        let mut made = None;
        loop {
            let step = tokio::select! {
                step = steps.recv() => step,
                still = self.over(), if wanted == Wanted::Yes => {
                    wanted = still;
                    // Once there is a session nothing more has to be known; before that the server may be making one.
                    if made.is_some() { break } else { continue }
                }
            };
            match step {
                Some(Step::Created(session)) => {
                    made = Some(session);
                    if wanted == Wanted::No {
                        break;
                    }
                }
                Some(Step::Answered(sdp)) => {
                    self.report(Report::Answer { session: self.session, sdp }).await;
                    self.over().await;
                    break;
                }
                Some(Step::Failed(failure)) => {
                    if wanted == Wanted::Yes {
                        self.refused(failure).await;
                    }
                    break;
                }
                None => break,
            }
        }
        drop(steps);
        if let Some(session) = made {
            self.delete(session).await;
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

    /// Until the peer is not wanted any more.
    async fn over(&mut self) -> Wanted {
        while let Some(Word::Candidate(_)) = self.words.recv().await {}
        Wanted::No
    }

    async fn refused(&self, failure: Failure) {
        let Failure { refusal, again } = failure;
        self.report(Report::ServerRefused { session: self.session, refusal, again }).await;
    }

    async fn delete(&self, session: ServerUrl) {
        for pause in DELETE_AGAIN {
            let (agents, endpoint, url) = (Arc::clone(&self.agents), self.endpoint.clone(), session.clone());
            match on_a_thread(move || http::delete(&agents, &endpoint, &url)).await {
                Ok(()) => return tracing::debug!("the server has ended the session"),
                Err(Failure { refusal, again: Again::Never }) => {
                    return tracing::warn!("the session was not ended: {}", refusal.message);
                }
                Err(Failure { refusal, again: Again::Soon | Again::After(_) }) => {
                    tracing::warn!("the session is not ended yet: {}", refusal.message);
                    sleep(pause).await;
                }
            }
        }
    }

    /// Nobody listens once the program ends.
    async fn report(&self, report: Report) {
        self.reports.send(report).await.unwrap_or_default();
    }
}

/// Posts an offer on a thread of its own, which a server cannot make anybody wait for: neither the runtime nor the end of the program.
fn post(agents: Arc<Agents>, endpoint: Endpoint, offer: String) -> Receiver<Step> {
    let (steps, receiver) = mpsc::channel(2);
    let failed = steps.clone();
    let work = move || {
        let step = match http::post(&agents, &endpoint, &offer) {
            Ok(created) => {
                if steps.blocking_send(Step::Created(created.session.clone())).is_err() {
                    return;
                }
                created.read(&offer).map_or_else(Step::Failed, Step::Answered)
            }
            Err(failure) => Step::Failed(failure),
        };
        // Nobody listens once the session is to be ended.
        steps.blocking_send(step).unwrap_or_default();
    };
    if let Err(error) = thread::Builder::new().name("whip".into()).spawn(work) {
        // There is room for two.
        failed.try_send(Step::Failed(no_thread(&error))).unwrap_or_default();
    }
    receiver
}

async fn on_a_thread<T: Send + 'static>(
    request: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (sender, outcome) = oneshot::channel();
    let work = move || sender.send(request()).map_err(|_| ()).unwrap_or_default();
    thread::Builder::new().name("whip".into()).spawn(work).map_err(|error| no_thread(&error))?;
    outcome.await.unwrap_or_else(|_| Err(no_thread(&io::Error::other("it ended"))))
}

fn no_thread(error: &io::Error) -> Failure {
    let refusal = Refusal::new(Code::HostUnreachable, format!("no thread to ask the server on: {error}"));
    Failure { refusal, again: Again::Soon }
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
