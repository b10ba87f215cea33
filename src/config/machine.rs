//! Which machine this is: a short, stable hash, the same at every start and different on every board; and names for it, so that
//! one image serves many machines.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::files;

/// What systemd writes into `/etc/machine-id` of an image before its first boot.
const NOT_YET: &str = "uninitialized";

/// Mixed into the hash, because a machine id itself is not to be shown on a network (machine-id(5)).
const SALT: &[u8] = b"coguestd machine v1:";

/// Where systemd and D-Bus keep the machine's id (machine-id(5)), below the root.
const MACHINE_IDS: [&str; 2] = ["etc/machine-id", "var/lib/dbus/machine-id"];

/// Where a board's firmware says its serial number, below the root.
const BOARD_SERIAL: &str = "sys/firmware/devicetree/base/serial-number";

/// What a network card's address is when its maker gave it (`NET_ADDR_PERM`); others are drawn by lot or set by software.
const PERMANENT: &str = "0";

/// Most that is read of a file of one word.
const MAX_WORD_BYTES: u64 = 4096;

/// What tells this machine from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Eight hexadecimal digits, which do not show what they are made from.
    pub hash: String,
    /// What they are made from; `None`: nothing here survives a restart, and neither do they.
    pub source: Option<&'static str>,
    /// What would have been taken before that, and why it was not.
    pub passed_over: Option<String>,
}

/// This machine, as far as it can be told below `root`: by what it has that stays the same over restarts, best first. If there is
/// nothing, by the kernel's boot id, so that two nameless machines still differ.
pub(super) fn identify(root: &Path) -> Machine {
    let mut passed_over = None;
    let machine_id = MACHINE_IDS.iter().find_map(|file| match machine_id(root, file) {
        Ok(id) => id,
        Err(why) => {
            passed_over.get_or_insert(format!("/{file} {why}"));
            None
        }
    });
    let named = || hostname(root).ok();
    let lasting = machine_id
        .map(|id| (id, "the machine id"))
        .or_else(|| Some((said(&root.join(BOARD_SERIAL))?, "the board's serial number")))
        .or_else(|| Some((address(root)?, "the address of a network card")))
        .or_else(|| Some((named()?, "the host name")));
    let (id, source) = match lasting {
        Some((id, source)) => (id, Some(source)),
        None => {
            let boot_id = said(&root.join("proc/sys/kernel/random/boot_id"));
            (boot_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()), None)
        }
    };
    let digest = Sha256::new().chain_update(SALT).chain_update(id.as_bytes()).finalize();
    let hash = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    Machine { hash, source, passed_over }
}

/// The id in `file`, below `root`; none when there is no such file or nothing in it yet.
///
/// # Errors
/// In words, where it does not survive a restart or is no id.
fn machine_id(root: &Path, file: &str) -> Result<Option<String>, &'static str> {
    let path = root.join(file);
    let Some(id) = said(&path) else { return Ok(None) };
    if id.len() != 32
        || !id.bytes().all(|byte| byte.is_ascii_hexdigit())
        || id.bytes().all(|byte| byte == b'0')
    {
        return Err("holds no machine id");
    }
    // systemd mounts one over the file that it cannot write, and it is another one at each boot.
    let real = fs::canonicalize(&path).unwrap_or(path);
    let transient = said(&root.join("run/machine-id")).is_some_and(|drawn| drawn == id);
    if transient || is_mounted_over(root, &real) {
        return Err(
            "does not survive a restart: it is mounted over, as systemd does where the root is read-only and \
                    the file is empty",
        );
    }
    Ok(Some(id))
}

/// Whether something is mounted at this path (proc_pid_mountinfo(5)).
fn is_mounted_over(root: &Path, path: &Path) -> bool {
    let Ok(mounts) = fs::read_to_string(root.join("proc/self/mountinfo")) else { return false };
    // Blanks are escaped there, and none is in the paths that are asked for.
    mounts.lines().filter_map(|line| line.split(' ').nth(4)).any(|point| Path::new(point) == path)
}

/// What a machine that nobody has named is called.
const UNNAMED: [&str; 4] = ["localhost", "raspberrypi", "debian", "(none)"];

/// Network interfaces that name a machine, best first; then any other that is a device.
const INTERFACES: [&str; 3] = ["eth0", "end0", "wlan0"];

