//! A client of the broker: gives commands, and remembers when it heard what.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use coguestd::mqtt::connection::{self, ConnectionHandle, Incoming, Message, Publish, SubscribeOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout_at;

/// Where everything is.
const PREFIX: &str = "coguest/v1";

/// How long one thing is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Something that was said.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Below the prefix.
    pub topic: String,
    pub value: Value,
    pub at: Instant,
}

/// The console. It reads only while something is waited for.
pub struct Console {
    runtime: Runtime,
    link: ConnectionHandle,
    incoming: Receiver<Incoming>,
    heard: Vec<Heard>,
    replies: u64,
}

impl Console {
    /// Connects, and listens to everything below `part` of the prefix.
    pub fn open(port: u16, part: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let name = format!("bench-{}", rand::random::<u32>());
        let (link, incoming) = runtime
            .block_on(async { connection::open(connection::Settings::new("127.0.0.1", port, name)) })?;
        link.subscribe(format!("{PREFIX}/{part}"), SubscribeOptions::LEVELS);
        let mut console = Self { runtime, link, incoming, heard: Vec::new(), replies: 0 };
        let deadline = Instant::now() + PATIENCE;
        loop {
            match console.next(deadline) {
                Some(Incoming::Subscribed(_)) => return Ok(console),
                Some(_) => {}
                None => bail!("the broker did not let the console in"),
            }
        }
    }

    fn next(&mut self, deadline: Instant) -> Option<Incoming> {
        let incoming = &mut self.incoming;
        self.runtime.block_on(async { timeout_at(deadline.into(), incoming.recv()).await.ok().flatten() })
    }

    /// Everything that is heard from here on.
    pub fn mark(&self) -> usize {
        self.heard.len()
    }

    /// Listens for some time.
    pub fn listen_for(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Some(incoming) = self.next(deadline) {
            self.take(incoming);
        }
    }

    /// Forgets what was heard; marks made before mean nothing any more.
    pub fn forget(&mut self) {
        self.heard.clear();
    }

    fn take(&mut self, incoming: Incoming) {
        let at = Instant::now();
        let Incoming::Message(Message { topic, payload, .. }) = incoming else { return };
        let Some(topic) = topic.strip_prefix(PREFIX).map(|topic| topic.trim_start_matches('/')) else {
            return;
        };
        let text = String::from_utf8_lossy(&payload);
        let value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        self.heard.push(Heard { topic: topic.to_owned(), value, at });
    }

    /// Waits for something said since `mark` that `wanted` accepts.
    pub fn wait(
        &mut self,
        what: &str,
        mark: usize,
        wanted: impl Fn(&Heard) -> bool,
    ) -> anyhow::Result<Heard> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = mark;
        loop {
            if let Some(found) = self.heard.iter().skip(seen).find(|heard| wanted(heard)) {
                return Ok(found.clone());
            }
            seen = self.heard.len();
            let incoming = self.next(deadline);
            let incoming =
                incoming.with_context(|| format!("waited {} s in vain for {what}", PATIENCE.as_secs()))?;
            self.take(incoming);
        }
    }

    /// Waits for an event of a device.
    pub fn event(&mut self, device: &str, name: &str, mark: usize) -> anyhow::Result<Heard> {
        let topic = format!("device/{device}/event/{name}");
        self.wait(&format!("{name} of {device}"), mark, |heard| heard.topic == topic)
    }

    /// Waits until a device says so in its retained state.
    pub fn state(
        &mut self,
        device: &str,
        mark: usize,
        wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Heard> {
        let topic = format!("device/{device}/state");
        self.wait(&format!("the state of {device}"), mark, |heard| {
            heard.topic == topic && wanted(&heard.value)
        })
    }

    /// Waits until a device is `online` since `mark`.
    pub fn online(&mut self, device: &str, mark: usize) -> anyhow::Result<Heard> {
        let topic = format!("device/{device}/status");
        self.wait(&format!("{device} online"), mark, |heard| {
            heard.topic == topic && heard.value == json!("online")
        })
    }

    /// The statistics that a device has published since `mark`.
    pub fn stats(&self, device: &str, mark: usize) -> Vec<Value> {
        let topic = format!("device/{device}/stats");
        let of_it = self.heard.iter().skip(mark).filter(|heard| heard.topic == topic);
        of_it.map(|heard| heard.value.clone()).collect()
    }

    /// Gives a command and waits for its result; also the moment it was given.
    pub fn command(
        &mut self,
        device: &str,
        name: &str,
        parameters: &Value,
    ) -> anyhow::Result<(Instant, Heard)> {
        self.replies += 1;
        let short = format!("bench/reply/{}", self.replies);
        let mark = self.mark();
        let message = Publish {
            response_topic: Some(format!("{PREFIX}/{short}")),
            ..Publish::new(format!("{PREFIX}/device/{device}/command/{name}"), parameters.to_string())
        };
        let given = Instant::now();
        self.link.publish(message)?;
        let reply = self.wait(&format!("the reply to {name}"), mark, |heard| heard.topic == short)?;
        if reply.value["ok"] == json!(true) {
            return Ok((given, reply));
        }
        bail!("{device} {name}: {}", reply.value["error"]);
    }
}
