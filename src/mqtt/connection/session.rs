//! One connection, from CONNECT to its end.
//!
//! It decides what goes out and when; [`PacketStream`] carries it. It is used once per connection and thrown away: what has to
//! outlive a connection is remembered by the [`desired`](super::desired).
//!
//! Incoming QoS 1 messages are acknowledged after they entered the program's channel: so a slow program makes the broker wait
//! (Receive Maximum), and a connection that breaks in between loses nothing.

mod handing;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Disconnect, DisconnectReasonCode, Packet, PingReq, PubAck, PubAckReason, Publish as Packed,
    SubAck, SubscribeReasonCode,
};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::desired::{DesiredHandle, DesiredState, PacketContent, ProbeWish};
use super::diagnosis;
use super::failure::ConnectionFailure;
use super::granted::{Feature, Granted};
use super::handshake::{Accepted, Begin, handshake};
use super::in_flight::{InFlight, MAX_UNDER_WAY, SentPacket};
use super::inbound_queue::{InboundQueue, Owed};
use super::packets::{PacketStream, ReadState};
use super::probe::Spoken;
use super::route_guard::RouteGuard;
use super::{DropCause, Incoming, Message, PROBE, Participation, Qos, Retain, Settings};
use crate::network::RouteState;
pub(super) use handing::size;

/// How long the broker may be silent while subscriptions are unanswered.
const SUBSCRIBE_CAP: Duration = Duration::from_secs(10);

/// How long writing a DISCONNECT may take, and the broker then to hang up.
const LEAVE_CAP: Duration = Duration::from_secs(1);

/// Topics whose refusal is logged, per connection; the rest is silence.
const MAX_TOLD: usize = 32;

/// How a connection ended.
#[derive(Debug)]
pub(super) enum SessionEnd {
    /// As the program wished.
    Left,
    /// Nobody receives any more.
    Abandoned,
    /// By itself.
    Lost {
        /// Why.
        failure: ConnectionFailure,
        /// When it had begun, if the broker had accepted us.
        since: Option<Instant>,
    },
}

/// How to connect.
pub(super) struct ConnectOptions {
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) begin: Begin,
    /// What a broker that does not answer was found to speak before.
    pub(super) spoken: Option<Spoken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionPhase {
    /// Filters first: a level must not say "online" before the commands are heard.
    Subscribing {
        until: Instant,
    },
    Open,
    Leaving {
        until: Instant,
    },
}

/// Whether the broker owes a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Heard,
    Asked,
}

pub(super) struct BrokerSession<'a> {
    settings: &'a Settings,
    desired: &'a DesiredHandle,
    inbound: &'a mut InboundQueue,
    receiver: mpsc::Sender<Incoming>,
    packets: PacketStream,
    presence: Participation,
    phase: SessionPhase,
    since: Instant,
    in_flight: InFlight,
    granted: Granted,
    told: BTreeSet<String>,
    /// When the broker is asked for a sign of life next.
    ping: Instant,
    keep_alive: Duration,
    life: Life,
    route: RouteGuard,
}

/// Connects and lives through the connection.
pub(super) async fn run(
    settings: &Settings,
    desired: &DesiredHandle,
    inbound: &mut InboundQueue,
    options: ConnectOptions,
) -> SessionEnd {
    let presence = desired.with(|state| state.presence());
    let end = match connect(settings, desired, inbound, presence, options).await {
        Ok(accepted) => {
            let answer = accepted.answer.clone();
            let mut session = BrokerSession::new(settings, desired, inbound, presence, accepted);
            session.connected(&answer);
            session.run().await
        }
        Err(end) => end,
    };
    if let SessionEnd::Lost { failure, .. } = &end {
        tracing::debug!(%failure, "connection lost");
    }
    inbound.owe_nothing();
    desired.with(DesiredState::lost);
    end
}

