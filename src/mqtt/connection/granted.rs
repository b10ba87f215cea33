//! What a broker grants with its CONNACK (MQTT 5, 3.2.2.3).

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::ConnAck;

use super::{Publish, Qos};

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
    fn a_packet_of_exactly_the_maximum_is_taken() {
        let message = Publish::new("a/topic", vec![b'x'; 300]);
        let size = u32::try_from(message.size()).expect("small");
        for (max_packet, taken) in [(None, true), (Some(size), true), (Some(size - 1), false)] {
            assert_eq!(Granted { max_packet, ..Granted::default() }.takes(&message), taken, "{max_packet:?}");
        }
    }
}
