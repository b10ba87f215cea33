//! Answers and candidates that are late, doubled, or garbage.

use coguestd::model::Code;
use coguestd::model::media::{Ask, IceCandidate, Report, Session};
use coguestd::model::stage::StageReport;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::seat::{BOTH, NOTHING, Seat, Setup};

/// Answers tried: each takes a peer of its own, a tenth of a second.
const ANSWERS: u32 = 60;

pub fn offer_of(seat: &Seat, session: Session) -> Option<String> {
    seat.said.iter().find_map(|said| match said {
        Report::Offer { session: of, sdp } if *of == session => Some(sdp.clone()),
        _ => None,
    })
}

fn failure_of(seat: &Seat, session: Session) -> Option<&'static str> {
    seat.said.iter().find_map(|said| match said {
        Report::PeerFailed { session: of, fault } if *of == session => Some(fault.stage),
        _ => None,
    })
}

pub fn answer_to(seat: &mut Seat, session: Session) -> String {
    let offer = seat.wait_alone("the offer", |seat| offer_of(seat, session));
    let from = seat.seen.len();
    seat.carry_offer(&offer);
    seat.wait_alone("the answer", |seat| {
        seat.seen[from..].iter().find_map(|report| match report {
            StageReport::Answer { sdp, .. } => Some(sdp.clone()),
            _ => None,
        })
    })
}

#[test]
fn what_names_another_session_or_exchange_is_dropped_and_the_answer_counts_once() {
    let mut seat = Seat::open(Setup::default());
    let old = seat.sit_down(NOTHING);
    let session = seat.try_again(NOTHING);
    let answer = answer_to(&mut seat, session);
    let late = [old, Session { exchange: 2, ..session }, Session { epoch: 99, ..session }];
    for of in late {
        seat.ask(Ask::Answer { session: of, sdp: "v=0".to_owned() });
        seat.ask(Ask::Answer { session: of, sdp: answer.clone() });
        seat.ask(Ask::Candidate { session: of, candidate: None });
    }
    // A broker may hand it on twice.
    for _ in 0..3 {
        seat.ask(Ask::Answer { session, sdp: answer.clone() });
    }
    seat.live();
    seat.ask(Ask::Answer { session, sdp: "garbage after the fact".to_owned() });
    seat.sees("pictures", |stats| stats.video.as_ref().is_some_and(|video| video.frames > 5));
    assert_eq!(failure_of(&seat, session), None);
    let offered = |said: &&Report| matches!(said, Report::Offer { session: of, .. } if *of == session);
    assert_eq!(seat.said.iter().filter(offered).count(), 1);
    seat.close();
}

#[test]
fn a_stage_that_shows_another_certificate_than_its_answer_names_gets_nothing() {
    let mut seat = Seat::open(Setup::default());
    let session = seat.sit_down(BOTH);
    let answer = answer_to(&mut seat, session);
    let named = answer.lines().find(|line| line.starts_with("a=fingerprint:")).expect("it names one");
    let nobody = format!("a=fingerprint:sha-256 {}", ["AB"; 32].join(":"));
    seat.ask(Ask::Answer { session, sdp: answer.replace(named, &nobody) });
    let fault = seat.wait("the end", |seat| {
        seat.said.iter().find_map(|said| match said {
            Report::PeerFailed { session: of, fault } if *of == session => Some(fault.clone()),
            _ => None,
        })
    });
    assert_eq!((fault.stage, fault.code), ("dtls", Code::PeerNotTrusted), "{fault:?}");
    let sent = |said: &Report| matches!(said, Report::FirstPacket { .. } | Report::Connected { .. });
    assert!(!seat.said.iter().any(sent), "{:#?}", seat.said);
    let heard = |seen: &StageReport| match seen {
        StageReport::Live { .. } => true,
        StageReport::Stats(all) => all.iter().any(|(_, stats)| stats.loss.is_some()),
        _ => false,
    };
    assert!(!seat.seen.iter().any(heard), "{:#?}", seat.seen);
    // The answer as it was: with several fingerprints of which one is right, it is trusted.
    let session = seat.try_again(BOTH);
    let answer = answer_to(&mut seat, session);
    let two = answer.replace(named, &format!("{nobody}\r\na=fingerprint:sha-1 00:11\r\n{named}"));
    seat.ask(Ask::Answer { session, sdp: two });
    seat.live();
    seat.close();
}

/// What a stage may answer: the real one with lines lost, doubled, changed; or anything.
fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => any::<prop::sample::Index>().prop_map(Change::Lose),
        3 => any::<prop::sample::Index>().prop_map(Change::Double),
        6 => (any::<prop::sample::Index>(), "[a-z=:/ 0-9\\-]{0,40}").prop_map(|(at, text)| Change::Replace(at, text)),
        6 => (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<char>())
            .prop_map(|(at, place, c)| Change::Letter(at, place, c)),
        2 => any::<prop::sample::Index>().prop_map(Change::Cut),
        2 => any::<String>().prop_map(Change::Anything),
        1 => Just(Change::Long),
    ]
}