/// A changed presence waits for the answer: to hang up between CONNECT and CONNACK would publish the will.
async fn connect(
    settings: &Settings,
    desired: &DesiredHandle,
    inbound: &mut InboundQueue,
    presence: Participation,
    options: ConnectOptions,
) -> Result<Accepted, SessionEnd> {
    let receiver = inbound.sender();
    let mut answer = pin!(handshake(settings, options.tls, presence, options.begin, options.spoken));
    loop {
        let closing = desired.with(|state| state.closing());
        if closing.is_some() {
            return Err(SessionEnd::Left);
        }
        tokio::select! {
            biased;
            delivered = inbound.deliver(), if !inbound.is_empty() => if delivered.is_err() {
                return Err(SessionEnd::Abandoned);
            },
            answer = &mut answer => {
                return answer.map_err(|failure| SessionEnd::Lost { failure, since: None });
            }
            () = desired.changed() => {}
            () = receiver.closed() => return Err(SessionEnd::Abandoned),
        }
    }
}

impl<'a> BrokerSession<'a> {
    fn new(
        settings: &'a Settings,
        desired: &'a DesiredHandle,
        inbound: &'a mut InboundQueue,
        presence: Participation,
        Accepted { packets, answer, route }: Accepted,
    ) -> Self {
        let now = Instant::now();
        let granted = Granted::of(&answer);
        // The broker may ask for a longer silence; we notice a dead socket in our own time.
        let asked = granted.keep_alive.filter(|asked| !asked.is_zero()).unwrap_or(settings.keep_alive);
        let keep_alive = asked.min(settings.keep_alive);
        Self {
            settings,
            desired,
            receiver: inbound.sender(),
            inbound,
            packets,
            presence,
            phase: SessionPhase::Subscribing { until: now + SUBSCRIBE_CAP },
            since: now,
            in_flight: InFlight::new(granted.receive_maximum.min(MAX_UNDER_WAY)),
            granted,
            told: BTreeSet::new(),
            ping: now + keep_alive,
            keep_alive,
            life: Life::Heard,
            route: RouteGuard::new(route),
        }
    }

    fn connected(&mut self, answer: &ConnAck) {
        let granted = self.granted.clone();
        let wanted = self.desired.with(|state| {
            state.begin(answer.session_present, granted.clone());
            state.presence()
        });
        if wanted == self.presence {
            let session_present = answer.session_present;
            self.inbound.push(Incoming::Up { session_present, presence: self.presence, granted }, None);
        }
    }

    async fn run(mut self) -> SessionEnd {
        loop {
            match self.turn().await {
                Ok(()) => {}
                Err(SessionEnd::Lost { .. }) if self.is_leaving() => return SessionEnd::Left,
                Err(end) => return end,
            }
        }
    }

    /// Does what can be done, and waits for the next thing to happen.
    async fn turn(&mut self) -> Result<(), SessionEnd> {
        self.advance()?;
        let deadline = self.deadline();
        let restore = self.desired.with(|state| state.restore_at());
        let reading = if self.inbound.is_clogged() { ReadState::Paused } else { ReadState::On };
        tokio::select! {
            biased;
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => self.overdue(),
            delivered = self.inbound.deliver(), if !self.inbound.is_empty() => match delivered {
                Ok(owed) => self.acknowledge(owed),
                Err(_) => Err(SessionEnd::Abandoned),
            },
            turned = self.packets.turn(reading) => {
                turned.map_err(|error| self.lost(error.into()))?;
                self.read()
            }
            // What is not read may be the sign of life.
            () = sleep_until(self.ping), if reading == ReadState::On => self.ping(),
            () = sleep_until(restore.unwrap_or_else(Instant::now)), if restore.is_some() => {
                self.restore();
                Ok(())
            }
            () = self.route.due() => self.look_at_route(),
            () = self.desired.changed() => Ok(()),
            () = self.receiver.closed() => Err(SessionEnd::Abandoned),
        }
    }

    /// The network has changed. A connection from an address that is gone is dead, and would not say so for the time of a keep-alive; one
    /// that may live is asked: the cable may be in again in a moment.
    fn look_at_route(&mut self) -> Result<(), SessionEnd> {
        match self.route.state() {
            RouteState::Kept | RouteState::Lost => self.probe(),
            RouteState::Moved => Err(self.lost(ConnectionFailure::Moved)),
        }
    }

    fn lost(&self, failure: ConnectionFailure) -> SessionEnd {
        SessionEnd::Lost { failure, since: Some(self.since) }
    }

