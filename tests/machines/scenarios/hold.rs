//! A host that is gone, and comes back or does not.

use coguestd::model::message::{Membership, UnseatReason};
use coguestd::model::{Media, Presence};

use super::guest::{Scene, own_seat};

#[test]
fn a_guest_keeps_its_media_while_the_host_is_gone() {
    let mut guest = Scene::live();
    guest.host_is(Presence::Offline).is(&["event host_lost"], "HostHold in 60000 ms");
    guest.pass(59_000).is(&[], "HostHold in 1000 ms");
    guest.host_is(Presence::Online).is(&["to_host join"], "HostHold in 1000 ms");
    guest
        .joined(own_seat())
        .is(&["event host_back", "to_host devices camera=on microphone=on"], "Request in 5000 ms");
}

#[test]
fn a_host_that_stays_away_costs_the_seat() {
    let mut guest = Scene::live();
    guest.host_is(Presence::Offline);
    let epoch = guest.epoch();
    guest.pass(60_000).is(&["media stop"], "Stop in 1000 ms");
    guest.stopped(epoch).is(&["to_stage bye", "event unseated reason=host_lost seat_index=1"], "nothing");
}

#[test]
fn a_guest_in_the_audience_waits_for_its_host_as_long_as_it_takes() {
    let mut guest = Scene::inside();
    guest.host_is(Presence::Offline).is(&["event host_lost"], "nothing");
    guest.apply(Media::Video, 30).is(&["refused host_unreachable"], "nothing");
    guest.pass(60_000).is(&[], "nothing");
    guest.host_is(Presence::Online).is(&["to_host join"], "Join");
    guest.joined(Membership::default()).is(&["event host_back"], "nothing");
}

#[test]
fn a_kick_while_the_host_seems_gone_counts() {
    let mut guest = Scene::live();
    guest.host_is(Presence::Offline);
    guest.unseated(UnseatReason::Kicked).is(&["media stop"], "Stop in 1000 ms");
}
