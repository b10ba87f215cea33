//! Who reads the program's output may go away at any time (`coguestd … | head`): nobody gets a crash for that.

use std::io;
use std::process::{Command, ExitStatus, Stdio};

use super::bench::{Bench, KIOSK, coguestd};
use crate::support::{eventually, run, tool};

/// A pipe without a reader.
fn broken() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn unread(command: &mut Command) -> ExitStatus {
    command.stdout(broken()).stderr(broken()).status().expect("the program runs")
}

#[test]
fn no_subcommand_needs_a_reader() {
    let bench = Bench::new();
    let file = bench.write_config(KIOSK, &bench.config("guest", KIOSK));
    let file = file.to_str().expect("a plain path");
    let bundle = bench.path("bundle").display().to_string();
    for (arguments, status) in [
        (vec!["--help"], 0),
        (vec!["--version"], 0),
        (vec!["frobnicate"], 78),
        (vec!["run", "--config", "/nowhere"], 78),
        (vec!["schema"], 0),
        (vec!["check-config", "--config", file], 0),
        (vec!["check-config", "--config", file, "--set", "room.live=x"], 78),
        (vec!["probe", "--config", file], 0),
        (vec!["probe", "--config", file, "--json"], 0),
        (vec!["doctor", "--config", file, "--bundle", &bundle], 0),
        (vec!["doctor", "--config", file, "--set", "mqtt.keep_alive=1"], 1),
    ] {
        let ended = unread(coguestd().args(&arguments));
        assert_eq!(ended.code(), Some(status), "{arguments:?}: {ended}");
    }
}

#[test]
fn a_console_ends_with_its_reader() {
    let bench = Bench::new();
    let _kiosk = bench.daemon("guest", KIOSK, "");
    for (arguments, status) in [
        (vec!["ctl", KIOSK, "get_state"], 0),
        (vec!["ctl", KIOSK, "apply_for_seat"], 1),
        (vec!["watch", KIOSK], 0),
        (vec!["watch", "--json"], 0),
    ] {
        let ended = unread(&mut bench.tool_as("operator", &arguments));
        assert_eq!(ended.code(), Some(status), "{arguments:?}: {ended}");
    }
}

#[test]
fn a_daemon_goes_on_when_nobody_reads_its_log() {
    let bench = Bench::new();
    let file = bench.write_config(KIOSK, &bench.config("guest", KIOSK));
    let mut command = coguestd();
    command.args(["-vv", "run", "--config"]).arg(file).stdout(broken()).stderr(broken());
    let mut daemon = command.spawn().expect("it starts");
    bench.obeyed(&[KIOSK, "get_state"]);
    run(tool("kill", "procps").arg(daemon.id().to_string()));
    let ended = eventually("its end", || daemon.try_wait().expect("our child"));
    assert_eq!(ended.code(), Some(0), "{ended}");
}
