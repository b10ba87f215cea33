//! Golden files: one payload each.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One golden file, and the payload that the program writes, or is written to, there.
pub struct Golden {
    /// Below `tests/golden`, without `.json`.
    pub name: String,
    pub payload: Vec<u8>,
}

impl Golden {
    pub fn new(folder: &str, name: &str, payload: Vec<u8>) -> Self {
        Self { name: format!("{folder}/{name}"), payload }
    }
}

/// Holds a folder to its files: each is there and equal, and there is none beside. Gives back the bytes of the files.
pub fn hold(folder: &str, files: &[Golden]) -> Vec<Vec<u8>> {
    let root = Path::new("tests/golden");
    let mut bytes = Vec::new();
    let mut known = BTreeSet::new();
    for golden in files {
        let path = root.join(&golden.name).with_extension("json");
        assert!(known.insert(path.clone()), "{} is there twice", golden.name);
        let value: Value = serde_json::from_slice(&golden.payload)
            .unwrap_or_else(|error| panic!("{} is no JSON: {error}", golden.name));
        if std::env::var_os("COGUESTD_WRITE_GOLDEN").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
            fs::write(&path, format!("{value:#}\n")).expect("the file can be written");
        }
        let text = fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; COGUESTD_WRITE_GOLDEN=1 writes it", path.display()));
        let kept: Value = serde_json::from_slice(&text).expect("a golden file is JSON");
        assert_eq!(value, kept, "{} is no longer what travels", path.display());
        bytes.push(text);
    }
    let found: BTreeSet<PathBuf> = fs::read_dir(root.join(folder))
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert_eq!(found, known, "no file is forgotten, none left over");
    bytes
}
