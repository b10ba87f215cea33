//! A viewer that shares nothing with the program: aiortc, in a process of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::console::Console;
use super::stand::HOST;

/// How long one thing is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What it says all the time: a tone of so many hertz.
const TONE: &str = "1000";

/// It watches one seat. Killed when dropped.
pub struct Viewer {
    child: Child,
    stdin: ChildStdin,
    said: Receiver<(Instant, Value)>,
    session: String,
}

impl Viewer {
    /// Starts it; it has loaded what it needs when this returns. `folder` is for what it hears and complains of.
    pub fn start(python: &Path, folder: &Path) -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/viewer.py");
        let mut command = Command::new(python);
        command.arg(script).arg(folder.join("viewer.raw")).arg(TONE);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(folder.join("viewer.log"))?);
        let mut child = command.spawn().with_context(|| format!("{}: make peers", python.display()))?;
        let stdin = child.stdin.take().context("it is piped")?;
        let stdout = child.stdout.take().context("it is piped")?;
        let (say, said) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_default();
                // Nobody listens any more.
                say.send((Instant::now(), value)).unwrap_or_default();
            }
        });
        let viewer = Self { child, stdin, said, session: String::new() };
        viewer.wait("ready")?;
        Ok(viewer)
    }

    /// Watches this guest; when it was asked for, and when the first picture was decoded, or the connection was there where the
    /// seat has none.
    pub fn watch(
        &mut self,
        console: &mut Console,
        guest: &str,
        sign: &str,
    ) -> anyhow::Result<(Instant, Instant)> {
        let (asked, offered) =
            console.command(HOST, "watch", &json!({"user_id": guest, "operator": "bench"}))?;
        let offered = &offered.value["result"];
        self.session = offered["session"].as_str().context("a session")?.to_owned();
        writeln!(self.stdin, "{}", json!({"offer": offered["description"]["sdp"]}))?;
        let answer = self.wait("answer")?.1;
        let answer = json!({
            "session": self.session, "description": {"type": "answer", "sdp": answer["sdp"]},
        });
        console.command(HOST, "watch_answer", &answer)?;
        Ok((asked, self.wait(sign)?.0))
    }

    /// Lets the guest hear it, or not; the moment it was asked for.
    pub fn talk(&self, console: &mut Console, talk: bool) -> anyhow::Result<Instant> {
        Ok(console.command(HOST, "talk", &json!({"session": self.session, "talk": talk}))?.0)
    }

    /// Ends its session.
    pub fn end(self, console: &mut Console) -> anyhow::Result<()> {
        let mark = console.mark();
        console.command(HOST, "unwatch", &json!({"session": self.session}))?;
        console.event(HOST, "watch_ended", mark)?;
        Ok(())
    }

    /// The next thing of this kind that it says.
    fn wait(&self, what: &str) -> anyhow::Result<(Instant, Value)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let said = self.said.recv_timeout(left).with_context(|| format!("a viewer that says {what}"))?;
            ensure!(!said.1.is_null(), "a viewer said what is no JSON");
            if said.1["what"] == what {
                return Ok(said);
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(|_| ()).unwrap_or_default();
    }
}
