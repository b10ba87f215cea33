//! A seated guest beside the bare pipeline: CPU and peak memory, both at the same time, so that whatever else the machine does
//! slows both.

use std::time::Duration;

use super::bare;
use super::process::Process;
use super::rows::{Row, median};
use super::seat;
use super::stand::Stand;

/// Pairs of windows.
const ROUNDS: usize = 7;

/// How long one window is: long enough for the kernel's clock ticks of 10 ms.
const WINDOW: Duration = Duration::from_secs(6);

/// What comes before is start-up.
const SETTLE: Duration = Duration::from_secs(3);

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let mut house = stand.house(&mut console)?;
    let mut bare = bare::start(stand.folder())?;
    seat::sit(&mut console)?;
    console.listen_for(SETTLE);
    let (mut ratios, mut guest_cpu, mut bare_cpu) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let before = (house.guest.process.cpu()?, bare.process.cpu()?);
        console.listen_for(WINDOW);
        console.forget();
        house.guest.check()?;
        bare.check()?;
        let share = |process: Process, before: Duration| -> anyhow::Result<f64> {
            Ok((process.cpu()? - before).as_secs_f64() / WINDOW.as_secs_f64())
        };
        let (guest, floor) = (share(house.guest.process, before.0)?, share(bare.process, before.1)?);
        println!(
            "  round {round} of {ROUNDS}: guest {guest:.3}, bare {floor:.3} CPU s/s: {:.3}",
            guest / floor
        );
        ratios.push(guest / floor);
        guest_cpu.push(guest);
        bare_cpu.push(floor);
    }
    let (guest_mib, bare_mib) = (house.guest.process.peak_mib()?, bare.process.peak_mib()?);
    println!("  peak memory: guest {guest_mib:.1}, bare {bare_mib:.1} MiB");
    drop(bare);
    house.end()?;
    Ok(vec![
        Row::of_many("cpu_ratio", &ratios)
            .with("guest_cpu", median(&guest_cpu))
            .with("bare_cpu", median(&bare_cpu)),
        Row::new("memory_mib", guest_mib),
        Row::new("memory_over_bare_mib", guest_mib - bare_mib).with("bare_mib", bare_mib),
    ])
}
