//! The rows of the result: a name, a value, what it must reach. The names are fixed: other programs read them.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

/// What a value must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Measured only.
    None,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    value: f64,
    target: Target,
    /// What else was seen, by name.
    more: Vec<(&'static str, f64)>,
}

/// Every name with what it is, its unit and its target, in the order of the table.
const KNOWN: [(&str, &str, &str, Target); 38] = [
    ("cpu_ratio", "CPU of a seated guest, over that of the bare pipeline", "ratio", Target::AtMost(1.2)),
    ("memory_mib", "peak memory of a seated guest", "MiB", Target::None),
    ("memory_over_bare_mib", "… above that of the bare pipeline", "MiB", Target::AtMost(32.0)),
    ("foreground_cpu_percent", "CPU of a label over the picture, above none", "%", Target::AtMost(5.0)),
    ("start_to_ready_ms", "start of a guest → online at the broker", "ms", Target::AtMost(300.0)),
    ("first_packet_ms", "accept → first packet sent", "ms", Target::AtMost(180.0)),
    ("first_frame_ms", "accept → first frame decoded at the stage", "ms", Target::AtMost(300.0)),
    (
        "first_packet_as_shipped_ratio",
        "accept → first packet with mosquitto as shipped, over that with `set_tcp_nodelay`",
        "ratio",
        Target::AtMost(1.1),
    ),
    ("slate_ms", "camera off → slate seen at the stage", "ms", Target::AtMost(500.0)),
    ("camera_back_ms", "camera on → its picture seen at the stage", "ms", Target::AtMost(1000.0)),
    ("glass_to_stage_p95_ms", "camera → decoded at the stage, 95 of 100 looks", "ms", Target::AtMost(120.0)),
    ("probe_ms", "`coguestd probe`", "ms", Target::AtMost(2000.0)),
    ("idle_memory_mib", "memory of an idle guest", "MiB", Target::AtMost(25.0)),
    ("idle_cpu_percent", "CPU of an idle guest, of one core", "%", Target::AtMost(0.2)),
    ("idle_wakeups_per_s", "wake-ups of an idle guest", "1/s", Target::AtMost(5.0)),
    ("transitions_per_s", "transitions of the pure machines", "1/s", Target::AtLeast(1e6)),
    ("command_p50_ms", "command → reply over the broker, half of all", "ms", Target::None),
    ("command_p99_ms", "… 99 of 100", "ms", Target::AtMost(10.0)),
    (
        "command_as_shipped_p50_ms",
        "command → reply over mosquitto as shipped, half of all",
        "ms",
        Target::AtMost(10.0),
    ),
    ("stays_fd_growth", "file descriptors more after 99 further stays", "count", Target::AtMost(0.0)),
    ("stays_thread_growth", "threads more after 99 further stays", "count", Target::AtMost(0.0)),
    ("stays_memory_growth_percent", "memory more from stay 10 to stay 100", "%", Target::AtMost(5.0)),
    ("host_8_threads", "threads of a stage with 8 guests", "count", Target::AtMost(70.0)),
    ("host_8_memory_mib", "memory of it", "MiB", Target::None),
    ("host_8_cpu_percent", "CPU of it, of one core", "%", Target::None),
    (
        "host_32_threads",
        "threads of a stage with 32 guests; the unit allows so many",
        "count",
        Target::AtMost(1280.0),
    ),
    ("host_32_memory_mib", "memory of it; the unit allows so much", "MiB", Target::AtMost(768.0)),
    ("host_32_cpu_percent", "CPU of it, of one core", "%", Target::None),
    (
        "host_32_again_threads",
        "most threads while all 32 come back at once; the unit allows so many",
        "count",
        Target::AtMost(1280.0),
    ),
    (
        "mouth_to_ear_p95_ms",
        "what a guest says → what another one's speaker is given, 95 of 100",
        "ms",
        Target::AtMost(250.0),
    ),
    ("returns_9_cpu_percent", "CPU of 9 returns, of one core", "%", Target::AtMost(15.0)),
    ("idle_return_kbps", "what a guest is sent that is alone, before RTP", "kbit/s", Target::AtMost(4.0)),
    (
        "watch_first_frame_p95_ms",
        "`watch` → a viewer's first decoded picture, 95 of 100",
        "ms",
        Target::AtMost(800.0),
    ),
    ("watched_cpu_percent", "CPU of a viewer of a seat at the host, of one core", "%", Target::AtMost(3.0)),
    ("watched_memory_mib", "memory of it", "MiB", Target::AtMost(3.0)),
    (
        "talk_ms",
        "`talk` → sound at the speaker of the guest; its end → silence there",
        "ms",
        Target::AtMost(300.0),
    ),
    ("joins_memory_growth_mib", "memory more after 300 further joins and leaves", "MiB", Target::AtMost(4.0)),
    (
        "storm_gap_ms",
        "longest stand of the stage's thread in a storm of sessions",
        "ms",
        Target::AtMost(1000.0),
    ),
];

