//! The desk without a broker.

use super::super::MAX_QUEUED;
use super::*;

fn taking_part() -> Wishes {
    Wishes::new(Presence::TakingPart)
}

/// Everything that would be handed over now, as `topic=payload`, and its flights.
fn drain(wishes: &mut Wishes) -> (Vec<String>, Vec<Flight>) {
    let (mut seen, mut flights) = (Vec::new(), Vec::new());
    while let Some(outgoing) = wishes.next_publish() {
        let message = match outgoing {
            Outgoing::Acknowledged(flight, message) => {
                flights.push(flight);
                message
            }
            Outgoing::Unacknowledged(message) => message,
        };
        seen.push(format!("{}={}", message.topic, String::from_utf8_lossy(&message.payload)));
    }
    (seen, flights)
}

fn settle(wishes: &mut Wishes, flights: &[Flight]) {
    for flight in flights {
        wishes.settled(flight);
    }
}

#[test]
fn levels_come_first_and_in_the_order_first_kept_at_every_connection() {
    let mut wishes = taking_part();
    wishes.publish(Publish::new("event", "1")).unwrap();
    for (topic, payload) in [("status", "online"), ("info", "a"), ("state", "b"), ("info", "c")] {
        wishes.keep(topic.into(), payload.into());
    }
    wishes.begin(false, Granted::default());
    let expected = ["status=online", "info=c", "state=b", "event=1"];
    assert_eq!(drain(&mut wishes).0, expected);
    for _ in 0..3 {
        wishes.lost();
        wishes.begin(true, Granted::default());
        let (seen, flights) = drain(&mut wishes);
        assert_eq!(seen, expected);
        settle(&mut wishes, &flights[..3]);
    }
}

#[test]
fn a_level_that_changes_under_way_is_sent_once_more_with_the_latest_value() {
    let mut wishes = taking_part();
    wishes.begin(false, Granted::default());
    wishes.keep("state".into(), "1".into());
    let (_, first) = drain(&mut wishes);
    for value in ["2", "3", "4"] {
        wishes.keep("state".into(), value.into());
        assert_eq!(wishes.next_publish(), None, "one version at a time");
    }
    settle(&mut wishes, &first);
    let (seen, second) = drain(&mut wishes);
    assert_eq!(seen, ["state=4"]);
    assert!(!wishes.is_settled());
    settle(&mut wishes, &second);
    assert!(wishes.is_settled());
    wishes.keep("state".into(), "4".into());
    assert_eq!(wishes.next_publish(), None, "it does not differ");
    wishes.renew("state");
    assert_eq!(drain(&mut wishes).0, ["state=4"]);
}

#[test]
fn a_level_forgotten_and_kept_anew_is_not_settled_by_the_old_acknowledgement() {
    let mut wishes = taking_part();
    wishes.begin(false, Granted::default());
    wishes.keep("state".into(), "old".into());
    let (_, old) = drain(&mut wishes);
    wishes.forget("state");
    wishes.keep("state".into(), "new".into());
    settle(&mut wishes, &old);
    assert_eq!(drain(&mut wishes).0, ["state=new"]);
}

#[test]
fn what_is_not_acknowledged_is_sent_again_in_order() {
    let mut wishes = taking_part();
    wishes.begin(false, Granted::default());
    for id in 0..5 {
        wishes.publish(Publish::new("event", id.to_string())).unwrap();
    }
    let (_, flights) = drain(&mut wishes);
    settle(&mut wishes, &flights[1..2]);
    wishes.lost();
    wishes.publish(Publish::new("event", "5")).unwrap();
    wishes.begin(false, Granted::default());
    assert_eq!(drain(&mut wishes).0, ["event=0", "event=2", "event=3", "event=4", "event=5"]);
}

#[test]
fn a_message_that_ends_every_connection_is_given_up() {
    let mut wishes = taking_part();
    wishes.publish(Publish::new("poison", "")).unwrap();
    for _ in 0..8 {
        wishes.begin(false, Granted::default());
        assert_eq!(drain(&mut wishes).0, ["poison="]);
        wishes.lost();
    }
    wishes.begin(false, Granted::default());
    assert!(drain(&mut wishes).0.is_empty());
    assert!(wishes.is_settled());
}

#[test]
fn qos_0_is_for_now_or_never() {
    let mut wishes = taking_part();
    wishes.publish(Publish::new("stats", "early").at_most_once()).unwrap();
    wishes.begin(false, Granted::default());
    wishes.publish(Publish::new("stats", "now").at_most_once()).unwrap();
    assert_eq!(drain(&mut wishes).0, ["stats=now"]);
    wishes.publish(Publish::new("stats", "late").at_most_once()).unwrap();
    wishes.lost();
    wishes.begin(true, Granted::default());
    assert!(drain(&mut wishes).0.is_empty());
}