/// The machine's host name, without its domain; below `root`.
///
/// # Errors
/// In words, when it has none of its own.
pub(super) fn hostname(root: &Path) -> Result<String, &'static str> {
    let name = said(&root.join("proc/sys/kernel/hostname")).unwrap_or_default();
    let name = name.split('.').next().unwrap_or_default().to_owned();
    if name.is_empty() || UNNAMED.contains(&name.as_str()) {
        return Err("finds no host name of this machine's own: set one (hostnamectl set-hostname NAME)");
    }
    Ok(name)
}

/// `kiosk-` and the board's serial number.
///
/// # Errors
/// In words, when it has none.
pub(super) fn serial(root: &Path) -> Result<String, &'static str> {
    [BOARD_SERIAL, "sys/class/dmi/id/product_serial"]
        .into_iter()
        .find_map(|file| plain(&said(&root.join(file))?))
        .map(|serial| format!("kiosk-{serial}"))
        .ok_or("finds no serial number that it may read: use \"auto\", \"auto:hostname\" or \"auto:mac\"")
}

/// `kiosk-` and the address of the first network card, without its colons.
///
/// # Errors
/// In words, when there is none.
pub(super) fn mac(root: &Path) -> Result<String, &'static str> {
    address(root)
        .map(|address| format!("kiosk-{address}"))
        .ok_or("finds no network card with an address of its own: use \"auto\" or \"auto:serial\"")
}

/// The address of the first network card whose maker gave it one, without its colons.
fn address(root: &Path) -> Option<String> {
    let net = root.join("sys/class/net");
    let mut others: Vec<String> = fs::read_dir(&net)
        .into_iter()
        .flatten()
        .flatten()
        // What has no device behind it (lo, bridges, tunnels) may have another address tomorrow.
        .filter(|entry| entry.path().join("device").exists())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    others.sort_unstable();
    let lasts =
        |name: &String| said(&net.join(name).join("addr_assign_type")).is_none_or(|kind| kind == PERMANENT);
    INTERFACES
        .map(ToOwned::to_owned)
        .into_iter()
        .chain(others)
        .filter(lasts)
        .filter_map(|name| said(&net.join(name).join("address")))
        .filter(|address| !address.bytes().all(|byte| matches!(byte, b'0' | b':')))
        .find_map(|address| plain(&address.replace(':', "")))
}

/// What a file of one word says.
fn said(file: &Path) -> Option<String> {
    let bytes = files::read(file, MAX_WORD_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let word = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!word.is_empty() && word != NOT_YET).then(|| word.to_owned())
}

