//! The document: channels, operations and messages from the tables beside it.

use serde_json::{Map, Value, json};

use super::commands::{COMMANDS, GENERAL};
use super::messages::{GUEST_EVENTS, HOST_EVENTS, event, signal, to_guest, to_host};
use super::notation::{Others, object};
use super::vocabulary::{ID, shape, shared};
use crate::mqtt::wire::command::CommandRole;

/// The first part of every topic, unless configured otherwise.
const PREFIX: &str = "coguest/v1";

/// Who does what in an operation, seen from a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Send,
    Receive,
}

/// Whether the broker keeps a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retention {
    Retained,
    Passing,
}

/// The interface of a daemon as an AsyncAPI 3 document.
pub fn document() -> Value {
    let mut builder = DocumentBuilder::default();
    builder.device();
    builder.commands();
    builder.events();
    builder.room();
    builder.finish()
}

#[derive(Default)]
struct DocumentBuilder {
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
}

impl DocumentBuilder {
    fn device(&mut self) {
        let status = json!({"type": "string", "enum": ["online", "offline"]});
        self.message("status", "Whether the daemon is there; its will says offline.", &status);
        self.messages["status"]["contentType"] = json!("text/plain");
        self.message("info", "What the daemon is.", &shape("Info"));
        self.message("state", "What is, published on change.", &shape("State"));
        self.message("stats", "Media statistics while somebody is seated.", &shape("Stats"));
        for (name, kept, qos) in [
            ("status", Retention::Retained, 1),
            ("info", Retention::Retained, 1),
            ("state", Retention::Retained, 1),
            ("stats", Retention::Passing, 0),
        ] {
            self.channel(name, &format!("device/{{user_id}}/{name}"), &[name], None);
            self.operation(name, Action::Send, name, kept, qos);
        }
    }

    fn commands(&mut self) {
        self.message("refused", "Why a command was not done.", &object("ok:no error id?", Others::Ignored));
        for command in COMMANDS {
            let (name, reply) = (format!("command.{}", command.name), format!("reply.{}", command.name));
            let of = match command.plane() {
                Some(CommandRole::Guest) => "For a guest.",
                Some(CommandRole::Host) => "For a host.",
                Some(CommandRole::Device) | None => "For both roles.",
            };
            let about =
                format!("{} {of} An empty payload stands for an object without fields.", command.about);
            self.message(&name, &about, &command.payload());
            let done = object(&format!("ok:yes result:{} id?", command.result), Others::Ignored);
            self.message(&reply, "It is done, or sent to the host and taken by it.", &done);
            self.channel(&name, &format!("device/{{user_id}}/command/{}", command.name), &[&name], None);
            let collected = "Where the reply goes when the request names no MQTT 5 Response Topic.";
            self.channel(
                &reply,
                &format!("device/{{user_id}}/reply/{}", command.name),
                &[&reply, "refused"],
                Some(collected),
            );
            self.operation(&name, Action::Receive, &name, Retention::Passing, 1);
            self.operations[name.as_str()]["reply"] = json!({"channel": {"$ref": channel(&reply)}, "messages": [in_channel(&reply, &reply), in_channel(&reply, "refused")]});
            self.operations[name.as_str()]["x-errors"] =
                json!({"general": GENERAL, "of_this_command": command.errors()});
        }
    }

    fn events(&mut self) {
        for (role, table) in [("guest", GUEST_EVENTS), ("host", HOST_EVENTS)] {
            for (name, fields) in table {
                let id = format!("event.{role}.{name}");
                self.message(&id, &format!("Event of a {role}."), &event(fields));
                self.channel(&id, &format!("device/{{user_id}}/event/{name}"), &[&id], None);
                self.operation(&id, Action::Send, &id, Retention::Passing, 1);
            }
        }
    }

