//! The task behind a [`Link`](super::Link): one connection after the other, with pauses in between.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, LastWill};
use rumqttc::v5::{AsyncClient, MqttOptions};
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::backoff;
use super::blame;
use super::desk::Desk;
use super::ledger::MAX_UNDER_WAY;
use super::line::{End, Line, REQUESTS, Session};
use super::network::Network;
use super::outlet::{Outlet, RECEIVE_MAXIMUM};
use super::{CONNECT_TIMEOUT, Incoming, KEEP_ALIVE_MIN, MAX_PACKET, Presence, SESSION_EXPIRY, Settings};

/// How long the program may take to receive [`Incoming::Closed`] after its cap is over.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) struct Task {
    settings: Settings,
    transport: Transport,
    desk: Arc<Desk>,
    outlet: Outlet,
    pause: Duration,
    /// What is heard of the network since the connection was lost.
    network: Option<Network>,
    /// The last reason told, until there is a connection again.
    told: Option<String>,
    /// Whether the broker may hold a session of ours that this program wants back. Not so for a program just started:
    /// what was said to its former life is not for it, least of all a command that opens a camera.
    resume: bool,
}

impl Task {
    pub(super) fn new(
        mut settings: Settings,
        tls: Option<Arc<ClientConfig>>,
        desk: Arc<Desk>,
        sender: mpsc::Sender<Incoming>,
    ) -> Self {
        settings.keep_alive = settings.keep_alive.max(KEEP_ALIVE_MIN);
        let transport = tls.map_or(Transport::Tcp, |config| Transport::Tls(TlsConfiguration::Rustls(config)));
        Self {
            settings,
            transport,
            desk,
            outlet: Outlet::new(sender),
            pause: backoff::SHORTEST,
            network: None,
            told: None,
            resume: false,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            match self.connection().await {
                End::Abandoned => return,
                // A session serves one presence: a watcher must not get commands, nor its successor what it missed.
                End::Left => self.resume = false,
                End::Lost { why, since, session } => {
                    if since.is_some() {
                        self.told = None;
                        self.network = None;
                        self.resume = session == Session::Sound;
                    }
                    if since.is_some_and(|since| since.elapsed() >= backoff::STABLE) {
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
        self.desk.with(|wishes| wishes.closing())
    }

    fn presence(&self) -> Presence {
        self.desk.with(|wishes| wishes.presence())
    }

    async fn connection(&mut self) -> End {
        let presence = self.presence();
        let (client, events) = AsyncClient::new(self.options(presence), REQUESTS);
        Line::new(&self.settings, &self.desk, &mut self.outlet, client, presence).run(events).await
    }

    fn options(&self, presence: Presence) -> MqttOptions {
        let settings = &self.settings;
        let mut options = MqttOptions::new(&settings.client_id, blame::bare(&settings.host), settings.port);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        let mut properties = ConnectProperties::new();
        properties.receive_maximum = Some(RECEIVE_MAXIMUM);
        properties.max_packet_size = Some(MAX_PACKET);
        properties.session_expiry_interval = match presence {
            Presence::TakingPart => u32::try_from(SESSION_EXPIRY.as_secs()).ok(),
            Presence::Watching => None,
        };
        options
            .set_transport(self.transport.clone())
            .set_network_options(network)
            .set_keep_alive(settings.keep_alive)
            .set_connection_timeout(CONNECT_TIMEOUT.as_secs())
            .set_clean_start(!self.resume)
            .set_manual_acks(true)
            .set_outgoing_inflight_upper_limit(MAX_UNDER_WAY)
            .set_connect_properties(properties);
        if settings.username.is_some() || settings.password.is_some() {
            let of = |secret: &Option<String>| secret.clone().unwrap_or_default();
            options.set_credentials(of(&settings.username), of(&settings.password));
        }
        match (presence, &settings.will) {
            (Presence::TakingPart, Some(will)) => {
                let (topic, payload) = (will.topic.clone(), will.payload.clone());
                options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, true, None));
            }
            (Presence::TakingPart, None) | (Presence::Watching, _) => {}
        }
        options
    }

    /// Tells why there is no connection, if that is news, and pauses. `Err` when nobody receives any more.
    async fn wait(&mut self, why: String) -> Result<(), mpsc::error::SendError<()>> {
        self.pause = backoff::next_pause(self.pause, rand::random());
        if self.told.as_ref() != Some(&why) {
            self.outlet.push(Incoming::Down { why: why.clone(), retry_in: self.pause }, None);
            self.told = Some(why);
        }
        let presence = self.presence();
        let receiver = self.outlet.sender();
        let mut until = Instant::now() + self.pause;
        let mut is_back = false;
        if self.network.is_none() {
            self.network = Network::open().ok();
        }
        loop {
            tokio::select! {
                delivered = self.outlet.deliver(), if !self.outlet.is_empty() => {
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
                () = self.desk.changed() => {
                    if self.closing().is_some() || self.presence() != presence {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn farewell(mut self, deadline: Instant) {
        let deadline = deadline.max(Instant::now() + FAREWELL);
        self.outlet.push(Incoming::Closed, None);
        while !self.outlet.is_empty() {
            match timeout_at(deadline, self.outlet.deliver()).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }
}

/// Returns when the network comes back; never, where it cannot be heard of.
async fn back(network: &mut Option<Network>) {
    match network {
        Some(network) => network.comes_back().await,
        None => pending().await,
    }
}
