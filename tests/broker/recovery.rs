//! A broker that is away, killed, frozen, or forgetful.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use coguestd::mqtt::connection::{Incoming, Publish, Settings, SubscribeOptions, Will};

use crate::support::broker::{Broker, Setup, free_port};
use crate::support::eventually;
use crate::support::peer::{Peer, settings};
use crate::support::relay::Relay;

/// The topics that `client` published, as the broker's log tells, in order.
fn published(log: &str, client: &str) -> Vec<String> {
    let line = format!("Received PUBLISH from {client} ");
    let topic = |line: &str| line.split('\'').nth(1).map(str::to_owned);
    log.lines().filter(|entry| entry.contains(&line)).filter_map(topic).collect()
}

#[test]
fn levels_come_back_in_order_when_the_broker_has_forgotten_all() {
    let mut broker = Broker::start();
    let mut peer = Peer::open(settings(&broker, "peer"));
    peer.link.subscribe("command/#", SubscribeOptions::REQUESTS);
    for (topic, payload) in [("status", "online"), ("info", "{}"), ("state", "1"), ("state", "2")] {
        peer.link.keep(format!("peer/{topic}"), payload);
    }
    let heard = broker.listen(&["-t", "peer/#"]);
    heard.wait_for("peer/state 2");
    drop(heard);

    broker.kill();
    peer.wait_down();
    peer.link.keep("peer/state", "3");
    peer.link.keep("peer/state", "4");
    let before = broker.log().len();
    broker.start_again();
    assert!(!peer.wait_up(), "the broker has forgotten the session");
    let heard = broker.listen(&["-t", "peer/#"]);
    for level in ["peer/status online", "peer/info {}", "peer/state 4"] {
        heard.wait_for(level);
    }
    let log = &broker.log()[before..];
    assert_eq!(published(log, "peer"), ["peer/status", "peer/info", "peer/state"], "the latest value only");
    let order = ["Received SUBSCRIBE from peer", "Received PUBLISH from peer"].map(|line| log.find(line));
    assert!(order[0].is_some() && order[0] < order[1], "commands are heard before the status says so");
}

#[test]
fn queued_messages_survive_a_killed_broker_in_order() {
    let mut broker = Broker::start();
    let mut peer = Peer::up(settings(&broker, "peer"));
    let publish = |number: usize| {
        let message = Publish::new(format!("q/{number:03}"), number.to_string()).retained();
        peer.link.publish(message).expect("there is room");
    };
    // Sent but not acknowledged: the broker is silent. Then queued: the broker is gone.
    broker.freeze();
    (0..100).for_each(publish);
    broker.kill();
    (100..200).for_each(publish);
    peer.wait_down();
    let before = broker.log().len();
    broker.start_again();
    assert!(!peer.wait_up());
    let all: Vec<String> = (0..200).map(|number| format!("q/{number:03}")).collect();
    eventually("all messages", || (published(&broker.log()[before..], "peer").len() >= 200).then_some(()));
    assert_eq!(published(&broker.log()[before..], "peer"), all);
    let heard = broker.listen(&["-t", "q/#"]);
    heard.wait_for("q/000 0");
    heard.wait_for("q/199 199");
}

#[test]
fn a_command_accepted_while_the_cable_was_out_arrives() {
    let broker = Broker::start();
    let relay = Relay::to(broker.port());
    let mut peer = Peer::open(Settings { port: relay.port(), ..settings(&broker, "peer") });
    peer.link.subscribe("command/#", SubscribeOptions::REQUESTS);
    peer.wait_subscribed("command/#");
    relay.cut();
    peer.wait_down();
    broker.publish(&["-t", "command/x", "-m", "accepted meanwhile"]);
    relay.mend();
    assert!(peer.wait_up(), "the broker has kept the session");
    assert_eq!(peer.wait_message().payload, "accepted meanwhile");
}

