//! Whether the unit lets a host have what its seats need.

use std::process::Command;

use super::finding::Finding;
use crate::config::{Role, Settings};
use crate::limits::{Amount, Limits};
use crate::media::stage::budget;

/// What the unit allows, and for how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) seats: u64,
    pub(super) viewers: u64,
    pub(super) limits: Limits,
}

/// For a host: by the installed unit, or where there is none by this process, which stands for one started by hand.
pub(super) fn gather(settings: &Settings) -> Option<Room> {
    let seats = u64::from(settings.host.seats.get());
    let viewers = u64::try_from(settings.host.watching).unwrap_or(u64::MAX);
    let limits = || unit().unwrap_or_else(Limits::read);
    (settings.role == Role::Host).then(|| Room { seats, viewers, limits: limits() })
}

fn unit() -> Option<Limits> {
    let properties = "--property=LoadState,TasksMax,LimitNOFILE,MemoryMax";
    let output = Command::new("systemctl").args(["show", "coguestd.service", properties]).output().ok()?;
    read(&String::from_utf8_lossy(&output.stdout))
}

/// What `systemctl show` says; `infinity` is no limit.
fn read(shown: &str) -> Option<Limits> {
    let value = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let amount = |name| Amount { used: 0, most: value(name).and_then(|most| most.parse().ok()) };
    (value("LoadState") == Some("loaded")).then(|| Limits {
        threads: amount("TasksMax"),
        descriptors: amount("LimitNOFILE"),
        memory: amount("MemoryMax"),
    })
}

/// The sentence about it.
pub(super) fn judge(room: &Room) -> Finding {
    let Room { seats, viewers, limits } = room;
    let needed = budget::for_seats(*seats, *viewers);
    let kinds = [
        ("TasksMax", limits.threads.most, needed.threads, needed.threads.to_string()),
        ("LimitNOFILE", limits.descriptors.most, needed.descriptors, needed.descriptors.to_string()),
        ("MemoryMax", limits.memory.most, needed.memory, format!("{}M", needed.memory.div_ceil(1 << 20))),
    ];
    let short = kinds.into_iter().filter(|(_, most, needed, _)| most.is_some_and(|most| most < *needed));
    let remedies: Vec<String> = short.map(|(name, _, _, wanted)| format!("{name}={wanted}")).collect();
    if remedies.is_empty() {
        return Finding::good(
            "limits",
            format!("room for {seats} seats with pictures of 720p and {viewers} viewers"),
        );
    }
    Finding::wrong(
        "limits",
        format!(
            "the unit has no room for {seats} seats and {viewers} viewers, and some will be turned away: sudo systemctl edit \
             coguestd, there [Service] and {}; or fewer in host.seats or host.watching",
            remedies.join(" ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn the_limits_of_the_shipped_unit_are_enough_for_the_most_seats() {
        let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/coguestd.service");
        let unit = std::fs::read_to_string(unit).expect("the unit");
        let plain = |line: &str| line.replace("MemoryMax=", "").strip_suffix('M').map(str::to_owned);
        let shown: String = unit
            .lines()
            .map(|line| match plain(line).and_then(|mebibytes| mebibytes.parse::<u64>().ok()) {
                Some(mebibytes) if line.starts_with("MemoryMax=") => {
                    format!("MemoryMax={}\n", mebibytes << 20)
                }
                _ => format!("{line}\n"),
            })
            .collect();
        let limits = read(&format!("LoadState=loaded\n{shown}")).expect("it is loaded");
        for amount in [limits.threads, limits.descriptors, limits.memory] {
            assert!(amount.most.is_some(), "the unit bounds everything: {limits:?}");
        }
        let finding = judge(&Room { seats: 32, viewers: 64, limits });
        assert_eq!(finding.verdict, Verdict::Good, "{}", finding.sentence);
    }

    #[test]
    fn too_little_is_told_with_the_remedy() {
        let limits = read("LoadState=loaded\nTasksMax=128\nLimitNOFILE=infinity\nMemoryMax=infinity\n");
        let finding = judge(&Room { seats: 32, viewers: 64, limits: limits.expect("it is loaded") });
        assert_eq!(finding.verdict, Verdict::Wrong);
        let wanted = format!("TasksMax={}", budget::for_seats(32, 64).threads);
        assert!(
            finding.sentence.contains(&wanted) && !finding.sentence.contains("LimitNOFILE"),
            "{finding:?}"
        );
        assert!(read("LoadState=not-found\nTasksMax=1\n").is_none());
    }
}
