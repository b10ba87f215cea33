//! One MQTT 5 connection, kept for ever.
//!
//! [`open`] starts a single task that connects, notices a dead socket, and connects again with growing, jittered
//! pauses until [`ConnectionHandle::close`]. The program talks to it in three ways, none of which ever waits:
//!
//! * **levels** ([`ConnectionHandle::keep`]): retained topics whose latest value counts. They coalesce and are published again at
//!   every new connection, in the order they were first kept;
//! * **messages** ([`ConnectionHandle::publish`]): queued, in order, within a bound; a QoS 1 message leaves the queue only when
//!   the broker has acknowledged it, whatever happens to the connection or to the broker's memory of us;
//! * **filters** ([`ConnectionHandle::subscribe`]): a set, subscribed again at every new connection, before anything is published.
//!
//! What comes in ([`Incoming`]) goes through a bounded channel. A message is acknowledged to the broker only after it
//! has entered that channel; a receiver that is slow makes the broker hold its messages back, nothing is dropped.
//!
//! ```text
//!             ┌───────── reconnect, pause grows ────────┐
//! open ─► connecting ─► subscribing ─► open ── lost ──► pausing
//!                            │          │
//!                            └─ close / stand_down / take_part ─► leaving (DISCONNECT, no will)
//! ```
//!
//! Invariant: at least once. A duplicate is possible in both directions, a loss only as a named [`Unsent`] or, for QoS 0,
//! by its nature.
//!
//! Not here: topic names, JSON, rooms, and the decision which of two machines may speak.

mod backoff;
mod desired;
mod diagnosis;
mod failure;
mod granted;
mod handshake;
mod in_flight;
mod inbound_queue;
mod packets;
mod probe;
mod route_guard;
mod session;
mod settings;
mod socket;
mod supervisor;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use desired::DesiredHandle;

pub use crate::mqtt::tls::Error;
pub use diagnosis::address;
pub use granted::{Feature, Granted, Shortcoming};
pub use settings::{Participation, Settings, TlsFiles, Will};

/// How often the broker is asked for a sign of life when [`Settings::new`] is used. A dead socket is noticed after at
/// most twice this time; a broker gives us up after one and a half times (MQTT 5, 3.1.2.10).
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The shortest keep-alive that is accepted; shorter ones are raised to it.
pub const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);

/// How long a broker may take to answer [`ConnectionHandle::probe`]: a few retransmissions of TCP at a round trip of 300 ms.
pub const PROBE: Duration = Duration::from_millis(2500);

/// How long a broker may take from the first packet of the TCP handshake to its CONNACK.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the broker keeps our session (subscriptions and the QoS 1 messages sent to us) after a connection broke.
/// Long enough for a broker's restart or a pulled cable, short enough that a command does not act on a kiosk minutes
/// after somebody gave up on it.
pub const SESSION_EXPIRY: Duration = Duration::from_secs(60);

/// The largest packet we let the broker send, in bytes: four times what the protocol allows in a message. A conforming
/// broker drops larger ones by itself (MQTT 5, 3.1.2.11.4), so they cannot break the connection.
pub const MAX_PACKET: u32 = 256 * 1024;

/// How many messages may wait to be acknowledged by the broker. A host says goodbye to a full room of 10,000 guests with
/// two messages each, and all of it may wait for a broker that is just being restarted.
pub const MAX_QUEUED: usize = 24_000;

/// How many bytes those messages may hold, topics included.
pub const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;

/// How many messages may wait beside those that must not be lost to a full queue ([`ConnectionHandle::publish_due`]), and how many bytes
/// they may hold: the most guests a host takes (100,000), with two goodbyes each.
pub const MAX_DUE: usize = 200_000;

/// See [`MAX_DUE`].
pub const MAX_DUE_BYTES: usize = 64 * 1024 * 1024;

/// How many things may wait for the receiver of [`Incoming`]; beyond that the broker waits.
pub const INCOMING_CAPACITY: usize = 64;

/// Delivery of one message or subscription. QoS 2 is not used by the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// Sent once and forgotten; given up at once while there is no connection.
    AtMostOnce,
    /// Sent until the broker has acknowledged it.
    AtLeastOnce,
}

/// Whether the broker remembers a message for those who subscribe later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// Only for who listens now.
    No,
    /// Remembered.
    Yes,
}

/// One message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Where to; no wildcards.
    pub topic: String,
    /// What; any bytes.
    pub payload: Bytes,
    /// How surely.
    pub qos: Qos,
    /// Whether it is remembered.
    pub retain: Retain,
    /// MQTT 5 Response Topic: where an answer is wanted.
    pub response_topic: Option<String>,
    /// MQTT 5 Correlation Data: the request's own when this is an answer.
    pub correlation: Option<Bytes>,
}