#[test]
fn a_filter_dropped_while_the_cable_was_out_is_dropped_at_the_broker_too() {
    let broker = Broker::start();
    let relay = Relay::to(broker.port());
    let mut peer = Peer::open(Settings { port: relay.port(), ..settings(&broker, "peer") });
    for filter in ["keep", "drop"] {
        peer.link.subscribe(filter, SubscribeOptions::LEVELS);
        peer.wait_subscribed(filter);
    }
    relay.cut();
    peer.wait_down();
    peer.link.unsubscribe("drop");
    relay.mend();
    assert!(peer.wait_up());
    peer.wait_subscribed("keep");
    eventually("the unsubscription", || {
        broker.log().contains("Received UNSUBSCRIBE from peer").then_some(())
    });
    for topic in ["drop", "keep"] {
        broker.publish(&["-t", topic, "-m", "x"]);
    }
    assert_eq!(peer.wait_message().topic, "keep");
}

#[test]
fn a_program_just_started_does_not_hear_what_was_said_to_its_former_life() {
    let broker = Broker::start();
    let mut former = Peer::open(settings(&broker, "peer"));
    former.link.subscribe("command/#", SubscribeOptions::REQUESTS);
    former.wait_subscribed("command/#");
    former.abandon();
    eventually("its end", || {
        broker
            .log()
            .contains("Sending PUBLISH")
            .then_some(())
            .or_else(|| broker.log().contains("Client peer closed its connection").then_some(()))
    });
    broker.publish(&["-t", "command/x", "-m", "too late"]);
    let mut peer = Peer::open(settings(&broker, "peer"));
    peer.link.subscribe("command/#", SubscribeOptions::REQUESTS);
    assert!(!peer.wait_up());
    peer.wait_subscribed("command/#");
    broker.publish(&["-t", "command/x", "-m", "in time"]);
    assert_eq!(peer.wait_message().payload, "in time");
}

#[test]
fn a_dead_socket_is_noticed() {
    let broker = Broker::start();
    let relay = Relay::to(broker.port());
    let keep_alive = Duration::from_secs(5);
    let mut peer = Peer::up(Settings { port: relay.port(), keep_alive, ..settings(&broker, "peer") });
    relay.stall();
    let why = peer.wait_down();
    assert!(why.contains("no sign of life"), "{why}");
    relay.cut();
    relay.mend();
    peer.wait_up();
}

#[test]
fn a_broker_that_is_not_there_is_told_once_and_found_later() {
    let port = free_port();
    let mut peer = Peer::open(Settings::new("127.0.0.1", port, "peer"));
    let why = peer.wait_down();
    assert_eq!(
        why,
        format!("broker 127.0.0.1:{port} does not listen: start the broker or check the port in mqtt.url")
    );
    // Some attempts later there is still one report.
    std::thread::sleep(Duration::from_millis(1_500));
    let broker = Broker::start();
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("nobody else took it");
    let (mut near, _) = listener.accept().expect("it comes back");
    drop(listener);
    near.write_all(b"\x20\x03\x00\x00\x00").expect("it listens");
    assert!(!peer.wait_up());
    let downs = peer.seen().iter().filter(|incoming| matches!(incoming, Incoming::Down { .. })).count();
    assert_eq!(downs, 1, "{:?}", peer.seen());
    drop(broker);
}

#[test]
fn a_name_that_does_not_resolve_is_told() {
    let mut peer = Peer::open(Settings::new("broker.invalid", 1883, "peer"));
    let why = peer.wait_down();
    assert!(why.contains("broker.invalid:1883 cannot be found") && why.contains("DNS"), "{why}");
}

