//! SIGTERM and SIGINT, in every phase: an end within five seconds, media first, a goodbye to the stage, `offline` last, and
//! no `leave`: the host's hold decides.

use std::time::Duration;

use serde_json::json;

use crate::support::client::Manner;
use crate::support::daemon::Daemon;
use crate::support::hands::HandHost;
use crate::support::stand::{HOST, PREFIX, ROOM, Stand, command};

/// What systemd's unit gives it, and what the document promises.
pub const CAP: Duration = Duration::from_secs(5);

/// Ends it in good order, and leaves `offline` behind.
fn ends_well(stand: &Stand, mut daemon: Daemon) {
    let mark = stand.operator.mark();
    let (status, took) = daemon.terminate();
    assert_eq!(status.code(), Some(0), "{status}\n{}", daemon.log());
    assert!(took < CAP, "it took {took:?}");
    stand.status(&daemon.user_id, mark, "offline");
    assert!(daemon.log().contains("stopped"), "{}", daemon.log());
}

/// Nobody was told that it leaves; the stage of `session` was told goodbye, before `offline`.
fn says_goodbye(stand: &Stand, host: &HandHost, daemon: Daemon, mark: usize) {
    let user_id = daemon.user_id.clone();
    ends_well(stand, daemon);
    host.signalled(&user_id, "bye", mark);
    for kind in ["leave", "leave_seat", "cancel_application"] {
        assert_eq!(host.count(&user_id, kind, mark), 0, "{kind}");
    }
}

fn phase(stand: &Stand, user_id: &str, phase: &str) {
    let state = stand.until_state(user_id, 0, |state| state["seat"]["phase"] == phase);
    assert_eq!(state["seat"]["phase"], phase);
}

#[test]
fn outside_and_joining_and_inside() {
    let stand = Stand::open();
    ends_well(&stand, stand.guest("ada", &[]));
    ends_well(&stand, stand.guest("ada", &["room.live_id=attic"]));
    let host = stand.hand_host();
    let heard = host.client.mark();
    let joining = stand.guest("ada", &[&format!("room.live_id={ROOM}")]);
    host.asked("ada", "join", heard);
    ends_well(&stand, joining);
    let inside = host.admit(&stand, "ada", &[]);
    let heard = host.client.mark();
    ends_well(&stand, inside);
    assert_eq!(host.count("ada", "leave", heard), 0);
}

#[test]
fn with_an_application_that_waits_for_the_host() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let guest = host.admit(&stand, "ada", &[]);
    let (mark, heard) = (stand.operator.mark(), host.client.mark());
    let back = format!("{PREFIX}/response/operator/pending");
    stand.operator.publish_as(&command("ada", "apply_for_seat"), "", Manner::answered_at(&back));
    host.asked("ada", "apply", heard);
    ends_well(&stand, guest);
    // Each command has its answer.
    let reply = stand.operator.on(&back, mark);
    assert_eq!(reply.len(), 1);
    assert_eq!(reply[0]["error"]["code"], "shutting_down");
    assert_eq!(host.count("ada", "leave", heard) + host.count("ada", "cancel_application", heard), 0);
}

#[test]
fn with_an_invitation_that_waits_for_an_operator() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let guest = host.admit(&stand, "ada", &[]);
    let heard = host.client.mark();
    host.tell(
        "ada",
        &json!({"type": "invitation", "invitation_id": "i1", "seat_index": -1, "media": "audio", "timeout": 60,
            "extra_info": "", "by": HandHost::by()}),
    );
    stand.until_state("ada", 0, |state| state["invitations"][0].is_object());
    ends_well(&stand, guest);
    assert_eq!(host.count("ada", "leave", heard) + host.count("ada", "reject_invitation", heard), 0);
}

#[test]
fn on_a_seat_whose_stage_never_answers() {
    let stand = Stand::open();
    let host = stand.hand_host();
    // As early as it can be hit: the seat was given a moment ago.
    let guest = host.admit(&stand, "ada", &[]);
    let heard = host.client.mark();
    host.seat(&stand, "ada", 0, "video");
    let (mark, preparing) = (heard, guest);
    stand.event("ada", "seated", 0);
    ends_well(&stand, preparing);
    assert_eq!(host.count("ada", "leave", mark) + host.count("ada", "leave_seat", mark), 0);
    let guest = host.admit(&stand, "ada", &[]);
    let heard = host.client.mark();
    host.seat(&stand, "ada", 0, "video");
    host.signalled("ada", "description", heard);
    says_goodbye(&stand, &host, guest, heard);
}

