//! The picture in `lib.rs`: who may import whom, from left to right. Members of a group in braces do not know each other.

use std::collections::BTreeSet;
use std::fs;

use crate::layers;
use crate::tree::Tree;

/// The line of the heading below which the picture stands.
const HEADING: &str = "//! # Who may import whom";

/// In what the picture of the project differs from its arrows.
pub fn differences(tree: &Tree) -> Vec<String> {
    let text = fs::read_to_string("src/lib.rs").expect("src/lib.rs is readable");
    compare(&steps(&text), tree)
}

/// The steps of the picture: the modules that stand beside each other in each.
pub fn steps(text: &str) -> Vec<BTreeSet<String>> {
    let below = text.lines().skip_while(|line| *line != HEADING);
    let drawn = below.skip_while(|line| *line != "//! ```text").skip(1).take_while(|line| *line != "//! ```");
    let drawn: String = drawn.map(|line| line.trim_start_matches("//!")).collect();
    let names =
        |step: &str| step.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned).collect();
    drawn.split('→').map(|step| -> Vec<String> { names(step) }).map(not_empty).collect()
}

fn not_empty(names: Vec<String>) -> BTreeSet<String> {
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

/// Modules that are missing in the picture, those that only it has, and arrows that do not lead to the right.
pub fn compare(steps: &[BTreeSet<String>], tree: &Tree) -> Vec<String> {
    let step_of = |name: &str| steps.iter().position(|step| step.contains(name));
    let real: BTreeSet<&str> =
        tree.sources().map(|source| source.module()).filter(|name| *name != "lib").collect();
    let mut differences: Vec<String> = Vec::new();
    for name in steps.iter().flatten().filter(|name| !real.contains(name.as_str())) {
        differences.push(format!("the picture has `{name}`, and there is no such module"));
    }
    for name in real.iter().filter(|name| step_of(name).is_none()) {
        differences.push(format!("the picture has no `{name}`"));
    }
    for source in tree.sources() {
        for used in source.modules_used() {
            let (from, to) = (step_of(source.module()), step_of(used));
            if used != source.module() && layers::is_module(used) && from.is_some() && from >= to {
                let (file, own) = (&source.file, source.module());
                differences.push(format!("{file}: `{own}` imports `{used}`, which is not to its right"));
            }
        }
    }
    differences
}
