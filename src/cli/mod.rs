//! The command line: what each subcommand is called, what it takes and what it returns.
//!
//! One file per subcommand; a new one is a variant of `Subcommand`, an arm of [`Arguments::run`] and a module beside these.
//!
//! Not here: logging and the runtime are started by `main`.

mod broker;
mod check_config;
mod console;
mod ctl;
mod demo;
mod doctor;
mod probe;
mod run;
mod schema;
mod watch;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Parser};

use crate::app;
use crate::config::{self, Sources};
use crate::foreign;
use crate::logging::Verbosity;
use crate::mqtt::connection;

/// How a program ends that cannot do what it was configured to do (`EX_CONFIG` of sysexits(3)); systemd does not retry.
pub const EXIT_CONFIGURATION: u8 = 78;

const EXIT_STATUS: &str = "\
Exit status:
  0   asked to stop, or all is well
  78  the command line or the configuration is wrong; one line on stderr says where
  1   anything else";

const SOURCES: &str = "\
Files:
  /etc/coguestd/config.toml    the configuration
  /etc/coguestd/conf.d/*.toml  more of it, in the order of their names, each over the one before
  (with --config FILE: FILE, and conf.d beside it)

Environment:
  COGUESTD__SECTION__KEY       over the files, for example COGUESTD__ROOM__LIVE_ID=lobby
  COGUESTD_LOG                 a filter for the log, for example coguestd::mqtt=trace,warn
  CREDENTIALS_DIRECTORY        set by systemd; where password_file = \"credential:NAME\" is looked for
  NO_COLOR                     no colours in the log on a terminal";

/// Headless co-guest daemon: a kiosk's camera and microphone join live rooms over WebRTC, commanded over MQTT.
#[derive(Debug, Parser)]
#[command(
    name = "coguestd",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = format!("{EXIT_STATUS}\n\n{SOURCES}"))]
pub struct Arguments {
    /// Log more: -v every event, -vv everything; secrets never
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    subcommand: Subcommand,
}

#[derive(Debug, clap::Subcommand)]
enum Subcommand {
    /// Be a guest or a host, until asked to stop (SIGTERM, SIGINT)
    #[command(after_help = format!("{EXIT_STATUS}\n\n{SOURCES}\n\n{}", run::EXAMPLES))]
    Run(ConfigurationArguments),
    /// Print the effective configuration, without secrets, and whether it is right
    #[command(after_help = format!("{EXIT_STATUS}\n\n{SOURCES}\n\n{}", check_config::EXAMPLES))]
    CheckConfig(ConfigurationArguments),
    /// Show what this machine has: cameras, sound, encoders that work, its board; and what would be chosen
    #[command(after_help = format!("{EXIT_STATUS}\n\n{SOURCES}\n\n{}", probe::EXAMPLES))]
    Probe(probe::ProbeArguments),
    /// Give a daemon a command over the broker, wait for its reply, print the result
    #[command(after_help = format!("{EXIT_STATUS}\n\n{SOURCES}\n\n{}", ctl::EXAMPLES))]
    Ctl(ctl::CtlArguments),
    /// Show what daemons are and what happens at them, live
    #[command(after_help = format!("{EXIT_STATUS}\n\n{SOURCES}\n\n{}", watch::EXAMPLES))]
    Watch(watch::WatchArguments),
    /// Look at everything a daemon needs, and say what is wrong and what to do
    #[command(after_help = format!("{EXIT_STATUS}\n\n{SOURCES}\n\n{}", doctor::EXAMPLES))]
    Doctor(doctor::DoctorArguments),
    /// Print the whole MQTT interface as an AsyncAPI 3 document (JSON)
    #[command(after_help = format!("{EXIT_STATUS}\n\n{}", schema::EXAMPLES))]
    Schema,
    /// Show the main job on this machine: a private broker, a host, two guests, real WebRTC between them
    #[command(after_help = format!("{EXIT_STATUS}\n\n{}", demo::EXAMPLES))]
    Demo(demo::DemoArguments),
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
struct ConfigurationArguments {
    /// Configuration file; conf.d/*.toml beside it is read too [default: /etc/coguestd/config.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one key, over files and environment; may be repeated
    #[arg(short, long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

impl ConfigurationArguments {
    fn sources(self) -> Sources {
        Sources::of_process(self.config, self.set)
    }

    fn load(self) -> Result<config::Settings, config::Error> {
        config::load(&self.sources())
    }
}

impl Arguments {
    /// How much to log.
    pub fn verbosity(&self) -> Verbosity {
        Verbosity::of_count(self.verbose)
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// Whatever ends the program; [`exit_status`] knows what it means.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.subcommand {
            Subcommand::Run(arguments) => run::run(arguments.sources()).await,
            Subcommand::CheckConfig(arguments) => check_config::run(&arguments.load()?),
            Subcommand::Probe(arguments) => probe::run(arguments),
            Subcommand::Ctl(arguments) => ctl::run(arguments).await,
            Subcommand::Watch(arguments) => watch::run(arguments).await,
            Subcommand::Doctor(arguments) => doctor::run(arguments).await,
            Subcommand::Schema => schema::run(),
            Subcommand::Demo(arguments) => demo::run(arguments).await,
        }
    }
}

/// A command line that cannot be meant, though its parser took it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

fn usage(why: impl std::fmt::Display) -> anyhow::Error {
    Usage(why.to_string()).into()
}

/// Prints a value for people and programs.
fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print_lines([foreign::escape_json(&format!("{value:#}")).into_owned()])
}

/// Prints lines, of which each may be several; a reader that went away is no error.
fn print_lines(lines: impl IntoIterator<Item = String>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = lines.into_iter().try_for_each(|line| writeln!(out, "{}", foreign::escape_lines(&line)));
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub use crate::logging::complain;

/// An error with its causes, each said once: many an error has its cause in its own words already.
pub fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        said if said.contains(&cause) => said.to_owned(),
        said => format!("{said}: {cause}"),
    })
}

/// The exit status for an error: 78 for a configuration that must be mended first, 1 for the rest.
pub fn exit_status(error: &anyhow::Error) -> u8 {
    let of_app = error.downcast_ref::<app::Error>().is_some_and(app::Error::is_configuration);
    let of_files = error.downcast_ref::<connection::Error>().is_some();
    let of_line = error.downcast_ref::<config::Error>().is_some() || error.downcast_ref::<Usage>().is_some();
    if of_app || of_files || of_line { EXIT_CONFIGURATION } else { 1 }
}

/// Ends the program with this status.
pub fn end(status: u8) -> ! {
    app::end(status)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = || anyhow::anyhow!("it is a FIFO");
        assert_eq!(sentence(&cause().context("no start")), "no start: it is a FIFO");
        let told = cause().context("cannot read key.pem (it is a FIFO)").context("no start");
        assert_eq!(sentence(&told), "no start: cannot read key.pem (it is a FIFO)");
    }
}
