//! How long a file is. A hint that it has more than one responsibility; those that may be long have a reason.

use std::fs;
use std::path::Path;

use crate::exceptions::Findings;
use crate::tree::{Tree, rust_files};

/// Longest file in lines: over the first it is split, unless it is an exception; over the second always.
pub const SOFT_CAP: usize = 400;
pub const HARD_CAP: usize = 600;

/// Under this, a file goes back to its neighbour.
pub const SHORT: usize = 30;

/// Every file of the sources, tests and measures, with its lines.
pub fn lines() -> Vec<(String, usize)> {
    let files = ["src", "tests", "benches"].into_iter().flat_map(|folder| rust_files(Path::new(folder)));
    files
        .map(|file| {
            let lines = fs::read_to_string(&file).expect("a source file is readable").lines().count();
            (file.to_string_lossy().into_owned(), lines)
        })
        .collect()
}

/// Files over the hard cap.
pub fn too_long() -> Vec<String> {
    let long = lines().into_iter().filter(|(_, lines)| *lines > HARD_CAP);
    long.map(|(file, lines)| format!("{file}: {lines} lines are more than {HARD_CAP}: split it")).collect()
}

/// Files over the soft cap.
pub fn long_files(_: &Tree) -> Findings {
    over_soft_cap(lines())
}

pub fn over_soft_cap(files: Vec<(String, usize)>) -> Findings {
    files.into_iter().filter(|(_, lines)| *lines > SOFT_CAP).map(|(file, _)| (file, 1)).collect()
}
