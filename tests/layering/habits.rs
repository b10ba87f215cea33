//! Habits of code and prose: where threads start, where JSON is spelt, comments without content, results thrown away.

use crate::exceptions::Findings;
use crate::rust::Source;
use crate::tree::Tree;

/// The files that start threads for all others.
const THREADS: &[&str] = &["media/core/event_loop.rs", "media/core/job.rs"];

/// Who speaks JSON: the wire, and the console that prints what it had from there.
const JSON: &[&str] = &["cli", "mqtt"];

/// Each file that starts a thread by itself, with the number of places.
pub fn threads(tree: &Tree) -> Findings {
    let starts = |source: &Source| {
        let starts = |four: &[String]| {
            let path = (&*four[0], &*four[1], &*four[2]);
            matches!(path, ("thread", "::", "spawn" | "Builder" | "scope")) || four[2] == "spawn_blocking"
        };
        source.tokens.windows(4).filter(|four| starts(four)).count()
    };
    let others = tree.sources().filter(|source| !THREADS.contains(&source.file.as_str()));
    counted(others.map(|source| (source.file.clone(), starts(source))))
}

/// Each file that spells JSON and should not.
pub fn json(tree: &Tree) -> Findings {
    let spells = |source: &&Source| source.mentions("serde_json") || source.mentions("json!");
    let others = tree.sources().filter(|source| !JSON.contains(&source.module()));
    counted(others.filter(spells).map(|source| (source.file.clone(), 1)))
}

/// How many doc comments of one or two words there are in each folder.
pub fn short_docs(tree: &Tree) -> Findings {
    let short = |source: &Source| source.docs.iter().filter(|doc| is_short(doc)).count();
    counted(tree.sources().map(|source| (folder(source), short(source))))
}

/// What a person would call a word: a link or a piece of code is one.
fn is_short(doc: &str) -> bool {
    doc.split_whitespace().count() <= 2
}

/// How many results are thrown away by `unwrap_or_default()` in each folder.
pub fn thrown_away(tree: &Tree) -> Findings {
    counted(tree.sources().map(|source| (folder(source), source.thrown_away)))
}

fn folder(source: &Source) -> String {
    source.file.rsplit_once('/').map_or("src", |(folder, _)| folder).to_owned()
}

fn counted(counts: impl Iterator<Item = (String, usize)>) -> Findings {
    let mut found = Findings::new();
    for (what, count) in counts.filter(|(_, count)| *count > 0) {
        *found.entry(what).or_default() += count;
    }
    found
}