    fn push(&mut self, packet: &Packet) -> Result<(), SessionEnd> {
        self.packets.push(packet, self.granted.max_packet).map_err(|error| self.lost(error.into()))
    }

    fn deadline(&self) -> Option<Instant> {
        let closing = self.desired.with(|state| state.closing());
        match self.phase {
            SessionPhase::Open => closing,
            SessionPhase::Subscribing { until } => Some(closing.map_or(until, |closing| closing.min(until))),
            SessionPhase::Leaving { until } => Some(until),
        }
    }

    fn overdue(&mut self) -> Result<(), SessionEnd> {
        let closing = self.desired.with(|state| state.closing());
        match self.phase {
            SessionPhase::Subscribing { .. } if closing.is_none_or(|closing| Instant::now() < closing) => {
                if self.inbound.is_clogged() {
                    // The answer may be there, unread.
                    self.phase = SessionPhase::Subscribing { until: Instant::now() + SUBSCRIBE_CAP };
                    return Ok(());
                }
                Err(self.lost(ConnectionFailure::Unsubscribed))
            }
            SessionPhase::Subscribing { .. } | SessionPhase::Open | SessionPhase::Leaving { .. } => {
                Err(SessionEnd::Left)
            }
        }
    }

    /// Sends what the desired state and the phase allow.
    fn advance(&mut self) -> Result<(), SessionEnd> {
        let (closing, presence) = self.desired.with(|state| (state.closing().is_some(), state.presence()));
        match self.phase {
            SessionPhase::Leaving { .. } => Ok(()),
            SessionPhase::Subscribing { .. } | SessionPhase::Open if presence != self.presence => {
                self.leave()
            }
            SessionPhase::Subscribing { .. } | SessionPhase::Open => {
                if self.desired.with(DesiredState::take_probe) == ProbeWish::Wanted {
                    self.probe()?;
                }
                self.pump()?;
                let done = closing
                    && self.phase == SessionPhase::Open
                    && self.packets.is_written()
                    && self.desired.with(|state| state.is_settled());
                if done { self.leave() } else { Ok(()) }
            }
        }
    }

    fn is_leaving(&self) -> bool {
        matches!(self.phase, SessionPhase::Leaving { .. })
    }

