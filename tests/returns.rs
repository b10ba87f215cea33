//! Guests hear the room: each of the others, and never itself, from what their speakers were given.

#[path = "support/network.rs"]
mod network;
mod support;

#[path = "returns/browser.rs"]
mod browser;
#[path = "returns/echo.rs"]
mod echo;
#[path = "support/echo_room.rs"]
#[allow(dead_code, reason = "another test uses all of it")]
mod echo_room;
#[path = "returns/speaker.rs"]
mod speaker;
#[path = "support/tones.rs"]
mod tones;

use browser::Browser;
use serde_json::json;
use speaker::Speaker;
use support::daemon::Daemon;
use support::eventually;
use support::stand::{HOST, Stand};

/// A guest of the real program, seated, with a tone for a microphone.
struct Seated {
    speaker: Speaker,
    daemon: Daemon,
}

impl Seated {
    fn sit(stand: &Stand, user_id: &str, hertz: u32) -> Self {
        Self::with(stand, user_id, Speaker::new(hertz), &[])
    }

    /// … with another microphone, and more keys.
    fn with(stand: &Stand, user_id: &str, speaker: Speaker, keys: &[&str]) -> Self {
        let daemon = stand.guest_inside(user_id, &[&speaker.keys(), keys].concat());
        let guest = Self { speaker, daemon };
        guest.apply(stand);
        guest
    }

    /// Takes a seat; back when its media are live.
    fn apply(&self, stand: &Stand) {
        let mark = stand.operator.mark();
        stand.ok(&self.daemon.user_id, "apply_for_seat", json!({"media": "audio"}));
        stand.event(&self.daemon.user_id, "media_live", mark);
    }

    /// Waits until it hears exactly these of all tones.
    fn hears(&self, tones: &[u32]) {
        eventually(&format!("{} to hear {tones:?} only", self.daemon.user_id), || {
            let heard = self.speaker.last_second()?;
            let loud: Vec<u32> = TONES.into_iter().filter(|hertz| heard.level(*hertz) > -40.0).collect();
            let own = heard.level(self.speaker.hertz);
            (loud == tones && own < -60.0).then_some(())
        });
    }
}

const TONES: [u32; 3] = [400, 620, 1_000];

fn three(stand: &Stand) -> [Seated; 3] {
    let mut tones = TONES.into_iter();
    ["ada", "bob", "cleo"].map(|guest| Seated::sit(stand, guest, tones.next().expect("three")))
}

#[test]
fn each_hears_the_others_alike_and_never_itself_whoever_comes_goes_or_is_closed() {
    network::ensure_interface();
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let [ada, bob, cleo] = three(&stand);
    ada.hears(&[620, 1_000]);
    bob.hears(&[400, 1_000]);
    cleo.hears(&[400, 620]);
    let levels = ada.speaker.next(5);
    let apart = levels.power(620) - levels.power(1_000);
    eprintln!("bob is {apart:.2} dB louder than cleo");
    assert!(apart.abs() < 1.0, "bob is {apart} dB louder than cleo");
    let mark = stand.operator.mark();
    stand.ok(HOST, "close_remote_microphone", json!({"user_id": "bob"}));
    ada.hears(&[1_000]);
    stand.ok(HOST, "open_remote_microphone", json!({"user_id": "bob"}));
    stand.ok("bob", "open_local_microphone", json!({}));
    ada.hears(&[620, 1_000]);
    stand.ok("cleo", "disconnect", json!({}));
    ada.hears(&[620]);
    bob.hears(&[400]);
    assert_eq!(stand.count("ada", "media_live", mark), 0, "nothing was negotiated again");
}

#[test]
fn who_mutes_fast_or_is_kicked_while_it_speaks_leaves_nothing_in_what_the_others_hear() {
    network::ensure_interface();
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let [ada, bob, cleo] = three(&stand);
    ada.hears(&[620, 1_000]);
    let before = ada.speaker.next(3).power(620);
    for _ in 0..15 {
        stand.ok("bob", "close_local_microphone", json!({}));
        stand.ok("bob", "open_local_microphone", json!({}));
    }
    stand.ok(HOST, "kick_user_out_of_seat", json!({"user_id": "cleo"}));
    ada.hears(&[620]);
    let after = ada.speaker.next(3);
    assert!((after.power(620) - before).abs() < 1.0, "bob: {before} dB, then {} dB", after.power(620));
    bob.hears(&[400]);
    cleo.apply(&stand);
    ada.hears(&[620, 1_000]);
    cleo.hears(&[400, 620]);
}

