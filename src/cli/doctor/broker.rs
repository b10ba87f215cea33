//! The broker, asked as the daemon would, under a client id of its own: name, port, TLS, login, access list, and whether another
//! machine has the same user id.
//!
//! Invariant: nothing that is published changes anything: a reply that nobody waits for, and a `get_state`.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use super::finding::Finding;
use crate::app;
use crate::config::{Security, Settings};
use crate::mqtt::connection::{
    self, CONNECT_TIMEOUT, ConnectionHandle, Granted, Incoming, Message, Publish, Shortcoming,
    SubscribeOptions,
};
use crate::mqtt::topics::Topics;
use crate::mqtt::wire::device;

/// How long the broker may take for one step.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long the connection may take: one that is not answered is told what it speaks instead only after that, in three looks of 2 s.
const CONNECT_PATIENCE: Duration = Duration::from_secs(CONNECT_TIMEOUT.as_secs() + 8);

/// How long it may take to hand back what was published.
const ECHO: Duration = Duration::from_secs(3);

/// Looks at the broker.
pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    if let Err(why) = resolve(&settings.mqtt.host, settings.mqtt.port).await {
        return vec![Finding::wrong("broker", why)];
    }
    let session = uuid::Uuid::new_v4().simple().to_string();
    let connection = app::connection_settings(settings, format!("coguestd-doctor-{}", &session[..8]));
    let address = connection::address(&connection);
    let (link, incoming) = match connection::open(connection) {
        Ok(open) => open,
        Err(error) => return vec![Finding::wrong("broker", error.to_string())],
    };
    let topics = Topics::new(&settings.mqtt.prefix, settings.user.public.user_id.clone());
    let mut visit = Visit { settings, link, incoming, topics, reply: format!("doctor-{}", &session[..8]) };
    let mut findings = Vec::new();
    match visit.connect(&address).await {
        Ok(found) => {
            findings.extend(found);
            findings.extend(visit.look_around().await);
        }
        Err(finding) => findings.push(finding),
    }
    visit.link.close(Vec::new(), Duration::from_secs(2));
    findings
}

async fn resolve(host: &str, port: u16) -> Result<(), String> {
    let looked = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
    match looked.map(|answer| answer.is_ok_and(|mut addresses| addresses.next().is_some())) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "the name {host} does not resolve: check mqtt.url, and DNS (resolvectl query {host})"
        )),
        Err(_) => {
            Err(format!("no name server answers for {host}: check the network and DNS (resolvectl status)"))
        }
    }
}

/// What the broker grants too little of.
fn limits(settings: &Settings, granted: &Granted) -> Vec<Finding> {
    let finding = |shortcoming: Shortcoming| match shortcoming {
        Shortcoming::PacketSize(_) | Shortcoming::SessionExpiry(_) => {
            Finding::warning("broker", shortcoming.to_string())
        }
        Shortcoming::Retain | Shortcoming::Qos | Shortcoming::Wildcards => {
            Finding::wrong("broker", shortcoming.to_string())
        }
    };
    let room = app::check_room(settings, granted).err().map(|why| Finding::wrong("broker", why));
    granted.shortcomings().into_iter().map(finding).chain(room).collect()
}

struct Visit<'a> {
    settings: &'a Settings,
    link: ConnectionHandle,
    incoming: Receiver<Incoming>,
    topics: Topics,
    /// The last level of the topic of a reply that nobody waits for.
    reply: String,
}

/// What was seen at the broker.
#[derive(Debug, Default)]
struct Seen {
    refused: Vec<String>,
    online: bool,
    machine: Option<String>,
    reply: bool,
    command: bool,
    dropped_reply: Option<String>,
    dropped_command: Option<String>,
}

