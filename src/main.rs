//! Assembles the program: arguments, logging, runtime, exit code. Nothing else.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use coguestd::cli::{self, Arguments};
use coguestd::{environment, logging, memory};

fn main() -> ExitCode {
    memory::settle();
    environment::settle();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // What cannot be printed (a closed pipe) has no reader either.
            let _ = error.print();
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked_for { ExitCode::SUCCESS } else { ExitCode::from(cli::EXIT_CONFIGURATION) };
        }
    };
    logging::init(arguments.verbosity());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            cli::complain(format_args!("coguestd: cannot start the runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(arguments.run()) {
        Ok(()) => cli::end(0),
        Err(error) => {
            cli::complain(format_args!("coguestd: {}", cli::sentence(&error)));
            cli::end(cli::exit_status(&error))
        }
    }
}
