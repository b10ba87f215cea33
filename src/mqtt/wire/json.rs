//! JSON as others write it (RFC 8259), read once for every message.
//!
//! Three liberties are settled here: a byte order mark before the text is ignored; a number without a fraction is whole however it is
//! spelt (`50.0`, `5e1`, `-0`), because many programs know only one kind of number; and a key that stands twice is found, because
//! each reader would take another of the two.

use std::cell::RefCell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Whole numbers beyond this have no exact form with a point (IEEE 754): they are left as they are.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// So much of a key is named.
const SHOWN: usize = 64;

/// What was read.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub(super) value: Value,
    /// The first key that stood twice; the first of its values is kept.
    pub(super) twice: Option<String>,
}

/// Reads a whole text.
///
/// # Errors
/// Where it is no JSON.
pub(super) fn read(text: &[u8]) -> Result<Read, serde_json::Error> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let twice = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = ObjectReader { twice: &twice }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Read { value, twice: twice.into_inner() })
}

/// Reads one value, and remembers what stands twice.
#[derive(Clone, Copy)]
struct ObjectReader<'a> {
    twice: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for ObjectReader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectReader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(whole(value)
            .map_or_else(|| Number::from_f64(value).map_or(Value::Null, Value::Number), Value::from))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self)?;
            if map.contains_key(&key) {
                self.twice.borrow_mut().get_or_insert_with(|| key.chars().take(SHOWN).collect());
            } else {
                map.insert(key, value);
            }
        }
        Ok(Value::Object(map))
    }
}

/// The whole number that this is.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and within what both types hold")]
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        let read = read(text.as_bytes()).expect(text);
        assert_eq!(read.twice, None, "{text}");
        read.value
    }

    #[test]
    fn a_whole_number_is_whole_however_it_is_spelt() {
        for (text, number) in [
            ("50", 50),
            ("50.0", 50),
            ("5e1", 50),
            ("100.000", 100),
            ("-0", 0),
            ("-0.0", 0),
            ("0e5", 0),
            ("-1.0", -1),
            ("1E+2", 100),
            ("9007199254740992.0", 9_007_199_254_740_992),
        ] {
            assert_eq!(value(text).as_i64(), Some(number), "{text}");
        }
        for text in ["50.5", "1e-1", "1e300", "9007199254740994.0"] {
            assert_eq!(value(text).as_i64(), None, "{text}");
            assert!(value(text).is_f64(), "{text}");
        }
        assert_eq!(value("18446744073709551615").as_u64(), Some(u64::MAX));
        assert!(read(b"1e999").is_err(), "it is no number at all");
    }

    #[test]
    fn the_first_key_that_stands_twice_is_named_wherever_it_is() {
        for (text, key) in [
            (r#"{"a":1,"a":1}"#, "a"),
            (r#"{"a":{"b":1,"c":2,"b":3},"a":1}"#, "b"),
            (r#"{"a":[{"x":null,"x":null}]}"#, "x"),
            (r#"{"a":1,"\u0061":2}"#, "a"),
        ] {
            assert_eq!(read(text.as_bytes()).expect(text).twice.as_deref(), Some(key), "{text}");
        }
        let long = "k".repeat(1000);
        let twice = read(format!(r#"{{"{long}":1,"{long}":2}}"#).as_bytes()).expect("JSON").twice;
        assert_eq!(twice.map(|key| key.len()), Some(SHOWN));
        assert_eq!(value(r#"[{"a":1},{"a":1}]"#), json!([{"a": 1}, {"a": 1}]));
    }

    #[test]
    fn a_mark_before_the_text_is_none_of_it() {
        assert_eq!(value("\u{feff}{}"), json!({}));
        for wrong in ["\u{feff}", "\u{feff}\u{feff}{}", " \u{feff}{}", "{}\u{feff}", "{} {}", ""] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert_eq!(value("{\"a\":\"\u{feff}\"}"), json!({"a": "\u{feff}"}));
    }

    #[test]
    fn what_is_nested_too_deep_is_an_error() {
        assert!(read("[".repeat(30_000).as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn everything_else_is_read_as_ever(value in proptest::prelude::any::<(i64, String, bool, Option<u32>, Vec<f64>)>()) {
            let text = serde_json::to_vec(&json!({"v": value})).expect("it is written");
            let usual: Value = serde_json::from_slice(&text).expect("it is JSON");
            let ours = read(&text).expect("it is JSON").value;
            let floats = |value: &Value| {
                let numbers = value["v"][4].as_array().cloned().unwrap_or_default();
                numbers.iter().map(|number| number.as_f64().map(|number| number + 0.0)).collect::<Vec<_>>()
            };
            proptest::prop_assert_eq!(floats(&usual), floats(&ours));
            for field in 0..4 {
                proptest::prop_assert_eq!(&usual["v"][field], &ours["v"][field]);
            }
        }
    }
}
