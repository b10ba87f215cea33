//! Any bytes on any topic, to a guest and a host that talk with each other, with coverage as the guide.
#![no_main]
#![allow(dead_code, missing_docs, reason = "only the machines are used of what is built here")]

extern crate self as coguestd;

#[path = "../src/guest/mod.rs"]
pub mod guest;
#[path = "../src/host/mod.rs"]
pub mod host;
#[path = "../src/model/mod.rs"]
pub mod model;

#[path = "../src/mqtt"]
pub mod mqtt {
    pub mod topics;
    pub mod wire;
}

#[path = "../tests/machines/anything.rs"]
mod anything;
#[path = "../tests/machines/guest_stand.rs"]
mod guest_stand;
#[path = "../tests/machines/host_stand.rs"]
mod host_stand;
#[path = "../tests/machines/replies.rs"]
mod replies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anything::hear(bytes, |_| ()));
