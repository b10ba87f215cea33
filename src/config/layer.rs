//! Where values come from: one [`Layer`] per file, and one each for the environment and the flags.
//!
//! Invariant: a layer holds only keys of the schema, and each value carries its origin in words that a person can follow
//! (`file:line`, a variable, a flag). What a value means is not looked at here.

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ::config::{Map, Source, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Error;
use super::schema::{self, Kind};
use crate::files;

/// What every variable of the configuration begins with.
const PREFIX: &str = "COGUESTD__";

/// Most that is read of one file of the configuration: a hundred times the example with all its comments.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Values by key, each with its origin.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(self.0.clone())
    }
}

impl Layer {
    /// What `file` says.
    pub(super) fn of_file(file: &Path) -> Result<Self, Error> {
        let text = files::read_text(file, MAX_FILE_BYTES).map_err(|error| match error {
            files::Error::NotText { line } => Error::Syntax {
                place: format!("{}:{line}", file.display()),
                message: "is not UTF-8 text".into(),
            },
            files::Error::System(_) | files::Error::Kind(_) | files::Error::TooLarge(_) => {
                Error::Unreadable { file: file.to_owned(), reason: error.to_string() }
            }
        })?;
        let document = Document { file, text: &text };
        // Of several mistakes the first one: those after it often only follow from it.
        let (table, mistakes) = DeTable::parse_recoverable(&text);
        let start = |error: &toml::de::Error| error.span().unwrap_or_default().start;
        if let Some(error) = mistakes.iter().min_by_key(|error| start(error)) {
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            return Err(Error::Syntax { place: document.place(error.span().unwrap_or_default()), message });
        }
        let mut layer = Self::default();
        document.read_table(table.get_ref(), "", &mut layer)?;
        Ok(layer)
    }

    /// What the variables `COGUESTD__SECTION__KEY` say.
    pub(super) fn of_environment(variables: &[(OsString, OsString)]) -> Result<Self, Error> {
        let mut ours: Vec<_> = variables
            .iter()
            .filter_map(|(name, value)| name.to_str()?.strip_prefix(PREFIX).map(|rest| (rest, value)))
            .collect();
        ours.sort_unstable();
        let mut layer = Self::default();
        for (rest, value) in ours {
            let place = format!("environment variable {PREFIX}{rest}");
            let key = rest.to_ascii_lowercase().replace("__", ".");
            let Some(text) = value.to_str() else {
                return Err(Error::Invalid { place, key, problem: "must be UTF-8 text".into() });
            };
            layer.put_text(place, &key, text, Path::new(""))?;
        }
        Ok(layer)
    }

    /// What flags of the form `section.key=value` say, a later one over an earlier.
    pub(super) fn of_flags(flags: &[String]) -> Result<Self, Error> {
        let mut layer = Self::default();
        for flag in flags {
            // The text is not repeated here: somebody may have put a secret into it.
            let (key, text) = flag.split_once('=').ok_or_else(|| Error::Syntax {
                place: "--set".into(),
                message: "expected section.key=value, such as --set room.live_id=lobby".into(),
            })?;
            let key = key.trim();
            layer.put_text(format!("--set {key}"), key, text, Path::new(""))?;
        }
        Ok(layer)
    }

    fn put_text(&mut self, place: String, name: &str, text: &str, base: &Path) -> Result<(), Error> {
        let key = schema::find(name).ok_or_else(|| unknown(&place, name))?;
        let value = parse_text(key.kind, text, &place);
        self.put(key, value, &place, base);
        Ok(())
    }

    fn put(&mut self, key: &schema::Key, mut kind: ValueKind, place: &str, base: &Path) {
        if let (Kind::File, ValueKind::String(path)) = (key.kind, &mut kind)
            && !path.is_empty()
            && Path::new(path.as_str()).is_relative()
        {
            *path = absolute(base, path).to_string_lossy().into_owned();
        }
        self.0.insert(key.name.to_owned(), Value::new(Some(&place.to_owned()), kind));
    }
}

fn absolute(base: &Path, path: &str) -> PathBuf {
    let joined = base.join(path);
    std::path::absolute(&joined).unwrap_or(joined)
}

