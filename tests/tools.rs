//! What an operator has in the hand, as the real program against real brokers and daemons: `ctl`, `watch`, `doctor`, `schema`,
//! a configuration that is read again, and Home Assistant.

mod support;

#[path = "tools/bench.rs"]
mod bench;
#[path = "tools/ctl.rs"]
mod ctl;
#[path = "tools/schema.rs"]
mod schema;
#[path = "tools/watch.rs"]
mod watch;
