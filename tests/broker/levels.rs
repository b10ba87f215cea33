//! Levels that somebody else takes away, and what a broker does not take.

use std::time::{Duration, Instant};

use coguestd::mqtt::connection::{DropCause, Feature, Incoming, Publish, Retain, Settings};

use crate::support::broker::{Broker, Setup};
use crate::support::eventually;
use crate::support::peer::{Peer, settings, settings_of};

fn kept(broker: &Broker, client: &str) -> Peer {
    let peer = Peer::up(settings(broker, client));
    peer.link.keep("own/state", "ours");
    broker.listen(&["-t", "own/state"]).wait_for("own/state ours");
    peer
}

#[test]
fn a_level_that_somebody_empties_or_overwrites_is_published_again() {
    let broker = Broker::start();
    let mut peer = kept(&broker, "peer");
    for taken in [&["-n"][..], &["-m", "nonsense"]] {
        broker.publish(&[&["-r", "-t", "own/state"], taken].concat());
        peer.wait("the renewal", |incoming| {
            (*incoming == Incoming::Renewed { topic: "own/state".into() }).then_some(())
        });
        broker.listen(&["-t", "own/state"]).wait_for("own/state ours");
    }
    assert!(
        !peer.seen().iter().any(|incoming| matches!(incoming, Incoming::Message(_))),
        "{:?}",
        peer.seen()
    );
}

#[test]
fn who_empties_a_level_in_a_loop_is_not_answered_in_a_loop() {
    let broker = Broker::start();
    let mut peer = kept(&broker, "peer");
    let other = Peer::up(settings(&broker, "other"));
    let begin = Instant::now();
    let mut emptied = 0;
    while begin.elapsed() < Duration::from_secs(3) {
        other.link.publish(Publish::new("own/state", "").retained()).expect("there is room");
        emptied += 1;
        std::thread::sleep(Duration::from_millis(10));
    }
    broker.listen(&["-t", "own/state"]).wait_for("own/state ours");
    peer.link.close(vec![], Duration::from_secs(20));
    peer.wait("closed", |incoming| (*incoming == Incoming::Closed).then_some(()));
    let line = "Received PUBLISH from peer ";
    let published = broker.log().lines().filter(|entry| entry.contains(line)).count();
    // Once at the start; then after 0, 0.5, 1.5, 3.5 and 7.5 s, however long this machine takes for it.
    let most = 8 + usize::try_from(begin.elapsed().as_secs() / 4).expect("small");
    assert!(published >= 3 && published <= most && emptied > most, "{published} of {emptied}");
}

#[test]
fn where_an_own_level_may_not_be_read_all_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let acl = folder.path().join("acl");
    std::fs::write(&acl, "user peer\ntopic write #\nuser witness\ntopic readwrite #\n").expect("writable");
    let setup = Setup::new().users(&["peer", "witness"]).line(&format!("acl_file {}", acl.display()));
    let broker = Broker::with(setup);
    let peer = Peer::up(settings_of(&broker, "peer"));
    peer.link.keep("own/state", "1");
    broker.listen_as("witness", &["-t", "own/state"]).wait_for("own/state 1");
    broker.publish_as("witness", &["-r", "-n", "-t", "own/state"]);
    peer.link.keep("own/state", "2");
    broker.listen_as("witness", &["-t", "own/state"]).wait_for("own/state 2");
    let refused = |incoming: &Incoming| matches!(incoming, Incoming::Refused { .. } | Incoming::Down { .. });
    assert!(!peer.seen().iter().any(refused), "{:?}", peer.seen());
}

#[test]
fn a_level_that_is_too_large_is_told_with_the_limit_and_when_it_fits_again() {
    let broker = Broker::with(Setup::new().line("max_packet_size 512"));
    let mut peer = Peer::up(settings(&broker, "peer"));
    assert_eq!(peer.link.granted().max_packet, Some(512));
    peer.link.keep("room", vec![b'x'; 512]);
    let (cause, retain, why) = peer.wait("the refusal", |incoming| match incoming {
        Incoming::Dropped { topic, why, cause, retain } if topic == "room" => {
            Some((*cause, *retain, why.clone()))
        }
        _ => None,
    });
    assert_eq!((cause, retain), (DropCause::PacketSize(512), Retain::Yes));
    assert!(why.contains("at most 512 bytes") && why.contains("max_packet_size"), "{why}");
    assert!(!why.contains("access list"), "{why}");
    peer.link.keep("room", "small");
    peer.wait("the news", |incoming| {
        (*incoming == Incoming::Restored { topic: "room".into() }).then_some(())
    });
    broker.listen(&["-t", "room"]).wait_for("room small");
}

