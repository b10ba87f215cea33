//! A user's name as text in a template: any script, any length, never markup.

use unicode_segmentation::UnicodeSegmentation;

/// What stands for the rest of a name that was cut.
const CUT: &str = "…";

/// The name without what is not to be drawn: control characters, and marks that turn the direction of what stands around it.
pub(super) fn clean(name: &str) -> String {
    let shown = |c: &char| {
        !matches!(*c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            && !matches!(*c, '\u{fffe}' | '\u{ffff}')
    };
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(shown).collect()
}

/// The longest beginning of `name` that `fits`, with an ellipsis where something was cut. Never cuts within what is read as one
/// character.
pub(super) fn fitted(name: &str, mut fits: impl FnMut(&str) -> bool) -> String {
    if fits(name) {
        return name.to_owned();
    }
    let ends: Vec<usize> = name.grapheme_indices(true).map(|(at, _)| at).collect();
    let cut = |count: usize| format!("{}{CUT}", name[..ends.get(count).copied().unwrap_or(0)].trim_end());
    let (mut most, mut too_many) = (0, ends.len());
    while most + 1 < too_many {
        let middle = most.midpoint(too_many);
        if fits(&cut(middle)) {
            most = middle;
        } else {
            too_many = middle;
        }
    }
    cut(most)
}

/// As text in XML, and in pango's markup.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_name_is_text() {
        assert_eq!(escape("</b>&\"'"), "&lt;/b&gt;&amp;&quot;&apos;");
    }

    #[test]
    fn what_turns_directions_or_controls_is_left_out() {
        assert_eq!(clean("a\u{202e}b\u{2067}c\nd\u{7f}e\u{ffff}"), "abc d e");
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(clean(family), family);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let fits = |most: usize| move |name: &str| name.graphemes(true).count() <= most;
        assert_eq!(fitted("short", fits(5)), "short");
        assert_eq!(fitted("a longer name", fits(6)), "a lon…");
        assert_eq!(fitted("a longer name", fits(3)), "a…");
        assert_eq!(fitted("👨\u{200d}👩\u{200d}👧e\u{301}xyz", fits(3)), "👨\u{200d}👩\u{200d}👧e\u{301}…");
        assert_eq!(fitted("anything", |_| false), "…");
        assert_eq!(fitted("", |_| false), "…");
    }
}
