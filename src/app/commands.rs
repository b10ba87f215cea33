//! Pending commands: what is refused before it reaches a machine, who waits for which answer, and what was answered
//! already.
//!
//! Invariants: every command gets exactly one reply, each time where it asks for it; the same command with the same `id` and
//! the same bytes within a minute is done once; the memory is bounded in number and in bytes.
//!
//! Not here: what a command does.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fitting;
use crate::model::command::Command;
use crate::model::media::Ticket;
use crate::model::{Code, Refusal};
use crate::mqtt::connection::{Granted, Message, Publish, Retain};
use crate::mqtt::topics::{Topics, takes_answers};
use crate::mqtt::wire::command::{self, CommandRole, Envelope};

/// How long a command is known again.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Most answers that are remembered, and most bytes they hold together.
const ANSWERS_MAX: usize = 1024;
const ANSWERS_BYTES_MAX: usize = 1024 * 1024;

/// Most redeliveries of one command that wait for its end.
const WAITING_MAX: usize = 16;

/// What a command is known by: a hash of its name and its bytes.
type CommandHash = [u8; 32];

/// Names a command at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CommandSlot(u64);

/// Whether commands are still taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandAdmission {
    Open,
    ShuttingDown,
}

/// What becomes of a command that arrived.
#[derive(Debug)]
pub(super) enum Received {
    /// It is answered already.
    Answered(Publish),
    /// It waits for the same one, which is at work.
    Waits,
    /// It is to be done, and to be settled with this slot.
    Do(CommandSlot, Command),
}

/// Where an answer goes.
#[derive(Debug, Clone)]
struct ReplyAddress {
    topic: String,
    correlation: Option<bytes::Bytes>,
    id: Option<String>,
}

impl ReplyAddress {
    fn of(message: &Message, name: &str, topics: &Topics, id: Option<String>) -> Self {
        match message.response_topic.clone().filter(|topic| takes_answers(topic)) {
            Some(topic) => Self { topic, correlation: message.correlation.clone(), id },
            None => Self { topic: topics.reply(name), correlation: None, id },
        }
    }

    /// The reply; where it is larger than the broker takes, one that says so.
    fn answer(self, outcome: &Result<Value, Refusal>, granted: &Granted) -> Publish {
        let reply = |outcome| Publish {
            correlation: self.correlation.clone(),
            ..Publish::new(self.topic.clone(), command::reply(self.id.as_deref(), outcome))
        };
        let whole = reply(outcome);
        match fitting::refusal("the reply", &whole, granted) {
            Some(refusal) => reply(&Err(refusal)),
            None => whole,
        }
    }
}

#[derive(Debug)]
struct PendingCommand {
    key: Option<CommandHash>,
    reply_addresses: Vec<ReplyAddress>,
}

#[derive(Debug)]
struct RememberedReply {
    outcome: Result<Value, Refusal>,
    weight: usize,
}

/// The commands at work, and the replies that are remembered.
#[derive(Debug, Default)]
pub(super) struct PendingCommands {
    next: u64,
    work: HashMap<CommandSlot, PendingCommand>,
    working: HashMap<CommandHash, CommandSlot>,
    tickets: HashMap<Ticket, CommandSlot>,
    remembered: HashMap<CommandHash, RememberedReply>,
    order: VecDeque<(Instant, CommandHash)>,
    weight: usize,
    granted: Granted,
}

impl PendingCommands {
    /// The broker takes this from now on.
    pub(super) fn set_granted(&mut self, granted: Granted) {
        self.granted = granted;
    }

    /// What the broker takes.
    pub(super) fn granted(&self) -> &Granted {
        &self.granted
    }

