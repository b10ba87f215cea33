//! One connection, from CONNECT to its end.
//!
//! It decides what goes out and when; [`Packets`] carries it. It is used once per connection and thrown away: what has to
//! outlive a connection is remembered by the [`desk`](super::desk).
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

use super::blame;
use super::desk::{Desk, Flight, ProbeWish, Wishes};
use super::failure::Failure;
use super::granted::{Feature, Granted};
use super::handshake::{Accepted, Begin, handshake};
use super::ledger::{Handed, Ledger, MAX_UNDER_WAY};
use super::outlet::{Outlet, Owed};
use super::packets::{Packets, Reading};
use super::probe::Spoken;
use super::route_guard::RouteGuard;
use super::{DropCause, Incoming, Message, PROBE, Presence, Qos, Retain, Settings};
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
pub(super) enum End {
    /// As the program wished.
    Left,
    /// Nobody receives any more.
    Abandoned,
    /// By itself.
    Lost {
        /// Why.
        failure: Failure,
        /// When it had begun, if the broker had accepted us.
        since: Option<Instant>,
    },
}

/// How to connect.
pub(super) struct Way {
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) begin: Begin,
    /// What a broker that does not answer was found to speak before.
    pub(super) spoken: Option<Spoken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
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

pub(super) struct Line<'a> {
    settings: &'a Settings,
    desk: &'a Desk,
    outlet: &'a mut Outlet,
    receiver: mpsc::Sender<Incoming>,
    packets: Packets,
    presence: Presence,
    phase: Phase,
    since: Instant,
    ledger: Ledger,
    granted: Granted,
    told: BTreeSet<String>,
    /// When the broker is asked for a sign of life next.
    ping: Instant,
    keep_alive: Duration,
    life: Life,
    route: RouteGuard,
}

/// Connects and lives through the connection.
pub(super) async fn run(settings: &Settings, desk: &Desk, outlet: &mut Outlet, way: Way) -> End {
    let presence = desk.with(|wishes| wishes.presence());
    let end = match connect(settings, desk, outlet, presence, way).await {
        Ok(accepted) => {
            let answer = accepted.answer.clone();
            let mut line = Line::new(settings, desk, outlet, presence, accepted);
            line.connected(&answer);
            line.run().await
        }
        Err(end) => end,
    };
    if let End::Lost { failure, .. } = &end {
        tracing::debug!(%failure, "connection lost");
    }
    outlet.owe_nothing();
    desk.with(Wishes::lost);
    end
}

/// A changed presence waits for the answer: to hang up between CONNECT and CONNACK would publish the will.
async fn connect(
    settings: &Settings,
    desk: &Desk,
    outlet: &mut Outlet,
    presence: Presence,
    way: Way,
) -> Result<Accepted, End> {
    let receiver = outlet.sender();
    let mut answer = pin!(handshake(settings, way.tls, presence, way.begin, way.spoken));
    loop {
        let closing = desk.with(|wishes| wishes.closing());
        if closing.is_some() {
            return Err(End::Left);
        }
        tokio::select! {
            biased;
            delivered = outlet.deliver(), if !outlet.is_empty() => if delivered.is_err() {
                return Err(End::Abandoned);
            },
            answer = &mut answer => {
                return answer.map_err(|failure| End::Lost { failure, since: None });
            }
            () = desk.changed() => {}
            () = receiver.closed() => return Err(End::Abandoned),
        }
    }
}

