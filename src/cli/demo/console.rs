//! The console of the demonstration: it remembers what it heard, and shows what happens as it happens.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::say;
use crate::cli::console::{self, Happening, Start, event_line};
use crate::mqtt::connection;

pub(super) use crate::cli::console::Heard;

/// Where everything of the demonstration is.
pub(super) const PREFIX: &str = "coguest/v1";

/// How long the console waits for one thing.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a wait that takes long says what it waits for.
const PROGRESS: Duration = Duration::from_secs(5);

/// How many messages are remembered for who looks later.
const REMEMBERED: usize = 4096;

/// The console.
pub(super) struct Console {
    console: console::Console,
    began: Instant,
    heard: VecDeque<Heard>,
    /// How much of what was heard is forgotten.
    forgotten: usize,
}

impl Console {
    /// Connects and listens to everything.
    pub(super) async fn open(port: u16) -> anyhow::Result<Self> {
        let settings = connection::Settings::new("127.0.0.1", port, "coguestd-demo");
        let everything = ["#".to_owned()];
        let console = console::Console::open(settings, PREFIX, &everything, Start::Patient, PATIENCE).await?;
        Ok(Self { console, began: Instant::now(), heard: VecDeque::new(), forgotten: 0 })
    }

    /// A line with the time since the beginning.
    pub(super) fn print(&self, line: &str) {
        say(&format!("{:8.3} s  {line}", self.began.elapsed().as_secs_f64()));
    }

    /// Everything that is heard from here on.
    pub(super) fn mark(&self) -> usize {
        self.forgotten + self.heard.len()
    }

    /// Waits for something said since `mark` that `wanted` accepts.
    pub(super) async fn wait<T>(
        &mut self,
        what: &str,
        mark: usize,
        wanted: impl Fn(&Heard) -> Option<T>,
    ) -> anyhow::Result<T> {
        let (deadline, mut progress) = (Instant::now() + PATIENCE, Instant::now() + PROGRESS);
        let mut seen = mark.saturating_sub(self.forgotten);
        loop {
            if let Some(found) = self.heard.iter().skip(seen).find_map(&wanted) {
                return Ok(found);
            }
            seen = self.heard.len();
            if Instant::now() >= deadline {
                bail!("waited {} s in vain for: {what}", PATIENCE.as_secs());
            }
            if !self.listen(deadline.min(progress)).await {
                progress += PROGRESS;
                self.print(&format!("… waiting for {what}"));
            }
            seen = seen.min(self.heard.len().saturating_sub(1));
        }
    }

    /// Listens for some time.
    pub(super) async fn listen_for(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while self.listen(deadline).await {}
    }

    /// Takes in one message; false when the time is over.
    async fn listen(&mut self, deadline: Instant) -> bool {
        match self.console.next(Some(deadline.into())).await {
            Happening::Heard(heard) => self.take(heard),
            Happening::Denied(why) | Happening::Down(why) => self.print(&why),
            Happening::Up => {}
            Happening::Over => return false,
        }
        true
    }

    fn take(&mut self, heard: Heard) {
        if let Some(line) = event_line(&heard) {
            self.print(&format!("  {line}"));
        }
        if self.heard.len() == REMEMBERED {
            self.heard.pop_front();
            self.forgotten += 1;
        }
        self.heard.push_back(heard);
    }

    /// Gives a command and waits for its result.
    pub(super) async fn command(
        &mut self,
        device: &str,
        name: &str,
        parameters: Value,
    ) -> anyhow::Result<Value> {
        self.print(&format!("» {device} {name} {parameters}"));
        let mark = self.mark();
        let topic = self.console.command(device, name, &parameters)?;
        let wanted = |heard: &Heard| (heard.topic == topic).then(|| heard.value.clone());
        let reply = self.wait(&format!("the reply to {name}"), mark, wanted).await?;
        if reply["ok"] == json!(true) {
            return Ok(reply["result"].clone());
        }
        bail!("{device} {name}: {}", reply["error"]);
    }

    /// Waits for an event of a device.
    pub(super) async fn event(&mut self, device: &str, name: &str, mark: usize) -> anyhow::Result<Value> {
        let topic = format!("device/{device}/event/{name}");
        let wanted = |heard: &Heard| (heard.topic == topic).then(|| heard.value.clone());
        self.wait(&format!("{name} of {device}"), mark, wanted).await
    }
}

/// The milliseconds from one event to another, by their `at`.
pub(super) fn between(from: &Value, to: &Value) -> anyhow::Result<i64> {
    let at = |event: &Value| -> anyhow::Result<jiff::Timestamp> {
        event["at"].as_str().context("an event has a time")?.parse().context("the time of an event")
    };
    Ok(at(to)?.as_millisecond() - at(from)?.as_millisecond())
}
