//! Links of the documents: each that points into this source finds its file, and in it the heading it names. What else they name is
//! looked at in `documents/words.rs`.

#[path = "documents/shell.rs"]
mod shell;
#[path = "documents/words.rs"]
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn documents() -> Vec<PathBuf> {
    let docs = fs::read_dir("docs").expect("the folder docs").map(|entry| entry.expect("an entry").path());
    let markdown = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    ["README.md", "CHANGELOG.md"].map(PathBuf::from).into_iter().chain(markdown).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Its lines with their numbers, without those of code.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut outside = |line: &str| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    };
    text.lines().enumerate().filter(|(_, line)| outside(line)).map(|(at, line)| (at + 1, line)).collect()
}

/// Where the links of a line point: `[…](TARGET)`, or `[…]: TARGET` at its beginning.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let reference = line.strip_prefix('[').and_then(|rest| Some(rest.split_once("]: ")?.1));
    inline.chain(reference).collect()
}

/// A heading's name in links, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in prose(text).into_iter().filter(|(_, line)| line.starts_with('#')) {
        let name = anchor(line);
        let numbered = (1..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

#[test]
fn every_link_into_this_source_finds_its_place() {
    let mut followed = 0;
    let mut broken = Vec::new();
    for document in documents() {
        let text = read(&document);
        for (number, line) in prose(&text) {
            for target in targets(line).into_iter().filter(|target| !target.contains("://")) {
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let place = match file {
                    "" => document.clone(),
                    file => document.parent().expect("in a folder").join(file),
                };
                let there = heading.is_empty() || place.is_file() && anchors(&read(&place)).contains(heading);
                if !place.exists() || !there {
                    broken.push(format!("{}:{number}: {target}", document.display()));
                }
                followed += 1;
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(followed > 15, "only {followed} links were seen");
}

#[test]
fn every_document_is_found_from_the_readme() {
    let readme = read(Path::new("README.md"));
    let linked: BTreeSet<PathBuf> =
        prose(&readme).into_iter().flat_map(|(_, line)| targets(line)).map(PathBuf::from).collect();
    for document in documents().into_iter().filter(|document| !document.ends_with("README.md")) {
        assert!(linked.contains(&document), "README.md has no link to {}", document.display());
    }
}

#[test]
fn links_and_headings_are_read_as_they_are_shown() {
    assert_eq!(targets("see [a](b.md#c) and [`d`](e), [f]: g"), ["b.md#c", "e"]);
    assert_eq!(targets("[a]: b.md"), ["b.md"]);
    let text = "# One `thing`, two\n```\n# no heading\n[a](b)\n```\n## One thing two\n";
    assert_eq!(anchors(text), ["one-thing-two", "one-thing-two-1"].map(str::to_owned).into());
    assert!(prose(text).iter().all(|(_, line)| targets(line).is_empty()));
}
