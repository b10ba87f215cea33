//! `coguestd demo`: the main job on this machine, with a private broker and real processes of this program.

mod console;
mod network;
mod report;
mod sound;
mod stand;
mod walk;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use report::Report;
use stand::Stand;
use walk::Walk;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd demo
  coguestd demo --keep --pictures ./pictures
  coguestd demo --console target/console";

/// What the demonstration takes.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Stay up afterwards, with commands to paste, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Folder for the stage's pictures and the contact sheet
    #[arg(long, value_name = "FOLDER", default_value = "coguestd-demo")]
    pictures: PathBuf,
    /// Folder with the console's index.html: the broker serves it to browsers of this machine, and stays up
    #[arg(long, value_name = "FOLDER")]
    console: Option<PathBuf>,
}

/// Walks through the whole job. Fails unless all of it was seen.
pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    network::check()?;
    let mut stop = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut report = Report::new(arguments.pictures)?;
    let mut stand = Stand::open(arguments.console.as_deref())?;
    let (port, console) = (stand.port, stand.console);
    let mut walk = tokio::select! {
        walk = Walk::begin(&mut stand) => walk?,
        () = asked(&mut stop) => bail!("stopped before all was seen"),
    };
    let outcome = tokio::select! {
        outcome = walk.all(&mut report) => outcome,
        broken = stand.broken() => Err(broken),
        () = asked(&mut stop) => bail!("stopped before all was seen"),
    };
    if outcome.is_err() {
        // A closed pipe has no reader.
        writeln!(std::io::stderr(), "{}", stand.logs()).unwrap_or_default();
        return outcome;
    }
    report.finish()?;
    if arguments.keep || console.is_some() {
        tokio::select! {
            outcome = walk.keep(port, console) => outcome?,
            broken = stand.broken() => return Err(broken),
            () = asked(&mut stop) => {}
        }
    }
    Ok(())
}

/// Waits for SIGTERM or SIGINT: the stand is taken down in both cases.
async fn asked((terminate, interrupt): &mut (Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// A line for the reader. One who has gone (a closed pipe) must not keep the stand from being taken down.
fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").unwrap_or_default();
}
