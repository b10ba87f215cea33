//! One connection, from CONNECT to its end.
//!
//! `rumqttc` carries the packets; this decides what it gets and when. It is used once per connection and thrown away,
//! because over a reconnect it would forget unacknowledged messages when the broker lost the session, and else send them
//! in the order of their packet numbers rather than their own. The [`desk`](super::desk) remembers instead.
//!
//! Its `poll` is never cancelled while the connection is in use: a cancelled write could leave half a packet in its
//! buffer until the next sign of life. New wishes reach it through its request channel meanwhile.
//!
//! Incoming QoS 1 messages are acknowledged by hand, after they entered the program's channel: so a slow program makes the
//! broker wait (Receive Maximum), and a connection that breaks in between loses nothing.

mod handing;

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use rumqttc::Outgoing as Wrote;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Packet, PubAck, PubAckReason, Publish as Packed, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::blame::{self, Reached};
use super::desk::{Desk, Flight};
use super::ledger::{Acknowledgements, Handed, Ledger, MAX_UNDER_WAY};
use super::outlet::{Outlet, RECEIVE_MAXIMUM};
use super::{Incoming, Message, Presence, Qos, Retain, Settings};

/// Room in `rumqttc`'s request channel: everything under way, every acknowledgement we may owe, one DISCONNECT.
pub(super) const REQUESTS: usize = MAX_UNDER_WAY as usize + RECEIVE_MAXIMUM as usize + 1;

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
        /// One sentence.
        why: String,
        /// When it had begun, if the broker had accepted us.
        since: Option<Instant>,
        /// Whether what the broker keeps for us may be the cause.
        session: Session,
    },
}

/// What to think of the broker's session after a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    /// Worth coming back to.
    Sound,
    /// It holds something that cannot be read: coming back to it would bring the same end.
    Poisoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    /// Filters first: a level must not say "online" before the commands are heard.
    Subscribing {
        until: Instant,
    },
    Open,
    Leaving {
        until: Instant,
    },
}

pub(super) struct Line<'a> {
    settings: &'a Settings,
    desk: &'a Desk,
    outlet: &'a mut Outlet,
    receiver: mpsc::Sender<Incoming>,
    client: AsyncClient,
    presence: Presence,
    phase: Phase,
    since: Option<Instant>,
    ledger: Ledger,
    acknowledgements: Acknowledgements,
    /// Largest packet the broker takes.
    max_packet: usize,
    told: BTreeSet<String>,
}

