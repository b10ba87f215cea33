//! What travels, held to golden files and to any bytes.
//!
//! Every file under `golden/` is one payload, in JSON with line breaks: documentation that is tested. Set
//! `COGUESTD_WRITE_GOLDEN=1` to write them anew; the difference is then for eyes to judge.

#[path = "wire/anything.rs"]
mod anything;
#[path = "wire/commands.rs"]
mod commands;
#[path = "wire/events.rs"]
mod events;
#[path = "wire/golden.rs"]
mod golden;
#[path = "wire/messages.rs"]
mod messages;
#[path = "wire/random.rs"]
mod random;
#[path = "wire/states.rs"]
mod states;
