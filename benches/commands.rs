//! From a command to its reply, both QoS 1, over a tuned broker and one as shipped: what an operator waits.

use serde_json::json;

use super::console::Console;
use super::rows::{Row, quantile};
use super::seat::milliseconds;
use super::stand::{Broker, GUEST, Stand};

const COMMANDS: usize = 2000;

/// With a broker as distributions ship it: fewer, for each may wait for an acknowledgement.
const COMMANDS_AS_SHIPPED: usize = 500;

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let tuned = times(stand, COMMANDS)?;
    let shipped = times(&Stand::with(Broker::AsShipped)?, COMMANDS_AS_SHIPPED)?;
    let worst = |times: &[f64]| quantile(times, 1.0);
    Ok(vec![
        Row::new("command_p50_ms", quantile(&tuned, 0.5)),
        Row::new("command_p99_ms", quantile(&tuned, 0.99)).with("worst", worst(&tuned)),
        Row::new("command_as_shipped_p50_ms", quantile(&shipped, 0.5))
            .with("p99", quantile(&shipped, 0.99))
            .with("worst", worst(&shipped)),
    ])
}

/// In milliseconds.
fn times(stand: &Stand, commands: usize) -> anyhow::Result<Vec<f64>> {
    let mut watcher = stand.console()?;
    let house = stand.house(&mut watcher)?;
    drop(watcher);
    let mut console = Console::open(stand.port, "bench/reply/#")?;
    let mut times = Vec::with_capacity(commands);
    for number in 1..=commands {
        let (given, reply) = console.command(GUEST, "get_state", &json!({}))?;
        times.push(milliseconds(given, reply.at));
        console.forget();
        if number % 500 == 0 {
            println!("  {number} of {commands}");
        }
    }
    house.end()?;
    Ok(times)
}