/// In lower case, if an id can have it.
fn plain(word: &str) -> Option<String> {
    let fits = (4..=58).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3d1219c7c4c5404aaa1f6d2a48adfda4";

    /// A machine that has these files.
    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let root = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in files {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().expect("in a directory")).expect("writable");
            fs::write(file, text.replace("ROOT", &root.path().display().to_string())).expect("writable");
        }
        let machine = identify(root.path());
        (root, machine)
    }

    #[test]
    fn a_machine_is_told_by_the_first_thing_that_survives_a_restart() {
        let serial = ("sys/firmware/devicetree/base/serial-number", "10000000abcdef01\0");
        let card = ("sys/class/net/eth0/address", "dc:a6:32:01:02:03\n");
        let drawn = ("sys/class/net/eth0/addr_assign_type", "1\n");
        let name = ("proc/sys/kernel/hostname", "lobby-3\n");
        let boot = ("proc/sys/kernel/random/boot_id", "86f7ba09-2aa0-4f16-a3b1-3d1219c7c4c5\n");
        let id = ("etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n");
        let whole = [id, serial, card, name, boot];
        for (files, source) in [
            (&whole[..], Some("the machine id")),
            (&whole[1..], Some("the board's serial number")),
            (&whole[2..], Some("the address of a network card")),
            (&[card, drawn, name, boot], Some("the host name")),
            (&[("proc/sys/kernel/hostname", "raspberrypi"), boot], None),
            (&[], None),
        ] {
            let (_root, machine) = machine(files);
            assert_eq!(machine.source, source, "{files:?}");
            assert_eq!(machine.passed_over, None, "{files:?}");
            assert!(machine.hash.len() == 8 && machine.hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        let hash = |text: &str| machine(&[("etc/machine-id", text)]).1.hash;
        assert_eq!(hash(ID), hash(&format!("{ID}\n")));
        assert_ne!(hash(ID), hash(&ID.replace('3', "4")));
        let in_second_place = machine(&[("etc/machine-id", "\n"), ("var/lib/dbus/machine-id", ID)]).1;
        assert_eq!(in_second_place.hash, hash(ID), "an empty file says nothing");
    }

    #[test]
    fn a_machine_id_that_does_not_survive_a_restart_is_passed_over() {
        let serial = ("sys/firmware/devicetree/base/serial-number", "10000000abcdef01\0");
        let mounted = "24 1 8:1 / / ro - ext4 /dev/sda1 ro\n36 24 0:23 /machine-id ROOT/etc/machine-id ro - tmpfs tmpfs rw\n";
        for files in [
            [("etc/machine-id", ID), ("proc/self/mountinfo", mounted)],
            [("etc/machine-id", ID), ("run/machine-id", ID)],
        ] {
            let (_root, with_serial) = machine(&[&files[..], &[serial]].concat());
            assert_eq!(with_serial.source, Some("the board's serial number"));
            let why = with_serial.passed_over.expect("it says so");
            assert!(why.starts_with("/etc/machine-id does not survive a restart"), "{why}");
            assert_eq!(with_serial.hash, machine(&[serial]).1.hash, "and is the same at the next boot");
            assert_eq!(machine(&files).1.source, None);
        }
        for no_id in ["00000000000000000000000000000000", "kiosk", "3d1219c7"] {
            let (_root, told) = machine(&[("etc/machine-id", no_id), serial]);
            assert_eq!(told.passed_over.as_deref(), Some("/etc/machine-id holds no machine id"));
            assert_eq!(told.source, Some("the board's serial number"));
        }
        let (_root, fresh) = machine(&[("etc/machine-id", "uninitialized\n"), serial]);
        assert_eq!(fresh.passed_over, None, "nothing is there yet");
        // D-Bus's file is mostly a link to the other one.
        let (root, _) = machine(&[("etc/machine-id", ID), ("proc/self/mountinfo", mounted)]);
        fs::create_dir_all(root.path().join("var/lib/dbus")).expect("writable");
        std::os::unix::fs::symlink(
            root.path().join("etc/machine-id"),
            root.path().join("var/lib/dbus/machine-id"),
        )
        .expect("writable");
        let mounts = mounted
            .replace("ROOT", &fs::canonicalize(root.path()).expect("it is there").display().to_string());
        fs::write(root.path().join("proc/self/mountinfo"), mounts).expect("writable");
        assert_eq!(identify(root.path()).source, None);
    }

    #[test]
    fn a_machine_is_named_by_what_it_has() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, text: &str| {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().expect("in a directory")).expect("writable");
            fs::write(file, text).expect("writable");
        };
        for named in [hostname(root.path()), serial(root.path()), mac(root.path())] {
            assert!(named.is_err_and(|why| why.starts_with("finds no ")), "an empty machine has no name");
        }
        write("proc/sys/kernel/hostname", "raspberrypi\n");
        assert!(hostname(root.path()).is_err());
        write("proc/sys/kernel/hostname", "lobby-3.example.org\n");
        assert_eq!(hostname(root.path()).as_deref(), Ok("lobby-3"));
        write("sys/class/dmi/id/product_serial", "To be filled by O.E.M.\n");
        assert!(serial(root.path()).is_err(), "a placeholder is no serial number");
        write("sys/firmware/devicetree/base/serial-number", "10000000ABCDEF01\0");
        assert_eq!(serial(root.path()).as_deref(), Ok("kiosk-10000000abcdef01"));
        write("sys/class/net/lo/address", "00:00:00:00:00:00\n");
        write("sys/class/net/docker0/address", "02:42:00:00:00:01\n");
        assert!(mac(root.path()).is_err(), "a bridge is no card");
        write("sys/class/net/enp1s0/address", "DC:A6:32:01:02:03\n");
        write("sys/class/net/enp1s0/device/vendor", "x");
        assert_eq!(mac(root.path()).as_deref(), Ok("kiosk-dca632010203"));
        write("sys/class/net/eth0/address", "b8:27:eb:01:02:03\n");
        write("sys/class/net/eth0/addr_assign_type", "1\n");
        assert_eq!(mac(root.path()).as_deref(), Ok("kiosk-dca632010203"), "an address that was drawn by lot");
        write("sys/class/net/eth0/addr_assign_type", "0\n");
        assert_eq!(mac(root.path()).as_deref(), Ok("kiosk-b827eb010203"));
    }
}
