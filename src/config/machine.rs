//! Which machine this is: a short, stable hash, the same at every start and different on every board.

use std::fs;
use std::path::PathBuf;

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
    let known = files.iter().find_map(|file| {
        let bytes = fs::read(file).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let id = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!id.is_empty() && id != NOT_YET).then(|| id.to_owned())
    });
    let id = known
        .or_else(|| fs::read_to_string("/proc/sys/kernel/random/boot_id").ok())
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let digest = Sha256::new().chain_update(SALT).chain_update(id.as_bytes()).finalize();
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
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
}
