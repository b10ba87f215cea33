//! Guests and hosts made by hand: they speak the room plane in plain JSON, and say what a test wants them to say.

use std::cell::Cell;

use serde_json::{Value, json};

use super::client::{Client, Heard, Manner};
use super::daemon::Daemon;
use super::stand::{HOST, PREFIX, ROOM, Stand, command, place, status, with};

/// A guest made by hand.
pub struct HandGuest {
    pub client: Client,
    pub user_id: String,
    requests: Cell<u64>,
}

impl HandGuest {
    pub fn new(client: Client, user_id: &str) -> Self {
        client.subscribe(&place(user_id, "to_guest"));
        client.publish_as(&status(user_id), "online", Manner::retained());
        Self { client, user_id: user_id.to_owned(), requests: Cell::new(0) }
    }

    /// Sends a request; its id.
    pub fn send(&self, kind: &str, fields: Value) -> String {
        self.requests.set(self.requests.get() + 1);
        let request_id = format!("{}-{}", self.user_id, self.requests.get());
        let message = with(json!({"type": kind, "request_id": request_id}), &fields);
        self.say(&message);
        request_id
    }

    /// Says exactly this to the host.
    pub fn say(&self, message: &Value) {
        self.client.publish(&place(&self.user_id, "to_host"), message.to_string());
    }

    /// Sends a request and returns its result.
    pub fn request(&self, kind: &str, fields: Value) -> Value {
        let mark = self.client.mark();
        let request_id = self.send(kind, fields);
        self.result(&request_id, mark)
    }

    /// The result of a request.
    pub fn result(&self, request_id: &str, mark: usize) -> Value {
        self.client.wait(&format!("the result of {request_id}"), mark, |heard| {
            let value = heard.value();
            (value["type"] == "result" && value["request_id"] == request_id).then_some(value)
        })
    }

    /// A request that has to work.
    pub fn ok(&self, kind: &str, fields: Value) -> Value {
        let result = self.request(kind, fields);
        assert_eq!(result["ok"], true, "{kind}: {result}");
        assert!(result.get("error").is_none(), "{result}");
        result
    }

    /// A request that has to be refused; the code.
    pub fn refused(&self, kind: &str, fields: Value) -> String {
        let result = self.request(kind, fields);
        assert_eq!(result["ok"], false, "{kind}: {result}");
        result["error"]["code"].as_str().expect("a code").to_owned()
    }

    /// Enters the lobby.
    pub fn join(&self) -> Value {
        let user =
            json!({"user_id": self.user_id, "user_name": format!("Hand {}", self.user_id), "avatar_url": ""});
        self.ok("join", json!({"user": user, "session": format!("session of {}", self.user_id)}))
    }

    /// Waits for a message of the host of this type.
    pub fn told(&self, kind: &str, mark: usize) -> Value {
        self.client.wait(&format!("{kind} at {}", self.user_id), mark, |heard| {
            let value = heard.value();
            (value["type"] == kind).then_some(value)
        })
    }

    /// The types of all messages since `mark`, in their order, without results.
    pub fn story(&self, mark: usize) -> Vec<String> {
        let kind = |heard: &Heard| heard.value()["type"].as_str().map(str::to_owned);
        self.client.all(mark).iter().filter_map(kind).filter(|kind| kind != "result").collect()
    }

    /// What a lost connection would say.
    pub fn be(&self, presence: &str) {
        self.client.publish_as(&status(&self.user_id), presence, Manner::retained());
    }
}

/// A host made by hand: it says what a test wants it to say.
pub struct HandHost {
    pub client: Client,
    revision: Cell<u64>,
    session: String,
}

impl HandHost {
    pub fn new(client: Client) -> Self {
        for to in ["to_host", "to_stage"] {
            client.subscribe(&format!("{PREFIX}/room/{ROOM}/guest/+/{to}"));
        }
        let session = format!("{:016x}", rand::random::<u64>());
        let host = Self { client, revision: Cell::new(0), session };
        host.be("online");
        host.room("live");
        host
    }

    /// Its user object.
    pub fn by() -> Value {
        json!({"user_id": HOST, "user_name": "Hand host", "avatar_url": ""})
    }

    /// A grant with itself as the stage.
    pub fn grant() -> Value {
        json!({"transport": "mqtt", "stage": HOST})
    }

    pub fn be(&self, presence: &str) {
        self.client.publish_as(&status(HOST), presence, Manner::retained());
    }

