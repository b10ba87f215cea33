//! Who gets a seat, keeps it and loses it.

use coguestd::model::Presence;
use coguestd::model::command::{HostCommand, MovePolicy, SeatIndex};
use coguestd::model::message::ToHost;

use super::host::{Scene, accept_always, free, who};

#[test]
fn an_application_is_accepted_by_an_operator() {
    let mut host = Scene::with(&["ada"]);
    host.applies("ada", 1).is(
        &["to ada result ok", "event application_received media=video seat_index=1 timeout=60 user=ada"],
        "Application in 60000 ms",
    );
    host.command(HostCommand::AcceptApplication(who("ada"))).is(
        &[
            "ok",
            "event application_processed accepted=true by=host-1 user=ada",
            "to ada application_accepted seat_index=1",
            "to ada seated seat_index=1 media=video",
            "event guest_seated seat_index=1 user=ada",
            "room live - ada:connecting -",
        ],
        "nothing",
    );
    host.says_its_devices("ada").is(&["to ada result ok", "room live - ada:connecting -"], "nothing");
}

#[test]
fn an_application_is_rejected_by_an_operator() {
    let mut host = Scene::with(&["ada"]);
    host.applies("ada", 1);
    host.command(HostCommand::RejectApplication(who("ada"))).is(
        &[
            "ok",
            "to ada application_rejected",
            "event application_processed accepted=false by=host-1 user=ada",
        ],
        "nothing",
    );
    host.command(HostCommand::RejectApplication(who("ada"))).is(&["refused not_on_seat_queue"], "nothing");
}

#[test]
fn an_application_expires() {
    let mut host = Scene::with(&["ada"]);
    host.applies("ada", 1);
    host.pass(60_000).is(
        &["to ada application_no_response timeout", "event application_no_response reason=timeout user=ada"],
        "nothing",
    );
}

#[test]
fn a_free_room_and_who_accepts_always_seat_whoever_asks() {
    for nobody_decides in [free, accept_always] {
        let mut host = Scene::live_with(nobody_decides);
        host.joins("ada");
        host.applies("ada", -1).is(
            &[
                "to ada result ok",
                "event application_received media=video seat_index=-1 timeout=60 user=ada",
                "event application_processed accepted=true by=host-1 user=ada",
                "to ada application_accepted seat_index=0",
                "to ada seated seat_index=0 media=video",
                "event guest_seated seat_index=0 user=ada",
                "room live ada:connecting - -",
            ],
            "nothing",
        );
    }
}

#[test]
fn an_application_is_taken_back() {
    let mut host = Scene::with(&["ada"]);
    host.applies("ada", 1);
    host.asks("ada", ToHost::CancelApplication)
        .is(&["to ada result ok", "event application_cancelled user=ada"], "nothing");
    host.asks("ada", ToHost::CancelApplication).is(&["to ada result not_on_seat_queue"], "nothing");
}

#[test]
fn the_errors_of_an_application_have_an_order() {
    let mut host = Scene::with_ada_seated();
    host.locks(1);
    host.applies("carl", 1).is(&["to carl result not_in_room"], "nothing");
    host.applies("bob", 7).is(&["to bob result seat_index_not_exist"], "nothing");
    host.applies("bob", 1).is(&["to bob result seat_locked"], "nothing");
    host.applies("bob", 0).is(&["to bob result seat_occupied"], "nothing");
    host.applies("ada", 2).is(&["to ada result already_in_seat"], "nothing");
    host.locks(2);
    host.applies("bob", -1).is(&["to bob result all_seats_occupied"], "nothing");
}

#[test]
fn an_invitation_leads_to_a_seat() {
    let mut host = Scene::with(&["ada"]);
    host.invites("ada", -1).is(&["ok", "to ada invitation seat_index=-1"], "Invitation in 60000 ms");
    host.invites("ada", 2).is(&["refused request_repeated"], "Invitation in 60000 ms");
    host.accepts("ada").is(
        &[
            "to ada result ok",
            "event invitation_accepted seat_index=0 user=ada",
            "to ada seated seat_index=0 media=video",
            "event guest_seated seat_index=0 user=ada",
            "room live ada:connecting - -",
        ],
        "nothing",
    );
}

#[test]
fn an_invitation_is_rejected_cancelled_or_expires() {
    let mut host = Scene::with(&["ada"]);
    host.invites("ada", 1);
    host.rejects("ada").is(&["to ada result ok", "event invitation_rejected user=ada"], "nothing");
    host.invites("ada", 1);
    host.cancels_invitation("ada").is(&["ok", "to ada invitation_cancelled"], "nothing");
    host.cancels_invitation("ada").is(&["refused no_such_invitation"], "nothing");
    host.invites("ada", 1);
    host.pass(60_000).is(
        &["to ada invitation_no_response timeout", "event invitation_no_response reason=timeout user=ada"],
        "nothing",
    );
}

#[test]
fn a_seat_that_is_gone_at_the_accept_keeps_the_request() {
    let mut host = Scene::with(&["ada"]);
    host.applies("ada", 1);
    host.locks(1).is(&["ok", "room live - x -"], "Application in 60000 ms");
    host.command(HostCommand::AcceptApplication(who("ada")))
        .is(&["refused seat_locked"], "Application in 60000 ms");
    host.command(HostCommand::UnlockSeat(SeatIndex { seat_index: 1 }))
        .is(&["ok", "room live - - -"], "Application in 60000 ms");
    host.command(HostCommand::AcceptApplication(who("ada"))).is(
        &[
            "ok",
            "event application_processed accepted=true by=host-1 user=ada",
            "to ada application_accepted seat_index=1",
            "to ada seated seat_index=1 media=video",
            "event guest_seated seat_index=1 user=ada",
            "room live - ada:connecting -",
        ],
        "nothing",
    );
}

