//! Peers that hardly begin: whatever they were at when they ended, nothing of them is left.

use std::time::{Duration, Instant};

use coguestd::model::stage::StageAsk;

use crate::log::Log;
use crate::process::{self, alone};
use crate::publisher::{Publisher, Show};
use crate::room::{self, Room};

/// Stays of one run; many more than any pool holds. `COGUEST_TEST_STAYS` makes it another number.
const STAYS: u64 = 200;
/// Stays before the first reading: what is made once is made by then.
const WARM: u64 = 8;

#[test]
fn peers_that_end_while_they_begin_leave_nothing_behind() {
    if !alone("rapid::peers_that_end_while_they_begin_leave_nothing_behind") {
        return;
    }
    let log = Log::listen();
    let mut room = Room::open();
    let offer = room::offer_of(&Publisher::start(&Show::video(320, 240)));
    let stays = std::env::var("COGUEST_TEST_STAYS").ok().and_then(|n| n.parse().ok()).unwrap_or(STAYS);
    let before = {
        run(&mut room, &offer, 0..WARM);
        process::settled()
    };
    run(&mut room, &offer, WARM..WARM + stays);
    let after = process::back_to(before);
    eprintln!("{stays} stays: {before:?} -> {after:?}");
    assert!(after.is_within(before), "{before:?} -> {after:?}");
    room.close();
    assert_eq!(log.heard(), Vec::<String>::new(), "GStreamer warns");
}

/// Four at a time, each of a guest of its own.
fn run(room: &mut Room, offer: &str, stays: std::ops::Range<u64>) {
    let mut present = Vec::new();
    for n in stays {
        while present.len() >= 4 {
            end_due(room, &mut present);
        }
        let peer = room.offer_raw(&format!("kiosk-{}", n % 100), 1, offer);
        present.push((Instant::now() + process::short_time(n), peer));
        end_due(room, &mut present);
    }
    while !present.is_empty() {
        end_due(room, &mut present);
    }
}

fn end_due(room: &mut Room, present: &mut Vec<(Instant, coguestd::model::stage::StagePeer)>) {
    let now = Instant::now();
    present.retain(|(until, peer)| {
        let over = *until <= now;
        if over {
            room.ask(StageAsk::Close { peer: peer.clone() });
        }
        !over
    });
    room.pass(Duration::from_millis(1));
}
