//! The sockets a daemon holds, against the table that `docs/security.md` promises.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::json;

use crate::network::ensure_interface;
use crate::support::daemon::Daemon;
use crate::support::eventually;
use crate::support::stand::{HOST, Stand};

/// The columns of the table, behind the kind of socket.
const COLUMNS: [&str; 4] = ["guest, idle", "guest, seated", "host, idle", "host, with guests"];

/// Which kinds of sockets the page promises, by column.
fn promised() -> BTreeMap<&'static str, BTreeSet<String>> {
    let page = fs::read_to_string("docs/security.md").expect("the page");
    let mut lines = page.lines().skip_while(|line| !line.starts_with("| socket |"));
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let head = cells(lines.next().expect("a table of sockets"));
    assert_eq!(head.get(2..6).expect("four columns"), COLUMNS);
    let mut promised: BTreeMap<_, _> = COLUMNS.iter().map(|column| (*column, BTreeSet::new())).collect();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let row = cells(line);
        let kind = row[1].trim_matches('`').to_owned();
        for (column, cell) in COLUMNS.iter().zip(&row[2..6]) {
            match cell.as_str() {
                "yes" => {
                    assert!(promised.get_mut(column).expect("made above").insert(kind.clone()), "{kind}")
                }
                "no" => {}
                other => panic!("docs/security.md: {kind}, {column}: {other:?} is neither yes nor no"),
            }
        }
    }
    promised
}

/// The inodes of the sockets of a process.
fn inodes(pid: u32) -> BTreeSet<u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    let link = |entry: std::io::Result<fs::DirEntry>| fs::read_link(entry.ok()?.path()).ok();
    let inode =
        |path: std::path::PathBuf| path.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    entries.filter_map(link).filter_map(inode).collect()
}

/// One socket in the words of the page.
fn kind(family: &str, columns: &[&str], broker: u16) -> String {
    let port = |address: &str| {
        let (_, port) = address.rsplit_once(':').expect("address:port");
        u16::from_str_radix(port, 16).expect("hexadecimal")
    };
    match family {
        "tcp" | "tcp6" if columns[3] == "0A" => "tcp, listening".to_owned(),
        "tcp" | "tcp6" if port(columns[2]) == broker => "tcp to the broker".to_owned(),
        "tcp" | "tcp6" => format!("tcp to port {}", port(columns[2])),
        "udp" | "udp6" if port(columns[1]) < 1024 || [1900, 5353].contains(&port(columns[1])) => {
            format!("udp on port {}", port(columns[1]))
        }
        "udp" | "udp6" => "udp for ICE".to_owned(),
        "netlink" if columns[1] == "0" => "netlink, routes and addresses".to_owned(),
        "netlink" if columns[1] == "15" => "netlink, devices".to_owned(),
        "unix" if columns[4] == "0001" => "unix, within the program".to_owned(),
        "unix" => "unix to systemd".to_owned(),
        other => format!("{other} {columns:?}"),
    }
}

/// The kinds of sockets this process has open now.
fn open(daemon: &Daemon, broker: u16) -> BTreeSet<String> {
    let pid = daemon.pid();
    let mut mine = inodes(pid);
    let mut found = BTreeSet::new();
    let inode_at = [
        ("tcp", 9),
        ("tcp6", 9),
        ("udp", 9),
        ("udp6", 9),
        ("udplite", 9),
        ("raw", 9),
        ("raw6", 9),
        ("netlink", 9),
        ("unix", 6),
        ("packet", 8),
    ];
    for (family, at) in inode_at {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{family}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let inode = columns.get(at).and_then(|inode| inode.parse().ok());
            if inode.is_some_and(|inode| mine.remove(&inode)) {
                found.insert(kind(family, &columns, broker));
            }
        }
    }
    // One that was closed between the two looks is in no table any more.
    mine.retain(|inode| inodes(pid).contains(inode));
    assert!(mine.is_empty(), "sockets {mine:?} are in none of the kernel's tables");
    found
}

/// Looks until what is open is what the page says of this column.
fn holds(daemon: &Daemon, broker: u16, column: &str, promised: &BTreeSet<String>) {
    let mut seen = BTreeSet::new();
    eventually(&format!("the sockets of {column:?} to be {promised:?}"), || {
        let now = open(daemon, broker);
        if now != seen {
            eprintln!("{column}: {now:?}");
            seen.clone_from(&now);
        }
        (now == *promised).then_some(())
    });
}

#[test]
fn the_sockets_are_those_that_the_page_on_security_names() {
    ensure_interface();
    let promised = promised();
    let stand = Stand::open();
    let broker = stand.broker.port();
    let holds = |daemon: &Daemon, column: &str| holds(daemon, broker, column, &promised[column]);
    let host = stand.host(&["host.seat_mode=free"]);
    holds(&host, "host, idle");
    let guest = stand.guest_inside("ada", &[]);
    holds(&guest, "guest, idle");
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({}));
    stand.event("ada", "media_live", mark);
    stand.event(HOST, "media_live", mark);
    holds(&guest, "guest, seated");
    holds(&host, "host, with guests");
    stand.ok("ada", "disconnect", json!({}));
    holds(&guest, "guest, idle");
    holds(&host, "host, idle");
}