impl Publish {
    /// A QoS 1 message that is not retained.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            qos: Qos::AtLeastOnce,
            retain: Retain::No,
            response_topic: None,
            correlation: None,
        }
    }

    /// At most how many bytes the packet has; what it counts for in the queue.
    fn weight(&self) -> usize {
        /// What a packet needs beside its strings and payload: header, packet number, property ids and lengths.
        const OVERHEAD: usize = 32;
        let response = self.response_topic.as_ref().map_or(0, String::len);
        let correlation = self.correlation.as_ref().map_or(0, Bytes::len);
        OVERHEAD + self.topic.len() + self.payload.len() + response + correlation
    }

    /// How many bytes the whole packet has, with topic and properties.
    pub fn size(&self) -> usize {
        session::size(self)
    }

    /// The same, retained.
    pub fn retained(self) -> Self {
        Self { retain: Retain::Yes, ..self }
    }

    /// The same with QoS 0.
    pub fn at_most_once(self) -> Self {
        Self { qos: Qos::AtMostOnce, ..self }
    }
}

/// What the retain flag of a message means when it arrives through a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetainFlag {
    /// Set on what the broker had stored, clear on what is published from now on.
    Stored,
    /// As the publisher set it, also on what is published from now on (MQTT 5 Retain As Published).
    AsPublished,
}

/// What is sent through a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// What is stored, at every subscription anew, and all that is published from now on.
    Everything,
    /// What others publish from now on (MQTT 5 No Local, and Retain Handling 2).
    OthersFromNowOn,
}

/// How to subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// Best delivery wanted.
    pub qos: Qos,
    /// Meaning of the retain flag.
    pub retain_flag: RetainFlag,
    /// What is sent.
    pub hears: Hears,
}

impl SubscribeOptions {
    /// For levels of others: QoS 1, the flag tells what was stored.
    pub const LEVELS: Self =
        Self { qos: Qos::AtLeastOnce, retain_flag: RetainFlag::Stored, hears: Hears::Everything };
    /// For requests to us: QoS 1, the flag tells what the sender did, so that a retained one can be refused.
    pub const REQUESTS: Self =
        Self { qos: Qos::AtLeastOnce, retain_flag: RetainFlag::AsPublished, hears: Hears::Everything };
    /// For a level of our own: who overwrites it.
    const GUARD: Self = Self { hears: Hears::OthersFromNowOn, ..Self::REQUESTS };
}

/// What the connection tells the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Connected. Filters are being subscribed, then levels published.
    Up {
        /// The broker kept our session; what it accepted meanwhile follows.
        session_present: bool,
        /// As what.
        presence: Participation,
        /// What the broker grants.
        granted: Granted,
    },
    /// The broker has taken this filter, now or again.
    Subscribed(String),
    /// The broker does not let us subscribe to this filter; told once per connection.
    Refused {
        /// The filter.
        filter: String,
        /// One sentence with the remedy.
        why: String,
    },
    /// Somebody else has overwritten this level of ours; it is published again.
    Renewed {
        /// Its topic.
        topic: String,
    },
    /// A level is published again of which [`Incoming::Dropped`] was told.
    Restored {
        /// Its topic.
        topic: String,
    },
    /// The broker does not let us publish there, or does not take what was to be published, and it was dropped; told once per
    /// topic and connection.
    Dropped {
        /// Where it was to go.
        topic: String,
        /// One sentence with the remedy.
        why: String,
        /// What the broker does not take about it.
        cause: DropCause,
        /// Whether it was to be remembered.
        retain: Retain,
    },
    /// A message.
    Message(Message),
    /// No connection. Told when it begins and when the reason changes, not at every attempt.
    Down {
        /// One sentence: the broker's address, what is wrong, what to do.
        why: String,
        /// When the next attempt begins.
        retry_in: Duration,
    },
    /// [`ConnectionHandle::close`] is done. Nothing follows.
    Closed,
}

/// What a broker does not take about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// Its size: the largest packet has so many bytes.
    PacketSize(u32),
    /// That it is to be remembered; it was sent nevertheless, to those who listen now.
    NotRetained,
    /// The topic, for us; mostly the access list.
    Refused,
}

/// One received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Topic it was published to.
    pub topic: String,
    /// Its payload.
    pub payload: Bytes,
    /// The retain flag; see [`RetainFlag`].
    pub retain: Retain,
    /// Delivery.
    pub qos: Qos,
    /// Where an answer is wanted.
    pub response_topic: Option<String>,
    /// What the answer has to carry.
    pub correlation: Option<Bytes>,
}

/// Why a message was not taken. It will not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// [`MAX_QUEUED`] or [`MAX_QUEUED_BYTES`] is reached: the broker has been away for long, or is slower than we are.
    #[error("{messages} messages ({bytes} bytes) already wait for the broker")]
    QueueFull {
        /// How many messages wait.
        messages: usize,
        /// How many bytes they hold.
        bytes: usize,
    },
    /// Larger than [`MAX_PACKET`].
    #[error("a message of {bytes} bytes is larger than {MAX_PACKET}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// MQTT does not allow publishing there: empty, a wildcard, a NUL, or longer than 65,535 bytes.
    #[error("nobody can publish to the topic {topic:?}")]
    BadTopic {
        /// The topic.
        topic: String,
    },
    /// [`ConnectionHandle::close`] was called.
    #[error("the connection is being closed")]
    Closing,
}

