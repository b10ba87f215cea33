//! SIGHUP: the configuration is read again by the real program.

use std::fs;
use std::os::unix::net::UnixDatagram;

use super::bench::{Bench, Daemon, HOST, KIOSK};
use crate::support::{PATIENCE, eventually};

/// How often the log says that the configuration was dealt with.
fn rereads(daemon: &Daemon) -> Vec<String> {
    let of = |line: &&str| {
        line.contains("configuration read again") || line.contains("configuration was not taken")
    };
    daemon.log().lines().filter(of).map(str::to_owned).collect()
}

/// Writes another configuration, asks for it, and returns the one line about it.
fn reread(bench: &Bench, daemon: &Daemon, user_id: &str, text: &str) -> String {
    let before = rereads(daemon).len();
    bench.write_config(user_id, text);
    daemon.signal("HUP");
    let line = eventually("the line about it", || rereads(daemon).get(before).cloned());
    assert_eq!(rereads(daemon).len(), before + 1, "one line says it all");
    line
}

#[test]
fn a_guest_takes_what_it_can_and_says_what_needs_a_restart() {
    let bench = Bench::new();
    let info = bench.broker.listen_as("witness", &["-t", "coguest/v1/device/kiosk-7/info"]);
    let kiosk = bench.daemon("guest", KIOSK, "");
    // An operator's own setting stays, as long as its key does not change.
    bench.obeyed(&[KIOSK, "set_capture_volume", "volume=33"]);
    let text = bench
        .config("guest", KIOSK)
        .replace("[mqtt]\n", "name = \"Lobby\"\n[mqtt]\nkeep_alive = 20\n")
        .replace("quality = \"360p\"", "quality = \"540p\"\nmirror = true");
    let line = reread(&bench, &kiosk, KIOSK, &text);
    assert!(
        line.ends_with(
            "applied user.name, media.quality, media.mirror; a restart is needed for mqtt.keep_alive"
        ),
        "{line}"
    );
    let state = bench.obeyed(&[KIOSK, "get_state"]);
    assert_eq!(
        (state["camera"]["quality"].as_str(), state["microphone"]["volume"].as_u64()),
        (Some("540p"), Some(33))
    );
    info.wait_for("\"user_name\":\"Lobby\"");
    let line = reread(&bench, &kiosk, KIOSK, &text);
    assert!(line.ends_with("read again: a restart is needed for mqtt.keep_alive"), "{line}");
    let line = reread(&bench, &kiosk, KIOSK, &bench.config("guest", KIOSK));
    assert!(line.contains("applied user.name, media.quality, media.mirror"), "{line}");
}

#[test]
fn who_is_accepted_changes_at_once() {
    let bench = Bench::new();
    let host = bench.daemon("host", HOST, "[room]\nlive_id = \"lobby\"\n");
    let kiosk = bench.daemon("guest", KIOSK, "");
    bench.obeyed(&[KIOSK, "join_live", "live_id=lobby"]);
    let with = |role: &str, user: &str, more: &str| bench.config(role, user) + more;
    let live = "[room]\nlive_id = \"lobby\"\n";
    let line = reread(
        &bench,
        &host,
        HOST,
        &with("host", HOST, &format!("{live}[host]\naccept_applications = \"always\"\ncapacity = 1\n")),
    );
    assert!(line.contains("applied host.accept_applications, host.capacity"), "{line}");
    let events = bench.broker.listen_as("witness", &["-t", "coguest/v1/device/kiosk-7/event/#"]);
    bench.obeyed(&[KIOSK, "apply_for_seat"]);
    events.wait_for("event/seated ");
    bench.obeyed(&[KIOSK, "disconnect"]);
    events.wait_for("event/unseated ");
    reread(&bench, &kiosk, KIOSK, &with("guest", KIOSK, "[guest]\naccept_invitations = [\"lobby-host\"]\n"));
    bench.obeyed(&[HOST, "invite_to_seat", "invitee_id=kiosk-7", "media=audio", "seat_index=5"]);
    events.wait_for("event/seated {\"at\"");
    eventually("the seat of the invitation", || {
        bench.obeyed(&[KIOSK, "get_state"])["seat"]["index"].eq(&5).then_some(())
    });
}

#[test]
fn home_assistant_is_switched_on_and_off() {
    let bench = Bench::new();
    let home = bench.broker.listen_as("witness", &["-t", "homeassistant/#", "-F", "MESSAGE %t %l"]);
    let kiosk = bench.daemon("guest", KIOSK, "");
    let on = bench.config("guest", KIOSK)
        + "[home_assistant]\nenabled = true\ndiscovery_prefix = \"homeassistant\"\n";
    let line = reread(&bench, &kiosk, KIOSK, &on);
    assert!(line.ends_with("applied home_assistant.enabled"), "{line}");
    home.wait_for("homeassistant/device/kiosk-7/config ");
    reread(&bench, &kiosk, KIOSK, &bench.config("guest", KIOSK));
    home.wait_for("homeassistant/device/kiosk-7/config 0");
}

#[test]
fn the_log_grows_louder_and_quieter() {
    let bench = Bench::new();
    let text = bench.config("guest", KIOSK);
    let file = bench.write_config(KIOSK, &text);
    let kiosk = Daemon::start_quiet(KIOSK, &file);
    kiosk.logged("in no room");
    assert!(!kiosk.log().contains("DEBUG"), "{}", kiosk.log());
    let line = reread(&bench, &kiosk, KIOSK, &(text + "[log]\nlevel = \"debug\"\n"));
    assert!(line.contains("applied log.level"), "{line}");
    bench.ctl(&[KIOSK, "disconnect"]);
    kiosk.logged("DEBUG");
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let bench = Bench::new();
    let mut kiosk = bench.daemon("guest", KIOSK, "");
    let right = bench.config("guest", KIOSK);
    for (wrong, said) in [
        (
            right.replace("540p", "").replace("\"360p\"", "\"361p\""),
            "config.toml:11: `media.quality` must be",
        ),
        (right[..right.len() / 2].to_owned(), "config.toml:"),
        (right.clone() + "[room]\nlive = 'x'\n", "unknown key `room.live` (did you mean `room.live_id`?)"),
    ] {
        let line = reread(&bench, &kiosk, KIOSK, &wrong);
        assert!(line.contains("the old one stays: ") && line.contains(said), "{line}");
    }
    fs::remove_file(bench.path(KIOSK).join("config.toml")).expect("it is there");
    kiosk.signal("HUP");
    kiosk.logged("config.toml: No such file or directory");
    assert_eq!(bench.obeyed(&[KIOSK, "get_state"])["camera"]["quality"], "360p");
    assert!(kiosk.runs());
}

#[test]
fn systemd_is_told_when_it_begins_and_when_it_is_over() {
    let bench = Bench::new();
    let path = bench.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
    let config = bench.write_config(KIOSK, &bench.config("guest", KIOSK));
    let kiosk = Daemon::start(KIOSK, &config, &[("NOTIFY_SOCKET", path.as_os_str())]);
    let hear = |part: &str| loop {
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).expect("a notification");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.contains(part) {
            return text;
        }
    };
    hear("READY=1");
    kiosk.logged("in no room");
    kiosk.signal("HUP");
    let reloading = hear("RELOADING=1");
    let micros = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")?.parse::<u64>().ok());
    assert!(micros.is_some_and(|micros| micros > 0), "{reloading}");
    hear("READY=1");
}
