//! `coguestd ctl`: one command to one daemon, over the broker, and what it answers.
//!
//! Invariant: it is done at most once, however often the same call is repeated with the same `--id`, and it is not given at all
//! to a daemon that is not there, which would find it later and act on it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::broker::{self, BrokerArguments};
use super::console::{Console, Happening, Heard, Start};
use crate::model::UserId;
use crate::mqtt::wire::device;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd ctl kiosk-7 get_state
  coguestd ctl kiosk-7 apply_for_seat seat_index=2 media=audio
  coguestd ctl lobby-host accept_application user_id=kiosk-7
  coguestd ctl lobby-host invite_to_seat invitee_id=kiosk-7 timeout=60 operator=desk-2
  coguestd ctl --url mqtts://broker.example.org -u operator --password-file ./pw kiosk-7 disconnect
  coguestd ctl kiosk-7 take_snapshot | jq -r .data | base64 -d > kiosk.jpg

A VALUE is JSON where it is JSON (2, true, null, \"…\", {…}), else text: user_id=kiosk-7. Text that looks like JSON goes
in quotes of its own: user_id='\"42\"'.
The result is printed to stdout as JSON. A refusal goes to stderr with its code, and ends with status 1.";

/// How long the broker may take to send the retained status of a device once it is subscribed.
const STORED: Duration = Duration::from_millis(500);

/// What a command takes.
#[derive(Debug, Args)]
pub(super) struct CtlArguments {
    /// The daemon's user id
    device: String,
    /// The command, for example get_state; docs/protocol.md and `coguestd schema` list them
    command: String,
    /// Its parameters
    #[arg(value_name = "KEY=VALUE", value_parser = parameter)]
    parameters: Vec<(String, Value)>,
    /// How long to wait for broker and reply, in seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Name of this call: repeated within a minute with the same id, it is answered again and done once [default: random]
    #[arg(long, value_name = "TEXT")]
    id: Option<String>,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Why a daemon did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{device} refused {command}: {code}{number}: {message}")]
struct Refused {
    device: String,
    command: String,
    code: String,
    number: String,
    message: String,
}

/// Gives the command, waits for the reply, prints the result.
pub(super) async fn run(arguments: CtlArguments) -> anyhow::Result<()> {
    let CtlArguments { device, command, parameters, timeout, id, broker } = arguments;
    let device: UserId = device.parse().map_err(super::usage)?;
    if command.is_empty() || command.contains(['/', '+', '#', '\0']) {
        return Err(super::usage(format!("{command:?} cannot be a command")));
    }
    let settings = broker.load()?;
    let patience = Duration::from_secs(timeout);
    let deadline = Instant::now() + patience;
    let mut payload: Map<String, Value> = parameters.into_iter().collect();
    let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    payload.entry("id").or_insert_with(|| json!(id));

    let status = format!("device/{device}/status");
    let connection = broker::connection(&settings, "ctl");
    let filters = [status.clone()];
    let mut console =
        Console::open(connection, &settings.mqtt.prefix, &filters, Start::AtOnce, patience).await?;
    let outcome = async {
        find(&mut console, &device, &status, deadline).await?;
        let topic = console.command(device.as_str(), &command, &Value::Object(payload))?;
        let what = format!("{device} did not answer {command} within {timeout} s");
        answer(&mut console, &topic, deadline).await?.context(what)
    };
    let reply = outcome.await;
    console.close().await;
    print(device.as_str(), &command, &reply?)
}

/// Fails unless the daemon is there: the broker would keep the command for one that is away.
async fn find(console: &mut Console, device: &UserId, status: &str, deadline: Instant) -> anyhow::Result<()> {
    let until = deadline.min(Instant::now() + STORED);
    let of_device = |heard: &Heard| (heard.topic == status).then(|| heard.value.clone());
    match hear(console, until, of_device).await? {
        Some(value) if value == json!(device::ONLINE) => Ok(()),
        Some(_) => bail!("{device} is offline: nothing was sent to it"),
        None => bail!("no {device} is known to this broker: check the id and mqtt.prefix; nothing was sent"),
    }
}

async fn answer(console: &mut Console, topic: &str, deadline: Instant) -> anyhow::Result<Option<Value>> {
    hear(console, deadline, |heard| (heard.topic == topic).then(|| heard.value.clone())).await
}

/// The first thing that `wanted` accepts; `None` when the time is over.
async fn hear(
    console: &mut Console,
    deadline: Instant,
    wanted: impl Fn(&Heard) -> Option<Value>,
) -> anyhow::Result<Option<Value>> {
    loop {
        match console.next(Some(deadline)).await {
            Happening::Heard(heard) => {
                if let Some(value) = wanted(&heard) {
                    return Ok(Some(value));
                }
            }
            Happening::Denied(why) | Happening::Down(why) => bail!("{why}"),
            Happening::Up => {}
            Happening::Over => return Ok(None),
        }
    }
}

fn print(device: &str, command: &str, reply: &Value) -> anyhow::Result<()> {
    if reply["ok"] == json!(true) {
        return super::print_json(&reply["result"]);
    }
    let error = &reply["error"];
    let text = |field: &str| error[field].as_str().unwrap_or("?").to_owned();
    Err(Refused {
        device: device.to_owned(),
        command: command.to_owned(),
        code: text("code"),
        number: error["number"].as_i64().map_or_else(String::new, |number| format!(" ({number})")),
        message: text("message"),
    }
    .into())
}

fn parameter(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as seat_index=2")?;
    if key.is_empty() {
        return Err("the KEY before = is empty".to_owned());
    }
    Ok((key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_where_they_are() {
        let value = |text: &str| parameter(text).expect("a parameter").1;
        assert_eq!(value("seat_index=2"), json!(2));
        assert_eq!(value("mirror=true"), json!(true));
        assert_eq!(value("extra_info=null"), json!(null));
        assert_eq!(value("user_id=kiosk-7"), json!("kiosk-7"));
        assert_eq!(value("user_id=\"42\""), json!("42"));
        assert_eq!(value("extra_info=a=b"), json!("a=b"));
        assert_eq!(value("extra_info="), json!(""));
        assert!(parameter("seat_index").is_err() && parameter("=2").is_err());
    }
}
