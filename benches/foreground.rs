//! What the label over the camera's picture costs: two guests on two seats of one room, alike but for the label, measured at the
//! same time, so that whatever else the machine does slows both.

use super::pairs::{self, ROUNDS};
use super::rows::{Row, median};
use super::seat;
use super::stand::Stand;

/// The guest with a label.
const LABELLED: &str = "bench-labelled";

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let mut house = stand.house(&mut console)?;
    let mark = console.mark();
    let mut labelled = stand.daemon(LABELLED, "role = \"guest\"\n[layers]\nforeground = true", "")?;
    console.state(LABELLED, mark, |state| state["room"]["membership"] == "inside")?;
    seat::sit(&mut console)?;
    seat::sit_as(LABELLED, &mut console)?;
    let percent = |plain: f64, drawn: f64| (drawn / plain - 1.0) * 100.0;
    let rounds = pairs::measure(&mut console, (&mut house.guest, &mut labelled), |round, plain, drawn| {
        let more = percent(plain, drawn);
        println!("  round {round} of {ROUNDS}: without {plain:.3}, with {drawn:.3} CPU s/s: {more:+.1} %");
    })?;
    let more: Vec<f64> = rounds.iter().map(|(plain, drawn)| percent(*plain, *drawn)).collect();
    let (without, with): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
    labelled.end()?;
    house.end()?;
    Ok(vec![
        Row::of_many("foreground_cpu_percent", &more)
            .with("cpu_without", median(&without))
            .with("cpu_with", median(&with)),
    ])
}
