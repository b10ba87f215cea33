//! Where the house stands: `cargo test --test layering -- --nocapture numbers`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::circles;
use crate::exceptions::Findings;
use crate::lengths::{self, HARD_CAP, SHORT, SOFT_CAP};
use crate::names;
use crate::tree::{Tree, rust_files};
use crate::{habits, rust::Source};

#[test]
fn numbers() {
    let tree = Tree::own();
    let rows = [inside(tree), names_and_prose(tree), habit_rows(tree), machines(tree)].concat();
    for (what, number) in &rows {
        println!("{number:>12}  {what}");
    }
    assert!(tree.sources().count() > 100, "these are not the project's sources");
}

type Row = (&'static str, String);

fn inside(tree: &Tree) -> Vec<Row> {
    let (imports, of_files) = (circles::of_imports(tree), circles::of_imports_of_files(tree));
    vec![
        ("types with a circle of `self` calls between files", groups(&circles::of_calls(tree)).to_string()),
        ("types whose `impl` lies in several files", circles::split_types(tree).len().to_string()),
        ("modules with a circle of imports among their files", groups(&of_files).to_string()),
        ("modules with one, their own file counted", groups(&imports).to_string()),
        ("files and folders that are in such a circle", imports.len().to_string()),
    ]
}

/// What stands in front of the `: ` of a finding, each once.
fn groups(found: &Findings) -> usize {
    found
        .keys()
        .filter_map(|what| what.rsplit_once(": "))
        .map(|(group, _)| group)
        .collect::<BTreeSet<_>>()
        .len()
}

fn names_and_prose(tree: &Tree) -> Vec<Row> {
    let twice = names::twice(tree);
    let twice: BTreeSet<_> =
        twice.keys().filter_map(|what| what.split_once(" in ")).map(|(name, _)| name).collect();
    let old = names::given_up(tree);
    let files = old.keys().filter(|what| what.starts_with("file ")).count();
    let prose: usize = texts().iter().map(|text| names::words_in(text)).sum();
    let docs: usize = tree.sources().map(|source| source.docs.len()).sum();
    let cited: usize = texts().iter().map(|text| rules_by_number(text)).sum();
    vec![
        ("type names with two meanings", twice.len().to_string()),
        ("types with a name that was given up", (old.len() - files).to_string()),
        ("files with one", files.to_string()),
        ("identifiers with a word that was given up", names::words_in_identifiers(tree).to_string()),
        ("such words in comments, messages and docs", prose.to_string()),
        ("doc comments", docs.to_string()),
        ("doc comments of one or two words", total(&habits::short_docs(tree)).to_string()),
        ("rules cited by number", cited.to_string()),
    ]
}

/// Comments and texts of the sources, and the documents.
fn texts() -> Vec<String> {
    let read =
        |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let said = |line: &str| {
        let comment = line.find("//").map_or("", |at| &line[at..]);
        let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        if comment.is_empty() { quoted.join(" ") } else { comment.to_owned() }
    };
    let sources = rust_files(Path::new("src"))
        .into_iter()
        .map(|file| read(&file).lines().map(said).collect::<Vec<_>>().join("\n"));
    let documents = ["README.md", "docs/protocol.md", "docs/journal.md"].map(|file| read(Path::new(file)));
    sources.chain(documents).collect()
}

fn rules_by_number(text: &str) -> usize {
    let words: Vec<&str> = text.split_whitespace().collect();
    let numbered = |pair: &&[&str]| {
        let rule = pair[0].trim_start_matches('(').to_lowercase();
        matches!(rule.as_str(), "rule" | "rules") && pair[1].starts_with(|c: char| c.is_ascii_digit())
    };
    words.windows(2).filter(numbered).count()
}

fn habit_rows(tree: &Tree) -> Vec<Row> {
    let lines = lengths::lines();
    let own: Vec<usize> =
        lines.iter().filter(|(file, _)| file.starts_with("src/")).map(|(_, lines)| *lines).collect();
    let between =
        |from: usize, to: usize| own.iter().filter(|lines| (from..=to).contains(*lines)).count().to_string();
    let timers = tree.sources().filter(|source| source.types.iter().any(|name| name == "Timers")).count();
    vec![
        ("results thrown away by `unwrap_or_default()`", total(&habits::thrown_away(tree)).to_string()),
        ("files of src over 600 lines", between(HARD_CAP + 1, usize::MAX)),
        ("files of src of 401 to 600 lines", between(SOFT_CAP + 1, HARD_CAP)),
        ("files of src under 30 lines", between(0, SHORT - 1)),
        ("files that name a command (median of all commands)", files_of_a_command().to_string()),
        ("files outside `mqtt` and `cli` that spell JSON", habits::json(tree).len().to_string()),
        ("files that start threads", habits::threads(tree).len().to_string()),
        ("tables of timers", timers.to_string()),
    ]
}

/// Files outside tests in which a command's name stands, as a text or as a type.
fn files_of_a_command() -> usize {
    let folder = fs::read_dir("tests/golden/command").expect("tests/golden/command is readable");
    let names: Vec<String> = folder
        .map(|entry| {
            entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned()
        })
        .collect();
    let code = |text: String| {
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    let files: Vec<BTreeSet<String>> = rust_files(Path::new("src"))
        .into_iter()
        .filter(|file| !file.ends_with("tests.rs"))
        .map(|file| code(fs::read_to_string(file).expect("a source file is readable")))
        .map(|text| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned).collect())
        .collect();
    let in_files = |name: &String| {
        files.iter().filter(|words| words.contains(name) || words.contains(&camel(name))).count()
    };
    let mut counts: Vec<usize> = names.iter().map(in_files).collect();
    counts.sort_unstable();
    counts[counts.len() / 2]
}

fn camel(name: &str) -> String {
    name.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect()
}

fn machines(tree: &Tree) -> Vec<Row> {
    let looks = |source: &Source| {
        let reads = |four: &[String]| four[2] == "." && matches!(&*four[3], "as_ref" | "as_mut" | "as_deref");
        let own = source
            .tokens
            .windows(5)
            .filter(|five| five[0] == "self" && five[1] == "." && reads(&five[1..]))
            .count();
        let some =
            |five: &[String]| five[0] == "let" && five[1] == "Some" && five[2] == "(" && five[4] == ")";
        own + source.tokens.windows(5).filter(|five| some(five)).count()
    };
    let of_machines = tree.sources().filter(|source| matches!(source.module(), "guest" | "host"));
    let scenarios: Vec<String> = rust_files(Path::new("tests/machines/scenarios"))
        .into_iter()
        .map(|file| fs::read_to_string(file).expect("a source file is readable"))
        .collect();
    let count: usize = scenarios.iter().map(|text| text.matches("#[test]").count()).sum();
    vec![
        ("options looked into by `guest` and `host`", of_machines.map(looks).sum::<usize>().to_string()),
        ("scenarios", count.to_string()),
    ]
}

fn total(found: &Findings) -> usize {
    found.values().sum()
}
