//! One stay of the guest on a seat, as an operator brings it about and sees it.

use std::time::Instant;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use coguestd::media::pictures::{self, Look};
use serde_json::{Value, json};

use super::console::Console;
use super::stand::{GUEST, HOST};

/// A guest that sits, and how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Seated {
    /// Accept → first packet, as the guest says it.
    pub first_packet_ms: f64,
    /// The operator's `accept_application` → the stage's first decoded picture, both as seen at the broker.
    pub first_frame_ms: f64,
}

/// [`sit_as`] the guest of the house.
pub fn sit(console: &mut Console) -> anyhow::Result<Seated> {
    sit_as(GUEST, console)
}

/// A guest applies, the host accepts; back when the stage has decoded its first picture.
pub fn sit_as(guest: &str, console: &mut Console) -> anyhow::Result<Seated> {
    let mark = console.mark();
    console.command(guest, "apply_for_seat", &json!({}))?;
    console.event(HOST, "application_received", mark)?;
    let (accepted, _) = console.command(HOST, "accept_application", &json!({"user_id": guest}))?;
    let seen = console.event(HOST, "media_live", mark)?;
    let sent = console.event(guest, "media_live", mark)?;
    let first_packet_ms = sent.value["accept_to_first_packet_ms"].as_f64().context("a number")?;
    Ok(Seated { first_packet_ms, first_frame_ms: milliseconds(accepted, seen.at) })
}

/// The guest leaves the seat; back when its devices are closed and the host has a free seat.
pub fn leave(console: &mut Console) -> anyhow::Result<()> {
    let mark = console.mark();
    console.command(GUEST, "disconnect", &json!({}))?;
    console.event(HOST, "guest_unseated", mark)?;
    let closed = |state: &Value| {
        state["seat"].is_null()
            && state["camera"]["status"] == "off"
            && state["microphone"]["status"] == "off"
    };
    console.state(GUEST, mark, closed)?;
    Ok(())
}

/// A picture of the guest, as the stage shows it.
pub struct Looked {
    pub asked: Instant,
    pub answered: Instant,
    pub look: Look,
}

/// Looks at the guest's picture at the stage.
pub fn look(console: &mut Console) -> anyhow::Result<Looked> {
    let (asked, taken) = console.command(HOST, "take_seat_snapshot", &json!({"user_id": GUEST}))?;
    let jpeg = BASE64_STANDARD.decode(taken.value["result"]["data"].as_str().context("a picture")?)?;
    Ok(Looked { asked, answered: taken.at, look: pictures::look(&jpeg)? })
}

/// The time from one moment to another.
pub fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}
