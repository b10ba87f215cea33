//! What has been handed to one connection and not yet been settled by the broker.
//!
//! Invariant: no two unsettled packets share a number, and there are never more than the broker takes at once (MQTT 5,
//! Receive Maximum).

use std::collections::BTreeMap;

use super::desired::PacketContent;

/// The most packets under way on one connection, whatever more the broker offers.
pub(super) const MAX_UNDER_WAY: u16 = 64;

/// One request that the broker acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SentPacket {
    /// A QoS 1 message or level.
    Publish(PacketContent),
    /// A SUBSCRIBE with these filters, in order.
    Subscribe(Vec<String>),
    /// An UNSUBSCRIBE.
    Unsubscribe,
}

/// See the module.
#[derive(Debug)]
pub(super) struct InFlight {
    handed: BTreeMap<u16, SentPacket>,
    last: u16,
    window: usize,
}

impl InFlight {
    /// For a broker that takes `receive_maximum` unsettled packets at once.
    pub(super) fn new(receive_maximum: u16) -> Self {
        let window = usize::from(receive_maximum.clamp(1, MAX_UNDER_WAY));
        Self { handed: BTreeMap::new(), last: 0, window }
    }

    /// Whether one more packet may be handed over now.
    pub(super) fn has_room(&self) -> bool {
        self.handed.len() < self.window
    }

    /// Whether a SUBSCRIBE waits for its answer.
    pub(super) fn is_subscribing(&self) -> bool {
        self.handed.values().any(|handed| matches!(handed, SentPacket::Subscribe(_)))
    }

    /// A request is handed over: its packet's number.
    pub(super) fn hand(&mut self, handed: SentPacket) -> u16 {
        loop {
            // 0 is no packet number (MQTT 5, 2.2.1); there are more numbers than packets under way.
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.handed.contains_key(&self.last) {
                break;
            }
        }
        self.handed.insert(self.last, handed);
        self.last
    }

    /// The broker has settled the packet with this number. `None`: it was nothing of ours.
    pub(super) fn settled(&mut self, number: u16) -> Option<SentPacket> {
        self.handed.remove(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: u64) -> SentPacket {
        SentPacket::Publish(PacketContent::Message(id))
    }

    #[test]
    fn acknowledgements_out_of_order_find_their_message() {
        let mut in_flight = InFlight::new(20);
        let numbers = [7, 8].map(|id| in_flight.hand(message(id)));
        assert_eq!(in_flight.settled(numbers[1]), Some(message(8)));
        assert_eq!(in_flight.settled(numbers[0]), Some(message(7)));
        assert_eq!(in_flight.settled(numbers[0]), None);
    }

    #[test]
    fn there_are_never_more_under_way_than_the_broker_takes() {
        let mut in_flight = InFlight::new(3);
        let mut last = 0;
        for id in 0..3 {
            assert!(in_flight.has_room());
            last = in_flight.hand(message(id));
        }
        assert!(!in_flight.has_room());
        in_flight.settled(last);
        assert!(in_flight.has_room());
    }

    #[test]
    fn a_broker_that_takes_nothing_at_once_still_gets_one() {
        assert!(InFlight::new(0).has_room());
    }

    #[test]
    fn a_number_is_used_again_only_when_it_is_settled() {
        let mut in_flight = InFlight::new(20);
        let old = in_flight.hand(message(0));
        for id in 1..200_000 {
            let number = in_flight.hand(message(id));
            assert!(number != 0 && number != old);
            assert_eq!(in_flight.settled(number), Some(message(id)));
        }
    }

    #[test]
    fn subscribing_ends_with_the_answer() {
        let mut in_flight = InFlight::new(20);
        let number = in_flight.hand(SentPacket::Subscribe(vec!["a".into()]));
        assert!(in_flight.is_subscribing());
        assert_eq!(in_flight.settled(number), Some(SentPacket::Subscribe(vec!["a".into()])));
        assert!(!in_flight.is_subscribing());
    }
}
