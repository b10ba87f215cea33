//! Whoever watches a seat through the host sees and hears what the guest sends, and may talk to it.

#[path = "support/network.rs"]
mod network;
mod support;

#[path = "returns/speaker.rs"]
#[allow(dead_code, reason = "another test uses all of it")]
mod speaker;
#[path = "support/tones.rs"]
#[allow(dead_code, reason = "another test uses all of it")]
mod tones;
#[path = "viewers/watcher.rs"]
mod watcher;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use speaker::Speaker;
use support::daemon::Daemon;
use support::eventually;
use support::stand::{HOST, ROOM, Stand};
use watcher::Watcher;

/// A guest of the real program, seated, with a tone for a microphone and the test picture.
struct Seated {
    speaker: Speaker,
    daemon: Daemon,
}

impl Seated {
    fn sit(stand: &Stand, user_id: &str, hertz: u32, media: &str) -> Self {
        let speaker = Speaker::new(hertz);
        let daemon = stand.guest_inside(user_id, &[&speaker.keys()[..], &["media.quality=360p"]].concat());
        let mark = stand.operator.mark();
        stand.ok(user_id, "apply_for_seat", json!({"media": media}));
        stand.event(HOST, "media_live", mark);
        Self { speaker, daemon }
    }

    /// Waits until it hears exactly these of the tones.
    fn hears(&self, tones: &[u32]) {
        eventually(&format!("{} to hear {tones:?} only", self.daemon.user_id), || {
            let heard = self.speaker.last_second()?;
            let loud: Vec<u32> = TONES.into_iter().filter(|hertz| heard.level(*hertz) > -40.0).collect();
            (loud == tones).then_some(())
        });
    }
}

/// Of guests, then of viewers.
const TONES: [u32; 4] = [400, 620, 1_000, 1_500];

/// Each test has encoders and decoders enough for itself.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open() -> (Stand, Daemon) {
    network::ensure_interface();
    let stand = Stand::open();
    let mark = stand.operator.mark();
    let keys = [&format!("room.live_id={ROOM}"), "host.accept_applications=always"];
    let host = stand.start("host", HOST).set(&keys).loud().go();
    stand.room(mark, |room| room["status"] == "live");
    (stand, host)
}

#[test]
fn two_viewers_see_and_hear_a_guest_and_one_that_is_killed_changes_nothing_for_the_other() {
    let _alone = alone();
    let (stand, host) = open();
    let ada = Seated::sit(&stand, "ada", 400, "video");
    let mark = stand.operator.mark();
    let before = Costs::of(&host);
    let anna = Watcher::watching(&stand, "ada", "anna", 1_000);
    let mut ben = Watcher::watching(&stand, "ada", "ben", 1_500);
    for viewer in [&anna, &ben] {
        viewer.sees_bars();
        viewer.hears(400);
    }
    let two = Costs::of(&host);
    eprintln!("without viewers {before:?}, with two {two:?}");
    assert!(two.threads <= before.threads + 2 * 11, "as many as are reserved: {before:?}, {two:?}");
    assert!(two.descriptors <= before.descriptors + 2 * 20, "{before:?}, {two:?}");
    let state = stand.until_state(HOST, mark, |state| state["watching_total"] == 2);
    let watching = |operator: &str| json!({"user_id": "ada", "operator": operator, "talking": false});
    assert_eq!(state["watching"], json!([watching("anna"), watching("ben")]));

    let mark = stand.operator.mark();
    ben.kill();
    let ended = stand.event(HOST, "watch_ended", mark);
    assert_eq!((&ended["reason"], &ended["session"]), (&json!("lost"), &json!(ben.session)), "{ended}");
    anna.goes_on();
    anna.hears(400);
    ada.hears(&[]);
    let mark = stand.operator.mark();
    stand.ok(HOST, "unwatch", json!({"session": anna.session}));
    assert_eq!(stand.event(HOST, "watch_ended", mark)["reason"], "unwatched");
    let state = stand.until_state(HOST, mark, |state| state["watching_total"] == 0);
    assert_eq!(state["watching"], json!([]));
    eventually("nothing to be left of them", || {
        let now = Costs::of(&host);
        (now.threads <= before.threads && now.descriptors <= before.descriptors).then_some(())
    });
}

/// What a host has of what is reserved for its viewers.
#[derive(Debug)]
struct Costs {
    threads: usize,
    descriptors: usize,
}

impl Costs {
    fn of(host: &Daemon) -> Self {
        let entries = |folder: &str| {
            std::fs::read_dir(format!("/proc/{}/{folder}", host.pid())).expect("it runs").count()
        };
        Self { threads: entries("task"), descriptors: entries("fd") }
    }
}