#[test]
fn the_request_that_leads_to_the_seat_ends_the_other() {
    let mut host = Scene::with(&["ada"]);
    host.invites("ada", 2);
    host.applies("ada", 1);
    host.command(HostCommand::AcceptApplication(who("ada"))).is(
        &[
            "ok",
            "event application_processed accepted=true by=host-1 user=ada",
            "to ada application_accepted seat_index=1",
            "to ada seated seat_index=1 media=video",
            "event guest_seated seat_index=1 user=ada",
            "to ada invitation_no_response already_seated",
            "event invitation_no_response reason=already_seated user=ada",
            "room live - ada:connecting -",
        ],
        "nothing",
    );
}

#[test]
fn a_kick_ends_the_peer_and_the_seat() {
    let mut host = Scene::with_ada_seen();
    host.command(HostCommand::KickUserOutOfSeat(who("ada"))).is(
        &[
            "ok",
            "stage close ada",
            "event media_lost user=ada",
            "to ada unseated seat_index=0 kicked",
            "event guest_unseated reason=kicked seat_index=0 user=ada",
            "room live - - -",
        ],
        "nothing",
    );
    host.command(HostCommand::KickUserOutOfSeat(who("ada"))).is(&["refused user_not_in_seat"], "nothing");
}

#[test]
fn a_lock_removes_the_occupant_first() {
    let mut host = Scene::with_ada_seated();
    host.locks(0).is(
        &[
            "ok",
            "to ada unseated seat_index=0 seat_locked",
            "event guest_unseated reason=seat_locked seat_index=0 user=ada",
            "room live x - -",
        ],
        "nothing",
    );
    host.locks(0).is(&["ok"], "nothing");
}

#[test]
fn a_guest_leaves_its_seat() {
    let mut host = Scene::with_ada_seen();
    host.asks("ada", ToHost::LeaveSeat).is(
        &[
            "to ada result ok",
            "stage close ada",
            "event media_lost user=ada",
            "to ada unseated seat_index=0 left",
            "event guest_unseated reason=left seat_index=0 user=ada",
            "room live - - -",
        ],
        "nothing",
    );
    host.asks("ada", ToHost::LeaveSeat).is(&["to ada result user_not_in_seat"], "nothing");
}

#[test]
fn a_move_aborts_swaps_or_replaces() {
    let mut host = Scene::with_ada_seated();
    host.applies("bob", 1);
    host.command(HostCommand::AcceptApplication(who("bob")));
    host.moves("ada", 1, MovePolicy::AbortWhenOccupied).is(&["refused seat_occupied"], "nothing");
    host.moves("ada", 1, MovePolicy::SwapPosition).is(
        &[
            "ok",
            "to ada moved from=0 to=1",
            "event guest_moved from=0 to=1 user=ada",
            "to bob moved from=1 to=0",
            "event guest_moved from=1 to=0 user=bob",
            "room live bob:connecting ada:connecting -",
        ],
        "nothing",
    );
    host.moves("ada", 1, MovePolicy::SwapPosition).is(&["ok"], "nothing");
    host.moves("ada", 2, MovePolicy::SwapPosition).is(
        &[
            "ok",
            "to ada moved from=1 to=2",
            "event guest_moved from=1 to=2 user=ada",
            "room live bob:connecting - ada:connecting",
        ],
        "nothing",
    );
    host.moves("bob", 2, MovePolicy::ForceReplace).is(
        &[
            "ok",
            "to ada unseated seat_index=2 replaced",
            "event guest_unseated reason=replaced seat_index=2 user=ada",
            "to bob moved from=0 to=2",
            "event guest_moved from=0 to=2 user=bob",
            "room live - - bob:connecting",
        ],
        "nothing",
    );
}

#[test]
fn a_ban_is_said_shown_and_kept() {
    let mut host = Scene::with_ada_seated();
    host.command(HostCommand::CloseRemoteCamera(who("ada"))).is(
        &["ok", "to ada device_control camera close", "room live ada:connecting,camera=closed_by_admin - -"],
        "nothing",
    );
    host.asks("ada", ToHost::LeaveSeat);
    host.applies("ada", 0);
    host.command(HostCommand::AcceptApplication(who("ada"))).is(
        &[
            "ok",
            "event application_processed accepted=true by=host-1 user=ada",
            "to ada application_accepted seat_index=0",
            "to ada seated seat_index=0 media=video",
            "to ada device_control camera close",
            "event guest_seated seat_index=0 user=ada",
            "room live ada:connecting,camera=closed_by_admin - -",
        ],
        "nothing",
    );
    host.command(HostCommand::OpenRemoteCamera(who("ada")))
        .is(&["ok", "to ada device_control camera unlock", "room live ada:connecting - -"], "nothing");
}

#[test]
fn a_lost_guest_keeps_its_seat_for_the_hold() {
    let mut host = Scene::with_ada_seen();
    host.is("ada", Presence::Offline).is(
        &["event guest_connection connection=lost user=ada", "room live ada:lost - -"],
        "Hold in 15000 ms",
    );
    host.pass(14_999).is(&[], "Hold in 1 ms");
    host.is("ada", Presence::Online).is(&[], "Hold in 1 ms");
    host.joins("ada").is(
        &[
            "to ada result ok seat",
            "event guest_connection connection=connected user=ada",
            "room live ada:connected - -",
        ],
        "nothing",
    );
    host.is("ada", Presence::Offline);
    host.pass(15_000).is(
        &[
            "stage close ada",
            "event media_lost user=ada",
            "to ada unseated seat_index=0 offline",
            "event guest_unseated reason=offline seat_index=0 user=ada",
            "unwatch ada",
            "event guest_left user=ada",
            "room live - - -",
        ],
        "nothing",
    );
}
