//! Coming and going: wills, goodbyes, and two machines with one name.

use std::time::Duration;

use coguestd::mqtt::connection::{Incoming, Participation, Publish, SubscribeOptions};

use crate::support::broker::Broker;
use crate::support::peer::{Peer, settings};

const CAP: Duration = Duration::from_secs(20);

fn closed(peer: &mut Peer) {
    peer.wait("closed", |incoming| (*incoming == Incoming::Closed).then_some(()));
}

fn up_as(peer: &mut Peer, wanted: Participation) {
    peer.wait("a connection", |incoming| match incoming {
        Incoming::Up { presence, .. } if *presence == wanted => Some(()),
        _ => None,
    });
}

#[test]
fn the_will_is_said_when_the_program_dies() {
    let broker = Broker::start();
    let heard = broker.listen(&["-t", "peer/#"]);
    let mut peer = Peer::up(settings(&broker, "peer"));
    peer.link.keep("peer/status", "online");
    heard.wait_for("peer/status online");
    peer.abandon();
    heard.wait_for("peer/status offline");
    let late = broker.listen(&["-t", "peer/#"]);
    assert_eq!(late.wait_for("peer/status"), "peer/status offline", "it is retained");
}

#[test]
fn a_goodbye_sends_everything_and_then_the_last_words() {
    let broker = Broker::start();
    let heard = broker.listen(&["-t", "peer/#"]);
    let mut peer = Peer::up(settings(&broker, "peer"));
    peer.link.keep("peer/status", "online");
    peer.link.keep("peer/state", "left");
    for number in 0..150 {
        peer.link.publish(Publish::new("peer/event", number.to_string())).expect("there is room");
    }
    peer.link.close(vec![Publish::new("peer/status", "gone in peace").retained()], CAP);
    closed(&mut peer);
    heard.wait_for("gone in peace");
    broker.publish(&["-t", "peer/end", "-m", "mark"]);
    heard.wait_for("peer/end mark");
    let all = heard.heard();
    let at = |wanted: &str| all.iter().position(|line| line == wanted);
    assert_eq!(all.iter().filter(|line| line.starts_with("peer/event")).count(), 150);
    assert!(at("peer/event 149") < at("peer/status gone in peace"));
    assert!(at("peer/state left") < at("peer/status gone in peace"));
    assert_eq!(at("peer/status offline"), None, "the will is for those who die");
    assert_eq!(all.last().map(String::as_str), Some("peer/end mark"));
}

#[test]
fn a_goodbye_without_a_broker_ends_too() {
    let mut broker = Broker::start();
    let mut peer = Peer::up(settings(&broker, "peer"));
    broker.kill();
    peer.wait_down();
    peer.link.publish(Publish::new("peer/event", "x")).expect("there is room");
    peer.link.close(vec![], CAP);
    closed(&mut peer);

    // Connected, but the broker answers nothing any more.
    broker.start_again();
    let mut peer = Peer::up(settings(&broker, "peer"));
    broker.freeze();
    peer.link.close(vec![Publish::new("peer/status", "offline")], Duration::from_millis(300));
    closed(&mut peer);
    broker.thaw();
}

#[test]
fn standing_down_says_nothing_and_taking_part_says_all_again() {
    let broker = Broker::start();
    let heard = broker.listen(&["-t", "#"]);
    let mut peer = Peer::up(settings(&broker, "peer"));
    peer.link.subscribe("watched", SubscribeOptions::LEVELS);
    peer.link.keep("peer/status", "online");
    heard.wait_for("peer/status online");

    peer.link.stand_down();
    up_as(&mut peer, Participation::Watching);
    peer.wait_subscribed("watched");
    peer.link.keep("peer/state", "unsaid");
    peer.link.publish(Publish::new("peer/event", "unsaid")).expect("dropped");
    broker.publish(&["-t", "watched", "-m", "seen"]);
    assert_eq!(peer.wait_message().payload, "seen");
    broker.publish(&["-t", "mark", "-m", "1"]);
    heard.wait_for("mark 1");
    assert_eq!(heard.heard(), ["peer/status online", "watched seen", "mark 1"], "no will, no word");

    peer.link.take_part();
    up_as(&mut peer, Participation::TakingPart);
    heard.wait_for("peer/state unsaid");
    let status = heard.heard().iter().filter(|line| *line == "peer/status online").count();
    assert_eq!(status, 2);
    assert!(!heard.heard().iter().any(|line| line.starts_with("peer/event")));
    peer.abandon();
    heard.wait_for("peer/status offline");
}

#[test]
fn a_watcher_from_the_start_has_no_will() {
    let broker = Broker::start();
    let heard = broker.listen(&["-t", "#"]);
    let mut settings = settings(&broker, "peer");
    settings.presence = Participation::Watching;
    let mut peer = Peer::open(settings);
    up_as(&mut peer, Participation::Watching);
    peer.link.keep("peer/status", "online");
    peer.abandon();
    drop(peer);
    broker.publish(&["-t", "mark", "-m", "1"]);
    heard.wait_for("mark 1");
    assert_eq!(heard.heard(), ["mark 1"]);
}

#[test]
fn a_level_overwritten_by_somebody_else_is_renewed() {
    let broker = Broker::start();
    let heard = broker.listen(&["-t", "peer/#"]);
    let peer = Peer::up(settings(&broker, "peer"));
    peer.link.keep("peer/status", "online");
    heard.wait_for("peer/status online");
    broker.publish(&["-r", "-t", "peer/status", "-m", "offline"]);
    heard.wait_for("peer/status offline");
    peer.link.renew("peer/status");
    peer.link.keep("peer/done", "1");
    heard.wait_for("peer/done 1");
    assert_eq!(heard.heard()[2], "peer/status online");
}
