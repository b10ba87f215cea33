//! What a person asked for help needs, in one file.
//!
//! Invariant: no secret is in it, wherever it may have slipped in: what the configuration knows as secret is struck out of the
//! finished text.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::finding::Finding;
use crate::app::probe::probe;
use crate::config::{Settings, Transport};
use crate::devices;
use crate::media::encoder::available;

/// How much of the journal is taken along.
const LINES: &str = "400";

/// Writes it, readable by its owner only.
pub(super) fn write(file: &Path, findings: &[Finding], settings: Option<&Settings>) -> anyhow::Result<()> {
    let bundle = json!({
        "coguestd": env!("CARGO_PKG_VERSION"),
        "at": jiff::Timestamp::now().to_string(),
        "findings": findings,
        "configuration": settings.map(|settings| settings.dump().lines().map(ToOwned::to_owned).collect::<Vec<_>>()),
        "machine": machine(settings),
        "devices": settings.map_or_else(found, |settings| json!(probe(settings))),
        "journal": journal(),
    });
    let text = strike_out(format!("{bundle:#}\n"), settings);
    let in_words = || format!("cannot write {}", file.display());
    // A file that is there already keeps its permissions: it is removed first.
    if file.is_file() {
        fs::remove_file(file).with_context(in_words)?;
    }
    let mut out =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).with_context(in_words)?;
    out.write_all(text.as_bytes()).with_context(in_words)
}

fn machine(settings: Option<&Settings>) -> Value {
    let read = |path: &str| {
        fs::read_to_string(path).ok().map(|text| text.trim_end_matches(['\0', '\n']).trim().to_owned())
    };
    let line = |path: &str, field: &str| {
        read(path)?
            .lines()
            .find_map(|line| line.strip_prefix(field).map(|rest| rest.trim().trim_matches('"').to_owned()))
    };
    json!({
        "hash": settings.map(|settings| settings.machine.hash.clone()),
        "model": read("/proc/device-tree/model"),
        "system": line("/etc/os-release", "PRETTY_NAME="),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "architecture": std::env::consts::ARCH,
        "memory": line("/proc/meminfo", "MemTotal:"),
        "available": line("/proc/meminfo", "MemAvailable:"),
        "uptime": read("/proc/uptime"),
        "temperature": read("/sys/class/thermal/thermal_zone0/temp"),
    })
}

/// What is there, as far as it can be told without a configuration; with one it is the probe's to say, and what would be chosen.
fn found() -> Value {
    let sounds = |sounds: Vec<devices::Sound>| -> Vec<Value> {
        sounds.into_iter().map(|sound| json!({"id": sound.id, "name": sound.name})).collect()
    };
    let camera = |camera: devices::Camera| {
        let offers: Vec<String> = devices::offers(&camera).iter().map(|offer| format!("{offer:?}")).collect();
        json!({"id": camera.id, "name": camera.name, "path": camera.path, "driver": camera.driver, "offers": offers})
    };
    json!({
        "cameras": devices::cameras().into_iter().map(camera).collect::<Vec<_>>(),
        "microphones": sounds(devices::microphones()),
        "speakers": sounds(devices::speakers()),
        "encoders": available::available(),
    })
}

/// The last lines of the daemon's journal, or why there are none.
fn journal() -> Value {
    let arguments = ["-u", "coguestd", "-n", LINES, "-o", "short-iso", "--no-pager", "-q"];
    match Command::new("journalctl").args(arguments).output() {
        Ok(output) if output.status.success() => {
            json!(String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>())
        }
        Ok(output) => json!(String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => json!(format!("journalctl: {error}")),
    }
}

fn strike_out(mut text: String, settings: Option<&Settings>) -> String {
    for secret in settings.into_iter().flat_map(secrets) {
        // As it stands in JSON.
        let quoted = json!(secret).to_string();
        text = text.replace(quoted.trim_matches('"'), "[redacted]");
    }
    text
}

fn secrets(settings: &Settings) -> Vec<String> {
    let password = settings.mqtt.login.as_ref().and_then(|login| login.password.as_ref());
    let token = match &settings.room.transport {
        Transport::Whip(whip) => whip.token.as_ref(),
        Transport::Mqtt => None,
    };
    let turn = settings.webrtc.turn.iter().map(|turn| &turn.password);
    password.into_iter().chain(token).chain(turn).map(|secret| secret.expose().to_owned()).collect()
}
