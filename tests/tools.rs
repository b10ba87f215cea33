//! What an operator has in the hand, as the real program against real brokers and daemons: `ctl`, `watch`, `doctor`, `schema`,
//! a configuration that is read again, and Home Assistant.

mod support;

#[path = "tools/bench.rs"]
mod bench;
#[path = "tools/ctl.rs"]
mod ctl;
#[path = "tools/doctor.rs"]
mod doctor;
#[path = "tools/fleet.rs"]
mod fleet;
#[path = "tools/home_assistant.rs"]
mod home_assistant;
#[path = "tools/pipes.rs"]
mod pipes;
#[path = "tools/reload.rs"]
mod reload;
#[path = "tools/schema.rs"]
mod schema;
#[path = "tools/watch.rs"]
mod watch;