/// Whether a connection can be started with these settings, without starting it: its files are read. May block.
///
/// # Errors
/// Those of [`open`].
pub fn check(settings: &Settings) -> Result<(), Error> {
    settings.tls.as_ref().map_or(Ok(()), |tls| crate::mqtt::tls::client_config(tls).map(|_| ()))
}

/// Starts the connection. Call it inside a tokio runtime.
///
/// The task ends after [`ConnectionHandle::close`], or at once, without a goodbye, when the receiver is dropped: the broker then
/// publishes the will.
///
/// # Errors
/// When a TLS file is missing, unreadable or not what it should be. A broker that cannot be reached is no error.
pub fn open(settings: Settings) -> Result<(ConnectionHandle, mpsc::Receiver<Incoming>), Error> {
    let tls = settings.tls.as_ref().map(crate::mqtt::tls::client_config).transpose()?;
    let desired = Arc::new(DesiredHandle::new(settings.presence));
    let (sender, receiver) = mpsc::channel(INCOMING_CAPACITY);
    tokio::spawn(supervisor::Supervisor::new(settings, tls, Arc::clone(&desired), sender).run());
    Ok((ConnectionHandle { desired }, receiver))
}

/// The program's end of the connection. Cheap to clone; nothing here waits.
#[derive(Clone)]
pub struct ConnectionHandle {
    desired: Arc<DesiredHandle>,
}

impl ConnectionHandle {
    /// Queues a message. While [`Participation::Watching`] it is dropped: nobody wants to hear it later.
    ///
    /// # Errors
    /// [`Unsent`] names why it was not taken.
    pub fn publish(&self, message: Publish) -> Result<(), Unsent> {
        self.desired.change(|state| state.publish(message))
    }

    /// The same for a message that must arrive, of which there are few for each of whom it speaks to: it is not lost to a queue
    /// that others have filled.
    ///
    /// # Errors
    /// [`Unsent`] names why it was not taken.
    pub fn publish_due(&self, message: Publish) -> Result<(), Unsent> {
        self.desired.change(|state| state.publish_due(message))
    }

    /// Makes `payload` the retained level of `topic`, published now if it differs and again at every connection.
    /// An empty payload clears the topic. What somebody else overwrites is published again ([`Incoming::Renewed`]), where the
    /// broker lets us hear it.
    pub fn keep(&self, topic: impl Into<String>, payload: impl Into<Bytes>) {
        self.desired.change(|state| state.keep(topic.into(), payload.into()));
    }

    /// Publishes a kept level once more, for when somebody else has overwritten it.
    pub fn renew(&self, topic: &str) {
        self.desired.change(|state| state.renew(topic));
    }

    /// What the broker of the present or the last connection grants; all of MQTT before the first.
    pub fn granted(&self) -> Granted {
        self.desired.with(|state| state.granted().clone())
    }

    /// No longer cares for a level. What the broker has stored stays there.
    pub fn forget(&self, topic: &str) {
        self.desired.change(|state| state.forget(topic));
    }

    /// The same for all levels.
    pub fn forget_all(&self) {
        self.desired.change(desired::DesiredState::forget_all);
    }

    /// The same as soon as the broker has the present value.
    pub fn release(&self, topic: &str) {
        self.desired.change(|state| state.release(topic));
    }

    /// Adds a filter to the set, or changes how it is subscribed.
    pub fn subscribe(&self, filter: impl Into<String>, options: SubscribeOptions) {
        self.desired.change(|state| state.subscribe(filter.into(), options));
    }

    /// Takes a filter out of the set.
    pub fn unsubscribe(&self, filter: &str) {
        self.desired.change(|state| state.unsubscribe(filter));
    }

    /// Leaves cleanly (the will is not published) and comes back as a mere watcher: no will, a fresh session, the
    /// present filters. Queued messages are dropped, levels are held back until [`ConnectionHandle::take_part`].
    pub fn stand_down(&self) {
        self.desired.change(|state| state.be(Participation::Watching));
    }

    /// Comes back with will and session, and publishes the levels.
    pub fn take_part(&self) {
        self.desired.change(|state| state.be(Participation::TakingPart));
    }

    /// Asks the broker for a sign of life now, ahead of the keep-alive: without one within [`PROBE`] the connection counts as lost.
    pub fn probe(&self) {
        self.desired.change(desired::DesiredState::want_probe);
    }

    /// Sends what is queued, then `last` (before it where much is queued), waits for the broker to have it all, disconnects without the will, and ends
    /// with [`Incoming::Closed`]. After `cap`, or when there is no connection, it just ends, and the broker says the
    /// will. A level that `last` speaks about is forgotten. A second call changes nothing.
    pub fn close(&self, last: Vec<Publish>, cap: Duration) {
        self.desired.change(|state| state.close(last, tokio::time::Instant::now() + cap));
    }
}

impl fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}
