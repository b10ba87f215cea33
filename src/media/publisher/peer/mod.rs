//! The peer connection to the stage: payloaders and webrtcbin in a pipeline of their own, and what is measured of it.
//!
//! Invariant: only the loop's thread changes a peer; callbacks send events. Not here: the encoder, which is put into its pipeline.

mod event;
mod feedback;
mod path;
mod peer_rate;
mod probes;
mod reports;
mod route_watch;
mod sender_peer;

pub use event::{Event, PeerSenders};
pub use sender_peer::{AnswerTaken, PeerOptions, PeerOutcome, SenderPeer};
