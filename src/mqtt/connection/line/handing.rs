//! What goes out on a connection, and when.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, PublishProperties};

use super::super::desk::{FilterChange, Outgoing};
use super::super::ledger::Handed;
use super::super::{Incoming, Publish, Qos, Retain, RetainFlag, blame};
use super::{Line, Phase};

/// Filters in one SUBSCRIBE: some 10 KiB, which every broker takes.
const FILTERS_PER_PACKET: usize = 100;

/// `rumqttc` takes no more requests. Its channel has room for all the ledger allows, so this is a fault of ours; a new
/// connection heals it.
#[derive(Debug, thiserror::Error)]
#[error("the broker's connection takes no more requests")]
pub(super) struct Blocked;

impl From<rumqttc::v5::ClientError> for Blocked {
    fn from(_: rumqttc::v5::ClientError) -> Self {
        Self
    }
}

impl Line<'_> {
    /// Hands over what there is, as long as there is room.
    pub(super) fn pump(&mut self) -> Result<(), Blocked> {
        while self.ledger.has_room() {
            if let Some(change) = self.desk.with(|wishes| wishes.next_filters(FILTERS_PER_PACKET)) {
                self.hand_filters(change)?;
                continue;
            }
            if let Phase::Subscribing { .. } = self.phase {
                if self.ledger.is_subscribing() {
                    return Ok(());
                }
                self.phase = Phase::Open;
            }
            match self.desk.with(|wishes| wishes.next_publish()) {
                Some(outgoing) => self.hand_publish(outgoing)?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn hand_filters(&mut self, change: FilterChange) -> Result<(), Blocked> {
        match change {
            FilterChange::Unsubscribe(filter) => {
                self.client.try_unsubscribe(filter)?;
                self.ledger.hand(Handed::Unsubscribe);
            }
            FilterChange::Subscribe(filters) => {
                let (valid, wrong): (Vec<_>, Vec<_>) =
                    filters.into_iter().partition(|(filter, _)| is_filter(filter));
                for (filter, _) in wrong {
                    let why = blame::refused_filter(self.settings, &filter, "no MQTT filter");
                    self.outlet.push(Incoming::Refused { filter, why }, None);
                }
                if !valid.is_empty() {
                    let packed = valid.iter().map(|(filter, options)| Filter {
                        path: filter.clone(),
                        qos: qos(options.qos),
                        preserve_retain: options.retain_flag == RetainFlag::AsPublished,
                        ..Filter::default()
                    });
                    self.client.try_subscribe_many(packed)?;
                    let names = valid.into_iter().map(|(filter, _)| filter).collect();
                    self.ledger.hand(Handed::Subscribe(names));
                }
            }
        }
        Ok(())
    }

    fn hand_publish(&mut self, outgoing: Outgoing) -> Result<(), Blocked> {
        let (message, handed) = match outgoing {
            Outgoing::Acknowledged(flight, message) => (message, Handed::Publish(flight)),
            Outgoing::Unacknowledged(message) => (message, Handed::Unacknowledged),
        };
        if message.weight() > self.max_packet {
            // Sent anyway, it would end this connection and every one after it.
            if let Handed::Publish(flight) = &handed {
                self.warn_refused(flight, "larger than its maximum packet size");
                self.desk.with(|wishes| wishes.settled(flight));
            }
            return Ok(());
        }
        self.send(message)?;
        self.ledger.hand(handed);
        Ok(())
    }

    fn send(&self, message: Publish) -> Result<(), Blocked> {
        let Publish { topic, payload, qos: delivery, retain, response_topic, correlation } = message;
        let retain = retain == Retain::Yes;
        if response_topic.is_none() && correlation.is_none() {
            return Ok(self.client.try_publish(topic, qos(delivery), retain, payload)?);
        }
        let properties = PublishProperties {
            response_topic,
            correlation_data: correlation,
            ..PublishProperties::default()
        };
        Ok(self.client.try_publish_with_properties(topic, qos(delivery), retain, payload, properties)?)
    }
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
