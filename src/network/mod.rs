//! This machine's own network: when it changes, and which of its addresses leads to a far side.
//!
//! Invariant: nothing here waits for anybody but the kernel, and nothing is sent. Not here: what a change means.

mod changes;
mod local_route;

pub use changes::NetworkChanges;
pub use local_route::{LocalRoute, RouteState, SeenAddresses};
