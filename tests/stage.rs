//! The stage against real peers: webrtcbin publishers in this process.

#[path = "stage/hostile.rs"]
mod hostile;
#[path = "support/log.rs"]
mod log;
#[path = "support/network.rs"]
mod network;
#[path = "support/process.rs"]
mod process;
#[path = "support/publisher.rs"]
mod publisher;
#[path = "stage/rapid.rs"]
mod rapid;
#[path = "stage/returned.rs"]
mod returned;
#[path = "stage/room.rs"]
mod room;
#[path = "support/router.rs"]
mod router;
#[path = "stage/sections.rs"]
mod sections;
#[path = "stage/storm.rs"]
mod storm;
#[path = "support/tones.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod tones;

use coguestd::model::stage::StageReport;
use coguestd::model::{Code, Media};
use process::{Holds, alone, back_to};
use publisher::{Publisher, Show, Video};
use room::{Room, picture_colour};

#[test]
fn a_guest_is_seen_heard_measured_and_pictured() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(640, 360)));
    room.live(&guest);
    let stats = room.stats_until(&guest, |stats| {
        stats.video.as_ref().is_some_and(|video| video.frame_rate.is_some_and(|rate| rate > 20.0))
            && stats.audio.as_ref().is_some_and(|audio| audio.level_dbfs.is_some())
            && stats.loss.is_some()
    });
    let video = stats.video.expect("a video seat");
    assert_eq!((video.width, video.height, video.decoding), (Some(640), Some(360), "all"));
    assert!(video.frames > 20 && video.bitrate_kbps.is_some_and(|rate| rate > 5.0), "{video:?}");
    let audio = stats.audio.expect("every seat has audio");
    assert!(audio.level_dbfs.is_some_and(|level| (-12.0..-6.0).contains(&level)), "{audio:?}");
    assert!(audio.bitrate_kbps.is_some_and(|rate| rate > 10.0), "{audio:?}");
    assert_eq!(stats.loss, Some(0.0));

    let picture = room.snapshot(&guest).expect("a picture");
    assert_eq!((picture.width, picture.height), (640, 360));
    let (red, green, blue) = picture_colour(&picture);
    assert!(red > 200 && green < 40 && blue < 40, "the publisher sends red, not {red},{green},{blue}");
    room.close();
}

#[test]
fn vp8_is_decoded_too() {
    let mut room = Room::open();
    let video =
        Video { codec: "VP8", pattern: "blue", width: 320, height: 240, frame_rate: 15, bitrate_kbps: 300 };
    let show = Show { video: Some(video), ..Show::audio() };
    let guest = room.enter("kiosk-a", Media::Video, Publisher::start(&show));
    room.live(&guest);
    let (red, _, blue) = picture_colour(&room.snapshot(&guest).expect("a picture"));
    assert!(blue > 200 && red < 40, "the publisher sends blue");
    room.close();
}

#[test]
fn an_audio_seat_is_live_with_its_first_sound_and_shows_nothing() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-b", Media::Audio, Publisher::start(&Show::video(320, 240)));
    room.live(&guest);
    let stats = room
        .stats_until(&guest, |stats| stats.audio.as_ref().is_some_and(|audio| audio.level_dbfs.is_some()));
    assert_eq!(stats.video, None, "an audio seat takes no video, whatever is offered");
    assert!(room.snapshot(&guest).is_err());
    room.close();
}

#[test]
fn a_pause_in_the_sound_is_no_loss() {
    // A tick each second; between them no sound is sent.
    let ticks = |show| Show { audio: "wave=ticks samplesperbuffer=960", ..show };
    for (media, show) in [(Media::Audio, Show::audio()), (Media::Video, Show::video(320, 180))] {
        let mut room = Room::open();
        let guest = room.enter("kiosk-b", media, Publisher::start(&ticks(show)));
        room.live(&guest);
        let mut heard = 0;
        let lost = room.until_some("statistics of some seconds", |report| {
            let StageReport::Stats(all) = report else { return None };
            let loss = all.iter().find(|(of, _)| *of == guest)?.1.loss?;
            heard += 1;
            (loss > 0.0 || heard == 8).then_some(loss)
        });
        assert_eq!(lost, 0.0, "{media:?}, after {heard} statistics");
        room.close();
    }
}

