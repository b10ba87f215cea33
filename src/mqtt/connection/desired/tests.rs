//! The desired state without a broker.

use super::super::MAX_QUEUED;
use super::*;

fn taking_part() -> DesiredState {
    DesiredState::new(Participation::TakingPart)
}

/// Everything that would be handed over now, as `topic=payload`, and its packets.
fn drain(state: &mut DesiredState) -> (Vec<String>, Vec<PacketContent>) {
    let (mut seen, mut flights) = (Vec::new(), Vec::new());
    while let Some(outgoing) = state.next_publish() {
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

fn settle(state: &mut DesiredState, flights: &[PacketContent]) {
    for flight in flights {
        state.settled(flight);
    }
}

#[test]
fn levels_come_first_and_in_the_order_first_kept_at_every_connection() {
    let mut state = taking_part();
    state.publish(Publish::new("event", "1")).unwrap();
    for (topic, payload) in [("status", "online"), ("info", "a"), ("state", "b"), ("info", "c")] {
        state.keep(topic.into(), payload.into());
    }
    state.begin(false, Granted::default());
    let expected = ["status=online", "info=c", "state=b", "event=1"];
    assert_eq!(drain(&mut state).0, expected);
    for _ in 0..3 {
        state.lost();
        state.begin(true, Granted::default());
        let (seen, flights) = drain(&mut state);
        assert_eq!(seen, expected);
        settle(&mut state, &flights[..3]);
    }
}

#[test]
fn a_level_that_changes_under_way_is_sent_once_more_with_the_latest_value() {
    let mut state = taking_part();
    state.begin(false, Granted::default());
    state.keep("state".into(), "1".into());
    let (_, first) = drain(&mut state);
    for value in ["2", "3", "4"] {
        state.keep("state".into(), value.into());
        assert_eq!(state.next_publish(), None, "one version at a time");
    }
    settle(&mut state, &first);
    let (seen, second) = drain(&mut state);
    assert_eq!(seen, ["state=4"]);
    assert!(!state.is_settled());
    settle(&mut state, &second);
    assert!(state.is_settled());
    state.keep("state".into(), "4".into());
    assert_eq!(state.next_publish(), None, "it does not differ");
    state.renew("state");
    assert_eq!(drain(&mut state).0, ["state=4"]);
}

#[test]
fn a_level_forgotten_and_kept_anew_is_not_settled_by_the_old_acknowledgement() {
    let mut state = taking_part();
    state.begin(false, Granted::default());
    state.keep("state".into(), "old".into());
    let (_, old) = drain(&mut state);
    state.forget("state");
    state.keep("state".into(), "new".into());
    settle(&mut state, &old);
    assert_eq!(drain(&mut state).0, ["state=new"]);
}

#[test]
fn what_is_not_acknowledged_is_sent_again_in_order() {
    let mut state = taking_part();
    state.begin(false, Granted::default());
    for id in 0..5 {
        state.publish(Publish::new("event", id.to_string())).unwrap();
    }
    let (_, flights) = drain(&mut state);
    settle(&mut state, &flights[1..2]);
    state.lost();
    state.publish(Publish::new("event", "5")).unwrap();
    state.begin(false, Granted::default());
    assert_eq!(drain(&mut state).0, ["event=0", "event=2", "event=3", "event=4", "event=5"]);
}

#[test]
fn a_message_that_ends_every_connection_is_given_up() {
    let mut state = taking_part();
    state.publish(Publish::new("poison", "")).unwrap();
    for _ in 0..8 {
        state.begin(false, Granted::default());
        assert_eq!(drain(&mut state).0, ["poison="]);
        state.lost();
    }
    state.begin(false, Granted::default());
    assert!(drain(&mut state).0.is_empty());
    assert!(state.is_settled());
}

#[test]
fn qos_0_is_for_now_or_never() {
    let mut state = taking_part();
    state.publish(Publish::new("stats", "early").at_most_once()).unwrap();
    state.begin(false, Granted::default());
    state.publish(Publish::new("stats", "now").at_most_once()).unwrap();
    assert_eq!(drain(&mut state).0, ["stats=now"]);
    state.publish(Publish::new("stats", "late").at_most_once()).unwrap();
    state.lost();
    state.begin(true, Granted::default());
    assert!(drain(&mut state).0.is_empty());
}

#[test]
fn the_queue_is_bounded_and_recovers() {
    let mut state = taking_part();
    for _ in 0..MAX_QUEUED {
        state.publish(Publish::new("t", "x")).unwrap();
    }
    let full = state.publish(Publish::new("t", "x")).unwrap_err();
    assert!(matches!(full, Unsent::QueueFull { messages: MAX_QUEUED, .. }), "{full}");
    state.begin(false, Granted::default());
    let (_, flights) = drain(&mut state);
    settle(&mut state, &flights);
    state.publish(Publish::new("t", "x")).unwrap();

    let mut state = taking_part();
    let large = vec![0_u8; 128 * 1024];
    let taken = (0..1_000).take_while(|_| state.publish(Publish::new("t", large.clone())).is_ok()).count();
    assert_eq!(taken, 127, "16 MiB, the last slot eaten by the overhead");
}

#[test]
fn what_mqtt_cannot_carry_is_refused_by_name() {
    let mut state = taking_part();
    for topic in ["", "a/+", "#", "nul\0", &"x".repeat(65_536)] {
        let refused = state.publish(Publish::new(topic, "")).unwrap_err();
        assert!(matches!(refused, Unsent::BadTopic { .. }), "{refused}");
        state.keep(topic.into(), "".into());
    }
    let refused = state.publish(Publish::new("t", vec![0_u8; MAX_PACKET as usize])).unwrap_err();
    assert!(matches!(refused, Unsent::TooLarge { .. }), "{refused}");
    state.begin(false, Granted::default());
    assert_eq!(state.next_publish(), None);
}

fn subscribe(filters: &[(&str, SubscribeOptions)]) -> Option<FilterChange> {
    Some(FilterChange::Subscribe(filters.iter().map(|(filter, how)| ((*filter).to_owned(), *how)).collect()))
}

#[test]
fn filters_are_subscribed_again_at_every_connection() {
    let mut state = taking_part();
    state.subscribe("b".into(), SubscribeOptions::LEVELS);
    state.subscribe("a".into(), SubscribeOptions::REQUESTS);
    for session_present in [false, true, false] {
        state.begin(session_present, Granted::default());
        let expected = [("a", SubscribeOptions::REQUESTS), ("b", SubscribeOptions::LEVELS)];
        assert_eq!(state.next_filters(10), subscribe(&expected));
        assert_eq!(state.next_filters(10), None);
        state.lost();
    }
}

#[test]
fn many_filters_are_cut_into_packets() {
    let mut state = taking_part();
    state.begin(false, Granted::default());
    for filter in ["a", "b", "c"] {
        state.subscribe(filter.into(), SubscribeOptions::LEVELS);
    }
    let retained = SubscribeOptions::LEVELS;
    assert_eq!(state.next_filters(2), subscribe(&[("a", retained), ("b", retained)]));
    state.unsubscribe("b");
    state.subscribe("a2".into(), retained);
    assert_eq!(state.next_filters(2), subscribe(&[("a2", retained)]));
    assert_eq!(state.next_filters(2), Some(FilterChange::Unsubscribe("b".into())));
    assert_eq!(state.next_filters(2), subscribe(&[("c", retained)]));
    assert_eq!(state.next_filters(2), None);
}

#[test]
fn a_filter_dropped_while_away_is_unsubscribed_from_a_session_that_survived() {
    let unsubscribed = Some(FilterChange::Unsubscribe("old".into()));
    for (session_present, expected) in [(true, unsubscribed), (false, None)] {
        let mut state = taking_part();
        state.subscribe("old".into(), SubscribeOptions::LEVELS);
        state.begin(false, Granted::default());
        state.next_filters(10);
        state.lost();
        state.unsubscribe("old");
        state.begin(session_present, Granted::default());
        assert_eq!(state.next_filters(10), expected);
    }
}

#[test]
fn only_what_changed_is_subscribed() {
    let mut state = taking_part();
    state.begin(false, Granted::default());
    state.subscribe("a".into(), SubscribeOptions::LEVELS);
    state.next_filters(10);
    state.subscribe("a".into(), SubscribeOptions::LEVELS);
    assert_eq!(state.next_filters(10), None);
    let options = SubscribeOptions { qos: Qos::AtMostOnce, ..SubscribeOptions::REQUESTS };
    state.subscribe("a".into(), options);
    assert_eq!(state.next_filters(10), subscribe(&[("a", options)]));
    state.unsubscribe("a");
    state.subscribe("a".into(), options);
    assert_eq!(state.next_filters(10), None);
}

#[test]
fn a_watcher_publishes_nothing_and_gets_its_levels_back() {
    let mut state = taking_part();
    state.keep("status".into(), "online".into());
    state.publish(Publish::new("event", "queued")).unwrap();
    state.be(Participation::Watching);
    state.publish(Publish::new("event", "watching")).unwrap();
    state.begin(false, Granted::default());
    assert_eq!(state.next_publish(), None);
    assert!(state.is_settled());
    state.be(Participation::TakingPart);
    state.begin(false, Granted::default());
    assert_eq!(drain(&mut state).0, ["status=online"]);
}

#[test]
fn last_words_come_last_and_silence_their_level() {
    let mut state = taking_part();
    state.begin(false, Granted::default());
    state.keep("status".into(), "online".into());
    state.keep("state".into(), "gone".into());
    state.publish(Publish::new("event", "1")).unwrap();
    state.close(vec![Publish::new("status", "offline").retained()], Instant::now());
    state.keep("status".into(), "online".into());
    assert_eq!(state.publish(Publish::new("event", "2")), Err(Unsent::Closing));
    let (seen, flights) = drain(&mut state);
    assert_eq!(seen, ["state=gone", "event=1", "status=offline"]);
    assert!(!state.is_settled());
    settle(&mut state, &flights);
    assert!(state.is_settled());
}

#[test]
fn what_must_arrive_is_not_lost_to_a_queue_that_others_have_filled() {
    let mut state = taking_part();
    state.begin(false, Granted::default());
    for number in 0..MAX_QUEUED {
        state.publish(Publish::new("event", number.to_string())).unwrap();
    }
    assert!(matches!(state.publish(Publish::new("event", "")), Err(Unsent::QueueFull { .. })));
    state.publish_due(Publish::new("goodbye", "1")).unwrap();
    state.keep("room".into(), "ended".into());
    let (seen, flights) = drain(&mut state);
    assert_eq!(seen.first().map(String::as_str), Some("room=ended"), "levels do not wait behind it");
    assert_eq!(seen.last().map(String::as_str), Some("goodbye=1"));
    settle(&mut state, &flights);
    assert!(state.is_settled());
    state.publish(Publish::new("event", "")).expect("there is room again");
}

#[test]
fn the_last_words_do_not_wait_behind_a_long_queue() {
    for (queued, place) in [(FEW, FEW), (FEW + 1, 0)] {
        let mut state = taking_part();
        state.begin(false, Granted::default());
        for number in 0..queued {
            state.publish(Publish::new("event", number.to_string())).unwrap();
        }
        state.close(vec![Publish::new("status", "offline").retained()], Instant::now());
        let seen = drain(&mut state).0;
        assert_eq!(seen.iter().position(|word| word == "status=offline"), Some(place), "of {queued}");
    }
}

#[test]
fn a_released_level_is_forgotten_when_the_broker_has_it() {
    let mut state = taking_part();
    state.begin(false, Granted::default());
    state.keep("room".into(), "ended".into());
    state.release("room");
    state.lost();
    state.begin(false, Granted::default());
    let (seen, flights) = drain(&mut state);
    assert_eq!(seen, ["room=ended"]);
    settle(&mut state, &flights);
    state.lost();
    state.begin(false, Granted::default());
    assert_eq!(drain(&mut state).0, Vec::<String>::new());
}

#[test]
fn only_a_level_that_stands_is_watched_and_published_again() {
    let mut state = taking_part();
    let now = Instant::now();
    state.begin(false, Granted::default());
    state.keep("state".into(), "1".into());
    assert_eq!(state.next_filters(10), subscribe(&[("state", SubscribeOptions::GUARD)]));
    assert!(!state.heard("state", b"", now), "the own value is on its way");
    let (_, flights) = drain(&mut state);
    settle(&mut state, &flights);
    assert!(!state.heard("state", b"1", now) && !state.heard("other", b"", now));
    assert!(state.heard("state", b"nonsense", now) && !state.is_asked_for("state"));
    assert_eq!(drain(&mut state).0, ["state=1"]);
    // Taken away by the program itself it is nobody's.
    state.keep("state".into(), "".into());
    assert_eq!(state.next_filters(10), Some(FilterChange::Unsubscribe("state".into())));
    // What the program listens to itself stays as it wants it.
    state.subscribe("own".into(), SubscribeOptions::LEVELS);
    state.keep("own".into(), "1".into());
    assert_eq!(state.next_filters(10), subscribe(&[("own", SubscribeOptions::LEVELS)]));
    assert!(state.is_asked_for("own"));
    state.unsubscribe("own");
    assert_eq!(state.next_filters(10), subscribe(&[("own", SubscribeOptions::GUARD)]));
}
