//! Text from elsewhere on its way to a terminal or into a log: names, reasons, topics, payloads, whatever a peer, a broker or a server said.
//!
//! Invariant: what passes here moves no cursor, changes no colour, turns no line round, hides nothing and begins no line of its own.
//! Characters of the Unicode categories Cc (control), Cf (format: byte order marks, bidirectional overrides, tags, zero-width ones),
//! Zl and Zp (line and paragraph separators) are written as escapes.
//!
//! Not here: what a name may hold; text that stays within the protocol, which is passed on as it is.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The category Cf: first and last of each range. From `DerivedGeneralCategory.txt` of Unicode 16.0; a test compares it with the table of
/// a library.
const FORMAT: [(char, char); 21] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{2066}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0001}', '\u{e0001}'),
    ('\u{e0020}', '\u{e007f}'),
];

/// For one line: nothing in it is a line end.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_some(text, is_unseen)
}

/// For several lines of one's own: the line ends stay.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_some(text, |c| is_unseen(c) && c != '\n')
}

/// For JSON as it is written by a serializer: it stays the same JSON.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    // Below U+0020 only the blanks between values are left; in texts the serializer has escaped them.
    let unseen = |c: char| is_unseen(c) && c >= ' ';
    if !json.contains(unseen) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn escape_some(text: &str, unseen: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unseen) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if unseen(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn is_unseen(c: char) -> bool {
    // Most text is ASCII.
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || FORMAT.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A name that clears the screen, turns the line round and hides what follows.
    pub(crate) const HOSTILE: &str =
        "eve\u{1b}[2J\u{202e}\u{feff}\u{2028}\u{2029}\u{e0001}\u{9b}31m\n\u{200b}!";

    /// The same, harmless.
    pub(crate) const HARMLESS: &str =
        "eve\\u{1b}[2J\\u{202e}\\u{feff}\\u{2028}\\u{2029}\\u{e0001}\\u{9b}31m\\n\\u{200b}!";

    #[test]
    fn what_is_not_seen_is_written_out() {
        assert_eq!(escape(HOSTILE), HARMLESS);
        assert_eq!(escape_lines("a\nb\u{202e}\r"), "a\nb\\u{202e}\\r");
        for harmless in ["in lobby, seat 2", "Zoë 王 🙂", "quotes \" and \\ stay"] {
            assert!(matches!(escape(harmless), Cow::Borrowed(text) if text == harmless));
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        for text in [HOSTILE, "plain", "\u{e0061}\u{7f}\u{85}"] {
            let value = serde_json::json!({"name": text, "list": [text]});
            for written in [value.to_string(), format!("{value:#}")] {
                let escaped = escape_json(&written);
                assert!(!escaped.contains(|c| is_unseen(c) && c != '\n'), "{escaped}");
                assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).expect("JSON"), value);
            }
        }
    }

    #[test]
    fn the_table_is_that_of_unicode() {
        let class = regex_syntax::Parser::new().parse(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]").expect("a class");
        let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = class.kind() else {
            panic!("a class of characters");
        };
        let known = |c: char| class.iter().any(|range| (range.start()..=range.end()).contains(&c));
        for c in '\0'..=char::MAX {
            assert_eq!(is_unseen(c), known(c), "{}", c.escape_unicode());
        }
    }
}
