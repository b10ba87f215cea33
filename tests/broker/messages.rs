//! What arrives, and how.

use std::fs;

use coguestd::mqtt::connection::{Incoming, Publish, Qos, Retain, SubscribeOptions};

use crate::support::broker::{Broker, Setup};
use crate::support::peer::{Peer, settings};

const REQUESTS: SubscribeOptions = SubscribeOptions::REQUESTS;
const LEVELS: SubscribeOptions = SubscribeOptions::LEVELS;

fn subscribed(broker: &Broker, client: &str, filters: &[(&str, SubscribeOptions)]) -> Peer {
    let mut peer = Peer::open(settings(broker, client));
    for (filter, options) in filters {
        peer.link.subscribe(*filter, *options);
    }
    for (filter, _) in filters {
        peer.wait_subscribed(filter);
    }
    peer
}

#[test]
fn the_retain_flag_is_the_senders_for_requests_and_the_brokers_for_levels() {
    let broker = Broker::start();
    let mut peer = subscribed(&broker, "early", &[("command/#", REQUESTS), ("status/#", LEVELS)]);
    broker.publish(&["-r", "-t", "command/x", "-m", "forgotten"]);
    let forgotten = peer.wait_message();
    assert_eq!((forgotten.retain, &forgotten.payload[..]), (Retain::Yes, &b"forgotten"[..]));
    broker.publish(&["-r", "-n", "-t", "command/x"]);
    let cleared = peer.wait_message();
    assert_eq!((cleared.retain, cleared.payload.len()), (Retain::Yes, 0), "what clears it is no request");
    broker.publish(&["-n", "-t", "command/x"]);
    let meant = peer.wait_message();
    assert_eq!((meant.retain, meant.payload.len(), meant.qos), (Retain::No, 0, Qos::AtLeastOnce));

    broker.publish(&["-r", "-t", "status/a", "-m", "online"]);
    assert_eq!(peer.wait_message().retain, Retain::No, "published just now");
    let mut late = Peer::up(settings(&broker, "late"));
    late.link.subscribe("status/#", LEVELS);
    assert_eq!(late.wait_message().retain, Retain::Yes, "stored");
}

#[test]
fn response_topic_and_correlation_data_travel_both_ways() {
    let broker = Broker::start();
    let mut peer = subscribed(&broker, "peer", &[("command/#", REQUESTS)]);
    let replies = broker.listen(&["-t", "answers/#", "-F", "MESSAGE %t %D %p"]);
    let property =
        ["-D", "publish", "response-topic", "answers/7", "-D", "publish", "correlation-data", "c-7"];
    broker.publish(&[&["-t", "command/x", "-m", "ask"][..], &property[..]].concat());
    let request = peer.wait_message();
    assert_eq!(request.response_topic.as_deref(), Some("answers/7"));
    assert_eq!(request.correlation.as_deref(), Some(&b"c-7"[..]));

    let topic = request.response_topic.expect("checked");
    let reply = Publish { correlation: request.correlation, ..Publish::new(topic, "answer") };
    peer.link.publish(reply).expect("there is room");
    assert_eq!(replies.wait_for("answer"), "answers/7 c-7 answer");

    let ask = Publish { response_topic: Some("here".into()), ..Publish::new("command/y", "again") };
    peer.link.publish(Publish { correlation: Some("c-8".into()), ..ask }).expect("there is room");
    let echoed = peer.wait_message();
    assert_eq!(echoed.response_topic.as_deref(), Some("here"));
    assert_eq!(echoed.correlation.as_deref(), Some(&b"c-8"[..]));
}

#[test]
fn older_clients_are_heard() {
    let broker = Broker::start();
    let mut peer = subscribed(&broker, "peer", &[("command/#", REQUESTS)]);
    for version in ["mqttv31", "mqttv311"] {
        broker.publish(&["-V", version, "-t", "command/x", "-m", version]);
        let message = peer.wait_message();
        assert_eq!((&message.payload[..], message.retain), (version.as_bytes(), Retain::No));
        assert_eq!((message.response_topic, message.correlation), (None, None));
    }
}

#[test]
fn an_oversized_message_does_not_end_the_connection() {
    let broker = Broker::start();
    let mut peer = subscribed(&broker, "peer", &[("command/#", REQUESTS)]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("large");
    for size in [300 * 1024, 5 * 1024 * 1024] {
        fs::write(&file, vec![b'x'; size]).expect("writable");
        let path = file.to_str().expect("UTF-8");
        broker.publish(&["-t", "command/large", "-f", path]);
        broker.publish(&["-r", "-t", "command/large", "-f", path]);
    }
    fs::write(&file, vec![b'x'; 200 * 1024]).expect("writable");
    broker.publish(&["-t", "command/fits", "-f", file.to_str().expect("UTF-8")]);
    let fits = peer.wait_message();
    assert_eq!((fits.topic.as_str(), fits.payload.len()), ("command/fits", 200 * 1024));
    assert!(
        !peer.seen().iter().any(|incoming| matches!(incoming, Incoming::Down { .. })),
        "{:?}",
        peer.seen()
    );
    // Retained, it is there for whoever subscribes later, and harms as little.
    let mut late = subscribed(&broker, "late", &[("command/#", REQUESTS)]);
    broker.publish(&["-t", "command/x", "-m", "small"]);
    assert_eq!(&late.wait_message().payload[..], b"small");
}

#[test]
fn a_slow_receiver_makes_the_broker_wait_and_loses_nothing() {
    const MESSAGES: usize = 2_000;
    let broker = Broker::with(Setup::new().line("max_queued_messages 0"));
    let mut peer = subscribed(&broker, "peer", &[("command/#", REQUESTS)]);
    let sender = Peer::up(settings(&broker, "sender"));
    for number in 0..MESSAGES {
        sender.link.publish(Publish::new("command/x", number.to_string())).expect("there is room");
    }
    // The sender is done before the receiver has begun.
    let mut sender = sender;
    sender.link.close(vec![], std::time::Duration::from_secs(60));
    sender.wait("closed", |incoming| (*incoming == Incoming::Closed).then_some(()));
    for number in 0..MESSAGES {
        assert_eq!(peer.wait_message().payload, number.to_string());
    }
    assert!(!peer.seen().iter().any(|incoming| matches!(incoming, Incoming::Down { .. })));
}

#[test]
fn an_unsubscribed_filter_is_silent() {
    let broker = Broker::start();
    let mut peer = subscribed(&broker, "peer", &[("a", REQUESTS), ("b", REQUESTS)]);
    peer.link.unsubscribe("a");
    peer.link.subscribe("c", REQUESTS);
    peer.wait_subscribed("c");
    for topic in ["a", "b"] {
        broker.publish(&["-t", topic, "-m", "x"]);
    }
    assert_eq!(peer.wait_message().topic, "b");
}

#[test]
fn many_filters_are_all_taken() {
    const FILTERS: usize = 1_500;
    let broker = Broker::start();
    let mut peer = Peer::open(settings(&broker, "peer"));
    for number in 0..FILTERS {
        peer.link.subscribe(format!("device/{number}/status"), LEVELS);
    }
    peer.link.subscribe("wrong/#/filter", LEVELS);
    let (mut taken, mut refused) = (0, 0);
    peer.wait("all answers", |incoming| {
        match incoming {
            Incoming::Subscribed(_) => taken += 1,
            Incoming::Refused { filter, .. } if filter == "wrong/#/filter" => refused += 1,
            _ => {}
        }
        (taken + refused == FILTERS + 1).then_some(())
    });
    assert_eq!((taken, refused), (FILTERS, 1));
}
