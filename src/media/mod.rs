//! Media: the only importer of GStreamer.
//!
//! Invariants: one OS thread owns the pipelines of each part; GStreamer's callbacks clone small values and `try_send` them; what
//! comes from afar enters a pipeline as a property on an element, never in a launch string.

mod arrivals;
mod bridge;
pub mod certificate;
mod codec;
mod core;
mod description;
pub mod elements;
pub mod encoder;
mod fingerprint;
mod heart;
mod jitter_buffer;
pub mod layers;
mod mix;
mod opus;
mod outbox;
mod own_socket;
mod packets;
mod picture_size;
pub mod pictures;
pub mod profile;
pub mod publisher;
pub mod rate;
mod rtp_session;
mod signals;
mod snapshots;
mod sources;
pub mod stage;
mod still;
mod streams;
mod teardown;
#[cfg(test)]
mod testing;
pub mod thread;
mod transport;
mod turn_tls;
pub mod webrtc;
mod worker;
