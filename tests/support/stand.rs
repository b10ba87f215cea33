//! A stand for black-box tests: a broker with the shipped access list, an operator, daemons, and peers made by hand.

use std::cell::Cell;

use serde_json::{Value, json};

use super::broker::{Broker, Setup};
use super::client::{Client, Heard, Manner};
use super::daemon::{Daemon, Start};
use super::hands::{HandGuest, HandHost};

/// Topics without it are nobody's.
pub const PREFIX: &str = "coguest/v1";

/// The room of the shipped access list, and its host.
pub const ROOM: &str = "lobby";
pub const HOST: &str = "lobby-host";

const GUESTS: [&str; 8] = ["ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hal"];

/// The stand.
pub struct Stand {
    pub broker: Broker,
    /// Commands daemons, and hears what they say of themselves, and the rooms.
    pub operator: Client,
    replies: Cell<u64>,
}

impl Stand {
    pub fn open() -> Self {
        Self::with(Setup::new())
    }

    /// With a broker of its own kind.
    pub fn with(setup: Setup) -> Self {
        let users: Vec<&str> = GUESTS.into_iter().chain([HOST, "operator"]).collect();
        let setup = setup.users(&users).shipped_acl().witness("witness").line("set_tcp_nodelay true");
        let broker = Broker::with(setup);
        let operator = Client::connect(broker.port(), "operator");
        for below in ["device/#", "room/+/state", "response/#"] {
            operator.subscribe(&format!("{PREFIX}/{below}"));
        }
        Self { broker, operator, replies: Cell::new(0) }
    }

    /// The host daemon, live in the lobby.
    pub fn host(&self, keys: &[&str]) -> Daemon {
        let mark = self.operator.mark();
        let live = format!("room.live_id={ROOM}");
        let host = self.start("host", HOST).set(&[&live]).set(keys).go();
        self.room(mark, |room| room["status"] == "live");
        host
    }

    /// A guest daemon, outside unless the keys say otherwise.
    pub fn guest(&self, user_id: &str, keys: &[&str]) -> Daemon {
        let mark = self.operator.mark();
        let guest = self.start("guest", user_id).set(keys).go();
        self.status(user_id, mark, "online");
        guest
    }

    /// A guest daemon inside the lobby.
    pub fn guest_inside(&self, user_id: &str, keys: &[&str]) -> Daemon {
        let guest = self.guest(user_id, keys);
        self.ok(user_id, "join_live", json!({"live_id": ROOM}));
        guest
    }

    pub fn start(&self, role: &str, user_id: &str) -> Start {
        Start::new(role, user_id, &self.broker.url())
    }

    /// A client of its own under this user's name.
    pub fn client(&self, user: &str) -> Client {
        Client::connect(self.broker.port(), user)
    }

    /// A guest made by hand, listening to the lobby's word, `online`.
    pub fn hand_guest(&self, user_id: &str) -> HandGuest {
        HandGuest::new(self.client(user_id), user_id)
    }

    /// A host made by hand.
    pub fn hand_host(&self) -> HandHost {
        HandHost::new(self.client(HOST))
    }

    /// Gives a command and returns the whole reply.
    pub fn command(&self, device: &str, name: &str, parameters: Value) -> Value {
        self.replies.set(self.replies.get() + 1);
        let back = format!("{PREFIX}/response/operator/{}", self.replies.get());
        let mark = self.operator.mark();
        self.operator.publish_as(&command(device, name), parameters.to_string(), Manner::answered_at(&back));
        let wanted = |heard: &Heard| (heard.topic == back).then(|| heard.value());
        self.operator.wait(&format!("the reply to {name}"), mark, wanted)
    }

    /// Gives a command that has to work; its result.
    pub fn ok(&self, device: &str, name: &str, parameters: Value) -> Value {
        let shown = parameters.to_string();
        let reply = self.command(device, name, parameters);
        assert_eq!(reply["ok"], true, "{device} {name} {shown}: {reply}");
        reply["result"].clone()
    }

    /// Gives a command that has to be refused; the code.
    pub fn refused(&self, device: &str, name: &str, parameters: Value) -> String {
        let shown = parameters.to_string();
        let reply = self.command(device, name, parameters);
        assert_eq!(reply["ok"], false, "{device} {name} {shown}: {reply}");
        assert!(reply["error"]["message"].as_str().is_some_and(|why| !why.is_empty()), "{reply}");
        reply["error"]["code"].as_str().expect("a code").to_owned()
    }

    /// The daemon's state by `get_state`: everything that was said to it before has been heard by then.
    pub fn state(&self, device: &str) -> Value {
        self.ok(device, "get_state", json!({}))
    }

    /// Waits until the published state of a device is as wanted.
    pub fn until_state(&self, device: &str, mark: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        self.level(&format!("{PREFIX}/device/{device}/state"), mark, wanted)
    }

    /// Waits for an event of a device.
    pub fn event(&self, device: &str, name: &str, mark: usize) -> Value {
        let topic = event(device, name);
        let wanted = |heard: &Heard| (heard.topic == topic).then(|| heard.value());
        self.operator.wait(&format!("{name} of {device}"), mark, wanted)
    }

    /// How many events of that name were heard since `mark`.
    pub fn count(&self, device: &str, name: &str, mark: usize) -> usize {
        self.operator.on(&event(device, name), mark).len()
    }

    /// The names of all events of a device since `mark`, in their order.
    pub fn story(&self, device: &str, mark: usize) -> Vec<String> {
        let prefix = event(device, "");
        let name = |heard: &Heard| heard.topic.strip_prefix(&prefix).map(str::to_owned);
        self.operator.all(mark).iter().filter_map(name).collect()
    }

    /// Waits until the lobby's retained state is as wanted.
    pub fn room(&self, mark: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        self.level(&format!("{PREFIX}/room/{ROOM}/state"), mark, wanted)
    }

    /// The lobby's state as it was heard last.
    pub fn room_now(&self) -> Value {
        let topic = format!("{PREFIX}/room/{ROOM}/state");
        self.operator.last(|heard| (heard.topic == topic).then(|| heard.value())).expect("a room")
    }

    pub fn status(&self, user_id: &str, mark: usize, wanted: &str) {
        self.level(&format!("{PREFIX}/device/{user_id}/status"), mark, |status| status == wanted);
    }

    fn level(&self, topic: &str, mark: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        let look = |heard: &Heard| {
            let value = (heard.topic == topic).then(|| heard.value())?;
            wanted(&value).then_some(value)
        };
        self.operator.wait(&format!("{topic} to be as wanted"), mark, look)
    }
}

/// The topic of a command.
pub fn command(device: &str, name: &str) -> String {
    format!("{PREFIX}/device/{device}/command/{name}")
}

fn event(device: &str, name: &str) -> String {
    format!("{PREFIX}/device/{device}/event/{name}")
}

/// The topic of a guest in the lobby.
pub fn place(user_id: &str, to: &str) -> String {
    format!("{PREFIX}/room/{ROOM}/guest/{user_id}/{to}")
}

/// The topic of somebody's presence.
pub fn status(user_id: &str) -> String {
    format!("{PREFIX}/device/{user_id}/status")
}

/// `fields` with some more of them.
pub fn with(mut fields: Value, more: &Value) -> Value {
    let more = more.as_object().expect("an object").clone();
    fields.as_object_mut().expect("an object").extend(more);
    fields
}
