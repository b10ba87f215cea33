//! Any bytes to every reader of the wire, with coverage as the guide: `make fuzz`, or with a time limit
//! `make fuzz FUZZ="-max_total_time=600"`.
//!
//! It builds the program's own sources of `model` and `mqtt::wire` again, and nothing else of it, so that coverage is counted
//! where it matters and the build takes seconds. The golden files are where it begins.
#![no_main]
#![allow(dead_code, missing_docs, reason = "only the readers are used of what is built here")]

extern crate self as coguestd;

#[path = "../src/model/mod.rs"]
pub mod model;

#[path = "../src/mqtt"]
pub mod mqtt {
    pub mod topics;
    pub mod wire;
}

#[path = "../tests/wire/anything.rs"]
mod anything;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anything::read(bytes));
