//! What breaks a rule today. The list may only shrink: what is new is refused, and so is a line that is not needed any more.
//!
//! `tests/layering/exceptions.txt` has one `rule | what` a line, with ` = count` behind it where several are meant.
//! `COGUESTD_SHRINK_EXCEPTIONS=1 cargo test --test layering` takes out what is not needed; it never adds anything.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use crate::tree::Tree;

/// What breaks a rule, and how often.
pub type Findings = BTreeMap<String, usize>;

/// A rule of the shape: its name in the list, why it is one, and what finds those who break it.
pub type Rule = (&'static str, &'static str, fn(&Tree) -> Findings);

const FILE: &str = "tests/layering/exceptions.txt";

/// Fails where the tree breaks a rule otherwise than the list says.
#[track_caller]
pub fn hold(rule: &Rule) {
    let (name, why, find) = rule;
    let differences = differences(&listed(&list(), name), &find(Tree::own()));
    assert!(
        differences.is_empty(),
        "\n{name}: {why}\n{}\nThe exceptions are in {FILE}.\n",
        differences.join("\n")
    );
}

/// In what the findings differ from the exceptions.
pub fn differences(exceptions: &Findings, found: &Findings) -> Vec<String> {
    let mut differences = Vec::new();
    for (what, count) in found {
        match exceptions.get(what) {
            None => differences.push(format!("new: {what}{}", times(*count))),
            Some(listed) if count > listed => differences.push(format!("new: {what}: {count}, not {listed}")),
            Some(listed) if count < listed => {
                differences.push(format!("only {count} are left, not {listed}, lower it: {what}"));
            }
            Some(_) => {}
        }
    }
    let gone = exceptions.keys().filter(|what| !found.contains_key(*what));
    differences.extend(gone.map(|what| format!("no exception any more, take it out: {what}")));
    differences
}

/// Lines of the list whose rule nobody has.
pub fn unknown(rules: &[Rule]) -> Vec<String> {
    let known = |line: &&str| rules.iter().any(|(name, _, _)| line.starts_with(&format!("{name} | ")));
    entries(&list()).filter(|line| !known(line)).map(str::to_owned).collect()
}

/// The exceptions of one rule.
fn listed(list: &str, rule: &str) -> Findings {
    let own = entries(list).filter_map(|line| line.strip_prefix(rule)?.strip_prefix(" | "));
    own.map(|what| match what.rsplit_once(" = ") {
        Some((what, count)) => (what.to_owned(), count.parse().expect("a count stands behind ` = `")),
        None => (what.to_owned(), 1),
    })
    .collect()
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn times(count: usize) -> String {
    if count == 1 { String::new() } else { format!(" = {count}") }
}

/// The list, shrunk before if that is asked for.
fn list() -> String {
    static LIST: OnceLock<String> = OnceLock::new();
    LIST.get_or_init(|| {
        let list = fs::read_to_string(FILE).unwrap_or_else(|error| panic!("{FILE}: {error}"));
        if std::env::var_os("COGUESTD_SHRINK_EXCEPTIONS").is_none() {
            return list;
        }
        let list = shrunk(&list, crate::RULES, Tree::own());
        fs::write(FILE, &list).unwrap_or_else(|error| panic!("{FILE}: {error}"));
        list
    })
    .clone()
}

/// The list without what is not needed any more.
pub fn shrunk(list: &str, rules: &[Rule], tree: &Tree) -> String {
    let found: BTreeMap<&str, Findings> = rules.iter().map(|(name, _, find)| (*name, find(tree))).collect();
    let keep = |line: &str| -> Option<String> {
        let entry = line.split_once(" | ").filter(|_| !line.starts_with('#'));
        let Some((rule, what)) = entry else { return Some(line.to_owned()) };
        let (what, listed) = what.rsplit_once(" = ").unwrap_or((what, "1"));
        let listed: usize = listed.parse().expect("a count stands behind ` = `");
        let left = (*found.get(rule)?.get(what)?).min(listed);
        Some(format!("{rule} | {what}{}", times(left)))
    };
    list.lines().filter_map(keep).map(|line| line + "\n").collect()
}
