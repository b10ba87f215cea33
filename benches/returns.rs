//! What guests hear of the room: how old it is, what it costs the host, and what is left of those who came and went.

use std::fs;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use coguestd::model::sound::Return;
use serde_json::json;

use super::console::Console;
use super::publisher::Show;
use super::room::Room;
use super::rows::{Row, quantile};
use super::stand::{GUEST, HOST, Running, Stand};

/// Samples a second.
const RATE: u32 = 48_000;
/// As cards give it, and take it: 20 ms.
const PIECE: u32 = RATE / 50;
/// What is said: a beep each second.
const BEEP: Duration = Duration::from_millis(100);
const BEEPS: u32 = 40;
/// The first of them are start-up.
const SETTLE: usize = 10;
/// A beep is heard from this level on.
const LOUD: u16 = 1_000;

/// A microphone that says nothing.
pub const SILENCE: &str = "audiotestsrc name=microphone is-live=true wave=silence samplesperbuffer=960";
/// A speaker that nobody hears.
const NOWHERE: &str = "fakesink name=speaker sync=true";

const MOUTH: &str = "bench-mouth";
const EAR: &str = "bench-ear";

/// Seats of a full stage, and how long it is watched.
const SEATS: usize = 9;
const WATCHED: Duration = Duration::from_secs(15);

/// Joins before the first reading, until which pools grow, and after it; so many at once.
const WARM: usize = 60;
const JOINS: usize = 300;
const AT_ONCE: usize = 6;

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let mark = console.mark();
    let host = stand.daemon_with(HOST, "role = \"host\"", "", &["host.accept_applications=always"])?;
    console.online(HOST, mark).with_context(|| host.said())?;
    let alone = alone(stand, &mut console)?;
    let heard = mouth_to_ear(stand, &mut console)?;
    host.end()?;
    Ok(vec![heard, nine()?, alone])
}

/// How a guest hears and is heard: elements as a profile names them.
pub struct Voice<'a> {
    pub microphone: &'a str,
    pub speaker: &'a str,
}

/// A guest of the real program that sits, with sound only.
pub fn guest(stand: &Stand, console: &mut Console, name: &str, voice: &Voice<'_>) -> anyhow::Result<Running> {
    let folder = stand.folder().join(name);
    fs::create_dir_all(&folder)?;
    write_profile(&folder.join("test.toml"), voice)?;
    let mark = console.mark();
    let directory = format!("media.profile_directory={}", folder.display());
    let keys = [
        "media.speaker=auto",
        "media.echo_cancellation=false",
        "media.noise_suppression=false",
        "media.auto_gain_control=false",
        &directory,
    ];
    let guest = stand.daemon_with(name, "role = \"guest\"", "", &keys)?;
    console.online(name, mark).with_context(|| guest.said())?;
    console.state(name, mark, |state| state["room"]["membership"] == "inside")?;
    console.command(name, "apply_for_seat", &json!({"media": "audio"}))?;
    console.event(name, "media_live", mark).with_context(|| guest.said())?;
    Ok(guest)
}

/// The profile `test` with them.
fn write_profile(file: &PathBuf, voice: &Voice<'_>) -> anyhow::Result<()> {
    let shipped = include_str!("../pipelines/test.toml");
    let line = |name: &str| shipped.lines().find(|line| line.contains(name)).context("the profile has it");
    let text = shipped
        .replace(line("name=microphone")?, &format!("launch = \"{}\"", voice.microphone))
        .replace(line("name=speaker")?, &format!("launch = \"{}\"", voice.speaker));
    Ok(fs::write(file, text)?)
}

/// A speaker that sends what it is given to a port of this machine: 16 bit, 48,000 Hz, one channel.
pub fn speaker_at(port: u16) -> String {
    format!(
        "audioconvert ! capsfilter caps=audio/x-raw,format=S16LE,channels=1,rate=48000 \
         ! udpsink name=speaker host=127.0.0.1 port={port} sync=true"
    )
}

/// What a guest is sent that hears nobody.
fn alone(stand: &Stand, console: &mut Console) -> anyhow::Result<Row> {
    let tone = "audiotestsrc name=microphone is-live=true samplesperbuffer=960";
    let guest = guest(stand, console, GUEST, &Voice { microphone: tone, speaker: NOWHERE })?;
    console.listen_for(Duration::from_secs(3));
    let mark = console.mark();
    console.listen_for(Duration::from_secs(10));
    let rates = console.stats(HOST, mark).into_iter().filter_map(|stats| {
        let seats = stats["seats"].as_array()?.clone();
        seats.iter().find(|seat| seat["user_id"] == GUEST)?["return"]["bitrate_kbps"].as_f64()
    });
    let rates: Vec<f64> = rates.collect();
    ensure!(!rates.is_empty(), "the host says nothing of what it sends");
    guest.end()?;
    Ok(Row::of_many("idle_return_kbps", &rates))
}