#[test]
fn the_queue_is_bounded_and_recovers() {
    let mut wishes = taking_part();
    for _ in 0..MAX_QUEUED {
        wishes.publish(Publish::new("t", "x")).unwrap();
    }
    let full = wishes.publish(Publish::new("t", "x")).unwrap_err();
    assert!(matches!(full, Unsent::QueueFull { messages: MAX_QUEUED, .. }), "{full}");
    wishes.begin(false, Granted::default());
    let (_, flights) = drain(&mut wishes);
    settle(&mut wishes, &flights);
    wishes.publish(Publish::new("t", "x")).unwrap();

    let mut wishes = taking_part();
    let large = vec![0_u8; 128 * 1024];
    let taken = (0..1_000).take_while(|_| wishes.publish(Publish::new("t", large.clone())).is_ok()).count();
    assert_eq!(taken, 127, "16 MiB, the last slot eaten by the overhead");
}

#[test]
fn what_mqtt_cannot_carry_is_refused_by_name() {
    let mut wishes = taking_part();
    for topic in ["", "a/+", "#", "nul\0", &"x".repeat(65_536)] {
        let refused = wishes.publish(Publish::new(topic, "")).unwrap_err();
        assert!(matches!(refused, Unsent::BadTopic { .. }), "{refused}");
        wishes.keep(topic.into(), "".into());
    }
    let refused = wishes.publish(Publish::new("t", vec![0_u8; MAX_PACKET as usize])).unwrap_err();
    assert!(matches!(refused, Unsent::TooLarge { .. }), "{refused}");
    wishes.begin(false, Granted::default());
    assert_eq!(wishes.next_publish(), None);
}

fn subscribe(filters: &[(&str, SubscribeOptions)]) -> Option<FilterChange> {
    Some(FilterChange::Subscribe(filters.iter().map(|(filter, how)| ((*filter).to_owned(), *how)).collect()))
}

#[test]
fn filters_are_subscribed_again_at_every_connection() {
    let mut wishes = taking_part();
    wishes.subscribe("b".into(), SubscribeOptions::LEVELS);
    wishes.subscribe("a".into(), SubscribeOptions::REQUESTS);
    for session_present in [false, true, false] {
        wishes.begin(session_present, Granted::default());
        let expected = [("a", SubscribeOptions::REQUESTS), ("b", SubscribeOptions::LEVELS)];
        assert_eq!(wishes.next_filters(10), subscribe(&expected));
        assert_eq!(wishes.next_filters(10), None);
        wishes.lost();
    }
}

#[test]
fn many_filters_are_cut_into_packets() {
    let mut wishes = taking_part();
    wishes.begin(false, Granted::default());
    for filter in ["a", "b", "c"] {
        wishes.subscribe(filter.into(), SubscribeOptions::LEVELS);
    }
    let levels = SubscribeOptions::LEVELS;
    assert_eq!(wishes.next_filters(2), subscribe(&[("a", levels), ("b", levels)]));
    wishes.unsubscribe("b");
    wishes.subscribe("a2".into(), levels);
    assert_eq!(wishes.next_filters(2), subscribe(&[("a2", levels)]));
    assert_eq!(wishes.next_filters(2), Some(FilterChange::Unsubscribe("b".into())));
    assert_eq!(wishes.next_filters(2), subscribe(&[("c", levels)]));
    assert_eq!(wishes.next_filters(2), None);
}

#[test]
fn a_filter_dropped_while_away_is_unsubscribed_from_a_session_that_survived() {
    let unsubscribed = Some(FilterChange::Unsubscribe("old".into()));
    for (session_present, expected) in [(true, unsubscribed), (false, None)] {
        let mut wishes = taking_part();
        wishes.subscribe("old".into(), SubscribeOptions::LEVELS);
        wishes.begin(false, Granted::default());
        wishes.next_filters(10);
        wishes.lost();
        wishes.unsubscribe("old");
        wishes.begin(session_present, Granted::default());
        assert_eq!(wishes.next_filters(10), expected);
    }
}

#[test]
fn only_what_changed_is_subscribed() {
    let mut wishes = taking_part();
    wishes.begin(false, Granted::default());
    wishes.subscribe("a".into(), SubscribeOptions::LEVELS);
    wishes.next_filters(10);
    wishes.subscribe("a".into(), SubscribeOptions::LEVELS);
    assert_eq!(wishes.next_filters(10), None);
    let options = SubscribeOptions { qos: Qos::AtMostOnce, ..SubscribeOptions::REQUESTS };
    wishes.subscribe("a".into(), options);
    assert_eq!(wishes.next_filters(10), subscribe(&[("a", options)]));
    wishes.unsubscribe("a");
    wishes.subscribe("a".into(), options);
    assert_eq!(wishes.next_filters(10), None);
}

