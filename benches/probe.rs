//! How long `coguestd probe` takes: every device looked at, every encoder tried.

use std::time::Instant;

use anyhow::ensure;

use super::rows::Row;
use super::seat::milliseconds;
use super::stand::Stand;

const TIMES: usize = 7;

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let mut command = stand.program();
        let began = Instant::now();
        let output = command.args(["probe", "--json"]).output()?;
        times.push(milliseconds(began, Instant::now()));
        ensure!(output.status.success(), "probe: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(vec![Row::of_many("probe_ms", &times)])
}
