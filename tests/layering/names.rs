//! Names: one meaning each, and the field's word where it has one.
//!
//! `tests/layering/old_names.txt` has the names that are given up, and what stands in their place.

use std::collections::{BTreeMap, BTreeSet};

use crate::exceptions::Findings;
use crate::rust::Source;
use crate::tree::Tree;

const OLD_NAMES: &str = include_str!("old_names.txt");

/// May stand in every file.
const EVERYWHERE: &[&str] = &["Error", "Event", "Settings"];

/// May stand in each of the two machines.
const OF_A_MACHINE: &[&str] = &["Effects", "Input", "Output", "Timer"];

/// Every file that defines a type whose name another one defines, too.
pub fn twice(tree: &Tree) -> Findings {
    let mut files: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in tree.sources() {
        for name in &source.types {
            let of_machine =
                matches!(source.module(), "guest" | "host") && OF_A_MACHINE.contains(&name.as_str());
            if !of_machine && !EVERYWHERE.contains(&name.as_str()) {
                files.entry(name).or_default().push(source);
            }
        }
    }
    let twice = files.into_iter().filter(|(_, files)| files.len() > 1);
    let mut found = Findings::new();
    for (name, source) in twice.flat_map(|(name, files)| files.into_iter().map(move |source| (name, source)))
    {
        *found.entry(format!("{name} in {}", source.file)).or_default() += 1;
    }
    found
}

/// A line of the list. What stands in the place of a name is for people to read.
pub enum Old {
    Type { within: &'static str, old: &'static str },
    File { module: &'static str },
    Word(&'static str),
}

pub fn old_names() -> impl Iterator<Item = Old> {
    let lines = OLD_NAMES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| match *line.split_whitespace().collect::<Vec<_>>() {
        ["type", within, old, _] => Old::Type { within, old },
        ["file", module, _] => Old::File { module },
        ["word", word] => Old::Word(word),
        _ => panic!("old_names.txt has a line that is neither type, file nor word: {line}"),
    })
}

/// Types and files that still have a name which is given up.
pub fn given_up(tree: &Tree) -> Findings {
    let mut found = Findings::new();
    for old in old_names() {
        match old {
            Old::Type { within, old } => {
                let own = |source: &&Source| {
                    is_within(source, within) && source.types.iter().any(|name| name == old)
                };
                let files = tree.sources().filter(own);
                found.extend(files.map(|source| (format!("{old} in {}", source.file), 1)));
            }
            Old::File { module } => {
                if tree.sources().any(|source| source.place.join("/") == module) {
                    found.insert(format!("file {module}"), 1);
                }
            }
            Old::Word(_) => {}
        }
    }
    found
}

/// Whether it is this module, or below it.
fn is_within(source: &Source, module: &str) -> bool {
    let place = source.place.join("/");
    place.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How often a given-up word stands in an identifier, each identifier of a file counted once.
pub fn words_in_identifiers(tree: &Tree) -> usize {
    let words = words();
    let in_file = |source: &Source| {
        let names: BTreeSet<&String> =
            source.tokens.iter().filter(|token| crate::words::is_word(token)).collect();
        names.into_iter().filter(|name| parts(name).iter().any(|part| words.contains(part.as_str()))).count()
    };
    tree.sources().map(in_file).sum()
}

/// How often a given-up word stands in a text.
pub fn words_in(text: &str) -> usize {
    let words = words();
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| words.contains(word.to_lowercase().as_str()))
        .count()
}

fn words() -> BTreeSet<&'static str> {
    old_names()
        .filter_map(|old| match old {
            Old::Word(word) => Some(word),
            Old::Type { .. } | Old::File { .. } => None,
        })
        .collect()
}

/// `HostDesk` and `host_desk`: host, desk.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c.is_uppercase() {
            parts.push(String::new());
        }
        if c != '_' {
            parts.last_mut().expect("one at least").extend(c.to_lowercase());
        }
    }
    parts
}