#[test]
fn a_watcher_publishes_nothing_and_gets_its_levels_back() {
    let mut wishes = taking_part();
    wishes.keep("status".into(), "online".into());
    wishes.publish(Publish::new("event", "queued")).unwrap();
    wishes.be(Presence::Watching);
    wishes.publish(Publish::new("event", "watching")).unwrap();
    wishes.begin(false, Granted::default());
    assert_eq!(wishes.next_publish(), None);
    assert!(wishes.is_settled());
    wishes.be(Presence::TakingPart);
    wishes.begin(false, Granted::default());
    assert_eq!(drain(&mut wishes).0, ["status=online"]);
}

#[test]
fn last_words_come_last_and_silence_their_level() {
    let mut wishes = taking_part();
    wishes.begin(false, Granted::default());
    wishes.keep("status".into(), "online".into());
    wishes.keep("state".into(), "gone".into());
    wishes.publish(Publish::new("event", "1")).unwrap();
    wishes.close(vec![Publish::new("status", "offline").retained()], Instant::now());
    wishes.keep("status".into(), "online".into());
    assert_eq!(wishes.publish(Publish::new("event", "2")), Err(Unsent::Closing));
    let (seen, flights) = drain(&mut wishes);
    assert_eq!(seen, ["state=gone", "event=1", "status=offline"]);
    assert!(!wishes.is_settled());
    settle(&mut wishes, &flights);
    assert!(wishes.is_settled());
}

#[test]
fn what_must_arrive_is_not_lost_to_a_queue_that_others_have_filled() {
    let mut wishes = taking_part();
    wishes.begin(false, Granted::default());
    for number in 0..MAX_QUEUED {
        wishes.publish(Publish::new("event", number.to_string())).unwrap();
    }
    assert!(matches!(wishes.publish(Publish::new("event", "")), Err(Unsent::QueueFull { .. })));
    wishes.publish_due(Publish::new("goodbye", "1")).unwrap();
    wishes.keep("room".into(), "ended".into());
    let (seen, flights) = drain(&mut wishes);
    assert_eq!(seen.first().map(String::as_str), Some("room=ended"), "levels do not wait behind it");
    assert_eq!(seen.last().map(String::as_str), Some("goodbye=1"));
    settle(&mut wishes, &flights);
    assert!(wishes.is_settled());
    wishes.publish(Publish::new("event", "")).expect("there is room again");
}

#[test]
fn the_last_words_do_not_wait_behind_a_long_queue() {
    for (queued, place) in [(FEW, FEW), (FEW + 1, 0)] {
        let mut wishes = taking_part();
        wishes.begin(false, Granted::default());
        for number in 0..queued {
            wishes.publish(Publish::new("event", number.to_string())).unwrap();
        }
        wishes.close(vec![Publish::new("status", "offline").retained()], Instant::now());
        let seen = drain(&mut wishes).0;
        assert_eq!(seen.iter().position(|word| word == "status=offline"), Some(place), "of {queued}");
    }
}

#[test]
fn a_released_level_is_forgotten_when_the_broker_has_it() {
    let mut wishes = taking_part();
    wishes.begin(false, Granted::default());
    wishes.keep("room".into(), "ended".into());
    wishes.release("room");
    wishes.lost();
    wishes.begin(false, Granted::default());
    let (seen, flights) = drain(&mut wishes);
    assert_eq!(seen, ["room=ended"]);
    settle(&mut wishes, &flights);
    wishes.lost();
    wishes.begin(false, Granted::default());
    assert_eq!(drain(&mut wishes).0, Vec::<String>::new());
}

#[test]
fn only_a_level_that_stands_is_watched_and_published_again() {
    let mut wishes = taking_part();
    let now = Instant::now();
    wishes.begin(false, Granted::default());
    wishes.keep("state".into(), "1".into());
    assert_eq!(wishes.next_filters(10), subscribe(&[("state", SubscribeOptions::GUARD)]));
    assert!(!wishes.heard("state", b"", now), "the own value is on its way");
    let (_, flights) = drain(&mut wishes);
    settle(&mut wishes, &flights);
    assert!(!wishes.heard("state", b"1", now) && !wishes.heard("other", b"", now));
    assert!(wishes.heard("state", b"nonsense", now) && !wishes.is_asked_for("state"));
    assert_eq!(drain(&mut wishes).0, ["state=1"]);
    // Taken away by the program itself it is nobody's.
    wishes.keep("state".into(), "".into());
    assert_eq!(wishes.next_filters(10), Some(FilterChange::Unsubscribe("state".into())));
    // What the program listens to itself stays as it wants it.
    wishes.subscribe("own".into(), SubscribeOptions::LEVELS);
    wishes.keep("own".into(), "1".into());
    assert_eq!(wishes.next_filters(10), subscribe(&[("own", SubscribeOptions::LEVELS)]));
    assert!(wishes.is_asked_for("own"));
    wishes.unsubscribe("own");
    assert_eq!(wishes.next_filters(10), subscribe(&[("own", SubscribeOptions::GUARD)]));
}
