//! Who imports whom, who sees which library, what a pure module may know, and what a line of the journal has.

use std::collections::BTreeSet;

use crate::rust::Source;
use crate::tree::Tree;

/// Modules, and what each imports of this crate beside itself. An arrow that nobody uses any more is taken out.
pub const IMPORTS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("guest", &["model"]),
    ("host", &["model"]),
    ("mqtt", &["authorities", "certificates", "files", "model", "network"]),
    ("signal", &["authorities", "model"]),
    ("media", &["authorities", "files", "limits", "memory", "model", "network"]),
    ("devices", &["model"]),
    ("systemd", &["foreign"]),
    ("config", &["authorities", "files", "logging", "model"]),
    ("logging", &["foreign"]),
    ("foreign", &[]),
    ("files", &[]),
    ("app", BELOW_APP),
    ("cli", &["app", "config", "devices", "foreign", "limits", "logging", "media", "model", "mqtt"]),
    ("authorities", &["certificates", "files"]),
    ("certificates", &[]),
    ("limits", &[]),
    ("memory", &[]),
    ("environment", &[]),
    ("network", &[]),
    ("main", &["cli", "environment", "logging", "memory"]),
];

const BELOW_APP: &[&str] = &[
    "config", "devices", "files", "guest", "host", "logging", "media", "model", "mqtt", "signal", "systemd",
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

/// Parts of other modules that are pure alike.
const PURE_PARTS: &[&str] = &["media/rate/"];

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

/// What is wrong with one source file.
pub fn faults_of(source: &Source) -> Vec<String> {
    let own = source.module();
    if own == "lib" {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let allowed = IMPORTS.iter().find(|(module, _)| *module == own).map_or(&[][..], |(_, allowed)| allowed);
    for used in source.modules_used() {
        if used != own && is_module(used) && !allowed.contains(&used) {
            faults.push(format!("`{own}` must not import `{used}`"));
        }
    }
    for library in source.libraries_used() {
        let rule = LIBRARIES.iter().find(|(name, _)| fits(name, library));
        if let Some((_, seen_by)) = rule.filter(|(_, seen_by)| !seen_by.contains(&own)) {
            faults.push(format!("`{library}` is seen by {} only", seen_by.join(" and ")));
        }
    }
    for field in source.fields_told().iter().filter(|field| !FIELDS.contains(&field.as_str())) {
        faults.push(format!("nobody reads the field `{field}` in the journal: say it in the sentence"));
    }
    if PURE.contains(&own) || PURE_PARTS.iter().any(|part| source.file.starts_with(part)) {
        for library in source.libraries_imported() {
            if !PURE_LIBRARIES.contains(&library) && !source.declares(library) {
                faults.push(format!("a pure module does not use `{library}`"));
            }
        }
        for path in IMPURE.iter().filter(|path| source.mentions(path)) {
            faults.push(format!("a pure module does not know `{path}`"));
        }
    }
    faults.into_iter().map(|fault| format!("src/{}: {fault}", source.file)).collect()
}

/// Arrows that are allowed and that no file uses.
pub fn unused_arrows(tree: &Tree) -> Vec<String> {
    let mut unused = Vec::new();
    for (module, allowed) in IMPORTS {
        let used: BTreeSet<&str> = tree
            .sources()
            .filter(|source| source.module() == *module)
            .flat_map(|source| source.modules_used())
            .collect();
        let idle = allowed.iter().filter(|name| !used.contains(*name));
        unused
            .extend(idle.map(|name| format!("`{module}` does not import `{name}`: take it out of its rule")));
    }
    unused
}

pub fn is_module(name: &str) -> bool {
    IMPORTS.iter().any(|(module, _)| *module == name)
}

fn fits(rule: &str, name: &str) -> bool {
    rule.strip_suffix('*').map_or(rule == name, |prefix| name.starts_with(prefix))
}
