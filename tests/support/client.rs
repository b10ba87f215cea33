//! A plain MQTT 5 client that remembers what it hears. It knows nothing of the project's own connection.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rumqttc::NetworkOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, Publish, PublishProperties, SubscribeReasonCode};
use rumqttc::v5::{Client as Raw, Connection, Event, MqttOptions};
use serde_json::{Value, json};

use super::PATIENCE;
use super::broker::password_of;

/// Largest packet it takes and sends: far more than the protocol allows, so that a test can say too much.
const MAX_PACKET: u32 = 2 * 1024 * 1024;

/// Something that was heard.
#[derive(Debug, Clone)]
pub struct Heard {
    pub topic: String,
    pub payload: Vec<u8>,
    pub correlation: Option<Vec<u8>>,
}

impl Heard {
    /// The payload as JSON; as text where it is none.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.payload)
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(&self.payload)))
    }
}

#[derive(Default)]
struct Shared {
    heard: Vec<Heard>,
    filters: Vec<String>,
    subscribed: usize,
    sent: usize,
    acknowledged: usize,
    refused: usize,
    connections: usize,
    over: bool,
}

/// How a message is published beside its topic and payload.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    pub retain: bool,
    pub response_topic: Option<String>,
    pub correlation: Option<Vec<u8>>,
}

impl Manner {
    pub fn retained() -> Self {
        Self { retain: true, ..Self::default() }
    }

    pub fn answered_at(topic: &str) -> Self {
        Self { response_topic: Some(topic.to_owned()), ..Self::default() }
    }
}

/// The client; gone when dropped.
pub struct Client {
    raw: Raw,
    shared: Arc<(Mutex<Shared>, Condvar)>,
}

impl Client {
    /// Logs in as a user, with the password the tests' brokers give it, and waits until it is connected.
    pub fn connect(port: u16, user: &str) -> Self {
        let id = format!("{user}-{:08x}", rand::random::<u32>());
        let mut options = MqttOptions::new(id, "127.0.0.1", port);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options
            .set_network_options(network)
            .set_credentials(user, password_of(user))
            .set_keep_alive(Duration::from_secs(30))
            .set_max_packet_size(Some(MAX_PACKET));
        let (raw, connection) = Raw::new(options, 4096);
        let shared = Arc::new((Mutex::new(Shared::default()), Condvar::new()));
        let (own, client) = (Arc::clone(&shared), raw.clone());
        thread::spawn(move || listen(connection, &client, &own));
        let client = Self { raw, shared };
        client.until("the connection", |shared| (shared.connections > 0).then_some(()));
        client
    }

    /// Listens to a filter; what is retained there is on its way when this returns.
    pub fn subscribe(&self, filter: &str) {
        let wanted = {
            let mut shared = self.lock();
            shared.filters.push(filter.to_owned());
            shared.subscribed + 1
        };
        self.raw.subscribe(filter, QoS::AtLeastOnce).expect("the client runs");
        self.until("a subscription", |shared| (shared.subscribed >= wanted).then_some(()));
    }