    /// Says DISCONNECT. The broker hangs up when it has read that: to come back under the same name before would publish the
    /// will.
    fn leave(&mut self) -> Result<(), SessionEnd> {
        self.phase = SessionPhase::Leaving { until: Instant::now() + LEAVE_CAP };
        self.push(&Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection)))
    }

    fn ping(&mut self) -> Result<(), SessionEnd> {
        if self.life == Life::Asked {
            return Err(self.lost(ConnectionFailure::NoSignOfLife));
        }
        self.life = Life::Asked;
        self.ping = Instant::now() + self.keep_alive;
        self.push(&Packet::PingReq(PingReq))
    }

    /// Asks for a sign of life now.
    fn probe(&mut self) -> Result<(), SessionEnd> {
        if self.is_leaving() {
            return Ok(());
        }
        let until = Instant::now() + PROBE;
        if self.life == Life::Asked {
            self.ping = self.ping.min(until);
            return Ok(());
        }
        self.life = Life::Asked;
        self.ping = until;
        self.push(&Packet::PingReq(PingReq))
    }

    /// Takes what has arrived.
    fn read(&mut self) -> Result<(), SessionEnd> {
        while let Some(packet) = self.packets.next().map_err(|error| self.lost(error.into()))? {
            self.life = Life::Heard;
            match packet {
                Packet::Publish(packed) => self.message(packed)?,
                Packet::PubAck(answer) => self.published(&answer),
                Packet::SubAck(answer) => self.subscribed(&answer),
                Packet::UnsubAck(answer) => {
                    self.in_flight.settled(answer.pkid);
                }
                Packet::PingResp(_) => {}
                Packet::Disconnect(said) => {
                    return Err(self.lost(ConnectionFailure::Disconnected(said.reason_code)));
                }
                Packet::Auth(_)
                | Packet::Connect(..)
                | Packet::ConnAck(_)
                | Packet::PingReq(_)
                | Packet::Subscribe(_)
                | Packet::PubRec(_)
                | Packet::PubRel(_)
                | Packet::PubComp(_)
                | Packet::Unsubscribe(_) => return Err(self.lost(ConnectionFailure::Unexpected)),
            }
        }
        Ok(())
    }

    fn message(&mut self, packed: Packed) -> Result<(), SessionEnd> {
        let owed = (packed.qos == QoS::AtLeastOnce).then_some(packed.pkid);
        let Ok(topic) = String::from_utf8(packed.topic.to_vec()) else {
            return self.acknowledge(owed);
        };
        let properties = packed.properties.unwrap_or_default();
        let message = Message {
            topic,
            payload: packed.payload,
            retain: if packed.retain { Retain::Yes } else { Retain::No },
            qos: if owed.is_some() { Qos::AtLeastOnce } else { Qos::AtMostOnce },
            response_topic: properties.response_topic,
            correlation: properties.correlation_data,
        };
        let (asked_for, renewed) = self.desired.with(|state| {
            let renewed = state.heard(&message.topic, &message.payload, Instant::now());
            (state.is_asked_for(&message.topic), renewed)
        });
        if renewed {
            self.renewed(message.topic.clone());
        }
        if !asked_for {
            return self.acknowledge(owed);
        }
        self.inbound.push(Incoming::Message(message), owed);
        Ok(())
    }

    fn renewed(&mut self, topic: String) {
        self.inbound.push(Incoming::Renewed { topic }, None);
    }

    /// Publishes again what was overwritten a while ago.
    fn restore(&mut self) {
        for topic in self.desired.with(|state| state.restore(Instant::now())) {
            self.renewed(topic);
        }
    }

    fn acknowledge(&mut self, owed: Owed) -> Result<(), SessionEnd> {
        match owed {
            Some(pkid) => self.push(&Packet::PubAck(PubAck::new(pkid, None))),
            None => Ok(()),
        }
    }

    fn published(&mut self, answer: &PubAck) {
        let Some(SentPacket::Publish(flight)) = self.in_flight.settled(answer.pkid) else { return };
        match answer.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => self.carried(&flight),
            refused => self.warn_refused(&flight, &format!("{refused:?}")),
        }
        self.desired.with(|state| state.settled(&flight));
    }

    /// A level that could not be published for a while is there again.
    fn carried(&mut self, flight: &PacketContent) {
        if let PacketContent::Level(topic, _) = flight
            && self.granted.retain == Feature::Available
            && self.told.remove(topic)
        {
            self.inbound.push(Incoming::Restored { topic: topic.clone() }, None);
        }
    }

    fn warn_refused(&mut self, flight: &PacketContent, code: &str) {
        let Some(topic) = self.desired.with(|state| state.topic(flight)) else { return };
        let why = diagnosis::refused_topic(self.settings, &topic, code);
        let retain = match flight {
            PacketContent::Level(..) => Retain::Yes,
            PacketContent::Message(_) => Retain::No,
        };
        self.tell_dropped(topic, why, DropCause::Refused, retain);
    }

    fn tell_dropped(&mut self, topic: String, why: String, cause: DropCause, retain: Retain) {
        if self.told.len() < MAX_TOLD && self.told.insert(topic.clone()) {
            self.inbound.push(Incoming::Dropped { topic, why, cause, retain }, None);
        }
    }

    fn subscribed(&mut self, answer: &SubAck) {
        let Some(SentPacket::Subscribe(filters)) = self.in_flight.settled(answer.pkid) else { return };
        for (filter, code) in filters.into_iter().zip(&answer.return_codes) {
            if !self.desired.with(|state| state.is_asked_for(&filter)) {
                // Whether somebody overwrites a level of ours is good to know, and no more.
                tracing::debug!(?code, "{filter} is watched");
                continue;
            }
            let incoming = match code {
                SubscribeReasonCode::Success(_) => Incoming::Subscribed(filter),
                refused => {
                    let why = diagnosis::refused_filter(self.settings, &filter, *refused);
                    Incoming::Refused { filter, why }
                }
            };
            self.inbound.push(incoming, None);
        }
        if let SessionPhase::Subscribing { .. } = self.phase {
            self.phase = SessionPhase::Subscribing { until: Instant::now() + SUBSCRIBE_CAP };
        }
    }
}