impl<'a> Line<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        desk: &'a Desk,
        outlet: &'a mut Outlet,
        client: AsyncClient,
        presence: Presence,
    ) -> Self {
        Self {
            settings,
            desk,
            receiver: outlet.sender(),
            outlet,
            client,
            presence,
            phase: Phase::Connecting,
            since: None,
            ledger: Ledger::new(MAX_UNDER_WAY),
            acknowledgements: Acknowledgements::default(),
            max_packet: usize::MAX,
            told: BTreeSet::new(),
        }
    }

    /// Lives through the connection.
    pub(super) async fn run(mut self, mut events: EventLoop) -> End {
        let end = loop {
            let polled = match self.next_event(&mut events).await {
                Ok(polled) => polled,
                Err(end) => break end,
            };
            let event = match polled {
                Ok(event) => event,
                Err(_) if self.is_leaving() => break End::Left,
                Err(error) => break self.lost(&mut events, &error),
            };
            if let Some(end) = self.event(event).or_else(|| self.advance()) {
                break end;
            }
            if self.since.is_some() && events.options.keep_alive() > self.settings.keep_alive {
                // The broker may ask for a longer silence; we notice a dead socket in our own time.
                events.options.set_keep_alive(self.settings.keep_alive);
            }
        };
        self.outlet.owe_nothing();
        self.desk.with(super::desk::Wishes::lost);
        end
    }

    /// Waits for the next event of `rumqttc`, doing everything else meanwhile.
    async fn next_event(&mut self, events: &mut EventLoop) -> Result<Result<Event, ConnectionError>, End> {
        let mut poll = pin!(events.poll());
        loop {
            let deadline = self.deadline();
            tokio::select! {
                biased;
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    if let Some(end) = self.overdue() {
                        return Err(end);
                    }
                }
                delivered = self.outlet.deliver(), if !self.outlet.is_empty() => match delivered {
                    Ok(owed) => self.acknowledge(owed),
                    Err(_) => return Err(End::Abandoned),
                },
                event = &mut poll, if !self.outlet.is_clogged() => return Ok(event),
                () = self.desk.changed() => {}
                () = self.receiver.closed() => return Err(End::Abandoned),
            }
            if let Some(end) = self.advance() {
                return Err(end);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let closing = self.desk.with(|wishes| wishes.closing());
        match self.phase {
            Phase::Connecting | Phase::Open => closing,
            Phase::Subscribing { until } => Some(closing.map_or(until, |closing| closing.min(until))),
            Phase::Leaving { until } => Some(until),
        }
    }

    fn overdue(&mut self) -> Option<End> {
        let closing = self.desk.with(|wishes| wishes.closing());
        match self.phase {
            Phase::Subscribing { .. } if closing.is_none_or(|closing| Instant::now() < closing) => {
                if self.outlet.is_clogged() {
                    // The answer may be there, unread.
                    self.phase = Phase::Subscribing { until: Instant::now() + SUBSCRIBE_CAP };
                    return None;
                }
                let why = blame::silent_subscription(self.settings);
                Some(End::Lost { why, since: self.since, session: Session::Sound })
            }
            Phase::Connecting | Phase::Subscribing { .. } | Phase::Open | Phase::Leaving { .. } => {
                Some(End::Left)
            }
        }
    }

    /// Does what the wishes and the phase allow.
    fn advance(&mut self) -> Option<End> {
        let (closing, presence) = self.desk.with(|wishes| (wishes.closing().is_some(), wishes.presence()));
        match self.phase {
            // A changed presence waits for the answer: to hang up between CONNECT and CONNACK would publish the will.
            Phase::Connecting => closing.then_some(End::Left),
            Phase::Leaving { .. } => None,
            Phase::Subscribing { .. } | Phase::Open if presence != self.presence => self.leave(),
            Phase::Subscribing { .. } | Phase::Open => {
                if let Err(blocked) = self.pump() {
                    let why = blocked.to_string();
                    return Some(End::Lost { why, since: self.since, session: Session::Sound });
                }
                let done =
                    closing && self.phase == Phase::Open && self.desk.with(|wishes| wishes.is_settled());
                if done { self.leave() } else { None }
            }
        }
    }

    fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving { .. })
    }

    fn leave(&mut self) -> Option<End> {
        self.phase = Phase::Leaving { until: Instant::now() + LEAVE_CAP };
        self.client.try_disconnect().err().map(|_| End::Left)
    }

    fn lost(&mut self, events: &mut EventLoop, error: &ConnectionError) -> End {
        // What was read before the error counts.
        while let Some(event) = events.state.events.pop_front() {
            self.event(event);
        }
        let reached = if self.since.is_some() { Reached::Broker } else { Reached::Nothing };
        tracing::debug!(%error, ?reached, "connection lost");
        let why = blame::sentence(self.settings, reached, error);
        let session = if blame::is_malformed(error) { Session::Poisoned } else { Session::Sound };
        End::Lost { why, since: self.since, session }
    }

    fn event(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Incoming(Packet::ConnAck(answer)) => self.connected(&answer),
            Event::Incoming(Packet::Publish(packed)) => self.message(packed),
            Event::Incoming(Packet::PubAck(answer)) => self.published(&answer),
            Event::Incoming(Packet::SubAck(answer)) => self.subscribed(&answer),
            Event::Incoming(Packet::UnsubAck(answer)) => {
                self.ledger.settled(answer.pkid);
            }
            Event::Outgoing(
                Wrote::Publish(number)
                | Wrote::AwaitAck(number)
                | Wrote::Subscribe(number)
                | Wrote::Unsubscribe(number),
            ) => self.ledger.written(number),
            // The broker hangs up when it has read that: to come back under the same name before would publish the will.
            Event::Outgoing(Wrote::Disconnect) if self.is_leaving() => {}
            Event::Outgoing(Wrote::Disconnect) => return Some(End::Left),
            Event::Outgoing(Wrote::PubAck(_)) => {
                self.acknowledgements.written();
                self.hand_acknowledgements();
            }
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
        None
    }

    fn connected(&mut self, answer: &ConnAck) {
        let offered = answer.properties.as_ref();
        self.ledger = Ledger::new(offered.and_then(|offered| offered.receive_max).unwrap_or(u16::MAX));
        let max_packet = offered.and_then(|offered| offered.max_packet_size);
        self.max_packet = max_packet.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
        let now = Instant::now();
        self.since = Some(now);
        self.phase = Phase::Subscribing { until: now + SUBSCRIBE_CAP };
        let wanted = self.desk.with(|wishes| {
            wishes.begin(answer.session_present);
            wishes.presence()
        });
        if wanted == self.presence {
            let up = Incoming::Up { session_present: answer.session_present, presence: self.presence };
            self.outlet.push(up, None);
        }
    }

    fn message(&mut self, packed: Packed) {
        let owed = (packed.qos == QoS::AtLeastOnce).then_some(packed.pkid);
        let Ok(topic) = String::from_utf8(packed.topic.to_vec()) else {
            self.acknowledge(owed);
            return;
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
        self.outlet.push(Incoming::Message(message), owed);
    }

    fn acknowledge(&mut self, owed: Option<u16>) {
        self.acknowledgements.owe(owed);
        self.hand_acknowledgements();
    }

    fn hand_acknowledgements(&mut self) {
        while let Some(pkid) = self.acknowledgements.next() {
            let packed = Packed { qos: QoS::AtLeastOnce, pkid, ..Packed::default() };
            if self.client.try_ack(&packed).is_err() {
                // There is room for all that may be handed; if there is none, the next chance comes with the next event.
                return;
            }
            self.acknowledgements.handed();
        }
    }

    fn published(&mut self, answer: &PubAck) {
        let Some(Handed::Publish(flight)) = self.ledger.settled(answer.pkid) else { return };
        match answer.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {}
            refused => self.warn_refused(&flight, &format!("{refused:?}")),
        }
        self.desk.with(|wishes| wishes.settled(&flight));
    }

    fn warn_refused(&mut self, flight: &Flight, code: &str) {
        let Some(topic) = self.desk.with(|wishes| wishes.topic(flight)) else { return };
        if self.told.len() < MAX_TOLD && self.told.insert(topic.clone()) {
            let why = blame::refused_topic(self.settings, &topic, code);
            self.outlet.push(Incoming::Dropped { topic, why }, None);
        }
    }

    fn subscribed(&mut self, answer: &SubAck) {
        let Some(Handed::Subscribe(filters)) = self.ledger.settled(answer.pkid) else { return };
        for (filter, code) in filters.into_iter().zip(&answer.return_codes) {
            let incoming = match code {
                SubscribeReasonCode::Success(_) => Incoming::Subscribed(filter),
                refused => {
                    let why = blame::refused_filter(self.settings, &filter, &format!("{refused:?}"));
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