/// A name that is no key: a secret in the open, or a slip.
fn unknown(place: &str, name: &str) -> Error {
    let (place, key) = (place.to_owned(), name.to_owned());
    match schema::file_of_secret(name) {
        Some(file) => Error::Invalid {
            place,
            key,
            problem: format!(
                "is refused: write the secret to a file of its own (mode 0600) and name it in `{file}`"
            ),
        },
        None => Error::UnknownKey { place, key, remedy: schema::remedy(name) },
    }
}

/// A default, as the schema writes it.
pub(super) fn parse_default(text: &str) -> ValueKind {
    let place = "default".to_owned();
    DeValue::parse(text).map_or(ValueKind::Nil, |value| value_kind(value.get_ref(), &|_| place.clone()))
}

/// Text from a variable or a flag, as far as its key is no text itself. What does not parse stays text: the reader of the
/// key then says what it must be.
fn parse_text(kind: Kind, text: &str, place: &str) -> ValueKind {
    let origin = place.to_owned();
    let as_toml =
        || DeValue::parse(text.trim()).ok().map(|value| value_kind(value.get_ref(), &|_| origin.clone()));
    let split = || {
        let word = |word: &str| Value::new(Some(&origin), word.trim().to_owned());
        ValueKind::Array(text.split(',').map(word).collect())
    };
    let listed = text.trim_start().starts_with('[');
    let parsed = match kind {
        Kind::Text | Kind::File | Kind::Secret => None,
        Kind::Literal | Kind::Tables => as_toml(),
        Kind::List | Kind::WordOrList if listed => as_toml(),
        Kind::List if !text.is_empty() => Some(split()),
        Kind::WordOrList if text.contains(',') => Some(split()),
        Kind::List | Kind::WordOrList => None,
    };
    parsed.unwrap_or_else(|| ValueKind::String(text.to_owned()))
}

/// `place` names the origin of a value by its span.
fn value_kind(value: &DeValue<'_>, place: &dyn Fn(Range<usize>) -> String) -> ValueKind {
    let nested = |value: &Spanned<DeValue<'_>>| {
        Value::new(Some(&place(value.span())), value_kind(value.get_ref(), place))
    };
    match value {
        DeValue::String(text) => ValueKind::String(text.to_string()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix()).map_or(ValueKind::Nil, ValueKind::I64)
        }
        DeValue::Float(number) => {
            number.as_str().replace('_', "").parse().map_or(ValueKind::Nil, ValueKind::Float)
        }
        DeValue::Boolean(value) => ValueKind::Boolean(*value),
        // No key is a date: whoever reads this finds that it is none of what it may be.
        DeValue::Datetime(_) => ValueKind::Nil,
        DeValue::Array(items) => ValueKind::Array(items.iter().map(nested).collect()),
        DeValue::Table(table) => {
            ValueKind::Table(table.iter().map(|(k, v)| (k.get_ref().to_string(), nested(v))).collect())
        }
    }
}

/// A file's text, for line numbers.
struct Document<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Document<'_> {
    fn place(&self, span: Range<usize>) -> String {
        let before = self.text.as_bytes().iter().take(span.start);
        format!("{}:{}", self.file.display(), 1 + before.filter(|byte| **byte == b'\n').count())
    }

    fn read_table(&self, table: &DeTable<'_>, section: &str, layer: &mut Layer) -> Result<(), Error> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let word = key.get_ref().as_ref();
            let name = if section.is_empty() { word.to_owned() } else { format!("{section}.{word}") };
            let place = self.place(key.span());
            // A quoted key may hold a dot, but the dots of a name only divide it.
            let known = if word.contains('.') { None } else { schema::find(&name) };
            match (known, value.get_ref()) {
                (Some(key), value) => {
                    let kind = value_kind(value, &|span| self.place(span));
                    layer.put(key, kind, &place, self.file.parent().unwrap_or(Path::new("")));
                }
                (None, DeValue::Table(inner)) if schema::is_section(&name) => {
                    self.read_table(inner, &name, layer)?;
                }
                (None, _) if schema::is_section(&name) => {
                    let problem = format!("must be a section: [{name}] on a line of its own, its keys below");
                    return Err(Error::Invalid { place, key: name, problem });
                }
                (None, _) => return Err(unknown(&place, &name)),
            }
        }
        Ok(())
    }
}
