//! A guest in a real Chromium, in place of this program.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::TONES;
use crate::support::broker::password_of;
use crate::support::eventually;
use crate::support::stand::{HOST, Stand};

/// A running browser with a page that joins, applies and talks; it ends when this is dropped.
pub struct Browser {
    process: Child,
    folder: TempDir,
    hertz: u32,
}

impl Browser {
    pub fn start(stand: &Stand, user_id: &str, hertz: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("writable");
        let out = File::create(folder.path().join("said")).expect("writable");
        let python = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join("bin/python");
        let mut command = Command::new(python);
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/browser.py"))
            .args([&stand.broker.port().to_string(), user_id, &password_of(user_id), HOST])
            .args([hertz.to_string(), TONES.map(|tone| tone.to_string()).join(",")])
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(log);
        let process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}: make peers"));
        Self { process, folder, hertz }
    }

    /// Runs this in the page.
    pub fn run(&mut self, text: &str) {
        let stdin = self.process.stdin.as_mut().expect("piped");
        writeln!(stdin, "{text}").expect("it runs: apt-get install chromium");
    }

    /// All that the page has said of this kind.
    pub fn said(&self, what: &str) -> Vec<Value> {
        let said = fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
        let said = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        said.filter(|said| said["what"] == what).collect()
    }

    /// Waits until it hears exactly these of all tones.
    pub fn hears(&self, tones: &[u32]) {
        eventually(&format!("the browser to hear {tones:?} only"), || {
            let said = self.said("hears").pop()?;
            let level = |hertz: u32| said["levels"][hertz.to_string()].as_f64();
            let loud: Vec<u32> =
                TONES.into_iter().filter(|hertz| level(*hertz).is_some_and(|level| level > -40.0)).collect();
            (loud == tones && level(self.hertz)? < -60.0).then_some(())
        });
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends, and the browser with it, when nobody speaks to it any more.
        drop(self.process.stdin.take());
        if std::thread::panicking() {
            for name in ["said", "log"] {
                let text = fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                eprintln!(
                    "--- {name} of the browser\n{}",
                    lines[lines.len().saturating_sub(40)..].join("\n")
                );
            }
        }
        self.process.wait().map(|_| ()).unwrap_or_default();
    }
}
