//! Viewers: what a guest sends, passed on undecoded to whoever watches it, and what a viewer says, into that guest's return.
//!
//! ```text
//! guest's webrtcbin ─ pad ─┬─► decoders of the stage
//!                          └─► ForwardedStream ─► appsrc ─ viewer's webrtcbin ─► …   one for each viewer
//! viewer's webrtcbin ─ pad ─ gate (`talk`) ─ depayloader ─ decoder ─► one more input of that guest's return
//! ```
//! Invariants: without a viewer nothing of this is there; nothing here waits for a viewer, and what one does not take is thrown away for that
//! one; what a viewer may cost is bounded, whatever it sends ([`bucket`]); it ends with the guest's peer connection. Losses on the
//! viewer's way are repaired from here, and of a guest's key frames one a second is asked for, whatever its viewers ask.
//! Not here: who may watch, and for how long (the host's).

mod bucket;
mod feed;
mod offer;
mod packet;
mod signs;
mod stream;
mod viewer;
mod viewers;
mod voice;
mod watched;

pub use offer::SentStream;
pub use stream::ForwardedStream;
pub use viewer::ViewerEvent;
pub use viewers::Forwarder;
pub use watched::Watched;
