//! The words of an enumeration, asked of its type: serde tells a deserializer which variants there are.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

/// The words that `T` is written with; empty for what is no enumeration.
pub(super) fn words<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(WordCollector) {
        Err(CollectedWords(words)) => words,
        Ok(_) => &[],
    }
}

/// A deserializer that gives nothing and only listens to what is asked for.
struct WordCollector;

/// What was asked for.
#[derive(Debug)]
struct CollectedWords(&'static [&'static str]);

impl std::fmt::Display for CollectedWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for CollectedWords {}

impl Error for CollectedWords {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for WordCollector {
    type Error = CollectedWords;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, CollectedWords> {
        Err(CollectedWords(&[]))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, CollectedWords> {
        Err(CollectedWords(words))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Code, Media, UserId};

    #[test]
    fn a_type_tells_its_words() {
        assert_eq!(words::<Media>(), ["video", "audio"]);
        assert_eq!(words::<Code>().len(), Code::ALL.len());
        assert!(words::<UserId>().is_empty());
    }
}
