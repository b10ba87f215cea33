//! The vocabulary of coguestd: ids, users, seats, messages, commands, events, snapshots, error codes.
//!
//! Invariant: plain values only. Everything here is what the protocol document names, with serde giving it the shape
//! that travels. A value of a validated type (an id, a timeout, a volume) is valid by construction.
//!
//! Not here: topics and bytes (`mqtt`), decisions (`guest`, `host`), clocks, sockets and pipelines.

#![deny(clippy::disallowed_methods, clippy::wildcard_enum_match_arm)]

pub mod board;
mod bounded;
pub mod capture;
mod cause;
mod code;
pub mod command;
pub mod controls;
pub mod event;
pub mod hotplug;
mod ids;
pub mod media;
pub mod message;
mod name;
mod room;
pub mod server;
pub mod settings;
pub mod sound;
pub mod stage;
pub mod state;
mod timers;
pub mod viewer;
pub mod voice;
pub mod volume;

pub use bounded::{ByeReason, ExtraInfo, Operator, RequestTimeout, Volume};
pub use cause::Cause;
pub use code::{Code, Refusal};
pub use ids::{IdSource, InvalidId, InvitationId, LiveId, RequestId, SessionId, UserId};
pub use name::UserName;
pub use room::{
    Banned, By, Connection, DeviceSwitch, Media, Phase, Presence, RoomState, RoomStatus, Seat, SeatMode, User,
};
pub use timers::Timers;
