//! What the kernel knows of a process: `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// A reading of one process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process(pub u32);

impl Process {
    /// User and system time of all its threads, also of those that ended; in clock ticks of 10 ms.
    pub fn cpu(self) -> anyhow::Result<Duration> {
        let stat = self.read("stat")?;
        // The name in parentheses may contain anything; utime and stime are fields 14 and 15, counted from 1.
        let after = stat.rsplit_once(')').context("/proc/PID/stat has a name")?.1;
        let ticks: u64 =
            after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// The same of its present threads, to the nanosecond.
    pub fn cpu_of_threads(self) -> anyhow::Result<Duration> {
        let spent = |text: String| text.split_whitespace().next().and_then(|n| n.parse::<u64>().ok());
        Ok(Duration::from_nanos(self.per_thread("schedstat", spent)?))
    }

    /// How often its present threads went to sleep: each time something woke them.
    pub fn wake_ups(self) -> anyhow::Result<u64> {
        self.per_thread("status", |text| field(&text, "voluntary_ctxt_switches:"))
    }

    /// Most memory it ever had, in MiB.
    pub fn peak_mib(self) -> anyhow::Result<f64> {
        self.mib("VmHWM:")
    }

    /// The memory it has, in MiB.
    pub fn resident_mib(self) -> anyhow::Result<f64> {
        self.mib("VmRSS:")
    }

    /// Its threads.
    pub fn threads(self) -> anyhow::Result<usize> {
        self.count("task")
    }

    /// Its open file descriptors.
    pub fn descriptors(self) -> anyhow::Result<usize> {
        self.count("fd")
    }

    fn mib(self, name: &str) -> anyhow::Result<f64> {
        let kib = field(&self.read("status")?, name).with_context(|| format!("/proc says {name}"))?;
        Ok(kib as f64 / 1024.0)
    }

    fn count(self, folder: &str) -> anyhow::Result<usize> {
        let path = format!("/proc/{}/{folder}", self.0);
        Ok(fs::read_dir(&path).with_context(|| path.clone())?.count())
    }

    fn read(self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).with_context(|| path.clone())
    }

    fn per_thread(self, file: &str, number: impl Fn(String) -> Option<u64>) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/task", self.0);
        let tasks = fs::read_dir(&path).with_context(|| path.clone())?;
        // A thread that ended since it was listed counts as nothing.
        let read = |task: fs::DirEntry| fs::read_to_string(task.path().join(file)).ok().and_then(&number);
        Ok(tasks.flatten().filter_map(read).sum())
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// What the machine is, in a line.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find(|line| line.starts_with("model name") || line.starts_with("Model"))
        .and_then(|line| line.split_once(':'))
        .map_or("unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let os = read("/etc/os-release");
    let os = os.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("Linux");
    let memory = field(&read("/proc/meminfo"), "MemTotal:").unwrap_or_default() >> 20;
    format!("{model}, {cores} cores, {memory} GiB, {}", os.trim_matches('"'))
}

/// How busy the machine is: runnable tasks over the last minute, of everybody.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}
