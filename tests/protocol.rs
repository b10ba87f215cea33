//! The real program held to the protocol document: everything goes in and comes out over MQTT, through a real broker with
//! the shipped access list. Beside real daemons there are guests, hosts and stages made by hand, in plain JSON.

mod support;

#[path = "protocol/bad_input.rs"]
mod bad_input;
#[path = "protocol/consent.rs"]
mod consent;
#[path = "protocol/guest_commands.rs"]
mod guest_commands;
#[path = "protocol/hand_host.rs"]
mod hand_host;
#[path = "protocol/host_commands.rs"]
mod host_commands;
#[path = "protocol/host_lost.rs"]
mod host_lost;
#[path = "protocol/media_lost.rs"]
mod media_lost;
#[path = "protocol/media_paths.rs"]
mod media_paths;
#[path = "protocol/networks.rs"]
mod networks;
#[path = "protocol/replies.rs"]
mod replies;
#[path = "protocol/to_host.rs"]
mod to_host;