impl<'a> Line<'a> {
    fn new(
        settings: &'a Settings,
        desk: &'a Desk,
        outlet: &'a mut Outlet,
        presence: Presence,
        Accepted { packets, answer, route }: Accepted,
    ) -> Self {
        let now = Instant::now();
        let granted = Granted::of(&answer);
        // The broker may ask for a longer silence; we notice a dead socket in our own time.
        let asked = granted.keep_alive.filter(|asked| !asked.is_zero()).unwrap_or(settings.keep_alive);
        let keep_alive = asked.min(settings.keep_alive);
        Self {
            settings,
            desk,
            receiver: outlet.sender(),
            outlet,
            packets,
            presence,
            phase: Phase::Subscribing { until: now + SUBSCRIBE_CAP },
            since: now,
            ledger: Ledger::new(granted.receive_maximum.min(MAX_UNDER_WAY)),
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
        let wanted = self.desk.with(|wishes| {
            wishes.begin(answer.session_present, granted.clone());
            wishes.presence()
        });
        if wanted == self.presence {
            let session_present = answer.session_present;
            self.outlet.push(Incoming::Up { session_present, presence: self.presence, granted }, None);
        }
    }

    async fn run(mut self) -> End {
        loop {
            match self.turn().await {
                Ok(()) => {}
                Err(End::Lost { .. }) if self.is_leaving() => return End::Left,
                Err(end) => return end,
            }
        }
    }

    /// Does what can be done, and waits for the next thing to happen.
    async fn turn(&mut self) -> Result<(), End> {
        self.advance()?;
        let deadline = self.deadline();
        let restore = self.desk.with(|wishes| wishes.restore_at());
        let reading = if self.outlet.is_clogged() { Reading::Paused } else { Reading::On };
        tokio::select! {
            biased;
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => self.overdue(),
            delivered = self.outlet.deliver(), if !self.outlet.is_empty() => match delivered {
                Ok(owed) => self.acknowledge(owed),
                Err(_) => Err(End::Abandoned),
            },
            turned = self.packets.turn(reading) => {
                turned.map_err(|error| self.lost(error.into()))?;
                self.read()
            }
            // What is not read may be the sign of life.
            () = sleep_until(self.ping), if reading == Reading::On => self.ping(),
            () = sleep_until(restore.unwrap_or_else(Instant::now)), if restore.is_some() => {
                self.restore();
                Ok(())
            }
            () = self.route.due() => self.look_at_route(),
            () = self.desk.changed() => Ok(()),
            () = self.receiver.closed() => Err(End::Abandoned),
        }
    }

    /// The network has changed. A connection from an address that is gone is dead, and would not say so for the time of a keep-alive; one
    /// that may live is asked: the cable may be in again in a moment.
    fn look_at_route(&mut self) -> Result<(), End> {
        match self.route.state() {
            RouteState::Kept | RouteState::Lost => self.probe(),
            RouteState::Moved => Err(self.lost(Failure::Moved)),
        }
    }

    fn lost(&self, failure: Failure) -> End {
        End::Lost { failure, since: Some(self.since) }
    }

    fn push(&mut self, packet: &Packet) -> Result<(), End> {
        self.packets.push(packet, self.granted.max_packet).map_err(|error| self.lost(error.into()))
    }

    fn deadline(&self) -> Option<Instant> {
        let closing = self.desk.with(|wishes| wishes.closing());
        match self.phase {
            Phase::Open => closing,
            Phase::Subscribing { until } => Some(closing.map_or(until, |closing| closing.min(until))),
            Phase::Leaving { until } => Some(until),
        }
    }

    fn overdue(&mut self) -> Result<(), End> {
        let closing = self.desk.with(|wishes| wishes.closing());
        match self.phase {
            Phase::Subscribing { .. } if closing.is_none_or(|closing| Instant::now() < closing) => {
                if self.outlet.is_clogged() {
                    // The answer may be there, unread.
                    self.phase = Phase::Subscribing { until: Instant::now() + SUBSCRIBE_CAP };
                    return Ok(());
                }
                Err(self.lost(Failure::Unsubscribed))
            }
            Phase::Subscribing { .. } | Phase::Open | Phase::Leaving { .. } => Err(End::Left),
        }
    }

    /// Does what the wishes and the phase allow.
    fn advance(&mut self) -> Result<(), End> {
        let (closing, presence) = self.desk.with(|wishes| (wishes.closing().is_some(), wishes.presence()));
        match self.phase {
            Phase::Leaving { .. } => Ok(()),
            Phase::Subscribing { .. } | Phase::Open if presence != self.presence => self.leave(),
            Phase::Subscribing { .. } | Phase::Open => {
                if self.desk.with(Wishes::take_probe) == ProbeWish::Wanted {
                    self.probe()?;
                }
                self.pump()?;
                let done = closing
                    && self.phase == Phase::Open
                    && self.packets.is_written()
                    && self.desk.with(|wishes| wishes.is_settled());
                if done { self.leave() } else { Ok(()) }
            }
        }
    }

    fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving { .. })
    }

    /// Says DISCONNECT. The broker hangs up when it has read that: to come back under the same name before would publish the
    /// will.
    fn leave(&mut self) -> Result<(), End> {
        self.phase = Phase::Leaving { until: Instant::now() + LEAVE_CAP };
        self.push(&Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection)))
    }

    fn ping(&mut self) -> Result<(), End> {
        if self.life == Life::Asked {
            return Err(self.lost(Failure::NoSignOfLife));
        }
        self.life = Life::Asked;
        self.ping = Instant::now() + self.keep_alive;
        self.push(&Packet::PingReq(PingReq))
    }

    /// Asks for a sign of life now.
    fn probe(&mut self) -> Result<(), End> {
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
    fn read(&mut self) -> Result<(), End> {
        while let Some(packet) = self.packets.next().map_err(|error| self.lost(error.into()))? {
            self.life = Life::Heard;
            match packet {
                Packet::Publish(packed) => self.message(packed)?,
                Packet::PubAck(answer) => self.published(&answer),
                Packet::SubAck(answer) => self.subscribed(&answer),
                Packet::UnsubAck(answer) => {
                    self.ledger.settled(answer.pkid);
                }
                Packet::PingResp(_) => {}
                Packet::Disconnect(said) => return Err(self.lost(Failure::Disconnected(said.reason_code))),
                Packet::Auth(_)
                | Packet::Connect(..)
                | Packet::ConnAck(_)
                | Packet::PingReq(_)
                | Packet::Subscribe(_)
                | Packet::PubRec(_)
                | Packet::PubRel(_)
                | Packet::PubComp(_)
                | Packet::Unsubscribe(_) => return Err(self.lost(Failure::Unexpected)),
            }
        }
        Ok(())
    }

    fn message(&mut self, packed: Packed) -> Result<(), End> {
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
        let (asked_for, renewed) = self.desk.with(|wishes| {
            let renewed = wishes.heard(&message.topic, &message.payload, Instant::now());
            (wishes.is_asked_for(&message.topic), renewed)
        });
        if renewed {
            self.renewed(message.topic.clone());
        }
        if !asked_for {
            return self.acknowledge(owed);
        }
        self.outlet.push(Incoming::Message(message), owed);
        Ok(())
    }

    fn renewed(&mut self, topic: String) {
        self.outlet.push(Incoming::Renewed { topic }, None);
    }

    /// Publishes again what was overwritten a while ago.
    fn restore(&mut self) {
        for topic in self.desk.with(|wishes| wishes.restore(Instant::now())) {
            self.renewed(topic);
        }
    }

    fn acknowledge(&mut self, owed: Owed) -> Result<(), End> {
        match owed {
            Some(pkid) => self.push(&Packet::PubAck(PubAck::new(pkid, None))),
            None => Ok(()),
        }
    }

    fn published(&mut self, answer: &PubAck) {
        let Some(Handed::Publish(flight)) = self.ledger.settled(answer.pkid) else { return };
        match answer.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => self.carried(&flight),
            refused => self.warn_refused(&flight, &format!("{refused:?}")),
        }
        self.desk.with(|wishes| wishes.settled(&flight));
    }

    /// A level that could not be published for a while is there again.
    fn carried(&mut self, flight: &Flight) {
        if let Flight::Level(topic, _) = flight
            && self.granted.retain == Feature::Available
            && self.told.remove(topic)
        {
            self.outlet.push(Incoming::Restored { topic: topic.clone() }, None);
        }
    }

    fn warn_refused(&mut self, flight: &Flight, code: &str) {
        let Some(topic) = self.desk.with(|wishes| wishes.topic(flight)) else { return };
        let why = blame::refused_topic(self.settings, &topic, code);
        let retain = match flight {
            Flight::Level(..) => Retain::Yes,
            Flight::Message(_) => Retain::No,
        };
        self.tell_dropped(topic, why, DropCause::Refused, retain);
    }

    fn tell_dropped(&mut self, topic: String, why: String, cause: DropCause, retain: Retain) {
        if self.told.len() < MAX_TOLD && self.told.insert(topic.clone()) {
            self.outlet.push(Incoming::Dropped { topic, why, cause, retain }, None);
        }
    }

    fn subscribed(&mut self, answer: &SubAck) {
        let Some(Handed::Subscribe(filters)) = self.ledger.settled(answer.pkid) else { return };
        for (filter, code) in filters.into_iter().zip(&answer.return_codes) {
            if !self.desk.with(|wishes| wishes.is_asked_for(&filter)) {
                // Whether somebody overwrites a level of ours is good to know, and no more.
                tracing::debug!(?code, "{filter} is watched");
                continue;
            }
            let incoming = match code {
                SubscribeReasonCode::Success(_) => Incoming::Subscribed(filter),
                refused => {
                    let why = blame::refused_filter(self.settings, &filter, *refused);
                    Incoming::Refused { filter, why }
                }
            };
            self.outlet.push(incoming, None);
        }
        if let Phase::Subscribing { .. } = self.phase {
            self.phase = Phase::Subscribing { until: Instant::now() + SUBSCRIBE_CAP };
        }
    }
}