    /// Takes a command of this name; `role` is the plane of the daemon's role.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        topics: &Topics,
        name: &str,
        message: &Message,
        role: CommandRole,
        admission: CommandAdmission,
    ) -> Received {
        let envelope = Envelope::open(&message.payload);
        let id = envelope.id.clone();
        let reply_address = ReplyAddress::of(message, name, topics, id.clone());
        if message.retain == Retain::Yes {
            let why = "a retained command is not obeyed: publish it without the retain flag";
            let refusal = Refusal::new(Code::RetainedCommand, why);
            return Received::Answered(reply_address.answer(&Err(refusal), &self.granted));
        }
        let key = id.map(|_| key(name, &message.payload));
        if let Some(key) = &key {
            self.forget(now, ANSWERS_MAX, ANSWERS_BYTES_MAX);
            if let Some(remembered) = self.remembered.get(key) {
                return Received::Answered(reply_address.answer(&remembered.outcome, &self.granted));
            }
            if let Some(work) = self.working.get(key).and_then(|slot| self.work.get_mut(slot)) {
                if work.reply_addresses.len() < WAITING_MAX {
                    work.reply_addresses.push(reply_address);
                }
                return Received::Waits;
            }
        }
        match read(envelope, name, role, admission) {
            Ok(command) => {
                let slot = CommandSlot(self.next);
                self.next += 1;
                if let Some(key) = key {
                    self.working.insert(key, slot);
                }
                self.work.insert(slot, PendingCommand { key, reply_addresses: vec![reply_address] });
                Received::Do(slot, command)
            }
            Err(refusal) => Received::Answered(reply_address.answer(&Err(refusal), &self.granted)),
        }
    }

    /// The command of this slot waits for this ticket.
    pub(super) fn pend(&mut self, slot: CommandSlot, ticket: Ticket) {
        self.tickets.insert(ticket, slot);
    }

    /// The command that waited for this ticket.
    pub(super) fn take_ticket(&mut self, ticket: Ticket) -> Option<CommandSlot> {
        self.tickets.remove(&ticket)
    }

    /// The command ended: its replies.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        slot: CommandSlot,
        outcome: Result<Value, Refusal>,
    ) -> Vec<Publish> {
        let Some(work) = self.work.remove(&slot) else { return Vec::new() };
        let replies = work
            .reply_addresses
            .into_iter()
            .map(|reply_address| reply_address.answer(&outcome, &self.granted))
            .collect();
        if let Some(key) = work.key {
            self.working.remove(&key);
            self.remember(now, key, outcome);
        }
        replies
    }

    fn remember(&mut self, now: Instant, key: CommandHash, outcome: Result<Value, Refusal>) {
        let weight = match &outcome {
            Ok(value) => value.to_string().len(),
            Err(refusal) => refusal.message.len(),
        };
        self.forget(now, ANSWERS_MAX - 1, ANSWERS_BYTES_MAX.saturating_sub(weight));
        self.weight += weight;
        self.order.push_back((now, key));
        self.remembered.insert(key, RememberedReply { outcome, weight });
    }

    fn forget(&mut self, now: Instant, most: usize, most_bytes: usize) {
        while let Some((at, key)) = self.order.front() {
            let old = now.saturating_duration_since(*at) >= REMEMBERED;
            if !old && self.order.len() <= most && self.weight <= most_bytes {
                break;
            }
            if let Some(remembered) = self.remembered.remove(key) {
                self.weight -= remembered.weight;
            }
            self.order.pop_front();
        }
    }
}

/// What is wrong is found in the order of the protocol document.
fn read(
    envelope: Envelope,
    name: &str,
    role: CommandRole,
    admission: CommandAdmission,
) -> Result<Command, Refusal> {
    let plane = command::plane(name).ok_or_else(|| command::unknown(name))?;
    if plane != CommandRole::Device && plane != role {
        let is = match role {
            CommandRole::Guest => "a guest",
            CommandRole::Host => "a host",
            CommandRole::Device => "a device",
        };
        let why = format!("this daemon is {is}: {name} is a command of the other role");
        return Err(Refusal::new(Code::PermissionDenied, why));
    }
    if admission == CommandAdmission::ShuttingDown {
        return Err(Refusal::new(Code::ShuttingDown, "the daemon is about to stop"));
    }
    envelope.read(name)
}

