//! Just enough Rust to see what a file names: words and signs, without comments, texts and the test module at its end.

use std::collections::BTreeSet;
use std::path::Path;

/// One source file.
pub struct Source {
    /// Where it stands below `src`: `["guest", "room"]`.
    place: Vec<String>,
    tokens: Vec<String>,
}

impl Source {
    pub fn read(path: &Path, text: &str) -> Self {
        let mut place: Vec<String> =
            path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if place.last().is_some_and(|name| name == "mod") {
            place.pop();
        }
        let mut tokens = tokens(text);
        if let Some(tests) = test_module(&tokens) {
            tokens.truncate(tests);
        }
        Self { place, tokens }
    }

    /// The module of the first level that it belongs to.
    pub fn module(&self) -> String {
        self.place.first().cloned().unwrap_or_default()
    }

    /// The modules of the first level that are named by `crate::…`, `coguestd::…` or a chain of `super::`.
    pub fn modules_used(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for at in 0..self.tokens.len() {
            if at > 0 && matches!(self.word(at - 1), "::" | "super") {
                continue;
            }
            match self.word(at) {
                "crate" | "coguestd" if self.word(at + 1) == "::" => self.heads(at + 2, &mut used),
                "super" if self.word(at + 1) == "::" => self.above(at, &mut used),
                _ => {}
            }
        }
        used
    }

    /// `super::super::x`: a module of the first level where the chain leads to the top.
    fn above(&self, mut at: usize, used: &mut BTreeSet<String>) {
        let mut up = 0;
        while self.word(at) == "super" && self.word(at + 1) == "::" {
            up += 1;
            at += 2;
        }
        if up == self.place.len() {
            self.heads(at, used);
        }
    }

    /// The first words of a path, or of every path in a group.
    fn heads(&self, at: usize, heads: &mut BTreeSet<String>) {
        if self.word(at) != "{" {
            heads.insert(self.word(at).to_owned());
            return;
        }
        let (mut depth, mut at, mut first) = (1, at + 1, true);
        while depth > 0 && at < self.tokens.len() {
            match self.word(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                "," => first = depth == 1,
                word if first && depth == 1 => {
                    heads.insert(word.to_owned());
                    first = false;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Every first word of a path, whether imported or written out.
    pub fn libraries_used(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for at in 0..self.tokens.len() {
            let begins = at == 0 || !matches!(self.word(at - 1), "::" | ".") || self.is_rooted(at);
            let leads = self.word(at + 1) == "::" || self.is_import(at);
            if begins && leads && is_word(self.word(at)) {
                used.insert(self.word(at).to_owned());
            }
        }
        let own = ["crate", "coguestd", "super", "self", "Self"];
        used.into_iter().filter(|word| !own.contains(&word.as_str())).collect()
    }

    /// Whether it follows a `::` that nothing stands before.
    fn is_rooted(&self, at: usize) -> bool {
        at > 1 && self.word(at - 1) == "::" && !is_word(self.word(at - 2))
    }

    fn is_import(&self, at: usize) -> bool {
        at > 0
            && (self.word(at - 1) == "use"
                || (self.word(at - 1) == "crate" && at > 1 && self.word(at - 2) == "extern"))
    }

    /// Whether a `use` begins with this word.
    pub fn imports(&self, name: &str) -> bool {
        (1..self.tokens.len()).any(|at| self.word(at) == name && self.is_import(at))
    }

    /// Whether it has a module of this name.
    pub fn declares(&self, name: &str) -> bool {
        self.tokens.windows(2).any(|pair| pair[0] == "mod" && pair[1] == name)
    }

    /// The fields of what `tracing::info!` and louder ones say: the words that stand before the sentence.
    pub fn fields_told(&self) -> BTreeSet<String> {
        let mut fields = BTreeSet::new();
        for at in 0..self.tokens.len() {
            let loud = matches!(self.word(at + 2), "info" | "warn" | "error");
            if self.word(at) == "tracing" && loud && self.word(at + 3) == "!" {
                self.fields(at + 5, &mut fields);
            }
        }
        fields
    }

    /// A text leaves no token: a part that is empty is the sentence.
    fn fields(&self, mut at: usize, fields: &mut BTreeSet<String>) {
        loop {
            if matches!(self.word(at), "%" | "?") {
                at += 1;
            }
            if !is_word(self.word(at)) {
                return;
            }
            fields.insert(self.word(at).to_owned());
            let mut depth = 0;
            while at < self.tokens.len() && (depth > 0 || !matches!(self.word(at), "," | ")")) {
                match self.word(at) {
                    "(" => depth += 1,
                    ")" => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
            at += 1;
        }
    }

    /// Whether this path, or this word, is written anywhere.
    pub fn mentions(&self, path: &str) -> bool {
        let wanted = tokens(path);
        self.tokens.windows(wanted.len()).any(|window| window == wanted.as_slice())
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", String::as_str)
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Where `#[cfg(test)] mod` begins.
fn test_module(tokens: &[String]) -> Option<usize> {
    let wanted = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    tokens.windows(wanted.len()).position(|window| window.iter().zip(wanted).all(|(a, b)| a == b))
}

fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let next = chars.get(at + 1).copied();
        at = match chars[at] {
            '/' if next == Some('/') => line_end(&chars, at),
            '/' if next == Some('*') => comment_end(&chars, at),
            '"' => text_end(&chars, at),
            '\'' => quote_end(&chars, at),
            ':' if next == Some(':') => {
                tokens.push("::".to_owned());
                at + 2
            }
            c if c.is_alphanumeric() || c == '_' => {
                let end = (at..chars.len()).find(|end| !is_part(chars[*end])).unwrap_or(chars.len());
                let word: String = chars[at..end].iter().collect();
                match raw_text_end(&chars, end, &word) {
                    Some(end) => end,
                    None => {
                        tokens.push(word);
                        end
                    }
                }
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                at + 1
            }
        };
    }
    tokens
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_end(chars: &[char], at: usize) -> usize {
    (at..chars.len()).find(|end| chars[*end] == '\n').unwrap_or(chars.len())
}

fn comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn text_end(chars: &[char], at: usize) -> usize {
    let mut at = at + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// A character, or the mark of a lifetime.
fn quote_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            (at + 3..chars.len()).find(|end| chars[*end] == '\'').map_or(chars.len(), |end| end + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

/// The end of `r"…"` or `r#"…"#`, if `word` begins one.
fn raw_text_end(chars: &[char], at: usize, word: &str) -> Option<usize> {
    if !matches!(word, "r" | "br" | "cr") {
        return None;
    }
    let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + hashes) != Some(&'"') {
        return None;
    }
    let closes = |end: usize| chars[end] == '"' && (1..=hashes).all(|n| chars.get(end + n) == Some(&'#'));
    (at + hashes + 1..chars.len()).find(|end| closes(*end)).map(|end| end + hashes + 1)
}
