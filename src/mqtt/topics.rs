//! Topic names of the protocol: where this daemon speaks and listens, and what a topic it hears is about.
//!
//! Invariant: [`Topics::read`] gives ids only if they are valid ones, so nothing behind it ever sees another.
//!
//! Not here: payloads (`wire`), and the decision what to subscribe to.

use crate::model::{LiveId, UserId};

/// The names under one prefix, for one daemon.
#[derive(Clone, Debug)]
pub struct Topics {
    prefix: String,
    user_id: UserId,
}

/// What a topic is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic<'a> {
    /// A command for this daemon, by name.
    Command(&'a str),
    /// Somebody's `status`; also this daemon's own.
    Status(UserId),
    /// Somebody's `info`; also this daemon's own.
    Info(UserId),
    /// A room's public state.
    Room(LiveId),
    /// A guest speaks to its host.
    ToHost(LiveId, UserId),
    /// A guest speaks to its stage.
    ToStage(LiveId, UserId),
    /// A host or a stage speaks to a guest.
    ToGuest(LiveId, UserId),
}

impl Topics {
    /// The names of the daemon `user_id` under `prefix`, which has no slash at either end.
    pub fn new(prefix: &str, user_id: UserId) -> Self {
        Self { prefix: prefix.to_owned(), user_id }
    }

    fn device(&self, user_id: &UserId, rest: &str) -> String {
        format!("{}/device/{user_id}/{rest}", self.prefix)
    }

    fn own(&self, rest: &str) -> String {
        self.device(&self.user_id, rest)
    }

    fn guest(&self, live_id: &LiveId, user_id: &str, rest: &str) -> String {
        format!("{}/room/{live_id}/guest/{user_id}/{rest}", self.prefix)
    }

    /// Own `status`.
    pub fn status(&self) -> String {
        self.own("status")
    }

    /// Own `info`.
    pub fn info(&self) -> String {
        self.own("info")
    }

    /// Own `state`.
    pub fn state(&self) -> String {
        self.own("state")
    }

    /// Own `stats`.
    pub fn stats(&self) -> String {
        self.own("stats")
    }

    /// Own event of this name.
    pub fn event(&self, name: &str) -> String {
        self.own(&format!("event/{name}"))
    }

    /// Where the reply to a command goes that named no place; `name` as it stood in the command's topic.
    pub fn reply(&self, name: &str) -> String {
        self.own(&format!("reply/{name}"))
    }

    /// Where a command for this daemon arrives.
    pub fn command(&self, name: &str) -> String {
        self.own(&format!("command/{name}"))
    }

    /// One of the topics for Home Assistant, which are beside the protocol.
    pub fn home_assistant(&self, level: &str) -> String {
        self.own(&format!("home_assistant/{level}"))
    }

    /// What follows `home_assistant/` in one of those topics.
    pub fn own_home_assistant<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(self.own("home_assistant/").as_str())
    }

    /// Filter: every command for this daemon.
    pub fn commands(&self) -> String {
        self.own("command/+")
    }

    /// Somebody's `status`.
    pub fn status_of(&self, user_id: &UserId) -> String {
        self.device(user_id, "status")
    }

    /// A room's public state.
    pub fn room(&self, live_id: &LiveId) -> String {
        format!("{}/room/{live_id}/state", self.prefix)
    }

    /// Where this daemon, as a guest, speaks to its host.
    pub fn own_to_host(&self, live_id: &LiveId) -> String {
        self.guest(live_id, self.user_id.as_str(), "to_host")
    }

    /// Where this daemon, as a guest, speaks to its stage.
    pub fn own_to_stage(&self, live_id: &LiveId) -> String {
        self.guest(live_id, self.user_id.as_str(), "to_stage")
    }

    /// Where this daemon, as a guest, is spoken to.
    pub fn own_to_guest(&self, live_id: &LiveId) -> String {
        self.to_guest(live_id, &self.user_id)
    }

    /// Where a guest is spoken to.
    pub fn to_guest(&self, live_id: &LiveId, user_id: &UserId) -> String {
        self.guest(live_id, user_id.as_str(), "to_guest")
    }

    /// Filter: what every guest of a room says to its host.
    pub fn every_to_host(&self, live_id: &LiveId) -> String {
        self.guest(live_id, "+", "to_host")
    }

    /// Filter: what every guest of a room says to its stage.
    pub fn every_to_stage(&self, live_id: &LiveId) -> String {
        self.guest(live_id, "+", "to_stage")
    }

    /// What `topic` is about; `None` for one that is not of this protocol.
    pub fn read<'a>(&self, topic: &'a str) -> Option<Topic<'a>> {
        let rest = topic.strip_prefix(self.prefix.as_str())?.strip_prefix('/')?;
        let (plane, rest) = rest.split_once('/')?;
        let (name, rest) = rest.split_once('/')?;
        match plane {
            "device" => self.read_device(name.parse().ok()?, rest),
            "room" => read_room(name.parse().ok()?, rest),
            _ => None,
        }
    }

    fn read_device<'a>(&self, user_id: UserId, rest: &'a str) -> Option<Topic<'a>> {
        match rest {
            "status" => Some(Topic::Status(user_id)),
            "info" => Some(Topic::Info(user_id)),
            _ if user_id == self.user_id => {
                rest.strip_prefix("command/").filter(|name| !name.contains('/')).map(Topic::Command)
            }
            _ => None,
        }
    }
}

