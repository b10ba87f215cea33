//! The video encoder of what is sent: made, put in front of a payloader, watched, replaced and kept between stays, by one owner.
//!
//! ```text
//! (bridge) ─► appsrc ─ encoder of the profile ─► (payloader)
//! ```
//! Invariant: only `EncoderSlot` has the encoder, and only it says what the bridge of pictures leads to. Not here: webrtcbin, peers,
//! who is told.

pub mod available;
mod choice;
mod contract;
mod escalation;
mod event;
mod frames;
mod parked;
mod running;
mod slot;
mod state;

pub(super) use contract::{EncoderConditions, EncoderOutcome};
pub(super) use escalation::{Expected, PictureSource};
pub(super) use event::Event;
pub(super) use frames::{EncodedFrames, count_bytes};
pub(super) use running::{EncoderTarget, number_in};
pub(super) use slot::EncoderSlot;