#[test]
fn a_broker_that_talks_nonsense_is_left_and_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let mut peer = Peer::open(Settings::new("127.0.0.1", port, "peer"));
    let answers: [(&[u8], &str); 5] = [
        // A packet of MQTT 5 whose properties are cut off.
        (b"\x20\x03\x00\x00\x00\x32\x06\x00\x01t\x00\x07\x09", "sent something that is not MQTT 5"),
        // A web server. Read as MQTT its `H` begins a packet of 84 bytes, so only a whole response can be judged.
        (
            b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 28\r\n\r\n<h1>400 Bad Request</h1>\r\n\r\n",
            "does not answer like an MQTT 5 broker",
        ),
        (b"\x20\x03\x00\x84\x00", "does not speak MQTT 5"),
        // Accepted, then a packet of a type that does not exist.
        (b"\x20\x03\x00\x00\x00\xF0\x02\x00\x00", "sent something that is not MQTT 5"),
        // Accepted, then a message of 2 MiB, which we have forbidden.
        (b"\x20\x03\x00\x00\x00\x30\x80\x80\x80\x01", "sent something that is not MQTT 5"),
    ];
    for (answer, expected) in answers {
        let (mut near, _) = listener.accept().expect("it comes back");
        let mut hello = [0; 1024];
        assert!(near.read(&mut hello).expect("it says hello") > 0);
        near.write_all(answer).expect("it listens");
        let why = peer.wait_down();
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn what_the_broker_cannot_take_is_dropped_and_the_rest_goes_on() {
    let broker = Broker::with(Setup::new().line("max_packet_size 2000"));
    let mut peer = Peer::up(settings(&broker, "peer"));
    let heard = broker.listen(&["-t", "#"]);
    peer.link.keep("level/large", vec![b'x'; 3_000]);
    peer.link.publish(Publish::new("event/large", vec![b'x'; 3_000])).expect("there is room");
    peer.link.publish(Publish::new("event/small", "fits")).expect("there is room");
    heard.wait_for("event/small fits");
    peer.link.keep("level/large", "small now");
    heard.wait_for("level/large small now");
    peer.link.close(vec![], Duration::from_secs(10));
    peer.wait("closed", |incoming| (*incoming == Incoming::Closed).then_some(()));
    assert!(!peer.seen().iter().any(|incoming| matches!(incoming, Incoming::Down { .. })));
}

/// What a broker without MQTT 5 does with a CONNECT of that version.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// A CONNACK of MQTT 3.1.1: "unacceptable protocol version".
    Answers,
    HangsUp,
    IsMute,
}

/// Whether it answers MQTT 3.1.1.
#[derive(Clone, Copy, Debug)]
enum Older {
    Spoken,
    Unspoken,
}

/// Listens until the program ends; returns its port.
fn broker_without_mqtt_5(refusal: Refusal, older: Older) -> u16 {
    const LEVEL: usize = 8;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let mut mute = Vec::new();
        for near in listener.incoming() {
            let mut near = near.expect("somebody connects");
            let mut hello = [0; 1024];
            let read = near.read(&mut hello).expect("it says hello");
            let answer: Option<&[u8]> = match (hello[..read].get(LEVEL), refusal, older) {
                (Some(4), _, Older::Spoken) => Some(b"\x20\x02\x00\x05"),
                (_, Refusal::Answers, _) => Some(b"\x20\x02\x00\x01"),
                (_, Refusal::HangsUp, _) => Some(b""),
                (_, Refusal::IsMute, _) => None,
            };
            match answer {
                Some(answer) => near.write_all(answer).expect("it listens"),
                None => mute.push(near),
            }
        }
    });
    port
}

#[test]
fn a_broker_without_mqtt_5_is_called_that() {
    let ways = [
        (Refusal::Answers, Older::Spoken),
        (Refusal::HangsUp, Older::Spoken),
        (Refusal::IsMute, Older::Spoken),
        (Refusal::HangsUp, Older::Unspoken),
        (Refusal::IsMute, Older::Unspoken),
    ];
    let mut peers = ways.map(|(refusal, older)| {
        let port = broker_without_mqtt_5(refusal, older);
        ((refusal, older), Peer::open(Settings::new("127.0.0.1", port, "peer")))
    });
    for (way, peer) in &mut peers {
        let why = peer.wait_down();
        assert!(why.contains("does not speak MQTT 5"), "{way:?}: {why}");
        assert!(!why.contains("TLS") && !why.contains("firewall"), "{way:?}: {why}");
    }
}

#[test]
fn a_broker_whose_packets_are_too_small_to_connect_is_called_that() {
    let broker = Broker::with(Setup::new().line("max_packet_size 60"));
    let will = Will { topic: "x".repeat(60), payload: "offline".into() };
    let mut peer = Peer::open(Settings { will: Some(will), ..settings(&broker, "peer") });
    let why = peer.wait_down();
    assert!(why.contains("max_packet_size") && !why.contains("MQTT 5"), "{why}");
}
