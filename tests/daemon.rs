//! The real program as a process: how it starts, what it tells systemd and the log, and how it ends, whatever it is at.

#[path = "support/network.rs"]
mod network;
mod support;

#[path = "daemon/brokers.rs"]
mod brokers;
#[path = "daemon/discovery.rs"]
mod discovery;
#[path = "daemon/encoders.rs"]
mod encoders;
#[path = "daemon/limits.rs"]
mod limits;
#[path = "daemon/logs.rs"]
mod logs;
#[path = "daemon/sockets.rs"]
mod sockets;
#[path = "daemon/systemd.rs"]
mod systemd;
#[path = "daemon/termination.rs"]
mod termination;
#[path = "daemon/twins.rs"]
mod twins;
#[path = "daemon/wildcards.rs"]
mod wildcards;
