//! A seated guest beside the bare pipeline: CPU and peak memory, both at the same time, so that whatever else the machine does
//! slows both.

use super::bare;
use super::pairs::{self, ROUNDS};
use super::rows::{Row, median};
use super::seat;
use super::stand::Stand;

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let mut house = stand.house(&mut console)?;
    let mut bare = bare::start(stand.folder())?;
    seat::sit(&mut console)?;
    let rounds = pairs::measure(&mut console, (&mut house.guest, &mut bare), |round, guest, floor| {
        let ratio = guest / floor;
        println!("  round {round} of {ROUNDS}: guest {guest:.3}, bare {floor:.3} CPU s/s: {ratio:.3}");
    })?;
    let (guest_cpu, bare_cpu): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
    let ratios: Vec<f64> = guest_cpu.iter().zip(&bare_cpu).map(|(guest, floor)| guest / floor).collect();
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
