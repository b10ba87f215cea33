//! Guests that ask for a new session all the time, beside an honest one.

use std::time::{Duration, Instant};

use coguestd::model::Media;
use coguestd::model::stage::StageReport;

use crate::process::{self, alone};
use crate::publisher::{Publisher, Show};
use crate::room::{self, Room};

/// Who storms.
const STORMERS: usize = 4;
/// Sessions of each: five seconds, fifty a second.
const SESSIONS: usize = 250;
/// Threads of a guest's webrtcbin and what hangs on it, with room.
const OF_A_PEER: usize = 20;

#[test]
fn a_storm_of_sessions_starves_nobody() {
    if !alone("storm::a_storm_of_sessions_starves_nobody") {
        return;
    }
    let mut room = Room::open();
    let honest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.live(&honest);
    let offer = room::offer_of(&Publisher::start(&Show::video(320, 240)));
    // Of the size that a signal may have at most.
    let offer = format!("{offer}{}", "a=x:0123456789\r\n".repeat((58 * 1024 - offer.len()) / 16));
    let calm = process::settled().threads;
    let (frames, began) = (room.frames(&honest), Instant::now());
    let (mut answered, mut most_threads) = (0, 0);
    let mut asked = Instant::now();
    assert!(room.is_alive());
    for n in 0..SESSIONS {
        for stormer in 0..STORMERS {
            room.offer_raw(&format!("kiosk-x{stormer}"), 1, &offer);
        }
        let next = began + Duration::from_millis(20) * (u32::try_from(n).expect("few") + 1);
        while Instant::now() < next {
            match room.next() {
                Some(StageReport::Answer { .. }) => answered += 1,
                Some(StageReport::Failed { peer, fault }) if peer == honest => panic!("{fault:?}"),
                _ => {}
            }
        }
        if asked.elapsed() > Duration::from_secs(2) {
            assert!(room.is_alive(), "no sign of life in the two seconds before {:?}", began.elapsed());
            asked = Instant::now();
        }
        most_threads = most_threads.max(process::threads());
    }
    let seconds = began.elapsed().as_secs() as usize + 2;
    // Most of them are over before they can be answered: the next one is there.
    assert!(answered <= STORMERS * seconds, "{answered} answers in {seconds} s");
    // Of each stormer one peer, and one on its way out.
    assert!(most_threads <= calm + STORMERS * 2 * OF_A_PEER, "{calm} threads, then {most_threads}");
    // The last of each counts.
    let (calm_again, mut last) = (Instant::now(), 0);
    while last < STORMERS {
        last += usize::from(matches!(room.next(), Some(StageReport::Answer { .. })));
        assert!(
            calm_again.elapsed() < Duration::from_secs(30),
            "{last} of {STORMERS} last offers were answered"
        );
    }
    room.stats_until(&honest, |stats| stats.video.as_ref().is_some_and(|video| video.frames > frames + 30));
    assert!(room.snapshot(&honest).is_ok());
    eprintln!("{answered} answers in {seconds} s, {calm} threads before, {most_threads} at most");
    room.close();
}
