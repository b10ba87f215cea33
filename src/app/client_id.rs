//! The MQTT client id: the user id and a random part, so that nobody who knows a machine's name can take its session over.
//!
//! The random part stands in the runtime directory (`RUNTIME_DIRECTORY`, systemd's `%t/coguestd`), so that a restart takes its
//! own session over at once; without one it lasts as long as the process. Invariant: what stands there is only believed if this
//! program could have written it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::files;
use crate::model::UserId;

/// Length of the random part, in hexadecimal digits.
const DIGITS: usize = 16;

/// Most that is read of its file.
const MAX_BYTES: u64 = 64;

/// Where systemd lets the program keep what a restart needs. Of several directories the first.
pub(super) fn runtime_directory() -> Option<PathBuf> {
    let named = std::env::var_os("RUNTIME_DIRECTORY")?;
    let first = named.as_bytes().split(|byte| *byte == b':').next()?;
    (!first.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(first)))
}

/// The client id of this user.
pub(super) fn of(user_id: &UserId, directory: Option<&Path>) -> String {
    let random = directory.map_or_else(fresh, |directory| {
        let file = directory.join(format!("client-id-{user_id}"));
        known(&file).unwrap_or_else(|| {
            let random = fresh();
            if let Err(error) = keep(&file, &random) {
                tracing::warn!("{}: {error}; the next start has another client id", file.display());
            }
            random
        })
    });
    format!("{user_id}-{random}")
}

fn fresh() -> String {
    format!("{:016x}", rand::random::<u64>())
}

fn known(file: &Path) -> Option<String> {
    // A link is none of ours, wherever it leads.
    if !fs::symlink_metadata(file).ok()?.is_file() {
        return None;
    }
    let text = files::read_text(file, MAX_BYTES).ok()?;
    let text = text.trim_end();
    let is_ours = text.len() == DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_ours.then(|| text.to_owned())
}

/// Puts it there whole, whatever stands there.
fn keep(file: &Path, random: &str) -> io::Result<()> {
    let draft = file.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut written = File::options().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(written, "{random}")?;
    fs::rename(&draft, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn user(id: &str) -> UserId {
        id.parse().expect("an id")
    }

    #[test]
    fn a_restart_has_the_same_id_and_another_user_another() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let first = of(&user("kiosk-7"), Some(folder.path()));
        assert_eq!(of(&user("kiosk-7"), Some(folder.path())), first);
        let file = folder.path().join("client-id-kiosk-7");
        assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
        let (name, random) = first.rsplit_once('-').expect("two parts");
        assert_eq!((name, random.len()), ("kiosk-7", DIGITS));
        assert!(!of(&user("kiosk-8"), Some(folder.path())).contains(random));
        assert_ne!(of(&user("kiosk-7"), None), of(&user("kiosk-7"), None));
    }

    #[test]
    fn what_it_has_not_written_is_made_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("client-id-k.1");
        for wrong in [
            "",
            "short",
            "0123456789ABCDEF",
            "0123456789abcdef0",
            "0123456789abcde/",
            "\u{feff}123456789abcdef",
        ] {
            fs::write(&file, wrong).expect("writable");
            let made = of(&user("k.1"), Some(folder.path()));
            assert!(!made.contains(wrong) || wrong.is_empty(), "{wrong}");
            assert_eq!(of(&user("k.1"), Some(folder.path())), made, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("client-id-kiosk-7");
        let made = std::process::Command::new("mkfifo")
            .arg(&file)
            .status()
            .expect("mkfifo: apt-get install coreutils");
        assert!(made.success());
        let id = of(&user("kiosk-7"), Some(folder.path()));
        assert_eq!(of(&user("kiosk-7"), Some(folder.path())), id, "it was put in the place of the FIFO");
        let real = folder.path().join("real");
        fs::write(&real, "0123456789abcdef\n").expect("writable");
        std::os::unix::fs::symlink(&real, folder.path().join("client-id-kiosk-8")).expect("a link");
        assert!(
            !of(&user("kiosk-8"), Some(folder.path())).contains("0123456789abcdef"),
            "a link is not followed"
        );
        assert!(of(&user("kiosk-7"), Some(Path::new("/nowhere/at/all"))).starts_with("kiosk-7-"));
    }
}
