//! What the system lets this process have of threads, descriptors and memory, and what it has of them.
//!
//! Invariant: what cannot be read is no limit. Not here: what something costs.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the kernel shows control groups.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";

/// One kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// So much this process has.
    pub used: u64,
    /// So much it may have; `None`: no limit.
    pub most: Option<u64>,
}

/// All kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Threads: `TasksMax=` of the unit (pids.max of the control group).
    pub threads: Amount,
    /// File descriptors: `LimitNOFILE=`.
    pub descriptors: Amount,
    /// Bytes of memory: `MemoryMax=`.
    pub memory: Amount,
}

impl Limits {
    /// As of now. Reads some files of the kernel; takes less than a millisecond.
    pub fn read() -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let root = Path::new(CONTROL_GROUPS);
        Self {
            threads: Amount {
                used: entries("/proc/self/task"),
                most: [least(&folders(&groups, root, "pids"), "pids.max"), limit("Max processes")]
                    .into_iter()
                    .flatten()
                    .min(),
            },
            descriptors: Amount { used: entries("/proc/self/fd"), most: limit("Max open files") },
            memory: Amount {
                used: resident(),
                most: least(&folders(&groups, root, "memory"), "memory.max")
                    .or_else(|| least(&folders(&groups, root, "memory"), "memory.limit_in_bytes")),
            },
        }
    }
}

/// The folders of this process's control group and those above it that bound `controller`, by `/proc/self/cgroup` (cgroups(7)).
fn folders(groups: &str, root: &Path, controller: &str) -> Vec<PathBuf> {
    let of_line = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        // Version 2 has one line without a name, version 1 one for each controller, in a folder of its name.
        let top = match controllers {
            "" => root.to_owned(),
            names if names.split(',').any(|name| name == controller) => root.join(names),
            _ => return None,
        };
        let own = top.join(path.trim_start_matches('/'));
        Some(own.ancestors().take_while(|folder| folder.starts_with(&top)).map(Path::to_owned).collect())
    };
    let found: Vec<Vec<PathBuf>> = groups.lines().filter_map(of_line).collect();
    found.into_iter().flatten().collect()
}

/// The least number in a file of this name; `max` is none, and so is what version 1 writes for it.
fn least(folders: &[PathBuf], file: &str) -> Option<u64> {
    let number = |folder: &PathBuf| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    folders.iter().filter_map(number).filter(|most| *most < 1 << 62).min()
}

fn entries(folder: &str) -> u64 {
    fs::read_dir(folder).map_or(0, |entries| entries.count() as u64)
}

/// The soft one of the limits of this name (getrlimit(2)).
fn limit(name: &str) -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_both_versions() {
        let root = Path::new("/sys");
        let unified = "0::/system.slice/coguestd.service\n";
        let of = |groups, controller| folders(groups, root, controller);
        let expected = ["/sys/system.slice/coguestd.service", "/sys/system.slice", "/sys"].map(PathBuf::from);
        assert_eq!(of(unified, "pids"), expected);
        let split = "8:pids:/a\n4:memory:/b/c\n1:cpu,cpuacct:/\n";
        assert_eq!(of(split, "pids"), ["/sys/pids/a", "/sys/pids"].map(PathBuf::from));
        assert_eq!(of(split, "cpuacct"), ["/sys/cpu,cpuacct"].map(PathBuf::from));
        assert_eq!(of("nonsense\n", "pids"), [""; 0].map(PathBuf::from));
    }

    #[test]
    fn the_tightest_limit_counts_and_max_is_none() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let inner = root.path().join("slice/unit");
        fs::create_dir_all(&inner).expect("ours");
        let found = folders("0::/slice/unit\n", root.path(), "pids");
        assert_eq!(least(&found, "pids.max"), None);
        fs::write(root.path().join("slice/pids.max"), "500\n").expect("ours");
        fs::write(inner.join("pids.max"), "max\n").expect("ours");
        assert_eq!(least(&found, "pids.max"), Some(500));
        fs::write(inner.join("pids.max"), "128\n").expect("ours");
        assert_eq!(least(&found, "pids.max"), Some(128));
        fs::write(inner.join("memory.limit_in_bytes"), "9223372036854771712\n").expect("ours");
        assert_eq!(least(&found, "memory.limit_in_bytes"), None);
    }

    #[test]
    fn this_process_has_something_of_each() {
        let limits = Limits::read();
        assert!(limits.threads.used >= 1 && limits.descriptors.used >= 3 && limits.memory.used > 1 << 20);
        assert!(limits.descriptors.most.is_some_and(|most| most >= limits.descriptors.used));
    }
}