#[derive(Debug, Clone)]
enum Change {
    Lose(prop::sample::Index),
    Double(prop::sample::Index),
    Replace(prop::sample::Index, String),
    Letter(prop::sample::Index, prop::sample::Index, char),
    Cut(prop::sample::Index),
    Anything(String),
    Long,
}

impl Change {
    fn make(&self, answer: &str) -> String {
        let mut lines: Vec<String> = answer.lines().map(str::to_owned).collect();
        match self {
            Self::Lose(at) => {
                lines.remove(at.index(lines.len()));
            }
            Self::Double(at) => {
                let at = at.index(lines.len());
                lines.insert(at, lines[at].clone());
            }
            Self::Replace(at, text) => {
                let at = at.index(lines.len());
                lines[at] = format!("a={text}");
            }
            Self::Letter(at, place, c) => {
                let at = at.index(lines.len());
                let mut letters: Vec<char> = lines[at].chars().collect();
                let place = place.index(letters.len().max(1)).min(letters.len().saturating_sub(1));
                letters[place] = *c;
                lines[at] = letters.into_iter().collect();
            }
            Self::Cut(at) => lines.truncate(at.index(lines.len())),
            Self::Anything(text) => return text.clone(),
            Self::Long => lines.push(format!("a={}", "x".repeat(60 * 1024))),
        }
        lines.join("\r\n") + "\r\n"
    }
}

#[test]
fn any_answer_is_taken_or_fails_its_peer_and_nothing_more() {
    let mut seat = Seat::open(Setup::default());
    // Of one peer, for shape: what it names of another's transport does not matter to whoever reads it.
    let session = seat.sit_down(NOTHING);
    let answer = answer_to(&mut seat, session);
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(7), ..Config::default() });
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..ANSWERS {
        let change = change().new_tree(&mut runner).expect("a change").current();
        // A stay of its own: what an answer refuses is not offered again in the same.
        let session = seat.sit_down(NOTHING);
        seat.wait_alone("the offer", |seat| offer_of(seat, session));
        seat.ask(Ask::Answer { session, sdp: change.make(&answer) });
        // Answered in order: once the publisher is alive again it has read the answer.
        beat(&mut seat);
        match failure_of(&seat, session) {
            Some(stage) => {
                // An answer without the codec's name takes no pictures: they are offered in the other one.
                assert!(["sdp", "codec"].contains(&stage), "{stage}: {change:?}");
                refused += 1;
            }
            None => taken += 1,
        }
        if let Change::Anything(_) = change {
            assert_eq!(failure_of(&seat, session), Some("sdp"), "{change:?}");
        }
    }
    assert!(refused > 10 && taken > 10, "both were tried: {refused} refused, {taken} taken");
    seat.sit_down(NOTHING);
    seat.live();
    seat.close();
}

/// Waits until the publisher has answered to a question asked now.
fn beat(seat: &mut Seat) {
    for _ in 0..2 {
        seat.wait_alone("the publisher", |seat| seat.is_alive().then_some(()));
    }
    seat.wait_alone("the publisher", |seat| seat.is_alive().then_some(()));
}

#[test]
fn any_candidate_is_taken_or_dropped() {
    let mut seat = Seat::open(Setup::default());
    let session = seat.sit_down(NOTHING);
    seat.wait_alone("the offer", |seat| offer_of(seat, session));
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(7), ..Config::default() });
    let candidate = (
        prop_oneof![
            any::<String>(),
            "candidate:[0-9a-z]{0,3} [0-3] (udp|TCP|x) [0-9]{0,12} [0-9.:a-f]{0,20} [0-9]{0,6} typ (host|relay|x).{0,20}",
            Just("candidate:1 1 UDP 1 fe80::1 9 typ host".to_owned()),
            Just("candidate:1 1 UDP 1 224.0.0.1 9 typ host".to_owned()),
            Just("candidate:1 1 TCP 1 192.0.2.9 9 typ host tcptype active".to_owned()),
            Just("candidate:1 1 UDP 1 0a6f.local 9 typ host".to_owned()),
            Just("x".repeat(60_000)),
        ],
        prop_oneof![Just(None), any::<String>().prop_map(Some), Just(Some("audio0".to_owned()))],
        prop_oneof![Just(None), Just(Some(0)), Just(Some(u32::MAX)), any::<u32>().prop_map(Some)],
    );
    // Before the answer, and after.
    let answer = answer_to(&mut seat, session);
    for _ in 0..2 {
        for _ in 0..200 {
            let (text, mid, line) = candidate.new_tree(&mut runner).expect("a candidate").current();
            let candidate = IceCandidate {
                candidate: text,
                sdp_mid: mid,
                sdp_m_line_index: line,
                username_fragment: None,
            };
            seat.ask(Ask::Candidate { session, candidate: Some(candidate) });
            seat.ask(Ask::Candidate { session, candidate: None });
        }
        beat(&mut seat);
        assert_eq!(failure_of(&seat, session), None);
        seat.ask(Ask::Answer { session, sdp: answer.clone() });
        beat(&mut seat);
    }
    seat.sit_down(NOTHING);
    seat.live();
    seat.close();
}
