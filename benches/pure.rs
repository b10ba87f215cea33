//! The pure machines: the program `transitions` beside this one runs their script and prints one line of JSON.

use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::rows::Row;
use super::stand::Stand;

pub fn measure(_: &Stand) -> anyhow::Result<Vec<Row>> {
    let own = std::env::current_exe()?;
    let file = own.with_file_name("transitions");
    let output = Command::new(&file)
        .output()
        .with_context(|| format!("{}: cargo build --release --examples", file.display()))?;
    ensure!(output.status.success(), "transitions: {}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).context("a line of JSON")?;
    let rate = said["transitions_per_s"].as_f64().context("transitions_per_s")?;
    Ok(vec![Row::new("transitions_per_s", rate)])
}
