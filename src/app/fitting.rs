//! What is larger than the broker takes: levels are made shorter until they fit, other words become a refusal that does.
//!
//! Invariant: whoever waits for a word hears something, and what is left of a level says that there is more. Pure.

use serde_json::{Map, Value};

use crate::model::{Code, Refusal};
use crate::mqtt::connection::{Granted, Publish};

/// What remains of a state without its details, and in the end.
const STATE: [&[&str]; 2] = [&["role", "room", "application", "seat", "summary"], &["role", "summary"]];

/// What remains of an `info` without its devices, and in the end: two machines of one name are told apart by it.
const INFO: [&[&str]; 2] = [&["version", "role", "user", "machine"], &["version", "role", "machine"]];

/// How much of a level is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Shortened,
}

/// The payload of a `state`: whole, without what its lists hold, or the little that always fits.
pub(super) fn state(topic: &str, whole: &Value, granted: &Granted) -> (String, Extent) {
    let without_lists = std::iter::once_with(|| without_lists(whole));
    first_that_fits(topic, whole, without_lists.chain(STATE.map(|keys| only(whole, keys))), granted)
}

/// The payload of an `info`.
pub(super) fn info(topic: &str, whole: &Value, granted: &Granted) -> String {
    first_that_fits(topic, whole, INFO.map(|keys| only(whole, keys)).into_iter(), granted).0
}

/// Why a word cannot be said; its size, and what the broker takes. `None`: it can.
pub(super) fn refusal(what: &str, word: &Publish, granted: &Granted) -> Option<Refusal> {
    let max = granted.max_packet.filter(|_| !granted.takes(word))?;
    let size = word.size();
    let why = format!("{what} has {size} bytes, the broker takes {max}: raise its maximum packet size");
    Some(Refusal::new(Code::PermissionDenied, why))
}

fn first_that_fits(
    topic: &str,
    whole: &Value,
    shorter: impl Iterator<Item = Value>,
    granted: &Granted,
) -> (String, Extent) {
    let fits = |payload: &String| granted.takes(&Publish::new(topic, payload.clone()).retained());
    let mut payload = whole.to_string();
    if fits(&payload) {
        return (payload, Extent::Whole);
    }
    for value in shorter {
        payload = value.to_string();
        if fits(&payload) {
            break;
        }
    }
    (payload, Extent::Shortened)
}

fn without_lists(state: &Value) -> Value {
    let emptied = |(key, value): (&String, &Value)| {
        (key.clone(), if value.is_array() { Value::Array(Vec::new()) } else { value.clone() })
    };
    state.as_object().map(|fields| fields.iter().map(emptied).collect::<Map<_, _>>()).into()
}

fn only(value: &Value, keys: &[&str]) -> Value {
    let part = |key: &&str| Some(((*key).to_owned(), value.get(*key)?.clone()));
    keys.iter().filter_map(part).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOPIC: &str = "p/device/host-1/state";

    fn granted(max_packet: usize) -> Granted {
        let max_packet = Some(u32::try_from(max_packet).expect("small"));
        Granted { max_packet, ..Granted::default() }
    }

    fn size(value: &Value) -> usize {
        Publish::new(TOPIC, value.to_string()).size()
    }

    #[test]
    fn a_state_is_shortened_no_more_than_it_must_be() {
        let whole = json!({"role": "host", "room": {"live_id": "hall"}, "candidates": [{"user_id": "ada"}],
            "candidates_total": 1, "network": null, "summary": "live in hall"});
        let without_lists = json!({"role": "host", "room": {"live_id": "hall"}, "candidates": [],
            "candidates_total": 1, "network": null, "summary": "live in hall"});
        let core = json!({"role": "host", "room": {"live_id": "hall"}, "summary": "live in hall"});
        let last = json!({"role": "host", "summary": "live in hall"});
        for (most, expected, extent) in [
            (size(&whole), &whole, Extent::Whole),
            (size(&whole) - 1, &without_lists, Extent::Shortened),
            (size(&without_lists) - 1, &core, Extent::Shortened),
            (size(&core) - 1, &last, Extent::Shortened),
            (10, &last, Extent::Shortened),
        ] {
            let (payload, found) = state(TOPIC, &whole, &granted(most));
            assert_eq!(
                (serde_json::from_str::<Value>(&payload).ok(), found),
                (Some(expected.clone()), extent)
            );
        }
        assert_eq!(state(TOPIC, &whole, &Granted::default()), (whole.to_string(), Extent::Whole));
    }

    #[test]
    fn an_info_says_which_machine_it_is_whatever_is_left_out() {
        let whole = json!({"version": "1", "role": "guest", "user": {"user_id": "a"}, "cameras": ["x".repeat(300)],
            "machine": "1234abcd"});
        let payload = info(TOPIC, &whole, &granted(200));
        assert_eq!(
            serde_json::from_str::<Value>(&payload).ok(),
            Some(json!({"version": "1", "role": "guest", "user": {"user_id": "a"}, "machine": "1234abcd"}))
        );
        assert!(info(TOPIC, &whole, &granted(20)).contains("1234abcd"));
    }

    #[test]
    fn a_word_that_does_not_fit_is_refused_with_both_sizes() {
        let word = Publish::new("t", vec![b'x'; 600]);
        assert_eq!(refusal("the word", &word, &Granted::default()), None);
        assert_eq!(refusal("the word", &word, &granted(word.size())), None);
        let refused = refusal("the word", &word, &granted(512)).expect("it does not fit");
        assert_eq!(refused.code, Code::PermissionDenied);
        let expected = format!("the word has {} bytes, the broker takes 512: ", word.size());
        assert!(refused.message.starts_with(&expected), "{}", refused.message);
    }
}
