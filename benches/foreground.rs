//! What the label over the camera's picture costs: two guests on two seats of one room, alike but for the label, measured at the
//! same time, so that whatever else the machine does slows both.

use std::time::Duration;

use super::process::Process;
use super::rows::{Row, median};
use super::seat;
use super::stand::Stand;

/// The guest with a label.
const LABELLED: &str = "bench-labelled";

/// Pairs of windows.
const ROUNDS: usize = 7;

/// How long one window is: long enough for the kernel's clock ticks of 10 ms.
const WINDOW: Duration = Duration::from_secs(6);

/// What comes before is start-up.
const SETTLE: Duration = Duration::from_secs(3);

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let mut house = stand.house(&mut console)?;
    let mark = console.mark();
    let mut labelled = stand.daemon(LABELLED, "role = \"guest\"\n[layers]\nforeground = true", "")?;
    console.state(LABELLED, mark, |state| state["room"]["membership"] == "inside")?;
    seat::sit(&mut console)?;
    seat::sit_as(LABELLED, &mut console)?;
    console.listen_for(SETTLE);
    let (mut more, mut without, mut with) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let before = (house.guest.process.cpu()?, labelled.process.cpu()?);
        console.listen_for(WINDOW);
        console.forget();
        house.guest.check()?;
        labelled.check()?;
        let share = |process: Process, before: Duration| -> anyhow::Result<f64> {
            Ok((process.cpu()? - before).as_secs_f64() / WINDOW.as_secs_f64())
        };
        let (plain, drawn) = (share(house.guest.process, before.0)?, share(labelled.process, before.1)?);
        let percent = (drawn / plain - 1.0) * 100.0;
        println!("  round {round} of {ROUNDS}: without {plain:.3}, with {drawn:.3} CPU s/s: {percent:+.1} %");
        more.push(percent);
        without.push(plain);
        with.push(drawn);
    }
    labelled.end()?;
    house.end()?;
    Ok(vec![
        Row::of_many("foreground_cpu_percent", &more)
            .with("cpu_without", median(&without))
            .with("cpu_with", median(&with)),
    ])
}
