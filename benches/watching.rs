//! Viewers: how soon one sees a seat, what that costs the host, and how soon a guest hears who talks to it.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::console::Console;
use super::returns::{self, Voice};
use super::rows::{Row, quantile};
use super::seat;
use super::stand::{GUEST, HOST, House, Stand};
use super::viewer::Viewer;

/// Viewers that come one after the other.
const COMES: usize = 12;
/// How often, and for how long, the host is measured without a viewer and with one.
const ROUNDS: usize = 5;
const WATCHED: Duration = Duration::from_secs(8);
/// How often somebody talks.
const TALKS: usize = 10;
/// What the speaker is given counts as sound from this level on.
const LOUD: u16 = 1_000;

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let python = super::target_directory()?.join("peers/bin/python");
    let mut console = stand.console()?;
    let house = stand.house(&mut console)?;
    seat::sit(&mut console)?;
    let mut rows = vec![first_frame(stand, &mut console, &python)?];
    rows.extend(watched(stand, &mut console, &house, &python)?);
    house.end()?;
    // A broker of its own: the last one remembers where everybody was.
    rows.push(talk(&Stand::open()?, &python)?);
    Ok(rows)
}

/// From `watch` to the first picture that the viewer has decoded.
fn first_frame(stand: &Stand, console: &mut Console, python: &Path) -> anyhow::Result<Row> {
    let mut times = Vec::new();
    for _ in 0..COMES {
        let mut viewer = Viewer::start(python, stand.folder())?;
        // For all viewers of a guest together a key frame is asked for once a second.
        console.listen_for(Duration::from_secs(1));
        let (asked, seen) = viewer.watch(console, GUEST, "video")?;
        times.push(seat::milliseconds(asked, seen));
        viewer.end(console)?;
    }
    Ok(Row::new("watch_first_frame_p95_ms", quantile(&times, 0.95)).with("p50", quantile(&times, 0.5)))
}

/// What a viewer costs the host.
fn watched(stand: &Stand, console: &mut Console, house: &House, python: &Path) -> anyhow::Result<[Row; 2]> {
    let host = house.host.process;
    let measure = |console: &mut Console| -> anyhow::Result<f64> {
        console.listen_for(Duration::from_secs(2));
        let before = host.cpu_of_threads()?;
        console.listen_for(WATCHED);
        Ok((host.cpu_of_threads()?.saturating_sub(before)).as_secs_f64() / WATCHED.as_secs_f64() * 100.0)
    };
    let (mut costs, mut grown) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut viewer = Viewer::start(python, stand.folder())?;
        let (without, memory) = (measure(console)?, host.resident_mib()?);
        viewer.watch(console, GUEST, "video")?;
        costs.push(measure(console)? - without);
        grown.push(host.resident_mib()? - memory);
        viewer.end(console)?;
    }
    Ok([Row::of_many("watched_cpu_percent", &costs), Row::of_many("watched_memory_mib", &grown)])
}

/// From the command to what the speaker of the guest is given, and to silence there.
fn talk(stand: &Stand, python: &Path) -> anyhow::Result<Row> {
    let mut console = stand.console()?;
    let mark = console.mark();
    let host = stand.daemon_with(HOST, "role = \"host\"", "", &["host.accept_applications=always"])?;
    console.online(HOST, mark).with_context(|| host.said())?;
    let ear = UdpSocket::bind("127.0.0.1:0")?;
    let speaker = returns::speaker_at(ear.local_addr()?.port());
    let voice = Voice { microphone: returns::SILENCE, speaker: &speaker };
    let guest = returns::guest(stand, &mut console, GUEST, &voice)?;
    let heard = listen(ear)?;
    let mut viewer = Viewer::start(python, stand.folder())?;
    viewer.watch(&mut console, GUEST, "connection")?;
    let mut times = Vec::new();
    for _ in 0..TALKS {
        for talk in [true, false] {
            console.listen_for(Duration::from_secs(1));
            let asked = viewer.talk(&mut console, talk)?;
            times.push(seat::milliseconds(asked, changed(&heard, talk)?));
        }
    }
    viewer.end(&mut console)?;
    guest.end()?;
    host.end()?;
    Ok(Row::of_many("talk_ms", &times))
}

/// When the speaker was given sound, or silence, from now on.
fn changed(heard: &Receiver<(Instant, bool)>, loud: bool) -> anyhow::Result<Instant> {
    loop {
        let (at, is_loud) = heard.recv_timeout(Duration::from_secs(10)).context("nothing changes")?;
        if is_loud == loud {
            return Ok(at);
        }
    }
}

/// Whatever changes at the speaker.
fn listen(ear: UdpSocket) -> anyhow::Result<Receiver<(Instant, bool)>> {
    ear.set_read_timeout(Some(Duration::from_secs(20)))?;
    let (say, heard) = mpsc::channel();
    let mut piece = vec![0; 1 << 16];
    let first = ear.recv(&mut piece).context("the speaker is given nothing")?;
    ensure!(first > 0, "the speaker is given nothing");
    thread::spawn(move || {
        let mut was = false;
        while let Ok(size) = ear.recv(&mut piece) {
            let loud = |sample: &[u8; 2]| i16::from_le_bytes(*sample).unsigned_abs() > LOUD;
            let is = piece[..size].as_chunks::<2>().0.iter().any(loud);
            if is != was && say.send((Instant::now(), is)).is_err() {
                return;
            }
            was = is;
        }
    });
    Ok(heard)
}
