//! coguestd: a kiosk's camera and microphone as a guest in live rooms.

pub mod app;
pub mod cli;
pub mod config;
pub mod devices;
pub mod guest;
pub mod host;
pub mod logging;
pub mod media;
pub mod model;
pub mod mqtt;
pub mod systemd;
