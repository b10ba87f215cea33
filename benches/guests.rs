//! What a stage with 8 and with 32 guests has of threads, memory and CPU, and when all 32 come back at once.

use std::time::Duration;

use super::room::Room;
use super::rows::Row;
use super::stand::Stand;

/// What comes before is start-up.
const SETTLE: Duration = Duration::from_secs(5);
const WATCHED: Duration = Duration::from_secs(10);

pub fn measure(_stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut room = Room::open()?;
    room.pass(Duration::from_secs(1))?;
    let without = room.process.threads()? as f64;
    let mut rows = Vec::new();
    for (more, guests, names) in [
        (8, 8, ["host_8_threads", "host_8_memory_mib", "host_8_cpu_percent"]),
        (24, 32, ["host_32_threads", "host_32_memory_mib", "host_32_cpu_percent"]),
    ] {
        room.enter(more)?;
        room.pass(SETTLE)?;
        let before = room.process.cpu()?;
        room.pass(WATCHED)?;
        let cpu = (room.process.cpu()? - before).as_secs_f64() / WATCHED.as_secs_f64() * 100.0;
        let threads = room.process.threads()? as f64;
        rows.push(Row::new(names[0], threads).with("of a guest", (threads - without) / guests as f64));
        rows.push(Row::new(names[1], room.process.resident_mib()?));
        let descriptors = room.process.descriptors()? as f64;
        rows.push(Row::new(names[2], cpu).with("descriptors", descriptors));
    }
    let threads = room.come_again()?;
    let memory = room.process.peak_mib()?;
    rows.push(Row::new("host_32_again_threads", threads as f64).with("peak memory, MiB", memory));
    room.end()?;
    Ok(rows)
}
