//! The supervisor behind a [`ConnectionHandle`](super::ConnectionHandle): one connection after the other, with pauses in between.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::backoff;
use super::desired::DesiredHandle;
use super::diagnosis;
use super::failure::ConnectionFailure;
use super::handshake::Begin;
use super::inbound_queue::InboundQueue;
use super::probe::Spoken;
use super::session::{self, ConnectOptions, SessionEnd};
use super::{Incoming, KEEP_ALIVE_MIN, Participation, Settings};
use crate::network::NetworkChanges;

/// How long the program may take to receive [`Incoming::Closed`] after its cap is over.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) struct Supervisor {
    settings: Settings,
    tls: Option<Arc<ClientConfig>>,
    desired: Arc<DesiredHandle>,
    inbound: InboundQueue,
    pause: Duration,
    /// What is heard of the network since the connection was lost.
    network: Option<NetworkChanges>,
    /// The last reason told, until there is a connection again.
    told: Option<String>,
    /// Whether the broker may hold a session of ours that this program wants back. Not so for a program just started:
    /// what was said to its former life is not for it, least of all a command that opens a camera.
    resume: bool,
    /// What a broker that does not answer our CONNECT was found to speak: it is asked once.
    spoken: Option<Spoken>,
}

impl Supervisor {
    pub(super) fn new(
        mut settings: Settings,
        tls: Option<Arc<ClientConfig>>,
        desired: Arc<DesiredHandle>,
        sender: mpsc::Sender<Incoming>,
    ) -> Self {
        settings.keep_alive = settings.keep_alive.max(KEEP_ALIVE_MIN);
        Self {
            settings,
            tls,
            desired,
            inbound: InboundQueue::new(sender),
            pause: backoff::SHORTEST,
            network: None,
            told: None,
            resume: false,
            spoken: None,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            match self.connection().await {
                SessionEnd::Abandoned => return,
                // A session serves one presence: a watcher must not get commands, nor its successor what it missed.
                SessionEnd::Left => self.resume = false,
                SessionEnd::Lost { failure, since } => {
                    self.spoken = failure.spoken();
                    if since.is_some() {
                        self.told = None;
                        self.network = None;
                        self.resume = !failure.is_malformed();
                    }
                    let why = diagnosis::sentence(&self.settings, &failure);
                    let stable = since.is_some_and(|since| since.elapsed() >= backoff::STABLE);
                    if stable || matches!(failure, ConnectionFailure::Moved) {
                        self.pause = backoff::SHORTEST;
                    }
                    if self.closing().is_none() && self.wait(why).await.is_err() {
                        return;
                    }
                }
            }
            if let Some(deadline) = self.closing() {
                return self.farewell(deadline).await;
            }
        }
    }

    fn closing(&self) -> Option<Instant> {
        self.desired.with(|state| state.closing())
    }

    fn presence(&self) -> Participation {
        self.desired.with(|state| state.presence())
    }

    async fn connection(&mut self) -> SessionEnd {
        let begin = if self.resume { Begin::Resuming } else { Begin::Anew };
        let options = ConnectOptions { tls: self.tls.clone(), begin, spoken: self.spoken };
        session::run(&self.settings, &self.desired, &mut self.inbound, options).await
    }

    /// Tells why there is no connection, if that is news, and pauses. `Err` when nobody receives any more.
    async fn wait(&mut self, why: String) -> Result<(), mpsc::error::SendError<()>> {
        self.pause = backoff::next_pause(self.pause, rand::random());
        if self.told.as_ref() != Some(&why) {
            self.inbound.push(Incoming::Down { why: why.clone(), retry_in: self.pause }, None);
            self.told = Some(why);
        }
        let presence = self.presence();
        let receiver = self.inbound.sender();
        let mut until = Instant::now() + self.pause;
        let mut is_back = false;
        if self.network.is_none() {
            self.network = NetworkChanges::open().ok();
        }
        loop {
            tokio::select! {
                delivered = self.inbound.deliver(), if !self.inbound.is_empty() => {
                    delivered?;
                }
                () = sleep_until(until) => return Ok(()),
                () = back(&mut self.network), if !is_back => {
                    tracing::info!("the network is back: the broker is asked again");
                    is_back = true;
                    self.pause = backoff::SHORTEST;
                    until = until.min(Instant::now() + backoff::RETURN.mul_f64(rand::random()));
                }
                () = receiver.closed() => return Err(mpsc::error::SendError(())),
                () = self.desired.changed() => {
                    if self.closing().is_some() || self.presence() != presence {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn farewell(mut self, deadline: Instant) {
        let deadline = deadline.max(Instant::now() + FAREWELL);
        self.inbound.push(Incoming::Closed, None);
        while !self.inbound.is_empty() {
            match timeout_at(deadline, self.inbound.deliver()).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }
}

/// Returns when the network comes back; never, where it cannot be heard of.
async fn back(network: &mut Option<NetworkChanges>) {
    match network {
        Some(network) => network.comes_back().await,
        None => pending().await,
    }
}
