//! Circles: of imports between the files of a module, and of calls between the files of a type.

use std::collections::{BTreeMap, BTreeSet};

use crate::exceptions::Findings;
use crate::rust::Source;
use crate::tree::Tree;

/// What leads to what.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// How the file of a module that has others below it is called among them.
const OWN: &str = "mod";

/// The members of every circle of imports, as `folder: member`. A folder counts as one member of the one above it.
pub fn of_imports(tree: &Tree) -> Findings {
    members(imports(tree))
}

/// As [`of_imports`], with the files of the modules themselves left out.
pub fn of_imports_of_files(tree: &Tree) -> Findings {
    let mut folders = imports(tree);
    for arrows in folders.values_mut() {
        arrows.remove(OWN);
    }
    members(folders)
}

fn members(folders: BTreeMap<String, Arrows>) -> Findings {
    let members = folders.iter().flat_map(|(folder, arrows)| {
        circles(arrows).into_iter().flatten().map(move |member| (format!("{folder}: {member}"), 1))
    });
    members.collect()
}

/// Who imports whom in each folder.
fn imports(tree: &Tree) -> BTreeMap<String, Arrows> {
    let mut folders: BTreeMap<String, Arrows> = BTreeMap::new();
    for source in tree.sources().filter(|source| source.file != "lib.rs") {
        for target in source.paths.iter().filter_map(|path| tree.file_of(path)) {
            let shared = source.place.iter().zip(&target.place).take_while(|(a, b)| a == b).count();
            let member = |file: &Source| file.place.get(shared).cloned().unwrap_or_else(|| OWN.to_owned());
            let (from, to) = (member(source), member(target));
            if from != to {
                let above = source.place[..shared].iter().map(String::as_str);
                let folder: Vec<&str> = std::iter::once("src").chain(above).collect();
                folders.entry(folder.join("/")).or_default().entry(from).or_default().insert(to);
            }
        }
    }
    folders
}

/// Types whose inherent `impl` lies in several files, with each of these.
pub fn split_types(tree: &Tree) -> BTreeMap<String, Vec<&Source>> {
    let mut types: BTreeMap<String, Vec<&Source>> = BTreeMap::new();
    for source in tree.sources() {
        let of: BTreeSet<_> = source.impls.iter().map(|found| &found.of).collect();
        for path in of {
            if let (Some(definer), Some(name)) = (tree.definer(source, path), path.last()) {
                types.entry(format!("{}::{name}", definer.place.join("::"))).or_default().push(source);
            }
        }
    }
    types.retain(|_, files| files.len() > 1);
    types
}

/// Each file with an `impl` of a type that has one in another file, too.
pub fn split_impls(tree: &Tree) -> Findings {
    let files = split_types(tree).into_iter().flat_map(|(name, files)| {
        files.into_iter().map(move |source| (format!("{name} in {}", source.file), 1)).collect::<Vec<_>>()
    });
    files.collect()
}

/// The members of every circle of `self.method()` calls between files of one type, as `type: file`.
pub fn of_calls(tree: &Tree) -> Findings {
    let mut found = Findings::new();
    for (name, files) in split_types(tree) {
        let own = name.rsplit("::").next().unwrap_or_default();
        let methods = |source: &&Source| {
            let of = source.impls.iter().filter(|found| found.of.last().is_some_and(|last| last == own));
            of.flat_map(|found| found.methods.clone()).collect::<Vec<_>>()
        };
        let home: BTreeMap<String, String> = files
            .iter()
            .flat_map(|source| methods(source).into_iter().map(|(method, _)| (method, source.file.clone())))
            .collect();
        let mut arrows = Arrows::new();
        for source in &files {
            let called = methods(source).into_iter().flat_map(|(_, calls)| calls);
            let others = called.filter_map(|call| home.get(&call)).filter(|file| **file != source.file);
            arrows.entry(source.file.clone()).or_default().extend(others.cloned());
        }
        found.extend(circles(&arrows).into_iter().flatten().map(|file| (format!("{name}: {file}"), 1)));
    }
    found
}

/// Sets of members each of which leads to every other.
pub fn circles(arrows: &Arrows) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        arrows.keys().map(|from| (from, reached_from(arrows, from))).collect();
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for (from, to) in &reached {
        if to.contains(from) && !circles.iter().any(|circle| circle.contains(*from)) {
            let back = |member: &&&String| reached.get(**member).is_some_and(|to| to.contains(from));
            circles.push(to.iter().filter(back).map(|member| (*member).clone()).collect());
        }
    }
    circles
}

fn reached_from<'a>(arrows: &'a Arrows, from: &'a String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(member) = next.pop() {
        for to in arrows.get(member).into_iter().flatten() {
            if reached.insert(to) {
                next.push(to);
            }
        }
    }
    reached
}
