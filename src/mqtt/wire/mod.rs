//! Bytes to model and back: the shapes of the protocol document.
//!
//! Invariant: any bytes give a value or a [`Refusal`], never a panic, and nothing larger than
//! [`PAYLOAD_MAX`] is looked at. Commands are read strictly (an unknown field is refused, so that a typo does not pass), the
//! room plane leniently (old and new versions must talk).
//!
//! Not here: topics, who may say what, and what it leads to.

pub mod command;
pub mod device;
mod json;
pub mod room;

use serde_json::{Map, Value};

use crate::model::Refusal;
use crate::model::state::PAYLOAD_MAX;

/// The object that `payload` is, and what is wrong with it though it can be read; or why it is none.
fn object(payload: &[u8]) -> Result<(Map<String, Value>, Option<Refusal>), String> {
    if payload.len() > PAYLOAD_MAX {
        return Err(format!("{} bytes are more than {PAYLOAD_MAX}", payload.len()));
    }
    match json::read(payload) {
        Ok(json::Read { value: Value::Object(map), twice }) => {
            Ok((map, twice.map(|key| Refusal::invalid(&key, "stands twice in the message"))))
        }
        Ok(_) => Err("the payload must be a JSON object".to_owned()),
        Err(error) => Err(format!("the payload is no JSON: {error}")),
    }
}

/// The object that `payload` is, if nothing is wrong with it.
pub fn sound_object(payload: &[u8]) -> Option<Map<String, Value>> {
    object(payload).ok().filter(|(_, wrong)| wrong.is_none()).map(|(map, _)| map)
}
