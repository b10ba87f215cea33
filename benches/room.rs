//! A stage in a process of its own, and guests of this process in front of it: webrtcbin with tiny test pictures and a tone.
//!
//! ```text
//! this process, guests ── lines of JSON ──► `bench --stage`
//!                      ◄── lines of JSON ──
//! ```
//! What a host costs beside its stage (MQTT, the room) does not grow with its guests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use coguestd::media::stage::{Settings, Stage};
use coguestd::media::webrtc::Ice;
use coguestd::memory;
use coguestd::model::media::IceCandidate;
use coguestd::model::sound::{Audible, Return};
use coguestd::model::stage::{StageAsk, StagePeer, StageReport};
use coguestd::model::{Media, UserId};
use serde_json::{Value, json};

use super::process::Process;
use super::publisher::{Publisher, Said, Show, Video};

/// The line that makes the stage give back the memory that lies free.
const TRIM: &str = "trim";

/// The argument that makes this program the stage.
pub const STAGE: &str = "--stage";

/// How long all guests together may take until they are decoded.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often either side looks.
const PAUSE: Duration = Duration::from_millis(2);
/// How often the stage's thread is asked for a sign of life.
const ASKED: Duration = Duration::from_millis(10);

/// The stage's process: takes asks from its input until that ends, says reports, and then the longest time that its thread did not turn.
pub fn stage() -> anyhow::Result<()> {
    let (sink, mut reports) = tokio::sync::mpsc::channel(4096);
    let settings = Settings { ice: Ice::default(), stats_interval: Duration::from_secs(1) };
    let stage = Stage::open(settings, sink)?;
    let lines = lines(std::io::stdin());
    let mut out = std::io::stdout();
    let (mut answered, mut asked, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
    loop {
        match lines.try_recv() {
            // What does not fit is lost, as on a host.
            Ok(line) if line == TRIM => memory::give_back(),
            Ok(line) => stage.ask(ask(&serde_json::from_str(&line)?)?).unwrap_or_default(),
            Err(mpsc::TryRecvError::Disconnected) => break,
            Err(mpsc::TryRecvError::Empty) => std::thread::sleep(PAUSE),
        }
        while let Ok(report) = reports.try_recv() {
            if let Some(said) = said(report) {
                writeln!(out, "{said}")?;
                out.flush()?;
            }
        }
        if asked.elapsed() >= ASKED {
            if stage.is_alive() {
                answered = Instant::now();
            }
            asked = Instant::now();
            longest = longest.max(answered.elapsed());
        }
    }
    writeln!(out, "{}", json!({"gap_ms": longest.as_secs_f64() * 1000.0}))?;
    stage.close(Duration::from_secs(30))?;
    Ok(())
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (give, take) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if give.send(line).is_err() {
                break;
            }
        }
    });
    take
}

fn ask(line: &Value) -> anyhow::Result<StageAsk> {
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    let guest = UserId::try_from(text("guest").context("whose?")?)?;
    let peer = StagePeer { guest, peer: line["peer"].as_u64().context("which?")? };
    if let Some(sdp) = text("sdp") {
        return Ok(StageAsk::Offer { peer, exchange: 1, media: Media::Video, sdp });
    }
    if line["close"] == true {
        return Ok(StageAsk::Close { peer });
    }
    if let Some(returned) = line.get("return") {
        let returned: Return = serde_json::from_value(returned.clone())?;
        return Ok(StageAsk::Sound { peer, audible: Audible::Yes, returned });
    }
    let candidate = IceCandidate {
        candidate: text("candidate").context("what?")?,
        sdp_mid: None,
        sdp_m_line_index: line["line"].as_u64().and_then(|line| u32::try_from(line).ok()),
        username_fragment: None,
    };
    Ok(StageAsk::Candidate { peer, exchange: 1, candidate: Some(candidate) })
}

fn said(report: StageReport) -> Option<Value> {
    match report {
        StageReport::Answer { peer, sdp, .. } => Some(json!({"peer": peer.peer, "answer": sdp})),
        StageReport::Candidate { peer, candidate, .. } => candidate.map(|candidate| {
            json!({"peer": peer.peer, "candidate": candidate.candidate, "line": candidate.sdp_m_line_index})
        }),
        StageReport::Live { peer } => Some(json!({"peer": peer.peer, "live": true})),
        StageReport::Failed { peer, fault } => Some(json!({"peer": peer.peer, "failed": fault.detail})),
        _ => None,
    }
}

/// Such a stage with guests in front of it; killed when dropped, if it was not ended.
pub struct Room {
    child: Child,
    pub process: Process,
    asks: Option<ChildStdin>,
    reports: Receiver<String>,
    guests: BTreeMap<u64, (String, Publisher)>,
    live: BTreeSet<u64>,
    next: u64,
}

