//! The interface as a document: AsyncAPI 3, made from what the program itself reads and says.
//!
//! Words of enumerations are taken from the types, names of commands from `wire`; what a field holds is said once, in the
//! vocabulary, for every message that has it. What the types cannot say of themselves is held to them by tests: every command is
//! read by `wire` exactly as its schema says, and real traffic is checked against the document.
//!
//! Not here: reading and writing messages (`wire`), and rules (the protocol document).

mod commands;
mod document;
mod enum_words;
mod messages;
mod notation;
mod vocabulary;

pub use document::document;
pub use messages::{GUEST_EVENTS, HOST_EVENTS, names_of};
