//! Signalling with a server over HTTP: a guest's media published by WHIP (RFC 9725).
//!
//! ```text
//! publish ─► gathering ── end of candidates, or 1 s ─► POST ── 201 ─► published ── end ─► DELETE ─► gone
//!               │ end                                    └── anything else ─► a fault, gone
//!               └─► gone
//! ```
//! One task for each peer connection; what it learns goes where the reports of media go. Invariants: a session that the server
//! made is deleted, also when its answer is of no use or its peer was given up while the server still thought about it; every request
//! has a cap in time and in size, and none holds up the end of the program; nothing is said to an origin that the endpoint may not
//! lead to; neither token nor SDP nor more of an address than its origin is ever told.
//!
//! Not here: when a peer is made and given up (`guest`), signalling over the room plane (a message as any other), and WHEP: what
//! the room sounds like is not fetched from a server.

mod agent;
mod http;
mod whip;

pub use whip::Whip;

#[cfg(test)]
mod tests;
