//! The shape of the sources: who imports whom, who sees which library, what a pure module may know, and how long a file is.
//!
//! The rules are below; `layering/rust.rs` reads just enough Rust for them, and `layering/samples.rs` shows that each rule
//! can be broken.

#[path = "layering/rust.rs"]
mod rust;
#[path = "layering/samples.rs"]
mod samples;

use std::fs;
use std::path::{Path, PathBuf};

use rust::Source;

/// Modules, and what each may import of this crate: itself, and these.
const IMPORTS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("guest", &["model"]),
    ("host", &["model"]),
    ("mqtt", &["authorities", "certificates", "files", "guest", "host", "model"]),
    ("signal", &["guest", "host", "model", "authorities"]),
    ("media", &["files", "guest", "host", "limits", "model", "memory", "authorities"]),
    ("devices", MACHINES),
    ("systemd", &["foreign", "guest", "host", "model"]),
    ("config", &["files", "guest", "host", "model", "logging", "authorities"]),
    ("logging", &["foreign"]),
    ("foreign", &[]),
    ("files", &[]),
    ("app", BELOW_APP),
    ("cli", BELOW_CLI),
    ("authorities", &["certificates", "files"]),
    ("certificates", &[]),
    ("limits", &[]),
    ("memory", &[]),
    ("environment", &[]),
    ("main", &["cli", "environment", "logging", "memory"]),
];

const MACHINES: &[&str] = &["guest", "host", "model"];
const BELOW_APP: &[&str] = &[
    "files", "foreign", "logging", "mqtt", "signal", "media", "devices", "systemd", "config", "guest",
    "host", "model",
];
const BELOW_CLI: &[&str] = &[
    "app", "foreign", "limits", "logging", "mqtt", "signal", "media", "devices", "systemd", "config",
    "guest", "host", "model",
];

/// Libraries that only some modules see. A name that ends in `*` stands for all that begin so.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("gstreamer*", &["media"]),
    ("gst", &["media"]),
    ("gst_*", &["media"]),
    ("gstrsrtp", &["media"]),
    ("glib", &["media"]),
    ("rumqttc", &["mqtt"]),
    ("v4l", &["devices"]),
    ("alsa", &["devices"]),
    ("anyhow", &["cli", "main"]),
    ("reqwest", &["signal"]),
    ("ureq", &["signal"]),
    ("hyper*", &["signal"]),
    ("http", &["signal"]),
    ("isahc", &["signal"]),
    ("attohttpc", &["signal"]),
    ("minreq", &["signal"]),
];

/// Modules that are told the time and what happened, and do nothing themselves.
const PURE: &[&str] = &["guest", "host", "model"];

/// The only libraries a pure module uses.
const PURE_LIBRARIES: &[&str] = &["std", "core", "rand", "serde", "serde_json", "thiserror", "url", "uuid"];

/// Paths that would make a pure module a clock, a die or a hand.
const IMPURE: &[&str] = &[
    "Instant::now",
    "SystemTime",
    "UNIX_EPOCH",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "thread::sleep",
    "env::var",
    "fs::read",
    "rand::random",
    "rand::rng",
    "thread_rng",
    "OsRng",
    "from_os_rng",
    "Uuid::new_v4",
    "Mutex",
    "RwLock",
    "RefCell",
    "tokio",
    "tracing",
    "println",
    "eprintln",
];

/// What `journalctl` can be asked for (docs/journal.md). It shows the sentence alone, so whatever else is to be known is in that.
const FIELDS: &[&str] = &["room", "user_id", "seat", "epoch"];

/// Longest file in lines: over the first it is split, unless it is named here; over the second always.
const SOFT_CAP: usize = 400;
const HARD_CAP: usize = 600;
const LONG_FILES: &[&str] = &[
    "src/app/host.rs",
    "src/app/shell.rs",
    "src/mqtt/connection.rs",
    "src/mqtt/connection/line.rs",
    "src/mqtt/discovery.rs",
];

#[test]
fn the_sources_keep_to_the_layers() {
    let mut faults = Vec::new();
    for file in rust_files(Path::new("src")) {
        let text = fs::read_to_string(&file).expect("a source file is readable");
        faults.extend(faults_of(file.strip_prefix("src").expect("below src"), &text));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let mut faults = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for file in rust_files(Path::new(folder)) {
            let lines = fs::read_to_string(&file).expect("a source file is readable").lines().count();
            faults.extend(too_long(&file.to_string_lossy(), lines));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_rules_know_every_module() {
    for entry in fs::read_dir("src").expect("src is readable") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let known = name == "lib" || IMPORTS.iter().any(|(module, _)| *module == name);
        assert!(known, "src has a module `{name}` that tests/layering.rs has no rule for: give it its layer");
    }
}

/// What is wrong with one source file, `path` being below `src`.
fn faults_of(path: &Path, text: &str) -> Vec<String> {
    let source = Source::read(path, text);
    let own = source.module();
    let at = |what: String| format!("src/{}: {what}", path.display());
    let mut faults = Vec::new();
    if own == "lib" {
        return faults;
    }
    let allowed = IMPORTS.iter().find(|(module, _)| *module == own).map_or(&[][..], |(_, allowed)| allowed);
    for used in source.modules_used() {
        if used != own && is_module(&used) && !allowed.contains(&used.as_str()) {
            faults.push(at(format!("`{own}` must not import `{used}`")));
        }
    }
    for library in source.libraries_used() {
        let rule = LIBRARIES.iter().find(|(name, _)| fits(name, &library));
        if let Some((_, seen_by)) = rule.filter(|(_, seen_by)| !seen_by.contains(&own.as_str())) {
            faults.push(at(format!("`{library}` is seen by {} only", seen_by.join(" and "))));
        }
        let foreign = !PURE_LIBRARIES.contains(&library.as_str()) && !source.declares(&library);
        if PURE.contains(&own.as_str()) && source.imports(&library) && foreign {
            faults.push(at(format!("a pure module does not use `{library}`")));
        }
    }
    for field in source.fields_told().iter().filter(|field| !FIELDS.contains(&field.as_str())) {
        faults.push(at(format!("nobody reads the field `{field}` in the journal: say it in the sentence")));
    }
    if PURE.contains(&own.as_str()) {
        for path in IMPURE.iter().filter(|path| source.mentions(path)) {
            faults.push(at(format!("a pure module does not know `{path}`")));
        }
    }
    faults
}

fn is_module(name: &str) -> bool {
    IMPORTS.iter().any(|(module, _)| *module == name)
}

fn fits(rule: &str, name: &str) -> bool {
    rule.strip_suffix('*').map_or(rule == name, |prefix| name.starts_with(prefix))
}

fn too_long(file: &str, lines: usize) -> Option<String> {
    if lines > HARD_CAP {
        Some(format!("{file}: {lines} lines are more than {HARD_CAP}: split it"))
    } else if lines > SOFT_CAP && !LONG_FILES.contains(&file) {
        Some(format!("{file}: {lines} lines are more than {SOFT_CAP}: split it by responsibility"))
    } else {
        None
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
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
