//! Guests whose streams lie: about their size, about their end, about the time.

use std::fs;

use coguestd::model::Media;
use coguestd::model::stage::StageReport;

use crate::process::alone;
use crate::publisher::{Publisher, Show, Video};
use crate::room::Room;

/// A sequence parameter set of Baseline for 8192 x 8192.
const LARGE_SET: [u8; 11] = [0x67, 0x42, 0xc0, 0x33, 0xda, 0x00, 0x20, 0x00, 0x04, 0x01, 0x90];
/// What a decoder of such pictures would take is many times this.
const MOST_MEMORY: u64 = 128 << 20;

fn vp8(pattern: &'static str, width: u32, height: u32, bitrate_kbps: u32) -> Show {
    let video = Video { codec: "VP8", pattern, width, height, frame_rate: 15, bitrate_kbps };
    Show { video: Some(video), ..Show::audio() }
}

/// Every key frame claims to be as large as VP8 can say.
fn claim_vp8(frame: &mut [u8]) {
    if frame[0] & 1 == 0 {
        frame[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    }
}

/// In place of each sequence parameter set another.
fn claim_h264(stream: &mut Vec<u8>) {
    let starts: Vec<usize> =
        (0..stream.len().saturating_sub(3)).filter(|at| stream[*at..].starts_with(&[0, 0, 1])).collect();
    let Some(set) = starts.iter().position(|at| stream[at + 3] & 0x1f == 7) else { return };
    let end = starts.get(set + 1).copied().unwrap_or(stream.len());
    stream.splice(starts[set] + 3..end, LARGE_SET.into_iter().chain([0]));
}

/// The most memory this process ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel counts it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[test]
fn pictures_that_claim_to_be_huge_end_their_peer_and_cost_no_memory() {
    // Its own process: the memory of others is none of its business.
    if !alone("hostile::pictures_that_claim_to_be_huge_end_their_peer_and_cost_no_memory") {
        return;
    }
    let mut room = Room::open();
    let honest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.live(&honest);
    let honest_vp8 = room.enter("kiosk-b", Media::Video, Publisher::start(&vp8("blue", 320, 240, 300)));
    room.live(&honest_vp8);
    let before = peak();
    for (publisher, size) in [
        (Publisher::altered(&vp8("red", 320, 240, 300), "sink", |frame| claim_vp8(frame)), "16383x16383"),
        (Publisher::altered(&Show::video(320, 240), "sink", claim_h264), "8192x8192"),
    ] {
        let liar = room.enter("kiosk-x", Media::Video, publisher);
        let fault = room.until_some("failed", |report| match report {
            StageReport::Failed { peer, fault } if *peer == liar => Some(fault.clone()),
            _ => None,
        });
        assert_eq!(fault.stage, "decoder", "{fault:?}");
        assert!(fault.detail.contains(size) && fault.detail.contains("1920x1088"), "{fault:?}");
        room.leave(&liar);
        for honest in [&honest, &honest_vp8] {
            let frames = room.frames(honest);
            room.stats_until(honest, |stats| stats.video.as_ref().is_some_and(|video| video.frames > frames));
        }
    }
    assert!(peak() < before + MOST_MEMORY, "from {before} to {} bytes", peak());
    room.close();
}

#[test]
fn a_picture_without_an_end_ends_its_peer() {
    let mut room = Room::open();
    // The marker says that a picture is whole.
    let endless = Publisher::altered(&vp8("snow", 640, 480, 16_000), "src", |packet| packet[1] &= 0x7f);
    let liar = room.enter("kiosk-x", Media::Video, endless);
    let fault = room.until_some("failed", |report| match report {
        StageReport::Failed { peer, fault } if *peer == liar => Some(fault.clone()),
        _ => None,
    });
    assert_eq!((fault.stage, fault.detail.as_str()), ("decoder", "one of its pictures has more than 4 MiB"));
    room.close();
}

#[test]
fn a_clock_that_jumps_is_no_lag() {
    let mut room = Room::open();
    let honest = room.enter("kiosk-a", Media::Video, Publisher::start(&Show::video(320, 240)));
    room.live(&honest);
    let jumping = Publisher::altered(&Show::video(320, 240), "src", |packet| {
        let time: [u8; 4] = packet[4..8].try_into().expect("four bytes");
        // A second for each frame.
        packet[4..8].copy_from_slice(&u32::from_be_bytes(time).wrapping_mul(30).to_be_bytes());
    });
    let liar = room.enter("kiosk-x", Media::Video, jumping);
    room.live(&liar);
    let mut seen = 0;
    let held = room.until_some("statistics of some seconds", |report| {
        let StageReport::Stats(all) = report else { return None };
        let decoding =
            |of| all.iter().find(|(peer, _)| peer == of)?.1.video.as_ref().map(|video| video.decoding);
        let held = (decoding(&honest)?, decoding(&liar)?);
        seen += 1;
        (seen == 8).then_some(held)
    });
    assert_eq!(held.0, "all", "and the liar {}", held.1);
    room.close();
}
