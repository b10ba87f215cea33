//! Bytes to model and back: the shapes of the protocol document.
//!
//! Invariant: any bytes give a value or a [`Refusal`](crate::model::Refusal), never a panic, and nothing larger than
//! [`PAYLOAD_MAX`] is looked at. Commands are read strictly (an unknown field is refused, so that a typo does not pass), the
//! room plane leniently (old and new versions must talk).
//!
//! Not here: topics, who may say what, and what it leads to.

pub mod command;
pub mod device;
pub mod room;

use serde_json::{Map, Value};

use crate::model::state::PAYLOAD_MAX;

/// The object that `payload` is, or why it is none.
fn object(payload: &[u8]) -> Result<Map<String, Value>, String> {
    if payload.len() > PAYLOAD_MAX {
        return Err(format!("{} bytes are more than {PAYLOAD_MAX}", payload.len()));
    }
    match serde_json::from_slice(payload) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err("the payload must be a JSON object".to_owned()),
        Err(error) => Err(format!("the payload is no JSON: {error}")),
    }
}