impl Row {
    /// The row of a known name.
    pub fn new(name: &'static str, value: f64) -> Self {
        let (name, what, unit, target) =
            *KNOWN.iter().find(|known| known.0 == name).expect("a name of KNOWN");
        Self { name, what, unit, value, target, more: Vec::new() }
    }

    /// The median of many, with the worst beside it.
    pub fn of_many(name: &'static str, values: &[f64]) -> Self {
        let worst = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::new(name, median(values)).with("worst", worst)
    }

    /// Something seen beside the value.
    pub fn with(mut self, name: &'static str, value: f64) -> Self {
        self.more.push((name, value));
        self
    }

    fn held(&self) -> bool {
        match self.target {
            Target::AtMost(most) => self.value <= most,
            Target::AtLeast(least) => self.value >= least,
            Target::None => self.value.is_finite(),
        }
    }

    fn json(&self) -> Value {
        let mut row = Map::new();
        row.insert("name".into(), json!(self.name));
        row.insert("value".into(), json!(rounded(self.value)));
        row.insert("unit".into(), json!(self.unit));
        row.insert("target".into(), json!(self.limit()));
        row.insert("held".into(), json!(self.held()));
        row.extend(self.more.iter().map(|(name, value)| ((*name).to_owned(), json!(rounded(*value)))));
        Value::Object(row)
    }

    fn limit(&self) -> Option<f64> {
        match self.target {
            Target::AtMost(limit) | Target::AtLeast(limit) => Some(limit),
            Target::None => None,
        }
    }

    /// A line for a person.
    pub fn line(&self) -> String {
        let target = match self.target {
            Target::AtMost(limit) => format!("≤ {limit}"),
            Target::AtLeast(limit) => format!("≥ {limit}"),
            Target::None => String::new(),
        };
        let verdict = match (self.target, self.held()) {
            (Target::None, true) => "",
            (_, true) => "held",
            (_, false) => "MISSED",
        };
        let more: Vec<String> =
            self.more.iter().map(|(name, value)| format!("{name} {}", rounded(*value))).collect();
        let line = format!(
            "{:<28} {:>11} {:<6} {:<10} {:<7} {}",
            self.name,
            rounded(self.value),
            self.unit,
            target,
            verdict,
            self.what
        );
        if more.is_empty() { line } else { format!("{line} ({})", more.join(", ")) }
    }
}

/// All rows as a table for people, in the order of [`KNOWN`].
pub fn table(machine: &str, rows: &[Row]) -> String {
    let mut out = format!("{machine}\n");
    for row in in_order(rows) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", row.line());
    }
    out
}

/// Writes all rows for programs.
pub fn write(file: &Path, machine: &str, rows: &[Row]) -> std::io::Result<()> {
    let rows: Vec<Value> = in_order(rows).map(Row::json).collect();
    let text = format!("{:#}\n", json!({"machine": machine, "rows": rows}));
    std::fs::write(file, text)
}

/// The names of rows that miss their target.
pub fn missed(rows: &[Row]) -> Vec<&'static str> {
    rows.iter().filter(|row| !row.held()).map(|row| row.name).collect()
}

/// The known names without a row.
pub fn absent(rows: &[Row]) -> Vec<&'static str> {
    KNOWN.iter().map(|known| known.0).filter(|name| rows.iter().all(|row| row.name != *name)).collect()
}

fn in_order(rows: &[Row]) -> impl Iterator<Item = &Row> {
    KNOWN.iter().flat_map(move |known| rows.iter().filter(move |row| row.name == known.0))
}

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that the share `q` of all values does not exceed.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * q).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

/// Three digits behind the point say enough; none of a large number.
fn rounded(value: f64) -> f64 {
    if value.abs() >= 1000.0 { value.round() } else { (value * 1000.0).round() / 1000.0 }
}
