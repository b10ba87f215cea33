//! JSON Schema, as far as the project's document uses it. What it does not know it refuses to check, loudly.

use serde_json::Value;

/// Keywords that say nothing about what is right.
const WORDS_FOR_PEOPLE: [&str; 6] =
    ["description", "default", "format", "contentEncoding", "contentMediaType", "x-codes"];

/// What is wrong with `value`; empty when nothing is. `root` is where references point into.
pub fn faults(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(root, schema, value, "", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    let rules = schema.as_object().unwrap_or_else(|| panic!("{place}: a schema is an object, not {schema}"));
    let mut fault = |why: String| faults.push(format!("{place}: {why}: {value}"));
    for (rule, wanted) in rules {
        match rule.as_str() {
            "$ref" => {
                let pointer = wanted.as_str().and_then(|at| at.strip_prefix('#')).expect("a local reference");
                let there = root.pointer(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere"));
                check(root, there, value, place, faults);
                return;
            }
            "type" => {
                let kinds = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                if !kinds.iter().any(|kind| is(value, kind.as_str().expect("a type's name"))) {
                    fault(format!("is no {wanted}"));
                }
            }
            "const" if value != wanted => fault(format!("is not {wanted}")),
            "enum" if !wanted.as_array().expect("a list").contains(value) => {
                fault(format!("is none of {wanted}"));
            }
            "minimum" if value.as_f64() < wanted.as_f64() && value.is_number() => {
                fault("is too small".into())
            }
            "maximum" if value.as_f64() > wanted.as_f64() && value.is_number() => {
                fault("is too large".into())
            }
            "minLength" if length(value) < wanted.as_u64() => fault("is too short".into()),
            "maxLength" if length(value) > wanted.as_u64() => fault("is too long".into()),
            "pattern" => {
                let id = r"^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}|\.[A-Za-z0-9_-][A-Za-z0-9_.-]{0,62}|\.\.[A-Za-z0-9_.-]{1,62})$";
                assert_eq!(wanted, id, "the one pattern that is known");
                if value.as_str().is_some_and(|id| id.parse::<coguestd::model::UserId>().is_err()) {
                    fault("is no id".into());
                }
            }
            "const" | "enum" | "minimum" | "maximum" | "minLength" | "maxLength" => {}
            "required" => {
                for name in wanted.as_array().expect("a list").iter().filter_map(Value::as_str) {
                    if value.is_object() && value.get(name).is_none() {
                        fault(format!("lacks {name}"));
                    }
                }
            }
            "additionalProperties" => assert_eq!(wanted, false, "the one use that is known"),
            "properties" | "items" | "oneOf" => {}
            other => assert!(WORDS_FOR_PEOPLE.contains(&other), "{place}: unknown keyword {other}"),
        }
    }
    parts(root, schema, value, place, faults);
}

fn parts(root: &Value, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    if let (Some(properties), Some(fields)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, field) in fields {
            match properties.get(name) {
                Some(schema) => check(root, schema, field, &format!("{place}.{name}"), faults),
                None if schema["additionalProperties"] == false => {
                    faults.push(format!("{place}: has {name}"))
                }
                None => {}
            }
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (number, value) in values.iter().enumerate() {
            check(root, items, value, &format!("{place}[{number}]"), faults);
        }
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let of_each: Vec<Vec<String>> = choices
            .iter()
            .map(|choice| {
                let mut faults = Vec::new();
                check(root, choice, value, place, &mut faults);
                faults
            })
            .collect();
        let fitting = of_each.iter().filter(|faults| faults.is_empty()).count();
        if fitting != 1 {
            faults
                .push(format!("{place}: fits {fitting} of {} choices: {value}: {of_each:?}", choices.len()));
        }
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type is called {other}"),
    }
}
