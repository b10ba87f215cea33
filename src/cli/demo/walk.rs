//! The walk: apply, be invited, go live, hear each other, camera off and on, kick, the end.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::console::{Console, Heard, PREFIX, between};
use super::report::Report;
use super::say;
use super::sound::{HEARD, Sound};
use super::stand::Stand;
use crate::media::pictures::Look;

const HOST: &str = "demo-host";
/// With camera and microphone.
const A: &str = "kiosk-a";
/// With a microphone only.
const B: &str = "kiosk-b";
const ROOM: &str = "lobby";
/// Their tones.
const A_HERTZ: u32 = 440;
const B_HERTZ: u32 = 660;

/// The slate, with its icon and a name, has two thirds of this contrast, the test picture twice as much.
const PLAIN: f64 = 30.0;

/// How often the stage is asked for a picture until it shows what is waited for.
const LOOKS: usize = 40;

/// The walk.
pub(super) struct Walk {
    console: Console,
    a: Sound,
    b: Sound,
}

impl Walk {
    /// Starts the processes.
    pub(super) async fn begin(stand: &mut Stand) -> anyhow::Result<Self> {
        // The broker listens some milliseconds after its start; the console connects again until it does.
        let console = Console::open(stand.port).await?;
        stand.host(HOST, "Demo host")?;
        let a = stand.guest(A, "Kiosk A", A_HERTZ)?;
        let b = stand.guest(B, "Kiosk B", B_HERTZ)?;
        console.print(&format!("a broker listens on port {}; starting a host and two guests", stand.port));
        Ok(Self { console, a, b })
    }

    /// All of it.
    pub(super) async fn all(&mut self, report: &mut Report) -> anyhow::Result<()> {
        self.all_online().await?;
        self.open_room().await?;
        self.apply(report).await?;
        self.invite(report).await?;
        self.hear(report).await?;
        self.camera_off_and_on(report).await?;
        self.kick(report).await?;
        self.end(report).await
    }

    async fn all_online(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        for device in [HOST, A, B] {
            let topic = format!("device/{device}/status");
            let online =
                |heard: &Heard| (heard.topic == topic && heard.value == json!("online")).then_some(());
            self.console.wait(&format!("{device} online"), 0, online).await?;
        }
        self.console.print(&format!("all are online after {:.1} s", began.elapsed().as_secs_f64()));
        Ok(())
    }

