//! A stage that takes a part of what is offered, and says it as browsers do (RFC 8829).

use coguestd::model::Code;
use coguestd::model::media::{Ask, Report, Session};
use coguestd::model::message::DeviceKind;
use coguestd::model::settings::VideoCodec;
use coguestd::model::stage::SeatStats;

use crate::answers::{answer_to, offer_of};
use crate::seat::{BOTH, Seat, Setup};

/// The answer with this section rejected: no port, no transport, and in no bundle.
fn without(answer: &str, kind: &str) -> String {
    let at = answer.find(&format!("m={kind} 9 ")).expect("it is offered");
    let (before, section) = answer.split_at(at);
    let end = section[2..].find("m=").map_or(section.len(), |end| end + 2);
    let (section, after) = section.split_at(end);
    let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:")).expect("it has a name");
    let first = section.lines().next().expect("a media line").replacen(" 9 ", " 0 ", 1);
    let bundled = |line: &str| match line.strip_prefix("a=group:BUNDLE ") {
        Some(mids) => {
            let left: Vec<&str> = mids.split(' ').filter(|other| *other != mid).collect();
            format!("a=group:BUNDLE {}\r\n", left.join(" "))
        }
        None => format!("{line}\r\n"),
    };
    let rejected = format!("{first}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n");
    before.lines().map(bundled).collect::<String>() + &rejected + after
}

fn refusal(seat: &Seat, wanted: DeviceKind) -> Option<(Code, String)> {
    seat.said.iter().find_map(|said| match said {
        Report::DeviceFailed { device, error, .. } if *device == wanted => {
            Some((error.code, error.message.clone()))
        }
        _ => None,
    })
}

fn failures(seat: &Seat) -> Vec<&Report> {
    seat.said.iter().filter(|said| matches!(said, Report::PeerFailed { .. })).collect()
}

fn answered(seat: &mut Seat, session: Session, change: impl Fn(&str) -> String) {
    let answer = answer_to(seat, session);
    seat.ask(Ask::Answer { session, sdp: change(&answer) });
    // It counts once: the stage's own, carried later, is dropped.
}

/// Why this connection failed.
fn fails(seat: &mut Seat, session: Session) -> String {
    seat.wait("the failure", |seat| {
        seat.said.iter().find_map(|said| match said {
            Report::PeerFailed { session: of, fault } if *of == session => Some(fault.detail.clone()),
            _ => None,
        })
    })
}

#[test]
fn who_does_not_take_the_codec_sees_it_in_the_other() {
    for (codec, why, other) in [
        (VideoCodec::H264, "the stage takes no H.264", "VP8"),
        (VideoCodec::Vp8, "the stage takes no VP8", "H264"),
    ] {
        let mut seat = Seat::open(Setup { codec, ..Setup::default() });
        let session = seat.sit_down(BOTH);
        answered(&mut seat, session, |answer| without(answer, "video"));
        assert_eq!(fails(&mut seat, session), why);
        let session = seat.try_again(BOTH);
        let offer = seat.wait_alone("the offer", |seat| offer_of(seat, session));
        assert!(offer.contains(&format!(" {other}/90000")), "{offer}");
        seat.live();
        seat.sees("pictures", |stats| stats.video.as_ref().is_some_and(|video| video.frames > 5));
        assert_eq!(refusal(&seat, DeviceKind::Camera), None);
        seat.close();
    }
}

