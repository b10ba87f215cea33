//! `coguestd doctor`: looks at everything a daemon needs and says in words what is wrong and what to do.

mod broker;
mod bundle;
mod checks;
mod facts;
mod finding;
mod limits;
mod ways;

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::ConfigurationArguments;
use finding::{Finding, Verdict};

pub(super) const EXAMPLES: &str = "\
Examples:
  sudo -u coguestd coguestd doctor     # as the daemon, beside the running one
  coguestd doctor --config ./kiosk.toml
  sudo coguestd doctor --bundle /tmp/kiosk.json

It looks at the configuration, the broker (name, port, TLS, login, access list, another machine of the same name), the
clock, profile and encoder, camera, microphone and speaker, groups, the limits of a host's unit, and the STUN, TURN and WHIP servers that are
configured. A line is `ok`, `warning` or `WRONG`, with the remedy; with a WRONG it ends with status 1.
The file of --bundle is for whoever helps you: all findings, the configuration and the journal, without secrets.";

/// What it takes.
#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Write everything that helps to find out more into this file (JSON, readable by its owner)
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Looks, prints, fails when something is wrong.
pub(super) async fn run(arguments: DoctorArguments) -> anyhow::Result<()> {
    let mut findings = Vec::new();
    let settings = match arguments.configuration.load() {
        Ok(settings) => {
            let warnings = settings.warnings.iter();
            findings.extend(warnings.map(|warning| Finding::warning("configuration", warning.to_string())));
            if findings.is_empty() {
                findings.push(Finding::good("configuration", "read and checked"));
            }
            Some(settings)
        }
        Err(error) => {
            findings.push(Finding::wrong("configuration", error.to_string()));
            None
        }
    };
    if let Some(settings) = settings.clone() {
        findings.push(checks::identity(&settings.machine));
        findings.extend(broker::check(&settings).await);
        findings.extend(ways::check(&settings).await);
        let machine = tokio::task::spawn_blocking(move || checks::judge(&facts::gather(&settings)));
        findings.extend(machine.await?);
    }
    if arguments.json {
        super::print_json(&serde_json::to_value(&findings)?)?;
    } else {
        super::print_lines(findings.iter().map(Finding::line))?;
    }
    if let Some(file) = &arguments.bundle {
        bundle::write(file, &findings, settings.as_ref())?;
        super::complain(format_args!("written: {}", file.display()));
    }
    match findings.iter().filter(|finding| finding.verdict == Verdict::Wrong).count() {
        0 => Ok(()),
        1 => bail!("one thing is wrong"),
        count => bail!("{count} things are wrong"),
    }
}
