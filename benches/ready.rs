//! From the start of a guest's process until the broker has it as `online`: connected, subscribed, and taking commands.

use std::time::Instant;

use super::rows::Row;
use super::seat::milliseconds;
use super::stand::{GUEST, Stand};

const TIMES: usize = 10;

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let mark = console.mark();
        let began = Instant::now();
        let guest = stand.daemon(GUEST, "role = \"guest\"", "")?;
        let online = console.online(GUEST, mark)?;
        times.push(milliseconds(began, online.at));
        guest.end()?;
    }
    Ok(vec![Row::of_many("start_to_ready_ms", &times)])
}
