//! `coguestd watch`: what daemons are and what happens at them, line by line, until Ctrl-C.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::broker::{self, BrokerArguments};
use super::console::{Console, Happening, Heard, Start, event_line};
use crate::foreign;
use crate::model::UserId;
use crate::mqtt::connection::Retain;

pub(super) const EXAMPLES: &str = "\
Examples:
  coguestd watch                       # every daemon at the broker
  coguestd watch kiosk-7 --stats
  coguestd watch --url mqtt://broker.example.org:1883 --json | jq -c .

A line: the time (UTC), the daemon, and what it is now or the event. Times of events are those of the daemon's own clock.
Ends with Ctrl-C, status 0; a broker that goes away is waited for.";

/// How long the broker may take at the start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lines that may wait for who reads them; after that the broker's messages do.
const LINES: usize = 256;

/// What a view takes.
#[derive(Debug, Args)]
pub(super) struct WatchArguments {
    /// One daemon's user id [default: every daemon]
    device: Option<String>,
    /// Media statistics too
    #[arg(long)]
    stats: bool,
    /// One JSON object a line: at, device, topic, retained, payload
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Shows what is said until Ctrl-C or until nobody reads it.
pub(super) async fn run(arguments: WatchArguments) -> anyhow::Result<()> {
    let device = arguments.device.map(|id| id.parse::<UserId>().map_err(super::usage)).transpose()?;
    let settings = arguments.broker.load()?;
    let of = device.as_ref().map_or("+", UserId::as_str);
    let mut levels = vec!["status", "state", "event/+"];
    if arguments.stats {
        levels.push("stats");
    }
    let filters: Vec<String> = levels.iter().map(|level| format!("device/{of}/{level}")).collect();
    let connection = broker::connection(&settings, "watch");
    let mut console =
        Console::open(connection, &settings.mqtt.prefix, &filters, Start::AtOnce, PATIENCE).await?;
    let mut view =
        View { style: if arguments.json { Style::Json } else { Style::Lines }, shown: HashMap::new() };
    let outcome = tokio::select! {
        asked = tokio::signal::ctrl_c() => asked.map_err(Into::into),
        outcome = view.follow(&mut console) => outcome,
    };
    console.close().await;
    outcome
}

/// How things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Lines,
    Json,
}

struct View {
    style: Style,
    /// What was last shown of each daemon's level: a level that is said again is no news.
    shown: HashMap<String, String>,
}

impl View {
    async fn follow(&mut self, console: &mut Console) -> anyhow::Result<()> {
        let (lines, printed) = print();
        loop {
            let happening = tokio::select! {
                happening = console.next(None) => happening,
                () = lines.closed() => return printed.await.unwrap_or(Ok(())).map_err(Into::into),
            };
            match happening {
                Happening::Heard(heard) => {
                    let Some(line) = self.line(&heard, Timestamp::now()) else { continue };
                    // When nobody takes it any more, the printer says why.
                    lines.send(line).await.unwrap_or_default();
                }
                Happening::Down(why) => super::complain(format_args!("{why}; trying again")),
                Happening::Denied(why) => super::complain(why),
                Happening::Up => super::complain("the broker is back"),
                Happening::Over => return Ok(()),
            }
        }
    }

    fn line(&mut self, heard: &Heard, now: Timestamp) -> Option<String> {
        let (device, level) = heard.topic.strip_prefix("device/")?.split_once('/')?;
        if self.style == Style::Json {
            let retained = heard.stored == Retain::Yes;
            let at = format!("{now:.3}");
            let line = json!({
                "at": at, "device": device, "topic": heard.topic, "retained": retained, "payload": heard.value
            });
            return Some(foreign::escape_json(&line.to_string()).into_owned());
        }
        let said = match level {
            "status" => heard.value.as_str()?.to_owned(),
            "state" => state(&heard.value)?,
            "stats" => stats(&heard.value),
            _ => return Some(format!("{} {}", clock(event_time(heard).unwrap_or(now)), event_line(heard)?)),
        };
        if level != "stats" && self.shown.insert(heard.topic.clone(), said.clone()).as_ref() == Some(&said) {
            return None;
        }
        let sign = if level == "stats" { "~" } else { "=" };
        Some(foreign::escape(&format!("{} {device:<12} {sign} {said}", clock(now))).into_owned())
    }
}

/// Lines for stdout, printed on a thread of their own: a reader that pauses stops neither the connection nor Ctrl-C. It ends with its
/// reader, and says what else went wrong.
fn print() -> (mpsc::Sender<String>, oneshot::Receiver<io::Result<()>>) {
    let (lines, mut waiting) = mpsc::channel::<String>(LINES);
    let (ended, printed) = oneshot::channel();
    std::thread::spawn(move || {
        let mut outcome = Ok(());
        while let Some(line) = waiting.blocking_recv() {
            outcome = writeln!(io::stdout(), "{line}");
            if outcome.is_err() {
                break;
            }
        }
        let outcome = match outcome {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        };
        // Nobody asks when the program is being ended.
        let _ = ended.send(outcome);
    });
    (lines, printed)
}

fn event_time(heard: &Heard) -> Option<Timestamp> {
    heard.value["at"].as_str()?.parse().ok()
}

/// The time of day in UTC.
fn clock(at: Timestamp) -> String {
    let text = format!("{at:.0}");
    text.split_once('T').map_or(text.clone(), |(_, time)| time.to_owned())
}

/// The one sentence, and what the speaker of a seated guest does.
fn state(value: &Value) -> Option<String> {
    let summary = value["summary"].as_str()?;
    Some(match value["speaker"].as_str().filter(|_| value["seat"].is_object()) {
        Some(speaker) => format!("{summary}, speaker {speaker}"),
        None => summary.to_owned(),
    })
}