#[test]
fn what_the_network_loses_of_the_pictures_is_asked_for_and_comes() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-a", Media::Video, Publisher::lossy(&Show::video(640, 360)));
    room.live(&guest);
    let stats =
        room.stats_until(&guest, |stats| stats.video.as_ref().is_some_and(|video| video.frames > 150));
    assert_eq!(stats.video.map(|video| video.decoding), Some("all"));
    assert!(room.publisher(&guest).asked_again() > 5);
    room.close();
}

#[test]
fn who_is_loud_speaks_until_quiet() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-b", Media::Audio, Publisher::start(&Show::audio()));
    room.until(
        "speaking",
        |report| matches!(report, StageReport::Speaking(who) if *who == [guest.guest.clone()]),
    );
    room.publisher(&guest).volume(0.0005);
    room.until("quiet", |report| matches!(report, StageReport::Speaking(who) if who.is_empty()));
    room.publisher(&guest).volume(0.5);
    room.until("speaking again", |report| matches!(report, StageReport::Speaking(who) if who.len() == 1));
    room.leave(&guest);
    room.until("gone", |report| matches!(report, StageReport::Speaking(who) if who.is_empty()));
    room.close();
}

#[test]
fn silence_is_reported_once_and_ends_with_the_next_picture() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.live(&guest);
    room.publisher(&guest).mute(true);
    room.until("silent", |report| *report == StageReport::Silent { peer: guest.clone() });
    room.publisher(&guest).mute(false);
    room.live(&guest);
    room.close();
}

#[test]
fn garbage_fails_its_peer_only() {
    let mut room = Room::open();
    let good = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.live(&good);
    for sdp in ["", "v=0", "v=0\r\nm=video", "\u{0}\u{1}", &"a=".repeat(40_000), room::OTHER_CODECS] {
        let bad = room.offer_raw("kiosk-x", 1, sdp);
        room.until("failed", |report| {
            matches!(report, StageReport::Failed { peer, fault } if *peer == bad && fault.stage == "sdp")
        });
    }
    for text in ["", "candidate:", "candidate:1 1 udp 1 999.0.0.1 1 typ host", "\u{7}", &"x".repeat(70_000)] {
        room.candidate_raw(&good, 1, Some(0), text);
        room.candidate_raw(&good, 1, Some(9), "candidate:1 1 UDP 1 192.0.2.9 9 typ host");
        room.candidate_raw(&good, 7, None, text);
    }
    assert!(room.snapshot(&good).is_ok(), "the good peer goes on");
    room.close();
}

#[test]
fn an_unusual_offer_is_answered_or_fails_its_peer_only() {
    let mut room = Room::open();
    let good = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.live(&good);
    let offer = room::offer_of(&Publisher::start(&Show::video(320, 240)));
    let (session, sections) = offer.split_at(offer.find("m=").expect("it has sections"));
    let sections: Vec<String> =
        sections.split("m=").filter(|section| !section.is_empty()).map(|s| format!("m={s}")).collect();
    let fingerprint = offer.lines().find(|line| line.starts_with("a=fingerprint")).expect("it has one");
    let bundle = session.lines().find(|line| line.starts_with("a=group:BUNDLE")).expect("it has one");
    let data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\na=sctp-port:5000\r\n";
    let video = sections.iter().find(|section| section.starts_with("m=video")).expect("it has one");
    let mid = video.lines().find_map(|line| line.strip_prefix("a=mid:")).expect("it has one");
    for (what, sdp, answered) in [
        (
            "pictures only",
            format!("{}{video}", session.replace(bundle, &format!("a=group:BUNDLE {mid}"))),
            true,
        ),
        (
            "no fingerprint that proves anything",
            offer.replace(fingerprint, "a=fingerprint:sha-1 00:11"),
            false,
        ),
        ("48 KiB of what nobody knows", format!("{offer}{}", "a=x:0123456789\r\n".repeat(3000)), true),
        ("data only", format!("{session}{data}"), false),
        ("twenty sections", format!("{session}{}", sections.concat().repeat(10)), false),
        ("two of one name", format!("{session}{}", sections.concat().repeat(2)), false),
    ] {
        let odd = room.offer_raw("kiosk-x", 1, &sdp);
        let got = room.until_some(what, |report| match report {
            StageReport::Answer { peer, .. } if *peer == odd => Some(true),
            StageReport::Failed { peer, .. } if *peer == odd => Some(false),
            _ => None,
        });
        assert_eq!(got, answered, "{what}");
    }
    let frames = room.frames(&good);
    room.stats_until(&good, |stats| stats.video.as_ref().is_some_and(|video| video.frames > frames + 10));
    room.close();
}