#[test]
fn talk_is_heard_by_that_guest_only_and_one_at_a_time_talks() {
    let _alone = alone();
    let (stand, _host) = open();
    let ada = Seated::sit(&stand, "ada", 400, "audio");
    let bob = Seated::sit(&stand, "bob", 620, "audio");
    let anna = Watcher::watching(&stand, "ada", "anna", 1_000);
    let ben = Watcher::watching(&stand, "ada", "ben", 1_500);
    ada.hears(&[620]);
    bob.hears(&[400]);
    anna.hears(400);
    let mark = stand.operator.mark();
    stand.ok(HOST, "talk", anna.talk(true));
    let started = stand.event(HOST, "talk_started", mark);
    assert_eq!((&started["user"]["user_id"], &started["operator"]), (&json!("ada"), &json!("anna")));
    ada.hears(&[620, 1_000]);
    bob.hears(&[400]);
    assert_eq!(stand.refused(HOST, "talk", ben.talk(true)), "channel_busy");
    stand.ok(HOST, "set_return", json!({"user_id": "ada", "return": "talk"}));
    ada.hears(&[1_000]);
    stand.ok(HOST, "talk", anna.talk(false));
    assert_eq!(stand.event(HOST, "talk_ended", mark)["operator"], "anna");
    ada.hears(&[]);
    stand.ok(HOST, "talk", ben.talk(true));
    ada.hears(&[1_500]);
    stand.ok(HOST, "unwatch", json!({"session": ben.session}));
    ada.hears(&[]);
    bob.hears(&[400]);
}

#[test]
fn who_answers_wrong_twice_or_never_is_told_and_over() {
    let _alone = alone();
    let (stand, _host) = open();
    let ada = Seated::sit(&stand, "ada", 400, "video");
    let mark = stand.operator.mark();
    let silent = stand.ok(HOST, "watch", json!({"user_id": "ada"}));
    let mut other = Watcher::start(1_000, &["other"]);
    let answer = other.answer(&stand, "ada", "anna");
    let sections = other.wait("other", |_| true)["sdp"].as_str().expect("a text").to_owned();
    for wrong in [sections.as_str(), "", "v=0", &answer.replace("a=mid:", "a=mid:x")] {
        assert_eq!(stand.refused(HOST, "watch_answer", other.described(wrong)), "invalid_parameter");
    }
    stand.ok(HOST, "watch_answer", other.described(&answer));
    other.sees_bars();
    assert_eq!(stand.refused(HOST, "watch_answer", other.described(&answer)), "invalid_parameter");
    let unknown = json!({"session": "somebody-elses", "description": {"type": "answer", "sdp": answer}});
    assert_eq!(stand.refused(HOST, "watch_answer", unknown), "no_such_session");
    assert_eq!(stand.refused(HOST, "watch", json!({"user_id": "bob"})), "user_not_in_seat");

    let mut forged = Watcher::start(1_500, &["forged"]);
    let answer = forged.answer(&stand, "ada", "eve");
    stand.ok(HOST, "watch_answer", forged.described(&answer));
    let ended = |session: &serde_json::Value| {
        eventually("the end of a session", || {
            let topic = "coguest/v1/device/lobby-host/event/watch_ended";
            let ends = stand.operator.on(topic, mark);
            let end = ends.into_iter().find(|end| end["session"] == *session)?;
            Some(end["reason"].as_str().expect("a word").to_owned())
        })
    };
    assert_eq!(ended(&json!(forged.session)), "lost");
    assert_eq!(forged.pictures(), 0, "nothing went to somebody else");
    assert_eq!(ended(&silent["session"]), "no_answer");
    other.goes_on();

    let mark = stand.operator.mark();
    stand.ok(HOST, "kick_user_out_of_seat", json!({"user_id": "ada"}));
    assert_eq!(stand.event(HOST, "watch_ended", mark)["reason"], "unseated");
    drop(ada);
}

#[test]
fn a_viewer_that_floods_costs_neither_the_guest_nor_the_other_viewers_anything() {
    let _alone = alone();
    let (stand, host) = open();
    let ada = Seated::sit(&stand, "ada", 400, "video");
    let anna = Watcher::watching(&stand, "ada", "anna", 1_000);
    let mut eve = Watcher::watching(&stand, "ada", "eve", 1_500);
    anna.sees_bars();
    eve.sees_bars();
    let before = host.memory();
    let asked = key_frames(&host);
    let began = std::time::Instant::now();
    eve.tell(&json!({"flood": 5}));
    eve.wait("flooded", |_| true);
    anna.goes_on();
    anna.hears(400);
    let asked = key_frames(&host) - asked;
    let passed = began.elapsed().as_secs();
    assert!(asked as u64 <= passed + 2, "{asked} key frames were asked for in {passed} s");
    let after = host.memory();
    assert!(after < before + 8 * 1024, "from {before} to {after} KiB");
    ada.hears(&[]);
}

fn key_frames(host: &Daemon) -> usize {
    host.log().matches("is asked for a key frame by who watches").count()
}

#[test]
fn what_is_watched_again_after_the_guest_was_started_anew_is_seen() {
    let _alone = alone();
    let (stand, _host) = open();
    let ada = Seated::sit(&stand, "ada", 400, "video");
    let anna = Watcher::watching(&stand, "ada", "anna", 1_000);
    anna.sees_bars();
    let mark = stand.operator.mark();
    let Seated { speaker, daemon } = ada;
    drop(daemon);
    let again = stand.guest_inside("ada", &[&speaker.keys()[..], &["media.quality=360p"]].concat());
    assert_eq!(stand.event(HOST, "watch_ended", mark)["reason"], "renewed");
    // The offer waits until there is something to see.
    let again_anna = Watcher::watching(&stand, "ada", "anna", 1_000);
    again_anna.sees_bars();
    let mark = stand.operator.mark();
    stand.ok(HOST, "end_live", json!({}));
    assert_eq!(stand.event(HOST, "watch_ended", mark)["reason"], "live_ended");
    drop(again);
}