impl Room {
    pub fn open() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(STAGE).env("MALLOC_ARENA_MAX", "2").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the stage")?;
        let asks = child.stdin.take();
        let reports = lines(child.stdout.take().context("piped")?);
        let process = Process(child.id());
        Ok(Self { child, process, asks, reports, guests: BTreeMap::new(), live: BTreeSet::new(), next: 1 })
    }

    /// So many more guests with tiny pictures; returns when all are decoded.
    pub fn enter(&mut self, count: usize) -> anyhow::Result<()> {
        self.enter_with(count, &tiny())
    }

    /// … that show this.
    pub fn enter_with(&mut self, count: usize, show: &Show) -> anyhow::Result<()> {
        for _ in 0..count {
            self.seat(format!("kiosk-{}", self.next), show);
        }
        self.wait()?;
        Ok(())
    }

    /// All guests at once in new sessions, without a word of the old ones; the most threads that the stage had until all are decoded.
    pub fn come_again(&mut self) -> anyhow::Result<usize> {
        self.live.clear();
        for (guest, _) in std::mem::take(&mut self.guests).into_values() {
            self.seat(guest, &tiny());
        }
        self.wait()
    }

    fn seat(&mut self, guest: String, show: &Show) {
        self.guests.insert(self.next, (guest, Publisher::start(show)));
        self.next += 1;
    }

    /// Until all are decoded; the most threads that the stage had meanwhile.
    fn wait(&mut self) -> anyhow::Result<usize> {
        let (wanted, deadline) = (self.guests.len(), Instant::now() + PATIENCE);
        let mut threads = 0;
        while self.live.len() < wanted {
            ensure!(Instant::now() < deadline, "of {wanted} guests {} are decoded", self.live.len());
            self.carry()?;
            threads = threads.max(self.process.threads()?);
        }
        Ok(threads)
    }

    /// All may be heard, and hear this of the room.
    pub fn hear(&mut self, returned: Return) -> anyhow::Result<()> {
        let guests: Vec<(u64, String)> =
            self.guests.iter().map(|(peer, (guest, _))| (*peer, guest.clone())).collect();
        guests.into_iter().try_for_each(|(peer, guest)| {
            self.tell(&json!({"guest": guest, "peer": peer, "return": returned}))
        })
    }

    /// All leave.
    pub fn leave(&mut self) -> anyhow::Result<()> {
        self.live.clear();
        for (peer, (guest, _)) in std::mem::take(&mut self.guests) {
            self.tell(&json!({"guest": guest, "peer": peer, "close": true}))?;
        }
        Ok(())
    }

    /// The memory that the stage needs, in MiB: what lies free is given back before.
    pub fn needed_mib(&mut self) -> anyhow::Result<f64> {
        self.say(TRIM)?;
        self.pass(Duration::from_millis(500))?;
        self.process.resident_mib()
    }

    /// Carries what comes for so long.
    pub fn pass(&mut self, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.carry()?;
        }
        Ok(())
    }

    /// An offer of somebody who is not here, as a new session.
    pub fn offer(&mut self, guest: &str, sdp: &str) -> anyhow::Result<()> {
        let peer = self.next;
        self.next += 1;
        self.tell(&json!({"guest": guest, "peer": peer, "sdp": sdp}))
    }

    /// Ends it; the longest time in milliseconds that the stage's thread did not turn.
    pub fn end(mut self) -> anyhow::Result<f64> {
        self.asks = None;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let line = self.reports.recv_timeout(PATIENCE).context("the stage said nothing at its end")?;
            if let Some(gap) = serde_json::from_str::<Value>(&line)?["gap_ms"].as_f64() {
                self.child.wait()?;
                return Ok(gap);
            }
        }
        bail!("the stage did not end")
    }

    fn tell(&mut self, line: &Value) -> anyhow::Result<()> {
        self.say(&line.to_string())
    }

    fn say(&mut self, line: &str) -> anyhow::Result<()> {
        let asks = self.asks.as_mut().context("it has ended")?;
        writeln!(asks, "{line}").context("the stage is gone")
    }

    fn carry(&mut self) -> anyhow::Result<()> {
        let mut asks = Vec::new();
        for (peer, (guest, publisher)) in &self.guests {
            while let Some(said) = publisher.listen() {
                asks.push(match said {
                    Said::Offer { sdp, .. } => json!({"guest": guest, "peer": peer, "sdp": sdp}),
                    Said::Candidate { line, text, .. } => {
                        json!({"guest": guest, "peer": peer, "line": line, "candidate": text})
                    }
                });
            }
        }
        for ask in &asks {
            self.tell(ask)?;
        }
        match self.reports.recv_timeout(PAUSE) {
            Ok(line) => self.heard(&serde_json::from_str(&line)?),
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(()),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the stage is gone"),
        }
    }

    fn heard(&mut self, report: &Value) -> anyhow::Result<()> {
        let peer = report["peer"].as_u64().and_then(|peer| self.guests.get(&peer));
        let Some((guest, publisher)) = peer else { return Ok(()) };
        if let Some(sdp) = report["answer"].as_str() {
            publisher.answer(sdp);
        }
        if let (Some(text), Some(line)) = (report["candidate"].as_str(), report["line"].as_u64()) {
            publisher.candidate(u32::try_from(line)?, text);
        }
        if report["live"] == true {
            self.live.extend(report["peer"].as_u64());
        }
        report["failed"].as_str().map_or(Ok(()), |why| bail!("{guest}: {why}"))
    }
}

/// Pictures that cost next to nothing, and a tone.
fn tiny() -> Show {
    let video =
        Video { codec: "H264", pattern: "ball", width: 320, height: 180, frame_rate: 10, bitrate_kbps: 150 };
    Show { video: Some(video), ..Show::audio() }
}

impl Drop for Room {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a publisher offers first.
pub fn an_offer() -> anyhow::Result<String> {
    let publisher = Publisher::start(&Show::video(320, 180));
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match publisher.listen() {
            Some(Said::Offer { sdp, .. }) => return Ok(sdp),
            Some(Said::Candidate { .. }) => {}
            None => std::thread::sleep(PAUSE),
        }
    }
    bail!("webrtcbin makes no offer")
}