#[test]
fn who_shows_another_certificate_than_its_offer_names_is_never_heard() {
    let mut room = Room::open();
    let honest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.live(&honest);
    for media in [Media::Audio, Media::Video] {
        let liar = room.enter("kiosk-x", media, Publisher::start(&Show::video(320, 240)));
        room.forges.insert(liar.peer);
        let came = room.until_some("its end", |report| match report {
            StageReport::Live { peer } if *peer == liar => Some(Err(report.clone())),
            StageReport::Stats(all) => {
                let stats = &all.iter().find(|(of, _)| *of == liar)?.1;
                (stats.audio.as_ref()?.level_dbfs.is_some() || stats.loss.is_some())
                    .then(|| Err(report.clone()))
            }
            StageReport::Failed { peer, fault } if *peer == liar => Some(Ok(fault.clone())),
            _ => None,
        });
        let fault = came.expect("nothing comes through");
        assert_eq!((fault.stage, fault.code), ("dtls", Code::PeerNotTrusted), "{fault:?}");
        assert!(fault.detail.contains("certificate"), "{fault:?}");
        // It is not connected there either: the handshake has no end.
        assert_eq!(room.publisher(&liar).received(), 0);
        room.leave(&liar);
    }
    let frames = room.frames(&honest);
    room.stats_until(&honest, |stats| stats.video.as_ref().is_some_and(|video| video.frames > frames + 10));
    room.close();
}

#[test]
fn a_large_picture_full_of_detail_still_fits_a_reply() {
    let mut room = Room::open();
    let video = Video {
        codec: "H264",
        pattern: "snow",
        width: 1920,
        height: 1080,
        frame_rate: 5,
        bitrate_kbps: 8000,
    };
    let show = Show { video: Some(video), ..Show::audio() };
    let guest = room.enter("kiosk-a", Media::Video, Publisher::start(&show));
    room.live(&guest);
    let picture = room.snapshot(&guest).expect("a picture");
    // A reply of 64 KiB, in base64, with what stands around it.
    assert!(picture.jpeg.len().div_ceil(3) * 4 < 64 * 1024 - 512, "{} bytes", picture.jpeg.len());
    assert!(picture.width >= 320 && picture.width * 9 == picture.height * 16, "{picture:?}");
    room.close();
}

#[test]
fn a_new_peer_of_a_guest_ends_the_older() {
    let mut room = Room::open();
    let first = room.enter("kiosk-a", Media::Audio, Publisher::start(&Show::audio()));
    room.live(&first);
    let second = room.enter("kiosk-a", Media::Audio, Publisher::start(&Show::audio()));
    room.live(&second);
    let peers = room.until_some("stats", |report| match report {
        StageReport::Stats(stats) => Some(stats.iter().map(|(peer, _)| peer.clone()).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(peers, [second]);
    room.close();
}

#[test]
fn an_offer_of_a_later_exchange_is_answered_on_the_same_peer() {
    let mut room = Room::open();
    let guest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.live(&guest);
    let before = room.frames(&guest);
    room.restart_ice(&guest);
    let answered = room.until_some("the answer", |report| match report {
        StageReport::Answer { peer, exchange, .. } if *peer == guest => Some(*exchange),
        _ => None,
    });
    assert_eq!(answered, 2);
    let stats = room
        .stats_until(&guest, |stats| stats.video.as_ref().is_some_and(|video| video.frames > before + 60));
    assert!(stats.video.is_some());
    room.close();
}

#[test]
fn ten_peers_are_live_and_every_ask_is_answered() {
    let mut room = Room::open();
    let guests: Vec<_> = (0..10)
        .map(|n| {
            let mut show = Show::video(640, 360);
            show.video.as_mut().expect("video").frame_rate = 15;
            room.enter(&format!("kiosk-{n}"), Media::Video, Publisher::start(&show))
        })
        .collect();
    for guest in &guests {
        room.live(guest);
    }
    for guest in &guests {
        let picture = room.snapshot(guest).expect("a picture");
        assert_eq!((picture.width, picture.height), (640, 360));
    }
    room.close();
}

#[test]
fn twenty_peers_leave_nothing_behind() {
    // Its own process: other tests open files too.
    if !alone("twenty_peers_leave_nothing_behind") {
        return;
    }
    let mut room = Room::open();
    let mut before = Holds::now();
    for round in 0..24 {
        let guest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
        room.live(&guest);
        room.leave(&guest);
        if round == 3 {
            before = process::settled();
        }
    }
    let after = back_to(before);
    assert!(after.is_within(before), "{before:?} -> {after:?}");
    room.close();
}
