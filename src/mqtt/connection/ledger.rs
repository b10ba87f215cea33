//! What has been handed to one connection and not yet been settled by the broker.
//!
//! `rumqttc` numbers packets itself and tells the number only when it writes the packet, in the order they were handed
//! over. The ledger mirrors that order, so that an acknowledgement finds what it settles.
//!
//! Invariant: from the oldest unsettled packet to the newest there are fewer packets than `rumqttc` has numbers, so no two
//! of them share one. (`rumqttc` parks a packet whose number is taken, and stops sending until the older is settled.)

use std::collections::VecDeque;

use super::desk::Flight;
use super::outlet::RECEIVE_MAXIMUM;

/// The most packets under way on one connection, whatever more the broker offers.
pub(super) const MAX_UNDER_WAY: u16 = 64;

/// One request handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// A QoS 0 message: settled when written.
    Unacknowledged,
    /// A QoS 1 message or level.
    Publish(Flight),
    /// A SUBSCRIBE with these filters, in order.
    Subscribe(Vec<String>),
    /// An UNSUBSCRIBE.
    Unsubscribe,
}

#[derive(Debug)]
struct Slot {
    handed: Option<Handed>,
    number: Option<u16>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ledger {
    slots: VecDeque<Slot>,
    window: usize,
}

impl Ledger {
    /// For a broker that takes `receive_maximum` unsettled packets at once.
    pub(super) fn new(receive_maximum: u16) -> Self {
        let numbers = receive_maximum.clamp(1, MAX_UNDER_WAY);
        Self { slots: VecDeque::new(), window: usize::from((numbers - 1).max(1)) }
    }

    /// Whether one more packet may be handed over now.
    pub(super) fn has_room(&self) -> bool {
        self.slots.len() < self.window
    }

    /// Whether a SUBSCRIBE waits for its answer.
    pub(super) fn is_subscribing(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot.handed, Some(Handed::Subscribe(_))))
    }

    /// A request was handed over.
    pub(super) fn hand(&mut self, handed: Handed) {
        self.slots.push_back(Slot { handed: Some(handed), number: None });
    }

    /// The oldest request without a number was written with this one.
    pub(super) fn written(&mut self, number: u16) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.number.is_none()) {
            slot.number = Some(number);
            if slot.handed == Some(Handed::Unacknowledged) {
                slot.handed = None;
            }
        }
        self.trim();
    }

    /// The broker has settled the packet with this number. `None`: it was nothing of ours.
    pub(super) fn settled(&mut self, number: u16) -> Option<Handed> {
        let slot = self.slots.iter_mut().find(|slot| slot.number == Some(number) && slot.handed.is_some())?;
        let handed = slot.handed.take();
        self.trim();
        handed
    }

    fn trim(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.handed.is_none()) {
            self.slots.pop_front();
        }
    }
}

/// Acknowledgements we owe, in the order in which they are due.
///
/// Brokers send more at once than the receive maximum allows (mosquitto 2.0.11 does, in a flood): so what `rumqttc` has no
/// room for waits here. There are never more than there are packet numbers.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements {
    waiting: VecDeque<u16>,
    under_way: usize,
}

impl Acknowledgements {
    pub(super) fn owe(&mut self, pkid: Option<u16>) {
        self.waiting.extend(pkid);
    }

    /// The next to be handed over now.
    pub(super) fn next(&self) -> Option<u16> {
        self.waiting.front().copied().filter(|_| self.under_way < usize::from(RECEIVE_MAXIMUM))
    }

    /// It was handed over.
    pub(super) fn handed(&mut self) {
        self.waiting.pop_front();
        self.under_way += 1;
    }

    /// One that was handed over is written.
    pub(super) fn written(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: u64) -> Handed {
        Handed::Publish(Flight::Message(id))
    }

    #[test]
    fn acknowledgements_out_of_order_find_their_message() {
        let mut ledger = Ledger::new(20);
        ledger.hand(message(7));
        ledger.hand(message(8));
        ledger.written(1);
        ledger.written(2);
        assert_eq!(ledger.settled(2), Some(message(8)));
        assert_eq!(ledger.settled(1), Some(message(7)));
        assert_eq!(ledger.settled(1), None);
    }

    #[test]
    fn the_window_counts_from_the_oldest_unsettled_packet() {
        let mut ledger = Ledger::new(4);
        for id in 0..3 {
            assert!(ledger.has_room());
            ledger.hand(message(id));
        }
        assert!(!ledger.has_room());
        for number in 1..=3 {
            ledger.written(number);
        }
        ledger.settled(2);
        ledger.settled(3);
        assert!(!ledger.has_room(), "packet 1 still holds its number");
        ledger.settled(1);
        assert!(ledger.has_room());
    }

    #[test]
    fn a_qos_0_message_is_settled_when_written() {
        let mut ledger = Ledger::new(2);
        ledger.hand(Handed::Unacknowledged);
        assert!(!ledger.has_room());
        ledger.written(0);
        assert!(ledger.has_room());
    }

    #[test]
    fn a_broker_that_takes_nothing_at_once_still_gets_one() {
        assert!(Ledger::new(0).has_room());
        assert!(Ledger::new(1).has_room());
    }

    #[test]
    fn subscribing_ends_with_the_answer() {
        let mut ledger = Ledger::new(20);
        ledger.hand(Handed::Subscribe(vec!["a".into()]));
        assert!(ledger.is_subscribing());
        ledger.written(9);
        assert_eq!(ledger.settled(9), Some(Handed::Subscribe(vec!["a".into()])));
        assert!(!ledger.is_subscribing());
    }

    #[test]
    fn acknowledgements_keep_their_order_and_wait_for_room() {
        let mut owed = Acknowledgements::default();
        (0..100).for_each(|pkid| owed.owe(Some(pkid)));
        owed.owe(None);
        let mut handed = Vec::new();
        while let Some(pkid) = owed.next() {
            owed.handed();
            handed.push(pkid);
        }
        assert_eq!(handed, (0..RECEIVE_MAXIMUM).collect::<Vec<_>>());
        owed.written();
        assert_eq!(owed.next(), Some(RECEIVE_MAXIMUM));
    }
}
