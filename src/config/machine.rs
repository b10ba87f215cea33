//! Which machine this is: a short, stable hash, the same at every start and different on every board; and names for it, so that
//! one image serves many machines.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What systemd writes into `/etc/machine-id` of an image before its first boot.
const NOT_YET: &str = "uninitialized";

/// Mixed into the hash, because a machine id itself is not to be shown on a network (machine-id(5)).
const SALT: &[u8] = b"coguestd machine v1:";

/// Where a Linux machine says which one it is, best first.
pub(super) fn default_files() -> Vec<PathBuf> {
    [
        "/etc/machine-id",
        "/var/lib/dbus/machine-id",
        "/sys/firmware/devicetree/base/serial-number",
        "/sys/class/net/eth0/address",
        "/sys/class/net/wlan0/address",
        "/proc/sys/kernel/hostname",
    ]
    .map(PathBuf::from)
    .into()
}

/// Eight hexadecimal digits for the first of `files` that says something; of the kernel's boot id (new at every boot) if
/// none does, so that two nameless machines still differ.
pub(super) fn hash(files: &[PathBuf]) -> String {
    let id = files
        .iter()
        .find_map(|file| said(file))
        .or_else(|| fs::read_to_string("/proc/sys/kernel/random/boot_id").ok())
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let digest = Sha256::new().chain_update(SALT).chain_update(id.as_bytes()).finalize();
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
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
    ["sys/firmware/devicetree/base/serial-number", "sys/class/dmi/id/product_serial"]
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
    INTERFACES
        .map(ToOwned::to_owned)
        .into_iter()
        .chain(others)
        .filter_map(|name| said(&net.join(name).join("address")))
        .filter(|address| !address.bytes().all(|byte| matches!(byte, b'0' | b':')))
        .find_map(|address| plain(&address.replace(':', "")))
        .map(|address| format!("kiosk-{address}"))
        .ok_or("finds no network card: use \"auto\" or \"auto:serial\"")
}

/// What a file of one word says.
fn said(file: &Path) -> Option<String> {
    let bytes = fs::read(file).ok()?;
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

    #[test]
    fn the_first_file_that_says_something_counts() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).expect("a writable directory");
            path
        };
        let empty = write("empty", "\n");
        let fresh = write("fresh", "uninitialized\n");
        let real = write("real", "3d1219c7c4c5404aaa1f6d2a48adfda4\n");
        let other = write("other", "another\0");
        let missing = directory.path().join("missing");

        let hashed = hash(&[missing, empty, fresh, real.clone(), other.clone()]);
        assert_eq!(hashed.len(), 8);
        assert!(hashed.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(hashed, hash(std::slice::from_ref(&real)));
        assert_ne!(hashed, hash(&[other]));
        assert_eq!(hash(&[]).len(), 8);
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
        assert_eq!(mac(root.path()).as_deref(), Ok("kiosk-b827eb010203"));
    }
}