#[test]
fn the_state_says_what_the_speaker_does_and_the_journal_which_it_is() {
    network::ensure_interface();
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let mark = stand.operator.mark();
    let ada = Seated::sit(&stand, "ada", 400);
    stand.until_state("ada", mark, |state| state["speaker"] == "silent");
    let bob = Seated::sit(&stand, "bob", 620);
    stand.until_state("ada", mark, |state| state["speaker"] == "playing");
    ada.daemon.logged("the room is played by");
    let deaf = stand.guest_inside("cleo", &[]);
    stand.ok("cleo", "apply_for_seat", json!({"media": "audio"}));
    deaf.logged("nothing is played: media.speaker is \"none\"");
    let mark = stand.operator.mark();
    stand.ok("bob", "disconnect", json!({}));
    stand.until_state("bob", mark, |state| state["speaker"] == "off");
    bob.daemon.logged("the room is played by");
}

#[test]
fn what_is_returned_is_set_for_all_and_for_one() {
    network::ensure_interface();
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always", "host.return=none"]);
    let [ada, bob, _cleo] = three(&stand);
    assert_eq!(
        stand.refused(HOST, "set_return", json!({"user_id": "dan", "return": "others"})),
        "user_not_in_seat"
    );
    assert_eq!(
        stand.refused(HOST, "set_return", json!({"user_id": "ada", "return": "all"})),
        "invalid_parameter"
    );
    stand.ok(HOST, "set_return", json!({"user_id": "ada", "return": "others"}));
    ada.hears(&[620, 1_000]);
    assert!(bob.speaker.last_second().is_none(), "bob was given something");
    let topic = "coguest/v1/device/lobby-host/stats";
    let mark = stand.operator.mark();
    let returned = stand.operator.wait("the return's level", mark, |heard| {
        let stats = (heard.topic == topic).then(|| heard.value())?;
        let seats = stats["seats"].as_array()?.clone();
        let of =
            |name: &str| seats.iter().find(|seat| seat["user_id"] == name).map(|seat| seat["return"].clone());
        let ada = of("ada")?;
        // Between two beeps it is silent.
        let is_loud = ada["level_dbfs"].as_f64().is_some_and(|level| (-30.0..-10.0).contains(&level));
        is_loud.then(|| (ada, of("bob")))
    });
    assert!(
        returned.0["bitrate_kbps"].as_f64().is_some_and(|rate| (10.0..60.0).contains(&rate)),
        "{returned:?}"
    );
    assert_eq!(returned.1.expect("a seat")["bitrate_kbps"], 0.0);
    stand.ok(HOST, "set_return", json!({"user_id": "ada", "return": "talk"}));
    let mark = stand.operator.mark();
    stand.until_state("ada", mark, |state| state["speaker"] == "silent");
}

#[test]
fn a_guest_that_reads_nothing_any_more_costs_the_others_nothing() {
    network::ensure_interface();
    let stand = Stand::open();
    let host = stand.host(&["host.accept_applications=always"]);
    let [ada, bob, cleo] = three(&stand);
    ada.hears(&[620, 1_000]);
    let before = host.memory();
    cleo.daemon.signal("STOP");
    for _ in 0..8 {
        ada.speaker.next(1);
        ada.hears(&[620]);
        bob.hears(&[400]);
    }
    let after = host.memory();
    assert!(after < before + 4 * 1024, "from {before} to {after} KiB");
    cleo.daemon.signal("CONT");
}

#[test]
fn a_guest_in_chromium_hears_the_others_is_heard_and_closes_its_microphone() {
    network::ensure_interface();
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let ada = Seated::sit(&stand, "ada", 400);
    let mark = stand.operator.mark();
    let mut hal = Browser::start(&stand, "hal", 1_000);
    ada.hears(&[1_000]);
    hal.hears(&[400]);
    let seated = |room: &serde_json::Value| {
        let seats = room["seats"].as_array()?.clone();
        seats.into_iter().find(|seat| seat["user"]["user_id"] == "hal")
    };
    stand.room(mark, |room| seated(room).is_some_and(|seat| seat["microphone"] == "on"));
    let answer = hal.said("answer").pop().expect("it is heard")["sdp"].as_str().expect("a text").to_owned();
    assert!(answer.contains("useinbandfec=1"), "{answer}");
    hal.run("closeMicrophone()");
    ada.hears(&[]);
    hal.hears(&[400]);
    stand.room(mark, |room| seated(room).is_some_and(|seat| seat["microphone"] != "on"));
    stand.ok("ada", "disconnect", json!({}));
    hal.hears(&[]);
    assert_eq!(hal.said("error"), Vec::<serde_json::Value>::new());
}
