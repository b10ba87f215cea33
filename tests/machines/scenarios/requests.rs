//! Applications and invitations: each has one end.

use coguestd::model::command::GuestCommand;
use coguestd::model::message::{NoResponse, ToGuest};
use coguestd::model::{Code, Media};

use super::guest::{Scene, named};
use crate::by_hand::host;

/// What a guest does on a seat that it asked for.
const SEATED: [&str; 3] = [
    "media start video camera+microphone",
    "event seated seat_index=1",
    "to_host devices camera=on microphone=on",
];

#[test]
fn an_application_leads_to_a_seat() {
    let mut guest = Scene::inside();
    guest
        .apply(Media::Video, 30)
        .is(&["pending", "to_host apply seat_index=-1 media=video", "media prepare"], "Request in 5000 ms");
    guest.answered().is(&["settled ok"], "Application in 32000 ms");
    guest.accepted().is(&["event application_accepted by=host-1 seat_index=1"], "nothing");
    guest.seated_by_host(Media::Video).is(&SEATED, "Request in 5000 ms");
}

#[test]
fn an_application_is_rejected() {
    let mut guest = Scene::inside();
    guest.applied(30);
    guest
        .told(ToGuest::ApplicationRejected { by: host().into() })
        .is(&["event application_rejected by=host-1"], "nothing");
}

#[test]
fn an_application_expires_by_the_hosts_clock_or_two_seconds_later_by_the_own() {
    let mut guest = Scene::inside();
    guest.applied(30);
    guest
        .told(ToGuest::ApplicationNoResponse { reason: NoResponse::Timeout })
        .is(&["event application_no_response reason=timeout"], "nothing");
    guest.applied(30);
    guest.pass(31_999).is(&[], "Application in 1 ms");
    guest.pass(1).is(&["event application_no_response reason=timeout"], "nothing");
}

#[test]
fn an_application_without_a_deadline_stays() {
    let mut guest = Scene::inside();
    guest.applied(0);
    guest.pass(86_400_000).is(&[], "nothing");
}

#[test]
fn a_second_application_is_refused_by_the_guest_itself() {
    let mut guest = Scene::inside();
    guest.applied(30);
    guest.apply(Media::Audio, 30).is(&["refused already_on_seat_queue"], "Application in 32000 ms");
}

#[test]
fn an_application_that_the_host_refuses_is_none() {
    let mut guest = Scene::inside();
    guest.apply(Media::Video, 30);
    guest.refused(Code::SeatLocked).is(&["settled refused seat_locked"], "nothing");
    guest
        .apply(Media::Video, 30)
        .is(&["pending", "to_host apply seat_index=-1 media=video", "media prepare"], "Request in 5000 ms");
}

#[test]
fn a_request_without_an_answer_ends_after_five_seconds_and_is_taken_back() {
    let mut guest = Scene::inside();
    guest.apply(Media::Video, 30);
    guest.pass(4_999).is(&[], "Request in 1 ms");
    guest.pass(1).is(&["settled refused host_unreachable", "to_host cancel_application"], "nothing");
}

#[test]
fn an_application_is_taken_back() {
    let mut guest = Scene::inside();
    guest.applied(30);
    guest
        .command(GuestCommand::CancelApplication)
        .is(&["pending", "to_host cancel_application"], "Request in 5000 ms");
    guest.answered().is(&["settled ok"], "nothing");
}

#[test]
fn a_cancel_that_crosses_an_accept_loses() {
    let mut guest = Scene::inside();
    guest.applied(30);
    guest.command(GuestCommand::CancelApplication);
    guest.accepted().is(&["event application_accepted by=host-1 seat_index=1"], "Request in 5000 ms");
    guest.refused(Code::NotOnSeatQueue).is(&["settled refused not_on_seat_queue"], "nothing");
    guest.seated_by_host(Media::Video).is(&SEATED, "Request in 5000 ms");
}

#[test]
fn an_invitation_is_accepted() {
    let mut guest = Scene::inside();
    guest.invited("i1").is(
        &["event invitation_received by=host-1 media=video seat_index=-1 timeout=60", "media prepare"],
        "Invitation in 62000 ms",
    );
    guest.accept().is(&["pending", "to_host accept_invitation"], "Request in 5000 ms");
    guest.answered().is(&["settled ok"], "nothing");
    guest.seated_by_host(Media::Video).is(&SEATED, "Request in 5000 ms");
}

#[test]
fn an_invitation_is_rejected() {
    let mut guest = Scene::inside();
    guest.invited("i1");
    guest.reject().is(&["pending", "to_host reject_invitation"], "Request in 5000 ms");
    guest.answered().is(&["settled ok"], "nothing");
}

#[test]
fn an_invitation_is_cancelled_or_ends_without_an_answer() {
    let mut guest = Scene::inside();
    guest.invited("i1");
    guest
        .told(ToGuest::InvitationCancelled { invitation_id: named("i1"), by: host().into() })
        .is(&["event invitation_cancelled by=host-1"], "nothing");
    guest.invited("i2");
    guest
        .invitation_ends("i2", NoResponse::Timeout)
        .is(&["event invitation_no_response by=host-1 reason=timeout"], "nothing");
    guest.invited("i3");
    guest.pass(62_000).is(&["event invitation_no_response by=host-1 reason=timeout"], "nothing");
}

#[test]
fn who_accepts_every_invitation_asks_no_operator() {
    let mut guest = Scene::that_always_accepts();
    guest.invited("i1").is(
        &[
            "event invitation_received by=host-1 media=video seat_index=-1 timeout=60",
            "media prepare",
            "to_host accept_invitation",
        ],
        "Request in 5000 ms",
    );
    guest.answered().is(&[], "nothing");
}

#[test]
fn the_request_that_leads_to_the_seat_ends_the_other() {
    let mut guest = Scene::inside();
    guest.invited("i1");
    guest.applied(30);
    guest.accepted().is(&["event application_accepted by=host-1 seat_index=1"], "Invitation in 62000 ms");
    guest.seated_by_host(Media::Video).is(
        &[
            "media start video camera+microphone",
            "event seated seat_index=1",
            "to_host devices camera=on microphone=on",
            "event invitation_no_response by=host-1 reason=already_seated",
        ],
        "Request in 5000 ms",
    );
}

#[test]
fn an_invitation_that_reaches_somebody_seated_is_rejected() {
    let mut guest = Scene::live();
    guest.invited("i1").is(&["to_host reject_invitation"], "Request in 5000 ms");
}
