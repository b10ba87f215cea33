//! The stage of a host, and what is said of the guests' media.

use coguestd::model::command::HostCommand;
use coguestd::model::message::SignalBody;
use coguestd::model::stage::StageReport;
use coguestd::model::{Code, Refusal};

use super::host::{Scene, who};
use crate::guest_stand::id;

#[test]
fn media_of_a_guest_arrive_are_lost_and_come_back() {
    let mut host = Scene::with_ada_seated();
    host.offers("ada").is(&["stage offer ada video", "stage sound ada no hears others"], "nothing");
    let peer = host.peer();
    host.stage(StageReport::Answer { peer: peer.clone(), exchange: 1, sdp: "v=0".to_owned() })
        .is(&["to ada answer"], "nothing");
    host.stage(StageReport::Live { peer: peer.clone() }).is(
        &[
            "event guest_connection connection=connected user=ada",
            "event media_live user=ada",
            "room live ada:connected - -",
        ],
        "nothing",
    );
    host.stage(StageReport::Silent { peer: peer.clone() }).is(
        &[
            "event media_lost user=ada",
            "event guest_connection connection=lost user=ada",
            "room live ada:lost - -",
        ],
        "nothing",
    );
    host.stage(StageReport::Live { peer }).is(
        &[
            "event guest_connection connection=connected user=ada",
            "event media_live user=ada",
            "room live ada:connected - -",
        ],
        "nothing",
    );
}

#[test]
fn a_peer_that_breaks_is_told_to_its_guest() {
    let mut host = Scene::with_ada_seen();
    host.stage_fails().is(
        &[
            "to ada bye",
            "stage close ada",
            "event media_lost user=ada",
            "event guest_connection connection=lost user=ada",
            "room live ada:lost - -",
        ],
        "nothing",
    );
}

#[test]
fn a_guest_that_says_bye_has_no_peer() {
    let mut host = Scene::with_ada_seen();
    host.signal("ada", "p1", SignalBody::Bye(None)).is(
        &[
            "stage close ada",
            "event media_lost user=ada",
            "event guest_connection connection=connecting user=ada",
            "room live ada:connecting - -",
        ],
        "nothing",
    );
}

#[test]
fn who_does_not_sit_is_not_listened_to() {
    let mut host = Scene::with_ada_seated();
    host.offers("bob").is(&[], "nothing");
    host.offers("carl").is(&[], "nothing");
}

#[test]
fn who_speaks_is_said() {
    let mut host = Scene::with_ada_seen();
    host.stage(StageReport::Speaking(vec![id("ada")])).is(&[], "nothing");
    host.stage(StageReport::Speaking(Vec::new())).is(&[], "nothing");
}

#[test]
fn a_picture_that_the_stage_owes_has_three_seconds() {
    let mut host = Scene::with_ada_seen();
    host.command(HostCommand::TakeSeatSnapshot(who("ada")))
        .is(&["pending", "stage snapshot ada"], "Snapshot in 3000 ms");
    host.pass(3_000).is(&["settled refused permission_denied"], "nothing");
    let picture = Err(Refusal::new(Code::CameraStartFail, "late"));
    host.stage(StageReport::Snapshot { ticket: 1, picture }).is(&[], "nothing");
    host.command(HostCommand::TakeSeatSnapshot(who("bob"))).is(&["refused user_not_in_seat"], "nothing");
}
