//! The floor: the sources and encoders of the profile `test` in one `gst-launch-1.0`, into `fakesink`. No daemon, no RTP, no network.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use toml::Value;

use super::stand::Running;

/// What crosses from the camera to the encoder at 720p: the same as in the program.
const PICTURES: &str = "video/x-raw,format=I420,width=1280,height=720,framerate=30/1,pixel-aspect-ratio=1/1";
const SOUND: &str = "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved";

/// The bit rate of 720p, in kbit/s: the same as in the program.
const BITRATE: u32 = 1800;

/// Starts it; its log goes into `folder`.
pub fn start(folder: &Path) -> anyhow::Result<Running> {
    let profile: Value = toml::from_str(include_str!("../pipelines/test.toml"))?;
    let video = format!(
        "{} ! {PICTURES} ! {} ! fakesink",
        fragment(&profile["camera"][0])?
            .replace("capsfilter name=size", &format!("capsfilter caps=\"{PICTURES}\"")),
        fragment(&profile["encoder"][0])?.replace("name=encoder", &format!("name=encoder bitrate={BITRATE}"))
    );
    let audio = format!(
        "{} ! {SOUND} ! {} ! fakesink",
        fragment(&profile["microphone"][0])?,
        fragment(&profile["audio_encoder"])?
    );
    // One argument a word, as a shell would split it: quotes around a value are taken off.
    let mut command = Command::new("gst-launch-1.0");
    command.arg("-q").args(words(&format!("{video} {audio}")));
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("MALLOC_")) {
        command.env_remove(key);
    }
    Running::start(command, folder.join("bare.log")).context("sudo apt-get install gstreamer1.0-tools")
}

fn fragment(table: &Value) -> anyhow::Result<&str> {
    table.get("launch").and_then(Value::as_str).context("a fragment of pipelines/test.toml")
}

fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("never empty").push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
