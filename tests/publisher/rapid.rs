//! Stays that hardly begin: whatever they were at when they ended, nothing of them is left, at either end.

use crate::log::Log;
use crate::process::{self, alone};
use crate::seat::{BOTH, Seat, Setup};

/// Stays of one run; many more than any pool holds. `COGUEST_TEST_STAYS` makes it another number.
const STAYS: u64 = 150;
/// Stays before the first reading: what is made once is made by then.
const WARM: u64 = 8;

#[test]
fn stays_that_end_while_they_begin_leave_nothing_behind() {
    if !alone("rapid::stays_that_end_while_they_begin_leave_nothing_behind") {
        return;
    }
    let log = Log::listen();
    let mut seat = Seat::open(Setup::default());
    for n in 0..WARM {
        stay(&mut seat, n);
    }
    // One that is live opens what is opened once.
    seat.sit_down(BOTH);
    seat.live();
    seat.stand_up();
    let before = process::settled();
    let stays = std::env::var("COGUEST_TEST_STAYS").ok().and_then(|n| n.parse().ok()).unwrap_or(STAYS);
    for n in 0..stays {
        stay(&mut seat, n);
    }
    let after = process::back_to(before);
    eprintln!("{stays} stays: {before:?} -> {after:?}");
    assert!(after.is_within(before), "{before:?} -> {after:?}");
    seat.close();
    assert_eq!(log.heard(), Vec::<String>::new(), "GStreamer warns");
}

fn stay(seat: &mut Seat, n: u64) {
    seat.sit_down(BOTH);
    seat.carry_for(process::short_time(n));
    seat.stand_up();
}