    /// Publishes the room.
    pub fn room(&self, status: &str) {
        self.revision.set(self.revision.get() + 1);
        let seat = |index| {
            json!({"index": index, "locked": false, "user": null, "media": null,
            "microphone": "off", "camera": "off", "connection": null})
        };
        let stage = if status == "live" { json!(HOST) } else { Value::Null };
        let room = json!({"live_id": ROOM, "status": status, "host": Self::by(), "session": self.session,
            "seat_mode": "apply", "stage": stage, "revision": self.revision.get(),
            "seats": (0..8).map(seat).collect::<Vec<_>>()});
        let topic = format!("{PREFIX}/room/{ROOM}/state");
        self.client.publish_as(&topic, room.to_string(), Manner::retained());
    }

    /// Publishes the room as a host that was started again.
    pub fn restarted(&mut self) {
        self.session = format!("{:016x}", rand::random::<u64>());
        self.room("live");
    }

    /// Waits for a request of a guest.
    pub fn asked(&self, user_id: &str, kind: &str, mark: usize) -> Value {
        let topic = place(user_id, "to_host");
        self.client.wait(&format!("{kind} of {user_id}"), mark, |heard| {
            let value = (heard.topic == topic).then(|| heard.value())?;
            (value["type"] == kind).then_some(value)
        })
    }

    /// How many requests of this type came since `mark`.
    pub fn count(&self, user_id: &str, kind: &str, mark: usize) -> usize {
        let all = self.client.on(&place(user_id, "to_host"), mark);
        all.iter().filter(|value| value["type"] == kind).count()
    }

    /// Waits for a signal of a guest that carries this.
    pub fn signalled(&self, user_id: &str, what: &str, mark: usize) -> Value {
        let topic = place(user_id, "to_stage");
        self.client.wait(&format!("{what} of {user_id}"), mark, |heard| {
            let value = (heard.topic == topic).then(|| heard.value())?;
            value.get(what).is_some().then_some(value)
        })
    }

    /// Says something to a guest.
    pub fn tell(&self, user_id: &str, message: &Value) {
        self.client.publish(&place(user_id, "to_guest"), message.to_string());
    }

    /// Answers a request.
    pub fn grant_request(&self, user_id: &str, request: &Value, fields: Value) {
        let result = json!({"type": "result", "request_id": request["request_id"], "ok": true});
        self.tell(user_id, &with(result, &fields));
    }

    /// Refuses a request.
    pub fn refuse(&self, user_id: &str, request: &Value, code: &str) {
        self.tell(
            user_id,
            &json!({"type": "result", "request_id": request["request_id"], "ok": false,
            "error": {"code": code, "number": null, "message": "by hand"}}),
        );
    }

    /// Lets a guest in that has nothing yet.
    pub fn let_in(&self, user_id: &str, mark: usize) -> Value {
        let join = self.asked(user_id, "join", mark);
        self.grant_request(user_id, &join, json!({"seat": null, "application": null, "invitations": []}));
        join
    }

    /// A stand's guest daemon, let in.
    pub fn admit(&self, stand: &Stand, user_id: &str, keys: &[&str]) -> Daemon {
        let (mark, heard) = (self.client.mark(), stand.operator.mark());
        let guest = stand.guest(user_id, &[&[&*format!("room.live_id={ROOM}")], keys].concat());
        self.let_in(user_id, mark);
        stand.until_state(user_id, heard, |state| state["room"]["membership"] == "inside");
        guest
    }

    /// Seats a guest that is inside: it applies and is accepted.
    pub fn seat(&self, stand: &Stand, user_id: &str, seat_index: u32, media: &str) {
        let mark = self.client.mark();
        let parameters = json!({"seat_index": seat_index, "media": media});
        let back = format!("{PREFIX}/response/operator/seat-{user_id}");
        let manner = Manner::answered_at(&back);
        stand.operator.publish_as(&command(user_id, "apply_for_seat"), parameters.to_string(), manner);
        let apply = self.asked(user_id, "apply", mark);
        self.grant_request(user_id, &apply, json!({}));
        self.accept(user_id, seat_index, media, media);
    }

    /// Accepts an application, and seats.
    pub fn accept(&self, user_id: &str, seat_index: u32, accepted: &str, seated: &str) {
        self.tell(
            user_id,
            &json!({"type": "application_accepted", "seat_index": seat_index, "media": accepted, "by": Self::by()}),
        );
        self.tell(
            user_id,
            &json!({"type": "seated", "seat_index": seat_index, "media": seated, "grant": Self::grant()}),
        );
    }
}
