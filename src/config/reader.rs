//! Reads the merged values key by key: finds each, with its default and its origin, and refuses what it may not be.

use std::path::PathBuf;
use std::time::Duration;

use ::config::{Value, ValueKind};

use super::layer::parse_default;
use super::{Error, Setting, schema};

/// The merged values of all layers.
pub(super) struct Reader {
    root: Value,
}

/// A value with its key and its origin.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) key: String,
    pub(super) kind: ValueKind,
    pub(super) place: String,
}

impl Reader {
    pub(super) fn new(root: Value) -> Self {
        Self { root }
    }

    /// The value of `key`, or its default; `None` when it is absent. An empty text takes a value back.
    pub(super) fn find(&self, key: &str) -> Option<Found> {
        self.given(key).or_else(|| {
            let kind = parse_default(schema::find(key)?.default?);
            Some(Found { key: key.to_owned(), kind, place: "default".to_owned() })
        })
    }

    /// A value of a key that has a default.
    pub(super) fn get(&self, key: &str) -> Found {
        self.find(key).unwrap_or_else(|| Found {
            key: key.to_owned(),
            kind: ValueKind::Nil,
            place: "default".to_owned(),
        })
    }

    fn given(&self, key: &str) -> Option<Found> {
        let mut value = &self.root;
        for word in key.split('.') {
            let ValueKind::Table(table) = &value.kind else { return None };
            value = table.get(word)?;
        }
        if matches!(&value.kind, ValueKind::String(text) if text.is_empty()) {
            return None;
        }
        Some(Found::new(key, value))
    }

    /// Every key with its value, in the order of the schema.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let setting = |key: &schema::Key| {
            let found = self.find(key.name);
            Setting {
                key: key.name,
                value: found.as_ref().map(|found| shown(&found.kind)),
                origin: found.map_or_else(|| "default".to_owned(), |found| found.place),
            }
        };
        schema::KEYS.iter().map(setting).collect()
    }
}

/// Where it was written; of a table, which is put together from several places, where the first of what is in it was.
fn origin(value: &Value) -> Option<&str> {
    match (value.origin(), &value.kind) {
        (Some(place), _) => Some(place),
        (None, ValueKind::Table(table)) => {
            let mut keys: Vec<_> = table.iter().collect();
            keys.sort_unstable_by_key(|(key, _)| *key);
            keys.into_iter().find_map(|(_, value)| origin(value))
        }
        (None, _) => None,
    }
}

impl Found {
    pub(super) fn new(key: &str, value: &Value) -> Self {
        let place = origin(value).unwrap_or("the configuration").to_owned();
        Self { key: key.to_owned(), kind: value.kind.clone(), place }
    }

    /// The error that this value `must …`.
    pub(super) fn refuse(&self, problem: impl Into<String>) -> Error {
        Error::Invalid { place: self.place.clone(), key: self.key.clone(), problem: problem.into() }
    }

    pub(super) fn text(&self) -> Result<String, Error> {
        match &self.kind {
            ValueKind::String(text) => Ok(text.clone()),
            _ => Err(self.refuse("must be text in quotes")),
        }
    }

    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        self.text().map(PathBuf::from)
    }

    pub(super) fn switch(&self) -> Result<bool, Error> {
        match self.kind {
            ValueKind::Boolean(value) => Ok(value),
            _ => Err(self.refuse(format!("must be true or false{}", self.is()))),
        }
    }

    pub(super) fn whole(&self, least: i64, most: i64) -> Result<i64, Error> {
        match self.kind {
            ValueKind::I64(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(self.refuse(format!("must be a whole number from {least} to {most}{}", self.is()))),
        }
    }

    /// A duration in seconds; fractions are allowed.
    pub(super) fn seconds(&self, least: f64, most: f64) -> Result<Duration, Error> {
        let number = match self.kind {
            #[expect(clippy::cast_precision_loss, reason = "checked against a range far below 2^53")]
            ValueKind::I64(number) => Some(number as f64),
            ValueKind::Float(number) => Some(number),
            _ => None,
        };
        number
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| Duration::try_from_secs_f64(number).ok())
            .ok_or_else(|| self.refuse(format!("must be {least} to {most} seconds{}", self.is())))
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Error> {
        let text = match &self.kind {
            ValueKind::String(text) => text.as_str(),
            _ => "",
        };
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let allowed: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.refuse(format!("must be {}{}", allowed.join(" or "), self.is()))
        })
    }

    /// The items of a list, each with its own origin.
    pub(super) fn items(&self) -> Result<Vec<Found>, Error> {
        match &self.kind {
            ValueKind::Array(items) => Ok(items.iter().map(|item| Found::new(&self.key, item)).collect()),
            _ => Err(self.refuse("must be a list in brackets")),
        }
    }

    /// ` (is 99)`, for values that are no secret by their nature.
    fn is(&self) -> String {
        match &self.kind {
            ValueKind::Nil | ValueKind::Table(_) | ValueKind::Array(_) => String::new(),
            kind => format!(" (is {})", shown(kind).chars().take(80).collect::<String>()),
        }
    }
}

/// A value as TOML on one line.
pub(super) fn shown(kind: &ValueKind) -> String {
    let items = |items: &[Value]| items.iter().map(|item| shown(&item.kind)).collect::<Vec<_>>().join(", ");
    match kind {
        ValueKind::Nil => "?".to_owned(),
        ValueKind::Boolean(value) => value.to_string(),
        ValueKind::I64(number) => number.to_string(),
        ValueKind::I128(number) => number.to_string(),
        ValueKind::U64(number) => number.to_string(),
        ValueKind::U128(number) => number.to_string(),
        ValueKind::Float(number) => number.to_string(),
        ValueKind::String(text) => quoted(text),
        ValueKind::Array(array) => format!("[{}]", items(array)),
        ValueKind::Table(table) => {
            let mut entries: Vec<_> =
                table.iter().map(|(key, value)| format!("{key} = {}", shown(&value.kind))).collect();
            entries.sort_unstable_by(|a, b| b.cmp(a));
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// Text in TOML's quotes.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string().replace('\n', "\\n")
}
