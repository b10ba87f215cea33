//! The access list the project ships: who may say what.

use coguestd::mqtt::connection::{Publish, SubscribeOptions};

use crate::support::broker::{Broker, Setup};
use crate::support::peer::{Peer, settings_of};

const USERS: [&str; 5] = ["kiosk-7", "kiosk-8", "lobby-host", "operator", "wall-1"];
const ROOM: &str = "coguest/v1/room/lobby";

/// Who publishes where, and whether it gets through.
fn attempts() -> Vec<(&'static str, String, bool)> {
    let device = |who: &str, what: &str| format!("coguest/v1/device/{who}/{what}");
    let guest = |who: &str, what: &str| format!("{ROOM}/guest/{who}/{what}");
    let mut attempts = Vec::new();
    for what in ["status", "info", "state", "stats", "event/seated", "reply/get_state"] {
        attempts.push(("kiosk-7", device("kiosk-7", what), true));
        attempts.push(("lobby-host", device("lobby-host", what), true));
        attempts.push(("kiosk-7", device("kiosk-8", what), false));
        attempts.push(("operator", device("kiosk-8", what), false));
    }
    for what in ["to_host", "to_stage"] {
        attempts.push(("kiosk-7", guest("kiosk-7", what), true));
        attempts.push(("kiosk-7", guest("kiosk-8", what), false));
        attempts.push(("operator", guest("kiosk-7", what), false));
        attempts.push(("lobby-host", guest("kiosk-7", what), false));
    }
    for (who, gets_through) in [("lobby-host", true), ("kiosk-7", false), ("operator", false)] {
        attempts.push((who, guest("kiosk-7", "to_guest"), gets_through));
        attempts.push((who, format!("{ROOM}/state"), gets_through));
    }
    attempts.push(("lobby-host", "coguest/v1/room/other/state".into(), false));
    // The machine itself, for the tools on it, and nobody else's.
    for (who, gets_through) in [("operator", true), ("kiosk-8", false), ("kiosk-7", true)] {
        attempts.push((who, device("kiosk-7", "command/get_state"), gets_through));
    }
    // A wall looks, and does nothing else.
    for (command, gets_through) in [
        ("take_seat_snapshot", true),
        ("get_state", true),
        ("watch", true),
        ("watch_answer", true),
        ("unwatch", true),
        ("talk", false),
        ("kick_user_out_of_seat", false),
        ("end_live", false),
    ] {
        attempts.push(("wall-1", device("lobby-host", &format!("command/{command}")), gets_through));
    }
    attempts.push(("kiosk-7", "coguest/v1/response/operator/1".into(), true));
    attempts.push(("kiosk-7", "homeassistant/device/kiosk-7/config".into(), true));
    attempts.push(("kiosk-7", "homeassistant/switch/kiosk-7/camera/config".into(), true));
    attempts.push(("kiosk-7", "homeassistant/device/kiosk-8/config".into(), false));
    attempts
}

#[test]
fn nobody_speaks_for_another() {
    // A user who may hear everything, beside the shipped list, sees what gets through.
    let broker = Broker::with(Setup::new().users(&USERS).witness("witness").shipped_acl());
    let heard = broker.listen_as("witness", &["-t", "#"]);
    let attempts = attempts();
    for user in USERS {
        let mut peer = Peer::up(settings_of(&broker, user));
        for (number, (_, topic, _)) in attempts.iter().enumerate().filter(|(_, (who, ..))| *who == user) {
            peer.link.publish(Publish::new(topic, number.to_string())).expect("there is room");
        }
        peer.link.close(vec![], crate::support::PATIENCE);
        peer.wait("closed", |incoming| {
            (*incoming == coguestd::mqtt::connection::Incoming::Closed).then_some(())
        });
    }
    broker.publish_as("witness", &["-t", "end", "-m", "mark"]);
    heard.wait_for("end mark");
    let through = heard.heard();
    for (number, (who, topic, gets_through)) in attempts.iter().enumerate() {
        let got = through.contains(&format!("{topic} {number}"));
        assert_eq!(got, *gets_through, "{who} publishes to {topic}");
    }
}

