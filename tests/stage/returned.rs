//! What guests hear of each other, whatever one of them sends.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use coguestd::model::Media;
use coguestd::model::sound::{Audible, Return};
use coguestd::model::stage::{StageAsk, StagePeer, StageReport};

use crate::publisher::{Publisher, Show};
use crate::room::Room;
use crate::tones::{Piece, RATE};

/// Generous: the machine may have other work.
const PATIENCE: Duration = Duration::from_secs(60);

const HONEST: u32 = 400;
const LIAR: u32 = 1_000;

/// Five beeps a second: Opus takes a steady tone for noise.
fn beeps(hertz: u32) -> Show {
    let wave = format!(
        "wave=ticks freq={hertz} tick-interval=200000000 sine-periods-per-tick={} volume=0.2 samplesperbuffer=960",
        hertz / 10
    );
    Show { video: None, audio: wave.leak() }
}

fn sit(room: &mut Room, guest: &str, publisher: Publisher) -> StagePeer {
    let peer = room.enter(guest, Media::Audio, publisher);
    room.ask(StageAsk::Sound { peer: peer.clone(), audible: Audible::Yes, returned: Return::Others });
    peer
}

/// What is heard of these tones in the next second, in dBFS.
fn next_second<const N: usize>(room: &mut Room, heard: &Mutex<Vec<i16>>, tones: [u32; N]) -> [f64; N] {
    heard.lock().expect("nothing panicked").clear();
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "nothing is returned");
        room.pass(Duration::from_millis(50));
        if let Some(second) = heard.lock().expect("nothing panicked").get(..RATE) {
            let second = Piece::new(second);
            return tones.map(|hertz| second.power(hertz));
        }
    }
}

/// Whether something is heard in the next second; of silence less than a second comes.
fn is_heard(room: &mut Room, heard: &Mutex<Vec<i16>>) -> bool {
    heard.lock().expect("nothing panicked").clear();
    room.pass(Duration::from_secs(1));
    is_loud(heard)
}

fn is_loud(heard: &Mutex<Vec<i16>>) -> bool {
    heard.lock().expect("nothing panicked").iter().any(|sample| sample.unsigned_abs() > 33)
}

/// An honest guest is heard as before while another one sends this; returns how loud that one is heard at most.
fn disturbs_nobody(what: &str, liar: Publisher) -> f64 {
    let mut room = Room::open();
    let (publisher, heard) = Publisher::listening(&Show { video: None, audio: "wave=silence" });
    let listener = sit(&mut room, "kiosk-b", publisher);
    let honest = sit(&mut room, "kiosk-a", Publisher::start(&beeps(HONEST)));
    room.live(&honest);
    let deadline = Instant::now() + PATIENCE;
    while next_second(&mut room, &heard, [HONEST])[0] < -40.0 {
        assert!(Instant::now() < deadline, "{what}: the honest one is not heard");
    }
    let liar = sit(&mut room, "kiosk-x", liar);
    room.pass(Duration::from_secs(2));
    let mut levels: Vec<[f64; 2]> = (0..5).map(|_| next_second(&mut room, &heard, [HONEST, LIAR])).collect();
    // Some seconds of a machine that has other work may have holes.
    levels.sort_by(|one, other| one[0].total_cmp(&other[0]));
    eprintln!("{what}: {levels:.1?}");
    assert!(levels[2][0] > -24.0, "{what}: the honest one is heard at {levels:?} dBFS");
    room.leave(&liar);
    room.leave(&honest);
    // Nothing of either is left.
    let deadline = Instant::now() + PATIENCE;
    while is_heard(&mut room, &heard) {
        assert!(Instant::now() < deadline, "{what}: something goes on");
    }
    room.leave(&listener);
    room.close();
    levels.iter().map(|level| level[1]).fold(f64::MIN, f64::max)
}

