//! What a user is called, fit to be shown: on a slate, in a console, in a log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name in bytes.
const LONGEST: usize = 128;

/// Characters that are not seen, or change the place of others: Unicode's Cf, Zl and Zp without the Arabic signs that are drawn, and the
/// letters that are drawn as nothing. With them a name looks like another's, or like none.
const UNSEEN: [(char, char); 24] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200b}'),
    ('\u{200e}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e00ff}'),
    ('\u{e0100}', '\u{e01ef}'),
    ('\u{e01f0}', '\u{e0fff}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
];

/// Joins or parts its neighbours: Persian and Indian scripts and the pictures of families are written with them.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// A display name: at most 128 bytes of UTF-8 without control characters. What is not seen is taken out where the name comes in. Empty
/// stands for "the id", also where nothing of it can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserName(Arc<str>);

impl UserName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UserName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err("user_name must be at most 128 bytes without control characters");
        }
        let name = seen(&text);
        Ok(Self(if name.trim().is_empty() { "".into() } else { name.into() }))
    }
}

/// What is seen of a text. A joiner stays between two characters that it can join.
fn seen(text: &str) -> String {
    let unseen = |c: char| UNSEEN.iter().any(|(from, to)| (*from..=*to).contains(&c));
    let kept: Vec<char> = text.chars().filter(|c| !unseen(*c)).collect();
    let joins = |at: Option<usize>| {
        at.and_then(|at| kept.get(at))
            .is_some_and(|c| !c.is_ascii() && !c.is_whitespace() && !JOINERS.contains(c))
    };
    let stays =
        |(at, c): &(usize, &char)| !JOINERS.contains(c) || (joins(at.checked_sub(1)) && joins(Some(at + 1)));
    kept.iter().enumerate().filter(stays).map(|(_, c)| *c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        UserName::try_from(text.to_owned()).expect(text).as_str().to_owned()
    }

    #[test]
    fn what_is_not_seen_is_not_in_a_name() {
        for (text, shown) in [
            ("a\u{200b}da", "ada"),
            ("a\u{200d}da", "ada"),
            ("\u{202e}ada\u{202c}", "ada"),
            ("\u{2066}ada\u{2069}", "ada"),
            ("ada\u{2028}root", "adaroot"),
            ("\u{feff}ada\u{ad}", "ada"),
            ("ada\u{e0061}\u{e007f}", "ada"),
            ("\u{200d}\u{200c}", ""),
            ("\u{3164}\u{2800} ", ""),
            ("  ", ""),
        ] {
            assert_eq!(name(text), shown, "{text:?}");
        }
    }

    #[test]
    fn honest_names_stay_as_they_are() {
        for text in [
            "Ada",
            "Ada Lovelace",
            "می\u{200c}خواهم",
            "👩\u{200d}👩\u{200d}👧",
            "❤️",
            "Ünïcödé",
            "名前",
            "עברית",
            "क\u{94d}\u{200d}ष",
        ] {
            assert_eq!(name(text), text, "{text:?}");
        }
    }

    #[test]
    fn what_controls_a_terminal_or_is_too_long_is_refused() {
        for text in ["a\nb", "\u{1b}[31m", "\u{9b}", &"x".repeat(129)] {
            assert!(UserName::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