fn read_room(live_id: LiveId, rest: &str) -> Option<Topic<'_>> {
    if rest == "state" {
        return Some(Topic::Room(live_id));
    }
    let (user_id, to) = rest.strip_prefix("guest/")?.split_once('/')?;
    let user_id = user_id.parse().ok()?;
    match to {
        "to_host" => Some(Topic::ToHost(live_id, user_id)),
        "to_stage" => Some(Topic::ToStage(live_id, user_id)),
        "to_guest" => Some(Topic::ToGuest(live_id, user_id)),
        _ => None,
    }
}

/// Longest topic for an answer, in bytes.
const LONGEST_ANSWER_TOPIC: usize = 512;
/// Most levels of it. Brokers end the connection of whoever publishes to more than they allow (mosquitto 200, EMQX 128).
const MOST_ANSWER_LEVELS: usize = 64;

/// Whether an answer can be published there: MQTT 5 calls a Response Topic with a wildcard an error, and a topic that
/// begins with `$` belongs to the broker.
pub fn takes_answers(response_topic: &str) -> bool {
    (1..=LONGEST_ANSWER_TOPIC).contains(&response_topic.len())
        && response_topic.split('/').count() <= MOST_ANSWER_LEVELS
        && !response_topic.starts_with('$')
        && !response_topic.contains(['+', '#', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> Topics {
        Topics::new("coguest/v1", "kiosk-7".parse().expect("valid"))
    }

    #[test]
    fn own_names_are_read_back() {
        let topics = topics();
        let lobby: LiveId = "lobby".parse().expect("valid");
        let kiosk: UserId = "kiosk-7".parse().expect("valid");
        assert_eq!(topics.read(&topics.status()), Some(Topic::Status(kiosk.clone())));
        assert_eq!(topics.read(&topics.info()), Some(Topic::Info(kiosk.clone())));
        assert_eq!(topics.read(&topics.room(&lobby)), Some(Topic::Room(lobby.clone())));
        let to_host = topics.own_to_host(&lobby);
        assert_eq!(to_host, "coguest/v1/room/lobby/guest/kiosk-7/to_host");
        assert_eq!(topics.read(&to_host), Some(Topic::ToHost(lobby.clone(), kiosk.clone())));
        let to_stage = topics.own_to_stage(&lobby);
        assert_eq!(topics.read(&to_stage), Some(Topic::ToStage(lobby.clone(), kiosk.clone())));
        assert_eq!(topics.read(&topics.own_to_guest(&lobby)), Some(Topic::ToGuest(lobby, kiosk)));
        let command = topics.commands().replace('+', "disconnect");
        assert_eq!(topics.read(&command), Some(Topic::Command("disconnect")));
    }

    #[test]
    fn what_is_not_of_the_protocol_is_nothing() {
        for topic in [
            "",
            "coguest/v1",
            "coguest/v1/",
            "coguest/v11/device/kiosk-7/status",
            "coguest/v1/device/kiosk 7/status",
            "coguest/v1/device/kiosk-8/command/disconnect",
            "coguest/v1/device/kiosk-7/command/a/b",
            "coguest/v1/device/kiosk-7/reply/disconnect",
            "coguest/v1/room//state",
            "coguest/v1/room/lobby/guest/ä/to_host",
            "coguest/v1/room/lobby/guest/a/to_host/more",
        ] {
            assert_eq!(topics().read(topic), None, "{topic}");
        }
    }

    #[test]
    fn answers_go_only_where_one_can_publish() {
        assert!(takes_answers("a/b"));
        for topic in ["", "a/+", "a/#", "$SYS/x", "a\0b", &"a/".repeat(64), &"a".repeat(513)] {
            assert!(!takes_answers(topic), "{topic:?}");
        }
    }
}
