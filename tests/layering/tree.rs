//! All sources of the crate, and which of them a path leads to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::rust::Source;

/// The sources below `src`, by the module that each is.
pub struct Tree(BTreeMap<Vec<String>, Source>);

impl Tree {
    /// The project's own, read once.
    pub fn own() -> &'static Self {
        static OWN: OnceLock<Tree> = OnceLock::new();
        OWN.get_or_init(|| {
            let read = |path: PathBuf| {
                let file = path.strip_prefix("src").expect("below src").to_string_lossy().into_owned();
                (file, fs::read_to_string(&path).expect("a source file is readable"))
            };
            let files: Vec<_> = rust_files(Path::new("src")).into_iter().map(read).collect();
            Self::of(files.iter().map(|(file, text)| (file.as_str(), text.as_str())))
        })
    }

    /// Of files below `src`, with their texts. Files that are tests alone stay out.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let code = |file: &str| !file.ends_with("/tests.rs") && !file.ends_with("/testing.rs");
        let read = files.into_iter().filter(|(file, _)| code(file)).map(|(file, text)| {
            let source = Source::read(file, text);
            (source.place.clone(), source)
        });
        Self(read.collect())
    }

    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }

    /// The file that a path from the root leads to: the deepest module that it names.
    pub fn file_of(&self, path: &[String]) -> Option<&Source> {
        let path = path.strip_prefix(&["crate".to_owned()])?;
        (1..=path.len()).rev().find_map(|depth| self.0.get(&path[..depth]))
    }

    /// The file that defines the type which `source` calls so; where it is given on, the place that it comes from.
    pub fn definer<'a>(&'a self, source: &'a Source, path: &[String]) -> Option<&'a Source> {
        let (mut source, mut path) = (source, path.to_vec());
        // A name is given on a few times at most; a circle of `pub use` would not compile.
        for _ in 0..8 {
            let name = path.last()?.clone();
            if path.len() == 1 && source.types.contains(&name) {
                return Some(source);
            }
            if path[0] != "crate" {
                path = source.names.get(&path[0])?.iter().chain(&path[1..]).cloned().collect();
            }
            source = self.file_of(&path)?;
            path = vec![path.last()?.clone()];
        }
        None
    }
}

/// All files of Rust below a folder.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
