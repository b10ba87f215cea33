//! What goes out on a connection, and when.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Filter, Packet, Publish as Packed, PublishProperties, RetainForwardRule, Subscribe, Unsubscribe,
};

use super::super::desired::{FilterChange, Outgoing};
use super::super::granted::Feature;
use super::super::in_flight::SentPacket;
use super::super::{DropCause, Hears, Incoming, Publish, Qos, Retain, RetainFlag, diagnosis};
use super::{BrokerSession, SessionEnd, SessionPhase};

/// Filters in one SUBSCRIBE: some 10 KiB, which every broker takes that says nothing else.
const FILTERS_PER_PACKET: usize = 100;

impl BrokerSession<'_> {
    /// Hands over what there is, as long as there is room.
    pub(super) fn pump(&mut self) -> Result<(), SessionEnd> {
        while self.in_flight.has_room() && self.packets.has_room() {
            let limit = self.filters_per_packet();
            if let Some(change) = self.desired.with(|state| state.next_filters(limit)) {
                self.hand_filters(change)?;
                continue;
            }
            if let SessionPhase::Subscribing { .. } = self.phase {
                if self.in_flight.is_subscribing() {
                    return Ok(());
                }
                self.phase = SessionPhase::Open;
            }
            match self.desired.with(|state| state.next_publish()) {
                Some(outgoing) => self.hand_publish(outgoing)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// One by one where the broker takes small packets only: a filter is shorter than what is published.
    fn filters_per_packet(&self) -> usize {
        const ROOMY: u32 = 32 * 1024;
        if self.granted.max_packet.is_some_and(|max| max < ROOMY) { 1 } else { FILTERS_PER_PACKET }
    }

    fn hand_filters(&mut self, change: FilterChange) -> Result<(), SessionEnd> {
        match change {
            FilterChange::Unsubscribe(filter) => {
                let pkid = self.in_flight.hand(SentPacket::Unsubscribe);
                self.push(&Packet::Unsubscribe(Unsubscribe { pkid, ..Unsubscribe::new(filter, None) }))
            }
            FilterChange::Subscribe(filters) => {
                let (valid, wrong): (Vec<_>, Vec<_>) =
                    filters.into_iter().partition(|(filter, _)| is_filter(filter));
                for (filter, _) in wrong {
                    let why = format!("{filter:?} is no MQTT filter");
                    self.inbound.push(Incoming::Refused { filter, why }, None);
                }
                if valid.is_empty() {
                    return Ok(());
                }
                let packed = valid.iter().map(|(filter, options)| Filter {
                    path: filter.clone(),
                    qos: qos(options.qos),
                    preserve_retain: options.retain_flag == RetainFlag::AsPublished,
                    nolocal: options.hears == Hears::OthersFromNowOn,
                    retain_forward_rule: match options.hears {
                        Hears::Everything => RetainForwardRule::OnEverySubscribe,
                        Hears::OthersFromNowOn => RetainForwardRule::Never,
                    },
                });
                let packed = Subscribe::new_many(packed, None);
                let pkid = self
                    .in_flight
                    .hand(SentPacket::Subscribe(valid.into_iter().map(|(filter, _)| filter).collect()));
                self.push(&Packet::Subscribe(Subscribe { pkid, ..packed }))
            }
        }
    }

    fn hand_publish(&mut self, outgoing: Outgoing) -> Result<(), SessionEnd> {
        let (message, handed) = match outgoing {
            Outgoing::Acknowledged(flight, message) => (message, Some(flight)),
            Outgoing::Unacknowledged(message) => (message, None),
        };
        if !self.granted.takes(&message) {
            // Sent anyway, it would end this connection and every one after it.
            let max = self.granted.max_packet.unwrap_or(u32::MAX);
            let why = diagnosis::too_large(self.settings, &message.topic, message.size(), max);
            self.tell_dropped(message.topic, why, DropCause::PacketSize(max), message.retain);
            if let Some(flight) = &handed {
                self.desired.with(|state| state.settled(flight));
            }
            return Ok(());
        }
        let mut packed = pack(message);
        if packed.retain && self.granted.retain == Feature::Missing {
            packed.retain = false;
            let topic = String::from_utf8_lossy(&packed.topic).into_owned();
            let why = diagnosis::not_retained(self.settings, &topic);
            self.tell_dropped(topic, why, DropCause::NotRetained, Retain::Yes);
        }
        match (handed, self.granted.max_qos) {
            (Some(flight), Qos::AtLeastOnce) => {
                packed.pkid = self.in_flight.hand(SentPacket::Publish(flight));
            }
            (Some(flight), Qos::AtMostOnce) => {
                packed.qos = QoS::AtMostOnce;
                self.desired.with(|state| state.settled(&flight));
            }
            (None, _) => {}
        }
        self.push(&Packet::Publish(packed))
    }
}

/// The packet, without its number.
fn pack(message: Publish) -> Packed {
    let Publish { topic, payload, qos: delivery, retain, response_topic, correlation } = message;
    let properties = (response_topic.is_some() || correlation.is_some()).then(|| PublishProperties {
        response_topic,
        correlation_data: correlation,
        ..PublishProperties::default()
    });
    let packed = Packed::new(topic, qos(delivery), payload, properties);
    Packed { retain: retain == Retain::Yes, ..packed }
}

/// The size of the whole packet, in bytes.
pub(in crate::mqtt::connection) fn size(message: &Publish) -> usize {
    // Any number but 0, which would not be counted.
    Packed { pkid: 1, ..pack(message.clone()) }.size()
}

fn qos(delivery: Qos) -> QoS {
    match delivery {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}

fn is_filter(filter: &str) -> bool {
    rumqttc::valid_filter(filter) && !filter.contains('\0') && filter.len() <= usize::from(u16::MAX)
}