#[test]
fn who_takes_no_pictures_hears_it_and_the_camera_is_closed() {
    for (codec, why) in [
        (VideoCodec::H264, "the stage takes no H.264 and no VP8"),
        (VideoCodec::Vp8, "the stage takes no VP8 and no H.264"),
    ] {
        let mut seat = Seat::open(Setup { codec, ..Setup::default() });
        let session = seat.sit_down(BOTH);
        answered(&mut seat, session, |answer| without(answer, "video"));
        fails(&mut seat, session);
        let session = seat.try_again(BOTH);
        answered(&mut seat, session, |answer| without(answer, "video"));
        let said = seat.wait("the refusal", |seat| refusal(seat, DeviceKind::Camera));
        assert_eq!(said, (Code::CameraStartFail, why.to_owned()));
        seat.sees("sound", |stats| stats.audio.as_ref().is_some_and(|audio| audio.level_dbfs.is_some()));
        assert_eq!(failures(&seat).len(), 1, "the other codec was tried");
        // Asked once more, it is not offered again.
        let refused = seat.said.len();
        let session = seat.try_again(BOTH);
        let offer = seat.wait_alone("the offer", |seat| {
            seat.said.iter().find_map(|said| match said {
                Report::Offer { session: of, sdp } if *of == session => Some(sdp.clone()),
                _ => None,
            })
        });
        assert!(offer.contains("m=audio") && !offer.contains("m=video"), "{offer}");
        seat.sees("sound", |stats| stats.audio.as_ref().is_some_and(|audio| audio.level_dbfs.is_some()));
        let opened = |said: &Report| matches!(said, Report::DeviceOpened { device: DeviceKind::Camera, .. });
        assert!(!seat.said[refused..].iter().any(opened), "{:#?}", seat.said);
        // Who sits down anew may be somebody else.
        seat.sit_down(BOTH);
        seat.live();
        seat.close();
    }
}

#[test]
fn who_takes_no_sound_sees_it_and_the_microphone_is_closed() {
    let mut seat = Seat::open(Setup::default());
    let session = seat.sit_down(BOTH);
    answered(&mut seat, session, |answer| without(answer, "audio"));
    let said = seat.wait("the refusal", |seat| refusal(seat, DeviceKind::Microphone));
    assert_eq!(said, (Code::MicrophoneStartFail, "the stage takes no sound".to_owned()));
    seat.live();
    seat.sees("pictures", |stats| stats.video.as_ref().is_some_and(|video| video.frames > 5));
    assert_eq!(failures(&seat), Vec::<&Report>::new());
    seat.close();
}

#[test]
fn who_takes_nothing_is_named_with_what_was_offered() {
    let mut seat = Seat::open(Setup::default());
    let session = seat.sit_down(BOTH);
    answered(&mut seat, session, |answer| without(&without(answer, "audio"), "video"));
    let fault = seat.wait("the end", |seat| {
        seat.said.iter().find_map(|said| match said {
            Report::PeerFailed { session: of, fault } if *of == session => Some(fault.clone()),
            _ => None,
        })
    });
    assert_eq!((fault.stage, fault.code), ("sdp", Code::PermissionDenied));
    assert_eq!(fault.detail, "the stage takes no sound and no H.264");
    seat.close();
}

#[test]
fn an_answer_that_names_no_direction_goes_both_ways_as_far_as_offered() {
    let mut seat = Seat::open(Setup::default());
    let session = seat.sit_down(BOTH);
    answered(&mut seat, session, |answer| {
        let ways = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
        answer.lines().filter(|line| !ways.contains(line)).map(|line| format!("{line}\r\n")).collect()
    });
    seat.live();
    seat.sees("sound", |stats| stats.audio.as_ref().is_some_and(|audio| audio.level_dbfs.is_some()));
    assert_eq!((failures(&seat), refusal(&seat, DeviceKind::Camera)), (Vec::new(), None));
    seat.close();
}

#[test]
fn a_stage_that_only_hears_or_only_talks_is_one_all_the_same() {
    for (answers, refused) in [("a=recvonly", None), ("a=sendonly", Some("the stage takes no sound"))] {
        let mut seat = Seat::open(Setup::default());
        let session = seat.sit_down(BOTH);
        let offer = seat.wait_alone("the offer", |seat| offer_of(seat, session));
        assert!(offer.contains("useinbandfec=1\r\n"), "{offer}");
        answered(&mut seat, session, |answer| answer.replacen("a=sendrecv", answers, 1));
        seat.live();
        seat.sees("pictures", |stats| stats.video.as_ref().is_some_and(|video| video.frames > 5));
        match refused {
            None => {
                let sounds =
                    |stats: &SeatStats| stats.audio.as_ref().is_some_and(|audio| audio.level_dbfs.is_some());
                seat.sees("sound", sounds);
            }
            Some(why) => {
                let said = seat.wait("the refusal", |seat| refusal(seat, DeviceKind::Microphone));
                assert_eq!(said, (Code::MicrophoneStartFail, why.to_owned()));
            }
        }
        assert_eq!(failures(&seat), Vec::<&Report>::new());
        seat.close();
    }
}
