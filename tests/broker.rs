//! The connection against a real mosquitto.

mod support;

#[path = "broker/access.rs"]
mod access;
#[path = "broker/levels.rs"]
mod levels;
#[path = "broker/messages.rs"]
mod messages;
#[path = "broker/presence.rs"]
mod presence;
#[path = "broker/recovery.rs"]
mod recovery;
#[path = "broker/tls.rs"]
mod tls;