#[test]
fn while_connecting_to_nowhere_and_while_recovering() {
    let stand = Stand::open();
    let host = stand.hand_host();
    let guest = host.admit(&stand, "ada", &[]);
    let heard = host.client.mark();
    host.seat(&stand, "ada", 0, "audio");
    let offer = host.signalled("ada", "description", heard);
    let sdp = offer["description"]["sdp"].as_str().expect("an offer");
    // The guest's own offer, turned into an answer: well formed, and nobody is there.
    let answer = sdp.replace("a=setup:actpass", "a=setup:active");
    host.tell(
        "ada",
        &json!({"type": "signal", "session": offer["session"], "exchange": 1,
            "description": {"type": "answer", "sdp": answer}}),
    );
    phase(&stand, "ada", "connecting");
    says_goodbye(&stand, &host, guest, heard);

    let guest = host.admit(&stand, "bob", &[]);
    let heard = host.client.mark();
    host.seat(&stand, "bob", 0, "audio");
    let offer = host.signalled("bob", "description", heard);
    let bye = json!({"type": "signal", "session": offer["session"], "exchange": 1, "bye": true});
    host.tell("bob", &bye);
    phase(&stand, "bob", "recovering");
    ends_well(&stand, guest);
    assert_eq!(host.count("bob", "leave", heard) + host.count("bob", "leave_seat", heard), 0);
}

#[test]
fn while_live_and_the_seat_is_kept() {
    let stand = Stand::open();
    let host = stand.host(&["host.accept_applications=always"]);
    let guest = stand.guest_inside("ada", &[]);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 1}));
    stand.event(HOST, "media_live", mark);
    let mark = stand.operator.mark();
    ends_well(&stand, guest);
    stand.event(HOST, "media_lost", mark);
    let room = stand.room(mark, |room| room["seats"][1]["connection"] == "lost");
    assert_eq!(room["seats"][1]["user"]["user_id"], "ada");
    assert_eq!(stand.count("ada", "unseated", mark) + stand.count(HOST, "guest_unseated", mark), 0);
    ends_well(&stand, host);
    assert_eq!(stand.room_now()["status"], "live", "a host that stops does not end its live");
}

#[test]
fn while_it_leaves_its_seat_and_while_it_reads_its_configuration() {
    let stand = Stand::open();
    let _host = stand.host(&["host.accept_applications=always"]);
    let guest = stand.guest_inside("ada", &[]);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({}));
    stand.event(HOST, "media_live", mark);
    stand.operator.publish(&command("ada", "disconnect"), "");
    let state = stand
        .until_state("ada", mark, |state| state["seat"].is_null() || state["seat"]["phase"] == "leaving");
    ends_well(&stand, guest);
    assert_eq!(state["room"]["membership"], "inside");
    let guest = stand.guest_inside("bob", &[]);
    guest.signal("HUP");
    ends_well(&stand, guest);
}

#[test]
fn a_host_without_a_live_and_one_that_is_starting_it() {
    let stand = Stand::open();
    let host = stand.start("host", HOST).go();
    stand.status(HOST, 0, "online");
    ends_well(&stand, host);
    let mark = stand.operator.mark();
    let host = stand.start("host", HOST).set(&[&format!("room.live_id={ROOM}")]).go();
    stand.until_state(HOST, mark, |state| state["summary"].as_str().is_some_and(|all| all.contains(ROOM)));
    ends_well(&stand, host);
}

#[test]
fn an_interrupt_ends_it_like_a_termination() {
    let stand = Stand::open();
    let mut guest = stand.guest("ada", &[]);
    guest.signal("INT");
    let status = crate::support::eventually("the end", || guest.ended());
    assert_eq!(status.code(), Some(0));
    assert!(guest.log().contains("SIGINT"), "{}", guest.log());
}

#[test]
fn while_its_certificate_is_being_made() {
    let mut stand = Stand::open();
    stand.broker.stop();
    for _ in 0..5 {
        let mut guest = stand.start("guest", "ada").go();
        guest.logged("trying again in");
        let (status, took) = guest.terminate();
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(took < CAP, "it took {took:?}");
    }
}

#[test]
fn without_a_broker() {
    let mut stand = Stand::open();
    let guest = stand.guest("ada", &[]);
    stand.broker.kill();
    guest.logged("trying again in");
    let mut guest = guest;
    let (status, took) = guest.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(took < CAP, "it took {took:?}");
}

#[test]
fn with_a_broker_that_does_not_answer_any_more() {
    let stand = Stand::open();
    let mut guest = stand.guest("ada", &[]);
    stand.broker.freeze();
    let (status, took) = guest.terminate();
    stand.broker.thaw();
    assert_eq!(status.code(), Some(0));
    assert!(took < CAP, "it took {took:?}");
}
