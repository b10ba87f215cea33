//! What a guest says on the room plane. Where the broker does not take it, the guest is told, as if it had been refused.

use std::time::Instant;

use super::GuestRole;
use crate::app::mqtt_port::MqttPort;
use crate::guest::Input;
use crate::model::message::{Outcome, Signal, SignalBody, ToGuest, ToHost};
use crate::model::{LiveId, RequestId};
use crate::mqtt::connection::Publish;
use crate::mqtt::wire::room;

impl GuestRole {
    pub(super) fn tell_host(
        &mut self,
        now: Instant,
        port: &MqttPort,
        live_id: LiveId,
        request_id: RequestId,
        message: &ToHost,
    ) {
        let payload = room::write_to_host(&request_id, message);
        let word = Publish::new(port.topics.own_to_host(&live_id), payload);
        match port.refusal("the request to the host", &word) {
            None => port.publish(word),
            Some(refusal) => {
                let message = ToGuest::Result { request_id, outcome: Outcome::Refused(refusal) };
                self.guest.handle_input(now, Input::Message { live_id, message });
            }
        }
    }

    pub(super) fn tell_stage(&mut self, now: Instant, port: &MqttPort, live_id: &LiveId, signal: Signal) {
        let offer = matches!(signal.body, SignalBody::Description(_)).then(|| signal.session.clone());
        let word = Publish::new(port.topics.own_to_stage(live_id), room::write_signal(signal));
        match (port.refusal("the offer", &word), offer) {
            (Some(refusal), Some(name)) => self.guest.handle_input(now, Input::OfferUnsent { name, refusal }),
            // A candidate less is a way less.
            (Some(_), None) => {}
            (None, _) => port.publish(word),
        }
    }
}
