//! MQTT: the one connection to the broker.
//!
//! Invariant: this is the only module that sees `rumqttc`. What it hands upwards is plain: topics, bytes, levels.
//!
//! Not here: what a message means for a room (`guest`, `host`), and when to say it (`app`).

pub mod connection;
pub mod discovery;
pub mod schema;
mod tls;
pub mod topics;
pub mod wire;
