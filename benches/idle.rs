//! A guest in the room, without a seat: what it costs to wait.

use std::time::Duration;

use super::rows::Row;
use super::stand::Stand;

const WATCHED: Duration = Duration::from_secs(60);

/// What comes before is start-up.
const SETTLE: Duration = Duration::from_secs(3);

/// How often a line says that it goes on.
const TELL: Duration = Duration::from_secs(15);

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let house = stand.house(&mut console)?;
    console.listen_for(SETTLE);
    let guest = house.guest.process;
    let before = (guest.cpu_of_threads()?, guest.wake_ups()?, guest.threads()?);
    let mut passed = Duration::ZERO;
    while passed < WATCHED {
        console.listen_for(TELL);
        passed += TELL;
        println!("  {} of {} s", passed.as_secs(), WATCHED.as_secs());
    }
    let seconds = WATCHED.as_secs_f64();
    let cpu = (guest.cpu_of_threads()?.saturating_sub(before.0)).as_secs_f64() / seconds * 100.0;
    let wake_ups = guest.wake_ups()?.saturating_sub(before.1) as f64 / seconds;
    let memory = guest.resident_mib()?;
    house.end()?;
    Ok(vec![
        Row::new("idle_memory_mib", memory),
        Row::new("idle_cpu_percent", cpu),
        Row::new("idle_wakeups_per_s", wake_ups).with("threads", before.2 as f64),
    ])
}