impl Visit<'_> {
    async fn next(&mut self, deadline: Instant) -> Option<Incoming> {
        timeout_at(deadline, self.incoming.recv()).await.ok().flatten()
    }

    async fn connect(&mut self, address: &str) -> Result<Vec<Finding>, Finding> {
        let deadline = Instant::now() + CONNECT_PATIENCE;
        while let Some(incoming) = self.next(deadline).await {
            match incoming {
                Incoming::Up { granted, .. } => {
                    let login = self.settings.mqtt.login.as_ref();
                    let who = login.map_or("nobody in particular", |login| &login.username);
                    let how = match &self.settings.mqtt.security {
                        Security::Plain => "",
                        Security::Tls(_) => " over TLS",
                    };
                    let connected = Finding::good("broker", format!("{address}: connected{how} as {who}"));
                    return Ok(std::iter::once(connected).chain(limits(self.settings, &granted)).collect());
                }
                Incoming::Down { why, .. } => return Err(Finding::wrong("broker", why)),
                Incoming::Subscribed(_)
                | Incoming::Refused { .. }
                | Incoming::Dropped { .. }
                | Incoming::Restored { .. }
                | Incoming::Renewed { .. }
                | Incoming::Message(_)
                | Incoming::Closed => {}
            }
        }
        let seconds = CONNECT_PATIENCE.as_secs();
        Err(Finding::wrong(
            "broker",
            format!("broker {address} did not answer within {seconds} s: check mqtt.url and firewalls"),
        ))
    }

    /// Listens, speaks, and judges what comes back.
    async fn look_around(&mut self) -> Vec<Finding> {
        let mut seen = Seen::default();
        let (reply, command) = (self.topics.reply(&self.reply), self.topics.command("get_state"));
        let mut open = vec![self.topics.status(), self.topics.info(), reply.clone(), command.clone()];
        for filter in &open {
            self.link.subscribe(filter, SubscribeOptions::LEVELS);
        }
        let deadline = Instant::now() + PATIENCE;
        while !open.is_empty() {
            match self.next(deadline).await {
                Some(Incoming::Subscribed(filter)) => open.retain(|other| *other != filter),
                Some(Incoming::Refused { filter, why }) => {
                    open.retain(|other| *other != filter);
                    seen.refused.push(why);
                }
                Some(other) => self.see(&mut seen, other),
                None => {
                    return vec![Finding::wrong(
                        "access",
                        "the broker does not answer subscriptions: look at its log",
                    )];
                }
            }
        }
        let id = json!({"id": self.reply}).to_string();
        let words = [Publish::new(&reply, "{\"ok\":true,\"result\":{}}"), Publish::new(&command, id)];
        let sent = words.into_iter().all(|word| self.link.publish(word).is_ok());
        let deadline = Instant::now() + ECHO;
        let done = |seen: &Seen| {
            (seen.reply || seen.dropped_reply.is_some()) && (seen.command || seen.dropped_command.is_some())
        };
        while sent && !done(&seen) {
            let Some(incoming) = self.next(deadline).await else { break };
            self.see(&mut seen, incoming);
        }
        self.access(&seen).into_iter().chain([self.identity(&seen)]).collect()
    }

    fn see(&self, seen: &mut Seen, incoming: Incoming) {
        match incoming {
            Incoming::Message(Message { topic, payload, .. }) => {
                if topic == self.topics.status() {
                    seen.online = payload == device::ONLINE.as_bytes();
                } else if topic == self.topics.info() {
                    seen.machine = device::machine(&payload);
                } else if topic == self.topics.reply(&self.reply) {
                    seen.reply = true;
                } else if topic == self.topics.command("get_state") {
                    seen.command = true;
                }
            }
            Incoming::Dropped { topic, why, .. } if topic == self.topics.reply(&self.reply) => {
                seen.dropped_reply = Some(why);
            }
            Incoming::Dropped { why, .. } => seen.dropped_command = Some(why),
            Incoming::Refused { why, .. } | Incoming::Down { why, .. } => seen.refused.push(why),
            Incoming::Subscribed(_)
            | Incoming::Restored { .. }
            | Incoming::Renewed { .. }
            | Incoming::Up { .. }
            | Incoming::Closed => {}
        }
    }

    fn access(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            seen.refused.iter().map(|why| Finding::wrong("access", why.clone())).collect();
        if let Some(why) = &seen.dropped_reply {
            findings.push(Finding::wrong("access", why.clone()));
        }
        let commands = self.topics.commands();
        match (&seen.dropped_command, seen.command) {
            (Some(_), _) => findings.push(Finding::warning(
                "access",
                "the broker does not let this machine command itself: ctl does not work here with its own login",
            )),
            (None, false) if seen.dropped_reply.is_none() => findings.push(Finding::wrong(
                "access",
                format!("the broker does not hand on {commands}: let this machine's login read it (access list)"),
            )),
            (None, _) => {}
        }
        if findings.is_empty() {
            findings.push(Finding::good("access", "speaks and hears on its own topics"));
        }
        findings
    }

    fn identity(&self, seen: &Seen) -> Finding {
        let id = &self.settings.user.public.user_id;
        match (seen.online, &seen.machine) {
            (true, Some(machine)) if *machine != self.settings.machine.hash => Finding::wrong(
                "identity",
                format!("another machine ({machine}) is {id} and online: give one of them another user.id"),
            ),
            (true, _) => Finding::good("identity", format!("{id}; its daemon is online")),
            (false, _) => Finding::good("identity", format!("{id}; no daemon of that name is online")),
        }
    }
}