/// Who subscribes to which filter, what is published then, and whether it is heard.
const LISTENS: [(&str, &str, &str, bool); 23] = [
    ("kiosk-7", "coguest/v1/device/kiosk-7/state", "coguest/v1/device/kiosk-7/state", true),
    ("kiosk-7", "coguest/v1/device/kiosk-8/event/#", "coguest/v1/device/kiosk-8/event/seated", false),
    ("kiosk-7", "coguest/v1/response/kiosk-7/#", "coguest/v1/response/kiosk-7/1", true),
    ("kiosk-7", "coguest/v1/response/operator/#", "coguest/v1/response/operator/1", false),
    ("kiosk-7", "coguest/v1/device/kiosk-7/command/#", "coguest/v1/device/kiosk-7/command/x", true),
    ("kiosk-7", "coguest/v1/device/kiosk-8/command/#", "coguest/v1/device/kiosk-8/command/x", false),
    ("kiosk-7", "coguest/v1/device/kiosk-7/info", "coguest/v1/device/kiosk-7/info", true),
    ("kiosk-7", "coguest/v1/device/lobby-host/status", "coguest/v1/device/lobby-host/status", true),
    ("kiosk-7", "coguest/v1/device/+/state", "coguest/v1/device/kiosk-8/state", false),
    ("kiosk-7", "coguest/v1/room/lobby/state", "coguest/v1/room/lobby/state", true),
    (
        "kiosk-7",
        "coguest/v1/room/lobby/guest/kiosk-7/to_guest",
        "coguest/v1/room/lobby/guest/kiosk-7/to_guest",
        true,
    ),
    (
        "kiosk-7",
        "coguest/v1/room/lobby/guest/+/to_guest",
        "coguest/v1/room/lobby/guest/kiosk-8/to_guest",
        false,
    ),
    (
        "kiosk-7",
        "coguest/v1/room/lobby/guest/+/to_host",
        "coguest/v1/room/lobby/guest/kiosk-8/to_host",
        false,
    ),
    (
        "lobby-host",
        "coguest/v1/room/lobby/guest/+/to_host",
        "coguest/v1/room/lobby/guest/kiosk-8/to_host",
        true,
    ),
    (
        "lobby-host",
        "coguest/v1/room/lobby/guest/+/to_stage",
        "coguest/v1/room/lobby/guest/kiosk-8/to_stage",
        true,
    ),
    (
        "lobby-host",
        "coguest/v1/room/other/guest/+/to_host",
        "coguest/v1/room/other/guest/kiosk-8/to_host",
        false,
    ),
    ("lobby-host", "coguest/v1/device/+/status", "coguest/v1/device/kiosk-8/status", true),
    ("operator", "coguest/v1/device/#", "coguest/v1/device/kiosk-8/event/seated", true),
    ("operator", "coguest/v1/response/operator/#", "coguest/v1/response/operator/1", true),
    ("operator", "coguest/v1/response/+/+", "coguest/v1/response/wall-1/1", false),
    ("wall-1", "coguest/v1/room/lobby/state", "coguest/v1/room/lobby/state", true),
    ("wall-1", "coguest/v1/response/operator/#", "coguest/v1/response/operator/1", false),
    ("operator", "coguest/v1/room/+/guest/#", "coguest/v1/room/lobby/guest/kiosk-8/to_stage", false),
];

#[test]
fn everybody_hears_what_is_for_them() {
    let broker = Broker::with(Setup::new().users(&USERS).witness("witness").shipped_acl());
    let mark = |user: &str| format!("coguest/v1/device/{user}/command/mark");
    for user in USERS {
        let mut peer = Peer::up(settings_of(&broker, user));
        let own = mark(user);
        let own_filter = if user == "operator" { "coguest/v1/device/+/command/mark" } else { own.as_str() };
        peer.link.subscribe(own_filter, SubscribeOptions::REQUESTS);
        peer.wait_subscribed(own_filter);
        for (_, filter, ..) in LISTENS.iter().filter(|(who, ..)| *who == user) {
            peer.link.subscribe(*filter, SubscribeOptions::REQUESTS);
            peer.wait("an answer", |incoming| match incoming {
                coguestd::mqtt::connection::Incoming::Subscribed(taken) if taken == filter => Some(()),
                coguestd::mqtt::connection::Incoming::Refused { filter: refused, .. }
                    if refused == filter =>
                {
                    Some(())
                }
                _ => None,
            });
        }
        for (_, _, topic, _) in LISTENS.iter().filter(|(who, ..)| *who == user) {
            broker.publish_as("witness", &["-t", topic, "-m", "x"]);
        }
        broker.publish_as("witness", &["-t", &own, "-m", "mark"]);
        let mut heard = Vec::new();
        while heard.last() != Some(&own) {
            heard.push(peer.wait_message().topic);
        }
        for (_, filter, topic, hears) in LISTENS.iter().filter(|(who, ..)| *who == user) {
            assert_eq!(heard.iter().any(|heard| heard == topic), *hears, "{user} hears {topic} by {filter}");
        }
    }
}