#[test]
fn a_packet_of_exactly_the_maximum_is_sent() {
    let broker = Broker::with(Setup::new().line("max_packet_size 512"));
    let peer = Peer::up(settings(&broker, "peer"));
    let heard = broker.listen(&["-t", "a/#"]);
    let empty = Publish::new("a/1", "").size();
    // Behind the header's one byte of length for up to 127 bytes comes a second.
    let fits = Publish::new("a/1", vec![b'x'; 512 - empty - 1]);
    assert_eq!(fits.size(), 512);
    let over = Publish::new("a/2", vec![b'x'; 512 - empty]);
    for message in [over, fits, Publish::new("a/3", "end")] {
        peer.link.publish(message).expect("there is room");
    }
    heard.wait_for("a/3 end");
    let topics: Vec<String> = heard.heard().iter().map(|line| line[..3].to_owned()).collect();
    assert_eq!(topics, ["a/1", "a/3"]);
    assert!(!peer.seen().iter().any(|incoming| matches!(incoming, Incoming::Down { .. })));
    peer.link.close(vec![], Duration::from_secs(10));
}

#[test]
fn a_broker_without_retained_messages_or_without_qos_1_still_hears_what_is_said() {
    for (line, kept) in [("retain_available false", Feature::Missing), ("max_qos 0", Feature::Available)] {
        let broker = Broker::with(Setup::new().line(line));
        // A will would be retained and of QoS 1, and be refused.
        let mut peer = Peer::up(Settings { will: None, ..settings(&broker, "peer") });
        assert_eq!(peer.link.granted().retain, kept, "{line}");
        let heard = broker.listen(&["-t", "own/#"]);
        peer.link.keep("own/state", "said");
        heard.wait_for("own/state said");
        if kept == Feature::Missing {
            peer.wait("the news", |incoming| match incoming {
                Incoming::Dropped { cause: DropCause::NotRetained, why, .. } => {
                    assert!(why.contains("retain_available"), "{why}");
                    Some(())
                }
                _ => None,
            });
        }
        assert!(!peer.seen().iter().any(|incoming| matches!(incoming, Incoming::Down { .. })), "{line}");
    }
}

#[test]
fn a_broker_that_takes_one_message_at_once_gets_all_of_them_in_order() {
    const MESSAGES: usize = 50;
    let broker = Broker::with(Setup::new().line("max_inflight_messages 1"));
    let peer = Peer::up(settings(&broker, "peer"));
    assert_eq!(peer.link.granted().receive_maximum, 1);
    let heard = broker.listen(&["-t", "own/#"]);
    for number in 0..MESSAGES {
        peer.link.publish(Publish::new("own/word", number.to_string())).expect("there is room");
    }
    heard.wait_for(&format!("own/word {}", MESSAGES - 1));
    let expected: Vec<String> = (0..MESSAGES).map(|number| format!("own/word {number}")).collect();
    assert_eq!(heard.heard(), expected);
}

#[test]
fn a_broker_is_asked_for_a_sign_of_life_as_often_as_it_wants_one() {
    // The shortest that mosquitto takes.
    let broker = Broker::with(Setup::new().line("max_keepalive 10"));
    let peer = Peer::up(Settings { keep_alive: Duration::from_secs(600), ..settings(&broker, "peer") });
    assert_eq!(peer.link.granted().keep_alive, Some(Duration::from_secs(10)));
    eventually("a sign of life", || broker.log().contains("Received PINGREQ from peer").then_some(()));
    assert!(!peer.seen().iter().any(|incoming| matches!(incoming, Incoming::Down { .. })));
}

/// A broker that leaves Nagle's algorithm on holds each message back until the one before is acknowledged.
#[test]
fn an_ordinary_broker_is_answered_without_a_pause() {
    const QUESTIONS: usize = 100;
    let broker = Broker::start();
    let mut asker = Peer::up(settings(&broker, "asker"));
    let mut answerer = Peer::up(settings(&broker, "answerer"));
    asker.link.subscribe("answer", coguestd::mqtt::connection::SubscribeOptions::LEVELS);
    answerer.link.subscribe("question", coguestd::mqtt::connection::SubscribeOptions::LEVELS);
    asker.wait_subscribed("answer");
    answerer.wait_subscribed("question");
    let mut times = Vec::new();
    for number in 0..QUESTIONS {
        let begin = Instant::now();
        asker.link.publish(Publish::new("question", number.to_string())).expect("there is room");
        answerer.wait_message();
        answerer.link.publish(Publish::new("answer", number.to_string())).expect("there is room");
        asker.wait_message();
        times.push(begin.elapsed());
    }
    times.sort();
    // A delayed acknowledgement takes 40 ms at each end. The quickest tenth tells on a machine that is busy, too.
    assert!(times[QUESTIONS / 10] < Duration::from_millis(20), "{times:?}");
}
