//! Measures the program and holds it to its targets: real processes, a real broker, a table, and `bench.json` in cargo's
//! target folder.
//!
//! `bench [GROUP…]` measures these groups only, and writes no file. A group is one file here and one line of [`GROUPS`]; its rows
//! are in `rows.rs`.

mod bare;
mod commands;
mod console;
mod foreground;
mod glass;
mod guests;
mod idle;
mod pairs;
mod probe;
mod process;
mod pure;
mod ready;
mod returns;
mod room;
mod rows;
mod seat;
mod seated;
mod slate;
mod stand;
mod startup;
mod stays;
mod storm;
mod viewer;
mod watching;

#[path = "../tests/support/network.rs"]
mod network;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/support/publisher.rs"]
mod publisher;
#[path = "../tests/support/router.rs"]
mod router;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use self::rows::Row;
use self::stand::Stand;

type Measure = fn(&Stand) -> anyhow::Result<Vec<Row>>;

/// What is measured, in this order.
const GROUPS: [(&str, &str, Measure); 16] = [
    ("pure", "the machines without a world", pure::measure),
    ("seated", "a seated guest beside the bare pipeline", seated::measure),
    ("foreground", "a seated guest with and without a label", foreground::measure),
    ("ready", "start of the process → online", ready::measure),
    ("startup", "accept → first packet, first frame", startup::measure),
    ("slate", "camera off → slate, camera on → picture, at the stage", slate::measure),
    ("glass", "a picture's age when the stage has decoded it", glass::measure),
    ("probe", "what there is on this machine", probe::measure),
    ("commands", "command → reply", commands::measure),
    ("stays", "a hundred stays", stays::measure),
    ("guests", "a stage with 8 and with 32 guests", guests::measure),
    ("returns", "what guests hear of the room: its age, and what it costs the host", returns::measure),
    ("watching", "viewers of a seat, and who talks to it", watching::measure),
    ("joins", "three hundred joins and leaves at a stage", returns::joins),
    ("storm", "a stage that is asked for two hundred sessions a second", storm::measure),
    ("idle", "an idle guest", idle::measure),
];

/// The result, for programs: in cargo's target folder.
const FILE: &str = "bench.json";

/// Cargo's target folder: of those above this program the one that cargo has marked.
fn target_directory() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let marked = own.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    Ok(marked.context("this program is in no target folder of cargo")?.to_owned())
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let done = if wanted == [room::STAGE] { room::stage() } else { run(&wanted) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: &[String]) -> anyhow::Result<()> {
    let known: Vec<&str> = GROUPS.iter().map(|group| group.0).collect();
    for name in wanted {
        ensure!(known.contains(&name.as_str()), "there is no group {name}; there are {}", known.join(", "));
    }
    network::ensure_interface();
    let began = Instant::now();
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for (name, what, measure) in GROUPS {
        if !wanted.is_empty() && wanted.iter().all(|wanted| wanted != name) {
            continue;
        }
        println!(
            "{:5.0} s  {name}: {what} (load of the machine {:.2})",
            began.elapsed().as_secs_f64(),
            process::load()
        );
        // A stand of its own for each: what one group leaves behind cannot be measured by the next.
        match Stand::open().and_then(|stand| measure(&stand)) {
            Ok(measured) => {
                measured.iter().for_each(|row| println!("  {}", row.line()));
                rows.extend(measured);
            }
            Err(error) => {
                eprintln!("  {name} was not measured: {error:#}");
                failed.push(name);
            }
        }
    }
    let machine = process::machine();
    println!("{:5.0} s  done\n\n{}", began.elapsed().as_secs_f64(), rows::table(&machine, &rows));
    for name in rows::missed(&rows) {
        println!("missed: {name}");
    }
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    if wanted.is_empty() {
        ensure!(rows::absent(&rows).is_empty(), "nothing measured {}", rows::absent(&rows).join(", "));
        let file = target_directory()?.join(FILE);
        rows::write(&file, &machine, &rows)?;
        println!("written to {}", file.display());
    }
    Ok(())
}