    fn room(&mut self) {
        self.message("room", "The public room.", &shape("Room"));
        self.channel("room", "room/{live_id}/state", &["room"], None);
        self.operation("room", Action::Send, "room", Retention::Retained, 1);
        for (name, messages) in
            [("to_host", to_host()), ("to_guest", to_guest()), ("to_stage", vec![("signal", signal())])]
        {
            let ids: Vec<String> = messages.iter().map(|(kind, _)| format!("{name}.{kind}")).collect();
            for (id, (kind, schema)) in ids.iter().zip(&messages) {
                self.message(id, &format!("`{kind}` on {name}."), schema);
            }
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            self.channel(name, &format!("room/{{live_id}}/guest/{{user_id}}/{name}"), &ids, None);
            self.operation(name, Action::Send, name, Retention::Passing, 1);
            self.operation(&format!("{name}.heard"), Action::Receive, name, Retention::Passing, 1);
        }
    }

    fn message(&mut self, id: &str, about: &str, payload: &Value) {
        let name = id.rsplit('.').next().unwrap_or(id);
        self.messages.insert(id.to_owned(), json!({"name": name, "summary": about, "payload": payload}));
    }

    fn channel(&mut self, id: &str, address: &str, messages: &[&str], about: Option<&str>) {
        let refer = |message: &&str| {
            ((*message).to_owned(), json!({"$ref": format!("#/components/messages/{message}")}))
        };
        let messages: Map<String, Value> = messages.iter().map(refer).collect();
        let parameters: Map<String, Value> = ["user_id", "live_id"]
            .into_iter()
            .filter(|name| address.contains(&format!("{{{name}}}")))
            .map(|name| (name.to_owned(), json!({"$ref": format!("#/components/parameters/{name}")})))
            .collect();
        let mut channel =
            json!({"address": format!("{PREFIX}/{address}"), "messages": messages, "parameters": parameters});
        if let Some(about) = about {
            channel["description"] = json!(about);
        }
        self.channels.insert(id.to_owned(), channel);
    }

    fn operation(&mut self, id: &str, action: Action, of: &str, kept: Retention, qos: u8) {
        let action = match action {
            Action::Send => "send",
            Action::Receive => "receive",
        };
        let operation = json!({
            "action": action,
            "channel": {"$ref": channel(of)},
            "bindings": {"mqtt": {"qos": qos, "retain": kept == Retention::Retained, "bindingVersion": "0.2.0"}},
        });
        self.operations.insert(id.to_owned(), operation);
    }

    fn finish(self) -> Value {
        let mut schemas = shared();
        schemas.insert("State".into(), json!({"oneOf": [shape("GuestState"), shape("HostState")]}));
        schemas.insert("Stats".into(), json!({"oneOf": [shape("GuestStats"), shape("HostStats")]}));
        let id = |about: &str| json!({"description": format!("{about}: {ID}")});
        json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "coguestd",
                "version": env!("CARGO_PKG_VERSION"),
                "description": concat!(
                    "The co-guest protocol, version 1, over MQTT 5, seen from a daemon: it receives commands and sends the rest. ",
                    "Topics begin with the configured prefix, here coguest/v1. A message is one JSON object of at most 64 KiB."
                ),
                "license": {"name": "MIT OR Apache-2.0"},
            },
            "defaultContentType": "application/json",
            "servers": {
                "broker": {"host": "127.0.0.1:1883", "protocol": "mqtt", "protocolVersion": "5.0",
                    "description": "mqtt.url of the configuration"},
            },
            "channels": self.channels,
            "operations": self.operations,
            "components": {
                "schemas": schemas,
                "messages": self.messages,
                "parameters": {"user_id": id("A user, which is also its device"), "live_id": id("A room")},
            },
        })
    }
}

fn channel(id: &str) -> String {
    format!("#/channels/{id}")
}

fn in_channel(id: &str, message: &str) -> Value {
    json!({"$ref": format!("#/channels/{id}/messages/{message}")})
}
