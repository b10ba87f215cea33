//! What a broker grants with its CONNACK (MQTT 5, 3.2.2.3), and what of it is too little.

use std::fmt;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::ConnAck;

use super::{Publish, Qos, SESSION_EXPIRY};

/// The largest packet that the protocol needs, in bytes: a payload of 64 KiB with its topic and its properties.
const LARGEST_PACKET: u32 = 66 * 1024;

/// Whether the broker has a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// It has it.
    Available,
    /// It says that it has not.
    Missing,
}

/// What the broker of the present connection grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The largest packet it takes, in bytes with everything in it; `None` for whatever MQTT can carry.
    pub max_packet: Option<u32>,
    /// The best delivery it offers.
    pub max_qos: Qos,
    /// Whether it remembers retained messages.
    pub retain: Feature,
    /// Whether filters may have wildcards.
    pub wildcards: Feature,
    /// Whether there are shared subscriptions. Nothing here uses them.
    pub shared: Feature,
    /// How many unacknowledged messages it takes at once.
    pub receive_maximum: u16,
    /// The keep-alive it wants instead of ours.
    pub keep_alive: Option<Duration>,
    /// How long it keeps the session, where that is not what was asked for.
    pub session_expiry: Option<Duration>,
    /// The client id it gave us instead of ours.
    pub client_id: Option<String>,
}

impl Default for Granted {
    /// All of MQTT.
    fn default() -> Self {
        Self {
            max_packet: None,
            max_qos: Qos::AtLeastOnce,
            retain: Feature::Available,
            wildcards: Feature::Available,
            shared: Feature::Available,
            receive_maximum: u16::MAX,
            keep_alive: None,
            session_expiry: None,
            client_id: None,
        }
    }
}

impl Granted {
    pub(super) fn of(answer: &ConnAck) -> Self {
        let Some(said) = &answer.properties else { return Self::default() };
        let feature = |said: Option<u8>| if said == Some(0) { Feature::Missing } else { Feature::Available };
        Self {
            max_packet: said.max_packet_size,
            max_qos: if said.max_qos == Some(0) { Qos::AtMostOnce } else { Qos::AtLeastOnce },
            retain: feature(said.retain_available),
            wildcards: feature(said.wildcard_subscription_available),
            shared: feature(said.shared_subscription_available),
            receive_maximum: said.receive_max.unwrap_or(u16::MAX),
            keep_alive: said.server_keep_alive.map(|seconds| Duration::from_secs(seconds.into())),
            session_expiry: said.session_expiry_interval.map(|seconds| Duration::from_secs(seconds.into())),
            client_id: said.assigned_client_identifier.clone(),
        }
    }

    /// Whether the broker takes this message, with topic and properties.
    pub fn takes(&self, message: &Publish) -> bool {
        self.max_packet.is_none_or(|max| message.size() <= usize::try_from(max).unwrap_or(usize::MAX))
    }

    /// What it grants too little of.
    pub fn shortcomings(&self) -> Vec<Shortcoming> {
        let missing = |feature, shortcoming| (feature == Feature::Missing).then_some(shortcoming);
        [
            self.max_packet.filter(|max| *max < LARGEST_PACKET).map(Shortcoming::PacketSize),
            missing(self.retain, Shortcoming::Retain),
            (self.max_qos == Qos::AtMostOnce).then_some(Shortcoming::Qos),
            missing(self.wildcards, Shortcoming::Wildcards),
            self.session_expiry.filter(|kept| *kept < SESSION_EXPIRY).map(Shortcoming::SessionExpiry),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Something of which a broker grants too little. Its words go behind "the broker: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcoming {
    /// Its largest packet has so many bytes. What is larger is shortened or refused in words.
    PacketSize(u32),
    /// It remembers no retained messages.
    Retain,
    /// It offers QoS 0 only.
    Qos,
    /// It takes no filters with wildcards: commands are not heard.
    Wildcards,
    /// It keeps a session for this long only.
    SessionExpiry(Duration),
}

impl fmt::Display for Shortcoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PacketSize(max) => write!(
                f,
                "it takes packets of at most {max} bytes, and a message may have {LARGEST_PACKET}: raise its maximum packet \
                 size (max_packet_size in mosquitto.conf)"
            ),
            Self::Retain => f.write_str(
                "it remembers no retained messages: allow them (retain_available in mosquitto.conf)",
            ),
            Self::Qos => f.write_str("it offers QoS 0 only: allow QoS 1 (max_qos in mosquitto.conf)"),
            Self::Wildcards => {
                f.write_str("it takes no filters with wildcards: allow them, or commands are not heard")
            }
            Self::SessionExpiry(kept) => write!(
                f,
                "it keeps a session for {} s, and {} are asked for: a command that comes while the connection is broken may \
                 be lost; raise its session expiry",
                kept.as_secs(),
                SESSION_EXPIRY.as_secs()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::v5::mqttbytes::v5::{ConnAckProperties, ConnectReturnCode};

    use super::*;

    fn answer(properties: Option<ConnAckProperties>) -> ConnAck {
        ConnAck { session_present: false, code: ConnectReturnCode::Success, properties }
    }

    #[test]
    fn a_broker_that_says_nothing_grants_all_of_mqtt() {
        assert_eq!(Granted::of(&answer(None)), Granted::default());
    }

    #[test]
    fn what_is_too_little_is_named_and_what_is_enough_is_not() {
        assert_eq!(Granted::default().shortcomings(), []);
        let enough = Granted {
            max_packet: Some(LARGEST_PACKET),
            shared: Feature::Missing,
            receive_maximum: 1,
            keep_alive: Some(Duration::from_secs(5)),
            session_expiry: Some(SESSION_EXPIRY),
            ..Granted::default()
        };
        assert_eq!(enough.shortcomings(), []);
        let little = Granted {
            max_packet: Some(512),
            max_qos: Qos::AtMostOnce,
            retain: Feature::Missing,
            wildcards: Feature::Missing,
            session_expiry: Some(Duration::ZERO),
            ..Granted::default()
        };
        let found = little.shortcomings();
        assert_eq!(
            found,
            [
                Shortcoming::PacketSize(512),
                Shortcoming::Retain,
                Shortcoming::Qos,
                Shortcoming::Wildcards,
                Shortcoming::SessionExpiry(Duration::ZERO),
            ]
        );
        assert!(found.iter().all(|found| found.to_string().starts_with("it ")), "{found:?}");
    }

    #[test]
    fn a_packet_of_exactly_the_maximum_is_taken() {
        let message = Publish::new("a/topic", vec![b'x'; 300]);
        let size = u32::try_from(message.size()).expect("small");
        for (max_packet, taken) in [(None, true), (Some(size), true), (Some(size - 1), false)] {
            assert_eq!(Granted { max_packet, ..Granted::default() }.takes(&message), taken, "{max_packet:?}");
        }
    }
}