    /// Publishes with QoS 1; the broker has it when this returns.
    pub fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.publish_as(topic, payload, Manner::default());
    }

    /// The same, in some manner.
    pub fn publish_as(&self, topic: &str, payload: impl Into<Vec<u8>>, manner: Manner) {
        self.send(topic, payload, manner);
        self.settle();
    }

    /// Publishes without waiting for the broker.
    pub fn send(&self, topic: &str, payload: impl Into<Vec<u8>>, manner: Manner) {
        self.lock().sent += 1;
        let properties = PublishProperties {
            response_topic: manner.response_topic,
            correlation_data: manner.correlation.map(Into::into),
            ..PublishProperties::default()
        };
        self.raw
            .publish_with_properties(topic, QoS::AtLeastOnce, manner.retain, payload.into(), properties)
            .expect("the client runs");
    }

    /// Waits until the broker has everything that was sent.
    pub fn settle(&self) {
        let refused = self.until("the broker's acknowledgement", |shared| {
            (shared.acknowledged >= shared.sent).then_some(shared.refused)
        });
        assert_eq!(refused, 0, "the broker's access list refused a message");
    }

    /// Everything that is heard from here on.
    pub fn mark(&self) -> usize {
        self.lock().heard.len()
    }

    /// Waits for something heard since `mark` that `wanted` accepts.
    pub fn wait<T>(&self, what: &str, mark: usize, wanted: impl Fn(&Heard) -> Option<T>) -> T {
        self.until(what, |shared| shared.heard[mark..].iter().find_map(&wanted))
    }

    /// Waits until all that was heard since `mark` is as wanted.
    pub fn wait_for_all(&self, what: &str, mark: usize, wanted: impl Fn(&[Heard]) -> bool) {
        self.until(what, |shared| wanted(&shared.heard[mark..]).then_some(()));
    }

    /// What was heard since `mark` on this topic.
    pub fn on(&self, topic: &str, mark: usize) -> Vec<Value> {
        self.lock().heard[mark..].iter().filter(|heard| heard.topic == topic).map(Heard::value).collect()
    }

    /// The last thing heard that `wanted` accepts.
    pub fn last<T>(&self, wanted: impl Fn(&Heard) -> Option<T>) -> Option<T> {
        self.lock().heard.iter().rev().find_map(wanted)
    }

    /// All that was heard since `mark`.
    pub fn all(&self, mark: usize) -> Vec<Heard> {
        self.lock().heard[mark..].to_vec()
    }

    /// How often it has been connected.
    pub fn connections(&self) -> usize {
        self.lock().connections
    }

    /// Waits until it is connected once more than `before`.
    pub fn reconnected(&self, before: usize) {
        self.until("a new connection", |shared| {
            (shared.connections > before && shared.subscribed >= shared.filters.len()).then_some(())
        });
    }

    fn until<T>(&self, what: &str, mut look: impl FnMut(&Shared) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut shared = self.lock();
        loop {
            if let Some(found) = look(&shared) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let said: Vec<String> = shared.heard.iter().rev().take(25).map(shown).collect();
                drop(shared);
                panic!("waited in vain for {what}; heard last:\n{}", said.join("\n"));
            }
            shared = self.shared.1.wait_timeout(shared, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.lock().over = true;
        // A broker that is gone already needs no goodbye.
        let _ = self.raw.try_disconnect();
    }
}

fn shown(heard: &Heard) -> String {
    let text: String = String::from_utf8_lossy(&heard.payload).chars().take(300).collect();
    format!("  {} {text}", heard.topic)
}

fn listen(mut connection: Connection, client: &Raw, shared: &(Mutex<Shared>, Condvar)) {
    for event in connection.iter() {
        let mut inner = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                inner.connections += 1;
                inner.acknowledged = inner.sent;
                inner.subscribed = 0;
                for filter in &inner.filters {
                    client.try_subscribe(filter, QoS::AtLeastOnce).expect("there is room");
                }
            }
            Ok(Event::Incoming(Packet::SubAck(ack))) => {
                let taken = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
                assert!(ack.return_codes.iter().all(taken), "a subscription is refused: {ack:?}");
                inner.subscribed += 1;
            }
            Ok(Event::Incoming(Packet::PubAck(ack))) => {
                inner.acknowledged += 1;
                let taken = matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
                inner.refused += usize::from(!taken);
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => inner.heard.push(heard(publish)),
            Ok(_) => {}
            Err(_) if inner.over => return,
            Err(_) => {
                drop(inner);
                thread::sleep(Duration::from_millis(50));
            }
        }
        shared.1.notify_all();
    }
}

fn heard(publish: Publish) -> Heard {
    let correlation = publish.properties.and_then(|properties| properties.correlation_data);
    Heard {
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        payload: publish.payload.to_vec(),
        correlation: correlation.map(Vec::from),
    }
}
