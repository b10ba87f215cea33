//! Objects in short: `seat_index timeout=30 by? seats:Seat* user:User~` is an object with
//!
//! * `seat_index`, which must be there and holds what the vocabulary says of that name;
//! * `timeout`, which may be absent and then is 30;
//! * `by`, which may be absent;
//! * `seats`, a list of what the vocabulary calls `Seat`;
//! * `user`, a `User` or null.
//!
//! A shape with a capital letter is a schema of its own in the document; the others are written out.

use serde_json::{Map, Value, json};

use super::vocabulary::shape;

/// Whether an object may have fields that are not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// They are ignored: old and new versions must talk.
    Ignored,
    /// They are refused: a typo must not pass silently.
    Refused,
}

/// The schema of the object that `notation` describes.
pub(super) fn object(notation: &str, others: Others) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for word in notation.split_whitespace() {
        let (name, mut schema, need) = field(word);
        if let Need::Default(default) = &need {
            schema["default"] = default.clone();
        }
        if need == Need::Required {
            required.push(json!(name));
        }
        properties.insert(name.to_owned(), schema);
    }
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = Value::Array(required);
    }
    if others == Others::Refused {
        object["additionalProperties"] = json!(false);
    }
    object
}

#[derive(Debug, Clone, PartialEq)]
enum Need {
    Required,
    Optional,
    Default(Value),
}

fn field(word: &str) -> (&str, Value, Need) {
    let (word, need) = match (word.split_once('='), word.strip_suffix('?')) {
        (Some((word, default)), _) => {
            (word, Need::Default(serde_json::from_str(default).unwrap_or(json!(default))))
        }
        (None, Some(word)) => (word, Need::Optional),
        (None, None) => (word, Need::Required),
    };
    let (word, null) = word.strip_suffix('~').map_or((word, false), |word| (word, true));
    let (word, list) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
    let (name, kind) = word.split_once(':').unwrap_or((word, word));
    let mut schema = shape(kind);
    if list {
        schema = json!({"type": "array", "items": schema});
    }
    if null {
        schema = or_null(schema);
    }
    (name, schema, need)
}

fn or_null(mut schema: Value) -> Value {
    let Some(kind) = schema.get("type").cloned() else {
        return json!({"oneOf": [schema, {"type": "null"}]});
    };
    schema["type"] = json!([kind, "null"]);
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_says_what_its_page_says() {
        let schema = object("seat_index timeout=30 by? seats:Seat* user:User~ media~", Others::Refused);
        assert_eq!(schema["required"], json!(["seat_index", "seats", "user", "media"]));
        assert_eq!(schema["properties"]["timeout"]["default"], 30);
        assert_eq!(schema["properties"]["seats"]["items"]["$ref"], "#/components/schemas/Seat");
        assert_eq!(schema["properties"]["user"]["oneOf"][1]["type"], "null");
        assert_eq!(schema["properties"]["media"]["enum"], json!(["video", "audio", null]));
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(object("", Others::Ignored), json!({"type": "object", "properties": {}}));
    }
}
