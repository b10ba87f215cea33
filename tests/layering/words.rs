//! The words and signs of a piece of Rust.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

pub fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words and signs in their order; `::` is one, a text is none.
pub fn tokens(stream: TokenStream) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (opens, closes) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                tokens.push(opens.to_owned());
                tokens.extend(self::tokens(group.stream()));
                tokens.push(closes.to_owned());
            }
            TokenTree::Punct(sign)
                if sign.as_char() == ':' && tokens.last().is_some_and(|last| last == ":+") =>
            {
                tokens.pop();
                tokens.push("::".to_owned());
            }
            // Not yet known whether another follows.
            TokenTree::Punct(sign) if sign.as_char() == ':' && sign.spacing() == Spacing::Joint => {
                tokens.push(":+".to_owned());
            }
            TokenTree::Punct(sign) => tokens.push(sign.to_string()),
            TokenTree::Ident(word) => tokens.push(word.to_string()),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.starts_with(|c: char| c.is_ascii_digit()) {
                    tokens.push(text);
                }
            }
        }
    }
    tokens
}

/// Paths among words, where nothing but words is known: in a macro.
pub fn paths(words: &[String]) -> Vec<Vec<String>> {
    let mut paths: Vec<Vec<String>> = Vec::new();
    for at in 1..words.len().saturating_sub(1) {
        if words[at] != "::" || !is_word(&words[at - 1]) || !is_word(&words[at + 1]) {
            continue;
        }
        match paths.last_mut() {
            Some(path) if at > 2 && words[at - 2] == "::" && path.last() == Some(&words[at - 1]) => {
                path.push(words[at + 1].clone());
            }
            _ => paths.push(vec![words[at - 1].clone(), words[at + 1].clone()]),
        }
    }
    paths
}
