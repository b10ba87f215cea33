//! What a host says where the broker takes small packets only: a room that fits, or a refusal that does.

use super::host_settings;
use crate::app::fitting;
use crate::app::mqtt_port::MqttPort;
use crate::config::Settings;
use crate::host::Host;
use crate::model::command::StartLive;
use crate::model::message::{Outcome, Signal, SignalBody, ToGuest};
use crate::model::{ByeReason, Refusal};
use crate::mqtt::connection::{Granted, Publish};
use crate::mqtt::topics::Topics;
use crate::mqtt::wire::room;

/// Says it to a guest; where the broker does not take it, what it may conclude instead.
pub(super) fn tell(port: &MqttPort, topic: &str, message: ToGuest) {
    let word = |message: &ToGuest| Publish::new(topic, room::write_to_guest(message));
    let mut said = word(&message);
    // Of these there are as many as a guest asks for; of the others a few for each guest.
    let asked_for = matches!(message, ToGuest::Result { .. } | ToGuest::Signal(_));
    if let Some(refusal) = port.refusal("what is to be said to a guest", &said) {
        let Some(instead) = instead(message, refusal) else { return };
        said = word(&instead);
    }
    if asked_for { port.publish(said) } else { port.publish_due(said) }
}

/// What takes the place of a word that is too large: whoever waits for it is told.
fn instead(message: ToGuest, refusal: Refusal) -> Option<ToGuest> {
    match message {
        ToGuest::Result { request_id, .. } => {
            Some(ToGuest::Result { request_id, outcome: Outcome::Refused(refusal) })
        }
        ToGuest::Signal(signal) => {
            let body = SignalBody::Bye(ByeReason::try_from(refusal.message).ok());
            Some(ToGuest::Signal(Signal { body, ..signal }))
        }
        ToGuest::ApplicationAccepted { .. }
        | ToGuest::ApplicationRejected { .. }
        | ToGuest::ApplicationNoResponse { .. }
        | ToGuest::Invitation(_)
        | ToGuest::InvitationCancelled { .. }
        | ToGuest::InvitationNoResponse { .. }
        | ToGuest::Seated { .. }
        | ToGuest::Unseated { .. }
        | ToGuest::Moved { .. }
        | ToGuest::DeviceControl { .. }
        | ToGuest::LiveEnded {} => None,
    }
}

/// Whether the configured room can be published with nobody in it; of one that is not configured the name is as long as the own id.
pub(in crate::app) fn check_room(settings: &Settings, granted: &Granted) -> Result<(), Refusal> {
    let user_id = &settings.user.public.user_id;
    let live_id = settings.room.live_id.clone().or_else(|| user_id.as_str().parse().ok());
    let Some(live_id) = live_id else { return Ok(()) };
    let topics = Topics::new(&settings.mqtt.prefix, user_id.clone());
    let host = Host::new(host_settings(settings));
    room_fits(&host, &StartLive { live_id, seats: None, seat_mode: None }, &topics, granted)
}

/// Whether the room of the live that this wish would start, or that runs already, can be published.
pub(super) fn room_fits(
    host: &Host,
    wish: &StartLive,
    topics: &Topics,
    granted: &Granted,
) -> Result<(), Refusal> {
    let Some(state) = host.prospect(wish) else { return Ok(()) };
    let what = format!("the state of a room of {} seats", state.seats.len());
    let word = Publish::new(topics.room(&state.live_id), room::write_room(&state)).retained();
    fitting::refusal(&what, &word, granted).map_or(Ok(()), Err)
}