/// From what one guest's microphone is given to what the speaker of another is.
fn mouth_to_ear(stand: &Stand, console: &mut Console) -> anyhow::Result<Row> {
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let ear = UdpSocket::bind("127.0.0.1:0")?;
    ear.set_read_timeout(Some(Duration::from_secs(2)))?;
    let microphone = format!(
        "udpsrc name=microphone uri=udp://127.0.0.1:{port} ! rawaudioparse sample-rate=48000 num-channels=1"
    );
    let speaker = speaker_at(ear.local_addr()?.port());
    let began = Instant::now();
    let mouth = speak(port, began)?;
    let said = guest(stand, console, MOUTH, &Voice { microphone: &microphone, speaker: NOWHERE })?;
    let heard = guest(stand, console, EAR, &Voice { microphone: SILENCE, speaker: &speaker })?;
    let delays = listen(&ear, began)?;
    ensure!(mouth.join().is_ok(), "nobody spoke to the end");
    heard.end()?;
    said.end()?;
    ensure!(delays.len() > SETTLE + 10, "{} beeps were heard", delays.len());
    let delays = &delays[SETTLE..];
    Ok(Row::new("mouth_to_ear_p95_ms", quantile(delays, 0.95))
        .with("p50", quantile(delays, 0.5))
        .with("beeps", delays.len() as f64))
}

/// Gives a piece to the microphone whenever it is over: a beep at the begin of each second.
fn speak(port: u16, began: Instant) -> anyhow::Result<JoinHandle<()>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    Ok(thread::spawn(move || {
        let beep = RATE / 1000 * u32::try_from(BEEP.as_millis()).unwrap_or_default();
        for piece in 0..BEEPS * 50 {
            let samples = (piece * PIECE..(piece + 1) * PIECE).map(|at| {
                let loud = if at % RATE < beep { 12_000.0 } else { 0.0 };
                ((f64::from(at) / f64::from(RATE) * 700.0 * std::f64::consts::TAU).sin() * loud) as i16
            });
            let bytes: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
            let over = began + Duration::from_millis(20) * (piece + 1);
            thread::sleep(over.saturating_duration_since(Instant::now()));
            // Until the guest listens nobody is there.
            socket.send_to(&bytes, ("127.0.0.1", port)).map(|_| ()).unwrap_or_default();
        }
    }))
}

/// How old each beep was that was heard, in milliseconds, until no more come.
fn listen(ear: &UdpSocket, began: Instant) -> anyhow::Result<Vec<f64>> {
    let mut piece = vec![0; 1 << 16];
    let mut delays = Vec::new();
    let mut quiet = 0;
    let over = began + Duration::from_secs(1) * BEEPS;
    while Instant::now() < over {
        let size = ear.recv(&mut piece).context("the speaker is given nothing")?;
        let came = began.elapsed();
        for (sample, at) in piece[..size].as_chunks::<2>().0.iter().zip(0u32..) {
            let is_loud = i16::from_le_bytes(*sample).unsigned_abs() > LOUD;
            if is_loud && quiet > RATE / 5 {
                let heard = came.as_secs_f64() + f64::from(at) / f64::from(RATE);
                delays.push(heard.fract() * 1000.0);
            }
            quiet = if is_loud { 0 } else { quiet + 1 };
        }
    }
    Ok(delays)
}

/// What nine returns cost a stage.
fn nine() -> anyhow::Result<Row> {
    let mut room = Room::open()?;
    room.enter(SEATS)?;
    let cost = |room: &mut Room, returned: Return| -> anyhow::Result<f64> {
        room.hear(returned)?;
        room.pass(Duration::from_secs(5))?;
        let before = room.process.cpu()?;
        room.pass(WATCHED)?;
        Ok((room.process.cpu()? - before).as_secs_f64() / WATCHED.as_secs_f64() * 100.0)
    };
    let without = cost(&mut room, Return::None)?;
    let with = cost(&mut room, Return::Others)?;
    room.end()?;
    Ok(Row::new("returns_9_cpu_percent", with - without).with("with", with).with("without", without))
}

/// What is left of guests that came, talked, heard and went.
pub fn joins(_stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut room = Room::open()?;
    let come_and_go = |room: &mut Room, count: usize| -> anyhow::Result<()> {
        for _ in 0..count / AT_ONCE {
            room.enter_with(AT_ONCE, &Show::audio())?;
            room.hear(Return::Others)?;
            room.pass(Duration::from_millis(300))?;
            room.leave()?;
        }
        room.pass(Duration::from_secs(3))
    };
    come_and_go(&mut room, WARM)?;
    let before = room.needed_mib()?;
    come_and_go(&mut room, JOINS)?;
    let after = room.needed_mib()?;
    let threads = room.process.threads()? as f64;
    room.end()?;
    Ok(vec![
        Row::new("joins_memory_growth_mib", after - before).with("after", after).with("threads", threads),
    ])
}
