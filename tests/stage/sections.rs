//! Offers with more, or less, in them than a guest's (RFC 8829).

use coguestd::model::Media;
use coguestd::model::stage::StageReport;

use crate::publisher::{Publisher, Show};
use crate::room::Room;

fn answer(room: &mut Room) -> String {
    room.until_some("the answer", |report| match report {
        StageReport::Answer { sdp, .. } => Some(sdp.clone()),
        _ => None,
    })
}

#[test]
fn a_data_channel_is_rejected_and_the_rest_is_seen_and_heard() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-a", Media::Video, Publisher::with_data(&Show::video(320, 240)));
    let answer = answer(&mut room);
    let lines: Vec<&str> = answer.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines.len(), 3, "{answer}");
    assert!(lines[2].starts_with("m=application 0 "), "{answer}");
    room.live(&guest);
    room.stats_until(&guest, |stats| {
        stats.audio.as_ref().is_some_and(|audio| audio.level_dbfs.is_some())
            && stats.video.as_ref().is_some_and(|video| video.frames > 5)
    });
    room.close();
}

#[test]
fn pictures_that_cannot_be_decoded_cost_the_pictures_only() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.edits.insert(guest.peer, |sdp| sdp.replace("H264/90000", "AV1/90000"));
    let answer = answer(&mut room);
    assert!(answer.contains("m=video 0 ") && answer.contains("m=audio 9 "), "{answer}");
    room.live(&guest);
    let stats = room
        .stats_until(&guest, |stats| stats.audio.as_ref().is_some_and(|audio| audio.level_dbfs.is_some()));
    assert_eq!(stats.video, None, "there are none");
    room.close();
}

#[test]
fn an_offer_that_names_no_direction_is_taken() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.edits.insert(guest.peer, |sdp| {
        let ways = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
        sdp.lines().filter(|line| !ways.contains(line)).map(|line| format!("{line}\r\n")).collect()
    });
    room.live(&guest);
    room.close();
}
