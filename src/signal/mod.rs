//! Signalling with a server over HTTP: a guest's media published by WHIP (RFC 9725).
//!
//! ```text
//! publish ─► gathering ── end of candidates, or 1 s ─► POST ── 201 ─► published ── end ─► DELETE ─► gone
//!               │ end                                    └── anything else ─► a fault, gone
//!               └─► gone
//! ```
//! One task for each peer connection; what it learns goes where the reports of media go. Invariants: a session that the server
//! made is deleted, also when its peer was given up while the server still thought about it; every request has a cap in time and
//! in size; neither token nor SDP is ever logged.
//!
//! Not here: when a peer is made and given up (`guest`), signalling over the room plane (a message as any other), and WHEP: what
//! the room sounds like is not fetched from a server.

mod http;
mod whip;

pub use whip::Whip;
