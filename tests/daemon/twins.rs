//! Two machines with one name: the second says so and waits, and does not fight.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::support::daemon::{Daemon, Start};
use crate::support::namespace::own_mounts;
use crate::support::stand::{PREFIX, Stand};
use crate::termination::CAP;

/// Another machine: the same system with another machine id, in a mount namespace of its own. The whole of /etc is another there: what
/// is mounted over the file alone names no machine.
fn machine(id: &str) -> (TempDir, Command) {
    let known = Path::new("/etc/machine-id");
    assert!(known.exists(), "this test needs an /etc/machine-id: sudo systemd-machine-id-setup");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("id"), format!("{id}\n")).expect("writable");
    // What may not be read there is not needed.
    let script = "cp -a /etc \"$0\" 2>/dev/null; rm -f \"$0/etc/machine-id\" && cp \"$0/id\" \"$0/etc/machine-id\" && mount --bind \"$0/etc\" /etc && exec \"$@\"";
    let command = own_mounts(script, folder.path().to_str().expect("a plain path"));
    (folder, command)
}

fn start(stand: &Stand, command: Command) -> Daemon {
    Start::under(command, "guest", "ada", &stand.broker.url()).go()
}

fn machine_of(stand: &Stand) -> String {
    let topic = format!("{PREFIX}/device/ada/info");
    let info = stand.operator.last(|heard| (heard.topic == topic).then(|| heard.value()));
    info.expect("an info")["machine"].as_str().expect("a hash").to_owned()
}

#[test]
fn the_second_machine_of_a_name_waits_until_the_first_is_gone() {
    let stand = Stand::open();
    let (_one, first) = machine("11111111111111111111111111111111");
    let (_two, second) = machine("22222222222222222222222222222222");
    let mut first = start(&stand, first);
    stand.status("ada", 0, "online");
    let known = machine_of(&stand);
    let mark = stand.operator.mark();
    let second = start(&stand, second);
    let line = second.logged("another machine");
    assert!(line.contains("ERROR") && line.contains(&known) && line.contains("user.id"), "{line}");
    // The first is not disturbed, and is the only one that answers.
    let reply = stand.command("ada", "get_state", json!({}));
    assert_eq!(reply["ok"], true);
    assert_eq!(
        stand.operator.on(&format!("{PREFIX}/device/ada/status"), mark),
        Vec::<serde_json::Value>::new()
    );
    assert_eq!(machine_of(&stand), known);
    let mark = stand.operator.mark();
    let (status, _) = first.terminate();
    assert_eq!(status.code(), Some(0));
    stand.status("ada", mark, "offline");
    stand.status("ada", mark, "online");
    assert_ne!(machine_of(&stand), known);
    stand.ok("ada", "get_state", json!({}));
    assert_eq!(second.log().matches("another machine").count(), 1, "said once");
}

#[test]
fn one_that_waits_ends_in_time_and_says_nothing_in_the_name_of_the_other() {
    let stand = Stand::open();
    let (_one, first) = machine("55555555555555555555555555555555");
    let (_two, second) = machine("66666666666666666666666666666666");
    let _first = start(&stand, first);
    stand.status("ada", 0, "online");
    let mut second = start(&stand, second);
    second.logged("another machine");
    let mark = stand.operator.mark();
    let (status, took) = second.terminate();
    assert_eq!(status.code(), Some(0), "{status}\n{}", second.log());
    assert!(took < CAP, "it took {took:?}");
    // The broker is through with the one that left when it brings this answer.
    stand.ok("ada", "get_state", json!({}));
    let said = stand.operator.on(&format!("{PREFIX}/device/ada/status"), mark);
    assert_eq!(said, Vec::<serde_json::Value>::new());
}

#[test]
fn of_two_that_start_at_once_one_stays() {
    let stand = Stand::open();
    let (_one, first) = machine("33333333333333333333333333333333");
    let (_two, second) = machine("44444444444444444444444444444444");
    let daemons = [start(&stand, first), start(&stand, second)];
    let waits = |daemon: &Daemon| daemon.log().contains("another machine");
    crate::support::eventually("one to stand back", || daemons.iter().any(waits).then_some(()));
    stand.status("ada", 0, "online");
    stand.ok("ada", "get_state", json!({}));
    assert_eq!(daemons.iter().filter(|daemon| waits(daemon)).count(), 1);
    stand.ok("ada", "set_capture_volume", json!({"volume": 7}));
    assert_eq!(stand.state("ada")["microphone"]["volume"], 7);
}