    async fn open_room(&mut self) -> anyhow::Result<()> {
        self.console.command(HOST, "start_live", json!({"live_id": ROOM})).await?;
        for guest in [A, B] {
            self.console.command(guest, "join_live", json!({"live_id": ROOM})).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let mark = self.console.mark();
        self.console.command(A, "apply_for_seat", json!({"seat_index": 0})).await?;
        self.console.event(HOST, "application_received", mark).await?;
        self.console.command(HOST, "accept_application", json!({"user_id": A})).await?;
        let accepted = self.console.event(A, "application_accepted", mark).await?;
        self.live(A, &accepted, mark, report).await?;
        // The slate comes first where the camera takes longer than the connection.
        let shows = |look: &Look| look.contrast() > PLAIN;
        let first = self.until(report, "A applied and was accepted: live", A, shows).await?;
        self.console.listen_for(Duration::from_millis(700)).await;
        let moved = |look: &Look| look.contrast() > PLAIN && first.distance(look) > 0.01;
        self.until(report, "a moment later: the clock moves", A, moved).await?;
        self.seat(report, "applied", A).await?;
        Ok(())
    }

    async fn invite(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let mark = self.console.mark();
        let wish = json!({"invitee_id": B, "media": "audio", "seat_index": 3});
        self.console.command(HOST, "invite_to_seat", wish).await?;
        let invited = self.console.event(B, "invitation_received", mark).await?;
        ensure!(invited["media"] == json!("audio"), "B is invited to speak");
        self.console.command(B, "accept_invitation", json!({})).await?;
        let accepted = self.console.event(HOST, "invitation_accepted", mark).await?;
        self.live(B, &accepted, mark, report).await?;
        let level = self.seat(report, "invited", B).await?;
        report.note("B was invited and accepted: live", &format!("sound only\n{level:.0} dBFS heard"));
        Ok(())
    }

    async fn hear(&mut self, report: &mut Report) -> anyhow::Result<()> {
        self.until_hears(report, "invited", A, Some(B_HERTZ)).await?;
        self.until_hears(report, "invited", B, Some(A_HERTZ)).await
    }

    async fn camera_off_and_on(&mut self, report: &mut Report) -> anyhow::Result<()> {
        self.console.command(A, "close_local_camera", json!({})).await?;
        self.until(report, "camera off: the slate", A, |look| look.contrast() < PLAIN).await?;
        self.seat(report, "camera off", A).await?;
        self.console.command(A, "open_local_camera", json!({})).await?;
        self.until(report, "camera on again", A, |look| look.contrast() > PLAIN).await?;
        self.seat(report, "camera on", A).await?;
        Ok(())
    }

    async fn kick(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let mark = self.console.mark();
        self.console.command(HOST, "kick_user_out_of_seat", json!({"user_id": A})).await?;
        self.console.event(A, "kicked_off_seat", mark).await?;
        let unseated = self.console.event(A, "unseated", mark).await?;
        ensure!(unseated["reason"] == json!("kicked"), "A was kicked");
        let topic = format!("device/{A}/state");
        let closed = |heard: &Heard| {
            let off = heard.value["camera"]["status"] == json!("off") && heard.value["seat"].is_null();
            (heard.topic == topic && off).then_some(())
        };
        self.console.wait("A's camera closed", mark, closed).await?;
        ensure!(self.snapshot(A).await.is_err(), "the stage still has a picture of A");
        self.until_hears(report, "kicked", A, None).await?;
        self.until_hears(report, "kicked", B, None).await?;
        report.note("A was kicked: its camera is closed", "the seat is empty\nno picture");
        Ok(())
    }

    async fn end(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let mark = self.console.mark();
        self.console.command(HOST, "end_live", json!({})).await?;
        let unseated = self.console.event(B, "unseated", mark).await?;
        ensure!(unseated["reason"] == json!("live_ended"), "B left with the live");
        self.console.event(A, "live_ended", mark).await?;
        self.console.event(B, "live_ended", mark).await?;
        let ended = |heard: &Heard| {
            (heard.topic == format!("room/{ROOM}/state") && heard.value["status"] == json!("ended"))
                .then_some(())
        };
        self.console.wait("the room ended", mark, ended).await?;
        report.note("the live has ended", "the room is empty");
        Ok(())
    }

    /// Waits for media on both sides, and notes the times.
    async fn live(
        &mut self,
        guest: &str,
        accepted: &Value,
        mark: usize,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let sent = self.console.event(guest, "media_live", mark).await?;
        let topic = format!("device/{HOST}/event/media_live");
        let wanted = |heard: &Heard| {
            let of_guest = heard.topic == topic && heard.value["user"]["user_id"] == json!(guest);
            of_guest.then(|| heard.value.clone())
        };
        let decoded = self.console.wait(&format!("the stage to see {guest}"), mark, wanted).await?;
        let packet = sent["accept_to_first_packet_ms"].as_i64().context("a number of milliseconds")?;
        report.times(guest, packet, between(accepted, &decoded)?);
        Ok(())
    }

    /// Waits until this guest hears the tone of that frequency and no other, its own least of all, in two looks one after the other: in
    /// the first the tone may have just begun.
    async fn until_hears(
        &mut self,
        report: &mut Report,
        step: &str,
        guest: &str,
        wanted: Option<u32>,
    ) -> anyhow::Result<()> {
        let mut heard = false;
        for _ in 0..LOOKS {
            let sound = if guest == A { &self.a } else { &self.b };
            let length = sound.length();
            self.console.listen_for(Duration::from_millis(1100)).await;
            let sound = if guest == A { &self.a } else { &self.b };
            let second = sound.since(length)?;
            let levels = [A_HERTZ, B_HERTZ].map(|hertz| (hertz, second.level(hertz)));
            let hears = levels.iter().all(|(hertz, level)| (*level > HEARD) == (wanted == Some(*hertz)));
            if std::mem::replace(&mut heard, hears) && hears {
                report.heard(step, guest, levels.map(|(_, level)| level));
                return Ok(());
            }
        }
        bail!("{guest} never heard what it should: {step}");
    }

    async fn snapshot(&mut self, guest: &str) -> anyhow::Result<Value> {
        self.console.command(HOST, "take_seat_snapshot", json!({"user_id": guest})).await
    }

    /// Asks for pictures until one shows what is waited for; that one is kept.
    async fn until(
        &mut self,
        report: &mut Report,
        caption: &str,
        guest: &str,
        wanted: impl Fn(&Look) -> bool,
    ) -> anyhow::Result<Look> {
        for _ in 0..LOOKS {
            let picture = self.snapshot(guest).await?;
            let look = super::report::look(&picture)?;
            if wanted(&look) {
                report.picture(caption, &picture)?;
                return Ok(look);
            }
            self.console.listen_for(Duration::from_millis(250)).await;
        }
        bail!("the stage never showed: {caption}");
    }

    /// Notes what the stage says of a seat, and how loud the last sound from there was: the ticks are short. That level.
    async fn seat(&mut self, report: &mut Report, step: &str, guest: &str) -> anyhow::Result<f64> {
        let mark = self.console.mark();
        let topic = format!("device/{HOST}/stats");
        let seat_in = |heard: &Heard| {
            let seats = heard.value["seats"].as_array().filter(|_| heard.topic == topic)?;
            seats.iter().find(|seat| seat["user_id"] == json!(guest)).cloned()
        };
        let measured = |seat: &Value| {
            let sees = seat["video"].is_null() || seat["video"]["frame_rate"].as_f64() > Some(1.0);
            sees && seat["loss"].is_number()
        };
        let level = |heard: &Heard| seat_in(heard)?["audio"]["level_dbfs"].as_f64();
        let loud = self.console.wait(&format!("the stage to hear {guest}"), mark, level).await?;
        // What it says in the first moments is of a part of a second.
        self.console.listen_for(Duration::from_millis(1200)).await;
        let (what, mark) = (format!("the stage to measure {guest}"), self.console.mark());
        let seat = self.console.wait(&what, mark, |heard| seat_in(heard).filter(measured)).await?;
        report.seat(step, &seat, &json!(loud));
        Ok(loud)
    }

    /// Opens the room again, says how to command it, and shows what happens.
    pub(super) async fn keep(&mut self, port: u16, console: Option<u16>) -> anyhow::Result<()> {
        self.open_room().await?;
        say("\nstill up; try (Ctrl-C ends it):");
        if let Some(console) = console {
            say(&format!(
                "  the console: http://127.0.0.1:{console}/#/room/{ROOM} (enter without user and password)"
            ));
            say(
                "  mosquitto before 2.0.22 opens that port to the network, too, whatever address it is given",
            );
        }
        say(&format!("  mosquitto_sub -v -p {port} -t '{PREFIX}/#'"));
        for (device, command, parameters) in [
            (A, "apply_for_seat", "{}".to_owned()),
            (HOST, "accept_application", format!("{{\"user_id\":\"{A}\"}}")),
            (HOST, "invite_to_seat", format!("{{\"invitee_id\":\"{B}\",\"media\":\"audio\"}}")),
            (B, "accept_invitation", "{}".to_owned()),
            (A, "close_local_camera", "{}".to_owned()),
            (A, "open_local_camera", "{}".to_owned()),
            (A, "get_state", "{}".to_owned()),
            (HOST, "take_seat_snapshot", format!("{{\"user_id\":\"{A}\"}}")),
            (HOST, "kick_user_out_of_seat", format!("{{\"user_id\":\"{A}\"}}")),
            (HOST, "end_live", "{}".to_owned()),
        ] {
            say(&format!(
                "  mosquitto_pub -p {port} -t {PREFIX}/device/{device}/command/{command} -m '{parameters}'"
            ));
        }
        loop {
            self.console.listen_for(Duration::from_secs(60)).await;
        }
    }
}
