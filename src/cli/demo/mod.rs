//! `coguestd demo`: the main job on this machine, with a private broker and real processes of this program.

mod console;
mod report;
mod stand;
mod walk;

use std::path::PathBuf;

use clap::Args;

use report::Report;
use stand::Stand;
use walk::Walk;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd demo
  coguestd demo --keep --pictures ./pictures";

/// What the demonstration takes.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Stay up afterwards, with commands to paste, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Folder for the stage's pictures and the contact sheet
    #[arg(long, value_name = "FOLDER", default_value = "coguestd-demo")]
    pictures: PathBuf,
}

/// Walks through the whole job. Fails unless all of it was seen.
pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let mut stand = Stand::open()?;
    let mut report = Report::new(arguments.pictures)?;
    let outcome = walk(&mut stand, &mut report, arguments.keep).await;
    if outcome.is_err() {
        eprintln!("{}", stand.logs());
        eprintln!(
            "a machine without a network interface but loopback cannot connect peers: libnice offers no way there"
        );
    }
    outcome
}

async fn walk(stand: &mut Stand, report: &mut Report, keep: bool) -> anyhow::Result<()> {
    let mut walk = Walk::begin(stand).await?;
    walk.all(report).await?;
    stand.check()?;
    report.finish()?;
    if keep {
        walk.keep(stand.port).await?;
    }
    Ok(())
}