fn key(name: &str, payload: &[u8]) -> CommandHash {
    Sha256::new().chain_update(name).chain_update([0]).chain_update(payload).finalize().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn topics() -> Topics {
        Topics::new("p", "kiosk".parse().expect("an id"))
    }

    fn message(payload: &str, response: Option<&str>) -> Message {
        Message {
            topic: String::new(),
            payload: payload.to_owned().into(),
            retain: Retain::No,
            qos: crate::mqtt::connection::Qos::AtLeastOnce,
            response_topic: response.map(ToOwned::to_owned),
            correlation: response.map(|_| "c".into()),
        }
    }

    struct Bench(PendingCommands, Instant);

    impl Bench {
        fn new() -> Self {
            Self(PendingCommands::default(), Instant::now())
        }
        fn receive(&mut self, name: &str, message: &Message) -> Received {
            self.0.receive(self.1, &topics(), name, message, CommandRole::Guest, CommandAdmission::Open)
        }
        fn answer(&mut self, name: &str, message: &Message) -> (String, Value) {
            match self.receive(name, message) {
                Received::Answered(publish) => shown(&publish),
                other => panic!("{other:?}"),
            }
        }
        fn code(&mut self, name: &str, message: &Message) -> String {
            self.answer(name, message).1["error"]["code"].as_str().expect("a code").to_owned()
        }
        fn slot(&mut self, name: &str, message: &Message) -> CommandSlot {
            match self.receive(name, message) {
                Received::Do(slot, _) => slot,
                other => panic!("{other:?}"),
            }
        }
    }

    fn shown(publish: &Publish) -> (String, Value) {
        (publish.topic.clone(), serde_json::from_slice(&publish.payload).expect("JSON"))
    }

    #[test]
    fn what_is_wrong_is_found_in_order() {
        let mut bench = Bench::new();
        let retained = |payload| Message { retain: Retain::Yes, ..message(payload, None) };
        assert_eq!(bench.code("nonsense", &retained("{")), "retained_command");
        assert_eq!(bench.code("disconnect", &retained("")), "retained_command");
        assert_eq!(bench.code("nonsense", &message("{", None)), "unknown_command");
        assert_eq!(bench.code("end_live", &message("{", None)), "permission_denied");
        let closed = bench.0.receive(
            bench.1,
            &topics(),
            "disconnect",
            &message("{", None),
            CommandRole::Guest,
            CommandAdmission::ShuttingDown,
        );
        assert!(
            matches!(closed, Received::Answered(publish) if shown(&publish).1["error"]["code"] == "shutting_down")
        );
        assert_eq!(bench.code("disconnect", &message("{", None)), "invalid_parameter");
    }

    #[test]
    fn an_answer_goes_where_it_is_asked_for() {
        let mut bench = Bench::new();
        let asked = message(r#"{"id":"7"}"#, Some("my/replies"));
        let slot = bench.slot("disconnect", &asked);
        let replies = bench.0.settle(bench.1, slot, Ok(json!({})));
        assert_eq!(replies.len(), 1);
        assert_eq!(shown(&replies[0]), ("my/replies".into(), json!({"ok": true, "result": {}, "id": "7"})));
        assert_eq!(replies[0].correlation.as_deref(), Some(b"c".as_slice()));
        for bad in ["", "a/+", "$SYS/a"] {
            let (topic, _) = bench.answer("nonsense", &message("", Some(bad)));
            assert_eq!(topic, "p/device/kiosk/reply/nonsense");
        }
    }

    #[test]
    fn a_redelivery_is_answered_again_and_done_once() {
        let mut bench = Bench::new();
        let first = message(r#"{"id":"7"}"#, None);
        let second = message(r#"{"id":"7"}"#, Some("elsewhere"));
        let slot = bench.slot("leave_live", &first);
        assert!(matches!(bench.receive("leave_live", &second), Received::Waits));
        bench.0.pend(slot, 3);
        assert_eq!(bench.0.take_ticket(3), Some(slot));
        let replies = bench.0.settle(bench.1, slot, Err(Refusal::new(Code::NotInRoom, "outside")));
        let topics: Vec<_> = replies.iter().map(|reply| reply.topic.as_str()).collect();
        assert_eq!(topics, ["p/device/kiosk/reply/leave_live", "elsewhere"]);
        assert_eq!(bench.code("leave_live", &second), "not_in_room");
        // Another id, other bytes, no id, or a minute later: done again.
        bench.slot("leave_live", &message(r#"{"id":"8"}"#, None));
        bench.slot("leave_live", &message(r#"{"id": "7"}"#, None));
        bench.slot("leave_live", &message("", None));
        bench.slot("leave_live", &message("", None));
        bench.1 += REMEMBERED;
        bench.slot("leave_live", &first);
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut bench = Bench::new();
        for number in 0..3000 {
            let slot = bench.slot("disconnect", &message(&format!(r#"{{"id":"{number}"}}"#), None));
            let size = if number % 100 == 0 { 60_000 } else { 10 };
            bench.0.settle(bench.1, slot, Ok(json!("x".repeat(size))));
        }
        assert!(bench.0.remembered.len() <= ANSWERS_MAX && bench.0.order.len() <= ANSWERS_MAX);
        assert!(bench.0.weight <= ANSWERS_BYTES_MAX);
        assert!(bench.0.work.is_empty() && bench.0.working.is_empty() && bench.0.tickets.is_empty());
    }
}