/// Statistics of a guest, or of every seat of a host.
fn stats(value: &Value) -> String {
    match value["seats"].as_array() {
        Some(seats) if seats.is_empty() => "nobody is seated".to_owned(),
        Some(seats) => seats.iter().map(seat).collect::<Vec<_>>().join("; "),
        None => seat(value),
    }
}

fn seat(value: &Value) -> String {
    let number = |value: &Value, unit: &str| {
        value.as_f64().map_or_else(|| "?".to_owned(), |number| format!("{number:.0}{unit}"))
    };
    let who = value["user_id"].as_str().map(|id| format!("{id} ")).unwrap_or_default();
    let mut parts = vec![
        format!("{who}seat {}", value["seat_index"]),
        format!("round trip {}", number(&value["round_trip_ms"], " ms")),
        format!(
            "loss {}",
            value["loss"].as_f64().map_or("?".to_owned(), |loss| format!("{:.1} %", loss * 100.0))
        ),
    ];
    if let Some(video) = value["video"].as_object() {
        let (width, height) = (number(&video["width"], ""), number(&video["height"], ""));
        let (rate, bits) = (number(&video["frame_rate"], "/s"), number(&video["bitrate_kbps"], " kbit/s"));
        parts.push(format!("video {width}x{height} {rate} {bits}"));
    }
    if let Some(freezes) = value["freezes"].as_u64().filter(|freezes| *freezes > 0) {
        parts.push(format!("still {freezes} times, {} at most", number(&value["longest_freeze_ms"], " ms")));
    }
    if let Some(audio) = value["audio"].as_object() {
        let (bits, level) =
            (number(&audio["bitrate_kbps"], " kbit/s"), number(&audio["level_dbfs"], " dBFS"));
        parts.push(format!("audio {bits} {level}"));
    }
    if let Some(returned) = value["return"].as_object() {
        let (bits, level) =
            (number(&returned["bitrate_kbps"], " kbit/s"), number(&returned["level_dbfs"], " dBFS"));
        parts.push(format!("return {bits} {level}"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::tests::HOSTILE;

    fn heard(topic: &str, value: Value) -> Heard {
        Heard { topic: topic.to_owned(), value, stored: Retain::No }
    }

    #[test]
    fn a_level_is_shown_when_it_changes_and_an_event_always() {
        let mut view = View { style: Style::Lines, shown: HashMap::new() };
        let now: Timestamp = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        let mut line = |topic: &str, value: Value| view.line(&heard(topic, value), now);
        let state = |summary: &str| json!({"summary": summary, "seat": null});
        assert_eq!(
            line("device/kiosk-7/state", state("in lobby")).as_deref(),
            Some("03:04:05Z kiosk-7      = in lobby")
        );
        assert_eq!(line("device/kiosk-7/state", state("in lobby")), None);
        let seated = json!({"summary": "live on seat 2", "seat": {"index": 2}, "speaker": "playing"});
        assert_eq!(
            line("device/kiosk-9/state", seated).as_deref(),
            Some("03:04:05Z kiosk-9      = live on seat 2, speaker playing")
        );
        assert!(line("device/kiosk-8/state", state("in lobby")).is_some());
        assert!(line("device/kiosk-7/state", state("live on seat 2")).is_some());
        let event = json!({"at": "2026-01-02T03:04:06.000Z", "seat_index": 2});
        for _ in 0..2 {
            let shown = line("device/kiosk-7/event/seated", event.clone());
            assert_eq!(shown.as_deref(), Some("03:04:06Z kiosk-7      seated, seat_index 2"));
        }
    }

    #[test]
    fn nothing_foreign_is_shown_as_it_is() {
        let now = Timestamp::now();
        let topic = format!("device/{HOSTILE}/status");
        let values = [
            json!(HOSTILE),
            json!({"summary": HOSTILE}),
            json!({"user": {"user_id": HOSTILE}, HOSTILE: HOSTILE}),
        ];
        for style in [Style::Lines, Style::Json] {
            let mut view = View { style, shown: HashMap::new() };
            for value in &values {
                for topic in
                    [topic.as_str(), "device/eve/state", "device/eve/event/seated", "device/eve/stats"]
                {
                    let Some(line) = view.line(&heard(topic, value.clone()), now) else { continue };
                    assert_eq!(foreign::escape(&line), line, "{topic}");
                    if style == Style::Json {
                        let read: Value = serde_json::from_str(&line).expect("JSON");
                        assert_eq!(read["payload"], *value);
                    }
                }
            }
        }
    }

    #[test]
    fn statistics_say_what_is_known() {
        let value = json!({"seat_index": 2, "round_trip_ms": 3.2, "loss": 0.01, "audio": null,
            "video": {"width": 1280, "height": 720, "frame_rate": 29.97, "frames": 5, "bitrate_kbps": null}});
        assert_eq!(stats(&value), "seat 2, round trip 3 ms, loss 1.0 %, video 1280x720 30/s ?");
        let seat = json!({"user_id": "kiosk-7", "seat_index": 0, "round_trip_ms": null, "loss": null, "video": null,
            "freezes": 2, "longest_freeze_ms": 812.5, "audio": null,
            "return": {"bitrate_kbps": 31.5, "level_dbfs": -23.4}});
        assert_eq!(
            stats(&json!({"seats": [seat]})),
            "kiosk-7 seat 0, round trip ?, loss ?, still 2 times, 812 ms at most, return 32 kbit/s -23 dBFS"
        );
        assert_eq!(stats(&json!({"seats": []})), "nobody is seated");
    }
}
