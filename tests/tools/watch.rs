//! `coguestd watch`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};

use serde_json::Value;

use super::bench::{Bench, HOST, KIOSK};
use crate::support::{eventually, run, tool};

/// A running view; killed when dropped.
struct View {
    child: Child,
    file: PathBuf,
}

impl View {
    fn open(mut command: Command, file: PathBuf) -> Self {
        let out = File::create(&file).expect("writable");
        let child = command.stdout(out).spawn().expect("the program starts");
        Self { child, file }
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.file).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn shows(&self, parts: &[&str]) -> String {
        eventually(&format!("{parts:?} in {:#?}", self.lines()), || {
            self.lines().into_iter().find(|line| parts.iter().all(|part| line.contains(part)))
        })
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn states_and_events_are_readable_lines_until_ctrl_c() {
    let bench = Bench::new();
    let _host = bench.daemon("host", HOST, "[room]\nlive_id = \"lobby\"\n");
    let _kiosk = bench.daemon("guest", KIOSK, "");
    let mut view = View::open(bench.tool_as("operator", &["watch"]), bench.path("lines"));
    view.shows(&["kiosk-7", "= online"]);
    view.shows(&[HOST, "= "]);
    bench.obeyed(&[KIOSK, "join_live", "live_id=lobby"]);
    bench.obeyed(&[KIOSK, "apply_for_seat", "seat_index=2"]);
    view.shows(&[HOST, "application_received, ", "seat_index 2", "user kiosk-7"]);
    view.shows(&[KIOSK, "= in lobby, applied for seat 2"]);
    for line in view.lines() {
        let clock = line.split(' ').next().expect("a time");
        assert!(clock.len() == 9 && clock.ends_with('Z'), "{line}");
    }
    run(tool("kill", "procps").arg("-INT").arg(view.child.id().to_string()));
    let status = eventually("the end of the view", || view.child.try_wait().expect("our child"));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn one_daemon_as_json_over_a_restart_of_the_broker() {
    let mut bench = Bench::new();
    let _host = bench.daemon("host", HOST, "");
    let _kiosk = bench.daemon("guest", KIOSK, "");
    let view = View::open(bench.tool_as("operator", &["watch", KIOSK, "--json"]), bench.path("lines"));
    let line: Value = serde_json::from_str(&view.shows(&["device/kiosk-7/state"])).expect("JSON");
    assert_eq!((line["device"].as_str(), line["retained"].as_bool()), (Some(KIOSK), Some(true)));
    assert!(line["payload"]["summary"].is_string() && line["at"].is_string(), "{line}");
    let before = view.lines().len();
    bench.broker.kill();
    bench.broker.start_again();
    eventually("the state again", || {
        view.lines()[before..].iter().any(|line| line.contains("device/kiosk-7/state")).then_some(())
    });
    assert!(view.lines().iter().all(|line| !line.contains(HOST)), "{:#?}", view.lines());
}
