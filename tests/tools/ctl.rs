//! `coguestd ctl`.

use std::fs;

use serde_json::json;

use super::bench::{Bench, HOST, KIOSK, coguestd, said};
use crate::support::broker::free_port;

#[test]
fn a_command_is_obeyed_and_its_result_printed() {
    let bench = Bench::new();
    let _host = bench.daemon("host", HOST, "[room]\nlive_id = \"lobby\"\n");
    let _kiosk = bench.daemon("guest", KIOSK, "");
    assert_eq!(bench.obeyed(&[KIOSK, "join_live", "live_id=lobby"]), json!({}));
    assert_eq!(bench.obeyed(&[KIOSK, "apply_for_seat", "seat_index=2", "media=audio"]), json!({}));
    let state = bench.obeyed(&[KIOSK, "get_state"]);
    assert_eq!(state["application"]["seat_index"], 2, "{state}");
    let events = bench.broker.listen_as("operator", &["-t", "coguest/v1/device/+/event/#"]);
    assert_eq!(bench.obeyed(&[HOST, "reject_application", "user_id=kiosk-7", "operator=desk-2"]), json!({}));
    assert!(events.wait_for("event/application_rejected").contains("\"operator\":\"desk-2\""));
}

#[test]
fn a_refusal_is_told_with_its_code_and_ends_with_one() {
    let bench = Bench::new();
    let _kiosk = bench.daemon("guest", KIOSK, "");
    let (status, out, wrong) = bench.ctl(&[KIOSK, "disconnect"]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(
        wrong.starts_with("coguestd: kiosk-7 refused disconnect: user_not_in_seat (100206): "),
        "{wrong}"
    );
    let (status, _, wrong) = bench.ctl(&[KIOSK, "set_capture_volume", "volume=101"]);
    assert_eq!(status, Some(1));
    assert!(wrong.contains("invalid_parameter (-1001): volume: "), "{wrong}");
    let (status, _, wrong) = bench.ctl(&[KIOSK, "get_stat"]);
    assert_eq!(status, Some(1));
    assert!(wrong.contains("unknown_command: ") && wrong.contains("did you mean get_state?"), "{wrong}");
}

#[test]
fn the_same_id_is_done_once() {
    let bench = Bench::new();
    let _kiosk = bench.daemon("guest", KIOSK, "");
    let replies = bench.broker.listen_as("witness", &["-t", "coguest/v1/response/#"]);
    bench.obeyed(&[KIOSK, "set_capture_volume", "volume=40", "--id", "call-1"]);
    bench.obeyed(&[KIOSK, "set_capture_volume", "volume=60", "--id", "call-2"]);
    // The first call again: answered, but not done a second time.
    bench.obeyed(&[KIOSK, "set_capture_volume", "volume=40", "--id", "call-1"]);
    assert_eq!(bench.obeyed(&[KIOSK, "get_state"])["microphone"]["volume"], 60);
    assert_eq!(replies.heard().iter().filter(|line| line.contains("\"id\":\"call-1\"")).count(), 2);
}

#[test]
fn nothing_is_sent_to_who_is_not_there() {
    let bench = Bench::new();
    let commands = bench.broker.listen_as("witness", &["-t", "coguest/v1/device/+/command/#"]);
    let (status, _, wrong) = bench.ctl(&["kiosk-9", "get_state"]);
    assert_eq!(status, Some(1));
    assert!(wrong.contains("no kiosk-9 is known to this broker"), "{wrong}");
    drop(bench.daemon("guest", KIOSK, ""));
    let status_topic = bench.broker.listen_as("witness", &["-t", "coguest/v1/device/kiosk-7/status"]);
    status_topic.wait_for("offline");
    let (status, _, wrong) = bench.ctl(&[KIOSK, "get_state"]);
    assert_eq!(status, Some(1));
    assert!(wrong.contains("kiosk-7 is offline: nothing was sent to it"), "{wrong}");
    assert_eq!(commands.heard(), Vec::<String>::new());
}

#[test]
fn a_daemon_that_does_not_answer_is_given_up() {
    let bench = Bench::new();
    let kiosk = bench.daemon("guest", KIOSK, "");
    kiosk.signal("STOP");
    let (status, _, wrong) = bench.ctl(&[KIOSK, "get_state", "--timeout", "1"]);
    assert_eq!(status, Some(1));
    assert_eq!(wrong, "coguestd: kiosk-7 did not answer get_state within 1 s");
}

#[test]
fn what_is_wrong_with_the_broker_is_one_line() {
    let bench = Bench::new();
    let _kiosk = bench.daemon("guest", KIOSK, "");
    let run = |arguments: &[&str]| said(&coguestd().args(arguments).output().expect("the program runs"));
    let port = free_port();
    let url = format!("mqtt://127.0.0.1:{port}");
    let (status, out, wrong) = run(&["ctl", KIOSK, "get_state", "--url", &url]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
    assert!(wrong.starts_with(&format!("coguestd: broker 127.0.0.1:{port} does not listen: ")), "{wrong}");
    let (status, _, wrong) = run(&["ctl", KIOSK, "get_state", "--url", "http://x"]);
    assert_eq!(status, Some(78));
    assert!(wrong.contains("`mqtt.url` must begin with mqtt:// or mqtts://"), "{wrong}");
    for arguments in [["ctl", "not/an/id", "get_state"], ["ctl", KIOSK, "a/b"], ["ctl", KIOSK, ""]] {
        assert_eq!(run(&arguments).0, Some(78), "{arguments:?}");
    }

    let password = bench.path("wrong.password");
    fs::write(&password, "wrong").expect("writable");
    let mut command = coguestd();
    command.args(["ctl", KIOSK, "get_state", "--url", &bench.broker.url(), "-u", "operator"]);
    command.arg("--password-file").arg(&password);
    let (status, _, wrong) = said(&command.output().expect("the program runs"));
    assert_eq!(status, Some(1));
    assert!(wrong.contains("refused the password of user operator"), "{wrong}");
}

#[test]
fn on_the_kiosk_itself_its_own_configuration_is_enough() {
    let bench = Bench::new();
    let _kiosk = bench.daemon("guest", KIOSK, "");
    let _other = bench.daemon("guest", "kiosk-8", "");
    let config = bench.path(KIOSK).join("config.toml");
    let ctl = |device: &str| {
        let mut command = coguestd();
        command.args(["ctl", device, "get_state", "--config"]).arg(&config);
        said(&command.output().expect("the program runs"))
    };
    let (status, out, wrong) = ctl(KIOSK);
    assert_eq!(status, Some(0), "{wrong}");
    assert!(out.contains("\"summary\""), "{out}");
    let (status, _, wrong) = ctl("kiosk-8");
    assert_eq!(status, Some(1));
    assert!(
        wrong.contains("does not let user kiosk-7 publish to coguest/v1/device/kiosk-8/command"),
        "{wrong}"
    );
}