/// A guest whose packets are changed, by their number.
fn liar(alter: impl Fn(u32, &mut [u8]) + Send + Sync + 'static) -> Publisher {
    let count = AtomicU32::new(0);
    Publisher::altered_sound(&beeps(LIAR), "src", move |packet| alter(count.fetch_add(1, Relaxed), packet))
}

/// Changes the stamp of a packet.
fn stamped(packet: &mut [u8], change: impl Fn(u32) -> u32) {
    if let Some(Ok(stamp)) = packet.get(4..8).map(<[u8; 4]>::try_from) {
        packet[4..8].copy_from_slice(&change(u32::from_be_bytes(stamp)).to_be_bytes());
    }
}

#[test]
fn an_honest_guest_is_heard_as_it_is() {
    let level = disturbs_nobody("none", liar(|_, _| ()));
    assert!(level > -30.0, "the other one is heard, too: {level}");
}

#[test]
fn who_only_sends_is_heard_and_is_sent_nothing() {
    let mut room = Room::open();
    let (publisher, all) = Publisher::listening(&beeps(HONEST));
    let both = sit(&mut room, "kiosk-a", publisher);
    room.live(&both);
    let (publisher, heard) = Publisher::listening(&beeps(LIAR));
    let one = room.enter("kiosk-b", Media::Audio, publisher);
    room.edits.insert(one.peer, |offer| offer.replace("a=sendrecv", "a=sendonly"));
    room.ask(StageAsk::Sound { peer: one.clone(), audible: Audible::Yes, returned: Return::Others });
    let answer = room.until_some("the answer", |report| match report {
        StageReport::Answer { peer, sdp, .. } if *peer == one => Some(sdp.clone()),
        _ => None,
    });
    assert!(answer.contains("a=recvonly") && answer.contains("useinbandfec=1\r\n"), "{answer}");
    let deadline = Instant::now() + PATIENCE;
    while next_second(&mut room, &all, [LIAR])[0] < -24.0 {
        assert!(Instant::now() < deadline, "it is not heard");
    }
    assert!(!is_loud(&heard), "it is sent something");
    room.close();
}

#[test]
fn stamps_that_jump_disturb_nobody() {
    disturbs_nobody(
        "stamps that jump",
        liar(|number, packet| {
            let jump = (number / 20).wrapping_mul(0x9e37_79b9);
            stamped(packet, |stamp| stamp.wrapping_add(jump));
        }),
    );
}

#[test]
fn stamps_that_run_backwards_disturb_nobody() {
    disturbs_nobody("stamps that run backwards", liar(|_, packet| stamped(packet, u32::wrapping_neg)));
}

#[test]
fn ten_seconds_in_each_packet_disturb_nobody() {
    disturbs_nobody(
        "ten seconds a packet",
        liar(|number, packet| {
            stamped(packet, |stamp| stamp.wrapping_add(number * 480_000));
        }),
    );
}

#[test]
fn another_rate_than_was_offered_disturbs_nobody() {
    // PCMU, 8 kHz.
    let level = disturbs_nobody("another codec", liar(|_, packet| packet[1] &= 0x80));
    assert!(level < -60.0, "it is heard at {level} dBFS");
}

#[test]
fn other_channels_and_lengths_than_were_offered_disturb_nobody() {
    disturbs_nobody(
        "other channels and lengths",
        liar(|number, packet| {
            // Of the first byte of Opus: stereo, and how many frames follow.
            if let Some(kind) = packet.get_mut(12) {
                *kind ^= number as u8 & 0x07;
            }
        }),
    );
}

#[test]
fn packets_of_nonsense_disturb_nobody() {
    disturbs_nobody(
        "nonsense",
        liar(|number, packet| {
            let mut state = number.wrapping_mul(0x9e37_79b9) | 1;
            for byte in packet.iter_mut().skip(12) {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                *byte = state as u8;
            }
        }),
    );
}

#[test]
fn noise_at_full_scale_disturbs_as_little_as_it_can() {
    let noise = Show { video: None, audio: "wave=white-noise volume=1.0" };
    disturbs_nobody("noise", Publisher::start(&noise));
}
