//! From a command to its reply, both QoS 1, over the broker: what an operator waits.

use serde_json::json;

use super::console::Console;
use super::rows::{Row, quantile};
use super::seat::milliseconds;
use super::stand::{GUEST, Stand};

const COMMANDS: usize = 2000;

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut watcher = stand.console()?;
    let house = stand.house(&mut watcher)?;
    drop(watcher);
    let mut console = Console::open(stand.port, "bench/reply/#")?;
    let mut times = Vec::with_capacity(COMMANDS);
    for number in 1..=COMMANDS {
        let (given, reply) = console.command(GUEST, "get_state", &json!({}))?;
        times.push(milliseconds(given, reply.at));
        console.forget();
        if number % 500 == 0 {
            println!("  {number} of {COMMANDS}");
        }
    }
    house.end()?;
    let worst = quantile(&times, 1.0);
    Ok(vec![
        Row::new("command_p50_ms", quantile(&times, 0.5)),
        Row::new("command_p99_ms", quantile(&times, 0.99)).with("worst", worst),
    ])
}
