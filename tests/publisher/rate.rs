//! What is sent follows what the stage acknowledges.

use coguestd::model::media::{Ask, GuestStats, PictureChange, Quality, Report, SentPicture};
use coguestd::model::stage::StageReport;

use crate::seat::{BOTH, Seat, Setup};

/// As transport-wide feedback is called in a description.
const TRANSPORT_CC: &str = "draft-holmer-rmcat-transport-wide-cc-extensions-01";

fn stats(seat: &Seat) -> impl Iterator<Item = &GuestStats> {
    seat.said.iter().filter_map(|report| match report {
        Report::Stats { stats, .. } => Some(stats),
        _ => None,
    })
}

#[test]
fn both_sections_have_transport_wide_feedback_and_the_rate_grows_to_the_quality() {
    let mut seat = Seat::open(Setup::default());
    seat.sit_down(BOTH);
    seat.live();
    let offered = seat.said.iter().find_map(|report| match report {
        Report::Offer { sdp, .. } => Some(sdp.matches(TRANSPORT_CC).count()),
        _ => None,
    });
    let answered = seat.seen.iter().find_map(|report| match report {
        StageReport::Answer { sdp, .. } => Some(sdp.matches(TRANSPORT_CC).count()),
        _ => None,
    });
    assert_eq!((offered, answered), (Some(2), Some(2)));
    // It begins with 800 kbit/s; 720p is worth 1800, and sound and headers beside them.
    seat.ask(Ask::Quality(Quality::P720));
    seat.wait("the whole rate", |seat| {
        let whole = |stats: &GuestStats| {
            stats.acknowledged_kbps.is_some_and(|kbps| kbps > 30.0)
                && stats.target_kbps.is_some_and(|kbps| kbps > 1_850.0)
        };
        stats(seat).any(whole).then_some(())
    });
    let full = SentPicture { width: 1280, height: 720, frame_rate: 30 };
    let is_full = |report: &Report| matches!(report, Report::Picture { picture, .. } if *picture == full);
    seat.wait("the whole picture", |seat| seat.said.iter().any(is_full).then_some(()));
    let changes: Vec<PictureChange> = seat
        .said
        .iter()
        .filter_map(|report| match report {
            Report::Picture { change, .. } => Some(*change),
            _ => None,
        })
        .collect();
    assert!(changes.iter().all(|change| *change == PictureChange::Begun), "it was asked for: {changes:?}");
    assert!(stats(&seat).all(|stats| stats.sent_kbps.is_some_and(|kbps| kbps > 0.0)));
    seat.stand_up();
    seat.close();
}
